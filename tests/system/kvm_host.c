/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the host's KVM does with single instructions, asked by ioctl() alone: no
 * part of Transvisor is in this program. It tells faults of a KVM that is an
 * emulation from faults of ours: tests/system/kvm_limits.py has the list of tests
 * that such a KVM cannot pass, and this program is the evidence.
 *
 * Each case runs in a protected-mode machine without paging, at ring 0 or 3 with
 * IOPL 3, or in virtual-8086 mode. Behind the instruction stands an OUT, which
 * says that it was executed; handlers of exceptions are HLTs, whose address says
 * which one it was. A line a case: name, what came, what the SDM says.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#define MEMORY	 0x40000u
#define GDT_AT	 0x1000u
#define IDT_AT	 0x2000u
#define TSS_AT	 0x3000u
#define TABLE_AT 0x4000u /* non-PAE directory, then a table, then PAE's two */
#define OTHER_PDPT (TABLE_AT + 0x20)
#define HANDLERS 0x8000u
#define CODE_AT	 0x10000u
#define DATA_AT	 0x20000u /* holds zeros */
#define STACK0	 0x30000u
#define STACK3	 0x38000u
#define PASS	 0x80 /* the port */

enum { EXECUTED = -1, FAILED = -2, OTHER = -3 }; /* else an exception's vector */
enum mode { RING0, RING3, V86, PSE, PAE };

static const struct instruction {
	const char *name;
	enum mode mode;
	const char *bytes;
	unsigned length;
	int expected;
} cases[] = {
#define I(name, mode, bytes, expected) {name, mode, bytes, sizeof(bytes) - 1, expected}
	I("NOP", RING0, "\x90", EXECUTED),
	I("NOP", RING3, "\x90", EXECUTED),
	I("LAR", RING0, "\x0f\x02\xc1", EXECUTED),
	I("LAR", RING3, "\x0f\x02\xc1", EXECUTED),
	I("LSL", RING3, "\x0f\x03\xc1", EXECUTED),
	I("VERR", RING3, "\x0f\x00\xe1", EXECUTED),
	I("ARPL", RING3, "\x63\xc8", EXECUTED),
	I("SLDT", V86, "\x0f\x00\xc0", 6),
	I("INT3", RING0, "\xcc", 3),
	I("INT3", RING3, "\xcc", 3),
	I("INT n", RING0, "\xcd\x30", 0x30),
	I("INT n", RING3, "\xcd\x30", 0x30),
	I("INTO", RING3, "\xce", EXECUTED),
	I("BOUND", RING3, "\x62\x1d\x00\x00\x02\x00", EXECUTED), /* EBX is 0 */
	I("CALL gate", RING3, "\x9a\x00\x00\x00\x00\x30\x00", EXECUTED),
	I("paging on, 4 KiB pages", RING0, "\x0f\x22\xc0", EXECUTED),
	I("paging on, PSE", PSE, "\x0f\x22\xc0", EXECUTED),
	I("paging on, PAE", PAE, "\x0f\x22\xc0", EXECUTED),
	I("CR4.SMEP that CPUID lacks", RING0, "\x0f\x22\xe1", 13),
	I("RDRAND", RING0, "\x0f\xc7\xf0", EXECUTED),
	I("FLD1", RING3, "\xd9\xe8", EXECUTED),
	I("FADD", RING3, "\xd8\xc1", EXECUTED),
	I("ADDPS", RING3, "\x0f\x58\xc1", EXECUTED),
	I("MOVAPS", RING3, "\x0f\x28\xc1", EXECUTED),
	I("SYSENTER", RING3, "\x0f\x34", 13),
	/* Paging on, D clear; MOV BYTE [the next], NOP, which was HLT. */
	I("code changed by the instruction before", RING0,
	  "\x0f\x22\xc0\xc6\x05\x0a\x00\x01\x00\x90\xf4", EXECUTED),
	/* Of another CR3's; at linear addresses that the first one's lack. */
	I("CPUID by other PDPTEs", PAE,
	  "\x0f\x22\xc0\x0f\x22\xda\xe9\x00\x00\x00\x40\x0f\xa2", EXECUTED),
	I("ADD to a read-only page where no memory is", RING0,
	  "\x0f\x22\xc0\x01\x05\x00\x00\x04\x00", 14),
#undef I
};
#define CASES (sizeof(cases) / sizeof(cases[0]))

struct host {
	int processor;
	struct kvm_run *run;
	uint8_t *memory;
};

