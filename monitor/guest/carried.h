/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The image of the carried guest within the program: a raw disk of 360 KiB, good
 * in a hard disk or a floppy drive. Read only: boot it with a snapshot overlay.
 */
#ifndef MONITOR_GUEST_CARRIED_H
#define MONITOR_GUEST_CARRIED_H

#include <stdint.h>

extern const uint8_t carried_guest_image[], carried_guest_image_end[];

#define CARRIED_GUEST_SIZE ((size_t)(carried_guest_image_end - carried_guest_image))
/* The byte that makes the self test run at once when it is 'T'. */
#define CARRIED_GUEST_AUTORUN 16

#endif
