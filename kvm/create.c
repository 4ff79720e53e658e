/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Making and ending the KVM engine: capabilities, the virtual machine and its
 * processor, CPUID, and which MSRs come to the monitor.
 *
 * What is asked of KVM is there since Linux 5.14, on every host: registers by
 * KVM_GET_SREGS2 with the PDPTEs that the guest has loaded, MSRs that exit.
 * KVM has interrupt controllers of its own too; they are not used.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cpu/msr.h"
#include "kvm/kvm_internal.h"

#define DEFAULT_DEVICE "/dev/kvm"
#define API_VERSION 12
#define CPUID_ENTRIES 128
#define LINEAR_BITS   48u
/*
 * Three pages for real mode on old Intel chips, where no memory or device of the
 * PC is; api.rst 4.11, 4.70.
 */
#define IDENTITY_MAP_AT 0xfeffc000u
#define TSS_AT		0xfeffd000u

/* X(capability, what is missing without it) */
#define NEEDED(X)                                                                                  \
	X(KVM_CAP_USER_MEMORY, "memory slots")                                                     \
	X(KVM_CAP_READONLY_MEM, "read-only memory slots")                                          \
	X(KVM_CAP_IMMEDIATE_EXIT, "immediate_exit")                                                \
	X(KVM_CAP_VCPU_EVENTS, "KVM_GET_VCPU_EVENTS")                                              \
	X(KVM_CAP_DEBUGREGS, "KVM_GET_DEBUGREGS")                                                  \
	X(KVM_CAP_XSAVE, "KVM_GET_XSAVE")                                                          \
	X(KVM_CAP_SREGS2, "KVM_GET_SREGS2 (Linux 5.14)")                                           \
	X(KVM_CAP_X86_USER_SPACE_MSR, "MSRs in user space (Linux 5.10)")                           \
	X(KVM_CAP_X86_MSR_FILTER, "MSR filters (Linux 5.10)")                                      \
	X(KVM_CAP_VCPU_ATTRIBUTES, "processor attributes")                                         \
	X(KVM_CAP_SET_TSS_ADDR, "KVM_SET_TSS_ADDR")                                                \
	X(KVM_CAP_EXT_CPUID, "KVM_SET_CPUID2")

static const struct {
	int number;
	const char *what;
} needed[] = {
#define X(number, what) {number, what},
	NEEDED(X)
#undef X
};
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

void kvm_must(struct kvm *k, unsigned long request, void *arg)
{
	int result = ioctl(k->processor, request, arg);

	assert(result >= 0);
	(void)result;
}

/* ---- CPUID ---- */

/* Where the words of cpu_model.features are. ORDER: enum feature_word. */
static const struct {
	uint32_t leaf;
	unsigned reg; /* EAX, EBX, ECX, EDX */
} words[FEATURE_WORDS] = {
	{1, 3}, {1, 2}, {6, 0}, {7, 1}, {7, 3}, {0x80000001, 3}, {0x80000001, 2}, {0x80000007, 3},
	{0, 0}, /* FEATURES_HIDDEN: the host's chip, whatever is said */
};

static struct kvm_cpuid2 *cpuid_table(void)
{
	return calloc(1, sizeof(struct kvm_cpuid2) +
				 CPUID_ENTRIES * sizeof(struct kvm_cpuid_entry2));
}

static void note_supported(struct kvm *k, const struct kvm_cpuid_entry2 *e)
{
	const uint32_t regs[4] = {e->eax, e->ebx, e->ecx, e->edx};

	k->supported[FEATURES_HIDDEN] = ~0u;
	for (size_t i = 0; i < FEATURE_WORDS; i++)
		if (words[i].leaf && words[i].leaf == e->function && !e->index)
			k->supported[i] = regs[words[i].reg];
}

