/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -device and -global. Devices that the machine always has are accepted where
 * other tools name them; cards that do not exist yet are a warning when a
 * guest runs without them, an error when it would miss a disk.
 */
#include <string.h>

#include "monitor/option_parse.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

typedef int device_fn(struct option_parse *p, const struct given *g, const struct option_list *l);

static device_fn device_ide_hd, device_ide_cd, device_floppy, device_serial, device_debug_exit,
	device_debugcon, device_vga, device_builtin;

/* X(name, function, properties, help) */
#define DEVICES(X)                                                                                 \
	X("ide-hd", device_ide_hd, "drive= bus= unit= bootindex= id=", "IDE disk")                 \
	X("ide-cd", device_ide_cd, "drive= bus= unit= bootindex= id=", "IDE CD drive")             \
	X("floppy", device_floppy, "drive= unit= bootindex= id=", "floppy drive")                  \
	X("isa-serial", device_serial, "chardev= index= id=", "16550A serial port")                \
	X("isa-debug-exit", device_debug_exit, "iobase= iosize= id=",                              \
	  "port at which the guest ends with a status (default 0x501)")                            \
	X("isa-debugcon", device_debugcon, "iobase= chardev= id=",                                 \
	  "port that prints what is written to it (default 0xe9)")                                 \
	X("VGA", device_vga, "id=", "VGA with Bochs VBE")                                          \
	X("isa-fdc", device_builtin, "id=", "floppy controller, always there")                     \
	X("piix3-ide", device_builtin, "id=", "IDE controller, always there")

static const struct device_row {
	const char *name;
	device_fn *make;
	const char *properties, *help;
} devices[] = {
#define X(name, fn, properties, help) {name, fn, properties, help},
	DEVICES(X)
#undef X
};

/* Cards a guest does without; a name ending in '-' stands for all such names. */
static const char *const not_yet[] = {
	"e1000", "rtl8139", "ne2k_pci", "ne2k_isa", "pcnet", "virtio-net", "AC97", "sb16", "ES1370",
	"intel-hda", "hda-", "usb-", "piix3-usb-uhci", "piix4-usb-uhci", "ich9-usb-", "nec-usb-xhci",
	"qemu-xhci", "virtio-balloon", "virtio-rng", "virtio-net-pci", "virtio-balloon-pci",
	"virtio-rng-pci", "i6300esb", "pvpanic"};

void option_list_devices(FILE *out)
{
	for (size_t i = 0; i < COUNT(devices); i++)
		fprintf(out, "%-15s %s\n%-15s   %s\n", devices[i].name, devices[i].help, "",
			devices[i].properties);
}

static bool is_not_yet(const char *name)
{
	for (size_t i = 0; i < COUNT(not_yet); i++) {
		size_t len = strlen(not_yet[i]);

		if (!strcmp(name, not_yet[i]) ||
		    (not_yet[i][len - 1] == '-' && !strncmp(name, not_yet[i], len)))
			return true;
	}
	return false;
}

/* The row's properties are words "key=", separated by spaces. */
static bool has_property(const struct device_row *row, const char *key)
{
	size_t len = strlen(key);

	if (!len)
		return false;
	for (const char *at = row->properties; (at = strstr(at, key)); at += len) {
		if ((at == row->properties || at[-1] == ' ') && at[len] == '=')
			return true;
	}
	return false;
}

static int check_properties(struct option_parse *p, const struct given *g,
			    const struct device_row *row, const struct option_list *l)
{
	if (row->make == device_vga || row->make == device_builtin)
		return 0; /* their tuning has nothing to tune here */
	for (size_t i = 1; i < l->count; i++) {
		const char *key = l->items[i].key;

		if (!has_property(row, key))
			return option_fail(p, g, "'%.60s' is no property of %s; there are %s", key,
					   row->name, row->properties);
	}
	return 0;
}

int option_device(struct option_parse *p, const struct given *g)
{
	const char *names[COUNT(devices)], *name;
	struct option_list l;
	int result = -1;

	if (option_list_parse(&l, g->arg, "driver") < 0)
		return option_fail(p, g, "too many parts");
	name = option_list_get(&l, "driver");
	name = name ? name : "";
	for (size_t i = 0; i < COUNT(devices); i++) {
		names[i] = devices[i].name;
		if (strcmp(devices[i].name, name))
			continue;
		if (check_properties(p, g, &devices[i], &l) == 0)
			result = devices[i].make(p, g, &l);
		option_list_free(&l);
		return result;
	}
	if (!strcmp(name, "help") || !strcmp(name, "?")) {
		option_list_devices(p->out);
		p->done = true;
		result = 0;
	} else if (is_not_yet(name)) {
		option_warn(p, g, "there is no such device yet; the guest will not see it");
		result = 0;
	} else {
		result = option_unknown(p, g, "device", name, names, COUNT(devices));
	}
	option_list_free(&l);
	return result;
}

