/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The x87 state as a whole: between cpu->fx and the host's registers, its
 * pending errors (SDM 1 8.7), the environments of FNSTENV and FNSAVE in their
 * four layouts (SDM 1 figures 8-9 to 8-12), FXSAVE (SDM 1 10.5), and the change
 * from x87 to MMX (SDM 1 9.5).
 *
 * FIP, FDP and FOP are kept in cpu->fx by the handlers, never taken from the
 * host: AMD processors save them only while an exception is pending.
 */
#include "cpu/host_fpu.h"

#include <stddef.h>

#define TAG_VALID   0u
#define TAG_ZERO    1u
#define TAG_SPECIAL 2u
#define TAG_EMPTY   3u

#define EXPONENT_MAX 0x7fffu
#define INTEGER_BIT  (1ull << 63)

#define FOP_MASK 0x7ffu

void x87_sync(struct vcpu *cpu)
{
	struct fxsave_image host;

	if (!(cpu->host_fpu & HOST_X87))
		return;
	__asm__ volatile("fxsave %0\n\tfninit" : "=m"(host));
	cpu->fx.fcw = host.fcw;
	cpu->fx.fsw = host.fsw;
	cpu->fx.ftw = host.ftw;
	memcpy(cpu->fx.st, host.st, sizeof(host.st));
	cpu->host_fpu &= ~(HOST_X87 | HOST_X87_UNMASKED);
}

