# SPDX-License-Identifier: GPL-2.0-or-later
"""What is measured: the list of rows, each with its batch, the machine or program
that measures it together with others (batches.py)."""
import re
from collections import namedtuple

# unit: what the measured number is in.
Row = namedtuple("Row", "name group batch unit what")


def _rows(group, batch, unit, **what):
    return [Row(name, group, batch, unit, text) for name, text in what.items()]


ROWS = [
    *_rows(
        "integer", "programs", "ns",
        crc32="CRC-32 of 4 KiB by table",
        recursion="Fibonacci 16 by recursion",
        qsort="libc's qsort, 1,000 numbers",
        strings="snprintf, strtok, strstr",
        hash="hash table of 512 words",
        compress="zlib compress2(), 32 KiB of text",
        deflate="the same, one stream for all",
    ),
    *_rows(
        "float", "programs", "ns",
        x87="100 steps of an orbit",
        matmul="32 x 32 matrices in SSE2",
        libm="100 sin and sqrt",
    ),
    *_rows(
        "memory", "programs", "ns",
        memcpy="libc's, 64 KiB",
        memset="libc's, 64 KiB",
        mmap="map, touch, unmap a page",
        page_fault="first touch of a mapped page",
        protection_fault="SIGSEGV and return",
    ),
    *_rows(
        "calls", "programs", "ns",
        null="getppid()",
        read="1 byte of /dev/zero",
        write="1 byte to /dev/null",
        stat="stat of /dev/null",
        open_close="open, close /dev/null",
        signal="kill itself and return",
    ),
    *_rows(
        "processes", "programs", "ns",
        fork_exit="fork, exit, wait",
        fork_exec="fork, exec, exit, wait",
        pipe="there and back, 2 processes",
        switch2="context switch, 2 processes",
        switch8="context switch, 8 processes",
    ),
    *_rows(
        "boot", "boot", "s",
        kernel_init="kernel to /init and off",
        kernel_init_cpu="its processor time",
    ),
    *_rows(
        "debian", "debian", "s",
        debian_login="systemd to login",
        gzip="tar and gzip of a tree",
        xz="tar and xz of a tree",
        gcc="gcc -O2, 230 lines",
        gcc_again="the same once more",
        compile="gcc -O2, zlib's deflate.c",
        compile_again="the same once more",
        script="shell script, 500 forks",
        script_again="the same once more",
    ),
    *_rows(
        "nano", "nano", "cycles",
        cli_sti="CLI, STI",
        pushf_popf="PUSHF, POPF",
        in_pic="IN, 8259 mask",
        out_pic="OUT, 8259 mask",
        in_pit="IN, 8254 counter",
        out_pit="OUT, 8254 counter",
        int_iret="INT, IRET at ring 0",
        int_iret_user="INT, IRET from ring 3",
        sysenter_sysexit="SYSENTER, SYSEXIT",
        far_call="far CALL, RETF",
        load_segment="MOV ES",
        cr3_load="MOV CR3, other space",
        cr3_load_16_pages="and 16 pages read",
        invlpg="INVLPG",
        pte_write="write to a PTE",
        pte_write_invlpg_read="PTE, INVLPG, read",
        page_fault_raw="#PF, IRET at ring 0",
        page_fault_user="#PF, IRET from ring 3",
        page_fault_mapped="#PF, map, read, unmap",
        divide_error="#DE, IRET",
        rdtsc="RDTSC",
        cpuid="CPUID",
        hlt_interrupt="PIT, HLT, interrupt",
    ),
]


def select(pattern):
    """The rows whose whole name, start of the name up to a _, or group matches."""
    regex = re.compile(rf"(?:{pattern})(?:_.*)?$")
    return [r for r in ROWS if regex.match(r.name) or re.fullmatch(f"(?:{pattern})", r.group)]
