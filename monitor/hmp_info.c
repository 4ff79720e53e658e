/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `info` about the machine: drives, lines, PCI, interrupts, screen, status. */
#include <string.h>
#include <unistd.h>

#include "devices/blockdev.h"
#include "devices/display.h"
#include "devices/i8259.h"
#include "cpu/vcpu.h"
#include "devices/pci.h"
#include "monitor/chardev_host.h"
#include "monitor/hmp_internal.h"
#include "monitor/options.h"
#include "monitor/sandbox.h"
#include "monitor/state_hash.h"

void hmp_info_status(struct hmp *m, const struct hmp_args *a)
{
	static const char *const states[] = {
		[VM_PAUSED] = "paused",
		[VM_RUNNING] = "running",
		[VM_SHUTDOWN] = "paused (shutdown)",
		[VM_INTERNAL_ERROR] = "paused (internal-error)",
	};

	fprintf(m->out, "VM status: %s\n", states[vm_get_state(m->vm)]);
}

static void print_part(void *arg, const char *name, uint64_t hash)
{
	fprintf(arg, "%-12s %016llx\n", name, (unsigned long long)hash);
}

void hmp_info_statehash(struct hmp *m, const struct hmp_args *a)
{
	bool parts = a->count > 1 && !strcmp(a->words[1], "-v");
	uint64_t hash = vm_state_hash(m->vm, parts ? print_part : NULL, m->out);

	fprintf(m->out, "%016llx after %llu instructions, %llu ns\n", (unsigned long long)hash,
		(unsigned long long)vm_vcpu(m->vm)->executed,
		(unsigned long long)clock_now(vm_clock(m->vm)));
}

void hmp_info_version(struct hmp *m, const struct hmp_args *a)
{
	fprintf(m->out, OPTIONS_QEMU_VERSION " (Transvisor " TRANSVISOR_VERSION ")\n");
}

void hmp_info_name(struct hmp *m, const struct hmp_args *a)
{
	const char *name = vm_get_config(m->vm)->name;

	if (name)
		fprintf(m->out, "%s\n", name);
}

void hmp_info_cpus(struct hmp *m, const struct hmp_args *a)
{
	fprintf(m->out, "* CPU #0: thread_id=%d\n", (int)gettid());
}

void hmp_info_sandbox(struct hmp *m, const struct hmp_args *a)
{
	sandbox_describe(m->out);
}

void hmp_info_mice(struct hmp *m, const struct hmp_args *a)
{
	fprintf(m->out, "* Mouse #2: Transvisor PS/2 Mouse\n");
}

/* ---- drives ---- */

/* The configuration of the drive with this id, or NULL. */
static const struct drive_config *find_config(struct vm *vm, const char *id, bool *floppy)
{
	const struct vm_config *c = vm_get_config(vm);

	*floppy = false;
	for (int i = 0; i < VM_IDE_DRIVES; i++) {
		if (c->ide[i].present && c->ide[i].id && !strcmp(c->ide[i].id, id))
			return &c->ide[i];
	}
	*floppy = true;
	for (int i = 0; i < VM_FLOPPY_DRIVES; i++) {
		if (c->floppy[i].present && c->floppy[i].id && !strcmp(c->floppy[i].id, id))
			return &c->floppy[i];
	}
	return NULL;
}

bool hmp_drive_is_removable(struct vm *vm, const char *id)
{
	bool floppy;
	const struct drive_config *d = find_config(vm, id, &floppy);

	return d && (floppy || d->media == MEDIA_CDROM);
}

static void print_drive(void *arg, const char *id, struct blockdev *b)
{
	struct hmp *m = arg;

	if (b->inserted)
		fprintf(m->out, "%s: %s (raw%s)\n", id, b->path, b->read_only ? ", read-only" : "");
	else
		fprintf(m->out, "%s: [not inserted]\n", id);
	if (hmp_drive_is_removable(m->vm, id))
		fprintf(m->out, "    Removable device: %s, tray %s\n",
			b->locked ? "locked" : "not locked", b->tray_open ? "open" : "closed");
	fprintf(m->out, "\n");
}

void hmp_info_block(struct hmp *m, const struct hmp_args *a)
{
	vm_for_each_drive(m->vm, print_drive, m);
}

/* ---- lines ---- */

static void print_chardev(void *arg, const char *line)
{
	fprintf(arg, "%s\n", line);
}

void hmp_info_chardev(struct hmp *m, const struct hmp_args *a)
{
	chardev_host_list(vm_chardevs(m->vm), print_chardev, m->out);
}

/* ---- PCI ---- */

/* Class and subclass, PCI Local Bus 3.0 appendix D. */
static const char *class_name(unsigned class_code)
{
	static const struct {
		uint16_t code;
		const char *name;
	} names[] = {{0x0101, "IDE controller"}, {0x0200, "Ethernet controller"},
		     {0x0300, "VGA controller"}, {0x0401, "Audio controller"},
		     {0x0600, "Host bridge"},	 {0x0601, "ISA bridge"},
		     {0x0680, "Bridge"},	 {0x0c03, "USB controller"}};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].code == class_code)
			return names[i].name;
	}
	return NULL;
}

static unsigned config16(const struct pci_device *d, unsigned offset)
{
	return d->config[offset] | (unsigned)d->config[offset + 1] << 8;
}

static void print_bar(FILE *out, const struct pci_bar *bar, unsigned n)
{
	unsigned last = bar->mapped_at + bar->size - 1;

	if (bar->kind == PCI_BAR_NONE)
		return;
	if (!bar->mapped_at)
		fprintf(out, "      BAR%u: %s, %u bytes, not mapped.\n", n,
			bar->kind == PCI_BAR_IO ? "I/O" : "32 bit memory", bar->size);
	else if (bar->kind == PCI_BAR_IO)
		fprintf(out, "      BAR%u: I/O at 0x%04x [0x%04x].\n", n, bar->mapped_at, last);
	else
		fprintf(out, "      BAR%u: 32 bit %smemory at 0x%08x [0x%08x].\n", n,
			bar->prefetchable ? "prefetchable " : "", bar->mapped_at, last);
}

