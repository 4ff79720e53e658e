/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Control and debug registers, and the other instructions that steer the
 * processor: HLT, CLTS, LMSW, INVLPG, CPUID, RDTSC, RDMSR and their like
 * (SDM 3A 2.5, 2.8; 3B 17.2).
 */
#include "base/log.h"
#include "cpu/access.h"
#include "cpu/cpuid.h"
#include "cpu/insn.h"
#include "cpu/msr.h"
#include "cpu/operand16.h"
#include "cpu/segment.h"

static void require_cpl0(struct vcpu *cpu)
{
	if (cpu->cpl)
		raise_gp(cpu, 0);
}

/* ---- control registers ---- */
#define CR0_VALID                                                                                  \
	(CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_NE | CR0_WP | CR0_AM | CR0_NW | CR0_CD | CR0_PG)
#define CR0_TRANSLATION (CR0_PG | CR0_WP | CR0_PE)
#define CR4_TRANSLATION (CR4_PSE | CR4_PAE | CR4_PGE)
#define CR3_PAE_VALID	0xffffffe0u
#define CR3_VALID	(PAGE_MASK | 0x18u)
#define LMSW_BITS	(CR0_PE | CR0_MP | CR0_EM | CR0_TS)

static void write_cr0(struct vcpu *cpu, uint32_t value)
{
	uint32_t changed;

	value = (value & CR0_VALID) | CR0_ET;
	changed = value ^ cpu->cr0;
	if ((value & CR0_PG && !(value & CR0_PE)) || (value & CR0_NW && !(value & CR0_CD)))
		raise_gp(cpu, 0);
	if (changed & (CR0_PG | CR0_CD | CR0_NW) && value & CR0_PG && cpu->cr4 & CR4_PAE &&
	    !paging_load_pdptes(cpu, cpu->cr3))
		raise_gp(cpu, 0);
	cpu->cr0 = value;
	if (changed & (CR0_PE | CR0_PG))
		LOG(LOG_CPU, "CR0 %08x at %04x:%08x", value, cpu->seg[CS].selector, cpu->eip);
	if (changed & CR0_TRANSLATION)
		tlb_flush(cpu, true);
	cpu_mode_changed(cpu);
}

static void write_cr3(struct vcpu *cpu, uint32_t value)
{
	bool pae = cpu->cr4 & CR4_PAE;

	if (pae && cpu->cr0 & CR0_PG && !paging_load_pdptes(cpu, value))
		raise_gp(cpu, 0);
	cpu->cr3 = value & (pae ? CR3_PAE_VALID : CR3_VALID);
	tlb_flush(cpu, false);
}

/* The bits that the model's features allow (SDM 3A 2.5). */
static uint32_t cr4_valid(const struct vcpu *cpu)
{
	static const struct {
		enum cpu_feature feature;
		uint32_t bits;
	} bits[] = {
	    {FEATURE_VME, CR4_VME | CR4_PVI}, {FEATURE_TSC, CR4_TSD}, {FEATURE_DE, CR4_DE},
	    {FEATURE_PSE, CR4_PSE},	      {FEATURE_PAE, CR4_PAE}, {FEATURE_MCE, CR4_MCE},
	    {FEATURE_PGE, CR4_PGE},	      {FEATURE_MMX, CR4_PCE}, {FEATURE_FXSR, CR4_OSFXSR},
	    {FEATURE_SSE, CR4_OSXMMEXCPT},
	};
	uint32_t valid = 0;

	for (unsigned i = 0; i < sizeof(bits) / sizeof(bits[0]); i++)
		if (cpu_has(cpu, bits[i].feature))
			valid |= bits[i].bits;
	return valid;
}

static void write_cr4(struct vcpu *cpu, uint32_t value)
{
	uint32_t changed = value ^ cpu->cr4;

	if (value & ~cr4_valid(cpu))
		raise_gp(cpu, 0);
	if (changed & CR4_TRANSLATION && value & CR4_PAE && cpu->cr0 & CR0_PG &&
	    !paging_load_pdptes(cpu, cpu->cr3))
		raise_gp(cpu, 0);
	cpu->cr4 = value;
	if (changed & CR4_TRANSLATION)
		tlb_flush(cpu, true);
	cpu_mode_changed(cpu);
}

void op_mov_from_cr(struct vcpu *cpu, const struct insn *in)
{
	require_cpl0(cpu);
	switch (in->reg) {
	case 0:
		cpu->regs[in->rm] = cpu->cr0;
		break;
	case 2:
		cpu->regs[in->rm] = cpu->cr2;
		break;
	case 3:
		cpu->regs[in->rm] = cpu->cr3;
		break;
	case 4:
		if (cr4_valid(cpu)) {
			cpu->regs[in->rm] = cpu->cr4;
			break;
		}
		/* fall through */
	default:
		raise_ud(cpu);
	}
}

void op_mov_to_cr(struct vcpu *cpu, const struct insn *in)
{
	uint32_t value = cpu->regs[in->rm];

	require_cpl0(cpu);
	switch (in->reg) {
	case 0:
		write_cr0(cpu, value);
		break;
	case 2:
		cpu->cr2 = value;
		break;
	case 3:
		write_cr3(cpu, value);
		break;
	case 4:
		if (cr4_valid(cpu)) {
			write_cr4(cpu, value);
			break;
		}
		/* fall through */
	default:
		raise_ud(cpu);
	}
}

