/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fw_cfg: items, files, directory, the DMA command; a fuzz; and the ACPI tables
 * as SeaBIOS would place them.
 */
#include "devices/fw_cfg.h"

#include <endian.h>
#include <string.h>

#include "monitor/acpi.h"
#include "monitor/fw_items.h"
#include "monitor/smbios.h"
#include "tests/unit/unit.h"

#define COMMAND 0x1000u /* guest addresses */
#define BUFFER 0x2000u

static struct physmem *mem;
static struct bus *bus;
static struct fw_cfg *fw;

static void set_up(void)
{
	struct fw_cfg_wiring w;

	physmem_create(&mem, 1u << 20);
	bus = bus_create(mem);
	w.bus = bus;
	fw = fw_cfg_create(&w);
}

static void tear_down(void)
{
	fw_cfg_class.destroy(fw);
	bus_destroy(bus);
	physmem_destroy(mem);
}

static void select_item(uint16_t key)
{
	bus_port_write(bus, 0x510, key, 2);
}

static uint8_t next_byte(void)
{
	return (uint8_t)bus_port_read(bus, 0x511, 1);
}

static uint32_t next_be32(void)
{
	uint32_t v = 0;

	for (int i = 0; i < 4; i++)
		v = v << 8 | next_byte();
	return v;
}

/* Runs a command; returns the control word as the device left it. */
static uint32_t dma(uint32_t control, uint32_t length, uint64_t address)
{
	physmem_write(mem, COMMAND, htobe32(control), 4);
	physmem_write(mem, COMMAND + 4, htobe32(length), 4);
	physmem_write(mem, COMMAND + 8, htobe32((uint32_t)(address >> 32)), 4);
	physmem_write(mem, COMMAND + 12, htobe32((uint32_t)address), 4);
	bus_port_write(bus, 0x514, 0, 4);
	bus_port_write(bus, 0x518, htobe32(COMMAND), 4);
	return be32toh(physmem_read(mem, COMMAND, 4));
}

static void test_items(void)
{
	set_up();
	select_item(FW_CFG_SIGNATURE);
	CHECK_EQ(next_be32(), 0x51454d55); /* "QEMU" */
	CHECK_EQ(next_byte(), 0);          /* past the end */
	select_item(FW_CFG_ID);
	CHECK_EQ(next_be32(), 0x03000000); /* little-endian 3: ports and DMA */
	fw_cfg_add_u16(fw, FW_CFG_NB_CPUS, 0x0102);
	select_item(FW_CFG_NB_CPUS);
	CHECK_EQ(next_byte(), 2);
	CHECK_EQ(next_byte(), 1);
	fw_cfg_add_u64(fw, FW_CFG_RAM_SIZE, 0x1122334455667788ull);
	select_item(FW_CFG_RAM_SIZE);
	CHECK_EQ(next_be32(), 0x88776655);
	CHECK_EQ(next_be32(), 0x44332211);
	/* Replaced while half read; items that nobody has. */
	fw_cfg_add_u16(fw, FW_CFG_RAM_SIZE, 1);
	CHECK_EQ(next_byte(), 0);
	select_item(0x3fff);
	CHECK_EQ(next_be32(), 0);
	select_item(0xffff);
	CHECK_EQ(next_be32(), 0);
	fw_cfg_class.reset(fw);
	CHECK_EQ(next_be32(), 0x51454d55);
	tear_down();
}