static int device_builtin(struct option_parse *p, const struct given *g,
			  const struct option_list *l)
{
	return 0;
}

static int device_vga(struct option_parse *p, const struct given *g, const struct option_list *l)
{
	p->o->vm.vga = true;
	return 0;
}

/* ---- drives ---- */

/* bootindex= orders by the kind of device: remembers the lowest of a kind. */
static int note_bootindex(struct option_parse *p, const struct given *g,
			  const struct option_list *l, unsigned kind)
{
	uint64_t index = 0;

	if (!option_list_get(l, "bootindex"))
		return 0;
	if (option_number(p, g, l, "bootindex", INT32_MAX, &index) < 0)
		return -1;
	if (!p->bootindex[kind].given || index < p->bootindex[kind].index)
		p->bootindex[kind].index = index;
	p->bootindex[kind].given = true;
	p->boot_given = true;
	return 0;
}

/* Takes the -drive that drive= names; an empty drive where there is none. */
static int take_drive(struct option_parse *p, const struct given *g, const struct option_list *l,
		      struct drive_config *d)
{
	const char *id = option_list_get(l, "drive");
	struct named_drive *named;

	if (!id)
		return 0;
	named = option_find_drive(p, id);
	if (!named)
		return option_fail(p, g, "there is no -drive with if=none,id=%s", id);
	if (named->used)
		return option_fail(p, g, "drive %s is already in use", id);
	named->used = true;
	*d = named->config;
	return 0;
}

/* bus=ide.0 or ide.1 and unit=0 or 1: the range of places meant. */
static int ide_places(struct option_parse *p, const struct given *g, const struct option_list *l,
		      unsigned *first, unsigned *count)
{
	const char *bus = option_list_get(l, "bus");
	uint64_t unit = 2;

	*first = 0;
	*count = VM_IDE_DRIVES;
	if (option_number(p, g, l, "unit", 1, &unit) < 0)
		return -1;
	if (bus && strcmp(bus, "ide.0") && strcmp(bus, "ide.1"))
		return option_fail(p, g, "bus is ide.0 or ide.1, not '%s'", bus);
	if (bus) {
		*first = bus[4] == '1' ? 2 : 0;
		*count = 2;
	}
	if (unit < 2) {
		*first += (unsigned)unit;
		*count = 1;
	}
	return 0;
}

static int device_ide(struct option_parse *p, const struct given *g, const struct option_list *l,
		      enum drive_media media)
{
	struct drive_config d = {0};
	unsigned first, count, index = 0;

	/* As in QEMU: who names a drive gets no default CD drive. */
	if (p->default_cdrom)
		p->o->vm.ide[2].present = p->default_cdrom = false;
	if (take_drive(p, g, l, &d) < 0 || ide_places(p, g, l, &first, &count) < 0 ||
	    option_free_place(p, g, DRIVE_IDE, first, count, &index) < 0 ||
	    note_bootindex(p, g, l, media == MEDIA_CDROM ? 2 : 1) < 0)
		return -1;
	if (media == MEDIA_DISK && !d.file)
		return option_fail(p, g, "a disk needs drive=ID of a -drive with a file");
	d.media = media;
	d.read_only |= media == MEDIA_CDROM;
	return option_place_drive(p, g, DRIVE_IDE, index, &d);
}

static int device_ide_hd(struct option_parse *p, const struct given *g, const struct option_list *l)
{
	return device_ide(p, g, l, MEDIA_DISK);
}

static int device_ide_cd(struct option_parse *p, const struct given *g, const struct option_list *l)
{
	return device_ide(p, g, l, MEDIA_CDROM);
}

static int device_floppy(struct option_parse *p, const struct given *g, const struct option_list *l)
{
	struct drive_config d = {0};
	uint64_t unit = UINT64_MAX;
	unsigned index = 0;

	if (take_drive(p, g, l, &d) < 0 || note_bootindex(p, g, l, 0) < 0 ||
	    option_number(p, g, l, "unit", VM_FLOPPY_DRIVES - 1, &unit) < 0)
		return -1;
	if (unit != UINT64_MAX)
		index = (unsigned)unit;
	else if (option_free_place(p, g, DRIVE_FLOPPY, 0, VM_FLOPPY_DRIVES, &index) < 0)
		return -1;
	d.media = MEDIA_DISK;
	return option_place_drive(p, g, DRIVE_FLOPPY, index, &d);
}

