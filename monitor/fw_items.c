/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What SeaBIOS reads through fw_cfg besides tables and kernels (its
 * src/fw/paravirt.c and boot.c name the items).
 */
#include "monitor/fw_items.h"

#include "monitor/smbios.h"

#define FOUR_GIB 0x100000000ull
#define E820_RAM 1u
#define SERIAL_CONSOLE_PORT 0x3f8
#define MENU_TIMEOUT_MAX 0xffffu

struct e820_entry {
	uint64_t address, length;
	uint32_t type;
} __attribute__((packed));

static int publish_memory(struct fw_cfg *f, const struct fw_items *i)
{
	struct e820_entry map[2] = {{0, i->ram_below_4g, E820_RAM},
				    {FOUR_GIB, i->ram_above_4g, E820_RAM}};
	uint32_t entries = i->ram_above_4g ? 2 : 1;

	if (fw_cfg_add_u64(f, FW_CFG_RAM_SIZE, i->ram_below_4g + i->ram_above_4g) < 0)
		return -1;
	return fw_cfg_add_file(f, "etc/e820", map, entries * (uint32_t)sizeof(map[0]));
}

/* A number as SeaBIOS's romfile_loadint() takes it. */
static int publish_number(struct fw_cfg *f, const char *name, uint16_t value)
{
	uint8_t bytes[2] = {(uint8_t)value, (uint8_t)(value >> 8)};

	return fw_cfg_add_file(f, name, bytes, sizeof(bytes));
}

static int publish_menu(struct fw_cfg *f, const struct fw_items *i)
{
	unsigned ms = i->boot_menu_timeout_ms;

	if (fw_cfg_add_u16(f, FW_CFG_BOOT_MENU, i->boot_menu) < 0)
		return -1;
	if (!ms)
		return 0;
	return publish_number(f, "etc/boot-menu-wait",
			      (uint16_t)(ms > MENU_TIMEOUT_MAX ? MENU_TIMEOUT_MAX : ms));
}

int fw_items_publish(struct fw_cfg *f, const struct fw_items *i)
{
	uint8_t irq0_override = 1; /* the timer is on the I/O APIC's pin 2 */

	if (publish_memory(f, i) < 0 || publish_menu(f, i) < 0 ||
	    smbios_publish(f, i->ram_below_4g, i->ram_above_4g) < 0 ||
	    fw_cfg_add_u16(f, FW_CFG_NOGRAPHIC, !i->graphic) < 0 ||
	    fw_cfg_add_u16(f, FW_CFG_NB_CPUS, 1) < 0 ||
	    fw_cfg_add_u16(f, FW_CFG_MAX_CPUS, 1) < 0 ||
	    fw_cfg_add_bytes(f, FW_CFG_IRQ0_OVERRIDE, &irq0_override, 1) < 0)
		return -1;
	/* Without a screen, SeaBIOS's console goes to the first serial port. */
	return i->graphic ? 0 : publish_number(f, "etc/sercon-port", SERIAL_CONSOLE_PORT);
}