static void test_directory(void)
{
	char name[56];

	set_up();
	CHECK_EQ(fw_cfg_add_file(fw, "etc/one", "1234567", 7), 0);
	CHECK_EQ(fw_cfg_add_file(fw, "bootorder", "x", 1), 0);
	CHECK_EQ(fw_cfg_file_key(fw, "etc/one"), FW_CFG_FILE_FIRST);
	CHECK_EQ(fw_cfg_file_key(fw, "etc/none"), 0);
	select_item(FW_CFG_FILE_DIR);
	CHECK_EQ(next_be32(), 2);
	CHECK_EQ(next_be32(), 7);
	CHECK_EQ(next_be32(), FW_CFG_FILE_FIRST << 16);
	for (int i = 0; i < 56; i++)
		name[i] = (char)next_byte();
	CHECK(!strcmp(name, "etc/one"));
	CHECK_EQ(next_be32(), 1);
	CHECK_EQ(next_be32(), (FW_CFG_FILE_FIRST + 1) << 16);
	/* Replaced: same key, new size. */
	CHECK_EQ(fw_cfg_add_file(fw, "etc/one", "12", 2), 0);
	select_item(FW_CFG_FILE_DIR);
	CHECK_EQ(next_be32(), 2);
	CHECK_EQ(next_be32(), 2);
	tear_down();
}

static void test_directory_full(void)
{
	char name[80];

	set_up();
	for (int i = 0; i < FW_CFG_FILES; i++) {
		snprintf(name, sizeof(name), "file%d", i);
		CHECK_EQ(fw_cfg_add_file(fw, name, NULL, 0), 0);
	}
	CHECK_EQ(fw_cfg_add_file(fw, "one more", "", 1), -1);
	memset(name, 'n', sizeof(name));
	name[56] = '\0';
	CHECK_EQ(fw_cfg_add_file(fw, name, "", 1), -1);
	tear_down();
}

static void counting_reader(void *opaque, uint32_t offset, void *buf, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		((uint8_t *)buf)[i] = (uint8_t)(offset + i);
}

static void test_dma(void)
{
	uint32_t key;

	set_up();
	/* The ports read as "QEMU CFG". */
	CHECK_EQ(bus_port_read(bus, 0x514, 4), 0x554d4551);
	CHECK_EQ(bus_port_read(bus, 0x518, 4), 0x47464320);
	CHECK_EQ(bus_port_read(bus, 0x51b, 1), 'G');
	fw_cfg_add_file_reader(fw, "etc/big", 200000, counting_reader, NULL);
	key = (uint32_t)fw_cfg_file_key(fw, "etc/big") << 16;
	CHECK_EQ(dma(key | 0x0a, 0x1000, BUFFER), 0);
	CHECK_EQ(physmem_read(mem, BUFFER, 4), 0x03020100);
	CHECK_EQ(dma(0x02, 4, BUFFER), 0); /* goes on */
	CHECK_EQ(physmem_read(mem, BUFFER, 4), 0x03020100);
	CHECK_EQ(dma(0x04, 101, 0), 0); /* skip */
	CHECK_EQ(dma(0x02, 4, BUFFER), 0);
	CHECK_EQ(physmem_read(mem, BUFFER, 1), (0x1004 + 101) & 0xff);
	/* Past the end: zeros. */
	CHECK_EQ(dma(key | 0x0c, 199999, 0), 0);
	CHECK_EQ(dma(0x02, 4, BUFFER), 0);
	CHECK_EQ(physmem_read(mem, BUFFER, 4), 199999 & 0xff);
	CHECK_EQ(dma(0x04, 0xffffffff, 0), 0);
	CHECK_EQ(dma(0x02, 4, BUFFER), 0);
	CHECK_EQ(physmem_read(mem, BUFFER, 4), 0);
	/* More than one chunk. */
	CHECK_EQ(dma(key | 0x0a, 200000, 0x10000), 0);
	CHECK_EQ(physmem_read(mem, 0x10000 + 131072 + 5, 1), 5);
	/* Writing is refused. */
	CHECK_EQ(dma(key | 0x18, 4, BUFFER), 1);
	tear_down();
}

