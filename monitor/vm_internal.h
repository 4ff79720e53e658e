/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What vm.c (life cycle) and machine.c (wiring) share of a machine. */
#ifndef MONITOR_VM_INTERNAL_H
#define MONITOR_VM_INTERNAL_H

#include <pthread.h>

#include "base/report.h"
#include "base/host_time.h"
#include "cpu/vcpu.h"
#include "devices/blockdev.h"
#include "devices/bus.h"
#include "devices/clock.h"
#include "devices/device.h"
#include "devices/irq.h"
#include "monitor/vm.h"
#include "monitor/vm_timer.h"

#define VM_MAX_DEVICES 32

/* A device of the machine's table: its record and its state. */
struct vm_device {
	const struct device_class *class;
	void *state;
};

/* A drive as the user names it. */
struct vm_drive {
	char id[32];
	struct blockdev *blk;
};

struct vm {
	struct vm_config config; /* strings are the creator's */
	struct physmem *mem;
	struct bus *bus;
	struct clock *clock;
	struct vcpu *cpu;

	/* Wiring (machine.c). */
	struct vm_device devices[VM_MAX_DEVICES];
	int device_count;
	struct vm_drive drives[VM_IDE_DRIVES + VM_FLOPPY_DRIVES];
	int drive_count;
	struct irq_router *irqs;
	struct irq_line ferr_irq; /* IRQ 13 */
	struct pic *pic;
	struct pit *pit;
	struct lapic *lapic;
	struct ioapic *ioapic;
	struct rtc *rtc;
	bool nmi_masked; /* by bit 7 of port 70h */
	struct i8042 *i8042;
	unsigned a20_gates; /* which gates have A20 on */
	struct piix4_pm *pm;
	struct dma *dma;
	struct fdc *fdc;
	struct vga *vga;
	struct fw_cfg *fw_cfg;
	struct pci_bus *pci;
	struct chardev_host *chardevs;
	struct hmp *hmp;
	uint8_t *bios; /* ROM image */
	uint8_t *carried_image; /* a copy that it may write on */
	uint32_t bios_size;
	struct kernel_loader *kernel;
	struct blockdev *ide_disks[VM_IDE_DRIVES]; /* by place; CDs too */
	bool boot_once_done; /* -boot once= was used up */

	/* Life cycle (vm.c); machine thread. */
	enum vm_state state;
	bool reset_wanted, init_wanted;
	bool quit, quit_from_outside; /* somebody posted it, it was not the guest */
	int exit_status;
	uint64_t epoch;      /* host ns that are guest time 0 */
	uint64_t paused_at;  /* guest ns while not running */
	uint64_t tsc_offset; /* guest TSC = host TSC - this */
	struct host_instant created;
	uint64_t tsc_hz; /* 0: not measured yet */
	uint64_t icount_ns;  /* guest ns of -icount, up to the last refuelling */
	uint64_t stop_at;    /* instructions after which to pause; 0: never */
	struct vm_timer timer; /* of engines that do not count instructions */
	void *signal_stack;    /* the machine thread's, unless it had one */
	bool begun;	       /* vm_begin() has been: the machine thread is known */
	bool redraw_wanted; /* vm_request_redraw() */
	void (*on_state)(void *opaque, enum vm_state s);
	void *on_state_opaque;

	/* Work for the machine thread; guarded by lock. */
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct vm_work *work, **work_tail;
	bool ended; /* vm_run() has returned */
	bool in_work; /* machine thread: posted work is being done */
};

/* Builds and wires all devices. Returns 0, or -1 with *r. */
int machine_create(struct vm *vm, struct report *r);
void machine_reset(struct vm *vm);
void machine_destroy(struct vm *vm);

/* Puts a created device into the machine's table. Returns 0, or -1 with *r. */
int machine_add(struct vm *vm, const struct device_class *class, void *state, struct report *r);

/* machine_drives.c: open an image and name the drive. NULL with *r on failure. */
struct blockdev *machine_open_ide(struct vm *vm, unsigned n, struct report *r);
struct blockdev *machine_open_floppy(struct vm *vm, unsigned n, struct report *r);
struct blockdev *machine_open_carried_guest(struct vm *vm, struct report *r);

/* machine_firmware.c. The first two return 0, or -1 with *r. */
int machine_create_bios(struct vm *vm, struct report *r);
int machine_create_fw_cfg(struct vm *vm, struct report *r);
/* CMOS as the drives and -boot now say; at each reset. */
void machine_fill_cmos(struct vm *vm);

/* The processor's wires to the machine: struct vcpu_ops. */
int machine_acknowledge(void *opaque);
void machine_ferr(void *opaque, int level);
void machine_apic_base(void *opaque, uint64_t value);

/* vm_post() for back ends: the machine is the opaque pointer. Any thread. */
void vm_post_plain(void *vm, void (*fn)(void *arg), void *arg);

/* Asks for a reset of the whole machine, soon. */
void vm_request_reset(struct vm *vm);
/* INIT# of the processor alone, soon. */
void vm_request_init(struct vm *vm);
/* Does what the last two asked for. */
void vm_do_reset(struct vm *vm);

/* ---- vm_engine.c ---- */
/* The first engine of the list that can run. Returns 0, or -1 with *r. */
int vm_create_engine(struct vm *vm, struct report *r);
/* Ends those that run and those that rest; before vcpu_destroy(). */
void vm_destroy_engines(struct vm *vm);
/*
 * Starts the host's timer and the signal stack where the engine needs them, and
 * stops the timer where it does not. Machine thread. Returns 0 or -errno.
 */
int vm_engine_begin(struct vm *vm);

/* ---- vm_loop.c ---- */
/*
 * vm_run() in parts, for who interleaves machines on one thread. vm_begin()
 * returns 0, or -1 having said why. vm_turn() goes once round the loop, and
 * lets the guest execute at most `most` instructions if its engine counts them;
 * false: the machine has ended. vm_end() returns the exit status.
 */
int vm_begin(struct vm *vm);
bool vm_turn(struct vm *vm, uint64_t most);
int vm_end(struct vm *vm);
/* The clock's earliest deadline is nearer than it was: clock_on_earlier(). */
void vm_timer_earlier(void *vm);

/* ---- vm_work.c ---- */
void vm_init_work(struct vm *vm);
/* Forgets what was posted and never run. */
void vm_destroy_work(struct vm *vm);
/* The last work of the machine thread; vm_call() does not wait for it again. */
void vm_end_work(struct vm *vm);
/* Sleeps until work is there or guest time reaches `until` (ns). */
void vm_wait_for_work(struct vm *vm, uint64_t until);
/* Runs what was posted; the machine thread, or nobody, runs the machine. */
void vm_drain_work(struct vm *vm);
/* The guest turned itself off. */
void vm_guest_power_off(struct vm *vm);

#endif
