/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Processor models and CPUID (SDM 2A CPUID).
 *
 * The default is of family 6 and has every feature that the interpreter models.
 * Its model number is that of an in-order Atom, a 32-bit processor that never
 * speculated: systems that patch themselves against speculation attacks leave
 * that alone, which is right for an interpreter and keeps the guest fast.
 *
 * The named models report what their chips do (Intel application note 485), less
 * what is not modelled here: debug store, thermal control, performance counters,
 * 64-bit mode. As those chips, they are open to what Linux mitigates.
 *
 * Left out: hypervisor leaves, thermal and power leaf 6, topology leaf 0Bh,
 * MONITOR/MWAIT, SYSCALL, 64-bit mode.
 */
#include "cpu/cpuid.h"

#include <cpuid.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/msr.h"

/* A feature as a bit of its own word. */
#define BIT_OF(f) (1u << ((f) % 32))

#define EDX_486 (BIT_OF(FEATURE_FPU) | BIT_OF(FEATURE_VME))
#define EDX_PENTIUM                                                                                \
	(EDX_486 | BIT_OF(FEATURE_DE) | BIT_OF(FEATURE_PSE) | BIT_OF(FEATURE_TSC) |                \
	 BIT_OF(FEATURE_MSR) | BIT_OF(FEATURE_MCE) | BIT_OF(FEATURE_CX8) | BIT_OF(FEATURE_APIC) |  \
	 BIT_OF(FEATURE_MMX))
#define EDX_PENTIUM2                                                                               \
	(EDX_PENTIUM | BIT_OF(FEATURE_PAE) | BIT_OF(FEATURE_SEP) | BIT_OF(FEATURE_MTRR) |          \
	 BIT_OF(FEATURE_PGE) | BIT_OF(FEATURE_MCA) | BIT_OF(FEATURE_CMOV) | BIT_OF(FEATURE_PAT) |  \
	 BIT_OF(FEATURE_PSE36) | BIT_OF(FEATURE_FXSR))
#define EDX_PENTIUM3 (EDX_PENTIUM2 | BIT_OF(FEATURE_SSE))
#define EDX_PENTIUM4                                                                               \
	(EDX_PENTIUM3 | BIT_OF(FEATURE_SSE2) | BIT_OF(FEATURE_CLFSH) | BIT_OF(FEATURE_SS))
#define ECX_CORE2 (BIT_OF(FEATURE_SSE3) | BIT_OF(FEATURE_SSSE3))
#define ECX_ALL                                                                                    \
	(ECX_CORE2 | BIT_OF(FEATURE_SSE41) | BIT_OF(FEATURE_SSE42) | BIT_OF(FEATURE_POPCNT))

/* Everything that is modelled: the default's features, and host's upper bound. */
#define FEATURES_ALL                                                                               \
	{                                                                                          \
		[FEATURES_1_EDX] = EDX_PENTIUM4,                                                   \
		[FEATURES_1_ECX] = ECX_ALL,                                                        \
		[FEATURES_6_EAX] = BIT_OF(FEATURE_ARAT),                                           \
		[FEATURES_7_EBX] = BIT_OF(FEATURE_ERMS),                                           \
		[FEATURES_7_EDX] = BIT_OF(FEATURE_ARCH_CAPABILITIES),                              \
		[FEATURES_EXT1_EDX] = BIT_OF(FEATURE_NX),                                          \
		[FEATURES_EXT1_ECX] = BIT_OF(FEATURE_ABM),                                         \
		[FEATURES_EXT7_EDX] = BIT_OF(FEATURE_INVARIANT_TSC),                               \
		[FEATURES_HIDDEN] = BIT_OF(FEATURE_TZCNT),                                         \
	}

#define INTEL "GenuineIntel"
#define MAX_EXTENDED 0x80000008u
/* 36 physical and 32 linear address bits: leaf 80000008h. */
#define ADDRESS_BITS 0x2024u
#define BUS_MHZ 100u

enum { CACHE_NONE, CACHE_DATA, CACHE_CODE, CACHE_UNIFIED };

/* 32 KiB + 32 KiB, 2 MiB. */
#define CACHES_CORE                                                                                \
	{                                                                                          \
		{CACHE_DATA, 1, 8, 64, 64}, {CACHE_CODE, 1, 8, 64, 64},                            \
		{CACHE_UNIFIED, 2, 8, 64, 4096},                                                   \
	}
