/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The configuration of a machine about which the user said nothing. */
#include "monitor/vm.h"

#include <stdlib.h>
#include <string.h>

#define DEFAULT_RAM (128ull << 20)
#define DEBUGCON_PORT 0xe9
#define FIRMWARE_LOG_PORT 0x402
#define DEBUG_EXIT_PORT 0x501
#define DEBUG_EXIT_SIZE 2

static bool host_has_display(void)
{
	const char *x11 = getenv("DISPLAY"), *wayland = getenv("WAYLAND_DISPLAY");

	return (x11 && *x11) || (wayland && *wayland);
}

void vm_config_init(struct vm_config *c)
{
	memset(c, 0, sizeof(*c));
	c->ram_bytes = DEFAULT_RAM;
	c->engine = ENGINE_CONFIG_DEFAULT;
	c->engine.direct = DIRECT_AUTO;
	c->alternatives[c->alternative_count++] = ENGINE_INTERP;
	c->graphics = true;
	c->vga = true;
	c->display = host_has_display() ? DISPLAY_SDL : DISPLAY_NONE;
	c->debugcon_port = DEBUGCON_PORT;
	c->firmware_log_port = FIRMWARE_LOG_PORT;
	c->debug_exit_port = DEBUG_EXIT_PORT;
	c->debug_exit_size = DEBUG_EXIT_SIZE;
	c->ide[2] = (struct drive_config){.present = true, .media = MEDIA_CDROM, .id = "ide1-cd0"};
	c->floppy[0] = (struct drive_config){.present = true, .id = "floppy0"};
}