/* ---- ISA ports ---- */

static int device_serial(struct option_parse *p, const struct given *g, const struct option_list *l)
{
	struct chardev_config c = {.kind = CHARDEV_NULL};
	const char *id = option_list_get(l, "chardev");
	uint64_t index = p->serials;

	if (option_number(p, g, l, "index", VM_SERIAL_PORTS - 1, &index) < 0)
		return -1;
	if (id && option_take_chardev(p, g, id, &c) < 0)
		return -1;
	if (index == p->serials)
		return option_add_serial(p, g, &c);
	if (p->o->vm.serial[index].kind != CHARDEV_NONE)
		return option_fail(p, g, "there is already a serial port %u", (unsigned)index);
	p->o->vm.serial[index] = c;
	if (index > p->serials)
		p->serials = (unsigned)index + 1;
	return 0;
}

static int device_debug_exit(struct option_parse *p, const struct given *g,
			     const struct option_list *l)
{
	struct vm_config *c = &p->o->vm;
	uint64_t base = c->debug_exit_port, size = c->debug_exit_size;

	if (option_number(p, g, l, "iobase", UINT16_MAX, &base) < 0 ||
	    option_number(p, g, l, "iosize", 4, &size) < 0)
		return -1;
	if (size != 1 && size != 2 && size != 4)
		return option_fail(p, g, "iosize is 1, 2 or 4");
	c->debug_exit = true;
	c->debug_exit_port = (uint16_t)base;
	c->debug_exit_size = (uint16_t)size;
	return 0;
}

#define FIRMWARE_LOG_PORT 0x402

static int device_debugcon(struct option_parse *p, const struct given *g,
			   const struct option_list *l)
{
	struct chardev_config backend = {.kind = CHARDEV_NULL};
	struct vm_config *c = &p->o->vm;
	const char *id = option_list_get(l, "chardev");
	uint64_t base = p->debugcon_iobase ? p->debugcon_iobase : c->debugcon_port;

	if (option_number(p, g, l, "iobase", UINT16_MAX, &base) < 0)
		return -1;
	if (id && option_take_chardev(p, g, id, &backend) < 0)
		return -1;
	return option_add_debugcon(p, g, (uint16_t)base, &backend);
}

int option_add_debugcon(struct option_parse *p, const struct given *g, uint16_t port,
			const struct chardev_config *backend)
{
	struct vm_config *c = &p->o->vm;

	/* Two ports can print: the firmware's by preference has its own place. */
	if (!p->firmware_log_taken && (port == FIRMWARE_LOG_PORT || p->debugcon_taken)) {
		c->firmware_log = *backend;
		c->firmware_log_port = port;
		p->firmware_log_taken = true;
	} else if (!p->debugcon_taken) {
		c->debugcon = *backend;
		c->debugcon_port = port;
		p->debugcon_taken = true;
	} else {
		return option_fail(p, g, "there can be two debug consoles");
	}
	return 0;
}

int option_debugcon(struct option_parse *p, const struct given *g)
{
	struct chardev_config backend = {0};

	if (option_backend(p, g, g->arg, &backend, NULL) < 0)
		return -1;
	return option_add_debugcon(p, g,
				   p->debugcon_iobase ? p->debugcon_iobase
						      : p->o->vm.debugcon_port, &backend);
}

int option_global(struct option_parse *p, const struct given *g)
{
	static const char iobase[] = "isa-debugcon.iobase=";
	uint64_t port;

	if (strncmp(g->arg, iobase, strlen(iobase))) {
		option_warn(p, g, "no such property is known; it has no effect");
		return 0;
	}
	if (option_parse_number(g->arg + strlen(iobase), UINT16_MAX, &port) < 0)
		return option_fail(p, g, "iobase is a port number, like 0x402");
	p->debugcon_iobase = (uint16_t)port;
	return 0;
}

void option_finish_bootindex(struct option_parse *p)
{
	static const char letters[] = "acd";
	struct vm_config *c = &p->o->vm;
	size_t at = 0;

	if (*c->boot_order)
		return;
	for (;;) {
		int lowest = -1;

		for (int i = 0; i < 3; i++) {
			if (p->bootindex[i].given &&
			    (lowest < 0 || p->bootindex[i].index < p->bootindex[lowest].index))
				lowest = i;
		}
		if (lowest < 0)
			break;
		p->bootindex[lowest].given = false;
		c->boot_order[at++] = letters[lowest];
	}
	c->boot_order[at] = 0;
}
