/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The PC: which chips there are, and how they are wired. i440FX and PIIX3 as
 * QEMU's "pc" machine has them, since firmware and guests know it by heart.
 *
 *   PCI 00.0 i440FX host bridge     01.0 PIIX3 ISA bridge   01.1 IDE
 *           01.3 PIIX4 power management   02.0 VGA
 *   IRQ 0 PIT, 1 keyboard, 3/4 UARTs, 6 floppy, 8 RTC, 9 SCI, 12 mouse, 14/15 IDE
 *
 * Every ISA interrupt goes to the 8259 pair and to the I/O APIC; the local
 * APIC passes the 8259's INTR on to the processor (virtual wire).
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cpu/cpuid.h"
#include "devices/debug_ports.h"
#include "devices/fdc.h"
#include "devices/i440fx.h"
#include "devices/i8042.h"
#include "devices/i8237.h"
#include "devices/i8254.h"
#include "devices/i8259.h"
#include "devices/ide.h"
#include "devices/ioapic.h"
#include "devices/irq_router.h"
#include "devices/lapic.h"
#include "devices/mc146818.h"
#include "devices/ns16550.h"
#include "devices/piix3.h"
#include "devices/piix4_pm.h"
#include "devices/port61.h"
#include "devices/port92.h"
#include "devices/vga.h"
#include "monitor/chardev_host.h"
#include "monitor/firmware.h"
#include "monitor/kernel_loader.h"
#include "monitor/vm_internal.h"

#define IDE_SLOT 1
#define IDE_FUNCTION 1
#define VGA_SLOT 2
#define VGABIOS_MAX (256u << 10)

enum isa_irq {
	IRQ_PIT = 0,
	IRQ_KEYBOARD = 1,
	IRQ_COM2 = 3,
	IRQ_COM1 = 4,
	IRQ_FLOPPY = 6,
	IRQ_RTC = 8,
	IRQ_SCI = 9,
	IRQ_MOUSE = 12,
	IRQ_FERR = 13,
	IRQ_IDE0 = 14,
	IRQ_IDE1 = 15,
};

int machine_add(struct vm *vm, const struct device_class *class, void *state, struct report *r)
{
	if (!state)
		return report_fail(r, "not enough memory for the machine (%s)", class->name);
	assert(vm->device_count < VM_MAX_DEVICES);
	vm->devices[vm->device_count++] = (struct vm_device){class, state};
	return 0;
}

/* ---- the processor's wires ---- */

int machine_acknowledge(void *opaque)
{
	struct vm *vm = opaque;

	return lapic_acknowledge(vm->lapic);
}

void machine_ferr(void *opaque, int level)
{
	struct vm *vm = opaque;

	irq_set(&vm->ferr_irq, level);
}

void machine_apic_base(void *opaque, uint64_t value)
{
	struct vm *vm = opaque;

	lapic_set_base(vm->lapic, value);
}

static void set_intr(void *opaque, int n, int level)
{
	vcpu_set_intr(((struct vm *)opaque)->cpu, level);
}

static void set_nmi(void *opaque, int n, int level)
{
	struct vm *vm = opaque;

	if (level && !vm->nmi_masked)
		vcpu_nmi(vm->cpu);
}

/* Bit 7 of port 70h stands between all NMI sources and the processor's pin. */
static void mask_nmi(void *opaque, bool masked)
{
	((struct vm *)opaque)->nmi_masked = masked;
}

/* A20 is on while either of its two gates has it on. */
static void set_a20_gate(struct vm *vm, unsigned gate, bool on)
{
	vm->a20_gates = (vm->a20_gates & ~gate) | (on ? gate : 0);
	vcpu_set_a20(vm->cpu, vm->a20_gates != 0);
}

static void set_a20_keyboard(void *opaque, bool on)
{
	set_a20_gate(opaque, 1, on);
}

static void set_a20_port92(void *opaque, bool on)
{
	set_a20_gate(opaque, 2, on);
}

static void request_reset(void *opaque)
{
	vm_request_reset(opaque);
}

/* CF9: both kinds reset the whole machine, as firmware and guests expect. */
static void request_reset_cf9(void *opaque, bool hard)
{
	vm_request_reset(opaque);
}

static void request_init(void *opaque)
{
	vm_request_init(opaque);
}

static void power_off(void *opaque)
{
	vm_guest_power_off(opaque);
}

static void debug_exit(void *opaque, int status)
{
	vm_quit(opaque, status);
}

static void clear_ferr(void *opaque)
{
	vcpu_clear_ferr(((struct vm *)opaque)->cpu);
}

