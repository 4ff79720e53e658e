/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PCI headers, BARs and pins, seen through the host bridge's ports; host bridge
 * and ISA bridge; and a fuzz of all of configuration space.
 */
#include "devices/i440fx.h"
#include "devices/irq_router.h"
#include "devices/pci.h"
#include "devices/piix3.h"

#include <string.h>

#include "tests/unit/unit.h"

#define RAM_SIZE (32u << 20)
#define CARD_SLOT 3
#define IO_SIZE 32u
#define MEMORY_SIZE 0x10000u
#define ROM_SIZE 0x2000u

static struct physmem *mem;
static struct bus *bus;
static struct i440fx *bridge;
static struct piix3 *piix3;
static struct pci_bus *pci;
static struct pci_device card;
static int irq_level[16];
static int resets_hard, resets_soft;
static unsigned pokes; /* accesses that reached the card */
static uint8_t rom[ROM_SIZE] __attribute__((aligned(4096)));

static uint32_t card_port_read(void *opaque, uint16_t port, unsigned size)
{
	pokes++;
	return 0xa0 + (port & (IO_SIZE - 1));
}

static void card_port_write(void *opaque, uint16_t port, uint32_t value, unsigned size)
{
	pokes++;
}

static uint32_t card_mmio_read(void *opaque, uint32_t offset, unsigned size)
{
	pokes++;
	return 0x50000000 + offset;
}

static void card_mmio_write(void *opaque, uint32_t offset, uint32_t value, unsigned size)
{
	pokes++;
}

static const struct port_ops card_ports = {card_port_read, card_port_write, 1};
static const struct mmio_ops card_mmio = {.read = card_mmio_read, .write = card_mmio_write, .max_size = 4};

static void irq_changed(void *opaque, int n, int level)
{
	irq_level[n] = level;
}

static void on_reset(void *opaque, bool hard)
{
	if (hard)
		resets_hard++;
	else
		resets_soft++;
}

static uint32_t address_of(unsigned slot, unsigned function, unsigned offset)
{
	return 0x80000000u | slot << 11 | function << 8 | (offset & 0xfc);
}

static uint32_t cfg_in(unsigned slot, unsigned function, unsigned offset, unsigned size)
{
	bus_port_write(bus, 0xcf8, address_of(slot, function, offset), 4);
	return bus_port_read(bus, (uint16_t)(0xcfc + (offset & 3)), size);
}

static void cfg_out(unsigned slot, unsigned function, unsigned offset, uint32_t value,
		    unsigned size)
{
	bus_port_write(bus, 0xcf8, address_of(slot, function, offset), 4);
	bus_port_write(bus, (uint16_t)(0xcfc + (offset & 3)), value, size);
}

static void plug_card(void)
{
	static const struct pci_ids ids = {.vendor = 0x1234,
					   .device = 0x5678,
					   .revision = 7,
					   .class_code = 0x020000,
					   .interrupt_pin = 1};

	pci_init(&card, "card", &ids, NULL);
	pci_add_io_bar(&card, 0, IO_SIZE, &card_ports, NULL);
	pci_add_memory_bar(&card, 1, MEMORY_SIZE, false,
			   physmem_add_mmio(mem, "card", MEMORY_SIZE, &card_mmio, NULL));
	pci_add_io_bar(&card, 2, IO_SIZE, &card_ports, NULL);
	memset(rom, 0x5a, sizeof(rom));
	pci_add_rom(&card, ROM_SIZE, physmem_add_rom(mem, "card rom", ROM_SIZE, rom));
	pci_plug(pci, &card, CARD_SLOT, 0);
}

static void set_up(void)
{
	struct i440fx_wiring bridge_wiring;
	struct piix3_wiring piix3_wiring = {.reset = on_reset};

	physmem_create(&mem, RAM_SIZE);
	bus = bus_create(mem);
	bridge_wiring.bus = bus;
	bridge = i440fx_create(&bridge_wiring);
	pci = i440fx_pci_bus(bridge);
	piix3_wiring.pci = pci;
	for (int i = 0; i < 16; i++) {
		piix3_wiring.irq[i] = (struct irq_line){irq_changed, NULL, i};
		irq_level[i] = 0;
	}
	piix3 = piix3_create(&piix3_wiring);
	plug_card();
	pokes = 0;
	resets_hard = resets_soft = 0;
}

static void tear_down(void)
{
	pci_unplug(&card);
	piix3_class.destroy(piix3);
	i440fx_class.destroy(bridge);
	bus_destroy(bus);
	physmem_destroy(mem);
}

