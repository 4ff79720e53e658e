/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SMBIOS 2.8 structures (DMTF DSP0134): the required ones, types 0, 1, 3, 4, 16,
 * 17, 19, 32 and 127. SeaBIOS places the table and fills in address and
 * checksums of the entry point.
 *
 * A structure is a formatted part and the strings that it numbers from 1, each
 * ending in NUL, the last in two.
 */
#include "monitor/smbios.h"

#include <assert.h>
#include <string.h>

#ifndef TRANSVISOR_VERSION
#define TRANSVISOR_VERSION "0.1.0"
#endif

#define MAKER "Transvisor"
#define PRODUCT "Transvisor PC (i440FX + PIIX3)"
#define BIOS_DATE "04/01/2014" /* SeaBIOS's own */

#define TABLE_SIZE 2048u
#define MIB (1024u * 1024u)
#define KIB 1024u
#define FOUR_GIB 0x100000000ull
#define NO_HANDLE 0xffff
#define NO_ERROR_HANDLE 0xfffe
#define UNKNOWN_WIDTH 0xffff
#define SIZE_IS_EXTENDED 0x7fff

/* ORDER: none; unique numbers that structures refer to each other by. */
enum smbios_handle {
	HANDLE_BIOS = 0x000,
	HANDLE_SYSTEM = 0x100,
	HANDLE_CHASSIS = 0x300,
	HANDLE_PROCESSOR = 0x400,
	HANDLE_MEMORY_ARRAY = 0x1000,
	HANDLE_MEMORY_DEVICE = 0x1100,
	HANDLE_MEMORY_LOW = 0x1300,
	HANDLE_MEMORY_HIGH = 0x1301,
	HANDLE_BOOT = 0x2000,
	HANDLE_END = 0x7f00,
};

struct smbios_header {
	uint8_t type, length;
	uint16_t handle;
} __attribute__((packed));

struct bios_information { /* 7.1 */
	struct smbios_header header;
	uint8_t vendor, version;
	uint16_t segment;
	uint8_t date, rom_size;
	uint64_t characteristics;
	uint8_t extension[2], release[2], controller_release[2];
} __attribute__((packed));
_Static_assert(sizeof(struct bios_information) == 0x18, "DSP0134 7.1");
#define BIOS_NO_CHARACTERISTICS 0x08u
#define BIOS_VIRTUAL_MACHINE 0x10u /* extension byte 2 */

struct system_information { /* 7.2 */
	struct smbios_header header;
	uint8_t manufacturer, product, version, serial;
	uint8_t uuid[16];
	uint8_t wake_up, sku, family;
} __attribute__((packed));
_Static_assert(sizeof(struct system_information) == 0x1b, "DSP0134 7.2");
#define WAKE_UP_POWER_SWITCH 6

struct chassis { /* 7.4 */
	struct smbios_header header;
	uint8_t manufacturer, type, version, serial, asset;
	uint8_t boot_state, power_state, thermal_state, security;
	uint32_t oem;
	uint8_t height, cords, elements, element_length, sku;
} __attribute__((packed));
_Static_assert(sizeof(struct chassis) == 0x16, "DSP0134 7.4");
#define CHASSIS_OTHER 1
#define STATE_SAFE 3
#define SECURITY_UNKNOWN 2

struct processor { /* 7.5 */
	struct smbios_header header;
	uint8_t socket, type, family, manufacturer;
	uint64_t id;
	uint8_t version, voltage;
	uint16_t external_clock, max_speed, speed;
	uint8_t status, upgrade;
	uint16_t cache[3];
	uint8_t serial, asset, part, cores, enabled_cores, threads;
	uint16_t characteristics, family2;
} __attribute__((packed));
_Static_assert(sizeof(struct processor) == 0x2a, "DSP0134 7.5");
#define PROCESSOR_CENTRAL 3
#define PROCESSOR_OTHER 1
#define PROCESSOR_ENABLED 0x41
#define PROCESSOR_CHARACTERISTICS_UNKNOWN 0x0002

struct memory_array { /* 7.17 */
	struct smbios_header header;
	uint8_t location, use, correction;
	uint32_t capacity_kib;
	uint16_t error_handle, devices;
	uint64_t extended_capacity;
} __attribute__((packed));
_Static_assert(sizeof(struct memory_array) == 0x17, "DSP0134 7.17");
#define LOCATION_OTHER 1
#define USE_SYSTEM_MEMORY 3
#define CORRECTION_NONE 3
#define CAPACITY_IS_EXTENDED 0x80000000u

