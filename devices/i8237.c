/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two Intel 8237A DMA controllers (datasheet 231466) as the PIIX3 has them:
 * channels 0-3 move bytes at ports 00-0f, channels 4-7 words at c0-df, each
 * with a page register that gives the address bits the 8237 lacks:
 *
 *    channels 0-3:  page[7:0]  address[15:0]
 *    channels 5-7:  page[7:1]  address[15:0]  0
 *
 * The address wraps within its page. Channel 4 cascades and never transfers.
 *
 * A device moves all the bytes it has ready at once, so single, block and
 * demand mode look the same; only a mode of "cascade" stops a transfer.
 *
 * Left out: memory to memory (the PIIX3 has none), command-register timing
 * and polarity bits, rotating priority (nothing is ever contended), the
 * dependence of channels 0-3 on channel 4 being unmasked.
 */
#include "devices/i8237.h"

#include <stdlib.h>
#include <string.h>


#define BYTE_PORTS 0x00
#define WORD_PORTS 0xc0
#define PAGE_PORTS 0x81 /* 80 belongs to the POST display */
#define PAGE_COUNT 15

/* Offsets of the registers behind the address and count pairs. */
enum {
	REG_COMMAND = 8, /* read: status */
	REG_REQUEST,
	REG_MASK_BIT,
	REG_MODE,
	REG_CLEAR_FLIP_FLOP,
	REG_MASTER_CLEAR, /* read: temporary register */
	REG_CLEAR_MASK,
	REG_MASK_ALL,
	REG_COUNT,
};

#define COMMAND_DISABLE 0x04
#define SELECT_CHANNEL  0x03
#define SELECT_SET      0x04 /* of request and mask */
#define MODE_TRANSFER   0x0c
#define MODE_WRITE      0x04 /* device to memory */
#define MODE_READ       0x08 /* memory to device */
#define MODE_AUTO_INIT  0x10
#define MODE_DECREMENT  0x20
#define MODE_CASCADE    0xc0
#define ALL_CHANNELS    0x0f

struct dma_channel {
	uint16_t base_address, base_count;
	uint16_t address, count; /* count: transfers less one */
	uint8_t mode;
	void (*ready)(void *opaque);
	void *opaque;
};

struct dma_chip {
	struct dma_channel channels[4];
	uint8_t command, mask;
	uint8_t requests;          /* DREQ wires */
	uint8_t software_requests; /* request register */
	uint8_t reached;           /* TC since the last status read */
	bool high_byte;            /* the flip-flop */
};

struct dma {
	struct dma_chip chips[2]; /* bytes, words */
	uint8_t pages[PAGE_COUNT + 1];
	struct bus *bus;
};

/* Which of ports 80-8f is a channel's page register (channel 4: refresh). */
static const uint8_t page_of_channel[DMA_CHANNELS] = {7, 3, 1, 2, 15, 11, 9, 10};

static struct dma_chip *chip_of(struct dma *d, unsigned channel)
{
	return &d->chips[channel / 4 % 2];
}

static unsigned shift_of(unsigned channel)
{
	return channel >= 4;
}

bool dma_channel_ready(const struct dma *d, unsigned channel)
{
	const struct dma_chip *c = &d->chips[channel / 4 % 2];
	uint8_t bit = (uint8_t)(1u << channel % 4);

	if (c->command & COMMAND_DISABLE || channel % DMA_CHANNELS == 4)
		return false;
	if ((c->channels[channel % 4].mode & MODE_CASCADE) == MODE_CASCADE)
		return false;
	/* A software request cannot be masked (8237 "Request Register"). */
	return (c->requests & ~c->mask & bit) || (c->software_requests & bit);
}

void dma_set_request(struct dma *d, unsigned channel, int level)
{
	struct dma_chip *c = chip_of(d, channel);
	uint8_t bit = (uint8_t)(1u << channel % 4);

	c->requests = (uint8_t)(level ? c->requests | bit : c->requests & ~bit);
}

