#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""benchmarks/run itself: that it measures, and that what fails ends nothing else."""
import json
import os
import subprocess
import sys
import tempfile

from machine import CACHE, ENGINE, PROGRAM, ROOT, Failure, Skip, main

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(ROOT, "benchmarks"))
from suite import kvm, native, peers, plot, report, rows  # noqa: E402

ACCELERATOR = ENGINE[ENGINE.index("-accel") + 1] if "-accel" in ENGINE else "interp"


def run(directory, *arguments):
    """Returns the finished process and the JSON that it has written, by row."""
    path = os.path.join(directory, "out.json")
    process = subprocess.run(
        [os.path.join(ROOT, "benchmarks", "run"), "--no-install", "--quick", "--transvisor", PROGRAM]
        + ["--json", path, "--svg", os.path.join(directory, "out.svg"), *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    print(process.stdout + process.stderr)
    if process.returncode:
        return process, {}
    with open(path, encoding="utf-8") as f:
        return process, {row["name"]: row["peers"] for row in json.load(f)["rows"]}


def nano():
    """The kernel with the nanobenchmarks gets to its end; a peer that fails says so."""
    with tempfile.TemporaryDirectory() as directory:
        process, rows = run(
            directory, "--rows", "nano", "--peers", ACCELERATOR, "--peer", "broken=false"
        )
        if process.returncode or len(rows) < 20:
            raise Failure(f"exit status {process.returncode}, {len(rows)} rows")
        for name, peers in rows.items():
            if not peers[ACCELERATOR]["median"]:
                raise Failure(f"{name}: no value")
            if peers["broken"]["median"] is not None:
                raise Failure(f"{name}: a value from a peer that does not run")
        if "failed" not in process.stdout or "broken: nano: ended with status 1" not in process.stderr:
            raise Failure("the failing peer is not reported")


def programs():
    """The programs on the host; in a guest they take longer than a test should."""
    names = ["compress", "crc32", "libm", "mmap", "null", "pipe"]
    probe = ["gcc", "-m32", "-static", "-x", "c", "-o", os.devnull, "-"]
    text = "#include <stdio.h>\nint main(void){return puts(\"\");}"
    if subprocess.run(probe, input=text, text=True, capture_output=True, check=False).returncode:
        raise Skip("gcc cannot make i386 programs: tests/packages/install bench")
    if native.trouble():
        raise Skip(native.trouble())
    if not os.path.isdir(os.path.join(CACHE, "zlib")):
        raise Skip("cache/zlib is missing: run tests/packages/fetch zlib")
    with tempfile.TemporaryDirectory() as directory:
        process, rows = run(directory, "--rows", "|".join(names), "--peers", "native")
        if process.returncode or sorted(rows) != names:
            raise Failure(f"exit status {process.returncode}, rows {sorted(rows)}")
        if not all(peers["native"]["median"] for peers in rows.values()):
            raise Failure("a row has no value")


def without_native():
    """Where the host is no peer, one line says so, and the others go on."""
    if not native.trouble():
        raise Skip("the host runs i386 programs")
    with tempfile.TemporaryDirectory() as directory:
        process, _ = run(directory, "--rows", "crc32", "--peers", "native")
        if process.returncode != 1 or process.stdout or len(process.stderr.splitlines()) != 1:
            raise Failure(f"native alone: status {process.returncode}")
        process, rows = run(
            directory, "--rows", "cli_sti", "--peers", f"native,{ACCELERATOR}"
        )
        if process.returncode or "no peer 'native'" not in process.stderr:
            raise Failure(f"exit status {process.returncode}")
        if any(list(peers) != [ACCELERATOR] for peers in rows.values()) or not rows:
            raise Failure(f"rows {rows}")


def kvm_label():
    """An emulated KVM is called so, and nothing is compared with it; with hardware it is a
    peer like any other, and there by default."""
    row = rows.ROWS[0]
    commands = {"tcg": ["qemu", "-accel", "tcg"], "kvm": ["tv", "-accel", "kvm:bt"]}
    for hardware in (False, True):
        kvm.hardware = lambda found=hardware: found
        r = report.Report([row], [peers.Peer(*p) for p in commands.items()])
        r.add(row.name, "tcg", 2.0)
        r.add(row.name, "kvm", 1.0)
        table = "\n".join(r.table())
        ratio = json.loads(r.json({}))["rows"][0]["peers"]["kvm"]["over_tcg"]
        if (kvm.EMULATED in table) == hardware or ("/tcg" in table) != hardware:
            raise Failure(table)
        if ratio != (0.5 if hardware else None) or ("0.50x" in plot.svg(r)) != hardware:
            raise Failure(f"ratio {ratio}")
    if [c for c in (["-accel", "kvm"], ["-M", "pc,accel=kvm:tcg"], ["-enable-kvm"])
            if not kvm.is_kvm(c)] or kvm.is_kvm(["-accel", "bt"]) or kvm.is_kvm(None):
        raise Failure("is_kvm")


def options():
    """A bad option gets one line and status 1."""
    for bad in (
        ["--bogus"],
        ["--rounds", "0"],
        ["--rows", "nothing_like_it"],
        ["--rows", "("],
        ["--peers", "tcg,tcg"],
        ["--peer", "nameless"],
    ):
        with tempfile.TemporaryDirectory() as directory:
            process, _ = run(directory, *bad)
            if process.returncode != 1 or process.stdout or len(process.stderr.splitlines()) != 1:
                raise Failure(f"{bad}: status {process.returncode}")


main([nano, programs, without_native, kvm_label, options])
