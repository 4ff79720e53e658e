/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SMBIOS: what the machine is called and how much memory it has. */
#ifndef MONITOR_SMBIOS_H
#define MONITOR_SMBIOS_H

#include <stdint.h>

#include "devices/fw_cfg.h"

/*
 * Adds etc/smbios/smbios-tables and smbios-anchor. Returns 0, or -1 when there
 * is no memory.
 */
int smbios_publish(struct fw_cfg *f, uint64_t ram_below_4g, uint64_t ram_above_4g);

#endif