void dma_attach(struct dma *d, unsigned channel, void (*ready)(void *opaque), void *opaque)
{
	struct dma_channel *ch = &chip_of(d, channel)->channels[channel % 4];

	ch->ready = ready;
	ch->opaque = opaque;
}

/* Where a transfer with this address goes. */
static gpa_t transfer_address(const struct dma *d, unsigned channel, uint16_t address)
{
	uint32_t page = d->pages[page_of_channel[channel % DMA_CHANNELS]];

	if (channel < 4)
		return page << 16 | address;
	return (page & 0xfe) << 16 | (uint32_t)address << 1;
}

/* Moves one run of transfers that is contiguous and upward in memory. */
static void move_run(struct dma *d, gpa_t gpa, void *in, const void *out, size_t len)
{
	if (in)
		bus_dma_read(d->bus, gpa, in, len);
	else
		bus_dma_write(d->bus, gpa, out, len);
}

/*
 * Copies transfers from the current address on, which is left unchanged: in
 * runs up to the wrap, or one by one when the address counts down.
 */
static void copy_transfers(struct dma *d, unsigned channel, uint8_t *in, const uint8_t *out,
			   size_t transfers)
{
	const struct dma_channel *ch = &chip_of(d, channel)->channels[channel % 4];
	bool down = ch->mode & MODE_DECREMENT;
	uint16_t address = ch->address;
	unsigned shift = shift_of(channel);
	size_t run, done = 0;

	while (done < transfers) {
		run = down ? 1 : 0x10000u - address;
		if (run > transfers - done)
			run = transfers - done;
		move_run(d, transfer_address(d, channel, address), in ? in + (done << shift) : NULL,
			 out ? out + (done << shift) : NULL, run << shift);
		address = (uint16_t)(down ? address - run : address + run);
		done += run;
	}
}

/* Counts transfers; returns whether the last was the terminal one. */
static bool count_transfers(struct dma_chip *c, unsigned n, size_t transfers)
{
	struct dma_channel *ch = &c->channels[n];
	bool tc = transfers == (size_t)ch->count + 1;
	uint8_t bit = (uint8_t)(1u << n);

	ch->address = (uint16_t)(ch->mode & MODE_DECREMENT ? ch->address - transfers
							   : ch->address + transfers);
	ch->count = (uint16_t)(ch->count - transfers);
	if (!tc)
		return false;
	c->reached |= bit;
	c->software_requests &= (uint8_t)~bit;
	if (ch->mode & MODE_AUTO_INIT) {
		ch->address = ch->base_address;
		ch->count = ch->base_count;
	} else {
		c->mask |= bit;
	}
	return true;
}

/* One of in and out is NULL. */
static size_t transfer(struct dma *d, unsigned channel, void *in, const void *out, size_t len,
		       bool *tc)
{
	struct dma_chip *c = chip_of(d, channel);
	struct dma_channel *ch = &c->channels[channel % 4];
	uint8_t wanted = in ? MODE_READ : MODE_WRITE;
	size_t transfers = len >> shift_of(channel);
	bool terminal;

	if (tc)
		*tc = false;
	if (!transfers || !dma_channel_ready(d, channel))
		return 0;
	if (transfers > (size_t)ch->count + 1)
		transfers = (size_t)ch->count + 1;
	if ((ch->mode & MODE_TRANSFER) == wanted)
		copy_transfers(d, channel, in, out, transfers);
	else if (in)
		memset(in, 0xff, transfers << shift_of(channel));
	terminal = count_transfers(c, channel % 4, transfers);
	if (tc)
		*tc = terminal;
	return transfers << shift_of(channel);
}

size_t dma_channel_read(struct dma *d, unsigned channel, void *buf, size_t len, bool *tc)
{
	return transfer(d, channel, buf, NULL, len, tc);
}

size_t dma_channel_write(struct dma *d, unsigned channel, const void *buf, size_t len, bool *tc)
{
	return transfer(d, channel, NULL, buf, len, tc);
}