/* The same in leaf 2: 2Ch, 30h, 7Dh. */
#define LEAF2_CORE {0x2c307d01, 0, 0}

static const struct cpu_model models[] = {
	{
		.name = "qemu32",
		.description = "everything that is modelled (default)",
		.vendor = INTEL,
		.brand = "Transvisor Virtual CPU",
		.family = 6,
		.model = 28,
		.stepping = 10,
		.max_leaf = 0x16,
		.max_extended = MAX_EXTENDED,
		.features = FEATURES_ALL,
		.leaf2 = LEAF2_CORE,
		.caches = CACHES_CORE,
	},
	{
		.name = "486",
		.description = "Intel 80486DX4",
		.vendor = INTEL,
		.family = 4,
		.model = 8,
		.max_leaf = 1,
		.features = {[FEATURES_1_EDX] = EDX_486},
	},
	{
		.name = "pentium",
		.description = "Intel Pentium with MMX",
		.vendor = INTEL,
		.family = 5,
		.model = 4,
		.stepping = 3,
		.max_leaf = 1,
		.features = {[FEATURES_1_EDX] = EDX_PENTIUM},
	},
	{
		.name = "pentium2",
		.description = "Intel Pentium II",
		.vendor = INTEL,
		.family = 6,
		.model = 5,
		.stepping = 2,
		.max_leaf = 2,
		.features = {[FEATURES_1_EDX] = EDX_PENTIUM2},
		.leaf2 = {0x03020101, 0, 0x0c040843},
	},
	{
		.name = "pentium3",
		.description = "Intel Pentium III",
		.vendor = INTEL,
		.family = 6,
		.model = 8,
		.stepping = 3,
		.brand_index = 2,
		.max_leaf = 2,
		.features = {[FEATURES_1_EDX] = EDX_PENTIUM3},
		.leaf2 = {0x03020101, 0, 0x0c040882},
	},
	{
		.name = "pentium4",
		.description = "Intel Pentium 4",
		.vendor = INTEL,
		.brand = "Intel(R) Pentium(R) 4 CPU",
		.family = 15,
		.model = 2,
		.stepping = 9,
		.brand_index = 9,
		.max_leaf = 2,
		.max_extended = 0x80000004,
		.features = {[FEATURES_1_EDX] = EDX_PENTIUM4},
		.leaf2 = {0x665b5001, 0, 0x007b7040},
	},
	{
		.name = "core2",
		.description = "Intel Core 2, without 64-bit mode",
		.vendor = INTEL,
		.brand = "Intel(R) Core(TM)2 CPU",
		.family = 6,
		.model = 15,
		.stepping = 11,
		.max_leaf = 10,
		.max_extended = MAX_EXTENDED,
		.features = {[FEATURES_1_EDX] = EDX_PENTIUM4,
			     [FEATURES_1_ECX] = ECX_CORE2,
			     [FEATURES_EXT1_EDX] = BIT_OF(FEATURE_NX)},
		.leaf2 = {0x05b0b101, 0x005657f0, 0x2cb43049},
		.caches = {{CACHE_DATA, 1, 8, 64, 64},
			   {CACHE_CODE, 1, 8, 64, 64},
			   {CACHE_UNIFIED, 2, 16, 64, 4096}},
	},
	{
		.name = "host",
		.description = "identity of the host's processor, features as far as modelled",
		.vendor = INTEL,
		.max_leaf = 0x16,
		.max_extended = MAX_EXTENDED,
		.features = FEATURES_ALL,
		.leaf2 = LEAF2_CORE,
		.caches = CACHES_CORE,
		.from_host = true,
	},
};
#define MODELS (sizeof(models) / sizeof(models[0]))

const struct cpu_model *cpu_model_get(unsigned n)
{
	return n < MODELS ? &models[n] : NULL;
}

const struct cpu_model *cpu_model_find(const char *name)
{
	for (unsigned i = 0; i < MODELS; i++)
		if (!strcmp(models[i].name, name))
			return &models[i];
	return NULL;
}

const char *cpu_model_names(void)
{
	return "qemu32, 486, pentium, pentium2, pentium3, pentium4, core2, host";
}

