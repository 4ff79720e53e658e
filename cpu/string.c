/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The string instructions, single and repeated (SDM 2A "REP"). Registers are
 * brought up to date after every element, so that a fault or an interrupt
 * leaves the instruction to be continued. Repeated MOVS and STOS going upwards
 * move what lies in one page at a time.
 */
#include "cpu/alu.h"
#include "cpu/io.h"
#include "cpu/operand.h"
#include "cpu/table.h"

/* One repeated instruction under way. */
struct repeat {
	uint32_t mask;  /* of the address size */
	uint32_t count; /* elements left; 1 without REP */
	int32_t step;   /* bytes from one element to the next */
	uint64_t generation; /* of the map at the start: tells whether code was overwritten */
	bool single;    /* to be fetched again for every element */
};

static struct repeat repeat_begin(const struct vcpu *cpu, const struct insn *in, unsigned size)
{
	struct repeat r = {.mask = in->address_mask,
			   .count = 1,
			   .generation = cpu->map_generation,
			   .single = in->rep == REP_NONE || cpu->stepping || in->uncached};

	r.step = cpu->eflags & FL_DF ? -(int32_t)size : (int32_t)size;
	if (in->rep != REP_NONE)
		r.count = cpu->regs[ECX] & r.mask;
	return r;
}

static void advance(struct vcpu *cpu, const struct repeat *r, unsigned reg, uint32_t elements)
{
	uint32_t v = cpu->regs[reg] + (uint32_t)r->step * elements;

	cpu->regs[reg] = (cpu->regs[reg] & ~r->mask) | (v & r->mask);
}

/*
 * Counts elements done. Returns whether to go on with the next ones at once;
 * if not, the instruction is over or set up to be executed again.
 */
static bool repeat_next(struct vcpu *cpu, const struct insn *in, struct repeat *r, uint32_t done)
{
	uint32_t pending;

	if (in->rep == REP_NONE)
		return false;
	r->count -= done;
	cpu->regs[ECX] = (cpu->regs[ECX] & ~r->mask) | r->count;
	cpu->fuel -= done - 1; /* the first was paid for with its block */
	if (!r->count)
		return false;
	pending = atomic_load_explicit(&cpu->pending, memory_order_relaxed);
	if (!(cpu->eflags & FL_IF))
		pending &= ~PENDING_IRQ;
	/* An element may have been stored over the instruction itself. */
	if (!pending && cpu->fuel > 0 && !r->single && cpu->map_generation == r->generation) {
		cpu->fuel--;
		return true;
	}
	cpu->eip -= in->length;
	cpu->repeating = true;
	return false;
}

/* REPE and REPNE of CMPS and SCAS: whether ZF lets it go on. */
static bool zf_continues(const struct vcpu *cpu, const struct insn *in)
{
	return in->rep == REP_NONE || !(cpu->eflags & FL_ZF) == (in->rep == REP_REPNE);
}

/*
 * How many elements from seg:off on can be moved through one TLB entry:
 * within the page, the segment, the address size and the fuel. *host is where.
 */
static uint32_t chunk(struct vcpu *cpu, unsigned seg, uint32_t off, const struct repeat *r,
		      uint32_t count, bool write, uint8_t **host)
{
	const struct segment *s = &cpu->seg[seg];
	uint32_t size = (uint32_t)r->step;
	gva_t gva = s->base + off;
	struct tlb_entry *e = tlb_slot(cpu->tlb, gva);
	uint32_t in_page = PAGE_SIZE - (gva & ~PAGE_MASK);
	uint32_t lo = write ? s->lo_write : s->lo, hi = write ? s->hi_write : s->hi_read;
	uint32_t n = in_page / size, last;

	if (r->step < 0 || (uint64_t)gva - (write ? e->write : e->read) >= PAGE_SIZE)
		return 0;
	n = n < count ? n : count;
	if (n > 1 && n - 1 > cpu->fuel)
		n = cpu->fuel > 0 ? (uint32_t)cpu->fuel + 1 : 1;
	if (!n)
		return 0;
	last = off + n * size - 1;
	if (off < lo || last > hi || last < off || last > r->mask)
		return 0;
	*host = (uint8_t *)(e->host + gva);
	return n;
}