/* After a write that may have let a waiting channel go on. */
static void call_ready(struct dma *d, struct dma_chip *c)
{
	unsigned first = (unsigned)(c - d->chips) * 4;

	for (unsigned n = 0; n < 4; n++)
		if (c->channels[n].ready && dma_channel_ready(d, first + n))
			c->channels[n].ready(c->channels[n].opaque);
}

static void set_byte(uint16_t *reg, bool high, uint8_t value)
{
	if (high)
		*reg = (uint16_t)((*reg & 0x00ff) | value << 8);
	else
		*reg = (uint16_t)((*reg & 0xff00) | value);
}

/* Ports 0-7: address and count of each channel, base and current together. */
static void write_channel(struct dma_chip *c, unsigned reg, uint8_t value)
{
	struct dma_channel *ch = &c->channels[reg >> 1 & 3];

	if (reg & 1) {
		set_byte(&ch->base_count, c->high_byte, value);
		set_byte(&ch->count, c->high_byte, value);
	} else {
		set_byte(&ch->base_address, c->high_byte, value);
		set_byte(&ch->address, c->high_byte, value);
	}
	c->high_byte = !c->high_byte;
}

static void master_clear(struct dma_chip *c)
{
	c->command = 0;
	c->software_requests = 0;
	c->reached = 0;
	c->high_byte = false;
	c->mask = ALL_CHANNELS;
}

static void set_selected(uint8_t *reg, uint8_t value)
{
	uint8_t bit = (uint8_t)(1u << (value & SELECT_CHANNEL));

	*reg = (uint8_t)(value & SELECT_SET ? *reg | bit : *reg & ~bit);
}

static void write_control(struct dma_chip *c, unsigned reg, uint8_t value)
{
	switch (reg) {
	case REG_COMMAND:
		c->command = value;
		break;
	case REG_REQUEST:
		set_selected(&c->software_requests, value);
		break;
	case REG_MASK_BIT:
		set_selected(&c->mask, value);
		break;
	case REG_MODE:
		c->channels[value & SELECT_CHANNEL].mode = value & (uint8_t)~SELECT_CHANNEL;
		break;
	case REG_CLEAR_FLIP_FLOP:
		c->high_byte = false;
		break;
	case REG_MASTER_CLEAR:
		master_clear(c);
		break;
	case REG_CLEAR_MASK:
		c->mask = 0;
		break;
	case REG_MASK_ALL:
		c->mask = value & ALL_CHANNELS;
		break;
	}
}

static void chip_write(struct dma *d, struct dma_chip *c, unsigned reg, uint8_t value)
{
	if (reg < REG_COMMAND) {
		write_channel(c, reg, value);
		return;
	}
	write_control(c, reg, value);
	call_ready(d, c);
}

static uint8_t chip_read(struct dma_chip *c, unsigned reg)
{
	const struct dma_channel *ch = &c->channels[reg >> 1 & 3];
	uint16_t value;
	uint8_t status;

	if (reg < REG_COMMAND) {
		value = reg & 1 ? ch->count : ch->address;
		if (c->high_byte)
			value >>= 8;
		c->high_byte = !c->high_byte;
		return (uint8_t)value;
	}
	if (reg == REG_COMMAND) {
		status = (uint8_t)((c->requests | c->software_requests) << 4 | c->reached);
		c->reached = 0;
		return status;
	}
	if (reg == REG_MASK_ALL)
		return c->mask | (uint8_t)~ALL_CHANNELS; /* PIIX3; an 8237 floats */
	return reg == REG_MASTER_CLEAR ? 0 : 0xff;
}

static void byte_chip_write(void *opaque, uint16_t port, uint32_t value, unsigned size)
{
	struct dma *d = opaque;

	chip_write(d, &d->chips[0], port - BYTE_PORTS, (uint8_t)value);
}

static uint32_t byte_chip_read(void *opaque, uint16_t port, unsigned size)
{
	struct dma *d = opaque;

	return chip_read(&d->chips[0], port - BYTE_PORTS);
}

