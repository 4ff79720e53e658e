/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two Intel 8259A programmable interrupt controllers, cascaded at IR2, with
 * the edge/level registers of the PIIX3 (82371SB, 4.2; 8259A datasheet
 * 231468, "Programming the 8259A").
 *
 * An edge is latched until it is acknowledged, even if its wire falls before
 * that (the chip would then answer with IR7; device models that pulse rely on
 * the latch). The slave's INT is such a wire to the master's IR2, so a slave
 * request that goes away again ends as a spurious IRQ 15, as on the chip.
 *
 * Left out: MCS-80 mode, buffered mode (no such pins), ICW3 (the cascade is
 * hard-wired) and LTIM of ICW1 (the PIIX3 ignores it, ELCR counts).
 */
#include "devices/i8259.h"

#include <stdlib.h>

#include "base/log.h"

#define MASTER_PORT  0x20
#define SLAVE_PORT   0xa0
#define ELCR_PORT    0x4d0
#define CASCADE      2 /* the master's input that the slave drives */
#define SPURIOUS     7 /* the input whose vector stands for "request gone" */
#define IRQS         16
#define IRQS_OF_CHIP 8

/* IRQ 0, 1, 2, 8 and 13 are edge-triggered always. */
#define ELCR_MASTER_BITS 0xf8
#define ELCR_SLAVE_BITS  0xde

/* A0 = 0: what a write means is told by bits 4 and 3. */
#define ICW1          0x10
#define ICW1_IC4      0x01 /* ICW4 follows */
#define ICW1_SNGL     0x02 /* no ICW3 */
#define ICW2_BASE     0xf8
#define ICW4_AEOI     0x02
#define ICW4_SFNM     0x10
#define OCW3          0x08
#define OCW3_RIS      0x01 /* with RR: read ISR instead of IRR */
#define OCW3_RR       0x02
#define OCW3_POLL     0x04
#define OCW3_SMM      0x20 /* with ESMM: special mask mode on */
#define OCW3_ESMM     0x40
#define OCW2_LEVEL    0x07
#define OCW2_EOI      0x20
#define OCW2_SPECIFIC 0x40
#define OCW2_ROTATE   0x80

#define POLL_REQUEST 0x80

/* What the next write with A0 = 1 is. */
enum init_state { INIT_DONE, INIT_ICW2, INIT_ICW3, INIT_ICW4 };

struct pic_chip {
	uint8_t lines;     /* the wires' levels */
	uint8_t edges;     /* edges seen and not acknowledged */
	uint8_t isr, imr;
	uint8_t elcr;      /* 1: level-triggered */
	uint8_t elcr_bits; /* which of them can be set */
	uint8_t base;      /* ICW2: vector of IR0 */
	uint8_t highest;   /* the input of highest priority (rotation) */
	uint8_t init;      /* enum init_state */
	uint8_t icw1;
	bool auto_eoi, rotate_on_auto_eoi, fully_nested; /* fully_nested: SFNM */
	bool special_mask, poll, read_isr;
	bool intr; /* the INT pin */
};

struct pic {
	struct pic_chip chips[2]; /* master, slave */
	struct bus *bus;
	struct irq_line intr;
	void (*acknowledged)(void *opaque, int irq);
	void *acknowledged_opaque;
};

static uint8_t chip_irr(const struct pic_chip *c)
{
	return (uint8_t)((c->edges & ~c->elcr) | (c->lines & c->elcr));
}

static unsigned chip_input(const struct pic_chip *c, unsigned priority)
{
	return (priority + c->highest) % IRQS_OF_CHIP;
}

/* The first priority (0 is highest) with a bit in set, or 8. */
static unsigned first_priority(const struct pic_chip *c, uint8_t set)
{
	unsigned priority = 0;

	while (priority < IRQS_OF_CHIP && !(set >> chip_input(c, priority) & 1))
		priority++;
	return priority;
}

static bool is_master(const struct pic *pic, const struct pic_chip *c)
{
	return c == &pic->chips[0];
}

