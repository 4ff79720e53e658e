/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * 82441FX (i440FX) PCI and memory controller, at 00:00.0.
 * Intel 290549, "82441FX PCI and Memory Controller (PMC)", chapter 3.
 *
 *   CF8  CONFADD  31 enable | 23:16 bus | 15:11 device | 10:8 function | 7:2
 *        register. Only a doubleword access reaches it; bytes and words go on
 *        to the ISA side, where the PIIX3 has its reset register at CF9.
 *   CFC  CONFDATA any width, the low address bits choose the bytes.
 *   59-5F PAM     two segments a register, bit 0 RAM answers reads, bit 1
 *        writes; 59h bits 5:4 for F0000-FFFFF, then 16 KiB a nibble.
 *   72   SMRAM    6 D_OPEN | 5 D_CLS | 4 D_LCK | 3 G_SMRAME | 2:0 = 010
 *
 * The subsystem id is the one by which SeaBIOS knows that it runs on this kind
 * of machine. Left out: DRAM timing, error reporting, and SMM itself, so SMRAM
 * is seen by D_OPEN alone.
 */
#include "devices/i440fx.h"

#include <stdlib.h>

#include "base/log.h"

#define I440FX_VENDOR 0x8086
#define I440FX_DEVICE 0x1237
#define I440FX_REVISION 2
#define I440FX_CLASS 0x060000 /* host bridge */

#define CONFADD_PORT 0xcf8
#define CONFDATA_PORT 0xcfc
#define CONFADD_ENABLE 0x80000000u
#define CONFADD_WRITABLE 0x80fffffcu

#define REG_PAM0 0x59
#define REG_PAM6 0x5f
#define REG_DRB 0x60 /* eight row boundaries, in units of 8 MiB */
#define REG_SMRAM 0x72
#define DRB_ROWS 8
#define DRB_UNIT (8u << 20)

#define PAM_WRITABLE 0x33
#define PAM_AREA 0xc0000u
#define PAM_SEGMENT 0x4000u
#define PAM_BIOS 0xf0000u
#define PAM_BIOS_SIZE 0x10000u

#define SMRAM_OPEN 0x40
#define SMRAM_CLOSED 0x20
#define SMRAM_LOCK 0x10
#define SMRAM_ENABLE 0x08
#define SMRAM_DEFAULT 0x02
#define SMRAM_WRITABLE (SMRAM_OPEN | SMRAM_CLOSED | SMRAM_LOCK | SMRAM_ENABLE)
#define SMRAM_WRITABLE_LOCKED (SMRAM_CLOSED | SMRAM_ENABLE)

struct i440fx {
	struct pci_device pci;
	struct bus *bus;
	struct pci_bus *pci_bus; /* owned */
	uint32_t confadd;
};

/* ---- Configuration ports ---- */

static uint32_t ones(unsigned size)
{
	return size >= 4 ? UINT32_MAX : (1u << 8 * size) - 1;
}

static uint32_t confadd_read(void *opaque, uint16_t port, unsigned size)
{
	struct i440fx *s = opaque;

	return size == 4 ? s->confadd : ones(size);
}

static void confadd_write(void *opaque, uint16_t port, uint32_t value, unsigned size)
{
	struct i440fx *s = opaque;

	if (size == 4)
		s->confadd = value & CONFADD_WRITABLE;
}

/* There is bus 0 only; the rest ends in a master abort. */
static bool confadd_selects(const struct i440fx *s)
{
	return (s->confadd & CONFADD_ENABLE) && (s->confadd >> 16 & 0xff) == 0;
}

static uint32_t confdata_read(void *opaque, uint16_t port, unsigned size)
{
	struct i440fx *s = opaque;

	if (!confadd_selects(s))
		return ones(size);
	return pci_config_read(s->pci_bus, (uint8_t)(s->confadd >> 8),
			       (uint8_t)((s->confadd & 0xfc) | (port & 3)), size);
}

static void confdata_write(void *opaque, uint16_t port, uint32_t value, unsigned size)
{
	struct i440fx *s = opaque;

	if (confadd_selects(s))
		pci_config_write(s->pci_bus, (uint8_t)(s->confadd >> 8),
				 (uint8_t)((s->confadd & 0xfc) | (port & 3)), value, size);
}

static const struct port_ops confadd_ops = {confadd_read, confadd_write, 4};
static const struct port_ops confdata_ops = {confdata_read, confdata_write, 4};

/* ---- Memory map registers ---- */

static void set_pam(struct i440fx *s, uint32_t base, uint32_t size, unsigned nibble)
{
	physmem_set_pam(bus_physmem(s->bus), base, size, (enum pam_mode)(nibble & 3));
}