/* The second chip's registers are at even ports, its A0 at the bus's A1. */
static void word_chip_write(void *opaque, uint16_t port, uint32_t value, unsigned size)
{
	struct dma *d = opaque;

	chip_write(d, &d->chips[1], (port - WORD_PORTS) / 2u, (uint8_t)value);
}

static uint32_t word_chip_read(void *opaque, uint16_t port, unsigned size)
{
	struct dma *d = opaque;

	return chip_read(&d->chips[1], (port - WORD_PORTS) / 2u);
}

static void page_write(void *opaque, uint16_t port, uint32_t value, unsigned size)
{
	struct dma *d = opaque;

	d->pages[port % (PAGE_COUNT + 1)] = (uint8_t)value;
}

static uint32_t page_read(void *opaque, uint16_t port, unsigned size)
{
	struct dma *d = opaque;

	return d->pages[port % (PAGE_COUNT + 1)];
}

static const struct port_ops byte_chip_ports = {byte_chip_read, byte_chip_write, 1};
static const struct port_ops word_chip_ports = {word_chip_read, word_chip_write, 1};
static const struct port_ops page_ports = {page_read, page_write, 1};

/* RESET# is a master clear; modes, addresses and pages we clear too. */
static void dma_reset(void *state)
{
	struct dma *d = state;

	memset(d->pages, 0, sizeof(d->pages));
	for (unsigned n = 0; n < DMA_CHANNELS; n++) {
		struct dma_channel *ch = &chip_of(d, n)->channels[n % 4];

		*ch = (struct dma_channel){.ready = ch->ready, .opaque = ch->opaque};
	}
	master_clear(&d->chips[0]);
	master_clear(&d->chips[1]);
}

struct dma *dma_create(const struct dma_wiring *w)
{
	struct dma *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->bus = w->bus;
	dma_reset(d);
	bus_claim_ports(w->bus, BYTE_PORTS, REG_COUNT, &byte_chip_ports, d);
	bus_claim_ports(w->bus, WORD_PORTS, 2 * REG_COUNT, &word_chip_ports, d);
	bus_claim_ports(w->bus, PAGE_PORTS, PAGE_COUNT, &page_ports, d);
	return d;
}

static void dma_destroy(void *state)
{
	struct dma *d = state;

	bus_release_ports(d->bus, BYTE_PORTS, REG_COUNT, d);
	bus_release_ports(d->bus, WORD_PORTS, 2 * REG_COUNT, d);
	bus_release_ports(d->bus, PAGE_PORTS, PAGE_COUNT, d);
	free(d);
}

#define CHANNEL_FIELDS(c, n)                                                                       \
	FIELD(struct dma, chips[c].channels[n].base_address),                                      \
		FIELD(struct dma, chips[c].channels[n].base_count),                                \
		FIELD(struct dma, chips[c].channels[n].address),                                   \
		FIELD(struct dma, chips[c].channels[n].count),                                     \
		FIELD(struct dma, chips[c].channels[n].mode)
#define CHIP_FIELDS(c)                                                                             \
	CHANNEL_FIELDS(c, 0), CHANNEL_FIELDS(c, 1), CHANNEL_FIELDS(c, 2), CHANNEL_FIELDS(c, 3),    \
		FIELD(struct dma, chips[c].command), FIELD(struct dma, chips[c].mask),             \
		FIELD(struct dma, chips[c].requests),                                              \
		FIELD(struct dma, chips[c].software_requests),                                     \
		FIELD(struct dma, chips[c].reached), FIELD(struct dma, chips[c].high_byte)

static const struct field dma_fields[] = {
	CHIP_FIELDS(0),
	CHIP_FIELDS(1),
	FIELD_ARRAY(struct dma, pages),
	FIELD_END,
};

const struct device_class dma_class = {
	.name = "i8237",
	.version = 1,
	.reset = dma_reset,
	.destroy = dma_destroy,
	.fields = dma_fields,
};
