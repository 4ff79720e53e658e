/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The PS/2 keyboard (IBM PS/2 Hardware Interface Technical Reference,
 * "Keyboard"): commands, scan code sets 1 to 3, the two keys with sequences
 * of their own (Print Screen, Pause).
 *
 * Repeating is left to whoever presses the keys: a window gets repeated
 * presses from its system. The rate that the guest sets is only stored. Left
 * out: the shift codes that real keyboards put around the cursor keys while
 * Num Lock is on, and per-key make/break settings of set 3.
 */
#include "devices/ps2_keyboard.h"

#include <string.h>

#include "base/log.h"
#include "devices/input.h"

#define CMD_LEDS           0xed
#define CMD_ECHO           0xee
#define CMD_SCAN_SET       0xf0
#define CMD_ALL_TYPEMATIC  0xf7
#define CMD_ALL_MAKE       0xf9
#define CMD_ALL            0xfa
#define CMD_KEY_TYPEMATIC  0xfb
#define CMD_KEY_MAKE       0xfd
#define CMD_RESEND         0xfe

#define ID_FIRST  0xab
#define ID_SECOND 0x83

#define TYPEMATIC_DEFAULT 0x2b /* 10.9 a second after 500 ms */
#define LED_BITS          0x07

#define BREAK_2    0xf0 /* sets 2 and 3: prefix of a break code */
#define BREAK_1    0x80 /* set 1: added to the code */
#define PREFIX_E0  0xe0
#define OVERRUN_1  0xff /* set 1; 0 in sets 2 and 3 */
#define SYSRQ      0x54 /* set 1 code of Alt + Print Screen */
#define SYSRQ_2    0x84
/* Presses leave this much room, so that releases still find some. */
#define RELEASE_ROOM 96

enum {
	KEY_LEFT_CTRL = 0x1d,
	KEY_LEFT_SHIFT = 0x2a,
	KEY_RIGHT_SHIFT = 0x36,
	KEY_LEFT_ALT = 0x38,
	KEY_RIGHT_CTRL = 0x9d,
	KEY_RIGHT_ALT = 0xb8,
};

/* Set 2 codes in the order of set 1: what the 8042's translation undoes. */
static const uint8_t set2_of_set1[128] = {
	0x00, 0x76, 0x16, 0x1e, 0x26, 0x25, 0x2e, 0x36, 0x3d, 0x3e, 0x46, 0x45, 0x4e, 0x55, 0x66,
	0x0d, 0x15, 0x1d, 0x24, 0x2d, 0x2c, 0x35, 0x3c, 0x43, 0x44, 0x4d, 0x54, 0x5b, 0x5a, 0x14,
	0x1c, 0x1b, 0x23, 0x2b, 0x34, 0x33, 0x3b, 0x42, 0x4b, 0x4c, 0x52, 0x0e, 0x12, 0x5d, 0x1a,
	0x22, 0x21, 0x2a, 0x32, 0x31, 0x3a, 0x41, 0x49, 0x4a, 0x59, 0x7c, 0x11, 0x29, 0x58, 0x05,
	0x06, 0x04, 0x0c, 0x03, 0x0b, 0x83, 0x0a, 0x01, 0x09, 0x77, 0x7e, 0x6c, 0x75, 0x7d, 0x7b,
	0x6b, 0x73, 0x74, 0x79, 0x69, 0x72, 0x7a, 0x70, 0x71, 0x7f, 0x60, 0x61, 0x78, 0x07, 0x0f,
	0x17, 0x1f, 0x27, 0x2f, 0x37, 0x3f, 0x47, 0x4f, 0x56, 0x5e, 0x08, 0x10, 0x18, 0x20, 0x28,
	0x30, 0x38, 0x40, 0x48, 0x50, 0x57, 0x6f, 0x13, 0x19, 0x39, 0x51, 0x53, 0x5c, 0x5f, 0x62,
	0x63, 0x64, 0x65, 0x67, 0x68, 0x6a, 0x6d, 0x6e,
};

/* Set 3 codes where they differ from set 2: by key, in pairs. */
static const uint8_t set3_of_key[][2] = {
	{0x01, 0x08}, {0x1d, 0x11}, {0x38, 0x19}, {0x3a, 0x14}, {0x2b, 0x5c}, {0x56, 0x13},
	{0x3b, 0x07}, {0x3c, 0x0f}, {0x3d, 0x17}, {0x3e, 0x1f}, {0x3f, 0x27}, {0x40, 0x2f},
	{0x41, 0x37}, {0x42, 0x3f}, {0x43, 0x47}, {0x44, 0x4f}, {0x57, 0x56}, {0x58, 0x5e},
	{0x45, 0x76}, {0x46, 0x5f}, {0x37, 0x7e}, {0x4a, 0x84}, {0x4e, 0x7c}, {0x9c, 0x79},
	{0x9d, 0x58}, {0xb5, 0x77}, {0xb7, 0x57}, {0xb8, 0x39}, {0xc6, 0x62}, {0xc7, 0x6e},
	{0xc8, 0x63}, {0xc9, 0x6f}, {0xcb, 0x61}, {0xcd, 0x6a}, {0xcf, 0x65}, {0xd0, 0x60},
	{0xd1, 0x6d}, {0xd2, 0x67}, {0xd3, 0x64}, {0xdb, 0x8b}, {0xdc, 0x8c}, {0xdd, 0x8d},
};

