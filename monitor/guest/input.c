/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The 8042 keyboard controller: scan code set 1 (translated), and a PS/2 mouse
 * with three-byte packets. IRQ 1 and 12 put bytes into one queue, with bit 8 set
 * on the mouse's.
 */
#include "input.h"

#include "screen.h"

#define KBC_DATA 0x60
#define KBC_STATUS 0x64
#define STATUS_OUTPUT 0x01
#define STATUS_INPUT 0x02
#define STATUS_AUX 0x20
#define KBC_READ_CONFIG 0x20
#define KBC_WRITE_CONFIG 0x60
#define KBC_SELF_TEST 0xaa
#define KBC_ENABLE_KEYBOARD 0xae
#define KBC_ENABLE_AUX 0xa8
#define KBC_TO_AUX 0xd4
#define CONFIG_IRQ1 0x01
#define CONFIG_IRQ12 0x02
#define CONFIG_NO_KEYBOARD 0x10
#define CONFIG_NO_AUX 0x20
#define CONFIG_TRANSLATE 0x40
#define KEYBOARD_ECHO 0xee
#define DEVICE_ACK 0xfa
#define MOUSE_DEFAULTS 0xf6
#define MOUSE_ENABLE 0xf4
#define PACKET_SYNC 0x08
#define QUEUE 256 /* power of two */
#define FROM_MOUSE 0x100

static struct {
	volatile uint16_t bytes[QUEUE];
	volatile unsigned head, tail;
	bool extended, shift, caps;
	uint8_t packet[3];
	unsigned packet_bytes;
} in;

static const char plain[] = "\0\0331234567890-=\b\tqwertyuiop[]\r\0asdfghjkl;'`\0\\zxcvbnm,./\0*\0 ";
static const char shifted[] =
	"\0\033!@#$%^&*()_+\b\tQWERTYUIOP{}\r\0ASDFGHJKL:\"~\0|ZXCVBNM<>?\0*\0 ";

enum { SCAN_LEFT_SHIFT = 0x2a, SCAN_RIGHT_SHIFT = 0x36, SCAN_CAPS = 0x3a };

static bool wait_status(uint8_t bit, bool set)
{
	for (unsigned i = 0; i < 1000000; i++)
		if (!!(in8(KBC_STATUS) & bit) == set)
			return true;
	return false;
}

static void command(uint8_t c)
{
	wait_status(STATUS_INPUT, false);
	out8(KBC_STATUS, c);
}

static void data(uint8_t v)
{
	wait_status(STATUS_INPUT, false);
	out8(KBC_DATA, v);
}

/* -1 where nothing comes. */
static int answer(void)
{
	return wait_status(STATUS_OUTPUT, true) ? in8(KBC_DATA) : -1;
}

static void drain(void)
{
	for (unsigned i = 0; i < 64 && (in8(KBC_STATUS) & STATUS_OUTPUT); i++)
		in8(KBC_DATA);
}

static bool mouse_command(uint8_t c)
{
	command(KBC_TO_AUX);
	data(c);
	return answer() == DEVICE_ACK;
}

static uint8_t read_config(void)
{
	int config;

	command(KBC_READ_CONFIG);
	config = answer();
	return config < 0 ? 0 : config;
}

static void write_config(uint8_t config)
{
	command(KBC_WRITE_CONFIG);
	data(config);
}

bool input_init(void)
{
	uint8_t config;
	bool mouse;

	__asm__ volatile("cli");
	drain();
	config = read_config() & ~(CONFIG_NO_KEYBOARD | CONFIG_NO_AUX | CONFIG_IRQ1 | CONFIG_IRQ12);
	write_config(config | CONFIG_TRANSLATE);
	command(KBC_ENABLE_KEYBOARD);
	command(KBC_ENABLE_AUX);
	mouse = mouse_command(MOUSE_DEFAULTS) && mouse_command(MOUSE_ENABLE);
	drain();
	write_config(config | CONFIG_TRANSLATE | CONFIG_IRQ1 | CONFIG_IRQ12);
	irq_mask(1, false);
	irq_mask(12, false);
	__asm__ volatile("sti");
	return mouse;
}