/* Copies upwards as the element-wise loop would, also where the areas overlap. */
static void copy_up(uint8_t *to, const uint8_t *from, uint32_t bytes, uint32_t size)
{
	if ((uintptr_t)to - (uintptr_t)from >= bytes) {
		memmove(to, from, bytes);
		return;
	}
	for (uint32_t i = 0; i < bytes; i += size)
		memmove(to + i, from + i, size);
}

static uint32_t movs_chunk(struct vcpu *cpu, const struct insn *in, const struct repeat *r)
{
	uint8_t *from, *to;
	uint32_t n = chunk(cpu, in->seg, cpu->regs[ESI] & r->mask, r, r->count, false, &from);

	if (n)
		n = chunk(cpu, ES, cpu->regs[EDI] & r->mask, r, n, true, &to);
	if (n)
		copy_up(to, from, n * (uint32_t)r->step, (uint32_t)r->step);
	return n;
}

/* Words or doublewords: the host's own string instruction is the quickest. */
static void fill_up(uint8_t *to, uint32_t value, size_t n, unsigned size)
{
	if (size == 4)
		__asm__ volatile("rep stosl" : "+D"(to), "+c"(n) : "a"(value) : "memory");
	else
		__asm__ volatile("rep stosw" : "+D"(to), "+c"(n) : "a"(value) : "memory");
}

static uint32_t stos_chunk(struct vcpu *cpu, const struct repeat *r)
{
	uint8_t *to;
	uint32_t n = chunk(cpu, ES, cpu->regs[EDI] & r->mask, r, r->count, true, &to);

	if (!n)
		return 0;
	if (r->step == 1)
		memset(to, (int)(cpu->regs[EAX] & 0xff), n);
	else
		fill_up(to, cpu->regs[EAX], n, (unsigned)r->step);
	return n;
}

#define SOURCE_READ(bits) mem_read##bits(cpu, in->seg, cpu->regs[ESI] & r.mask)
#define DEST_READ(bits) mem_read##bits(cpu, ES, cpu->regs[EDI] & r.mask)
#define DEST_WRITE(bits, v) mem_write##bits(cpu, ES, cpu->regs[EDI] & r.mask, v)