static void test_fuzz(void)
{
	uint64_t seed = 7;

	set_up();
	fw_cfg_add_file(fw, "etc/a", "abcdef", 6);
	fw_cfg_add_file_reader(fw, "etc/b", 70000, counting_reader, NULL);
	for (int i = 0; i < 200000; i++) {
		uint64_t x = unit_random(&seed);
		unsigned size = 1u << (x & 3) % 3;
		uint32_t value = (uint32_t)(x >> 32);
		uint16_t port = (uint16_t)(0x510 + (x >> 8 & 15));

		switch (x >> 4 & 3) {
		case 0:
			bus_port_read(bus, port, size);
			break;
		case 1:
			bus_port_write(bus, port, value, size);
			break;
		case 2:
			select_item((uint16_t)((value & 0x80ff)));
			next_byte();
			break;
		default:
			dma((value & 0x3f) << 16 | (x >> 12 & 0x1f), value >> (i % 64 ? 22 : 12),
			    x >> 20 & 0xfffffffffull);
			break;
		}
	}
	select_item(FW_CFG_SIGNATURE);
	CHECK_EQ(next_be32(), 0x51454d55);
	tear_down();
}

/* ---- What the monitor publishes ---- */

static uint32_t load_file(const char *name, uint8_t *to, uint32_t room)
{
	uint16_t key = fw_cfg_file_key(fw, name);
	uint32_t count, size = 0;

	CHECK(key != 0);
	select_item(FW_CFG_FILE_DIR);
	count = next_be32();
	for (uint32_t i = 0; i < count; i++) {
		uint32_t s = next_be32(), k = next_be32() >> 16;

		for (int n = 0; n < 56; n++)
			next_byte();
		if (k == key)
			size = s;
	}
	CHECK(size > 0 && size <= room);
	select_item(key);
	for (uint32_t i = 0; i < size && i < room; i++)
		to[i] = next_byte();
	return size;
}

static uint8_t tables[16384], rsdp[64];
#define TABLES_AT 0x0fff0000u /* where "SeaBIOS" puts them */

static uint32_t field32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, 4);
	return le32toh(v);
}

/* The three commands of the loader, as SeaBIOS runs them. */
static void run_script(void)
{
	static uint8_t script[4096];
	uint32_t size = load_file("etc/table-loader", script, sizeof(script));

	for (uint8_t *c = script; c < script + size; c += 128) {
		bool in_rsdp = !strcmp((char *)c + 4, "etc/acpi/rsdp");
		uint8_t *file = in_rsdp ? rsdp : tables;
		uint32_t v;

		switch (field32(c)) {
		case 1:
			CHECK(in_rsdp || field32(c + 60) >= 64);
			break;
		case 2:
			CHECK(!strcmp((char *)c + 60, "etc/acpi/tables"));
			v = field32(file + field32(c + 116)) + TABLES_AT;
			memcpy(file + field32(c + 116), &v, 4);
			CHECK_EQ(c[120], 4);
			break;
		case 3:
			v = 0;
			for (uint32_t i = 0; i < field32(c + 68); i++)
				v += file[field32(c + 64) + i];
			file[field32(c + 60)] -= (uint8_t)v;
			break;
		default:
			CHECK(false);
			break;
		}
	}
}

static const uint8_t *table_at(uint32_t address, const char *signature)
{
	const uint8_t *t = tables + (address - TABLES_AT);
	uint8_t sum = 0;

	CHECK(address - TABLES_AT < sizeof(tables));
	CHECK(!memcmp(t, signature, 4));
	for (uint32_t i = 0; i < field32(t + 4); i++)
		sum = (uint8_t)(sum + t[i]);
	if (strcmp(signature, "FACS"))
		CHECK_EQ(sum, 0);
	return t;
}

