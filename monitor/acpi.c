/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ACPI tables (ACPI 1.0b, chapter 5). Of version 1 on purpose: every system
 * that knows ACPI at all reads them, and nothing here needs more.
 *
 *   etc/acpi/tables  FACS | DSDT | FADT | MADT | RSDT, at offsets from 0
 *   etc/acpi/rsdp    the root pointer
 *   etc/table-loader what SeaBIOS is to do: allocate both, add their addresses
 *                    to the pointers between them, put the checksums in
 *
 * The loader's commands are those of QEMU's bios-linker-loader. A pointer is
 * stored as an offset into its target file until SeaBIOS has placed it.
 *
 * PCI interrupts are IRQ 5, 10 or 11 as a level, active high, and so is the
 * SCI on 9, whichever controller is in use: the MADT says so for each of them.
 */
#include "monitor/acpi.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "devices/piix4_pm.h"
#include "monitor/blobs.h"

#define TABLES_FILE "etc/acpi/tables"
#define RSDP_FILE "etc/acpi/rsdp"
#define LOADER_FILE "etc/table-loader"

#define FACS_LENGTH 64
#define FACS_ALIGN 64
#define TABLE_ALIGN 16u
#define TABLES_SIZE 16384u /* room for all of them */
#define LOADER_COMMANDS 16

#define LAPIC_BASE 0xfee00000u
#define IOAPIC_BASE 0xfec00000u
#define PIC_PRESENT 1u
#define TIMER_IRQ 0
#define TIMER_PIN 2
#define FLAGS_BUS_DEFAULT 0
#define FLAGS_LEVEL_HIGH 0x0d
#define NMI_LINT 1
#define ALL_PROCESSORS 0xff
#define CMOS_CENTURY 0x32

/* FADT flags (5.2.5): WBINVD works, C1 on all, no sleep button, no RTC in S4. */
#define FADT_WBINVD 0x001u
#define FADT_PROC_C1 0x004u
#define FADT_NO_SLEEP_BUTTON 0x020u
#define FADT_RTC_NOT_FIXED 0x040u
#define NO_C2_LATENCY 0xfff
#define NO_C3_LATENCY 0xfff

struct table_header {
	char signature[4];
	uint32_t length;
	uint8_t revision, checksum;
	char oem_id[6], oem_table_id[8];
	uint32_t oem_revision;
	char creator_id[4];
	uint32_t creator_revision;
} __attribute__((packed));
_Static_assert(sizeof(struct table_header) == 36, "ACPI 1.0b 5.2.3");

struct facs {
	char signature[4];
	uint32_t length;
	uint32_t hardware_signature, waking_vector, global_lock, flags;
	uint8_t reserved[40];
} __attribute__((packed));
_Static_assert(sizeof(struct facs) == FACS_LENGTH, "ACPI 1.0b 5.2.6");

struct fadt {
	struct table_header header;
	uint32_t facs, dsdt;
	uint8_t int_model, reserved1;
	uint16_t sci_int;
	uint32_t smi_cmd;
	uint8_t acpi_enable, acpi_disable, s4bios_req, reserved2;
	uint32_t pm1a_event, pm1b_event, pm1a_control, pm1b_control, pm2_control, pm_timer;
	uint32_t gpe0, gpe1;
	uint8_t pm1_event_length, pm1_control_length, pm2_control_length, pm_timer_length;
	uint8_t gpe0_length, gpe1_length, gpe1_base, reserved3;
	uint16_t c2_latency, c3_latency, flush_size, flush_stride;
	uint8_t duty_offset, duty_width, day_alarm, month_alarm, century, reserved4[3];
	uint32_t flags;
} __attribute__((packed));
_Static_assert(sizeof(struct fadt) == 116, "ACPI 1.0b 5.2.5");

struct madt {
	struct table_header header;
	uint32_t lapic_base, flags;
} __attribute__((packed));

struct madt_lapic {
	uint8_t type, length, processor_id, apic_id;
	uint32_t flags;
} __attribute__((packed));

