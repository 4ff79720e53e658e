/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The 8042 keyboard controller of the PC/AT and PS/2 (IBM PS/2 Hardware
 * Interface Technical Reference, "Keyboard/Auxiliary Device Controller"):
 * data at port 60h, status and commands at 64h.
 *
 * There is one output buffer. A device's byte crosses its wire in BYTE_NS;
 * old programs read port 60h several times for one byte, or expect an
 * interrupt not to come before they left their handler. The controller's own
 * answers are there at once. With translation on, the keyboard's set 2 codes
 * become set 1 codes here.
 *
 * Left out: password, the test inputs, the keyboard lock, transmission errors.
 */
#include "devices/i8042.h"

#include <stdlib.h>

#include "base/log.h"
#include "devices/ps2_keyboard.h"
#include "devices/ps2_mouse.h"

#define DATA_PORT    0x60
#define COMMAND_PORT 0x64

#define STATUS_OUTPUT_FULL 0x01
#define STATUS_SYSTEM      0x04
#define STATUS_COMMAND     0x08 /* the last write was to port 64h */
#define STATUS_UNLOCKED    0x10
#define STATUS_MOUSE       0x20 /* the output byte is the mouse's */

/* The command byte, RAM byte 0. */
#define CB_KEYBOARD_IRQ 0x01
#define CB_MOUSE_IRQ    0x02
#define CB_SYSTEM       0x04
#define CB_KEYBOARD_OFF 0x10
#define CB_MOUSE_OFF    0x20
#define CB_TRANSLATE    0x40
/* As a BIOS leaves it, for what is loaded without one. */
#define CB_DEFAULT      (CB_KEYBOARD_IRQ | CB_SYSTEM | CB_MOUSE_OFF | CB_TRANSLATE)

#define OUTPUT_NOT_RESET    0x01
#define OUTPUT_A20          0x02
#define OUTPUT_KEYBOARD_IRQ 0x10
#define OUTPUT_MOUSE_IRQ    0x20
#define OUTPUT_LINES        0xcc /* data and clock lines, all high */

#define CMD_READ_RAM        0x20 /* to 0x3f */
#define CMD_WRITE_RAM       0x60 /* to 0x7f */
#define CMD_TEST_PASSWORD   0xa4
#define CMD_MOUSE_OFF       0xa7
#define CMD_MOUSE_ON        0xa8
#define CMD_TEST_MOUSE      0xa9
#define CMD_SELF_TEST       0xaa
#define CMD_TEST_KEYBOARD   0xab
#define CMD_KEYBOARD_OFF    0xad
#define CMD_KEYBOARD_ON     0xae
#define CMD_READ_INPUT      0xc0
#define CMD_READ_OUTPUT     0xd0
#define CMD_WRITE_OUTPUT    0xd1
#define CMD_FAKE_KEYBOARD   0xd2
#define CMD_FAKE_MOUSE      0xd3
#define CMD_TO_MOUSE        0xd4
#define CMD_A20_OFF         0xdd
#define CMD_A20_ON          0xdf
#define CMD_READ_TEST       0xe0
#define CMD_PULSE_OUTPUT    0xf0 /* to 0xff: bits 0-3 low where 0 */
#define PULSE_NOT_RESET     0x01

#define NO_PASSWORD    0xf1
#define SELF_TEST_GOOD 0x55
#define INPUT_UNLOCKED 0x80

#define RAM_SIZE    32
#define REPLY_SIZE  8u
#define BREAK_CODE  0xf0 /* set 2: the next byte is a key going up */
#define BREAK_BIT   0x80 /* the same in set 1 */

/* 11 bits at about 16 kHz, a little faster than most keyboards. */
#define BYTE_NS 600000

struct i8042 {
	uint8_t ram[RAM_SIZE]; /* [0]: command byte */
	uint8_t output_port;   /* reset and A20 bits */
	uint8_t output;        /* last byte, stays readable */
	bool output_full, output_from_mouse;
	bool last_was_command;
	bool key_going_up;   /* translation has swallowed BREAK_CODE */
	uint8_t argument_of; /* the command whose data byte comes; 0: keyboard */
	/* Answers of the controller itself. */
	uint8_t reply[REPLY_SIZE];
	bool reply_from_mouse[REPLY_SIZE];
	uint8_t reply_head, reply_count;
	struct ps2_keyboard keyboard;
	struct ps2_mouse mouse;
	struct timer byte_done; /* a device's byte is on the wire */
	struct input_sink sink;
	struct i8042_wiring wiring;
};

static void update_irqs(struct i8042 *c)
{
	bool keyboard = c->output_full && !c->output_from_mouse;
	bool mouse = c->output_full && c->output_from_mouse;

	irq_set(&c->wiring.keyboard_irq, keyboard && c->ram[0] & CB_KEYBOARD_IRQ);
	irq_set(&c->wiring.mouse_irq, mouse && c->ram[0] & CB_MOUSE_IRQ);
}