static void fail(const char *what)
{
	printf("%s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

static void put64(uint8_t *at, uint64_t value)
{
	memcpy(at, &value, sizeof(value));
}

static uint64_t descriptor(uint32_t base, uint32_t limit, uint32_t attr)
{
	uint64_t high = (base & 0xff000000u) | (limit & 0xf0000u) | attr << 8 | (base >> 16 & 0xff);

	return high << 32 | (base & 0xffff) << 16 | (limit & 0xffff);
}

static void fill_memory(uint8_t *m)
{
	/* Null, code and data of rings 0 and 3, TSS, call gate to ring 0. */
	static const uint32_t attr[] = {0xc09b, 0xc093, 0xc0fb, 0xc0f3};

	memset(m, 0, MEMORY);
	for (unsigned i = 0; i < 4; i++)
		put64(m + GDT_AT + 8 + 8 * i, descriptor(0, 0xfffff, attr[i]));
	put64(m + GDT_AT + 0x28, descriptor(TSS_AT, 0x67, 0x8b));
	put64(m + GDT_AT + 0x30, 0x0000ec0000080000ull | 0x0000000000009000ull);
	for (unsigned v = 0; v < 256; v++) {
		put64(m + IDT_AT + 8 * v, 0x0000ee0000080000ull | (HANDLERS + 16 * v));
		m[HANDLERS + 16 * v] = 0xf4;
	}
	memcpy(m + TSS_AT + 4, &(uint32_t){STACK0}, 4);
	memcpy(m + TSS_AT + 8, &(uint32_t){0x10}, 4);
	m[DATA_AT + 4] = 0xff; /* BOUND: 0 to 255 */
}

static void fill_tables(uint8_t *m, enum mode mode)
{
	uint32_t entry = (TABLE_AT + 0x1000) | 7;

	if (mode == PSE)
		entry = 0x87;
	memcpy(m + TABLE_AT, &entry, 4);
	for (uint32_t i = 0; i < MEMORY >> 12; i++)
		memcpy(m + TABLE_AT + 0x1000 + 4 * i, &(uint32_t){i << 12 | 7}, 4);
	memcpy(m + TABLE_AT + 0x1000 + (MEMORY >> 10), &(uint32_t){MEMORY | 5}, 4);
	if (mode != PAE)
		return;
	put64(m + TABLE_AT, (TABLE_AT + 0x2000) | 1);
	for (unsigned i = 0; i < 2; i++)
		put64(m + OTHER_PDPT + 8 * i, (TABLE_AT + 0x2000) | 1);
	put64(m + TABLE_AT + 0x2000, 0x87);
}

static struct kvm_segment segment(uint16_t selector, uint8_t type, uint8_t dpl, bool flat)
{
	return (struct kvm_segment){.base = flat ? 0 : (uint32_t)selector << 4,
				    .limit = flat ? 0xffffffff : 0xffff,
				    .selector = selector,
				    .type = type,
				    .present = 1,
				    .dpl = dpl,
				    .db = flat,
				    .g = flat,
				    .s = 1};
}

static void set_registers(struct host *h, enum mode mode)
{
	unsigned dpl = mode == RING3 || mode == V86 ? 3 : 0;
	bool flat = mode != V86;
	uint16_t code = flat ? (mode == RING3 ? 0x1b : 0x08) : CODE_AT >> 4;
	uint16_t data = flat ? (mode == RING3 ? 0x23 : 0x10) : DATA_AT >> 4;
	struct kvm_regs regs = {.rip = flat ? CODE_AT : 0,
				.rsp = flat ? (mode == RING3 ? STACK3 : STACK0 - 0x100) : 0x1000,
				.rax = 0x80010033, /* CR0 with paging */
				.rcx = 0x100010,   /* a selector, CR4 with SMEP */
				.rdx = OTHER_PDPT,
				.rflags = 2 | 3 << 12 | (mode == V86 ? 1 << 17 : 0)};
	struct kvm_sregs s;

	if (ioctl(h->processor, KVM_GET_SREGS, &s) < 0)
		fail("KVM_GET_SREGS");
	s.cs = segment(code, flat ? 0xb : 3, (uint8_t)dpl, flat);
	s.ss = s.ds = s.es = s.fs = s.gs = segment(data, 3, (uint8_t)dpl, flat);
	s.tr = (struct kvm_segment){.base = TSS_AT, .limit = 0x67, .selector = 0x28, .type = 0xb,
				    .present = 1};
	s.gdt = (struct kvm_dtable){.base = GDT_AT, .limit = 0x37};
	s.idt = (struct kvm_dtable){.base = IDT_AT, .limit = 0x7ff};
	s.cr0 = 0x33; /* PE, MP, ET, NE */
	s.cr3 = TABLE_AT;
	s.cr4 = 0x600 | (mode == PSE ? 0x10 : mode == PAE ? 0x20 : 0);
	if (ioctl(h->processor, KVM_SET_SREGS, &s) < 0 ||
	    ioctl(h->processor, KVM_SET_REGS, &regs) < 0)
		fail("KVM_SET_SREGS");
}

/* A processor without newer features: KVM judges CR4's bits by CPUID. */
static int set_cpuid(int processor)
{
	struct kvm_cpuid2 *table = calloc(1, sizeof(*table) + 2 * sizeof(table->entries[0]));
	int result;

	if (!table)
		return -1;
	table->nent = 2;
	table->entries[0] = (struct kvm_cpuid_entry2){
		.function = 0, .eax = 1, .ebx = 0x756e6547, .ecx = 0x6c65746e, .edx = 0x49656e69};
	table->entries[1] = (struct kvm_cpuid_entry2){
		.function = 1, .eax = 0x6fb, .ecx = 1 << 30, .edx = 0x078bfbff};
	result = ioctl(processor, KVM_SET_CPUID2, table);
	free(table);
	return result;
}

static void create(struct host *h)
{
	int system = open("/dev/kvm", O_RDWR | O_CLOEXEC), machine, size;
	struct kvm_userspace_memory_region r = {.memory_size = MEMORY};

	if (system < 0) {
		printf("/dev/kvm: %s\n", strerror(errno));
		exit(77);
	}
	machine = ioctl(system, KVM_CREATE_VM, 0);
	size = ioctl(system, KVM_GET_VCPU_MMAP_SIZE, 0);
	h->memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	r.userspace_addr = (uintptr_t)h->memory;
	if (machine < 0 || size < 0 || h->memory == MAP_FAILED ||
	    ioctl(machine, KVM_SET_TSS_ADDR, 0xfeffd000ul) < 0 ||
	    ioctl(machine, KVM_ENABLE_CAP,
		  &(struct kvm_enable_cap){.cap = KVM_CAP_EXIT_ON_EMULATION_FAILURE,
					   .args[0] = 1}) < 0 ||
	    ioctl(machine, KVM_SET_USER_MEMORY_REGION, &r) < 0)
		fail("KVM_CREATE_VM");
	h->processor = ioctl(machine, KVM_CREATE_VCPU, 0);
	if (h->processor < 0 || set_cpuid(h->processor) < 0)
		fail("KVM_CREATE_VCPU");
	h->run = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, h->processor, 0);
	if (h->run == MAP_FAILED)
		fail("mmap");
}

static int outcome(struct host *h)
{
	struct kvm_regs regs;

	if (ioctl(h->processor, KVM_RUN, 0) < 0)
		return OTHER;
	switch (h->run->exit_reason) {
	case KVM_EXIT_IO:
		return h->run->io.port == PASS ? EXECUTED : OTHER;
	case KVM_EXIT_INTERNAL_ERROR:
		return FAILED;
	case KVM_EXIT_HLT:
		ioctl(h->processor, KVM_GET_REGS, &regs);
		if (regs.rip - 1 >= HANDLERS && regs.rip - 1 < HANDLERS + 0x1000)
			return (int)((regs.rip - 1 - HANDLERS) / 16);
		return OTHER;
	default:
		return OTHER;
	}
}

static int run_case(struct host *h, const struct instruction *c)
{
	/* At the instruction, and where the call gate leads. */
	static const uint8_t pass[] = {0xe6, PASS};

	create(h);
	fill_memory(h->memory);
	fill_tables(h->memory, c->mode);
	memcpy(h->memory + CODE_AT, c->bytes, c->length);
	memcpy(h->memory + CODE_AT + c->length, pass, sizeof(pass));
	memcpy(h->memory + 0x9000, pass, sizeof(pass));
	set_registers(h, c->mode);
	return outcome(h);
}

static const char *text_of(int outcome, char text[32])
{
	static const char *const names[] = {"executed", "emulation failure", "another exit"};

	if (outcome < 0)
		return names[-1 - outcome];
	snprintf(text, 32, "vector %d", outcome);
	return text;
}

/* The guest's TSC can be set off from the host's. */
static bool tsc_offset_works(void)
{
	uint64_t offset = 0x123456789aull;
	struct kvm_device_attr attr = {.group = KVM_VCPU_TSC_CTRL,
				       .attr = KVM_VCPU_TSC_OFFSET,
				       .addr = (uintptr_t)&offset};
	struct host h;

	create(&h);
	if (ioctl(h.processor, KVM_SET_DEVICE_ATTR, &attr) < 0)
		return false;
	offset = 0;
	ioctl(h.processor, KVM_GET_DEVICE_ATTR, &attr);
	return offset == 0x123456789aull;
}

int main(void)
{
	static const char *const modes[] = {"ring 0", "ring 3", "v86", "PSE", "PAE"};
	unsigned wrong = 0;

	for (unsigned i = 0; i < CASES; i++) {
		struct host h;
		int came = run_case(&h, &cases[i]);
		bool good = came == cases[i].expected;
		char a[32], b[32];

		wrong += !good;
		printf("%s %s, %s: %s, should be %s\n", good ? "right" : "WRONG", cases[i].name,
		       modes[cases[i].mode], text_of(came, a), text_of(cases[i].expected, b));
	}
	printf("%s TSC offset: set and read back\n", tsc_offset_works() ? "right" : "WRONG");
	printf("%u of %zu instructions wrong\n", wrong, CASES);
	return EXIT_SUCCESS;
}
