/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The life of a machine: creation, guest time, pause, reset and end. Its
 * thread's loop is in vm_loop.c, work from other threads in vm_work.c.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <x86intrin.h>

#include "base/host_time.h"
#include "base/log.h"
#include "devices/piix4_pm.h"
#include "monitor/cpu_spec.h"
#include "monitor/vm_internal.h"

/* ---- guest time ---- */

static uint64_t guest_ns(void *opaque)
{
	struct vm *vm = opaque;

	if (vm->config.icount)
		return vm->icount_ns +
		       ((uint64_t)(vm->cpu ? vcpu_fuel_used(vm->cpu) : 0)
			<< vm->config.icount_shift);
	return vm->state == VM_RUNNING ? host_time_ns() - vm->epoch : vm->paused_at;
}

/*
 * The guest's TSC is the host's less an offset, so that it stands still while
 * the machine does; under -icount it runs at 1 GHz of guest time.
 */
static uint64_t guest_tsc(void *opaque)
{
	struct vm *vm = opaque;

	return vm->config.icount ? clock_now(vm->clock) : __rdtsc() - vm->tsc_offset;
}

static uint64_t guest_tsc_offset(void *opaque)
{
	return ((struct vm *)opaque)->tsc_offset;
}

/* Measured since the machine was created, which is longer ago when systems ask. */
#define TSC_MEASURED_NS 20000000u

static uint64_t guest_tsc_hz(void *opaque)
{
	struct vm *vm = opaque;
	struct host_instant now;

	if (vm->config.icount)
		return NS_PER_SEC;
	if (vm->tsc_hz)
		return vm->tsc_hz;
	now = host_instant();
	if (now.ns - vm->created.ns >= TSC_MEASURED_NS)
		vm->tsc_hz = (uint64_t)((unsigned __int128)(now.tsc - vm->created.tsc) *
					NS_PER_SEC / (now.ns - vm->created.ns));
	return vm->tsc_hz;
}

static void time_stop(struct vm *vm)
{
	vm->paused_at = host_time_ns() - vm->epoch;
	vm->tsc_offset = __rdtsc() - vm->tsc_offset; /* holds the guest's TSC */
}

static void time_start(struct vm *vm)
{
	vm->epoch = host_time_ns() - vm->paused_at;
	vm->tsc_offset = __rdtsc() - vm->tsc_offset;
}

/* ---- states ---- */

static void set_state(struct vm *vm, enum vm_state s)
{
	if (vm->state == s)
		return;
	if (vm->state == VM_RUNNING)
		time_stop(vm);
	if (s == VM_RUNNING)
		time_start(vm);
	vm->state = s;
	vcpu_kick_now(vm->cpu, PENDING_STOP);
	if (vm->on_state)
		vm->on_state(vm->on_state_opaque, s);
}

void vm_pause(struct vm *vm)
{
	if (vm->state == VM_RUNNING)
		set_state(vm, VM_PAUSED);
}

void vm_resume(struct vm *vm)
{
	if (vm->state == VM_PAUSED)
		set_state(vm, VM_RUNNING);
}

void vm_request_reset(struct vm *vm)
{
	vm->reset_wanted = true;
	vcpu_kick_now(vm->cpu, PENDING_RESET);
}

void vm_request_init(struct vm *vm)
{
	vm->init_wanted = true;
	vcpu_kick(vm->cpu, PENDING_RESET);
}

void vm_reset(struct vm *vm)
{
	vm_request_reset(vm);
	if (vm->state == VM_SHUTDOWN || vm->state == VM_INTERNAL_ERROR)
		set_state(vm, VM_PAUSED);
}

void vm_do_reset(struct vm *vm)
{
	bool whole = vm->reset_wanted;

	vm->reset_wanted = vm->init_wanted = false;
	if (!whole) {
		vcpu_init_signal(vm->cpu);
		return;
	}
	if (vm->config.no_reboot) {
		vm_guest_power_off(vm);
		return;
	}
	LOG(LOG_VM, "reset");
	machine_reset(vm);
}

void vm_guest_power_off(struct vm *vm)
{
	if (vm->config.no_shutdown)
		set_state(vm, VM_SHUTDOWN);
	else
		vm_quit(vm, 0);
}

void vm_powerdown(struct vm *vm)
{
	piix4_pm_power_button(vm->pm);
}

void vm_quit(struct vm *vm, int status)
{
	if (!vm->quit) {
		vm->exit_status = status;
		vm->quit_from_outside = vm->in_work;
	}
	vm->quit = true;
	vcpu_kick_now(vm->cpu, PENDING_STOP);
}

void vm_stop_error(struct vm *vm, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	report_warn("the guest was stopped: %s", text);
	set_state(vm, VM_INTERNAL_ERROR);
}

