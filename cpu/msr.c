/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Model-specific registers (SDM 4 chapter 2): the architectural ones that the
 * models advertise, and a few that systems read on any Intel processor. All
 * others raise #GP(0), which is how systems find out that they are missing.
 *
 * MTRRs and PAT keep what is written; memory has no cache to be typed.
 * Left out: performance counters, thermal sensors, machine-check banks,
 * last-branch records, microcode loading (the revision stays what it is).
 */
#include "cpu/msr.h"

#include <string.h>

#include "base/log.h"
#include "cpu/access.h"
#include "cpu/cpuid.h"
#include "cpu/fpu.h"

enum msr_index {
	MSR_P5_MC_ADDR = 0x000,
	MSR_P5_MC_TYPE = 0x001,
	MSR_TSC = 0x010,
	MSR_PLATFORM_ID = 0x017,
	MSR_APIC_BASE = 0x01b,
	MSR_EBL_CR_POWERON = 0x02a,
	MSR_FEATURE_CONTROL = 0x03a,
	MSR_BIOS_UPDT_TRIG = 0x079,
	MSR_BIOS_SIGN_ID = 0x08b,
	MSR_MTRRCAP = 0x0fe,
	MSR_ARCH_CAPABILITIES = 0x10a,
	MSR_BBL_CR_CTL3 = 0x11e,
	MSR_SYSENTER_CS = 0x174,
	MSR_SYSENTER_ESP = 0x175,
	MSR_SYSENTER_EIP = 0x176,
	MSR_MCG_CAP = 0x179,
	MSR_MCG_STATUS = 0x17a,
	MSR_PERF_STATUS = 0x198,
	MSR_MISC_ENABLE = 0x1a0,
	MSR_MTRR_PHYSBASE0 = 0x200,
	MSR_MTRR_PHYSMASK7 = 0x20f,
	MSR_MTRR_FIX64K = 0x250,
	MSR_MTRR_FIX16K_80000 = 0x258,
	MSR_MTRR_FIX16K_A0000 = 0x259,
	MSR_MTRR_FIX4K_C0000 = 0x268,
	MSR_MTRR_FIX4K_F8000 = 0x26f,
	MSR_PAT = 0x277,
	MSR_MTRR_DEF_TYPE = 0x2ff,
	MSR_EFER = 0xc0000080,
};

/* Power-on value of IA32_PAT: WB WT UC- UC, twice. */
#define PAT_RESET 0x0007040600070406ull
/* Eight variable ranges, fixed ranges, write combining. */
#define MTRRCAP_VALUE	    0x508u
#define MTRR_DEF_TYPE_VALID 0xcffu
#define MTRR_MASK_VALID	    0xffffff800ull
#define MTRR_BASE_VALID	    0xffffff0ffull
/* Fast strings, and no BTS, no PEBS. */
#define MISC_ENABLE_RESET      0x1801u
#define MISC_ENABLE_READ_ONLY  0x1800u
#define FEATURE_CONTROL_LOCKED 1u
#define MICROCODE_REVISION     0x21800000000ull
#define APIC_BASE_RESET	       0xfee00000u
/*
 * IA32_ARCH_CAPABILITIES: not affected by Meltdown, L1TF, speculative store
 * bypass, MDS, page-size MCE, TAA, MMIO stale data, BHI, PBRSB, GDS, RFDS. An
 * interpreter does not speculate on guest secrets, so the guest needs no
 * mitigations.
 */
#define ARCH_CAPABILITIES_VALUE 0x0d10e179u

void msr_reset(struct vcpu *cpu)
{
	struct msr_state *m = &cpu->msr;

	memset(m, 0, sizeof(*m));
	m->pat = PAT_RESET;
	m->misc_enable = MISC_ENABLE_RESET;
	m->feature_control = FEATURE_CONTROL_LOCKED;
	m->apic_base = APIC_BASE_RESET | APIC_BASE_BSP;
	if (cpu_has(cpu, FEATURE_APIC))
		m->apic_base |= APIC_BASE_ENABLE;
	/* The counter starts at 0, wherever the clock's is. */
	m->tsc_adjust = cpu->ops->tsc ? -cpu->ops->tsc(cpu->opaque) : 0;
	tsc_changed(cpu);
}

uint64_t tsc_read(struct vcpu *cpu)
{
	return (cpu->ops->tsc ? cpu->ops->tsc(cpu->opaque) : 0) + cpu->msr.tsc_adjust;
}

void tsc_changed(struct vcpu *cpu)
{
	if (cpu->ops->tsc_offset)
		cpu->bt_tsc_ahead = cpu->msr.tsc_adjust - cpu->ops->tsc_offset(cpu->opaque);
}