struct madt_ioapic {
	uint8_t type, length, id, reserved;
	uint32_t address, first_interrupt;
} __attribute__((packed));

struct madt_override {
	uint8_t type, length, bus, irq;
	uint32_t interrupt;
	uint16_t flags;
} __attribute__((packed));

struct madt_lapic_nmi {
	uint8_t type, length, processor_id;
	uint16_t flags;
	uint8_t lint;
} __attribute__((packed));

struct rsdt {
	struct table_header header;
	uint32_t tables[2];
} __attribute__((packed));

struct rsdp {
	char signature[8];
	uint8_t checksum;
	char oem_id[6];
	uint8_t revision;
	uint32_t rsdt;
} __attribute__((packed));
_Static_assert(sizeof(struct rsdp) == 20, "ACPI 1.0b 5.2.1");

enum loader_command_id { LOADER_ALLOCATE = 1, LOADER_ADD_POINTER = 2, LOADER_ADD_CHECKSUM = 3 };
enum loader_zone { ZONE_HIGH = 1, ZONE_FSEG = 2 };

struct loader_command {
	uint32_t id;
	union {
		struct {
			char file[FW_CFG_NAME_SIZE];
			uint32_t align;
			uint8_t zone;
		} __attribute__((packed)) allocate;
		struct {
			char in[FW_CFG_NAME_SIZE], to[FW_CFG_NAME_SIZE];
			uint32_t offset;
			uint8_t size;
		} __attribute__((packed)) pointer;
		struct {
			char file[FW_CFG_NAME_SIZE];
			uint32_t result, start, length;
		} __attribute__((packed)) checksum;
		char room[124];
	};
} __attribute__((packed));
_Static_assert(sizeof(struct loader_command) == 128, "bios-linker-loader entry");

/* Tables and loader script under construction. */
struct builder {
	uint8_t tables[TABLES_SIZE];
	uint32_t used;
	struct rsdp rsdp;
	struct loader_command script[LOADER_COMMANDS];
	unsigned commands;
};

/* ---- The script ---- */

static struct loader_command *add_command(struct builder *b, enum loader_command_id id)
{
	struct loader_command *c = &b->script[b->commands++];

	c->id = id;
	return c;
}

static void script_allocate(struct builder *b, const char *file, uint32_t align,
			    enum loader_zone zone)
{
	struct loader_command *c = add_command(b, LOADER_ALLOCATE);

	strcpy(c->allocate.file, file);
	c->allocate.align = align;
	c->allocate.zone = zone;
}

/* The 32 bits at offset of file `in` point into the tables. */
static void script_pointer(struct builder *b, const char *in, uint32_t offset)
{
	struct loader_command *c = add_command(b, LOADER_ADD_POINTER);

	strcpy(c->pointer.in, in);
	strcpy(c->pointer.to, TABLES_FILE);
	c->pointer.offset = offset;
	c->pointer.size = sizeof(uint32_t);
}

static void script_checksum(struct builder *b, const char *file, uint32_t start, uint32_t length,
			    uint32_t result)
{
	struct loader_command *c = add_command(b, LOADER_ADD_CHECKSUM);

	strcpy(c->checksum.file, file);
	c->checksum.start = start;
	c->checksum.length = length;
	c->checksum.result = result;
}

static void script_table_checksum(struct builder *b, uint32_t table, uint32_t length)
{
	script_checksum(b, TABLES_FILE, table, length,
			table + (uint32_t)offsetof(struct table_header, checksum));
}

/* ---- The tables ---- */

/* Room for the next piece of a table. */
static void *take(struct builder *b, size_t size)
{
	void *at = b->tables + b->used;

	assert(size <= TABLES_SIZE - b->used);
	b->used += (uint32_t)size;
	return at;
}

/* Room for a new table. */
static void *take_table(struct builder *b, size_t size)
{
	b->used = (b->used + TABLE_ALIGN - 1) & ~(TABLE_ALIGN - 1);
	return take(b, size);
}

static uint32_t offset_of(const struct builder *b, const void *at)
{
	return (uint32_t)((const uint8_t *)at - b->tables);
}