/* The input to be served next, or -1. */
static int chip_pending(const struct pic *pic, const struct pic_chip *c)
{
	unsigned request = first_priority(c, (uint8_t)(chip_irr(c) & ~c->imr));
	/* Special mask mode: what is masked does not hold others back. */
	uint8_t serving = c->special_mask ? (uint8_t)(c->isr & ~c->imr) : c->isr;
	unsigned barrier = first_priority(c, serving);

	if (request == IRQS_OF_CHIP)
		return -1;
	if (request < barrier)
		return (int)chip_input(c, request);
	/* SFNM: the slave in service may interrupt itself. */
	if (request == barrier && c->fully_nested && is_master(pic, c) &&
	    chip_input(c, request) == CASCADE)
		return CASCADE;
	return -1;
}

static void chip_set_line(struct pic_chip *c, unsigned n, int level)
{
	uint8_t bit = (uint8_t)(1u << n);

	if (level && !(c->lines & bit))
		c->edges |= bit;
	c->lines = (uint8_t)(level ? c->lines | bit : c->lines & ~bit);
}

/* Brings the slave's and the master's INT up to date. */
static void pic_update(struct pic *pic)
{
	struct pic_chip *master = &pic->chips[0], *slave = &pic->chips[1];
	bool intr;

	slave->intr = chip_pending(pic, slave) >= 0;
	chip_set_line(master, CASCADE, slave->intr);
	intr = chip_pending(pic, master) >= 0;
	if (intr == master->intr)
		return;
	master->intr = intr;
	irq_set(&pic->intr, intr);
}

void pic_set_irq(void *opaque, int n, int level)
{
	struct pic *pic = opaque;

	if (n < 0 || n >= IRQS || n == CASCADE)
		return;
	chip_set_line(&pic->chips[n / IRQS_OF_CHIP], (unsigned)n % IRQS_OF_CHIP, level != 0);
	pic_update(pic);
}

struct irq_line pic_irq_line(struct pic *pic, int n)
{
	return (struct irq_line){.set = pic_set_irq, .opaque = pic, .n = n};
}

/* One chip's part in the INTA cycles. */
static void chip_acknowledge(struct pic *pic, struct pic_chip *c, int n)
{
	uint8_t bit = (uint8_t)(1u << n);

	c->edges &= (uint8_t)~bit;
	if (!c->auto_eoi)
		c->isr |= bit;
	else if (c->rotate_on_auto_eoi)
		c->highest = (uint8_t)((n + 1) % IRQS_OF_CHIP);
	/* INT falls with INTA: what is still pending makes a new edge at IR2. */
	if (!is_master(pic, c))
		chip_set_line(&pic->chips[0], CASCADE, 0);
}

static void tell_acknowledged(struct pic *pic, const struct pic_chip *c, int n)
{
	if (is_master(pic, c) && n == CASCADE)
		return;
	if (pic->acknowledged)
		pic->acknowledged(pic->acknowledged_opaque, is_master(pic, c) ? n : n + 8);
}

int pic_acknowledge(struct pic *pic)
{
	struct pic_chip *c = &pic->chips[0];
	int n = chip_pending(pic, c), vector;

	if (n >= 0)
		chip_acknowledge(pic, c, n);
	if (n == CASCADE && !(c->icw1 & ICW1_SNGL)) {
		c = &pic->chips[1];
		n = chip_pending(pic, c);
		if (n >= 0)
			chip_acknowledge(pic, c, n);
	}
	vector = c->base + (n >= 0 ? n : SPURIOUS);
	if (n < 0)
		LOG(LOG_PIC, "spurious interrupt, vector %#x", (unsigned)vector);
	pic_update(pic);
	if (n >= 0)
		tell_acknowledged(pic, c, n);
	return vector;
}

bool pic_intr(const struct pic *pic)
{
	return pic->chips[0].intr;
}

