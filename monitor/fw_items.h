/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The plain facts that SeaBIOS reads through fw_cfg. */
#ifndef MONITOR_FW_ITEMS_H
#define MONITOR_FW_ITEMS_H

#include <stdbool.h>
#include <stdint.h>

#include "devices/fw_cfg.h"

struct fw_items {
	uint64_t ram_below_4g, ram_above_4g;
	bool graphic;               /* a display adapter is there */
	bool boot_menu;
	unsigned boot_menu_timeout_ms; /* 0: SeaBIOS's own */
};

/* Returns 0, or -1 when there is no memory. */
int fw_items_publish(struct fw_cfg *f, const struct fw_items *i);

#endif