static void fill_header(struct table_header *h, const char *signature, uint32_t length)
{
	memcpy(h->signature, signature, 4);
	h->length = length;
	h->revision = 1;
	memcpy(h->oem_id, "TRNSVR", 6);
	memcpy(h->oem_table_id, "TRNSVPC ", 8);
	h->oem_revision = 1;
	memcpy(h->creator_id, "TVSR", 4);
	h->creator_revision = 1;
}

static uint32_t build_facs(struct builder *b)
{
	struct facs *facs = take_table(b, sizeof(*facs));

	memcpy(facs->signature, "FACS", 4);
	facs->length = sizeof(*facs);
	return offset_of(b, facs);
}

/* Name(HAVE, DWordConst): the op codes before the value, ACPI 1.0b 16.2. */
static const uint8_t have_marker[] = {0x08, 'H', 'A', 'V', 'E', 0x0c, 0x78, 0x56, 0x34, 0x12};

static uint32_t build_dsdt(struct builder *b, unsigned have)
{
	uint32_t length = (uint32_t)(blob_dsdt_end - blob_dsdt);
	uint8_t *dsdt = take_table(b, length), *marker;
	struct table_header *header = (struct table_header *)dsdt;

	memcpy(dsdt, blob_dsdt, length);
	marker = memmem(dsdt, length, have_marker, sizeof(have_marker));
	if (marker)
		memcpy(marker + sizeof(have_marker) - sizeof(uint32_t), &have, sizeof(uint32_t));
	header->checksum = 0;
	script_table_checksum(b, offset_of(b, dsdt), length);
	return offset_of(b, dsdt);
}

static void fill_fadt_registers(struct fadt *fadt)
{
	fadt->sci_int = PIIX4_PM_SCI_IRQ;
	fadt->smi_cmd = PIIX4_PM_SMI_CMD;
	fadt->acpi_enable = PIIX4_PM_ACPI_ENABLE;
	fadt->acpi_disable = PIIX4_PM_ACPI_DISABLE;
	fadt->pm1a_event = PIIX4_PM_BASE + PIIX4_PM_EVENT;
	fadt->pm1_event_length = 4;
	fadt->pm1a_control = PIIX4_PM_BASE + PIIX4_PM_CONTROL;
	fadt->pm1_control_length = 2;
	fadt->pm_timer = PIIX4_PM_BASE + PIIX4_PM_TIMER;
	fadt->pm_timer_length = 4;
	fadt->gpe0 = PIIX4_PM_GPE0_BASE;
	fadt->gpe0_length = PIIX4_PM_GPE0_LENGTH;
}

static uint32_t build_fadt(struct builder *b, uint32_t facs, uint32_t dsdt)
{
	struct fadt *fadt = take_table(b, sizeof(*fadt));
	uint32_t at = offset_of(b, fadt);

	fill_header(&fadt->header, "FACP", sizeof(*fadt));
	fadt->facs = facs;
	fadt->dsdt = dsdt;
	fadt->int_model = 1; /* there is an I/O APIC too */
	fill_fadt_registers(fadt);
	fadt->c2_latency = NO_C2_LATENCY;
	fadt->c3_latency = NO_C3_LATENCY;
	fadt->century = CMOS_CENTURY;
	fadt->flags = FADT_WBINVD | FADT_PROC_C1 | FADT_NO_SLEEP_BUTTON | FADT_RTC_NOT_FIXED;
	script_pointer(b, TABLES_FILE, at + (uint32_t)offsetof(struct fadt, facs));
	script_pointer(b, TABLES_FILE, at + (uint32_t)offsetof(struct fadt, dsdt));
	script_table_checksum(b, at, sizeof(*fadt));
	return at;
}

enum madt_type { MADT_LAPIC = 0, MADT_IOAPIC = 1, MADT_OVERRIDE = 2, MADT_LAPIC_NMI = 4 };