static void irq_acknowledged(void *opaque, int irq)
{
	if (irq == IRQ_PIT)
		pit_tick_acknowledged(((struct vm *)opaque)->pit);
}

static bool tick_masked(void *opaque)
{
	return pic_irq_masked(((struct vm *)opaque)->pic, IRQ_PIT);
}

static bool rtc_masked(void *opaque)
{
	return pic_irq_masked(((struct vm *)opaque)->pic, IRQ_RTC);
}

static struct irq_line isa_irq(struct vm *vm, unsigned irq)
{
	return irq_router_line(vm->irqs, IRQ_FROM_ISA, irq);
}

/* ---- interrupts, timers, keyboard: what every PC/AT has ---- */

_Static_assert(LAPIC_BUS_HZ == CPU_CRYSTAL_HZ, "what CPUID says of the APIC's timer");

static int create_interrupts(struct vm *vm, struct report *r)
{
	struct lapic_wiring lapic = {.mem = vm->mem,
				     .clock = vm->clock,
				     .intr = {set_intr, vm, 0},
				     .nmi = {set_nmi, vm, 0},
				     .init = request_init,
				     .opaque = vm};
	struct pic_wiring pic = {.bus = vm->bus};
	struct ioapic_wiring ioapic = {.mem = vm->mem};
	struct irq_router_wiring router;

	vm->lapic = lapic_create(&lapic);
	if (machine_add(vm, &lapic_class, vm->lapic, r) < 0)
		return -1;
	pic.intr = lapic_extint_line(vm->lapic);
	vm->pic = pic_create(&pic);
	if (machine_add(vm, &pic_class, vm->pic, r) < 0)
		return -1;
	lapic_attach_pic(vm->lapic, vm->pic);
	ioapic.lapic = vm->lapic;
	vm->ioapic = ioapic_create(&ioapic);
	if (machine_add(vm, &ioapic_class, vm->ioapic, r) < 0)
		return -1;
	for (unsigned i = 0; i < ISA_IRQS; i++) {
		router.pic[i] = pic_irq_line(vm->pic, (int)i);
		router.ioapic[i] = ioapic_irq_line(vm->ioapic, i);
	}
	vm->irqs = irq_router_create(&router);
	vm->ferr_irq = isa_irq(vm, IRQ_FERR);
	return machine_add(vm, &irq_router_class, vm->irqs, r);
}

static int create_timers(struct vm *vm, struct report *r)
{
	struct pit_wiring pit = {.bus = vm->bus,
				 .clock = vm->clock,
				 .irq = isa_irq(vm, IRQ_PIT),
				 .tick_masked = tick_masked,
				 .opaque = vm};
	struct port61_wiring port61 = {.bus = vm->bus, .clock = vm->clock};
	struct rtc_wiring rtc = {.bus = vm->bus,
				 .clock = vm->clock,
				 .irq = isa_irq(vm, IRQ_RTC),
				 .mask_nmi = mask_nmi,
				 .irq_masked = rtc_masked,
				 .opaque = vm};

	vm->pit = pit_create(&pit);
	if (machine_add(vm, &pit_class, vm->pit, r) < 0)
		return -1;
	pic_on_acknowledge(vm->pic, irq_acknowledged, vm);
	port61.pit = vm->pit;
	if (machine_add(vm, &port61_class, port61_create(&port61), r) < 0)
		return -1;
	vm->rtc = rtc_create(&rtc);
	return machine_add(vm, &rtc_class, vm->rtc, r);
}

static int create_isa(struct vm *vm, struct report *r)
{
	struct i8042_wiring kbd = {.bus = vm->bus,
				   .clock = vm->clock,
				   .keyboard_irq = isa_irq(vm, IRQ_KEYBOARD),
				   .mouse_irq = isa_irq(vm, IRQ_MOUSE),
				   .reset = request_reset,
				   .set_a20 = set_a20_keyboard,
				   .opaque = vm};
	struct port92_wiring port92 = {.bus = vm->bus,
				       .reset = request_reset,
				       .set_a20 = set_a20_port92,
				       .clear_ferr = clear_ferr,
				       .opaque = vm};
	struct dma_wiring dma = {.bus = vm->bus};

	vm->i8042 = i8042_create(&kbd);
	if (machine_add(vm, &i8042_class, vm->i8042, r) < 0 ||
	    machine_add(vm, &port92_class, port92_create(&port92), r) < 0)
		return -1;
	vm->dma = dma_create(&dma);
	return machine_add(vm, &dma_class, vm->dma, r);
}