/* Print Screen and Pause, which no single code stands for. */
struct sequence {
	uint8_t length, bytes[8];
};

enum { SET_1, SET_2 };
static const struct sequence print_screen_make[] = {
	{4, {0xe0, 0x2a, 0xe0, 0x37}},
	{4, {0xe0, 0x12, 0xe0, 0x7c}},
};
static const struct sequence print_screen_break[] = {
	{4, {0xe0, 0xb7, 0xe0, 0xaa}},
	{6, {0xe0, 0xf0, 0x7c, 0xe0, 0xf0, 0x12}},
};
static const struct sequence pause_make[] = {
	{6, {0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5}},
	{8, {0xe1, 0x14, 0x77, 0xe1, 0xf0, 0x14, 0xf0, 0x77}},
};
static const struct sequence ctrl_break_make[] = {
	{4, {0xe0, 0x46, 0xe0, 0xc6}},
	{5, {0xe0, 0x7e, 0xe0, 0xf0, 0x7e}},
};
static const struct sequence nothing = {0, {0}};

uint8_t ps2_set2_to_set1(uint8_t code)
{
	if (code == 0)
		return OVERRUN_1;
	if (code == SYSRQ_2)
		return SYSRQ;
	for (uint8_t set1 = 1; set1 < sizeof(set2_of_set1); set1++)
		if (set2_of_set1[set1] == code)
			return set1;
	return code;
}

static bool is_down(const struct ps2_keyboard *k, uint8_t key)
{
	return k->down[key / 8] >> key % 8 & 1;
}

static bool any_down(const struct ps2_keyboard *k, uint8_t one, uint8_t other)
{
	return is_down(k, one) || is_down(k, other);
}

static uint8_t set3_code(uint8_t key)
{
	for (size_t i = 0; i < sizeof(set3_of_key) / sizeof(set3_of_key[0]); i++)
		if (set3_of_key[i][0] == key)
			return set3_of_key[i][1];
	return key & KEY_E0 ? 0 : set2_of_set1[key];
}

static struct sequence set3_sequence(const struct ps2_keyboard *k, uint8_t key, bool down)
{
	uint8_t code = set3_code(key);

	if (!code || (!down && k->no_breaks))
		return nothing;
	if (down)
		return (struct sequence){1, {code}};
	return (struct sequence){2, {BREAK_2, code}};
}

/* A key with one code of its own; extended: after E0. */
static struct sequence plain_sequence(unsigned set, uint8_t code, bool extended, bool down)
{
	struct sequence s = nothing;

	if (extended)
		s.bytes[s.length++] = PREFIX_E0;
	if (set == SET_1) {
		s.bytes[s.length++] = down ? code : code | BREAK_1;
		return s;
	}
	if (!down)
		s.bytes[s.length++] = BREAK_2;
	s.bytes[s.length++] = code == SYSRQ ? SYSRQ_2 : set2_of_set1[code % 128];
	return s;
}

static struct sequence key_sequence(const struct ps2_keyboard *k, uint8_t key, bool down)
{
	unsigned set = k->set == 1 ? SET_1 : SET_2;
	bool ctrl = any_down(k, KEY_LEFT_CTRL, KEY_RIGHT_CTRL);
	bool shift = any_down(k, KEY_LEFT_SHIFT, KEY_RIGHT_SHIFT);

	if (k->set == 3)
		return set3_sequence(k, key, down);
	if (key == KEY_PAUSE && !down)
		return nothing;
	if (key == KEY_PAUSE)
		return ctrl ? ctrl_break_make[set] : pause_make[set];
	if (key == KEY_PRINT_SCREEN && any_down(k, KEY_LEFT_ALT, KEY_RIGHT_ALT))
		return plain_sequence(set, SYSRQ, false, down);
	if (key == KEY_PRINT_SCREEN && !ctrl && !shift)
		return down ? print_screen_make[set] : print_screen_break[set];
	return plain_sequence(set, key & (uint8_t)~KEY_E0, key & KEY_E0, down);
}

