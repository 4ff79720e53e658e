/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * 82371SB (PIIX3) PCI to ISA bridge, function 0, at 00:01.0.
 * Intel 290550, "82371FB (PIIX) and 82371SB (PIIX3)", chapter 2.
 *
 *   60-63 PIRQRC[A:D]  7: not routed; 3:0: the ISA IRQ
 *   CF9   RC           2: reset the CPU (on its change to 1); 1: hard reset
 *
 * Several PIRQs routed to one IRQ are wired-or; whether that IRQ is taken as
 * a level is said by the ELCR, which is the 8259's. The other configuration
 * registers hold what is written to them and do nothing: ISA timing, decoding
 * of the BIOS ROM, distributed DMA, SMI.
 */
#include "devices/piix3.h"

#include <stdlib.h>

#include "base/log.h"

#define PIIX3_VENDOR 0x8086
#define PIIX3_DEVICE 0x7000
#define PIIX3_CLASS 0x060100 /* ISA bridge */

#define REG_PIRQRC 0x60
#define PIRQRC_DISABLE 0x80
#define PIRQRC_IRQ 0x0f
#define PIRQRC_WRITABLE 0x8f
/* IRQ 0, 1, 2, 8 and 13 are reserved encodings (2.2.10). */
#define PIRQRC_VALID_IRQS 0xdef8u

#define RC_PORT 0xcf9
#define RC_HARD 0x02
#define RC_RESET_CPU 0x04

/* Registers that only hold a value: offset, power-on value, writable bits. */
static const struct {
	uint8_t offset, value, writable;
} plain_registers[] = {
	{0x4c, 0x4d, 0xff}, /* ISA controller recovery timer */
	{0x4e, 0x03, 0xff}, /* X-bus chip select */
	{0x4f, 0x00, 0x01}, /* X-bus chip select, high: APIC */
	{0x69, 0x02, 0xfe}, /* top of memory for ISA masters */
	{0x6a, 0x00, 0x10}, /* miscellaneous status */
	{0x70, 0x80, 0xef}, /* motherboard IRQ route 0 */
	{0x71, 0x80, 0xef}, /* motherboard IRQ route 1 */
	{0x76, 0x0c, 0x8f}, /* motherboard DMA 0 */
	{0x77, 0x0c, 0x8f}, /* motherboard DMA 1 */
	{0x78, 0x02, 0xff}, /* programmable chip select */
	{0x79, 0x00, 0xff},
	{0x80, 0x00, 0x7f}, /* APIC base relocation */
	{0x82, 0x00, 0x0f}, /* deterministic latency */
	{0xa0, 0x08, 0x1f}, /* SMI control */
	{0xa2, 0x00, 0xff}, /* SMI enable */
	{0xa3, 0x00, 0x01},
	{0xa4, 0x00, 0xff}, /* system event enable */
	{0xa5, 0x00, 0xff},
	{0xa6, 0x00, 0xff},
	{0xa7, 0x00, 0xf0},
	{0xa8, 0x0f, 0xff}, /* fast-off timer */
};

#define PLAIN_REGISTERS (sizeof(plain_registers) / sizeof(plain_registers[0]))

struct piix3 {
	struct pci_device pci;
	struct piix3_wiring w;
	uint8_t pirq_levels; /* bit n: PIRQ n is pulled */
	uint16_t irq_levels; /* bit n: what irq[n] was last set to */
	uint8_t rc;          /* reset control */
};

static uint16_t routed_levels(const struct piix3 *s)
{
	uint16_t levels = 0;

	for (unsigned pirq = 0; pirq < PCI_PIRQS; pirq++) {
		uint8_t route = s->pci.config[REG_PIRQRC + pirq];

		if ((s->pirq_levels & 1u << pirq) && !(route & PIRQRC_DISABLE))
			levels |= (uint16_t)(1u << (route & PIRQRC_IRQ));
	}
	return levels & PIRQRC_VALID_IRQS;
}

static void irqs_follow(struct piix3 *s)
{
	uint16_t levels = routed_levels(s);
	uint16_t changed = levels ^ s->irq_levels;

	s->irq_levels = levels;
	for (unsigned irq = 0; irq < PIIX3_IRQS; irq++)
		if (changed & 1u << irq)
			irq_set(&s->w.irq[irq], levels >> irq & 1);
}