/* ---- the processor's side ---- */

static uint32_t cpu_port_read(void *opaque, uint16_t port, unsigned size)
{
	return bus_port_read(((struct vm *)opaque)->bus, port, size);
}

static void cpu_port_write(void *opaque, uint16_t port, uint32_t value, unsigned size)
{
	bus_port_write(((struct vm *)opaque)->bus, port, value, size);
}

/* A triple fault: PCs wire SHUTDOWN to RESET#. */
static void cpu_shutdown(void *opaque)
{
	vm_request_reset(opaque);
}

static const struct vcpu_ops cpu_ops = {
	.port_read = cpu_port_read,
	.port_write = cpu_port_write,
	.acknowledge = machine_acknowledge,
	.ferr = machine_ferr,
	.tsc = guest_tsc,
	.tsc_offset = guest_tsc_offset,
	.tsc_hz = guest_tsc_hz,
	.shutdown = cpu_shutdown,
	.apic_base_changed = machine_apic_base,
};

/* ---- creation ---- */

static int create_cpu(struct vm *vm, struct report *r)
{
	struct cpu_model model;

	if (cpu_spec_parse(vm->config.cpu, &model, r) < 0)
		return -1;
	vm->cpu = vcpu_create(vm->mem, &model, &cpu_ops, vm);
	if (!vm->cpu)
		return report_fail(r, "not enough memory for the processor");
	return vm_create_engine(vm, r);
}

static int create_base(struct vm *vm, struct report *r)
{
	int err = physmem_create(&vm->mem, vm->config.ram_bytes);

	if (err)
		return report_fail(r, "-m %lluM: cannot get that much memory: %s",
				   (unsigned long long)(vm->config.ram_bytes >> 20),
				   strerror(-err));
	vm->bus = bus_create(vm->mem);
	vm->clock = clock_create(guest_ns, vm);
	if (!vm->bus || !vm->clock)
		return report_fail(r, "not enough memory for the machine");
	clock_on_earlier(vm->clock, vm_timer_earlier, vm);
	return create_cpu(vm, r);
}

struct vm *vm_create(const struct vm_config *c, struct report *r)
{
	struct vm *vm = calloc(1, sizeof(*vm));

	if (!vm) {
		report_fail(r, "not enough memory");
		return NULL;
	}
	vm->config = *c;
	vm->created = host_instant();
	vm_init_work(vm);
	if (create_base(vm, r) < 0 || machine_create(vm, r) < 0) {
		vm_destroy(vm);
		return NULL;
	}
	machine_reset(vm);
	return vm;
}

void vm_destroy(struct vm *vm)
{
	if (!vm)
		return;
	machine_destroy(vm);
	vm_destroy_engines(vm);
	vcpu_destroy(vm->cpu);
	clock_destroy(vm->clock);
	bus_destroy(vm->bus);
	physmem_destroy(vm->mem);
	vm_destroy_work(vm);
	free(vm);
}

/* ---- accessors ---- */

enum vm_state vm_get_state(const struct vm *vm)
{
	return vm->state;
}

struct vcpu *vm_vcpu(struct vm *vm)
{
	return vm->cpu;
}

struct physmem *vm_physmem(struct vm *vm)
{
	return vm->mem;
}

struct bus *vm_bus(struct vm *vm)
{
	return vm->bus;
}

struct clock *vm_clock(struct vm *vm)
{
	return vm->clock;
}

struct pci_bus *vm_pci(struct vm *vm)
{
	return vm->pci;
}

struct chardev_host *vm_chardevs(struct vm *vm)
{
	return vm->chardevs;
}

struct pic *vm_pic(struct vm *vm)
{
	return vm->pic;
}

const struct vm_config *vm_get_config(const struct vm *vm)
{
	return &vm->config;
}

void vm_request_redraw(struct vm *vm)
{
	vm->redraw_wanted = true;
}

bool vm_take_redraw(struct vm *vm)
{
	bool wanted = vm->redraw_wanted;

	vm->redraw_wanted = false;
	return wanted;
}

void vm_on_state(struct vm *vm, void (*fn)(void *opaque, enum vm_state s), void *opaque)
{
	vm->on_state = fn;
	vm->on_state_opaque = opaque;
}

struct blockdev *vm_find_drive(struct vm *vm, const char *id)
{
	for (int i = 0; i < vm->drive_count; i++)
		if (!strcmp(vm->drives[i].id, id))
			return vm->drives[i].blk;
	return NULL;
}

void vm_for_each_drive(struct vm *vm, void (*fn)(void *arg, const char *id, struct blockdev *b),
		       void *arg)
{
	for (int i = 0; i < vm->drive_count; i++)
		fn(arg, vm->drives[i].id, vm->drives[i].blk);
}
