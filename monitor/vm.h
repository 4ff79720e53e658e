/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One virtual machine: its configuration, its threads and its life cycle.
 *
 * All guest state, processor and devices belong to the machine thread, the
 * one that calls vm_run(). Other threads (window, monitor, disk I/O) reach it
 * with vm_post() or vm_call(). Nothing here is global: a process can hold
 * several machines.
 */
#ifndef MONITOR_VM_H
#define MONITOR_VM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/report.h"
#include "cpu/engine.h"

struct vm;

enum drive_interface { DRIVE_IDE, DRIVE_FLOPPY };
enum drive_media { MEDIA_DISK, MEDIA_CDROM };

#define VM_IDE_DRIVES 4    /* hda-hdd: primary master, slave, secondary ... */
#define VM_FLOPPY_DRIVES 2
#define VM_SERIAL_PORTS 4
#define VM_MONITORS 4
#define VM_MODULES 32

struct drive_config {
	bool present;
	enum drive_media media;
	const char *file; /* NULL: drive without medium */
	bool read_only, snapshot;
	const char *id; /* "ide0-hd0", "ide1-cd0", "floppy0" unless given */
};

enum chardev_kind {
	CHARDEV_NONE,
	CHARDEV_NULL,
	CHARDEV_STDIO,  /* the terminal, raw; no escape keys */
	CHARDEV_MUX,    /* the terminal shared with the monitor (Ctrl-A) */
	CHARDEV_FILE,   /* output to a file */
	CHARDEV_PIPE,   /* path.in, path.out or one FIFO */
	CHARDEV_PTY,
	CHARDEV_SOCKET, /* unix:path or tcp:host:port; server,nowait */
	CHARDEV_VC,     /* in the window; thrown away where there is none */
};

struct chardev_config {
	enum chardev_kind kind;
	const char *path; /* file, fifo, unix socket */
	const char *host, *port; /* tcp */
	bool server, wait;
	bool telnet;          /* tcp: speaks the telnet protocol */
	bool append;          /* file: keeps what it holds */
	bool signals;         /* stdio: Ctrl-C ends Transvisor, the guest does not see it */
	bool mux;             /* several may use it by its id; Ctrl-A switches */
	unsigned reconnect_s; /* socket client: tries again after so long; 0: never */
	const char *id;       /* of -chardev; users with the same id share it. NULL: unnamed */
};

enum display_kind { DISPLAY_NONE, DISPLAY_SDL };

/* Two machines in step, the second one on the interpreter (monitor/lockstep.h). */
struct lockstep_config {
	bool on;
	uint64_t step;	/* instructions between comparisons; 0: after each block */
	uint64_t from;	/* instructions before the first comparison */
	bool watching;
	uint64_t watch; /* physical address whose page is compared each time */
};

struct vm_config {
	const char *name;
	uint64_t ram_bytes;
	struct engine_config engine; /* exact_fuel is vm_create()'s business */
	/* Who is tried in this order where engine.kind cannot run; they can be switched to later. */
	enum engine_kind alternatives[ENGINE_KINDS];
	unsigned alternative_count;
	struct lockstep_config lockstep;
	bool perf_map; /* /tmp/perf-PID.map tells perf(1) about translations */
	const char *cpu;
	struct drive_config ide[VM_IDE_DRIVES], floppy[VM_FLOPPY_DRIVES];
	char boot_order[8]; /* of a c d n; empty: default "cad" */
	char boot_once[8];
	bool boot_menu;
	unsigned boot_menu_timeout_ms;
	const char *kernel, *initrd, *append;
	const char *bios, *vgabios; /* file names; NULL: found in the firmware path */
	const char *firmware_dir;   /* -L */
	struct chardev_config serial[VM_SERIAL_PORTS];
	struct chardev_config monitor[VM_MONITORS]; /* HMP; opened by main() */
	struct chardev_config debugcon, firmware_log; /* ports 0xe9, 0x402 */
	bool debug_exit; /* isa-debug-exit */
	uint16_t debug_exit_port, debug_exit_size, debugcon_port, firmware_log_port;
	enum display_kind display;
	bool full_screen;
	bool graphics; /* -nographic: false; SeaBIOS then uses the first serial port */
	bool carried_guest; /* nothing to boot was named: boot the guest that comes along */
	bool vga; /* -vga none: false */
	bool snapshot;
	bool no_reboot, no_shutdown, start_paused;
	bool rtc_local;         /* -rtc base=localtime */
	bool rtc_base_given;
	int64_t rtc_base;       /* seconds since 1970 */
	bool icount;            /* time follows instructions */
	unsigned icount_shift;  /* 2^n ns an instruction */
	uint64_t icount_stop;   /* pauses after so many instructions; 0: never */
};