/* ---- memory types ---- */
static bool memory_type_valid(unsigned type, bool pat)
{
	/* UC WC WT WP WB; UC- in the PAT only. */
	return type == 0 || type == 1 || (type >= 4 && type <= 6) || (pat && type == 7);
}

static bool memory_types_valid(uint64_t value, bool pat)
{
	for (unsigned i = 0; i < 8; i++)
		if (!memory_type_valid(value >> 8 * i & 0xff, pat))
			return false;
	return true;
}

/* Place of a fixed-range MTRR in mtrr_fixed, or -1. */
static int mtrr_fixed_index(uint32_t index)
{
	if (index == MSR_MTRR_FIX64K)
		return 0;
	if (index == MSR_MTRR_FIX16K_80000 || index == MSR_MTRR_FIX16K_A0000)
		return 1 + (int)(index - MSR_MTRR_FIX16K_80000);
	if (index >= MSR_MTRR_FIX4K_C0000 && index <= MSR_MTRR_FIX4K_F8000)
		return 3 + (int)(index - MSR_MTRR_FIX4K_C0000);
	return -1;
}

static uint64_t *mtrr_variable(struct vcpu *cpu, uint32_t index)
{
	unsigned n = index - MSR_MTRR_PHYSBASE0;

	if (index < MSR_MTRR_PHYSBASE0 || index > MSR_MTRR_PHYSMASK7)
		return NULL;
	return n & 1 ? &cpu->msr.mtrr_mask[n >> 1] : &cpu->msr.mtrr_base[n >> 1];
}

/* The register's storage when it is one of the MTRRs or the PAT, else NULL. */
static uint64_t *memory_type_register(struct vcpu *cpu, uint32_t index)
{
	int fixed;

	if (index == MSR_PAT)
		return cpu_has(cpu, FEATURE_PAT) ? &cpu->msr.pat : NULL;
	if (!cpu_has(cpu, FEATURE_MTRR))
		return NULL;
	if (index == MSR_MTRR_DEF_TYPE)
		return &cpu->msr.mtrr_def_type;
	fixed = mtrr_fixed_index(index);
	return fixed >= 0 ? &cpu->msr.mtrr_fixed[fixed] : mtrr_variable(cpu, index);
}

static bool memory_type_write(uint64_t *reg, uint32_t index, uint64_t value)
{
	bool valid;

	if (index == MSR_PAT)
		valid = memory_types_valid(value, true);
	else if (index == MSR_MTRR_DEF_TYPE)
		valid = !(value & ~(uint64_t)MTRR_DEF_TYPE_VALID) &&
			memory_type_valid(value & 0xff, false);
	else if (mtrr_fixed_index(index) >= 0)
		valid = memory_types_valid(value, false);
	else if (index & 1)
		valid = !(value & ~MTRR_MASK_VALID);
	else
		valid = !(value & ~MTRR_BASE_VALID) && memory_type_valid(value & 0xff, false);
	if (valid)
		*reg = value;
	return valid;
}

/* ---- registers with rules of their own ---- */
static uint64_t efer_valid(const struct vcpu *cpu)
{
	return cpu_has(cpu, FEATURE_NX) ? EFER_NXE : 0;
}

static bool efer_write(struct vcpu *cpu, uint64_t value)
{
	if (value & ~efer_valid(cpu))
		return false;
	if (value != cpu->msr.efer) {
		cpu->msr.efer = value;
		tlb_flush(cpu, true);
	}
	return true;
}

static bool apic_base_write(struct vcpu *cpu, uint64_t value)
{
	uint64_t valid = APIC_BASE_ADDRESS | APIC_BASE_ENABLE | APIC_BASE_BSP;

	if (value & ~valid)
		return false;
	cpu->msr.apic_base = value;
	fpu_leave(cpu);
	if (cpu->ops->apic_base_changed)
		cpu->ops->apic_base_changed(cpu->opaque, value);
	return true;
}

static bool present(const struct vcpu *cpu, uint32_t index)
{
	switch (index) {
	case MSR_TSC:
		return cpu_has(cpu, FEATURE_TSC);
	case MSR_APIC_BASE:
		return cpu_has(cpu, FEATURE_APIC) && cpu->model->family >= 6;
	case MSR_SYSENTER_CS:
	case MSR_SYSENTER_ESP:
	case MSR_SYSENTER_EIP:
		return cpu_has(cpu, FEATURE_SEP);
	case MSR_MTRRCAP:
		return cpu_has(cpu, FEATURE_MTRR);
	case MSR_MCG_CAP:
	case MSR_MCG_STATUS:
		return cpu_has(cpu, FEATURE_MCA);
	case MSR_EFER:
		return efer_valid(cpu);
	case MSR_ARCH_CAPABILITIES:
		return cpu_has(cpu, FEATURE_ARCH_CAPABILITIES);
	case MSR_P5_MC_ADDR:
	case MSR_P5_MC_TYPE:
		return true;
	default:
		return cpu->model->family >= 6;
	}
}

