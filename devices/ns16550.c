/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The National PC16550D UART (datasheet TL/C/8652) with its two FIFOs.
 *
 * What is sent goes to the back end at once, whatever the baud rate, so the
 * transmitter is always empty; only its interrupt has a memory. What arrives
 * waits in the back end until the receive FIFO has room. The interrupt pin is
 * gated by OUT2, as on every PC card.
 *
 * Left out: parity and framing errors (nothing is on the wire), sending a
 * break, DMA mode, modem lines that change (CTS, DSR and DCD are on).
 */
#include "devices/ns16550.h"

#include <stdbool.h>
#include <stdlib.h>

#define PORTS     8
#define FIFO_SIZE 16u
#define CLOCK_HZ  1843200 /* 16 times the baud rate for divisor 1 */

enum {
	REG_DATA,     /* RBR, THR; divisor low with DLAB */
	REG_IER,      /* divisor high with DLAB */
	REG_IIR_FCR,  /* read IIR, write FCR */
	REG_LCR,
	REG_MCR,
	REG_LSR,
	REG_MSR,
	REG_SCRATCH,
};

#define IER_RECEIVED 0x01
#define IER_THRE     0x02
#define IER_LINE     0x04
#define IER_MODEM    0x08
#define IER_BITS     0x0f

#define IIR_NONE     0x01
#define IIR_MODEM    0x00
#define IIR_THRE     0x02
#define IIR_RECEIVED 0x04
#define IIR_LINE     0x06
#define IIR_TIMEOUT  0x0c
#define IIR_FIFOS    0xc0

#define FCR_ENABLE        0x01
#define FCR_CLEAR_RECEIVE 0x02
#define FCR_TRIGGER(v)    ((v) >> 6)

#define LCR_WORD_LENGTH 0x03 /* less 5 */
#define LCR_STOP_BITS   0x04
#define LCR_PARITY      0x08
#define LCR_DLAB        0x80

#define MCR_DTR  0x01
#define MCR_RTS  0x02
#define MCR_OUT1 0x04
#define MCR_OUT2 0x08
#define MCR_LOOP 0x10
#define MCR_BITS 0x1f

#define LSR_READY   0x01
#define LSR_OVERRUN 0x02
#define LSR_BREAK   0x10
#define LSR_ERRORS  0x1e
#define LSR_THRE    0x20
#define LSR_TEMT    0x40

#define MSR_DELTAS 0x0f
#define MSR_TERI   0x04 /* RI has fallen */
#define MSR_CTS    0x10
#define MSR_DSR    0x20
#define MSR_RI     0x40
#define MSR_DCD    0x80

#define TIMEOUT_CHARACTERS 4

struct uart {
	uint8_t ier, fcr, lcr, mcr, msr, scratch;
	uint8_t errors;        /* LSR bits 1-4 */
	uint16_t divisor;
	bool thre_pending;     /* the transmitter asks for an interrupt */
	bool timeout_pending;  /* characters wait below the trigger level */
	uint8_t fifo[FIFO_SIZE]; /* one byte is used without FIFOs */
	uint8_t head, count;
	struct timer timeout;
	struct uart_wiring wiring;
};

static bool has_fifos(const struct uart *u)
{
	return u->fcr & FCR_ENABLE;
}

static unsigned receive_room(const struct uart *u)
{
	return (has_fifos(u) ? FIFO_SIZE : 1u) - u->count;
}

static unsigned trigger_level(const struct uart *u)
{
	static const uint8_t levels[] = {1, 4, 8, 14};

	return has_fifos(u) ? levels[FCR_TRIGGER(u->fcr)] : 1;
}

/* The interrupt of highest priority that is pending and enabled. */
static uint8_t interrupt_id(const struct uart *u)
{
	if (u->ier & IER_LINE && u->errors)
		return IIR_LINE;
	if (u->ier & IER_RECEIVED && u->count >= trigger_level(u))
		return IIR_RECEIVED;
	if (u->ier & IER_RECEIVED && u->timeout_pending)
		return IIR_TIMEOUT;
	if (u->ier & IER_THRE && u->thre_pending)
		return IIR_THRE;
	if (u->ier & IER_MODEM && u->msr & MSR_DELTAS)
		return IIR_MODEM;
	return IIR_NONE;
}

static void update_irq(struct uart *u)
{
	irq_set(&u->wiring.irq, u->mcr & MCR_OUT2 && interrupt_id(u) != IIR_NONE);
}

static uint64_t character_ns(const struct uart *u)
{
	unsigned bits = 1 + 5 + (u->lcr & LCR_WORD_LENGTH) + 1 + (u->lcr & LCR_STOP_BITS ? 1 : 0) +
			(u->lcr & LCR_PARITY ? 1 : 0);
	unsigned divisor = u->divisor ? u->divisor : 1;

	return muldiv64(NS_PER_SEC, (uint64_t)bits * divisor * 16, CLOCK_HZ);
}

