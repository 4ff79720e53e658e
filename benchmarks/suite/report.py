# SPDX-License-Identifier: GPL-2.0-or-later
"""What the samples say: medians, ratios, the table and the JSON."""
import json
import platform
import statistics
import time

TIME_UNITS = [("s", 1.0), ("ms", 1e-3), ("us", 1e-6), ("ns", 1e-9)]


class Report:
    """samples[row name][peer name] is a list, an entry a round, None where it failed."""

    def __init__(self, rows, peers):
        self.rows = rows
        self.peers = peers
        self.samples = {r.name: {p.name: [] for p in peers} for r in rows}

    def add(self, row_name, peer_name, value):
        self.samples[row_name][peer_name].append(value)

    def median(self, row, peer_name):
        """None without a sample."""
        values = [v for v in self.samples[row.name].get(peer_name, []) if v is not None]
        return statistics.median(values) if values else None

    def ratio(self, row, peer_name, base_name):
        """How many times slower than another peer, or None: of an emulated KVM always."""
        if any(p.emulated for p in self.peers if p.name in (peer_name, base_name)):
            return None
        value, base = self.median(row, peer_name), self.median(row, base_name)
        return value / base if value and base and peer_name != base_name else None

    # ---- the table ----

    def _cell(self, row, peer):
        value = self.median(row, peer.name)
        if value is None:
            return "failed" if self.samples[row.name][peer.name] else "-"
        return format_value(value, row.unit)

    def table(self):
        """Lines of text: for each peer the median, then how many times slower than native
        and than tcg."""
        names = [p.name for p in self.peers]
        bases = [b for b in ("native", "tcg") if b in names]
        head, columns = ["row"], []
        for peer in self.peers:
            name = peer.name
            columns.append((name, None))
            head.append(peer.label)
            for base in bases:
                if base != name and name != "native" and not peer.emulated:
                    columns.append((name, base))
                    head.append("/" + base)
        lines = [head]
        for row in self.rows:
            line = [row.name]
            for name, base in columns:
                if base is None:
                    line.append(self._cell(row, next(p for p in self.peers if p.name == name)))
                else:
                    line.append(format_ratio(self.ratio(row, name, base)))
            lines.append(line)
        widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
        return [
            "  ".join([line[0].ljust(widths[0])] + [c.rjust(w) for c, w in zip(line[1:], widths[1:])])
            for line in lines
        ]

    # ---- JSON ----

    def json(self, settings):
        rows = []
        for row in self.rows:
            entry = {"name": row.name, "group": row.group, "what": row.what, "unit": row.unit}
            entry["peers"] = {
                p.name: {
                    "median": self.median(row, p.name),
                    "samples": self.samples[row.name][p.name],
                    "over_native": self.ratio(row, p.name, "native"),
                    "over_tcg": self.ratio(row, p.name, "tcg"),
                }
                for p in self.peers
            }
            rows.append(entry)
        return json.dumps(
            {
                "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                "host": {"kernel": platform.release(), "processor": processor()},
                "settings": settings,
                "peers": {p.name: p.command for p in self.peers},
                "without_hardware": [p.name for p in self.peers if p.emulated],
                "rows": rows,
            },
            indent=1,
        )


def processor():
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as f:
            return next(line.partition(":")[2].strip() for line in f if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.machine()


def format_value(value, unit):
    if unit == "cycles":
        return f"{value:.0f} cy" if value >= 100 else f"{value:.1f} cy"
    seconds = value * dict(TIME_UNITS)[unit]
    name, scale = next((u for u in TIME_UNITS if seconds >= u[1]), TIME_UNITS[-1])
    return f"{seconds / scale:.3g} {name}" if seconds / scale < 100 else f"{seconds / scale:.0f} {name}"


def format_ratio(ratio):
    if ratio is None:
        return ""
    return f"{ratio:.2f}x" if ratio < 10 else f"{ratio:.0f}x"