bool pic_irq_masked(const struct pic *pic, int n)
{
	const struct pic_chip *master = &pic->chips[0], *slave = &pic->chips[1];

	if (n < 0 || n >= IRQS)
		return true;
	if (n < IRQS_OF_CHIP)
		return master->imr >> n & 1;
	return (slave->imr >> (n - IRQS_OF_CHIP) & 1) || (master->imr >> CASCADE & 1);
}

void pic_on_acknowledge(struct pic *pic, void (*fn)(void *opaque, int irq), void *opaque)
{
	pic->acknowledged = fn;
	pic->acknowledged_opaque = opaque;
}

/* ICW1 (8259A "Initialization Command Words"); the ICWs to come follow. */
static void write_icw1(struct pic_chip *c, uint8_t value)
{
	c->icw1 = value;
	c->edges = 0;
	c->imr = 0;
	c->isr = 0;
	c->highest = 0;
	c->special_mask = false;
	c->read_isr = false;
	c->poll = false;
	c->rotate_on_auto_eoi = false;
	c->auto_eoi = false;
	c->fully_nested = false;
	c->init = INIT_ICW2;
}

static void write_ocw2(struct pic_chip *c, uint8_t value)
{
	bool eoi = value & OCW2_EOI, specific = value & OCW2_SPECIFIC, rotate = value & OCW2_ROTATE;
	unsigned n = value & OCW2_LEVEL, priority;

	if (!eoi && !specific) {
		c->rotate_on_auto_eoi = rotate;
		return;
	}
	if (eoi && !specific) {
		/* In special mask mode, masked levels are not ended by this. */
		priority = first_priority(
			c, (uint8_t)(c->special_mask ? c->isr & ~c->imr : c->isr));
		if (priority == IRQS_OF_CHIP)
			return;
		n = chip_input(c, priority);
	}
	if (eoi)
		c->isr &= (uint8_t)~(1u << n);
	if (rotate)
		c->highest = (uint8_t)((n + 1) % IRQS_OF_CHIP);
}

static void write_ocw3(struct pic_chip *c, uint8_t value)
{
	if (value & OCW3_POLL)
		c->poll = true;
	else if (value & OCW3_RR)
		c->read_isr = value & OCW3_RIS;
	if (value & OCW3_ESMM)
		c->special_mask = value & OCW3_SMM;
}

static void write_command(struct pic_chip *c, uint8_t value)
{
	if (value & ICW1)
		write_icw1(c, value);
	else if (value & OCW3)
		write_ocw3(c, value);
	else
		write_ocw2(c, value);
}

/* A0 = 1: the next ICW, or the mask. */
static void write_data(struct pic_chip *c, uint8_t value)
{
	bool ic4 = c->icw1 & ICW1_IC4, single = c->icw1 & ICW1_SNGL;

	switch (c->init) {
	case INIT_ICW2:
		c->base = value & ICW2_BASE;
		c->init = single ? (ic4 ? INIT_ICW4 : INIT_DONE) : INIT_ICW3;
		break;
	case INIT_ICW3:
		c->init = ic4 ? INIT_ICW4 : INIT_DONE;
		break;
	case INIT_ICW4:
		c->auto_eoi = value & ICW4_AEOI;
		c->fully_nested = value & ICW4_SFNM;
		c->init = INIT_DONE;
		break;
	default:
		c->imr = value;
	}
}

static struct pic_chip *chip_of_port(struct pic *pic, uint16_t port)
{
	return &pic->chips[(port & 0xfe) == SLAVE_PORT];
}

static void pic_write(void *opaque, uint16_t port, uint32_t value, unsigned size)
{
	struct pic *pic = opaque;
	struct pic_chip *c = chip_of_port(pic, port);

	if (port & 1)
		write_data(c, (uint8_t)value);
	else
		write_command(c, (uint8_t)value);
	/* Initialised, either chip sees a slave that still asks as a new edge. */
	if (!(port & 1) && (value & ICW1))
		chip_set_line(&pic->chips[0], CASCADE, 0);
	pic_update(pic);
}

