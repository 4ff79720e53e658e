/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of keys, as QEMU's sendkey has them, and their set 1 codes (input.h). */
#ifndef MONITOR_KEY_NAMES_H
#define MONITOR_KEY_NAMES_H

#include <stddef.h>
#include <stdint.h>

/* The code of the key named by len characters of name, or 0. Also "0x1e". */
uint8_t key_code(const char *name, size_t len);

#endif