/* A character came or went: the time-out starts again. */
static void restart_timeout(struct uart *u)
{
	u->timeout_pending = false;
	if (has_fifos(u) && u->count)
		timer_set(&u->timeout, clock_now(u->wiring.clock) +
					       TIMEOUT_CHARACTERS * character_ns(u));
	else
		timer_cancel(&u->timeout);
}

static void on_timeout(void *opaque)
{
	struct uart *u = opaque;

	u->timeout_pending = u->count > 0;
	update_irq(u);
}

static void receive_byte(struct uart *u, uint8_t byte)
{
	if (!receive_room(u)) {
		u->errors |= LSR_OVERRUN;
		if (!has_fifos(u)) /* the newer one stays (16550 "Overrun Error") */
			u->fifo[u->head % FIFO_SIZE] = byte;
		return;
	}
	u->fifo[(u->head + u->count) % FIFO_SIZE] = byte;
	u->count++;
}

static size_t uart_can_receive(void *opaque)
{
	struct uart *u = opaque;

	return u->mcr & MCR_LOOP ? 0 : receive_room(u);
}

static void uart_receive(void *opaque, const uint8_t *data, size_t len)
{
	struct uart *u = opaque;

	for (size_t i = 0; i < len; i++)
		receive_byte(u, data[i]);
	restart_timeout(u);
	update_irq(u);
}

/*
 * A break is a character of zeros with its own flag (16550 "Break Interrupt").
 * The flag is up at once, not when the character comes to the FIFO's top.
 */
static void uart_event(void *opaque, enum chardev_event e)
{
	struct uart *u = opaque;

	if (e != CHARDEV_EVENT_BREAK || u->mcr & MCR_LOOP)
		return;
	if (receive_room(u))
		receive_byte(u, 0);
	u->errors |= LSR_BREAK;
	restart_timeout(u);
	update_irq(u);
}

/* There may be room again. The back end may call uart_receive() from here. */
static void accept_input(struct uart *u)
{
	struct chardev *c = u->wiring.chardev;

	if (c && c->accept_input && uart_can_receive(u))
		c->accept_input(c);
}

static void clear_receive(struct uart *u)
{
	u->head = 0;
	u->count = 0;
	restart_timeout(u);
}

static uint8_t read_data(struct uart *u)
{
	uint8_t byte = u->fifo[u->head % FIFO_SIZE];

	if (!u->count)
		return byte; /* the last one is still in the buffer */
	u->count--;
	if (has_fifos(u) && u->count)
		u->head = (u->head + 1) % FIFO_SIZE;
	restart_timeout(u);
	update_irq(u);
	accept_input(u);
	return byte;
}

/* The holding register is filled and at once empty again. */
static void write_data(struct uart *u, uint8_t value)
{
	uint8_t byte = value & (uint8_t)(0xff >> (3 - (u->lcr & LCR_WORD_LENGTH)));

	u->thre_pending = false;
	update_irq(u); /* the line falls, so that an edge follows */
	if (u->mcr & MCR_LOOP) {
		receive_byte(u, byte);
		restart_timeout(u);
	} else {
		chardev_write(u->wiring.chardev, &byte, 1);
	}
	u->thre_pending = true;
	update_irq(u);
}

/* Enabling the interrupt of an empty transmitter raises it. */
static void write_ier(struct uart *u, uint8_t value)
{
	if (~u->ier & value & IER_THRE)
		u->thre_pending = true;
	u->ier = value & IER_BITS;
	update_irq(u);
}

static void write_fcr(struct uart *u, uint8_t value)
{
	bool toggles = (u->fcr ^ value) & FCR_ENABLE;

	/* Other bits count only with bit 0 set (16550 "FIFO Control Register"). */
	u->fcr = value & FCR_ENABLE ? value : 0;
	if (toggles || (value & FCR_ENABLE && value & FCR_CLEAR_RECEIVE))
		clear_receive(u);
	update_irq(u);
	accept_input(u);
}

static uint8_t modem_lines(const struct uart *u)
{
	if (!(u->mcr & MCR_LOOP))
		return MSR_CTS | MSR_DSR | MSR_DCD;
	return (uint8_t)((u->mcr & MCR_RTS ? MSR_CTS : 0) | (u->mcr & MCR_DTR ? MSR_DSR : 0) |
			 (u->mcr & MCR_OUT1 ? MSR_RI : 0) | (u->mcr & MCR_OUT2 ? MSR_DCD : 0));
}

static void update_modem(struct uart *u)
{
	uint8_t lines = modem_lines(u), old = u->msr & (uint8_t)~MSR_DELTAS;
	uint8_t deltas = (uint8_t)((lines ^ old) >> 4);

	if (lines & MSR_RI) /* only its end is told */
		deltas &= (uint8_t)~MSR_TERI;
	u->msr = (uint8_t)(lines | (u->msr & MSR_DELTAS) | deltas);
}

static void write_mcr(struct uart *u, uint8_t value)
{
	u->mcr = value & MCR_BITS;
	update_modem(u);
	update_irq(u);
	accept_input(u);
}