enum vm_state { VM_PAUSED, VM_RUNNING, VM_SHUTDOWN, VM_INTERNAL_ERROR };

/* Defaults: 128 MiB, window if there is a display, default drives. */
void vm_config_init(struct vm_config *c);

/*
 * Builds the machine. On failure returns NULL and the reason in *r, naming the
 * option or file. The config's strings have to outlive the machine.
 */
struct vm *vm_create(const struct vm_config *c, struct report *r);
void vm_destroy(struct vm *vm);

/*
 * Runs the guest on the calling thread until it powers off (without
 * no_shutdown), quits or exits through isa-debug-exit. Returns the process
 * exit status.
 */
int vm_run(struct vm *vm);
/*
 * By the thread that will call vm_run(), before sandbox_enter(): makes the
 * processes that the engine needs. Not necessary where there is no sandbox.
 */
void vm_prepare(struct vm *vm);

/* Queues fn to run on the machine thread, between instructions. Any thread. */
void vm_post(struct vm *vm, void (*fn)(struct vm *vm, void *arg), void *arg);
/* The same, and waits until it has run. Not from the machine thread. */
void vm_call(struct vm *vm, void (*fn)(struct vm *vm, void *arg), void *arg);

/* ---- machine thread only, below ---- */
enum vm_state vm_get_state(const struct vm *vm);
void vm_pause(struct vm *vm);
void vm_resume(struct vm *vm);
/* "bt", "interp", "kvm". */
const char *engine_name(enum engine_kind kind);
enum engine_kind vm_engine(const struct vm *vm);
/*
 * Lets another engine run the guest from the next instruction on. Returns 0, or -1
 * with *r, and then the old one goes on.
 */
int vm_set_engine(struct vm *vm, enum engine_kind kind, struct report *r);

/* Whether vcpu.executed is exact: not for a translator without -icount. */
bool vm_counts_instructions(const struct vm *vm);
/*
 * Pauses the guest as soon as it has executed so many instructions since it was
 * switched on. Returns false when they lie behind already; 0: no such stop.
 */
bool vm_stop_at(struct vm *vm, uint64_t instructions);
void vm_reset(struct vm *vm);
/* The power button. */
void vm_powerdown(struct vm *vm);
/* Ends vm_run() with this exit status. */
void vm_quit(struct vm *vm, int status);
/* A state of the guest that cannot be modelled: pauses, tells the user why. */
void vm_stop_error(struct vm *vm, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

struct vcpu *vm_vcpu(struct vm *vm);
struct physmem *vm_physmem(struct vm *vm);
struct bus *vm_bus(struct vm *vm);
struct clock *vm_clock(struct vm *vm);
struct pci_bus *vm_pci(struct vm *vm);
const struct display *vm_display(struct vm *vm); /* NULL: no adapter */
const struct input_sink *vm_input(struct vm *vm);
struct pic *vm_pic(struct vm *vm);
const struct vm_config *vm_get_config(const struct vm *vm);

/* The back ends of the serial ports and monitors; made by vm_create(). */
struct chardev_host *vm_chardevs(struct vm *vm);

/* Drives by id or QEMU's name ("floppy0", "ide1-cd0"), or NULL. */
struct blockdev *vm_find_drive(struct vm *vm, const char *id);
/* Calls fn for each drive in order. */
void vm_for_each_drive(struct vm *vm,
		       void (*fn)(void *arg, const char *id, struct blockdev *b), void *arg);

/*
 * A screen dump refreshes the display too: it tells whoever shows the screen
 * to draw all of it next time. vm_take_redraw() reads and clears the wish.
 */
void vm_request_redraw(struct vm *vm);
bool vm_take_redraw(struct vm *vm);

/* Called on the machine thread when the state changes (window title, QMP). */
void vm_on_state(struct vm *vm, void (*fn)(void *opaque, enum vm_state s), void *opaque);

#endif