static void fill_output(struct i8042 *c, uint8_t byte, bool from_mouse)
{
	c->output = byte;
	c->output_full = true;
	c->output_from_mouse = from_mouse;
	update_irqs(c);
}

static bool keyboard_can_send(const struct i8042 *c)
{
	return !(c->ram[0] & CB_KEYBOARD_OFF) && ps2_has_byte(&c->keyboard.port);
}

static bool mouse_can_send(const struct i8042 *c)
{
	return !(c->ram[0] & CB_MOUSE_OFF) && ps2_has_byte(&c->mouse.port);
}

/* Controller answers go out at once, device bytes after their time. */
static void send_next(struct i8042 *c)
{
	if (c->output_full)
		return;
	if (c->reply_count) {
		unsigned head = c->reply_head % REPLY_SIZE;

		c->reply_head = (uint8_t)((head + 1) % REPLY_SIZE);
		c->reply_count--;
		fill_output(c, c->reply[head], c->reply_from_mouse[head]);
		return;
	}
	if ((keyboard_can_send(c) || mouse_can_send(c)) && !timer_is_set(&c->byte_done))
		timer_set(&c->byte_done, clock_now(c->wiring.clock) + BYTE_NS);
}

/* Takes the keyboard's next byte; false: it was only half of a code. */
static bool take_keyboard_byte(struct i8042 *c, uint8_t *byte)
{
	*byte = ps2_take(&c->keyboard.port);
	if (!(c->ram[0] & CB_TRANSLATE))
		return true;
	if (*byte == BREAK_CODE) {
		c->key_going_up = true;
		return false;
	}
	*byte = ps2_set2_to_set1(*byte);
	if (c->key_going_up)
		*byte |= BREAK_BIT;
	c->key_going_up = false;
	return true;
}

static void on_byte_done(void *opaque)
{
	struct i8042 *c = opaque;
	uint8_t byte;

	if (c->output_full)
		return; /* goes on when that is read */
	while (keyboard_can_send(c))
		if (take_keyboard_byte(c, &byte)) {
			fill_output(c, byte, false);
			return;
		}
	if (mouse_can_send(c)) {
		fill_output(c, ps2_take(&c->mouse.port), true);
		ps2_mouse_taken(&c->mouse);
	}
}

static void on_device_ready(void *opaque)
{
	send_next(opaque);
}

static void reply_as(struct i8042 *c, uint8_t byte, bool from_mouse)
{
	unsigned tail = (c->reply_head + c->reply_count) % REPLY_SIZE;

	if (c->reply_count == REPLY_SIZE)
		return;
	c->reply[tail] = byte;
	c->reply_from_mouse[tail] = from_mouse;
	c->reply_count++;
	send_next(c);
}

static void reply(struct i8042 *c, uint8_t byte)
{
	reply_as(c, byte, false);
}

static void pulse_reset(struct i8042 *c)
{
	LOG(LOG_INPUT, "i8042: processor reset");
	if (c->wiring.reset)
		c->wiring.reset(c->wiring.opaque);
}

static void write_output_port(struct i8042 *c, uint8_t value)
{
	uint8_t old = c->output_port;

	c->output_port = value & (OUTPUT_NOT_RESET | OUTPUT_A20);
	if ((old ^ value) & OUTPUT_A20 && c->wiring.set_a20)
		c->wiring.set_a20(c->wiring.opaque, value & OUTPUT_A20);
	if (!(value & OUTPUT_NOT_RESET)) {
		c->output_port |= OUTPUT_NOT_RESET; /* the reset lets it go */
		pulse_reset(c);
	}
}

static uint8_t read_output_port(const struct i8042 *c)
{
	uint8_t irq = c->output_from_mouse ? OUTPUT_MOUSE_IRQ : OUTPUT_KEYBOARD_IRQ;

	return OUTPUT_LINES | c->output_port | (c->output_full ? irq : 0);
}

static void write_command_byte(struct i8042 *c, uint8_t value)
{
	c->ram[0] = value;
	update_irqs(c);
	send_next(c);
}

static void change_command_byte(struct i8042 *c, uint8_t set, uint8_t clear)
{
	write_command_byte(c, (uint8_t)((c->ram[0] | set) & ~clear));
}

static void self_test(struct i8042 *c)
{
	change_command_byte(c, CB_SYSTEM, 0);
	reply(c, SELF_TEST_GOOD);
}

