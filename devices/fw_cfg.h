/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The firmware configuration interface, by which the machine hands SeaBIOS
 * (and our own option ROM) what it needs to know: numbered items, and named
 * files that are items listed in a directory.
 */
#ifndef DEVICES_FW_CFG_H
#define DEVICES_FW_CFG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "devices/bus.h"
#include "devices/device.h"

/* Numbered items (QEMU docs/specs/fw_cfg.rst; SeaBIOS reads these). */
#define FW_CFG_SIGNATURE 0x00
#define FW_CFG_ID 0x01
#define FW_CFG_UUID 0x02
#define FW_CFG_RAM_SIZE 0x03 /* 64 bits */
#define FW_CFG_NOGRAPHIC 0x04
#define FW_CFG_NB_CPUS 0x05
#define FW_CFG_NUMA 0x0d
#define FW_CFG_BOOT_MENU 0x0e
#define FW_CFG_MAX_CPUS 0x0f
#define FW_CFG_FILE_DIR 0x19
#define FW_CFG_FILE_FIRST 0x20
#define FW_CFG_ARCH_LOCAL 0x8000
#define FW_CFG_IRQ0_OVERRIDE (FW_CFG_ARCH_LOCAL + 2)

#define FW_CFG_FILES 64
#define FW_CFG_NAME_SIZE 56

struct fw_cfg;

struct fw_cfg_wiring {
	struct bus *bus; /* with physical memory, for the DMA interface */
};

/*
 * Gives len bytes of a file from offset; offset + len is within its size. It
 * cannot fail: what cannot be read any more is zeros.
 */
typedef void fw_cfg_read_fn(void *opaque, uint32_t offset, void *buf, uint32_t len);

extern const struct device_class fw_cfg_class;

/* Claims ports 510-511 and 514-51B. Has the signature and id items. */
struct fw_cfg *fw_cfg_create(const struct fw_cfg_wiring *w);

/*
 * Adds or replaces an item; the bytes are copied. Returns 0, or -1 when there
 * is no memory. Numbers are little-endian.
 */
int fw_cfg_add_bytes(struct fw_cfg *f, uint16_t key, const void *data, uint32_t len);
int fw_cfg_add_u16(struct fw_cfg *f, uint16_t key, uint16_t value);
int fw_cfg_add_u32(struct fw_cfg *f, uint16_t key, uint32_t value);
int fw_cfg_add_u64(struct fw_cfg *f, uint16_t key, uint64_t value);

/*
 * Adds or replaces a file. Returns 0, or -1 when the directory is full, the
 * name is too long or there is no memory. The second form reads the bytes
 * only when the guest asks for them (kernels, initrds).
 */
int fw_cfg_add_file(struct fw_cfg *f, const char *name, const void *data, uint32_t len);
int fw_cfg_add_file_reader(struct fw_cfg *f, const char *name, uint32_t len,
			   fw_cfg_read_fn *read, void *opaque);

/* A file's selector, 0 if there is none of that name. */
uint16_t fw_cfg_file_key(const struct fw_cfg *f, const char *name);

#endif