struct memory_device { /* 7.18 */
	struct smbios_header header;
	uint16_t array, error_handle, total_width, data_width, size_mib;
	uint8_t form, set, locator, bank, type;
	uint16_t detail, speed;
	uint8_t manufacturer, serial, asset, part, attributes;
	uint32_t extended_size_mib;
	uint16_t configured_speed, voltages[3];
} __attribute__((packed));
_Static_assert(sizeof(struct memory_device) == 0x28, "DSP0134 7.18");
#define FORM_DIMM 9
#define MEMORY_RAM 7
#define DETAIL_OTHER 2

struct mapped_address { /* 7.20 */
	struct smbios_header header;
	uint32_t start_kib, end_kib;
	uint16_t array;
	uint8_t partition_width;
	uint64_t extended_start, extended_end;
} __attribute__((packed));
_Static_assert(sizeof(struct mapped_address) == 0x1f, "DSP0134 7.20");

struct boot_information { /* 7.33 */
	struct smbios_header header;
	uint8_t reserved[6], status;
} __attribute__((packed));

struct entry_point { /* 5.2.1 */
	char anchor[4];
	uint8_t checksum, length, major, minor;
	uint16_t max_structure;
	uint8_t revision, formatted[5];
	char dmi_anchor[5];
	uint8_t dmi_checksum;
	uint16_t table_length;
	uint32_t table_address;
	uint16_t structures;
	uint8_t bcd_revision;
} __attribute__((packed));
_Static_assert(sizeof(struct entry_point) == 0x1f, "DSP0134 5.2.1");

struct builder {
	uint8_t table[TABLE_SIZE];
	uint16_t used, structures, longest;
};

/* Appends a formatted part and its strings; the header is filled in here. */
static void append(struct builder *b, uint8_t type, uint16_t handle, void *formatted,
		   uint8_t length, const char *const *strings)
{
	struct smbios_header *h = formatted;
	uint16_t start = b->used;

	*h = (struct smbios_header){.type = type, .length = length, .handle = handle};
	assert(b->used + length + 2u <= TABLE_SIZE);
	memcpy(b->table + b->used, formatted, length);
	b->used += length;
	for (; strings && *strings; strings++) {
		size_t len = strlen(*strings) + 1;

		assert(b->used + len + 2 <= TABLE_SIZE);
		memcpy(b->table + b->used, *strings, len);
		b->used = (uint16_t)(b->used + len);
	}
	/* The end: one NUL behind strings, two where there are none. */
	if (b->used == start + length)
		b->table[b->used++] = 0;
	b->table[b->used++] = 0;
	b->structures++;
	if (b->used - start > b->longest)
		b->longest = (uint16_t)(b->used - start);
}

static void append_bios(struct builder *b)
{
	static const char *const strings[] = {"SeaBIOS", TRANSVISOR_VERSION, BIOS_DATE, NULL};
	struct bios_information s = {.vendor = 1,
				     .version = 2,
				     .segment = 0xe800,
				     .date = 3,
				     .characteristics = BIOS_NO_CHARACTERISTICS,
				     .extension = {0, BIOS_VIRTUAL_MACHINE}};

	append(b, 0, HANDLE_BIOS, &s, sizeof(s), strings);
}

static void append_system(struct builder *b)
{
	static const char *const strings[] = {MAKER, PRODUCT, TRANSVISOR_VERSION, NULL};
	struct system_information s = {
		.manufacturer = 1, .product = 2, .version = 3, .wake_up = WAKE_UP_POWER_SWITCH};

	append(b, 1, HANDLE_SYSTEM, &s, sizeof(s), strings);
}

static void append_chassis(struct builder *b)
{
	static const char *const strings[] = {MAKER, TRANSVISOR_VERSION, NULL};
	struct chassis s = {.manufacturer = 1,
			    .type = CHASSIS_OTHER,
			    .version = 2,
			    .boot_state = STATE_SAFE,
			    .power_state = STATE_SAFE,
			    .thermal_state = STATE_SAFE,
			    .security = SECURITY_UNKNOWN};

	append(b, 3, HANDLE_CHASSIS, &s, sizeof(s), strings);
}