static void test_header(void)
{
	set_up();
	CHECK_EQ(cfg_in(0, 0, 0, 4), 0x12378086);
	CHECK_EQ(cfg_in(0, 0, 8, 4), 0x06000002);
	CHECK_EQ(cfg_in(0, 0, 0x2c, 4), 0x11001af4);
	CHECK_EQ(cfg_in(1, 0, 0, 4), 0x70008086);
	CHECK_EQ(cfg_in(CARD_SLOT, 0, 0, 4), 0x56781234);
	CHECK_EQ(cfg_in(CARD_SLOT, 0, 8, 4), 0x02000007);
	CHECK_EQ(cfg_in(CARD_SLOT, 0, 2, 2), 0x5678);
	CHECK_EQ(cfg_in(CARD_SLOT, 0, 0x0b, 1), 0x02);
	/* Read-only fields stay; an empty slot and other buses read as ones. */
	cfg_out(CARD_SLOT, 0, 0, 0, 4);
	CHECK_EQ(cfg_in(CARD_SLOT, 0, 0, 4), 0x56781234);
	CHECK_EQ(cfg_in(9, 0, 0, 4), 0xffffffff);
	CHECK_EQ(cfg_in(9, 0, 0, 2), 0xffff);
	bus_port_write(bus, 0xcf8, 0x80010000, 4);
	CHECK_EQ(bus_port_read(bus, 0xcfc, 4), 0xffffffff);
	bus_port_write(bus, 0xcf8, 0x00000000, 4);
	CHECK_EQ(bus_port_read(bus, 0xcfc, 4), 0xffffffff);
	tear_down();
}

/* Only doublewords reach CONFADD; the byte at CF9 is the reset register. */
static void test_address_port(void)
{
	set_up();
	bus_port_write(bus, 0xcf8, 0xffffffff, 4);
	CHECK_EQ(bus_port_read(bus, 0xcf8, 4), 0x80fffffc);
	bus_port_write(bus, 0xcfb, 0x00, 1);
	bus_port_write(bus, 0xcf8, 0x0000, 2);
	CHECK_EQ(bus_port_read(bus, 0xcf8, 4), 0x80fffffc);
	bus_port_write(bus, 0xcf9, 0x02, 1);
	CHECK_EQ(resets_hard, 0);
	bus_port_write(bus, 0xcf9, 0x06, 1);
	CHECK_EQ(resets_hard, 1);
	bus_port_write(bus, 0xcf9, 0x06, 1);
	CHECK_EQ(resets_hard, 1);
	bus_port_write(bus, 0xcf9, 0x00, 1);
	bus_port_write(bus, 0xcf9, 0x04, 1);
	bus_port_write(bus, 0xcf9, 0x04, 1);
	CHECK_EQ(resets_soft, 2);
	tear_down();
}

static void test_sizing(void)
{
	set_up();
	cfg_out(CARD_SLOT, 0, 0x04, 3, 2);
	cfg_out(CARD_SLOT, 0, 0x10, 0xffffffff, 4);
	CHECK_EQ(cfg_in(CARD_SLOT, 0, 0x10, 4), 0xffffffe1);
	cfg_out(CARD_SLOT, 0, 0x14, 0xffffffff, 4);
	CHECK_EQ(cfg_in(CARD_SLOT, 0, 0x14, 4), 0xffff0000);
	cfg_out(CARD_SLOT, 0, 0x30, 0xfffff800, 4);
	CHECK_EQ(cfg_in(CARD_SLOT, 0, 0x30, 4), 0xffffe000);
	cfg_out(CARD_SLOT, 0, 0x1c, 0xffffffff, 4);
	CHECK_EQ(cfg_in(CARD_SLOT, 0, 0x1c, 4), 0);
	/* While it is sized, nothing of it is seen at the top of memory. */
	CHECK_EQ(physmem_lookup(mem, 0xffff0000).kind, PHYS_NONE);
	tear_down();
}