void ps2_keyboard_key(struct ps2_keyboard *k, uint8_t key, bool down)
{
	struct sequence s = key_sequence(k, key, down);
	unsigned room = ps2_data_room(&k->port), needed = s.length + (down ? RELEASE_ROOM : 1u);

	if (down)
		k->down[key / 8] |= (uint8_t)(1u << key % 8);
	else
		k->down[key / 8] &= (uint8_t)~(1u << key % 8);
	if (!k->scanning || !s.length)
		return;
	if (room < needed) {
		LOG(LOG_INPUT, "keyboard: no room for key %#x", key);
		if (!k->overrun && room)
			ps2_put_data(&k->port, k->set == 1 ? OVERRUN_1 : 0);
		k->overrun = true;
		return;
	}
	k->overrun = false;
	for (unsigned i = 0; i < s.length; i++)
		ps2_put_data(&k->port, s.bytes[i]);
}

static void set_defaults(struct ps2_keyboard *k)
{
	k->set = 2;
	k->typematic = TYPEMATIC_DEFAULT;
	k->no_breaks = false;
	k->overrun = false;
	ps2_clear_data(&k->port);
}

static void select_set(struct ps2_keyboard *k, uint8_t set)
{
	if (set > 3) {
		ps2_put_reply(&k->port, PS2_RESEND);
		return;
	}
	ps2_put_reply(&k->port, PS2_ACK);
	if (set == 0) {
		ps2_put_reply(&k->port, k->set);
		return;
	}
	k->set = set;
	ps2_clear_data(&k->port);
}

/* Returns whether the byte was the argument that a command waits for. */
static bool take_argument(struct ps2_keyboard *k, uint8_t byte)
{
	uint8_t command = k->argument_of;

	k->argument_of = 0;
	if (!command || byte & 0x80)
		return false; /* a command instead ends the wait */
	if (command == CMD_SCAN_SET) {
		select_set(k, byte);
		return true;
	}
	if (command == CMD_LEDS)
		k->leds = byte & LED_BITS;
	else if (command == PS2_SET_RATE)
		k->typematic = byte;
	else
		k->argument_of = command; /* a list of keys, up to a command */
	ps2_put_reply(&k->port, PS2_ACK);
	return true;
}

static void reset_command(struct ps2_keyboard *k)
{
	set_defaults(k);
	k->leds = 0;
	k->scanning = true;
	ps2_put_reply(&k->port, PS2_ACK);
	ps2_put_reply(&k->port, PS2_BAT_GOOD);
}

static void identify(struct ps2_keyboard *k)
{
	ps2_put_reply(&k->port, PS2_ACK);
	ps2_put_reply(&k->port, ID_FIRST);
	ps2_put_reply(&k->port, ID_SECOND);
}

/* Commands that are acknowledged and done. */
static void simple_command(struct ps2_keyboard *k, uint8_t command)
{
	switch (command) {
	case CMD_LEDS:
	case CMD_SCAN_SET:
	case PS2_SET_RATE:
	case CMD_KEY_TYPEMATIC ... CMD_KEY_MAKE:
		k->argument_of = command;
		break;
	case PS2_ENABLE:
		k->scanning = true;
		ps2_clear_data(&k->port);
		break;
	case PS2_DISABLE:
	case PS2_SET_DEFAULTS:
		set_defaults(k);
		k->scanning = command == PS2_SET_DEFAULTS;
		break;
	case CMD_ALL_TYPEMATIC ... CMD_ALL:
		k->no_breaks = command == CMD_ALL_TYPEMATIC || command == CMD_ALL_MAKE;
		break;
	default:
		ps2_put_reply(&k->port, PS2_RESEND);
		return;
	}
	ps2_put_reply(&k->port, PS2_ACK);
}

void ps2_keyboard_write(struct ps2_keyboard *k, uint8_t byte)
{
	if (take_argument(k, byte))
		return;
	switch (byte) {
	case CMD_ECHO:
		ps2_put_reply(&k->port, CMD_ECHO);
		break;
	case PS2_IDENTIFY:
		identify(k);
		break;
	case CMD_RESEND:
		ps2_put_reply(&k->port, k->port.last_sent);
		break;
	case PS2_RESET:
		reset_command(k);
		break;
	default:
		simple_command(k, byte);
	}
}

void ps2_keyboard_reset(struct ps2_keyboard *k)
{
	set_defaults(k);
	ps2_clear(&k->port);
	memset(k->down, 0, sizeof(k->down));
	k->leds = 0;
	k->argument_of = 0;
	k->port.last_sent = 0;
	k->scanning = true;
}

void ps2_keyboard_init(struct ps2_keyboard *k, void (*ready)(void *opaque), void *opaque)
{
	memset(k, 0, sizeof(*k));
	k->port.ready = ready;
	k->port.opaque = opaque;
	ps2_keyboard_reset(k);
}