static void append_processor(struct builder *b)
{
	static const char *const strings[] = {"CPU 0", MAKER, TRANSVISOR_VERSION, NULL};
	struct processor s = {.socket = 1,
			      .type = PROCESSOR_CENTRAL,
			      .family = PROCESSOR_OTHER,
			      .manufacturer = 2,
			      .version = 3,
			      .status = PROCESSOR_ENABLED,
			      .upgrade = PROCESSOR_OTHER,
			      .cache = {NO_HANDLE, NO_HANDLE, NO_HANDLE},
			      .cores = 1,
			      .enabled_cores = 1,
			      .threads = 1,
			      .characteristics = PROCESSOR_CHARACTERISTICS_UNKNOWN,
			      .family2 = PROCESSOR_OTHER};

	append(b, 4, HANDLE_PROCESSOR, &s, sizeof(s), strings);
}

static void append_memory(struct builder *b, uint64_t ram)
{
	static const char *const strings[] = {"DIMM 0", MAKER, NULL};
	uint64_t kib = ram / KIB, mib = ram / MIB;
	struct memory_array a = {.location = LOCATION_OTHER,
				 .use = USE_SYSTEM_MEMORY,
				 .correction = CORRECTION_NONE,
				 .error_handle = NO_ERROR_HANDLE,
				 .devices = 1};
	struct memory_device d = {.array = HANDLE_MEMORY_ARRAY,
				  .error_handle = NO_ERROR_HANDLE,
				  .total_width = UNKNOWN_WIDTH,
				  .data_width = UNKNOWN_WIDTH,
				  .form = FORM_DIMM,
				  .locator = 1,
				  .type = MEMORY_RAM,
				  .detail = DETAIL_OTHER,
				  .manufacturer = 2};

	a.capacity_kib = kib < CAPACITY_IS_EXTENDED ? (uint32_t)kib : CAPACITY_IS_EXTENDED;
	a.extended_capacity = kib < CAPACITY_IS_EXTENDED ? 0 : ram;
	d.size_mib = mib < SIZE_IS_EXTENDED ? (uint16_t)mib : SIZE_IS_EXTENDED;
	d.extended_size_mib = mib < SIZE_IS_EXTENDED ? 0 : (uint32_t)mib;
	append(b, 16, HANDLE_MEMORY_ARRAY, &a, sizeof(a), NULL);
	append(b, 17, HANDLE_MEMORY_DEVICE, &d, sizeof(d), strings);
}

static void append_mapping(struct builder *b, uint16_t handle, uint64_t start, uint64_t size)
{
	struct mapped_address s = {.start_kib = (uint32_t)(start / KIB),
				   .end_kib = (uint32_t)((start + size) / KIB - 1),
				   .array = HANDLE_MEMORY_ARRAY,
				   .partition_width = 1};

	if (size)
		append(b, 19, handle, &s, sizeof(s), NULL);
}

static void append_end(struct builder *b)
{
	struct boot_information boot = {.status = 0};
	struct smbios_header end;

	append(b, 32, HANDLE_BOOT, &boot, sizeof(boot), NULL);
	append(b, 127, HANDLE_END, &end, sizeof(end), NULL);
}

int smbios_publish(struct fw_cfg *f, uint64_t ram_below_4g, uint64_t ram_above_4g)
{
	struct builder b = {.used = 0};
	struct entry_point e = {.anchor = {'_', 'S', 'M', '_'},
				.length = sizeof(e),
				.major = 2,
				.minor = 8,
				.dmi_anchor = {'_', 'D', 'M', 'I', '_'},
				.bcd_revision = 0x28};

	append_bios(&b);
	append_system(&b);
	append_chassis(&b);
	append_processor(&b);
	append_memory(&b, ram_below_4g + ram_above_4g);
	append_mapping(&b, HANDLE_MEMORY_LOW, 0, ram_below_4g);
	append_mapping(&b, HANDLE_MEMORY_HIGH, FOUR_GIB, ram_above_4g);
	append_end(&b);
	e.max_structure = b.longest;
	e.table_length = b.used;
	e.structures = b.structures;
	if (fw_cfg_add_file(f, "etc/smbios/smbios-tables", b.table, b.used) < 0)
		return -1;
	return fw_cfg_add_file(f, "etc/smbios/smbios-anchor", &e, sizeof(e));
}