static void piix3_set_pirq(void *opaque, int pirq, int level)
{
	struct piix3 *s = opaque;

	if (level)
		s->pirq_levels |= (uint8_t)(1u << pirq);
	else
		s->pirq_levels &= (uint8_t)~(1u << pirq);
	irqs_follow(s);
}

static void piix3_config_written(struct pci_device *d, uint8_t offset, unsigned size)
{
	if (offset < REG_PIRQRC + PCI_PIRQS && offset + size > REG_PIRQRC)
		irqs_follow(d->owner);
}

static uint32_t rc_read(void *opaque, uint16_t port, unsigned size)
{
	return ((struct piix3 *)opaque)->rc;
}

static void rc_write(void *opaque, uint16_t port, uint32_t value, unsigned size)
{
	struct piix3 *s = opaque;
	bool rises = (value & RC_RESET_CPU) && !(s->rc & RC_RESET_CPU);
	bool hard = value & RC_HARD;

	s->rc = (uint8_t)(value & (RC_HARD | RC_RESET_CPU));
	if (!rises)
		return;
	/* A CPU that is only INITed goes on; let it do so a second time. */
	if (!hard)
		s->rc &= (uint8_t)~RC_RESET_CPU;
	LOG(LOG_VM, "%s reset by port cf9", hard ? "hard" : "soft");
	if (s->w.reset)
		s->w.reset(s->w.opaque, hard);
}

static const struct port_ops rc_ops = {rc_read, rc_write, 1};

static void piix3_reset(void *state)
{
	struct piix3 *s = state;

	pci_reset(&s->pci);
	/* Memory, I/O, special cycles and mastering cannot be turned off. */
	s->pci.config[PCI_COMMAND] =
		PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
	for (unsigned i = 0; i < PLAIN_REGISTERS; i++)
		s->pci.config[plain_registers[i].offset] = plain_registers[i].value;
	for (unsigned pirq = 0; pirq < PCI_PIRQS; pirq++)
		s->pci.config[REG_PIRQRC + pirq] = PIRQRC_DISABLE;
	s->rc = 0;
	irqs_follow(s);
}

struct piix3 *piix3_create(const struct piix3_wiring *w)
{
	static const struct pci_ids ids = {
		.vendor = PIIX3_VENDOR, .device = PIIX3_DEVICE, .class_code = PIIX3_CLASS};
	struct piix3 *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->w = *w;
	pci_init(&s->pci, "piix3", &ids, s);
	s->pci.config_written = piix3_config_written;
	s->pci.writable[PCI_COMMAND] = 0;
	for (unsigned i = 0; i < PLAIN_REGISTERS; i++)
		s->pci.writable[plain_registers[i].offset] = plain_registers[i].writable;
	for (unsigned pirq = 0; pirq < PCI_PIRQS; pirq++)
		s->pci.writable[REG_PIRQRC + pirq] = PIRQRC_WRITABLE;
	pci_plug(w->pci, &s->pci, PIIX3_SLOT, 0);
	pci_bus_on_pirq(w->pci, piix3_set_pirq, s);
	bus_claim_ports(pci_bus_isa(w->pci), RC_PORT, 1, &rc_ops, s);
	piix3_reset(s);
	return s;
}

static void piix3_destroy(void *state)
{
	struct piix3 *s = state;

	if (!s)
		return;
	pci_bus_on_pirq(s->w.pci, NULL, NULL);
	bus_release_ports(pci_bus_isa(s->w.pci), RC_PORT, 1, s);
	pci_unplug(&s->pci);
	free(s);
}

static const struct field piix3_fields[] = {
	FIELD_ARRAY(struct piix3, pci.config),
	FIELD(struct piix3, pirq_levels),
	FIELD(struct piix3, irq_levels),
	FIELD(struct piix3, rc),
	FIELD_END,
};

const struct device_class piix3_class = {
	.name = "piix3",
	.version = 1,
	.reset = piix3_reset,
	.destroy = piix3_destroy,
	.fields = piix3_fields,
};