static void test_io_bar(void)
{
	set_up();
	cfg_out(CARD_SLOT, 0, 0x10, 0xc000, 4);
	CHECK_EQ(bus_port_read(bus, 0xc003, 1), 0xff);
	cfg_out(CARD_SLOT, 0, 0x04, PCI_COMMAND_IO, 2);
	CHECK_EQ(bus_port_read(bus, 0xc003, 1), 0xa3);
	/* A second BAR on the same ports hides nothing when it leaves. */
	cfg_out(CARD_SLOT, 0, 0x18, 0xc000, 4);
	CHECK_EQ(bus_port_read(bus, 0xc003, 1), 0xa3);
	cfg_out(CARD_SLOT, 0, 0x18, 0xd000, 4);
	CHECK_EQ(bus_port_read(bus, 0xc003, 1), 0xa3);
	CHECK_EQ(bus_port_read(bus, 0xd003, 1), 0xa3);
	/* Beyond 64 KiB of ports, and at 0, it is nowhere. */
	cfg_out(CARD_SLOT, 0, 0x10, 0x1c000, 4);
	CHECK_EQ(bus_port_read(bus, 0xc003, 1), 0xff);
	cfg_out(CARD_SLOT, 0, 0x10, 0, 4);
	CHECK_EQ(bus_port_read(bus, 0x0003, 1), 0xff);
	cfg_out(CARD_SLOT, 0, 0x04, 0, 2);
	CHECK_EQ(bus_port_read(bus, 0xd003, 1), 0xff);
	tear_down();
}

static void test_memory_bar(void)
{
	set_up();
	cfg_out(CARD_SLOT, 0, 0x14, 0xe0000000, 4);
	CHECK_EQ(physmem_lookup(mem, 0xe0000000).kind, PHYS_NONE);
	cfg_out(CARD_SLOT, 0, 0x04, PCI_COMMAND_MEMORY, 2);
	CHECK_EQ(physmem_read(mem, 0xe0000010, 4), 0x50000010);
	/* One byte of the BAR is enough to move it. */
	cfg_out(CARD_SLOT, 0, 0x17, 0xe1, 1);
	CHECK_EQ(physmem_lookup(mem, 0xe0000000).kind, PHYS_NONE);
	CHECK_EQ(physmem_read(mem, 0xe1000010, 4), 0x50000010);
	/* RAM is never hidden. */
	cfg_out(CARD_SLOT, 0, 0x14, 0x00100000, 4);
	CHECK_EQ(physmem_lookup(mem, 0x00100000).kind, PHYS_RAM);
	CHECK_EQ(physmem_lookup(mem, 0xe1000000).kind, PHYS_NONE);
	cfg_out(CARD_SLOT, 0, 0x14, RAM_SIZE, 4);
	CHECK_EQ(physmem_lookup(mem, RAM_SIZE).kind, PHYS_MMIO);
	pci_reset(&card);
	CHECK_EQ(physmem_lookup(mem, RAM_SIZE).kind, PHYS_NONE);
	CHECK_EQ(cfg_in(CARD_SLOT, 0, 0x14, 4), 0);
	CHECK_EQ(cfg_in(CARD_SLOT, 0, 0x10, 4), 1);
	tear_down();
}

static void test_rom(void)
{
	set_up();
	cfg_out(CARD_SLOT, 0, 0x04, PCI_COMMAND_MEMORY, 2);
	cfg_out(CARD_SLOT, 0, 0x30, 0xf0000000, 4);
	CHECK_EQ(physmem_lookup(mem, 0xf0000000).kind, PHYS_NONE);
	cfg_out(CARD_SLOT, 0, 0x30, 0xf0000001, 4);
	CHECK_EQ(physmem_lookup(mem, 0xf0000000).kind, PHYS_ROM);
	CHECK_EQ(physmem_read(mem, 0xf0001ffc, 4), 0x5a5a5a5a);
	cfg_out(CARD_SLOT, 0, 0x04, 0, 2);
	CHECK_EQ(physmem_lookup(mem, 0xf0000000).kind, PHYS_NONE);
	tear_down();
}

