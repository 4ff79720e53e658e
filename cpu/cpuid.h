/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Processor models and their features. What a model does not have raises #UD
 * or #GP as on the chip: handlers ask cpu_has().
 */
#ifndef CPU_CPUID_H
#define CPU_CPUID_H

#include <stdbool.h>
#include <stdint.h>

#include "cpu/vcpu.h"

/* The CPUID registers that hold feature bits. ORDER: cpu_model.features. */
enum feature_word {
	FEATURES_1_EDX,
	FEATURES_1_ECX,
	FEATURES_6_EAX,
	FEATURES_7_EBX,
	FEATURES_7_EDX,
	FEATURES_EXT1_EDX, /* leaf 80000001h */
	FEATURES_EXT1_ECX,
	FEATURES_EXT7_EDX, /* leaf 80000007h */
	FEATURES_HIDDEN,   /* of no register: what a chip does whatever CPUID says */
	FEATURE_WORDS,
};

#define FEATURE(word, bit) ((word)*32 + (bit))

/* SDM 2A CPUID, tables 3-8 to 3-11. */
enum cpu_feature {
	FEATURE_FPU = FEATURE(FEATURES_1_EDX, 0),
	FEATURE_VME = FEATURE(FEATURES_1_EDX, 1),
	FEATURE_DE = FEATURE(FEATURES_1_EDX, 2),
	FEATURE_PSE = FEATURE(FEATURES_1_EDX, 3),
	FEATURE_TSC = FEATURE(FEATURES_1_EDX, 4),
	FEATURE_MSR = FEATURE(FEATURES_1_EDX, 5),
	FEATURE_PAE = FEATURE(FEATURES_1_EDX, 6),
	FEATURE_MCE = FEATURE(FEATURES_1_EDX, 7),
	FEATURE_CX8 = FEATURE(FEATURES_1_EDX, 8),
	FEATURE_APIC = FEATURE(FEATURES_1_EDX, 9),
	FEATURE_SEP = FEATURE(FEATURES_1_EDX, 11),
	FEATURE_MTRR = FEATURE(FEATURES_1_EDX, 12),
	FEATURE_PGE = FEATURE(FEATURES_1_EDX, 13),
	FEATURE_MCA = FEATURE(FEATURES_1_EDX, 14),
	FEATURE_CMOV = FEATURE(FEATURES_1_EDX, 15),
	FEATURE_PAT = FEATURE(FEATURES_1_EDX, 16),
	FEATURE_PSE36 = FEATURE(FEATURES_1_EDX, 17),
	FEATURE_CLFSH = FEATURE(FEATURES_1_EDX, 19),
	FEATURE_MMX = FEATURE(FEATURES_1_EDX, 23),
	FEATURE_FXSR = FEATURE(FEATURES_1_EDX, 24),
	FEATURE_SSE = FEATURE(FEATURES_1_EDX, 25),
	FEATURE_SSE2 = FEATURE(FEATURES_1_EDX, 26),
	FEATURE_SS = FEATURE(FEATURES_1_EDX, 27),

	FEATURE_SSE3 = FEATURE(FEATURES_1_ECX, 0),
	FEATURE_SSSE3 = FEATURE(FEATURES_1_ECX, 9),
	FEATURE_SSE41 = FEATURE(FEATURES_1_ECX, 19),
	FEATURE_SSE42 = FEATURE(FEATURES_1_ECX, 20),
	FEATURE_POPCNT = FEATURE(FEATURES_1_ECX, 23),

	FEATURE_ARAT = FEATURE(FEATURES_6_EAX, 2), /* the APIC's timer never stops */

	FEATURE_ERMS = FEATURE(FEATURES_7_EBX, 9),
	FEATURE_ARCH_CAPABILITIES = FEATURE(FEATURES_7_EDX, 29),

	FEATURE_NX = FEATURE(FEATURES_EXT1_EDX, 20),
	FEATURE_ABM = FEATURE(FEATURES_EXT1_ECX, 5), /* LZCNT */
	FEATURE_INVARIANT_TSC = FEATURE(FEATURES_EXT7_EDX, 8),

	/*
	 * F3 0F BC is TZCNT, not BSF with a prefix that means nothing. Compilers write it
	 * for BSF where both do the same, so that chips with TZCNT take it. CPUID's bit
	 * for it (BMI1) promises VEX instructions, too, which are not modelled; a
	 * hypervisor that hides BMI1 on a real chip gives its guests the same.
	 */
	FEATURE_TZCNT = FEATURE(FEATURES_HIDDEN, 0),
};

/* One deterministic cache (leaf 4). */
struct cache_leaf {
	uint8_t type; /* 1 data, 2 instruction, 3 unified; 0: none */
	uint8_t level;
	uint16_t ways, line, sets;
};
#define MODEL_CACHES 3

struct cpu_model {
	const char *name;	 /* for -cpu */
	const char *description; /* for -cpu help */
	const char *vendor;	 /* 12 characters */
	const char *brand;	 /* leaves 80000002h-80000004h; NULL: none */
	uint8_t family, model, stepping;
	uint8_t brand_index; /* leaf 1's EBX, of chips before brand strings; 0: none */
	uint8_t max_leaf;
	uint32_t max_extended; /* 0: no extended leaves */
	uint32_t features[FEATURE_WORDS];
	uint32_t leaf2[3]; /* EAX, EBX, EDX */
	struct cache_leaf caches[MODEL_CACHES];
	bool from_host; /* identity and features are the host's, as far as modelled */
	char host_vendor[13], host_brand[49]; /* then vendor and brand point here */
};

#define CPU_MODEL_DEFAULT "qemu32"

/* NULL: no such model. "max" and "base" are not models. */
const struct cpu_model *cpu_model_find(const char *name);
/* Number n's model, or NULL after the last: for -cpu help. */
const struct cpu_model *cpu_model_get(unsigned n);
/* The names, separated by ", ". */
const char *cpu_model_names(void);

/*
 * A copy of the model, filled in from the host where it says so; the caller
 * frees it. NULL: out of memory.
 */
struct cpu_model *cpu_model_instantiate(const struct cpu_model *model);

static inline bool cpu_has(const struct vcpu *cpu, enum cpu_feature f)
{
	return cpu->model->features[f / 32] >> (f % 32) & 1;
}

/*
 * Takes away all features that are not among these. Before the guest has run:
 * they do not change under a system.
 */
void cpu_limit_features(struct vcpu *cpu, const uint32_t allowed[FEATURE_WORDS]);

/* Leaf 1's EAX, which is also in EDX after reset. */
uint32_t cpu_signature(const struct cpu_model *model);

/* What the local APIC's timer counts, leaf 15h: devices/lapic.h. */
#define CPU_CRYSTAL_HZ 1000000000u

/* What CPUID gives for EAX=leaf, ECX=subleaf: EAX, EBX, ECX, EDX. */
void cpuid_leaf(const struct vcpu *cpu, uint32_t leaf, uint32_t subleaf, uint32_t out[4]);

#endif