/* Commands with an answer. Returns whether this was one. */
static bool answer_command(struct i8042 *c, uint8_t command)
{
	switch (command) {
	case CMD_READ_RAM ... CMD_READ_RAM + RAM_SIZE - 1:
		reply(c, c->ram[command % RAM_SIZE]);
		return true;
	case CMD_TEST_PASSWORD:
		reply(c, NO_PASSWORD);
		return true;
	case CMD_SELF_TEST:
		self_test(c);
		return true;
	case CMD_TEST_MOUSE:
	case CMD_TEST_KEYBOARD:
	case CMD_READ_TEST:
		reply(c, 0);
		return true;
	case CMD_READ_INPUT:
		reply(c, INPUT_UNLOCKED);
		return true;
	case CMD_READ_OUTPUT:
		reply(c, read_output_port(c));
		return true;
	default:
		return false;
	}
}

static void write_command(struct i8042 *c, uint8_t command)
{
	c->argument_of = 0;
	if (answer_command(c, command))
		return;
	switch (command) {
	case CMD_WRITE_RAM ... CMD_WRITE_RAM + RAM_SIZE - 1:
	case CMD_WRITE_OUTPUT ... CMD_TO_MOUSE:
		c->argument_of = command;
		break;
	case CMD_MOUSE_OFF:
		change_command_byte(c, CB_MOUSE_OFF, 0);
		break;
	case CMD_MOUSE_ON:
		change_command_byte(c, 0, CB_MOUSE_OFF);
		break;
	case CMD_KEYBOARD_OFF:
		change_command_byte(c, CB_KEYBOARD_OFF, 0);
		break;
	case CMD_KEYBOARD_ON:
		change_command_byte(c, 0, CB_KEYBOARD_OFF);
		break;
	case CMD_A20_OFF:
		write_output_port(c, OUTPUT_NOT_RESET);
		break;
	case CMD_A20_ON:
		write_output_port(c, OUTPUT_NOT_RESET | OUTPUT_A20);
		break;
	case CMD_PULSE_OUTPUT ... CMD_PULSE_OUTPUT + 15:
		if (!(command & PULSE_NOT_RESET))
			pulse_reset(c);
		break;
	default:
		LOG(LOG_UNIMP, "i8042: command %#x", command);
	}
}

static void write_ram(struct i8042 *c, unsigned index, uint8_t value)
{
	if (index == 0)
		write_command_byte(c, value);
	else
		c->ram[index % RAM_SIZE] = value;
}

/* Sending to a device also lets it answer, as on the chip. */
static void write_data(struct i8042 *c, uint8_t value)
{
	uint8_t command = c->argument_of;

	c->argument_of = 0;
	switch (command) {
	case 0:
		change_command_byte(c, 0, CB_KEYBOARD_OFF);
		ps2_keyboard_write(&c->keyboard, value);
		break;
	case CMD_WRITE_OUTPUT:
		write_output_port(c, value);
		break;
	case CMD_FAKE_KEYBOARD:
		reply(c, value);
		break;
	case CMD_FAKE_MOUSE:
		reply_as(c, value, true);
		break;
	case CMD_TO_MOUSE:
		change_command_byte(c, 0, CB_MOUSE_OFF);
		ps2_mouse_write(&c->mouse, value);
		break;
	default:
		write_ram(c, command % RAM_SIZE, value);
	}
}

static uint8_t read_data(struct i8042 *c)
{
	uint8_t byte = c->output;

	c->output_full = false;
	c->output_from_mouse = false;
	update_irqs(c);
	send_next(c);
	return byte;
}

static uint8_t read_status(const struct i8042 *c)
{
	return (uint8_t)((c->output_full ? STATUS_OUTPUT_FULL : 0) |
			 (c->ram[0] & CB_SYSTEM ? STATUS_SYSTEM : 0) |
			 (c->last_was_command ? STATUS_COMMAND : 0) | STATUS_UNLOCKED |
			 (c->output_full && c->output_from_mouse ? STATUS_MOUSE : 0));
}

static void i8042_write(void *opaque, uint16_t port, uint32_t value, unsigned size)
{
	struct i8042 *c = opaque;

	c->last_was_command = port == COMMAND_PORT;
	if (c->last_was_command)
		write_command(c, (uint8_t)value);
	else
		write_data(c, (uint8_t)value);
}

static uint32_t i8042_read(void *opaque, uint16_t port, unsigned size)
{
	return port == COMMAND_PORT ? read_status(opaque) : read_data(opaque);
}

static const struct port_ops i8042_ports = {i8042_read, i8042_write, 1};

static void input_key(void *opaque, uint8_t key, bool down)
{
	struct i8042 *c = opaque;

	ps2_keyboard_key(&c->keyboard, key, down);
}

static void input_mouse(void *opaque, int dx, int dy, int wheel, unsigned buttons)
{
	struct i8042 *c = opaque;

	ps2_mouse_move(&c->mouse, dx, dy, wheel, buttons);
}