/* ---- drives ---- */

static int create_ide(struct vm *vm, struct report *r)
{
	struct piix3_ide_wiring w = {.bus = vm->bus,
				     .pci = vm->pci,
				     .slot = IDE_SLOT,
				     .function = IDE_FUNCTION,
				     .irq = {isa_irq(vm, IRQ_IDE0), isa_irq(vm, IRQ_IDE1)},
				     .clock = vm->clock};

	for (unsigned i = 0; i < VM_IDE_DRIVES; i++) {
		const struct drive_config *d = &vm->config.ide[i];

		if (i == 0 && vm->config.carried_guest)
			w.drives[i] = machine_open_carried_guest(vm, r);
		else if (d->present)
			w.drives[i] = machine_open_ide(vm, i, r);
		else
			continue;
		w.is_cd[i] = d->present && d->media == MEDIA_CDROM;
		vm->ide_disks[i] = w.drives[i];
		if (!w.drives[i])
			return -1;
	}
	return machine_add(vm, &piix3_ide_class, piix3_ide_create(&w), r);
}

static int create_floppy(struct vm *vm, struct report *r)
{
	struct fdc_wiring w = {.bus = vm->bus,
			       .irq = isa_irq(vm, IRQ_FLOPPY),
			       .clock = vm->clock,
			       .dma = vm->dma};

	for (unsigned i = 0; i < VM_FLOPPY_DRIVES; i++) {
		const struct drive_config *d = &vm->config.floppy[i];

		if (!d->present)
			continue;
		w.drives[i] = machine_open_floppy(vm, i, r);
		if (!w.drives[i])
			return -1;
	}
	vm->fdc = fdc_create(&w);
	return machine_add(vm, &fdc_class, vm->fdc, r);
}

/* ---- serial ports and debug ports ---- */

static int open_chardev(struct vm *vm, const struct chardev_config *c, const char *option,
			const char *label, struct chardev **out, struct report *r)
{
	*out = NULL;
	if (c->kind == CHARDEV_NONE)
		return 0;
	return chardev_host_open(vm->chardevs, c, option, label, out, r);
}

static int create_serial(struct vm *vm, struct report *r)
{
	static const uint16_t base[VM_SERIAL_PORTS] = {0x3f8, 0x2f8, 0x3e8, 0x2e8};
	static const unsigned irq[VM_SERIAL_PORTS] = {IRQ_COM1, IRQ_COM2, IRQ_COM1, IRQ_COM2};

	for (unsigned i = 0; i < VM_SERIAL_PORTS; i++) {
		struct uart_wiring w = {.bus = vm->bus,
					.clock = vm->clock,
					.port = base[i],
					.irq = isa_irq(vm, irq[i])};
		char label[16];

		if (vm->config.serial[i].kind == CHARDEV_NONE)
			continue;
		snprintf(label, sizeof(label), "serial%u", i);
		if (open_chardev(vm, &vm->config.serial[i], "-serial", label, &w.chardev, r) < 0 ||
		    machine_add(vm, &uart_class, uart_create(&w), r) < 0)
			return -1;
	}
	return 0;
}

static int create_debug_ports(struct vm *vm, struct report *r)
{
	const struct vm_config *c = &vm->config;
	struct debug_ports_wiring w = {.bus = vm->bus,
				       .exit_port = c->debug_exit_port,
				       .exit_size = c->debug_exit ? c->debug_exit_size : 0,
				       .exit = debug_exit,
				       .opaque = vm};

	if (open_chardev(vm, &c->debugcon, "-debugcon", "debugcon", &w.debugcon, r) < 0 ||
	    open_chardev(vm, &c->firmware_log, "-device isa-debugcon", "seabios",
			 &w.firmware_log, r) < 0)
		return -1;
	w.debugcon_port = c->debugcon.kind == CHARDEV_NONE ? 0 : c->debugcon_port;
	/* SeaBIOS writes its log whether or not anybody reads it. */
	w.firmware_log_port = c->firmware_log_port;
	return machine_add(vm, &debug_ports_class, debug_ports_create(&w), r);
}

/* ---- PCI devices ---- */