#define STRING_OPS(bits)                                                                           \
	void op_movs_##bits(struct vcpu *cpu, const struct insn *in)                               \
	{                                                                                          \
		struct repeat r = repeat_begin(cpu, in, bits / 8);                                 \
		uint32_t n;                                                                        \
                                                                                                   \
		if (!r.count)                                                                      \
			return;                                                                    \
		do {                                                                               \
			n = r.single ? 0 : movs_chunk(cpu, in, &r);                                \
			if (!n) {                                                                  \
				DEST_WRITE(bits, SOURCE_READ(bits));                               \
				n = 1;                                                             \
			}                                                                          \
			advance(cpu, &r, ESI, n);                                                  \
			advance(cpu, &r, EDI, n);                                                  \
		} while (repeat_next(cpu, in, &r, n));                                             \
	}                                                                                          \
	void op_stos_##bits(struct vcpu *cpu, const struct insn *in)                               \
	{                                                                                          \
		struct repeat r = repeat_begin(cpu, in, bits / 8);                                 \
		uint32_t n;                                                                        \
                                                                                                   \
		if (!r.count)                                                                      \
			return;                                                                    \
		do {                                                                               \
			n = r.single ? 0 : stos_chunk(cpu, &r);                                    \
			if (!n) {                                                                  \
				DEST_WRITE(bits, reg_read##bits(cpu, EAX));                        \
				n = 1;                                                             \
			}                                                                          \
			advance(cpu, &r, EDI, n);                                                  \
		} while (repeat_next(cpu, in, &r, n));                                             \
	}                                                                                          \
	void op_lods_##bits(struct vcpu *cpu, const struct insn *in)                               \
	{                                                                                          \
		struct repeat r = repeat_begin(cpu, in, bits / 8);                                 \
                                                                                                   \
		if (!r.count)                                                                      \
			return;                                                                    \
		do {                                                                               \
			reg_write##bits(cpu, EAX, SOURCE_READ(bits));                              \
			advance(cpu, &r, ESI, 1);                                                  \
		} while (repeat_next(cpu, in, &r, 1));                                             \
	}                                                                                          \
	void op_cmps_##bits(struct vcpu *cpu, const struct insn *in)                               \
	{                                                                                          \
		struct repeat r = repeat_begin(cpu, in, bits / 8);                                 \
                                                                                                   \
		if (!r.count)                                                                      \
			return;                                                                    \
		do {                                                                               \
			uint##bits##_t a = SOURCE_READ(bits), b = DEST_READ(bits);                 \
                                                                                                   \
			alu_sub##bits(cpu, a, b);                                                  \
			advance(cpu, &r, ESI, 1);                                                  \
			advance(cpu, &r, EDI, 1);                                                  \
		} while (repeat_compare(cpu, in, &r));                                             \
	}                                                                                          \
	void op_scas_##bits(struct vcpu *cpu, const struct insn *in)                               \
	{                                                                                          \
		struct repeat r = repeat_begin(cpu, in, bits / 8);                                 \
                                                                                                   \
		if (!r.count)                                                                      \
			return;                                                                    \
		do {                                                                               \
			alu_sub##bits(cpu, reg_read##bits(cpu, EAX), DEST_READ(bits));             \
			advance(cpu, &r, EDI, 1);                                                  \
		} while (repeat_compare(cpu, in, &r));                                             \
	}                                                                                          \
	/* The destination is checked before the device is read. */                                \
	void op_ins_##bits(struct vcpu *cpu, const struct insn *in)                                \
	{                                                                                          \
		struct repeat r = repeat_begin(cpu, in, bits / 8);                                 \
		uint16_t port = (uint16_t)cpu->regs[EDX];                                          \
                                                                                                   \
		io_check(cpu, port, bits / 8);                                                     \
		if (!r.count)                                                                      \
			return;                                                                    \
		do {                                                                               \
			gva_t gva;                                                                 \
                                                                                                   \
			gva = seg_write_check(cpu, ES, cpu->regs[EDI] & r.mask, bits / 8);         \
			if ((uint64_t)gva - tlb_slot(cpu->tlb, gva)->write > PAGE_SIZE - bits / 8) \
				access_rmw_probe(cpu, gva, bits / 8);                              \
			lin_write##bits(cpu, gva,                                                  \
					(uint##bits##_t)io_read(cpu, port,                         \
									    bits / 8));            \
			advance(cpu, &r, EDI, 1);                                                  \
		} while (repeat_next(cpu, in, &r, 1));                                             \
	}                                                                                          \
	void op_outs_##bits(struct vcpu *cpu, const struct insn *in)                               \
	{                                                                                          \
		struct repeat r = repeat_begin(cpu, in, bits / 8);                                 \
		uint16_t port = (uint16_t)cpu->regs[EDX];                                          \
                                                                                                   \
		io_check(cpu, port, bits / 8);                                                     \
		if (!r.count)                                                                      \
			return;                                                                    \
		do {                                                                               \
			io_write(cpu, port, SOURCE_READ(bits), bits / 8);                           \
			advance(cpu, &r, ESI, 1);                                                  \
		} while (repeat_next(cpu, in, &r, 1));                                             \
	}

/*
 * CMPS and SCAS: ECX counts down even when ZF ends the repetition, and then
 * the instruction is not executed again.
 */
static bool repeat_compare(struct vcpu *cpu, const struct insn *in, struct repeat *r)
{
	if (zf_continues(cpu, in))
		return repeat_next(cpu, in, r, 1);
	cpu->regs[ECX] = (cpu->regs[ECX] & ~r->mask) | (r->count - 1);
	return false;
}

STRING_OPS(8)
STRING_OPS(16)
STRING_OPS(32)