static void add_override(struct builder *b, uint8_t irq, uint32_t pin, uint16_t flags)
{
	struct madt_override *o = take(b, sizeof(*o));

	*o = (struct madt_override){.type = MADT_OVERRIDE,
				    .length = sizeof(*o),
				    .irq = irq,
				    .interrupt = pin,
				    .flags = flags};
}

static void fill_madt(struct builder *b)
{
	static const uint8_t level_irqs[] = {5, PIIX4_PM_SCI_IRQ, 10, 11};
	struct madt_lapic *lapic = take(b, sizeof(*lapic));
	struct madt_ioapic *ioapic = take(b, sizeof(*ioapic));
	struct madt_lapic_nmi *nmi;

	*lapic = (struct madt_lapic){.type = MADT_LAPIC, .length = sizeof(*lapic), .flags = 1};
	*ioapic = (struct madt_ioapic){
		.type = MADT_IOAPIC, .length = sizeof(*ioapic), .address = IOAPIC_BASE};
	add_override(b, TIMER_IRQ, TIMER_PIN, FLAGS_BUS_DEFAULT);
	for (unsigned i = 0; i < sizeof(level_irqs); i++)
		add_override(b, level_irqs[i], level_irqs[i], FLAGS_LEVEL_HIGH);
	nmi = take(b, sizeof(*nmi));
	*nmi = (struct madt_lapic_nmi){.type = MADT_LAPIC_NMI,
				       .length = sizeof(*nmi),
				       .processor_id = ALL_PROCESSORS,
				       .lint = NMI_LINT};
}

static uint32_t build_madt(struct builder *b)
{
	struct madt *madt = take_table(b, sizeof(*madt));
	uint32_t at = offset_of(b, madt);

	fill_madt(b);
	fill_header(&madt->header, "APIC", b->used - at);
	madt->lapic_base = LAPIC_BASE;
	madt->flags = PIC_PRESENT;
	script_table_checksum(b, at, b->used - at);
	return at;
}

static uint32_t build_rsdt(struct builder *b, uint32_t fadt, uint32_t madt)
{
	struct rsdt *rsdt = take_table(b, sizeof(*rsdt));
	uint32_t at = offset_of(b, rsdt);

	fill_header(&rsdt->header, "RSDT", sizeof(*rsdt));
	rsdt->tables[0] = fadt;
	rsdt->tables[1] = madt;
	for (unsigned i = 0; i < 2; i++)
		script_pointer(b, TABLES_FILE,
			       at + (uint32_t)(offsetof(struct rsdt, tables) + 4 * i));
	script_table_checksum(b, at, sizeof(*rsdt));
	return at;
}

static void build_rsdp(struct builder *b, uint32_t rsdt)
{
	memcpy(b->rsdp.signature, "RSD PTR ", 8);
	memcpy(b->rsdp.oem_id, "TRNSVR", 6);
	b->rsdp.rsdt = rsdt;
	script_pointer(b, RSDP_FILE, offsetof(struct rsdp, rsdt));
	script_checksum(b, RSDP_FILE, 0, sizeof(b->rsdp), offsetof(struct rsdp, checksum));
}

int acpi_publish(struct fw_cfg *f, unsigned have)
{
	struct builder *b = calloc(1, sizeof(*b));
	uint32_t facs, dsdt, fadt, madt;
	int err;

	if (!b)
		return -1;
	script_allocate(b, RSDP_FILE, 16, ZONE_FSEG);
	script_allocate(b, TABLES_FILE, FACS_ALIGN, ZONE_HIGH);
	facs = build_facs(b);
	dsdt = build_dsdt(b, have);
	fadt = build_fadt(b, facs, dsdt);
	madt = build_madt(b);
	build_rsdp(b, build_rsdt(b, fadt, madt));

	err = fw_cfg_add_file(f, TABLES_FILE, b->tables, b->used);
	err |= fw_cfg_add_file(f, RSDP_FILE, &b->rsdp, sizeof(b->rsdp));
	err |= fw_cfg_add_file(f, LOADER_FILE, b->script,
			       (uint32_t)(b->commands * sizeof(b->script[0])));
	free(b);
	return err ? -1 : 0;
}
