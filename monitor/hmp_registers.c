/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `info registers`, laid out as QEMU does it. */
#include <inttypes.h>
#include <string.h>

#include "cpu/vcpu.h"
#include "monitor/hmp_internal.h"

/* Types of system descriptors, SDM 3A table 3-2. */
static const char *const system_types[16] = {
	"Reserved", "TSS16-avl", "LDT", "TSS16-busy", "CallGate16", "TaskGate", "IntGate16",
	"TrapGate16", "Reserved", "TSS32-avl", "Reserved", "TSS32-busy", "CallGate32", "Reserved",
	"IntGate32", "TrapGate32"};

static void print_segment_type(FILE *out, const struct segment *s)
{
	fprintf(out, " DPL=%u ", (s->attr & DESC_DPL) >> DESC_DPL_SHIFT);
	if (!(s->attr & DESC_S)) {
		fprintf(out, "%s", system_types[s->attr >> 8 & 15]);
		return;
	}
	if (s->attr & DESC_CODE)
		fprintf(out, "%s [%c%c", s->attr & DESC_DB ? "CS32" : "CS16",
			s->attr & DESC_DC ? 'C' : '-', s->attr & DESC_RW ? 'R' : '-');
	else
		fprintf(out, "%s [%c%c", s->attr & DESC_DB ? "DS  " : "DS16",
			s->attr & DESC_DC ? 'E' : '-', s->attr & DESC_RW ? 'W' : '-');
	fprintf(out, "%c]", s->attr & DESC_ACCESSED ? 'A' : '-');
}

static void print_segment(FILE *out, const char *name, const struct vcpu *cpu,
			  const struct segment *s)
{
	fprintf(out, "%-3s=%04x %08x %08x %08x", name, s->selector, s->base, s->limit, s->attr);
	if (cpu->cr0 & CR0_PE && s->attr & DESC_P)
		print_segment_type(out, s);
	fputc('\n', out);
}

static void print_general(FILE *out, const struct vcpu *cpu)
{
	static const struct {
		uint32_t flag;
		char letter;
	} flags[] = {{FL_DF, 'D'}, {FL_OF, 'O'}, {FL_SF, 'S'}, {FL_ZF, 'Z'},
		     {FL_AF, 'A'}, {FL_PF, 'P'}, {FL_CF, 'C'}};

	fprintf(out, "EAX=%08x EBX=%08x ECX=%08x EDX=%08x\n", cpu->regs[EAX], cpu->regs[EBX],
		cpu->regs[ECX], cpu->regs[EDX]);
	fprintf(out, "ESI=%08x EDI=%08x EBP=%08x ESP=%08x\n", cpu->regs[ESI], cpu->regs[EDI],
		cpu->regs[EBP], cpu->regs[ESP]);
	fprintf(out, "EIP=%08x EFL=%08x [", cpu->eip, cpu->eflags);
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		fputc(cpu->eflags & flags[i].flag ? flags[i].letter : '-', out);
	fprintf(out, "] CPL=%u II=%d A20=%d SMM=0 HLT=%d\n", cpu->cpl,
		cpu->interrupt_shadow || cpu->debug_shadow, cpu->a20_mask >> 20 & 1, cpu->halted);
}

static void print_system(FILE *out, const struct vcpu *cpu)
{
	static const char *const names[SEG_COUNT] = {"ES", "CS", "SS", "DS", "FS", "GS"};

	for (int i = 0; i < SEG_COUNT; i++)
		print_segment(out, names[i], cpu, &cpu->seg[i]);
	print_segment(out, "LDT", cpu, &cpu->ldtr);
	print_segment(out, "TR", cpu, &cpu->tr);
	fprintf(out, "GDT=     %08x %08x\n", cpu->gdtr.base, cpu->gdtr.limit);
	fprintf(out, "IDT=     %08x %08x\n", cpu->idtr.base, cpu->idtr.limit);
	fprintf(out, "CR0=%08x CR2=%08x CR3=%08x CR4=%08x\n", cpu->cr0, cpu->cr2, cpu->cr3,
		cpu->cr4);
	fprintf(out, "DR0=%08x DR1=%08x DR2=%08x DR3=%08x \n", cpu->dr[0], cpu->dr[1], cpu->dr[2],
		cpu->dr[3]);
	fprintf(out, "DR6=%08x DR7=%08x\n", cpu->dr[6], cpu->dr[7]);
	fprintf(out, "EFER=%016" PRIx64 "\n", cpu->msr.efer);
}

static uint64_t load64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* FPRn is physical register n, as in QEMU; the image holds ST(0) first. */
static void print_fpu(FILE *out, const struct fxsave_image *fx)
{
	unsigned top = fx->fsw >> 11 & 7;

	fprintf(out, "FCW=%04x FSW=%04x [ST=%u] FTW=%02x MXCSR=%08x\n", fx->fcw, fx->fsw, top,
		fx->ftw, fx->mxcsr);
	for (unsigned i = 0; i < 8; i++) {
		const uint8_t *st = fx->st[(i - top) & 7];
		uint16_t exponent;

		memcpy(&exponent, st + 8, sizeof(exponent));
		fprintf(out, "FPR%u=%016" PRIx64 " %04x%c", i, load64(st), exponent,
			i % 2 ? '\n' : ' ');
	}
	for (unsigned i = 0; i < 8; i++)
		fprintf(out, "XMM%02u=%016" PRIx64 " %016" PRIx64 "%c", i, load64(fx->xmm[i] + 8),
			load64(fx->xmm[i]), i % 2 ? '\n' : ' ');
}

void hmp_info_registers(struct hmp *m, const struct hmp_args *a)
{
	const struct vcpu *cpu = vm_vcpu(m->vm);

	fprintf(m->out, "\nCPU#0\n");
	print_general(m->out, cpu);
	print_system(m->out, cpu);
	print_fpu(m->out, &cpu->fx);
}