bool controller_self_test(void)
{
	uint8_t config;
	bool good;

	__asm__ volatile("cli");
	drain();
	config = read_config();
	command(KBC_SELF_TEST);
	good = answer() == 0x55;
	write_config(config); /* some controllers reset it with the test */
	command(KBC_ENABLE_KEYBOARD);
	command(KBC_ENABLE_AUX);
	__asm__ volatile("sti");
	return good;
}

bool keyboard_echo(void)
{
	bool good;

	__asm__ volatile("cli");
	drain();
	data(KEYBOARD_ECHO);
	good = answer() == KEYBOARD_ECHO;
	__asm__ volatile("sti");
	return good;
}

void input_interrupt(void)
{
	uint8_t status = in8(KBC_STATUS);
	unsigned next = (in.head + 1) & (QUEUE - 1);

	if (!(status & STATUS_OUTPUT))
		return;
	in.bytes[in.head] = in8(KBC_DATA) | (status & STATUS_AUX ? FROM_MOUSE : 0);
	if (next != in.tail)
		in.head = next;
}

static unsigned extended_key(uint8_t scancode)
{
	switch (scancode) {
	case 0x1c: return KEY_ENTER;
	case 0x35: return '/';
	case 0x47: return KEY_HOME;
	case 0x48: return KEY_UP;
	case 0x49: return KEY_PAGE_UP;
	case 0x4b: return KEY_LEFT;
	case 0x4d: return KEY_RIGHT;
	case 0x4f: return KEY_END;
	case 0x50: return KEY_DOWN;
	case 0x51: return KEY_PAGE_DOWN;
	default: return KEY_OTHER;
	}
}

static unsigned plain_key(uint8_t scancode)
{
	unsigned c = scancode < sizeof(plain) - 1 ? plain[scancode] : 0;
	bool letter = c >= 'a' && c <= 'z';

	if (!c) /* the keypad, with Num Lock off */
		return scancode >= 0x47 && scancode <= 0x51 ? extended_key(scancode) : KEY_OTHER;
	return in.shift != (letter && in.caps) ? (unsigned)shifted[scancode] : c;
}

static bool keyboard_byte(struct event *e, uint8_t b)
{
	if (b == 0xe0 || b == 0xe1) {
		in.extended = true;
		return false;
	}
	*e = (struct event){.kind = EVENT_KEY, .scancode = b & 0x7f, .released = b >> 7,
			    .extended = in.extended};
	in.extended = false;
	if (!e->extended && (e->scancode == SCAN_LEFT_SHIFT || e->scancode == SCAN_RIGHT_SHIFT))
		in.shift = !e->released;
	if (e->scancode == SCAN_CAPS && !e->released)
		in.caps = !in.caps;
	if (!e->released)
		e->key = e->extended ? extended_key(e->scancode) : plain_key(e->scancode);
	return true;
}

static bool mouse_byte(struct event *e, uint8_t b)
{
	if (in.packet_bytes == 0 && !(b & PACKET_SYNC))
		return false; /* out of step */
	in.packet[in.packet_bytes++] = b;
	if (in.packet_bytes < 3)
		return false;
	in.packet_bytes = 0;
	b = in.packet[0];
	*e = (struct event){.kind = EVENT_MOUSE, .buttons = b & 7};
	e->dx = in.packet[1] - (b & 0x10 ? 256 : 0);
	e->dy = in.packet[2] - (b & 0x20 ? 256 : 0);
	return true;
}

bool input_poll(struct event *e)
{
	char c;

	while (in.tail != in.head) {
		uint16_t v = in.bytes[in.tail];

		in.tail = (in.tail + 1) & (QUEUE - 1);
		if (v & FROM_MOUSE ? mouse_byte(e, v) : keyboard_byte(e, v))
			return true;
	}
	if (!serial_get(&c))
		return false;
	*e = (struct event){.kind = EVENT_KEY, .key = c == '\n' ? '\r' : (uint8_t)c};
	return true;
}

void input_wait(struct event *e, uint32_t max_ticks)
{
	uint32_t start = ticks;

	while (!input_poll(e)) {
		if (max_ticks && ticks - start >= max_ticks) {
			*e = (struct event){.kind = EVENT_NONE};
			return;
		}
		wait_interrupt();
		if (power_button_pressed())
			power_off();
	}
}

unsigned input_key(void)
{
	struct event e;

	do {
		input_wait(&e, 0);
	} while (e.kind != EVENT_KEY || e.released || (e.key == KEY_OTHER));
	return e.key;
}