/* INTA of slot 3 is PIRQC: (0 + 3 - 1) mod 4. */
static void test_pins(void)
{
	static struct pci_device other;
	static const struct pci_ids ids = {
		.vendor = 1, .device = 2, .class_code = 0x030000, .interrupt_pin = 4};

	set_up();
	pci_init(&other, "other", &ids, NULL);
	pci_plug(pci, &other, 4, 0); /* INTD of slot 4: (3 + 4 - 1) mod 4, PIRQC too */
	CHECK_EQ(cfg_in(1, 0, 0x60, 4), 0x80808080);
	pci_set_irq(&card, 1);
	CHECK_EQ(irq_level[11], 0);
	cfg_out(1, 0, 0x62, 11, 1);
	CHECK_EQ(irq_level[11], 1);
	CHECK_EQ(cfg_in(CARD_SLOT, 0, 6, 2) & PCI_STATUS_INTERRUPT, PCI_STATUS_INTERRUPT);
	/* Two devices on the wire: it falls with the last. */
	pci_set_irq(&other, 1);
	pci_set_irq(&card, 0);
	CHECK_EQ(irq_level[11], 1);
	pci_set_irq(&other, 0);
	CHECK_EQ(irq_level[11], 0);
	/* Disabled by the command register; moved by the route. */
	pci_set_irq(&card, 1);
	cfg_out(CARD_SLOT, 0, 0x04, PCI_COMMAND_INTX_DISABLE, 2);
	CHECK_EQ(irq_level[11], 0);
	cfg_out(CARD_SLOT, 0, 0x04, 0, 2);
	cfg_out(1, 0, 0x62, 10, 1);
	CHECK_EQ(irq_level[11], 0);
	CHECK_EQ(irq_level[10], 1);
	/* IRQ 8 is a reserved route. */
	cfg_out(1, 0, 0x62, 8, 1);
	CHECK_EQ(irq_level[10] | irq_level[8], 0);
	pci_unplug(&other);
	tear_down();
}

/* Two PIRQs on one IRQ are wired-or. */
static void test_shared_route(void)
{
	static struct pci_device other;
	static const struct pci_ids ids = {
		.vendor = 1, .device = 2, .class_code = 0x030000, .interrupt_pin = 1};

	set_up();
	pci_init(&other, "other", &ids, NULL);
	pci_plug(pci, &other, 2, 0); /* PIRQB */
	cfg_out(1, 0, 0x60, 0x0a0a0a0a, 4);
	pci_set_irq(&card, 1);
	pci_set_irq(&other, 1);
	pci_set_irq(&card, 0);
	CHECK_EQ(irq_level[10], 1);
	pci_unplug(&other); /* lets go of its pin */
	CHECK_EQ(irq_level[10], 0);
	tear_down();
}

static void test_multi_function(void)
{
	static struct pci_device second;
	static const struct pci_ids ids = {.vendor = 1, .device = 2, .class_code = 0x0c0300};

	set_up();
	CHECK_EQ(cfg_in(CARD_SLOT, 0, 0x0e, 1), 0);
	pci_init(&second, "second", &ids, NULL);
	pci_plug(pci, &second, CARD_SLOT, 1);
	CHECK_EQ(cfg_in(CARD_SLOT, 0, 0x0e, 1), 0x80);
	CHECK_EQ(cfg_in(CARD_SLOT, 1, 0x0e, 1), 0);
	pci_unplug(&second);
	CHECK_EQ(cfg_in(CARD_SLOT, 0, 0x0e, 1), 0);
	tear_down();
}

static void test_status_write_1_clear(void)
{
	set_up();
	card.config[PCI_STATUS + 1] |= 0x20; /* received master abort */
	cfg_out(CARD_SLOT, 0, 0x06, 0x0000, 2);
	CHECK_EQ(cfg_in(CARD_SLOT, 0, 0x06, 2), 0x2200);
	cfg_out(CARD_SLOT, 0, 0x06, 0x2000, 2);
	CHECK_EQ(cfg_in(CARD_SLOT, 0, 0x06, 2), 0x0200);
	tear_down();
}

/* PAM: what is written to RAM is read from it once reads go there. */
static void test_pam(void)
{
	static uint8_t bios[0x20000] __attribute__((aligned(4096)));

	set_up();
	memset(bios, 0xb1, sizeof(bios));
	physmem_region_map(physmem_add_rom(mem, "bios", sizeof(bios), bios), 0xe0000, 0);
	CHECK_EQ(physmem_read(mem, 0xf1000, 1), 0xb1);
	cfg_out(0, 0, 0x59, 0x20, 1); /* F0000: writes go to RAM */
	physmem_write(mem, 0xf1000, 0x77, 1);
	CHECK_EQ(physmem_read(mem, 0xf1000, 1), 0xb1);
	cfg_out(0, 0, 0x59, 0x10, 1); /* reads go to RAM */
	CHECK_EQ(physmem_read(mem, 0xf1000, 1), 0x77);
	CHECK_EQ(physmem_read(mem, 0xe1000, 1), 0xb1);
	cfg_out(0, 0, 0x5f, 0x30, 1); /* EC000 only */
	physmem_write(mem, 0xec000, 0x66, 1);
	CHECK_EQ(physmem_read(mem, 0xec000, 1), 0x66);
	CHECK_EQ(physmem_read(mem, 0xe8000, 1), 0xb1);
	CHECK_EQ(cfg_in(0, 0, 0x5f, 1), 0x30);
	i440fx_class.reset(bridge);
	CHECK_EQ(physmem_read(mem, 0xec000, 1), 0xb1);
	tear_down();
}