static unsigned input_leds(void *opaque)
{
	struct i8042 *c = opaque;

	return c->keyboard.leds;
}

const struct input_sink *i8042_input(struct i8042 *c)
{
	return &c->sink;
}

static void i8042_reset(void *state)
{
	struct i8042 *c = state;

	timer_cancel(&c->byte_done);
	ps2_keyboard_reset(&c->keyboard);
	ps2_mouse_reset(&c->mouse);
	for (unsigned i = 0; i < RAM_SIZE; i++)
		c->ram[i] = 0;
	c->ram[0] = CB_DEFAULT;
	c->output_port = OUTPUT_NOT_RESET;
	c->output = 0;
	c->output_full = false;
	c->output_from_mouse = false;
	c->last_was_command = true;
	c->key_going_up = false;
	c->argument_of = 0;
	c->reply_count = 0;
	update_irqs(c);
	if (c->wiring.set_a20)
		c->wiring.set_a20(c->wiring.opaque, false);
}

struct i8042 *i8042_create(const struct i8042_wiring *w)
{
	struct i8042 *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->wiring = *w;
	c->sink = (struct input_sink){
		.key = input_key,
		.mouse = input_mouse,
		.leds = input_leds,
		.opaque = c,
	};
	timer_init(&c->byte_done, w->clock, on_byte_done, c);
	ps2_keyboard_init(&c->keyboard, on_device_ready, c);
	ps2_mouse_init(&c->mouse, w->clock, on_device_ready, c);
	i8042_reset(c);
	bus_claim_ports(w->bus, DATA_PORT, 1, &i8042_ports, c);
	bus_claim_ports(w->bus, COMMAND_PORT, 1, &i8042_ports, c);
	return c;
}

static void i8042_destroy(void *state)
{
	struct i8042 *c = state;

	timer_cancel(&c->byte_done);
	ps2_mouse_destroy(&c->mouse);
	bus_release_ports(c->wiring.bus, DATA_PORT, 1, c);
	bus_release_ports(c->wiring.bus, COMMAND_PORT, 1, c);
	free(c);
}

#define PORT_FIELDS(device)                                                                        \
	FIELD_ARRAY(struct i8042, device.port.data), FIELD(struct i8042, device.port.data_head),   \
		FIELD(struct i8042, device.port.data_count),                                       \
		FIELD_ARRAY(struct i8042, device.port.reply),                                      \
		FIELD(struct i8042, device.port.reply_head),                                       \
		FIELD(struct i8042, device.port.reply_count),                                      \
		FIELD(struct i8042, device.port.last_sent),                                        \
		FIELD(struct i8042, device.argument_of)

static const struct field i8042_fields[] = {
	FIELD_ARRAY(struct i8042, ram),
	FIELD(struct i8042, output_port),
	FIELD(struct i8042, output),
	FIELD(struct i8042, output_full),
	FIELD(struct i8042, output_from_mouse),
	FIELD(struct i8042, last_was_command),
	FIELD(struct i8042, key_going_up),
	FIELD(struct i8042, argument_of),
	FIELD_ARRAY(struct i8042, reply),
	FIELD_ARRAY(struct i8042, reply_from_mouse),
	FIELD(struct i8042, reply_head),
	FIELD(struct i8042, reply_count),
	PORT_FIELDS(keyboard),
	FIELD(struct i8042, keyboard.set),
	FIELD(struct i8042, keyboard.leds),
	FIELD(struct i8042, keyboard.typematic),
	FIELD(struct i8042, keyboard.scanning),
	FIELD(struct i8042, keyboard.no_breaks),
	FIELD(struct i8042, keyboard.overrun),
	PORT_FIELDS(mouse),
	FIELD(struct i8042, mouse.id),
	FIELD(struct i8042, mouse.rate),
	FIELD(struct i8042, mouse.resolution),
	FIELD(struct i8042, mouse.scaling),
	FIELD(struct i8042, mouse.remote),
	FIELD(struct i8042, mouse.wrap),
	FIELD(struct i8042, mouse.reporting),
	FIELD(struct i8042, mouse.knock),
	FIELD(struct i8042, mouse.dx),
	FIELD(struct i8042, mouse.dy),
	FIELD(struct i8042, mouse.dz),
	FIELD(struct i8042, mouse.x_overflow),
	FIELD(struct i8042, mouse.y_overflow),
	FIELD(struct i8042, mouse.buttons),
	FIELD(struct i8042, mouse.told_buttons),
	FIELD_END,
};

const struct device_class i8042_class = {
	.name = "i8042",
	.version = 1,
	.reset = i8042_reset,
	.destroy = i8042_destroy,
	.fields = i8042_fields,
};