/* The read after a poll command acknowledges (8259A "Poll Command"). */
static uint8_t poll_read(struct pic *pic, struct pic_chip *c)
{
	int n = chip_pending(pic, c);

	c->poll = false;
	if (n < 0)
		return 0;
	chip_acknowledge(pic, c, n);
	pic_update(pic);
	tell_acknowledged(pic, c, n);
	return (uint8_t)(POLL_REQUEST | n);
}

static uint32_t pic_read(void *opaque, uint16_t port, unsigned size)
{
	struct pic *pic = opaque;
	struct pic_chip *c = chip_of_port(pic, port);

	if (c->poll)
		return poll_read(pic, c);
	if (port & 1)
		return c->imr;
	return c->read_isr ? c->isr : chip_irr(c);
}

static void elcr_write(void *opaque, uint16_t port, uint32_t value, unsigned size)
{
	struct pic *pic = opaque;
	struct pic_chip *c = &pic->chips[port & 1];

	c->elcr = (uint8_t)value & c->elcr_bits;
	pic_update(pic);
}

static uint32_t elcr_read(void *opaque, uint16_t port, unsigned size)
{
	struct pic *pic = opaque;

	return pic->chips[port & 1].elcr;
}

static const struct port_ops pic_ports = {pic_read, pic_write, 1};
static const struct port_ops elcr_ports = {elcr_read, elcr_write, 1};

/* The wires keep their levels: they are the devices'. */
static void chip_reset(struct pic_chip *c, uint8_t elcr_bits)
{
	*c = (struct pic_chip){.lines = c->lines, .elcr_bits = elcr_bits, .intr = c->intr};
}

static void pic_reset(void *state)
{
	struct pic *pic = state;

	chip_reset(&pic->chips[0], ELCR_MASTER_BITS);
	chip_reset(&pic->chips[1], ELCR_SLAVE_BITS);
	chip_set_line(&pic->chips[0], CASCADE, 0);
	pic_update(pic);
}

struct pic *pic_create(const struct pic_wiring *w)
{
	struct pic *pic = calloc(1, sizeof(*pic));

	if (!pic)
		return NULL;
	pic->bus = w->bus;
	pic->intr = w->intr;
	pic_reset(pic);
	bus_claim_ports(w->bus, MASTER_PORT, 2, &pic_ports, pic);
	bus_claim_ports(w->bus, SLAVE_PORT, 2, &pic_ports, pic);
	bus_claim_ports(w->bus, ELCR_PORT, 2, &elcr_ports, pic);
	return pic;
}

static void pic_destroy(void *state)
{
	struct pic *pic = state;

	bus_release_ports(pic->bus, MASTER_PORT, 2, pic);
	bus_release_ports(pic->bus, SLAVE_PORT, 2, pic);
	bus_release_ports(pic->bus, ELCR_PORT, 2, pic);
	free(pic);
}

#define CHIP_FIELDS(i)                                                                             \
	FIELD(struct pic, chips[i].lines), FIELD(struct pic, chips[i].edges),                      \
		FIELD(struct pic, chips[i].isr), FIELD(struct pic, chips[i].imr),                  \
		FIELD(struct pic, chips[i].elcr), FIELD(struct pic, chips[i].base),                \
		FIELD(struct pic, chips[i].highest), FIELD(struct pic, chips[i].init),             \
		FIELD(struct pic, chips[i].icw1), FIELD(struct pic, chips[i].auto_eoi),            \
		FIELD(struct pic, chips[i].rotate_on_auto_eoi),                                    \
		FIELD(struct pic, chips[i].fully_nested),                                          \
		FIELD(struct pic, chips[i].special_mask), FIELD(struct pic, chips[i].poll),        \
		FIELD(struct pic, chips[i].read_isr), FIELD(struct pic, chips[i].intr)

static const struct field pic_fields[] = {CHIP_FIELDS(0), CHIP_FIELDS(1), FIELD_END};

const struct device_class pic_class = {
	.name = "i8259",
	.version = 1,
	.reset = pic_reset,
	.destroy = pic_destroy,
	.fields = pic_fields,
};