static int create_chipset(struct vm *vm, struct report *r)
{
	struct i440fx_wiring host = {.bus = vm->bus};
	struct i440fx *bridge = i440fx_create(&host);
	struct piix3_wiring isa = {.reset = request_reset_cf9, .opaque = vm};
	struct piix4_pm_wiring pm = {.clock = vm->clock,
				     .sci = irq_router_line(vm->irqs, IRQ_FROM_ACPI, IRQ_SCI),
				     .power_off = power_off,
				     .opaque = vm};

	if (machine_add(vm, &i440fx_class, bridge, r) < 0)
		return -1;
	vm->pci = i440fx_pci_bus(bridge);
	isa.pci = pm.pci = vm->pci;
	for (unsigned i = 0; i < PIIX3_IRQS; i++)
		isa.irq[i] = irq_router_line(vm->irqs, IRQ_FROM_PCI, i);
	if (machine_add(vm, &piix3_class, piix3_create(&isa), r) < 0)
		return -1;
	vm->pm = piix4_pm_create(&pm);
	return machine_add(vm, &piix4_pm_class, vm->pm, r);
}

static int create_vga(struct vm *vm, struct report *r)
{
	const char *name = vm->config.vgabios ? vm->config.vgabios : "vgabios-stdvga.bin";
	struct vga_wiring w = {
		.bus = vm->bus, .pci = vm->pci, .slot = VGA_SLOT, .clock = vm->clock};
	uint8_t *rom;
	uint32_t size;

	if (!vm->config.vga)
		return 0;
	if (firmware_read("-vga std", name, vm->config.firmware_dir, VGABIOS_MAX, &rom, &size,
			  r) < 0)
		return -1;
	w.rom = rom;
	w.rom_size = size;
	vm->vga = vga_create(&w);
	free(rom);
	return machine_add(vm, &vga_class, vm->vga, r);
}

/* ---- the whole ---- */

static void quit_from_terminal(void *opaque)
{
	vm_quit(opaque, 0);
}

static int create_chardevs(struct vm *vm, struct report *r)
{
	struct chardev_host_ops ops = {
		.post = vm_post_plain, .quit = quit_from_terminal, .opaque = vm};

	vm->chardevs = chardev_host_create(&ops, r);
	return vm->chardevs ? 0 : -1;
}

/* 2000-01-01: runs under -icount repeat, so the date must not be today's. */
#define ICOUNT_WALL_BASE 946684800

static int64_t wall_clock_now(const struct vm_config *c)
{
	time_t now = time(NULL);
	struct tm local;

	if (c->rtc_base_given)
		return c->rtc_base;
	if (c->icount)
		return ICOUNT_WALL_BASE;
	if (c->rtc_local && localtime_r(&now, &local))
		return (int64_t)now + local.tm_gmtoff;
	return now;
}

int machine_create(struct vm *vm, struct report *r)
{
	clock_set_wall_base(vm->clock, wall_clock_now(&vm->config));
	if (create_chardevs(vm, r) < 0 || machine_create_bios(vm, r) < 0 || create_interrupts(vm, r) < 0 ||
	    create_timers(vm, r) < 0 || create_isa(vm, r) < 0 || create_chipset(vm, r) < 0 ||
	    create_ide(vm, r) < 0 || create_floppy(vm, r) < 0 || create_vga(vm, r) < 0 ||
	    create_serial(vm, r) < 0 || create_debug_ports(vm, r) < 0)
		return -1;
	return machine_create_fw_cfg(vm, r);
}

void machine_reset(struct vm *vm)
{
	machine_fill_cmos(vm);
	vm->boot_once_done = true;
	for (int i = 0; i < vm->device_count; i++)
		if (vm->devices[i].class->reset)
			vm->devices[i].class->reset(vm->devices[i].state);
	vcpu_set_a20(vm->cpu, true); /* the BIOS starts at the top of 4 GiB */
	vcpu_reset(vm->cpu);
}

void machine_destroy(struct vm *vm)
{
	/* Back ends first: their threads may still complete requests. */
	for (int i = 0; i < vm->drive_count; i++)
		if (vm->drives[i].blk->ops->cancel_all)
			vm->drives[i].blk->ops->cancel_all(vm->drives[i].blk);
	vm_drain_work(vm);
	for (int i = vm->device_count - 1; i >= 0; i--)
		vm->devices[i].class->destroy(vm->devices[i].state);
	for (int i = 0; i < vm->drive_count; i++)
		vm->drives[i].blk->ops->destroy(vm->drives[i].blk);
	kernel_loader_destroy(vm->kernel);
	chardev_host_destroy(vm->chardevs);
	free(vm->carried_image);
}

const struct display *vm_display(struct vm *vm)
{
	return vm->vga ? vga_display(vm->vga) : NULL;
}

const struct input_sink *vm_input(struct vm *vm)
{
	return i8042_input(vm->i8042);
}