static void uart_write(void *opaque, uint16_t port, uint32_t value, unsigned size)
{
	struct uart *u = opaque;
	unsigned reg = (unsigned)(port - u->wiring.port) % PORTS;
	bool dlab = u->lcr & LCR_DLAB;

	switch (reg) {
	case REG_DATA:
		if (dlab)
			u->divisor = (uint16_t)((u->divisor & 0xff00) | value);
		else
			write_data(u, (uint8_t)value);
		break;
	case REG_IER:
		if (dlab)
			u->divisor = (uint16_t)((u->divisor & 0xff) | value << 8);
		else
			write_ier(u, (uint8_t)value);
		break;
	case REG_IIR_FCR:
		write_fcr(u, (uint8_t)value);
		break;
	case REG_LCR:
		u->lcr = (uint8_t)value;
		break;
	case REG_MCR:
		write_mcr(u, (uint8_t)value);
		break;
	case REG_SCRATCH:
		u->scratch = (uint8_t)value;
		break;
	}
}

/* Reading tells of the interrupt; a transmitter's is thereby over. */
static uint8_t read_iir(struct uart *u)
{
	uint8_t id = interrupt_id(u);

	if (id == IIR_THRE) {
		u->thre_pending = false;
		update_irq(u);
	}
	return id | (has_fifos(u) ? IIR_FIFOS : 0);
}

static uint8_t read_lsr(struct uart *u)
{
	uint8_t lsr = (uint8_t)(LSR_THRE | LSR_TEMT | u->errors | (u->count ? LSR_READY : 0));

	u->errors = 0;
	update_irq(u);
	return lsr;
}

static uint8_t read_msr(struct uart *u)
{
	uint8_t msr = u->msr;

	u->msr &= (uint8_t)~MSR_DELTAS;
	update_irq(u);
	return msr;
}

static uint32_t uart_read(void *opaque, uint16_t port, unsigned size)
{
	struct uart *u = opaque;
	bool dlab = u->lcr & LCR_DLAB;

	switch ((unsigned)(port - u->wiring.port) % PORTS) {
	case REG_DATA:
		return dlab ? (uint8_t)u->divisor : read_data(u);
	case REG_IER:
		return dlab ? u->divisor >> 8 : u->ier;
	case REG_IIR_FCR:
		return read_iir(u);
	case REG_LCR:
		return u->lcr;
	case REG_MCR:
		return u->mcr;
	case REG_LSR:
		return read_lsr(u);
	case REG_MSR:
		return read_msr(u);
	default:
		return u->scratch;
	}
}

static const struct port_ops uart_ports = {uart_read, uart_write, 1};

/* Master reset (16550 table I); the divisor is 9600 baud's. */
static void set_defaults(struct uart *u)
{
	u->ier = 0;
	u->fcr = 0;
	u->lcr = 0;
	u->mcr = 0;
	u->msr = modem_lines(u);
	u->errors = 0;
	u->divisor = 12;
	u->thre_pending = false;
	clear_receive(u);
	update_irq(u);
}

static void uart_reset(void *state)
{
	set_defaults(state);
	accept_input(state);
}

struct uart *uart_create(const struct uart_wiring *w)
{
	struct uart *u = calloc(1, sizeof(*u));

	if (!u)
		return NULL;
	u->wiring = *w;
	timer_init(&u->timeout, w->clock, on_timeout, u);
	set_defaults(u);
	if (w->chardev) {
		w->chardev->can_receive = uart_can_receive;
		w->chardev->receive = uart_receive;
		w->chardev->event = uart_event;
		w->chardev->opaque = u;
	}
	bus_claim_ports(w->bus, w->port, PORTS, &uart_ports, u);
	return u;
}

static void uart_destroy(void *state)
{
	struct uart *u = state;

	if (u->wiring.chardev) {
		u->wiring.chardev->can_receive = NULL;
		u->wiring.chardev->receive = NULL;
		u->wiring.chardev->event = NULL;
	}
	timer_cancel(&u->timeout);
	bus_release_ports(u->wiring.bus, u->wiring.port, PORTS, u);
	free(u);
}

static const struct field uart_fields[] = {
	FIELD(struct uart, ier),
	FIELD(struct uart, fcr),
	FIELD(struct uart, lcr),
	FIELD(struct uart, mcr),
	FIELD(struct uart, msr),
	FIELD(struct uart, scratch),
	FIELD(struct uart, errors),
	FIELD(struct uart, divisor),
	FIELD(struct uart, thre_pending),
	FIELD(struct uart, timeout_pending),
	FIELD_ARRAY(struct uart, fifo),
	FIELD(struct uart, head),
	FIELD(struct uart, count),
	FIELD_END,
};

const struct device_class uart_class = {
	.name = "ns16550",
	.version = 1,
	.reset = uart_reset,
	.destroy = uart_destroy,
	.fields = uart_fields,
};
