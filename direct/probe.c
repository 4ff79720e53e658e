/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the host does with 32-bit code, found out by running some in a stub:
 * compat mode may be missing (a kernel under a software hypervisor), bases of FS and GS
 * may not be kept without descriptors (no FSGSBASE), and an instruction that has to
 * fault may not.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/log.h"
#include "direct/direct_internal.h"

#define CODE_AT		 0x100000u
#define FS_VALUE	 0x11223344u
#define GS_VALUE	 0x55667788u
#define MIN_ADDRESS_FILE "/proc/sys/vm/mmap_min_addr"

static const uint8_t code[] = {
    0x65, 0xa1, 0x00, 0x01, 0x00, 0x00,	      /* 00: mov eax, gs:[100h] */
    0x64, 0x8b, 0x1d, 0x00, 0x01, 0x00, 0x00, /* 06: mov ebx, fs:[100h] */
    0xf4,				      /* 0d: hlt */
    0x0f, 0x31,				      /* 0e: rdtsc */
    0x0f, 0xa2,				      /* 10: cpuid */
    0xcd, 0x80,				      /* 12: int 80h */
    0xcc,				      /* 14: int3 */
};
#define AT_HLT	 0x0du
#define AT_RDTSC 0x0eu
#define AT_CPUID 0x10u
#define AT_INT80 0x12u
#define AT_INT3	 0x14u

/* The last page of the stub's list, which is not in use yet. */
static bool map_code(struct stub *s, bool on)
{
	uint64_t page = CALLS_BYTES - PAGE_SIZE;
	uint8_t *at = (uint8_t *)s->calls + page;
	const uint32_t values[] = {FS_VALUE, GS_VALUE};
	int64_t result;
	pid_t child;

	memcpy(at, code, sizeof(code));
	memcpy(at + 0x200, values, sizeof(values));
	s->calls[0] =
	    (struct stub_call){.number = on ? SYS_mmap : SYS_munmap,
			       .args = {CODE_AT, PAGE_SIZE, PROT_READ | PROT_EXEC,
					MAP_SHARED | MAP_FIXED, (uint64_t)s->d->control,
					calls_offset(1 + (unsigned)(s - s->d->stubs)) + page}};
	return task_perform(s->d, s->mapper, s->calls, 1, &result, &child);
}

/* Runs from there until it stops. Returns the signal, or 0. */
static int run_from(struct stub *s, uint32_t offset, struct user_regs_struct *r)
{
	int status;

	*r = (struct user_regs_struct){.rip = CODE_AT + offset,
				       .eflags = FL_1 | FL_IF,
				       .cs = HOST_CS32,
				       .ss = HOST_DATA,
				       .ds = HOST_DATA,
				       .es = HOST_DATA,
				       .orig_rax = ~0ull};
	if (!state_set_bases(s, r, CODE_AT + 0x100, CODE_AT + 0x104) ||
	    !task_set_regs(s->guest, r) || !task_run_guest(s->guest) ||
	    !task_wait(s->guest, &status) || !task_regs(s->guest, r))
		return 0;
	return task_at_call(status) ? SIGSYS : WSTOPSIG(status);
}

static bool bases_kept(struct stub *s)
{
	struct user_regs_struct r;

	return run_from(s, 0, &r) == SIGSEGV && r.rip == CODE_AT + AT_HLT &&
	       (uint32_t)r.rax == GS_VALUE && (uint32_t)r.rbx == FS_VALUE;
}

static bool try_code(struct stub *s)
{
	struct direct *d = s->d;
	struct user_regs_struct r;

	if (!bases_kept(s)) {
		d->own_descriptors = true;
		if (!bases_kept(s))
			return direct_lacks(d,
					    "the host runs no 32-bit code, or keeps no bases of "
					    "FS and GS",
					    0);
	}
	if (d->tsc_faults &&
	    (run_from(s, AT_RDTSC, &r) != SIGSEGV || r.rip != CODE_AT + AT_RDTSC))
		return direct_lacks(d, "RDTSC does not fault", 0);
	if (d->cpuid_faults &&
	    (run_from(s, AT_CPUID, &r) != SIGSEGV || r.rip != CODE_AT + AT_CPUID))
		return direct_lacks(d, "CPUID does not fault", 0);
	if (run_from(s, AT_INT3, &r) != SIGTRAP || r.rip != CODE_AT + AT_INT3 + 1)
		return direct_lacks(d, "INT3 does not trap", 0);
	switch (run_from(s, AT_INT80, &r)) {
	case SIGSYS: /* with IA32 emulation */
		if (r.rip == CODE_AT + AT_INT80 + 2)
			return true;
		break;
	case SIGSEGV: /* without */
		if (r.rip == CODE_AT + AT_INT80)
			return true;
		break;
	}
	return direct_lacks(d, "INT 80h does not stop", 0);
}

/* In pages, by groups of 16 as fills go. */
static uint32_t first_page(void)
{
	unsigned long bytes = 65536;
	FILE *f = fopen(MIN_ADDRESS_FILE, "re");

	if (f) {
		if (fscanf(f, "%lu", &bytes) != 1)
			bytes = 65536;
		fclose(f);
	}
	return (uint32_t)((bytes + 0xffff) >> 16 << 4);
}

static bool run_int3(void *stub)
{
	struct user_regs_struct r;

	run_from(stub, AT_INT3, &r);
	return true;
}

/* A trap is two turns between tasks, and as much again for state, the guest's kernel and caches. */
static uint64_t measure_trap(struct stub *s)
{
	uint64_t least;

	placement_together(s);
	least = turn_time(run_int3, s);
	placement_end(s->d); /* threads that are made meanwhile would be held, too */
	return 2 * least;
}

bool probe_run(struct direct *d)
{
	struct stub *s = &d->stubs[0];
	int err;

	if (!stub_make(d, s) || !map_code(s, true))
		return direct_lacks(d, "no stub can be made", 0);
	if (!try_code(s))
		return false;
	d->trap_ns = measure_trap(s);
	LOG(LOG_VM, "direct execution: a trap takes about %llu ns", (unsigned long long)d->trap_ns);
	if (!map_code(s, false))
		return false;
	memset(s->calls, 0, CALLS_BYTES);
	err = space_stubs_enable(d->cpu, first_page(), page_executable);
	return !err || direct_lacks(d, "no windows for stubs", -err);
}