/* AMD's HWCR, and that the TSC counts at the P0 frequency. */
#define MSR_AMD_HWCR	  0xc0010015u
#define HWCR_TSC_FREQ_SEL (1u << 24)

/* AMD's own range: chip configuration that systems read and patch at boot. */
static bool amd_configuration(const struct vcpu *cpu, uint32_t index)
{
	return index >> 16 == 0xc001 && !strcmp(cpu->model->vendor, "AuthenticAMD");
}

static bool unknown(uint32_t index, const char *access)
{
	LOG(LOG_UNIMP, "%s of MSR %#x", access, index);
	return false;
}

bool msr_read(struct vcpu *cpu, uint32_t index, uint64_t *value)
{
	const struct msr_state *m = &cpu->msr;
	const uint64_t *typed = memory_type_register(cpu, index);

	*value = 0;
	if (typed) {
		*value = *typed;
		return true;
	}
	if (amd_configuration(cpu, index)) {
		*value = index == MSR_AMD_HWCR ? HWCR_TSC_FREQ_SEL : 0;
		return true;
	}
	if (!present(cpu, index))
		return unknown(index, "read");
	switch (index) {
	case MSR_TSC:
		*value = tsc_read(cpu);
		return true;
	case MSR_APIC_BASE:
		*value = m->apic_base;
		return true;
	case MSR_FEATURE_CONTROL:
		*value = m->feature_control;
		return true;
	case MSR_BIOS_SIGN_ID:
		*value = MICROCODE_REVISION;
		return true;
	case MSR_MTRRCAP:
		*value = MTRRCAP_VALUE;
		return true;
	case MSR_ARCH_CAPABILITIES:
		*value = ARCH_CAPABILITIES_VALUE;
		return true;
	case MSR_SYSENTER_CS:
		*value = m->sysenter_cs;
		return true;
	case MSR_SYSENTER_ESP:
		*value = m->sysenter_esp;
		return true;
	case MSR_SYSENTER_EIP:
		*value = m->sysenter_eip;
		return true;
	case MSR_MCG_STATUS:
		*value = m->mcg_status;
		return true;
	case MSR_MISC_ENABLE:
		*value = m->misc_enable;
		return true;
	case MSR_EFER:
		*value = m->efer;
		return true;
	case MSR_P5_MC_ADDR: /* no errors */
	case MSR_P5_MC_TYPE:
	case MSR_PLATFORM_ID:
	case MSR_EBL_CR_POWERON:
	case MSR_BBL_CR_CTL3:
	case MSR_MCG_CAP: /* no banks */
	case MSR_PERF_STATUS:
		return true;
	default:
		return unknown(index, "read");
	}
}

bool msr_write(struct vcpu *cpu, uint32_t index, uint64_t value)
{
	struct msr_state *m = &cpu->msr;
	uint64_t *typed = memory_type_register(cpu, index);

	if (typed)
		return memory_type_write(typed, index, value);
	if (amd_configuration(cpu, index))
		return true;
	if (!present(cpu, index))
		return unknown(index, "write");
	switch (index) {
	case MSR_TSC:
		m->tsc_adjust += value - tsc_read(cpu);
		tsc_changed(cpu);
		return true;
	case MSR_APIC_BASE:
		return apic_base_write(cpu, value);
	case MSR_SYSENTER_CS:
		m->sysenter_cs = (uint32_t)value;
		return true;
	case MSR_SYSENTER_ESP:
		m->sysenter_esp = (uint32_t)value;
		return true;
	case MSR_SYSENTER_EIP:
		m->sysenter_eip = (uint32_t)value;
		return true;
	case MSR_MCG_STATUS:
		m->mcg_status = value;
		return true;
	case MSR_MISC_ENABLE:
		m->misc_enable = value | MISC_ENABLE_READ_ONLY;
		return true;
	case MSR_EFER:
		return efer_write(cpu, value);
	case MSR_P5_MC_ADDR:
	case MSR_P5_MC_TYPE:
	case MSR_EBL_CR_POWERON:
	case MSR_BIOS_UPDT_TRIG: /* an update is accepted and changes nothing */
	case MSR_BIOS_SIGN_ID:	 /* systems write 0 before they ask by CPUID */
	case MSR_BBL_CR_CTL3:
		return true;
	default:
		return unknown(index, "write");
	}
}
