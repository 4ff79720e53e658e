/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine's firmware: the BIOS image in memory, and what SeaBIOS is told
 * through fw_cfg and CMOS about memory, drives, boot order and a kernel.
 */
#include <stdlib.h>
#include <string.h>

#include "devices/fdc.h"
#include "devices/fw_cfg.h"
#include "monitor/acpi.h"
#include "monitor/cmos.h"
#include "monitor/firmware.h"
#include "monitor/fw_items.h"
#include "monitor/kernel_loader.h"
#include "monitor/vm_internal.h"

#define BIOS_MAX (1u << 20)
#define BIOS_GRAIN (64u << 10)
#define ISA_BIOS_SIZE (128u << 10) /* of the BIOS seen below 1 MiB */

/* The BIOS ends at 4 GiB; its last 128 KiB are also seen below 1 MiB. */
int machine_create_bios(struct vm *vm, struct report *r)
{
	const char *name = vm->config.bios ? vm->config.bios : "bios-256k.bin";
	uint32_t isa_size;
	uint8_t *image;

	if (firmware_read("-bios", name, vm->config.firmware_dir, BIOS_MAX, &image, &vm->bios_size,
			  r) < 0)
		return -1;
	if (vm->bios_size % BIOS_GRAIN) {
		free(image);
		return report_fail(r, "-bios %s: %u bytes; a BIOS image is a multiple of 64 KiB",
				   name, vm->bios_size);
	}
	vm->bios = physmem_alloc(vm->mem, "bios", vm->bios_size);
	if (vm->bios)
		memcpy(vm->bios, image, vm->bios_size);
	free(image);
	if (!vm->bios)
		return report_fail(r, "not enough memory for the BIOS");
	isa_size = vm->bios_size < ISA_BIOS_SIZE ? vm->bios_size : ISA_BIOS_SIZE;
	physmem_region_map(physmem_add_rom(vm->mem, "bios", vm->bios_size, vm->bios),
			   0x100000000ull - vm->bios_size, 0);
	physmem_region_map(physmem_add_rom(vm->mem, "isa-bios", isa_size,
					   vm->bios + vm->bios_size - isa_size),
			   0x100000 - isa_size, 0);
	return 0;
}

static unsigned acpi_have(const struct vm_config *c)
{
	static const unsigned com[VM_SERIAL_PORTS] = {ACPI_HAVE_COM1, ACPI_HAVE_COM2,
						      ACPI_HAVE_COM3, ACPI_HAVE_COM4};
	unsigned have = 0;

	for (unsigned i = 0; i < VM_SERIAL_PORTS; i++)
		if (c->serial[i].kind != CHARDEV_NONE)
			have |= com[i];
	for (unsigned i = 0; i < VM_FLOPPY_DRIVES; i++)
		if (c->floppy[i].present)
			have |= ACPI_HAVE_FDC;
	return have;
}

void machine_fill_cmos(struct vm *vm)
{
	const struct vm_config *c = &vm->config;
	uint64_t low = physmem_ram_below_4g(vm->mem);
	struct cmos_config cmos = {.ram_below_4g = low,
				   .ram_above_4g = physmem_ram_size(vm->mem) - low,
				   .boot_order = vm->boot_once_done || !c->boot_once[0]
							 ? c->boot_order
							 : c->boot_once};

	for (unsigned i = 0; i < VM_FLOPPY_DRIVES; i++)
		if (c->floppy[i].present)
			cmos.floppy[i] = fdc_drive_cmos_type(vm->fdc, i);
	for (unsigned i = 0; i < VM_IDE_DRIVES; i++)
		if (vm->ide_disks[i] && c->ide[i].media == MEDIA_DISK)
			cmos.disk_sectors[i] = vm->ide_disks[i]->size / 512;
	cmos_fill(vm->rtc, &cmos);
}

/* What SeaBIOS is told: memory, drives, boot order, ACPI tables, a kernel. */
int machine_create_fw_cfg(struct vm *vm, struct report *r)
{
	const struct vm_config *c = &vm->config;
	uint64_t low = physmem_ram_below_4g(vm->mem);
	struct fw_cfg_wiring w = {.bus = vm->bus};
	struct fw_items items = {.ram_below_4g = low,
				 .ram_above_4g = physmem_ram_size(vm->mem) - low,
				 .graphic = c->graphics && c->vga,
				 .boot_menu = c->boot_menu,
				 .boot_menu_timeout_ms = c->boot_menu_timeout_ms};
	struct kernel_options kernel = {.kernel = c->kernel,
					.initrd = c->initrd,
					.append = c->append,
					.ram_below_4g = low};

	vm->fw_cfg = fw_cfg_create(&w);
	if (machine_add(vm, &fw_cfg_class, vm->fw_cfg, r) < 0)
		return -1;
	if (fw_items_publish(vm->fw_cfg, &items) < 0 ||
	    acpi_publish(vm->fw_cfg, acpi_have(c)) < 0)
		return report_fail(r, "not enough memory for the firmware's tables");
	if (c->kernel) {
		vm->kernel = kernel_loader_create(&kernel, vm->fw_cfg, r);
		if (!vm->kernel)
			return -1;
	}
	return 0;
}
