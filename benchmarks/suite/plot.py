# SPDX-License-Identifier: GPL-2.0-or-later
"""The plot: bars of how many times slower than native each peer is, on a log scale; rows
that native does not have are compared with tcg in a second panel."""
import math
from html import escape

from suite.report import format_ratio

COLOURS = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#777777"]
LABELS, PLOT, RIGHT = 300, 620, 70  # widths
BAR, GAP, AXIS, LEGEND = 13, 9, 44, 34  # heights
FONT = "font-family='DejaVu Sans, Helvetica, Arial, sans-serif'"


def text(x, y, string, size=12, anchor="start", colour="#222", weight="normal"):
    return (
        f"<text x='{x:.1f}' y='{y:.1f}' font-size='{size}' text-anchor='{anchor}' "
        f"fill='{colour}' font-weight='{weight}'>{escape(string)}</text>"
    )


def line(x1, y1, x2, y2, colour):
    return f"<line x1='{x1:.1f}' y1='{y1:.1f}' x2='{x2:.1f}' y2='{y2:.1f}' stroke='{colour}'/>"


class Panel:
    """Rows against one base peer."""

    def __init__(self, report, base, rows, colours):
        self.report, self.base, self.colours = report, base, colours
        self.peers = [p.name for p in report.peers if p.name in colours and p.name != base]
        self.rows = [
            (row, ratios)
            for row in rows
            if any(ratios := [report.ratio(row, name, base) for name in self.peers])
        ]
        values = [v for _, ratios in self.rows for v in ratios if v]
        self.low = min([0.5, *values]) / 1.05
        self.high = max([2.0, *values]) * 1.6  # room for the figures
        self.height = AXIS + sum(BAR * len(self.peers) + GAP for _ in self.rows) + 20

    def x(self, value):
        span = math.log(self.high / self.low)
        return LABELS + PLOT * math.log(value / self.low) / span

    def grid(self, top, bottom):
        """Vertical lines at 1, 2 and 5 times the powers of ten; figures where there is room."""
        decades = math.log10(self.high / self.low)
        steps = (1, 2, 5) if decades < 2.5 else (1,)
        for exponent in range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1):
            for step in (1, 2, 5):
                value = step * 10**exponent
                if not self.low <= value <= self.high:
                    continue
                yield line(self.x(value), top, self.x(value), bottom,
                           "#555" if value == 1 else "#ccc" if step == 1 else "#eee")
                if step in steps:
                    yield text(self.x(value), top - 5, f"{value:g}x", 11, "middle", "#555")

    def draw(self, y):
        yield text(10, y + 14, f"times slower than {self.base}: left is better", 13, weight="bold")
        top = y + AXIS
        yield from self.grid(top, y + self.height - 20)
        y = top + GAP / 2
        for row, ratios in self.rows:
            middle = y + BAR * len(self.peers) / 2 + 4
            yield text(LABELS - 8, middle, row.name, 12, "end")
            yield text(10, middle, row.what, 9.5, colour="#777")
            for name, ratio in zip(self.peers, ratios):
                if ratio:
                    x1, x2 = sorted((self.x(1), self.x(ratio)))
                    yield (f"<rect x='{x1:.1f}' y='{y + 1:.1f}' width='{max(x2 - x1, 1):.1f}' "
                           f"height='{BAR - 2}' fill='{self.colours[name]}'/>")
                    yield text(x2 + 4, y + BAR - 3, format_ratio(ratio), 10)
                else:
                    yield text(self.x(1) + 4, y + BAR - 3, f"{name}: no result", 10, colour="#a00")
                y += BAR
            y += GAP


def svg(report):
    names = [p.name for p in report.peers if p.name != "native" and not p.emulated]
    colours = {name: COLOURS[i % len(COLOURS)] for i, name in enumerate(names)}
    by_base = {"native": [], "tcg": []}
    for row in report.rows:
        by_base["native" if report.median(row, "native") else "tcg"].append(row)
    panels = [Panel(report, base, rows, colours) for base, rows in by_base.items()]
    panels = [p for p in panels if p.rows]
    width, height = LABELS + PLOT + RIGHT, LEGEND + sum(p.height for p in panels) + 10
    out = [
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{height:.0f}' "
        f"viewBox='0 0 {width} {height:.0f}' {FONT}>",
        f"<rect width='{width}' height='{height:.0f}' fill='white'/>",
    ]
    x = 10
    for name in names:
        out.append(f"<rect x='{x}' y='10' width='13' height='13' fill='{colours[name]}'/>")
        out.append(text(x + 19, 21, name))
        x += 40 + 8 * len(name)
    y = LEGEND
    for panel in panels:
        out.extend(panel.draw(y))
        y += panel.height
    return "\n".join(out) + "\n</svg>\n"