static int read_supported(struct kvm *k, struct report *r)
{
	struct kvm_cpuid2 *table = cpuid_table();
	int error = 0;

	if (!table)
		return report_fail(r, "not enough memory for KVM");
	table->nent = CPUID_ENTRIES;
	if (ioctl(k->system, KVM_GET_SUPPORTED_CPUID, table) < 0)
		error = report_fail(r, "KVM_GET_SUPPORTED_CPUID: %s", strerror(errno));
	for (unsigned i = 0; !error && i < table->nent; i++)
		note_supported(k, &table->entries[i]);
	free(table);
	return error;
}

unsigned kvm_missing_features(const struct vcpu *cpu)
{
	unsigned n = 0;

	for (size_t i = 0; i < FEATURE_WORDS; i++)
		n += (unsigned)__builtin_popcount(cpu->model->features[i] &
						  ~cpu->kvm->supported[i]);
	return n;
}

static void add_leaf(struct vcpu *cpu, struct kvm_cpuid2 *table, uint32_t leaf, uint32_t subleaf,
		     bool indexed)
{
	uint32_t out[4];

	assert(table->nent < CPUID_ENTRIES);
	cpuid_leaf(cpu, leaf, subleaf, out);
	/* KVM takes no other number of linear address bits; nobody asks in 32-bit mode. */
	if (leaf == 0x80000008)
		out[0] = (out[0] & ~0xff00u) | LINEAR_BITS << 8;
	table->entries[table->nent++] = (struct kvm_cpuid_entry2){
		.function = leaf,
		.index = subleaf,
		.flags = indexed ? KVM_CPUID_FLAG_SIGNIFCANT_INDEX : 0,
		.eax = out[0],
		.ebx = out[1],
		.ecx = out[2],
		.edx = out[3],
	};
}

static int set_cpuid(struct vcpu *cpu, struct report *r)
{
	const struct cpu_model *m = cpu->model;
	struct kvm_cpuid2 *table = cpuid_table();
	int error = 0;

	if (!table)
		return report_fail(r, "not enough memory for KVM");
	for (uint32_t leaf = 0; leaf <= m->max_leaf; leaf++) {
		bool indexed = leaf == 4 || leaf == 7;

		for (uint32_t i = 0; i < (leaf == 4 ? MODEL_CACHES + 1u : 1u); i++)
			add_leaf(cpu, table, leaf, i, indexed);
	}
	for (uint32_t leaf = 0x80000000; leaf <= m->max_extended; leaf++)
		add_leaf(cpu, table, leaf, 0, false);
	if (ioctl(cpu->kvm->processor, KVM_SET_CPUID2, table) < 0)
		error = report_fail(r, "KVM_SET_CPUID2: %s", strerror(errno));
	free(table);
	return error;
}

/* ---- MSRs ---- */

/*
 * The monitor has all of them, so that they are the same under every engine, but
 * for SYSENTER's three, which are the processor's own and written often.
 */
static int set_msr_filter(struct kvm *k, struct report *r)
{
	static uint8_t allowed[] = {0x07};
	struct kvm_msr_filter filter = {
		.flags = KVM_MSR_FILTER_DEFAULT_DENY,
		.ranges[0] = {.flags = KVM_MSR_FILTER_READ | KVM_MSR_FILTER_WRITE,
			      .base = 0x174,
			      .nmsrs = 3,
			      .bitmap = allowed},
	};
	struct kvm_enable_cap exits = {
		.cap = KVM_CAP_X86_USER_SPACE_MSR,
		.args[0] = KVM_MSR_EXIT_REASON_INVAL | KVM_MSR_EXIT_REASON_UNKNOWN |
			   KVM_MSR_EXIT_REASON_FILTER,
	};

	if (ioctl(k->machine, KVM_ENABLE_CAP, &exits) < 0 ||
	    ioctl(k->machine, KVM_X86_SET_MSR_FILTER, &filter) < 0)
		return report_fail(r, "KVM's MSR filter: %s", strerror(errno));
	return 0;
}

/* Instructions that KVM cannot execute come to the monitor, from ring 3 too. */
static void want_failures(struct kvm *k)
{
	struct kvm_enable_cap cap = {.cap = KVM_CAP_EXIT_ON_EMULATION_FAILURE, .args[0] = 1};

	/* Without it, ring 3 gets a #UD from KVM. */
	ioctl(k->machine, KVM_ENABLE_CAP, &cap);
}