static void print_pci(FILE *out, const struct pci_device *d)
{
	unsigned class_code = d->config[PCI_CLASS + 2] << 8 | d->config[PCI_CLASS + 1];
	const char *name = class_name(class_code);

	fprintf(out, "  Bus  0, device %3u, function %u:\n    ", d->devfn >> 3, d->devfn & 7u);
	if (name)
		fprintf(out, "%s", name);
	else
		fprintf(out, "Class %04x", class_code);
	fprintf(out, ": PCI device %04x:%04x\n", config16(d, PCI_VENDOR_ID),
		config16(d, PCI_DEVICE_ID));
	if (config16(d, PCI_SUBSYSTEM_VENDOR))
		fprintf(out, "      PCI subsystem %04x:%04x\n", config16(d, PCI_SUBSYSTEM_VENDOR),
			config16(d, PCI_SUBSYSTEM_ID));
	if (d->config[PCI_INTERRUPT_PIN])
		fprintf(out, "      IRQ %u, pin %c\n", d->config[PCI_INTERRUPT_LINE],
			'A' + (d->config[PCI_INTERRUPT_PIN] - 1) % 4);
	for (unsigned n = 0; n < PCI_BARS; n++)
		print_bar(out, &d->bars[n], n);
	fprintf(out, "      id \"%s\"\n", d->name ? d->name : "");
}

void hmp_info_pci(struct hmp *m, const struct hmp_args *a)
{
	struct pci_bus *bus = vm_pci(m->vm);

	for (unsigned devfn = 0; bus && devfn < 256; devfn++) {
		const struct pci_device *d = pci_bus_device(bus, (uint8_t)devfn);

		if (d)
			print_pci(m->out, d);
	}
}

/* ---- interrupt controllers ---- */

/* A field of a device's saved state, as a number. */
static uint64_t field_value(const struct field *f, const void *state)
{
	uint64_t value = 0;

	memcpy(&value, (const char *)state + f->offset, f->elem_size <= 8 ? f->elem_size : 8);
	return value;
}

void hmp_info_pic(struct hmp *m, const struct hmp_args *a)
{
	const struct pic *pic = vm_pic(m->vm);
	const char *chip = "";

	for (const struct field *f = pic_class.fields; pic && f->name; f++) {
		/* Names are "chips[0].imr": one line a chip. */
		const char *dot = strchr(f->name, '.');
		size_t len = dot ? (size_t)(dot - f->name) : 0;

		if (dot && strncmp(chip, f->name, len + 1)) {
			fprintf(m->out, "%s%.*s:", *chip ? "\n" : "", (int)len, f->name);
			chip = f->name;
		}
		fprintf(m->out, " %s=%02llx", dot ? dot + 1 : f->name,
			(unsigned long long)field_value(f, pic));
	}
	fprintf(m->out, "\n");
}

/* ---- screen ---- */

/* Characters of code page 437 as UTF-8, from 0x80 on; below are as in ASCII. */
static const char *const high_characters[128] = {
	"Ç", "ü", "é", "â", "ä", "à", "å", "ç", "ê", "ë", "è", "ï", "î", "ì", "Ä", "Å",
	"É", "æ", "Æ", "ô", "ö", "ò", "û", "ù", "ÿ", "Ö", "Ü", "¢", "£", "¥", "₧", "ƒ",
	"á", "í", "ó", "ú", "ñ", "Ñ", "ª", "º", "¿", "⌐", "¬", "½", "¼", "¡", "«", "»",
	"░", "▒", "▓", "│", "┤", "╡", "╢", "╖", "╕", "╣", "║", "╗", "╝", "╜", "╛", "┐",
	"└", "┴", "┬", "├", "─", "┼", "╞", "╟", "╚", "╔", "╩", "╦", "╠", "═", "╬", "╧",
	"╨", "╤", "╥", "╙", "╘", "╒", "╓", "╫", "╪", "┘", "┌", "█", "▄", "▌", "▐", "▀",
	"α", "ß", "Γ", "π", "Σ", "σ", "µ", "τ", "Φ", "Θ", "Ω", "δ", "∞", "φ", "ε", "∩",
	"≡", "±", "≥", "≤", "⌠", "⌡", "÷", "≈", "°", "∙", "·", "√", "ⁿ", "²", "■", " "};

static void print_cell(FILE *out, uint8_t c)
{
	if (c >= 0x80)
		fputs(high_characters[c - 0x80], out);
	else
		fputc(c < ' ' || c == 0x7f ? ' ' : c, out);
}

static void print_row(FILE *out, const uint16_t *cells, unsigned columns)
{
	while (columns && ((cells[columns - 1] & 0xff) == ' ' || !(cells[columns - 1] & 0xff)))
		columns--;
	for (unsigned i = 0; i < columns; i++)
		print_cell(out, (uint8_t)cells[i]);
	fputc('\n', out);
}

void hmp_info_screentext(struct hmp *m, const struct hmp_args *a)
{
	const struct display *display = vm_display(m->vm);
	struct display_text text = {0};

	if (display && display->text)
		display->text(display->opaque, &text);
	if (!text.columns || !text.rows) {
		fprintf(m->out, "The screen shows no text\n");
		return;
	}
	for (unsigned y = 0; y < text.rows; y++)
		print_row(m->out, text.cells + y * text.columns, text.columns);
}