/* ---- the host's identity ---- */
static void take_host_identity(struct cpu_model *m)
{
	uint32_t eax, ebx, ecx, edx, brand[12] = {0};
	unsigned base_family, base_model;

	if (!__get_cpuid(0, &eax, &ebx, &ecx, &edx))
		return;
	memcpy(m->host_vendor, &ebx, 4);
	memcpy(m->host_vendor + 4, &edx, 4);
	memcpy(m->host_vendor + 8, &ecx, 4);
	m->vendor = m->host_vendor;
	__get_cpuid(1, &eax, &ebx, &ecx, &edx);
	base_family = eax >> 8 & 15;
	base_model = eax >> 4 & 15;
	m->family = (uint8_t)(base_family == 15 ? 15 + (eax >> 20 & 0xff) : base_family);
	m->model = (uint8_t)(base_family == 6 || base_family == 15
				     ? base_model | (eax >> 16 & 15) << 4
				     : base_model);
	m->stepping = eax & 15;
	m->features[FEATURES_1_EDX] &= edx;
	m->features[FEATURES_1_ECX] &= ecx;
	for (unsigned i = 0; i < 3; i++)
		__get_cpuid(0x80000002 + i, &brand[4 * i], &brand[4 * i + 1], &brand[4 * i + 2],
			    &brand[4 * i + 3]);
	memcpy(m->host_brand, brand, sizeof(brand));
	m->brand = m->host_brand;
}

struct cpu_model *cpu_model_instantiate(const struct cpu_model *model)
{
	struct cpu_model *m = malloc(sizeof(*m));

	if (!m)
		return NULL;
	*m = *model;
	if (m->from_host)
		take_host_identity(m);
	return m;
}

void cpu_limit_features(struct vcpu *cpu, const uint32_t allowed[FEATURE_WORDS])
{
	struct cpu_model *own = (struct cpu_model *)cpu->model; /* instantiated for it */

	for (unsigned i = 0; i < FEATURE_WORDS; i++)
		own->features[i] &= allowed[i];
}

/* ---- CPUID ---- */
uint32_t cpu_signature(const struct cpu_model *m)
{
	uint32_t eax = m->stepping | (m->model & 15u) << 4;

	if (m->family == 6 || m->family >= 15)
		eax |= (uint32_t)(m->model >> 4) << 16;
	if (m->family >= 15)
		return eax | 15u << 8 | (uint32_t)(m->family - 15) << 20;
	return eax | (uint32_t)m->family << 8;
}

static void leaf_vendor(const struct cpu_model *m, uint32_t out[4])
{
	out[0] = m->max_leaf;
	memcpy(&out[1], m->vendor, 4);
	memcpy(&out[3], m->vendor + 4, 4);
	memcpy(&out[2], m->vendor + 8, 4);
}

static void leaf_features(const struct vcpu *cpu, uint32_t out[4])
{
	const struct cpu_model *m = cpu->model;

	out[0] = cpu_signature(m);
	out[1] = m->brand_index;
	if (cpu_has(cpu, FEATURE_CLFSH)) {
		out[1] |= 64 / 8 << 8;
		out[1] |= 1 << 16; /* one logical processor, APIC id 0 */
	}
	out[2] = m->features[FEATURES_1_ECX];
	out[3] = m->features[FEATURES_1_EDX];
	if (!(cpu->msr.apic_base & APIC_BASE_ENABLE))
		out[3] &= ~BIT_OF(FEATURE_APIC);
}

static void leaf_cache(const struct cpu_model *m, uint32_t n, uint32_t out[4])
{
	const struct cache_leaf *c;

	if (n >= MODEL_CACHES || m->caches[n].type == CACHE_NONE)
		return;
	c = &m->caches[n];
	out[0] = c->type | (uint32_t)c->level << 5 | 1u << 8;
	out[1] = (c->line - 1u) | (c->ways - 1u) << 22;
	out[2] = c->sets - 1u;
}

static void leaf_brand(const struct cpu_model *m, unsigned part, uint32_t out[4])
{
	char text[48] = {0};

	if (!m->brand)
		return;
	strncpy(text, m->brand, sizeof(text) - 1);
	memcpy(out, text + 16 * part, 16);
}

static uint64_t tsc_hz(const struct vcpu *cpu)
{
	return cpu_has(cpu, FEATURE_TSC) && cpu->ops->tsc_hz ? cpu->ops->tsc_hz(cpu->opaque) : 0;
}

/*
 * The fraction nearest to value / unit whose numerator is at most limit, by continued
 * fractions: a last term that is cut off is still the best one if half of it is left.
 */