static void test_acpi_tables(void)
{
	const uint8_t *rsdt, *fadt, *dsdt, *have;
	static const uint8_t have_name[] = {0x08, 'H', 'A', 'V', 'E', 0x0c};
	uint8_t sum = 0;

	set_up();
	CHECK_EQ(acpi_publish(fw, ACPI_HAVE_COM1 | ACPI_HAVE_FDC), 0);
	load_file("etc/acpi/tables", tables, sizeof(tables));
	CHECK_EQ(load_file("etc/acpi/rsdp", rsdp, sizeof(rsdp)), 20);
	run_script();
	for (int i = 0; i < 20; i++)
		sum = (uint8_t)(sum + rsdp[i]);
	CHECK_EQ(sum, 0);
	CHECK(!memcmp(rsdp, "RSD PTR ", 8));
	rsdt = table_at(field32(rsdp + 16), "RSDT");
	CHECK_EQ(field32(rsdt + 4), 36 + 8);
	fadt = table_at(field32(rsdt + 36), "FACP");
	table_at(field32(rsdt + 40), "APIC");
	CHECK_EQ(field32(fadt + 36) % 64, 0);
	table_at(field32(fadt + 36), "FACS");
	dsdt = table_at(field32(fadt + 40), "DSDT");
	CHECK_EQ(field32(fadt + 56), 0x600);
	CHECK_EQ(field32(fadt + 76), 0x608);
	have = memmem(dsdt, field32(dsdt + 4), have_name, sizeof(have_name));
	CHECK(have != NULL);
	CHECK_EQ(have ? field32(have + 6) : 0, ACPI_HAVE_COM1 | ACPI_HAVE_FDC);
	tear_down();
}

static void test_memory_map(void)
{
	struct fw_items items = {.ram_below_4g = 0xc0000000,
				 .ram_above_4g = 0x40000000,
				 .graphic = true,
				 .boot_menu = true,
				 .boot_menu_timeout_ms = 100000};
	uint8_t map[64], wait[8];

	set_up();
	CHECK_EQ(fw_items_publish(fw, &items), 0);
	CHECK_EQ(load_file("etc/e820", map, sizeof(map)), 40);
	CHECK_EQ(field32(map), 0);
	CHECK_EQ(field32(map + 8), 0xc0000000);
	CHECK_EQ(field32(map + 16), 1);
	CHECK_EQ(field32(map + 24), 1); /* 4 GiB */
	CHECK_EQ(field32(map + 28), 0x40000000);
	CHECK_EQ(load_file("etc/boot-menu-wait", wait, sizeof(wait)), 2);
	CHECK_EQ(wait[0] | wait[1] << 8, 65535);
	CHECK_EQ(fw_cfg_file_key(fw, "etc/sercon-port"), 0);
	select_item(FW_CFG_BOOT_MENU);
	CHECK_EQ(next_byte(), 1);
	tear_down();
}

/* DSP0134: structures one behind the other, as many and as long as it says. */
static void test_smbios(void)
{
	static uint8_t table[4096], anchor[64];
	unsigned structures = 0, types = 0;
	uint32_t size, at = 0;

	set_up();
	CHECK_EQ(smbios_publish(fw, 64u << 20, 0), 0);
	size = load_file("etc/smbios/smbios-tables", table, sizeof(table));
	CHECK_EQ(load_file("etc/smbios/smbios-anchor", anchor, sizeof(anchor)), 31);
	CHECK(!memcmp(anchor, "_SM_", 4) && !memcmp(anchor + 16, "_DMI_", 5));
	CHECK_EQ(anchor[5], 31);
	CHECK_EQ(anchor[22] | anchor[23] << 8, size);
	while (at + 4 < size) {
		types |= table[at] < 32 ? 1u << table[at] : 0;
		structures++;
		for (at += table[at + 1]; at + 1 < size && (table[at] || table[at + 1]); at++)
			;
		at += 2;
	}
	CHECK_EQ(at, size);
	CHECK_EQ(structures, anchor[28] | anchor[29] << 8);
	CHECK_EQ(types, 1u << 0 | 1u << 1 | 1u << 3 | 1u << 4 | 1u << 16 | 1u << 17 | 1u << 19);
	tear_down();
}

UNIT_MAIN("fw_cfg", {"items", test_items}, {"directory", test_directory},
	  {"directory full", test_directory_full}, {"DMA", test_dma}, {"fuzz", test_fuzz},
	  {"ACPI tables", test_acpi_tables}, {"memory map", test_memory_map},
	  {"SMBIOS", test_smbios})
