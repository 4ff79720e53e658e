/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every device model is: one file, one state struct and one const
 * record. A device is created with its own typed function, for example
 *
 *     struct pit *pit_create(const struct pit_wiring *w);
 *
 * which is given its bus, irq lines, clock and back end; the machine then
 * keeps the pair (record, state) in its table and resets, saves, hashes and
 * destroys it through the record. No host time, host I/O or thread in a
 * device; everything runs on the machine thread.
 */
#ifndef DEVICES_DEVICE_H
#define DEVICES_DEVICE_H

#include <stddef.h>
#include <stdint.h>

/*
 * One row of a device's saved state: guest-visible fields only, no pointers.
 * count elements of elem_size bytes (1, 2, 4 or 8) at offset.
 */
struct field {
	const char *name;
	uint32_t offset;
	uint16_t elem_size;
	uint32_t count;
};

#define FIELD(type, member)                                                    \
	{ #member, offsetof(type, member), sizeof(((type *)0)->member), 1 }
#define FIELD_ARRAY(type, member)                                              \
	{ #member, offsetof(type, member), sizeof(((type *)0)->member[0]),     \
	  sizeof(((type *)0)->member) / sizeof(((type *)0)->member[0]) }
#define FIELD_END { NULL, 0, 0, 0 }

struct device_class {
	const char *name;           /* "i8254" */
	unsigned version;           /* of the field table */
	void (*reset)(void *state); /* power-on and RESET# */
	void (*destroy)(void *state);
	const struct field *fields; /* ends with FIELD_END; NULL: stateless */
};

#endif