static void nearest_fraction(uint64_t value, uint64_t unit, uint32_t limit, uint32_t *numerator,
			     uint32_t *denominator)
{
	uint64_t p0 = 0, q0 = 1, p1 = 1, q1 = 0;

	while (unit) {
		uint64_t term = value / unit, rest = value % unit;
		uint64_t room = p1 ? (limit - p0) / p1 : term; /* 0: value is less than unit */
		uint64_t n = term < room ? term : room, p2 = n * p1 + p0, q2 = n * q1 + q0;

		if (n < term && 2 * n <= term)
			break;
		p0 = p1;
		q0 = q1;
		p1 = p2;
		q1 = q2;
		if (n < term)
			break;
		value = unit;
		unit = rest;
	}
	*numerator = (uint32_t)p1;
	*denominator = (uint32_t)q1;
}

/*
 * Leaf 15h (SDM 2A, CPUID): the TSC runs at ECX * EBX / EAX Hz, and the local APIC's timer
 * counts at ECX (SDM 3A 10.5.4). With it systems need not measure either for a tenth of a
 * second. Linux multiplies EBX by the crystal's kHz in 32 bits, so EBX is small; for the
 * TSC, by which systems keep the time, to be right to 1 ppm, the crystal's Hz may be off by
 * some hundred.
 */
#define CRYSTAL_RATIO_MOST (UINT32_MAX / (CPU_CRYSTAL_HZ / 1000) - 4)

static void leaf_crystal(const struct vcpu *cpu, uint32_t out[4])
{
	uint64_t hz = tsc_hz(cpu);

	if (!hz)
		return;
	nearest_fraction(hz, CPU_CRYSTAL_HZ, CRYSTAL_RATIO_MOST, &out[1], &out[0]);
	out[2] = (uint32_t)((hz * out[0] / out[1] + 500) / 1000 * 1000);
}

/* Leaf 16h: base, maximum and bus frequency in MHz. */
static void leaf_frequency(const struct vcpu *cpu, uint32_t out[4])
{
	uint64_t hz = tsc_hz(cpu);

	if (!hz)
		return;
	out[0] = out[1] = (uint32_t)((hz + 500000) / 1000000);
	out[2] = BUS_MHZ;
}

static void leaf_basic(const struct vcpu *cpu, uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
	const struct cpu_model *m = cpu->model;

	switch (leaf) {
	case 0:
		leaf_vendor(m, out);
		break;
	case 1:
		leaf_features(cpu, out);
		break;
	case 2:
		out[0] = m->leaf2[0];
		out[1] = m->leaf2[1];
		out[3] = m->leaf2[2];
		break;
	case 4:
		leaf_cache(m, subleaf, out);
		break;
	case 6:
		out[0] = m->features[FEATURES_6_EAX];
		break;
	case 7:
		if (subleaf)
			break;
		out[1] = m->features[FEATURES_7_EBX];
		out[3] = m->features[FEATURES_7_EDX];
		break;
	case 0x15:
		leaf_crystal(cpu, out);
		break;
	case 0x16:
		leaf_frequency(cpu, out);
		break;
	}
}

static void leaf_extended(const struct cpu_model *m, uint32_t leaf, uint32_t out[4])
{
	switch (leaf) {
	case 0x80000000:
		out[0] = m->max_extended;
		break;
	case 0x80000001:
		out[2] = m->features[FEATURES_EXT1_ECX];
		out[3] = m->features[FEATURES_EXT1_EDX];
		break;
	case 0x80000002:
	case 0x80000003:
	case 0x80000004:
		leaf_brand(m, leaf - 0x80000002, out);
		break;
	case 0x80000007:
		out[3] = m->features[FEATURES_EXT7_EDX];
		break;
	case 0x80000008:
		out[0] = ADDRESS_BITS;
		break;
	}
}

void cpuid_leaf(const struct vcpu *cpu, uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
	const struct cpu_model *m = cpu->model;

	memset(out, 0, 4 * sizeof(out[0]));
	if (leaf >= 0x80000000 && m->max_extended >= leaf) {
		leaf_extended(m, leaf, out);
		return;
	}
	/* Beyond the maximum, the highest basic leaf's data is returned. */
	leaf_basic(cpu, leaf > m->max_leaf ? m->max_leaf : leaf, subleaf, out);
}