/* ---- creation ---- */

/* VT-x or AMD-V; asked once, since the sandbox lets nobody open files later. */
static bool find_hardware(void)
{
	FILE *f = fopen("/proc/cpuinfo", "r");
	char *line = NULL;
	size_t size = 0;
	bool found = false;

	while (f && !found && getline(&line, &size, f) > 0)
		found = !strncmp(line, "flags", 5) &&
			(strstr(line, " vmx") || strstr(line, " svm"));
	free(line);
	if (f)
		fclose(f);
	return found;
}

static int open_device(struct kvm *k, const char *device, struct report *r)
{
	int version;

	k->system = open(device, O_RDWR | O_CLOEXEC);
	if (k->system < 0)
		return report_fail(r, "%s: %s", device, strerror(errno));
	version = ioctl(k->system, KVM_GET_API_VERSION, 0);
	if (version < 0)
		return report_fail(r, "%s is no KVM: %s", device, strerror(errno));
	if (version != API_VERSION)
		return report_fail(r, "%s has API version %d, not %d", device, version, API_VERSION);
	for (size_t i = 0; i < COUNT(needed); i++)
		if (ioctl(k->system, KVM_CHECK_EXTENSION, needed[i].number) <= 0)
			return report_fail(r, "the host's KVM lacks %s", needed[i].what);
	return read_supported(k, r);
}

static int create_machine(struct kvm *k, struct report *r)
{
	uint64_t identity = IDENTITY_MAP_AT;

	k->machine = ioctl(k->system, KVM_CREATE_VM, 0);
	if (k->machine < 0)
		return report_fail(r, "KVM_CREATE_VM: %s", strerror(errno));
	fcntl(k->machine, F_SETFD, FD_CLOEXEC);
	if (ioctl(k->machine, KVM_SET_IDENTITY_MAP_ADDR, &identity) < 0 ||
	    ioctl(k->machine, KVM_SET_TSS_ADDR, (unsigned long)TSS_AT) < 0)
		return report_fail(r, "KVM_SET_TSS_ADDR: %s", strerror(errno));
	want_failures(k);
	return set_msr_filter(k, r);
}

static void find_ring(struct kvm *k)
{
	int page = ioctl(k->machine, KVM_CHECK_EXTENSION, KVM_CAP_COALESCED_MMIO);
	size_t at = page > 0 ? (size_t)page * PAGE_SIZE : 0;

	if (!at || at + PAGE_SIZE > k->run_size)
		return;
	k->ring = (void *)((char *)k->run + at);
	k->ring_entries = (PAGE_SIZE - sizeof(*k->ring)) / sizeof(k->ring->coalesced_mmio[0]);
}

#define SOME_OFFSET 0x123456789aull

/* Whether there is an offset for the TSC; then also whether it is more than a word. */
static bool has_tsc_offset(struct kvm *k)
{
	uint64_t offset = SOME_OFFSET;
	struct kvm_device_attr attr = {.group = KVM_VCPU_TSC_CTRL,
				       .attr = KVM_VCPU_TSC_OFFSET,
				       .addr = (uintptr_t)&offset};

	if (ioctl(k->processor, KVM_SET_DEVICE_ATTR, &attr) < 0)
		return false;
	offset = 0;
	k->keeps_tsc = ioctl(k->processor, KVM_GET_DEVICE_ATTR, &attr) == 0 &&
		       offset == SOME_OFFSET;
	return true;
}