static void pam_follow(struct i440fx *s)
{
	uint32_t base = PAM_AREA;

	set_pam(s, PAM_BIOS, PAM_BIOS_SIZE, s->pci.config[REG_PAM0] >> 4);
	for (unsigned reg = REG_PAM0 + 1; reg <= REG_PAM6; reg++) {
		set_pam(s, base, PAM_SEGMENT, s->pci.config[reg]);
		set_pam(s, base + PAM_SEGMENT, PAM_SEGMENT, s->pci.config[reg] >> 4);
		base += 2 * PAM_SEGMENT;
	}
}

/* D_LCK stays set until reset and takes D_OPEN with it (3.2.20). */
static void smram_follow(struct i440fx *s)
{
	uint8_t *smram = &s->pci.config[REG_SMRAM];
	bool visible;

	if (*smram & SMRAM_LOCK) {
		*smram &= (uint8_t)~SMRAM_OPEN;
		s->pci.writable[REG_SMRAM] = SMRAM_WRITABLE_LOCKED;
	}
	visible = (*smram & (SMRAM_ENABLE | SMRAM_OPEN)) == (SMRAM_ENABLE | SMRAM_OPEN);
	physmem_set_smram(bus_physmem(s->bus), visible);
}

static void i440fx_config_written(struct pci_device *d, uint8_t offset, unsigned size)
{
	struct i440fx *s = d->owner;
	unsigned end = offset + size;

	if (offset <= REG_PAM6 && end > REG_PAM0)
		pam_follow(s);
	if (offset <= REG_SMRAM && end > REG_SMRAM)
		smram_follow(s);
}

/* All memory in the first rows: for those who size it by the row boundaries. */
static void set_row_boundaries(struct i440fx *s)
{
	uint64_t units = physmem_ram_below_4g(bus_physmem(s->bus)) / DRB_UNIT;

	for (unsigned row = 0; row < DRB_ROWS; row++)
		s->pci.config[REG_DRB + row] = (uint8_t)(units > 0xff ? 0xff : units);
}

static void i440fx_reset(void *state)
{
	struct i440fx *s = state;

	pci_reset(&s->pci);
	s->confadd = 0;
	s->pci.config[PCI_COMMAND] = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
	for (unsigned reg = REG_PAM0; reg <= REG_PAM6; reg++)
		s->pci.config[reg] = 0;
	set_row_boundaries(s);
	s->pci.config[REG_SMRAM] = SMRAM_DEFAULT;
	s->pci.writable[REG_SMRAM] = SMRAM_WRITABLE;
	pam_follow(s);
	smram_follow(s);
}

struct i440fx *i440fx_create(const struct i440fx_wiring *w)
{
	static const struct pci_ids ids = {
		.vendor = I440FX_VENDOR,
		.device = I440FX_DEVICE,
		.revision = I440FX_REVISION,
		.class_code = I440FX_CLASS,
	};
	struct i440fx *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->bus = w->bus;
	s->pci_bus = pci_bus_create(w->bus);
	if (!s->pci_bus) {
		free(s);
		return NULL;
	}
	pci_init(&s->pci, "i440fx", &ids, s);
	s->pci.config_written = i440fx_config_written;
	for (unsigned reg = REG_PAM0; reg <= REG_PAM6; reg++)
		s->pci.writable[reg] = reg == REG_PAM0 ? PAM_WRITABLE & 0xf0 : PAM_WRITABLE;
	pci_plug(s->pci_bus, &s->pci, 0, 0);
	bus_claim_ports(w->bus, CONFADD_PORT, 4, &confadd_ops, s);
	bus_claim_ports(w->bus, CONFDATA_PORT, 4, &confdata_ops, s);
	i440fx_reset(s);
	return s;
}

struct pci_bus *i440fx_pci_bus(struct i440fx *s)
{
	return s->pci_bus;
}

static void i440fx_destroy(void *state)
{
	struct i440fx *s = state;

	if (!s)
		return;
	bus_release_ports(s->bus, CONFADD_PORT, 4, s);
	bus_release_ports(s->bus, CONFDATA_PORT, 4, s);
	pci_bus_destroy(s->pci_bus);
	free(s);
}

static const struct field i440fx_fields[] = {
	FIELD_ARRAY(struct i440fx, pci.config),
	FIELD_ARRAY(struct i440fx, pci.writable),
	FIELD(struct i440fx, confadd),
	FIELD_END,
};

const struct device_class i440fx_class = {
	.name = "i440fx",
	.version = 1,
	.reset = i440fx_reset,
	.destroy = i440fx_destroy,
	.fields = i440fx_fields,
};