void op_clts(struct vcpu *cpu, const struct insn *in)
{
	require_cpl0(cpu);
	cpu->cr0 &= ~CR0_TS;
}

/* PE can be set, not cleared. */
void op_lmsw(struct vcpu *cpu, const struct insn *in)
{
	uint32_t value;

	require_cpl0(cpu);
	value = load_rm16(cpu, in) & LMSW_BITS;
	write_cr0(cpu, (cpu->cr0 & ~(LMSW_BITS & ~CR0_PE)) | value);
}

void op_smsw(struct vcpu *cpu, const struct insn *in)
{
	store_rm16(cpu, in, cpu->cr0);
}

/* ---- debug registers ---- */
#define DR6_WRITABLE 0x0000e00fu
#define DR7_WRITABLE 0xffff23ffu

/* Checks, and the number after DR4 and DR5 became DR6 and DR7. */
static unsigned debug_register(struct vcpu *cpu, const struct insn *in)
{
	unsigned n = in->reg;

	require_cpl0(cpu);
	if (n == 4 || n == 5) {
		if (cpu->cr4 & CR4_DE)
			raise_ud(cpu);
		n += 2;
	}
	if (cpu->dr[7] & DR7_GD)
		raise_debug_fault(cpu, DR6_BD);
	return n;
}

void op_mov_from_dr(struct vcpu *cpu, const struct insn *in)
{
	unsigned n = debug_register(cpu, in);

	cpu->regs[in->rm] = cpu->dr[n];
}

void op_mov_to_dr(struct vcpu *cpu, const struct insn *in)
{
	unsigned n = debug_register(cpu, in);
	uint32_t value = cpu->regs[in->rm], armed = cpu->dr[7];

	if (n == 6)
		value = (value & DR6_WRITABLE) | DR6_ALWAYS;
	else if (n == 7)
		value = (value & DR7_WRITABLE) | DR7_ALWAYS;
	cpu->dr[n] = value;
	/* Pages with data breakpoints are not cached in the TLB. */
	if (n != 6 && (armed | cpu->dr[7]) & DR7_ENABLED)
		tlb_flush(cpu, true);
	cpu_mode_changed(cpu);
}

/* ---- caches and translations: there is no cache to write back ---- */
void op_invd(struct vcpu *cpu, const struct insn *in)
{
	require_cpl0(cpu);
}

void op_wbinvd(struct vcpu *cpu, const struct insn *in)
{
	require_cpl0(cpu);
}

/* Works on the address without a segment check (SDM 2A INVLPG). */
void op_invlpg(struct vcpu *cpu, const struct insn *in)
{
	require_cpl0(cpu);
	tlb_flush_page(cpu, cpu->seg[in->seg].base + insn_ea(cpu, in));
}

/* ---- the rest ---- */
void op_hlt(struct vcpu *cpu, const struct insn *in)
{
	require_cpl0(cpu);
	cpu->halted = true;
}

void op_cpuid(struct vcpu *cpu, const struct insn *in)
{
	uint32_t out[4];

	cpuid_leaf(cpu, cpu->regs[EAX], cpu->regs[ECX], out);
	cpu->regs[EAX] = out[0];
	cpu->regs[EBX] = out[1];
	cpu->regs[ECX] = out[2];
	cpu->regs[EDX] = out[3];
}

static void return_edx_eax(struct vcpu *cpu, uint64_t value)
{
	cpu->regs[EAX] = (uint32_t)value;
	cpu->regs[EDX] = (uint32_t)(value >> 32);
}

void op_rdtsc(struct vcpu *cpu, const struct insn *in)
{
	if (!cpu_has(cpu, FEATURE_TSC))
		raise_ud(cpu);
	if (cpu->cr4 & CR4_TSD && cpu->cpl)
		raise_gp(cpu, 0);
	return_edx_eax(cpu, tsc_read(cpu));
}

/* Two counters, as the P6 has, that never count. */
void op_rdpmc(struct vcpu *cpu, const struct insn *in)
{
	if (!cpu_has(cpu, FEATURE_MMX))
		raise_ud(cpu);
	if ((cpu->cpl && !(cpu->cr4 & CR4_PCE)) || cpu->regs[ECX] > 1)
		raise_gp(cpu, 0);
	return_edx_eax(cpu, 0);
}

void op_rdmsr(struct vcpu *cpu, const struct insn *in)
{
	uint64_t value;

	if (!cpu_has(cpu, FEATURE_MSR))
		raise_ud(cpu);
	if (cpu->cpl || !msr_read(cpu, cpu->regs[ECX], &value))
		raise_gp(cpu, 0);
	return_edx_eax(cpu, value);
}

void op_wrmsr(struct vcpu *cpu, const struct insn *in)
{
	uint64_t value = cpu->regs[EAX] | (uint64_t)cpu->regs[EDX] << 32;

	if (!cpu_has(cpu, FEATURE_MSR))
		raise_ud(cpu);
	if (cpu->cpl || !msr_write(cpu, cpu->regs[ECX], value))
		raise_gp(cpu, 0);
}

void op_ud(struct vcpu *cpu, const struct insn *in)
{
	raise_ud(cpu);
}