static void test_smram_lock(void)
{
	set_up();
	CHECK_EQ(cfg_in(0, 0, 0x72, 1), 0x02);
	cfg_out(0, 0, 0x72, 0x4a, 1); /* D_OPEN, G_SMRAME */
	CHECK_EQ(physmem_lookup(mem, 0xa0000).kind, PHYS_RAM);
	cfg_out(0, 0, 0x72, 0x5a, 1); /* D_LCK: takes D_OPEN away, for good */
	CHECK_EQ(cfg_in(0, 0, 0x72, 1), 0x1a);
	CHECK_EQ(physmem_lookup(mem, 0xa0000).kind, PHYS_NONE);
	cfg_out(0, 0, 0x72, 0x4a, 1);
	CHECK_EQ(cfg_in(0, 0, 0x72, 1), 0x1a);
	i440fx_class.reset(bridge);
	CHECK_EQ(cfg_in(0, 0, 0x72, 1), 0x02);
	tear_down();
}

/* One wire, three that pull it; the timer is on the I/O APIC's pin 2. */
static void test_router(void)
{
	static int pic[16], ioapic[16];
	struct irq_router_wiring w;
	struct irq_router *r;
	struct irq_line isa, acpi, timer;

	for (int i = 0; i < 16; i++) {
		w.pic[i] = (struct irq_line){irq_changed, NULL, i};
		w.ioapic[i] = (struct irq_line){NULL, NULL, i};
		irq_level[i] = pic[i] = ioapic[i] = 0;
	}
	w.ioapic[2] = (struct irq_line){irq_changed, NULL, 15};
	r = irq_router_create(&w);
	isa = irq_router_line(r, IRQ_FROM_ISA, 9);
	acpi = irq_router_line(r, IRQ_FROM_ACPI, 9);
	timer = irq_router_line(r, IRQ_FROM_ISA, 0);
	irq_set(&isa, 1);
	irq_set(&acpi, 1);
	irq_set(&isa, 0);
	CHECK_EQ(irq_level[9], 1);
	irq_set(&acpi, 0);
	CHECK_EQ(irq_level[9], 0);
	irq_set(&timer, 1);
	CHECK_EQ(irq_level[0], 1);
	CHECK_EQ(irq_level[15], 1);
	irq_router_class.destroy(r);
}

/* Random configuration and port accesses; the bridges, the card and RAM take it all. */
static void test_fuzz(void)
{
	static const uint16_t ports[] = {0xcf8, 0xcf9, 0xcfa, 0xcfb, 0xcfc, 0xcfd, 0xcfe, 0xcff};
	uint64_t seed = 20261120;

	set_up();
	for (int i = 0; i < 300000; i++) {
		uint64_t x = unit_random(&seed);
		unsigned size = 1u << (x & 3) % 3;
		uint32_t value = (uint32_t)(x >> 32);
		uint16_t port = ports[x >> 3 & 7];

		switch (x >> 8 & 7) {
		case 0:
			bus_port_write(bus, 0xcf8,
				       0x80000000 | (value & 3) << 11 | (value >> 8 & 0xff), 4);
			break;
		case 1:
			bus_port_read(bus, port, size);
			break;
		case 2:
			pci_set_irq(&card, value & 1);
			break;
		case 3:
			physmem_read(mem, value, size);
			bus_port_read(bus, (uint16_t)value, size);
			break;
		default:
			bus_port_write(bus, port, value, size);
			break;
		}
	}
	CHECK(resets_hard > 100);
	CHECK_EQ(cfg_in(0, 0, 0, 4), 0x12378086);
	CHECK_EQ(cfg_in(CARD_SLOT, 0, 0, 4), 0x56781234);
	tear_down();
}

UNIT_MAIN("pci", {"header", test_header}, {"address port", test_address_port},
	  {"sizing", test_sizing}, {"I/O BAR", test_io_bar}, {"memory BAR", test_memory_bar},
	  {"ROM BAR", test_rom}, {"pins and PIRQs", test_pins},
	  {"shared route", test_shared_route}, {"multi-function", test_multi_function},
	  {"status", test_status_write_1_clear}, {"PAM", test_pam}, {"SMRAM lock", test_smram_lock},
	  {"interrupt wires", test_router}, {"fuzz", test_fuzz})