void x87_load(struct vcpu *cpu)
{
	struct fxsave_image host;

	memset(&host, 0, sizeof(host));
	host.fcw = cpu->fx.fcw;
	host.fsw = cpu->fx.fsw;
	host.ftw = cpu->fx.ftw;
	memcpy(host.st, cpu->fx.st, sizeof(host.st));
	/* MXCSR is loaded as well, and XMM registers are lost. */
	__asm__ volatile("stmxcsr %0\n\tfxrstor %1"
			 : "=m"(host.mxcsr)
			 : "m"(host)
			 : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
			   "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "memory");
	cpu->host_fpu |= HOST_X87;
	if ((cpu->fx.fcw & FCW_MASKS) != FCW_MASKS)
		cpu->host_fpu |= HOST_X87_UNMASKED;
}

void fpu_sync(struct vcpu *cpu)
{
	const uint32_t default_mxcsr = MXCSR_DEFAULT;

	if (cpu->host_fpu & HOST_MXCSR)
		__asm__ volatile("stmxcsr %0\n\tldmxcsr %1"
				 : "=m"(cpu->fx.mxcsr)
				 : "m"(default_mxcsr)
				 : "memory");
	x87_sync(cpu);
	cpu->host_fpu = 0;
}

static void set_ferr(struct vcpu *cpu, int level)
{
	fpu_leave(cpu);
	if (cpu->ops->ferr)
		cpu->ops->ferr(cpu->opaque, level);
}

/* FERR# follows FSW.ES down; it goes up only at the next waiting instruction. */
static void drop_ferr(struct vcpu *cpu)
{
	if (!cpu->ferr)
		return;
	cpu->ferr = cpu->ignne = false;
	set_ferr(cpu, 0);
}

void fpu_reset(struct vcpu *cpu)
{
	fpu_leave(cpu);
	memset(&cpu->fx, 0, sizeof(cpu->fx));
	cpu->fx.fcw = FCW_RESET;
	cpu->fx.ftw = 0xff; /* tag word 5555h: all are zero */
	cpu->fx.mxcsr = MXCSR_DEFAULT;
	cpu->fx.mxcsr_mask = MXCSR_WRITABLE;
	drop_ferr(cpu);
}

void x87_set_top(struct fxsave_image *fx, unsigned top)
{
	unsigned turn = (top - (fx->fsw >> FSW_TOP_SHIFT)) & 7;
	uint8_t old[8][16];

	if (!turn)
		return;
	memcpy(old, fx->st, sizeof(old));
	for (unsigned i = 0; i < 8; i++)
		memcpy(fx->st[i], old[(i + turn) & 7], sizeof(old[0]));
	fx->fsw = (uint16_t)((fx->fsw & ~FSW_TOP) | top << FSW_TOP_SHIFT);
}

/* ---- errors ---- */

void x87_update_error(struct vcpu *cpu)
{
	struct fxsave_image *fx = &cpu->fx;

	fx->fsw &= (uint16_t) ~(FSW_ES | FSW_B);
	if (fx->fsw & ~fx->fcw & FSW_EXCEPTIONS)
		fx->fsw |= FSW_ES | FSW_B;
	else
		drop_ferr(cpu);
}

void x87_error(struct vcpu *cpu)
{
	if (cpu->cr0 & CR0_NE)
		raise_vector(cpu, VEC_MF);
	if (cpu->ignne)
		return;
	/* SDM 1 D.2.1.2: freezes until an interrupt, usually the one this asks for. */
	cpu->ferr = true;
	set_ferr(cpu, 1);
	cpu->halted = true;
	restart_instruction(cpu);
}

void fpu_ignore_error(struct vcpu *cpu)
{
	if (!cpu->ferr || cpu->ignne)
		return;
	cpu->ignne = true;
	set_ferr(cpu, 0); /* the request for IRQ 13, not the pin */
}

/* ---- MMX ---- */

void mmx_check(struct vcpu *cpu)
{
	if (unlikely(cpu->cr0 & (CR0_EM | CR0_TS)))
		raise_vector(cpu, cpu->cr0 & CR0_EM ? VEC_UD : VEC_NM);
	if (unlikely(cpu->host_fpu & HOST_X87))
		x87_sync(cpu);
	if (unlikely(cpu->fx.fsw & FSW_ES))
		x87_error(cpu);
}

void mmx_enter(struct vcpu *cpu)
{
	x87_set_top(&cpu->fx, 0);
	cpu->fx.ftw = 0xff;
}

/* ---- environments ---- */

/* The tag of a register in use, from what it holds. */
static unsigned tag_of(const uint8_t *reg)
{
	uint64_t significand;
	uint16_t exponent;

	memcpy(&significand, reg, sizeof(significand));
	memcpy(&exponent, reg + 8, sizeof(exponent));
	exponent &= EXPONENT_MAX;
	if (exponent == 0 && significand == 0)
		return TAG_ZERO;
	if (exponent == 0 || exponent == EXPONENT_MAX || !(significand & INTEGER_BIT))
		return TAG_SPECIAL;
	return TAG_VALID;
}

static uint16_t full_tags(const struct fxsave_image *fx)
{
	unsigned top = fx->fsw >> FSW_TOP_SHIFT & 7;
	unsigned tags = 0;

	for (unsigned n = 0; n < 8; n++) {
		unsigned tag = fx->ftw >> n & 1 ? tag_of(fx->st[(n - top) & 7]) : TAG_EMPTY;

		tags |= tag << 2 * n;
	}
	return (uint16_t)tags;
}

static uint8_t abridged_tags(uint16_t tags)
{
	unsigned used = 0;

	for (unsigned n = 0; n < 8; n++)
		if ((tags >> 2 * n & 3) != TAG_EMPTY)
			used |= 1u << n;
	return (uint8_t)used;
}

#define ENV_WORDS 7

static unsigned env_size(const struct insn *in)
{
	return in->operand32 ? 4 * ENV_WORDS : 2 * ENV_WORDS;
}

/*
 * The environment as seven words of 16 or 32 bits. In real and v86 mode the
 * pointers are linear addresses, whose upper bits share a word with FOP.
 */
static void env_words(const struct vcpu *cpu, uint32_t w[ENV_WORDS])
{
	const struct fxsave_image *fx = &cpu->fx;
	uint32_t fip = fx->fip + ((uint32_t)fx->fcs << 4);
	uint32_t fdp = fx->fdp + ((uint32_t)fx->fds << 4);

	w[0] = 0xffff0000 | fx->fcw;
	w[1] = 0xffff0000 | fx->fsw;
	w[2] = 0xffff0000 | full_tags(fx);
	if (protected_mode(cpu)) {
		w[3] = fx->fip;
		w[4] = fx->fcs | (uint32_t)fx->fop << 16;
		w[5] = fx->fdp;
		w[6] = 0xffff0000 | fx->fds;
		return;
	}
	w[3] = 0xffff0000 | fip;
	w[4] = fip >> 16 << 12 | fx->fop;
	w[5] = 0xffff0000 | fdp;
	w[6] = fdp >> 16 << 12;
}

static void env_pack(struct vcpu *cpu, const struct insn *in, uint8_t *out)
{
	uint32_t w[ENV_WORDS];
	unsigned size = in->operand32 ? 4 : 2;

	env_words(cpu, w);
	for (unsigned i = 0; i < ENV_WORDS; i++)
		memcpy(out + i * size, &w[i], size);
}

static void env_unpack(struct vcpu *cpu, const struct insn *in, const uint8_t *from)
{
	struct fxsave_image *fx = &cpu->fx;
	uint32_t w[ENV_WORDS] = {0};
	unsigned size = in->operand32 ? 4 : 2;

	for (unsigned i = 0; i < ENV_WORDS; i++)
		memcpy(&w[i], from + i * size, size);
	x87_set_top(fx, w[1] >> FSW_TOP_SHIFT & 7);
	fx->fcw = (uint16_t)((w[0] & FCW_WRITABLE) | FCW_ALWAYS);
	fx->fsw = (uint16_t)w[1];
	fx->ftw = abridged_tags((uint16_t)w[2]);
	if (protected_mode(cpu)) {
		fx->fip = w[3];
		fx->fcs = (uint16_t)w[4];
		fx->fop = w[4] >> 16 & FOP_MASK;
		fx->fdp = w[5];
		fx->fds = (uint16_t)w[6];
		if (!in->operand32) /* this layout has no FOP */
			fx->fop = 0;
	} else {
		fx->fip = (w[3] & 0xffff) | (w[4] & 0x0ffff000) << 4;
		fx->fop = w[4] & FOP_MASK;
		fx->fcs = 0;
		fx->fdp = (w[5] & 0xffff) | (w[6] & 0x0ffff000) << 4;
		fx->fds = 0;
	}
	x87_update_error(cpu);
}

#define FSAVE_MAX (4 * ENV_WORDS + 80)

/* Environments are aligned as their items (SDM 3A table 6-7). */
static unsigned env_align(const struct insn *in)
{
	return env_size(in) / ENV_WORDS;
}

/*
 * Environments: the chip looks at the first item, then at the last byte, which
 * shows in CR2 when the operand crosses into a page that faults.
 */
static void probe_ends(struct vcpu *cpu, const struct insn *in, gva_t gva, unsigned size,
		       bool write)
{
	lin_probe(cpu, gva, env_align(in), write, cpu->cpl == 3);
	lin_probe(cpu, gva + size - 1, 1, write, cpu->cpl == 3);
}

static void read_environment(struct vcpu *cpu, const struct insn *in, void *to, unsigned size)
{
	gva_t gva = seg_read_check(cpu, in->seg, insn_ea(cpu, in), size);

	access_check_alignment(cpu, gva, env_align(in));
	probe_ends(cpu, in, gva, size, false);
	lin_read_bytes(cpu, gva, to, size);
}

static void write_environment(struct vcpu *cpu, const struct insn *in, const void *from,
			      unsigned size)
{
	gva_t gva = seg_write_check(cpu, in->seg, insn_ea(cpu, in), size);

	access_check_alignment(cpu, gva, env_align(in));
	probe_ends(cpu, in, gva, size, true);
	lin_write_bytes(cpu, gva, from, size);
}

static void init_state(struct vcpu *cpu)
{
	struct fxsave_image *fx = &cpu->fx;

	x87_set_top(fx, 0);
	fx->fcw = FCW_FNINIT;
	fx->fsw = 0;
	fx->ftw = 0;
	fx->fop = fx->fcs = fx->fds = 0;
	fx->fip = fx->fdp = 0;
	drop_ferr(cpu);
}

static void check_available(struct vcpu *cpu)
{
	if (cpu->cr0 & (CR0_EM | CR0_TS))
		raise_vector(cpu, VEC_NM);
}

/* FLDENV and FRSTOR wait for errors; FNSTENV and FNSAVE do not. */
static void check_waiting(struct vcpu *cpu)
{
	check_available(cpu);
	x87_sync(cpu);
	if (cpu->fx.fsw & FSW_ES)
		x87_error(cpu);
}

void op_fninit(struct vcpu *cpu, const struct insn *in)
{
	check_available(cpu);
	x87_sync(cpu);
	init_state(cpu);
}

void op_fnclex(struct vcpu *cpu, const struct insn *in)
{
	check_available(cpu);
	if (cpu->host_fpu & HOST_X87)
		__asm__ volatile("fnclex");
	else
		cpu->fx.fsw &= (uint16_t) ~(FSW_B | FSW_ES | FSW_SF | FSW_EXCEPTIONS);
	drop_ferr(cpu);
}

void op_fnstenv(struct vcpu *cpu, const struct insn *in)
{
	uint8_t buf[FSAVE_MAX];

	check_available(cpu);
	x87_sync(cpu);
	env_pack(cpu, in, buf);
	write_environment(cpu, in, buf, env_size(in));
	cpu->fx.fcw |= FCW_MASKS; /* SDM 2A FSTENV: then masks all exceptions */
	x87_update_error(cpu);
}

void op_fldenv(struct vcpu *cpu, const struct insn *in)
{
	uint8_t buf[FSAVE_MAX];

	check_waiting(cpu);
	read_environment(cpu, in, buf, env_size(in));
	env_unpack(cpu, in, buf);
}

void op_fnsave(struct vcpu *cpu, const struct insn *in)
{
	uint8_t buf[FSAVE_MAX];
	unsigned size = env_size(in);

	check_available(cpu);
	x87_sync(cpu);
	env_pack(cpu, in, buf);
	for (unsigned i = 0; i < 8; i++)
		memcpy(buf + size + 10 * i, cpu->fx.st[i], 10);
	write_environment(cpu, in, buf, size + 80);
	init_state(cpu);
}

void op_frstor(struct vcpu *cpu, const struct insn *in)
{
	uint8_t buf[FSAVE_MAX];
	unsigned size = env_size(in);

	check_waiting(cpu);
	read_environment(cpu, in, buf, size + 80);
	for (unsigned i = 0; i < 8; i++) /* before unpack may call ops->ferr() */
		memcpy(cpu->fx.st[i], buf + size + 10 * i, 10);
	cpu->fx.fsw = (uint16_t)(buf[size / ENV_WORDS] | buf[size / ENV_WORDS + 1] << 8);
	env_unpack(cpu, in, buf);
}

/* ---- FXSAVE ---- */

#define FXSAVE_SIZE 512
#define FXSAVE_X87  160 /* bytes before XMM0 */
#define FXSAVE_USED 288 /* to the end of XMM7; the rest is left alone */

/*
 * The address of an FXSAVE area, checked. Not aligned to 16 bytes: #GP(0), but
 * with alignment checks on #AC(0) where it is not aligned to 4 either (SDM 2A
 * FXSAVE leaves this to the processor). The chip looks at the last byte first.
 */
static gva_t fxsave_area(struct vcpu *cpu, const struct insn *in, bool write)
{
	uint32_t ea = insn_ea(cpu, in);
	gva_t gva = write ? seg_write_check(cpu, in->seg, ea, FXSAVE_SIZE)
			  : seg_read_check(cpu, in->seg, ea, FXSAVE_SIZE);

	access_check_alignment(cpu, gva, 4);
	if (gva & 15)
		raise_gp(cpu, 0);
	lin_probe(cpu, gva + FXSAVE_SIZE - 1, 1, write, cpu->cpl == 3);
	lin_probe(cpu, gva, FXSAVE_SIZE, write, cpu->cpl == 3);
	return gva;
}

/* XMM and MXCSR are part of it only with CR4.OSFXSR. */
void op_fxsave(struct vcpu *cpu, const struct insn *in)
{
	bool sse = cpu->cr4 & CR4_OSFXSR;
	struct fxsave_image image;
	gva_t gva;

	check_available(cpu);
	gva = fxsave_area(cpu, in, true);
	fpu_leave(cpu);
	image = cpu->fx;
	image.mxcsr_mask = MXCSR_WRITABLE;
	image.reserved = 0;
	image.reserved2 = image.reserved3 = 0;
	if (!sse)
		image.mxcsr = image.mxcsr_mask = 0;
	lin_write_bytes(cpu, gva, &image, sse ? FXSAVE_USED : FXSAVE_X87);
}

void op_fxrstor(struct vcpu *cpu, const struct insn *in)
{
	bool sse = cpu->cr4 & CR4_OSFXSR;
	struct fxsave_image image;

	check_available(cpu);
	lin_read_bytes(cpu, fxsave_area(cpu, in, false), &image, sizeof(image));
	if (sse && image.mxcsr & ~MXCSR_WRITABLE)
		raise_gp(cpu, 0);
	fpu_leave(cpu);
	image.fcw = (uint16_t)((image.fcw & FCW_WRITABLE) | FCW_ALWAYS);
	image.fop &= FOP_MASK;
	memcpy(&cpu->fx, &image, offsetof(struct fxsave_image, mxcsr));
	memcpy(cpu->fx.st, image.st, sizeof(image.st));
	for (unsigned i = 0; i < 8; i++)
		memset(cpu->fx.st[i] + 10, 0, 6);
	if (sse) {
		cpu->fx.mxcsr = image.mxcsr;
		memcpy(cpu->fx.xmm, image.xmm, sizeof(image.xmm));
	}
	x87_update_error(cpu);
}