static int create_processor(struct kvm *k, struct report *r)
{
	int size = ioctl(k->system, KVM_GET_VCPU_MMAP_SIZE, 0);

	k->processor = ioctl(k->machine, KVM_CREATE_VCPU, 0);
	if (k->processor < 0)
		return report_fail(r, "KVM_CREATE_VCPU: %s", strerror(errno));
	fcntl(k->processor, F_SETFD, FD_CLOEXEC);
	if (size < (int)sizeof(*k->run))
		return report_fail(r, "KVM_GET_VCPU_MMAP_SIZE: %d bytes are too few", size);
	k->run_size = (size_t)size;
	k->run = mmap(NULL, k->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, k->processor, 0);
	if (k->run == MAP_FAILED) {
		k->run = NULL;
		return report_fail(r, "KVM's processor cannot be mapped: %s", strerror(errno));
	}
	if (!has_tsc_offset(k))
		return report_fail(r, "the host's KVM lacks the TSC's offset (Linux 5.16)");
	if (ioctl(k->processor, KVM_GET_XSAVE, k->xsave) < 0)
		return report_fail(r, "KVM_GET_XSAVE: %s", strerror(errno));
	find_ring(k);
	k->debug_exits = ioctl(k->system, KVM_CHECK_EXTENSION, KVM_CAP_SET_GUEST_DEBUG) > 0;
	return 0;
}

int kvm_create(struct vcpu *cpu, const char *device, bool limit_model, struct report *r)
{
	struct kvm *k = calloc(1, sizeof(*k));

	if (!k)
		return report_fail(r, "not enough memory for KVM");
	cpu->kvm = k;
	k->system = k->machine = k->processor = -1;
	k->map_stale = true;
	kvm_state_drop(k); /* the first time all is loaded */
	k->hardware = find_hardware();
	if (open_device(k, device ? device : DEFAULT_DEVICE, r) < 0 ||
	    create_machine(k, r) < 0 || create_processor(k, r) < 0)
		goto fail;
	if (limit_model)
		cpu_limit_features(cpu, k->supported);
	if (set_cpuid(cpu, r) < 0)
		goto fail;
	return 0;
fail:
	kvm_destroy(cpu);
	return -1;
}

void kvm_destroy(struct vcpu *cpu)
{
	struct kvm *k = cpu->kvm;

	if (!k)
		return;
	if (k->run)
		munmap(k->run, k->run_size);
	if (k->processor >= 0)
		close(k->processor);
	if (k->machine >= 0)
		close(k->machine);
	if (k->system >= 0)
		close(k->system);
	free(k);
	cpu->kvm = NULL;
}

/* ---- what others ask ---- */

bool kvm_has_hardware(const struct vcpu *cpu)
{
	return cpu->kvm && cpu->kvm->hardware;
}

struct kvm_counters kvm_counters(const struct vcpu *cpu)
{
	return cpu->kvm ? cpu->kvm->n : (struct kvm_counters){0};
}

void kvm_print_counters(const struct vcpu *cpu, void (*out)(void *arg, const char *line),
			void *arg)
{
	const struct kvm_counters n = kvm_counters(cpu);
	char line[64];

#define X(name, help)                                                                              \
	snprintf(line, sizeof(line), "%-24s %llu", "kvm_" #name, (unsigned long long)n.name);      \
	out(arg, line);
	KVM_COUNTERS(X)
#undef X
}

/* Of a running engine; what creation takes is not among them. */
const uint64_t *kvm_requests(size_t *count)
{
	static const uint64_t requests[] = {
		KVM_RUN,
		KVM_GET_REGS,
		KVM_SET_REGS,
		KVM_GET_SREGS2,
		KVM_SET_SREGS2,
		KVM_GET_VCPU_EVENTS,
		KVM_SET_VCPU_EVENTS,
		KVM_GET_DEBUGREGS,
		KVM_SET_DEBUGREGS,
		KVM_GET_XSAVE,
		KVM_SET_XSAVE,
		KVM_GET_MSRS,
		KVM_SET_MSRS,
		KVM_SET_DEVICE_ATTR,
		KVM_INTERRUPT,
		KVM_NMI,
		KVM_SET_GUEST_DEBUG,
		KVM_SET_USER_MEMORY_REGION,
		KVM_GET_DIRTY_LOG,
		KVM_REGISTER_COALESCED_MMIO,
		KVM_UNREGISTER_COALESCED_MMIO,
	};

	*count = COUNT(requests);
	return requests;
}
