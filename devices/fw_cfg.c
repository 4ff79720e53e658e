/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fw_cfg, as QEMU's docs/specs/fw_cfg.rst describes it for the PC.
 *
 *   510 (word, write)  selector: 15 architecture-local | 14 write | 13:0 item
 *   511 (byte, read)   next byte of the selected item; zeros past its end
 *   514 (2 x 32, BE)   address of a DMA command; writing the low half runs it.
 *                      Reads as "QEMU CFG".
 *
 *   DMA command in guest memory, big-endian:
 *   0 control: 31:16 selector | 4 write | 3 select | 2 skip | 1 read | 0 error
 *   4 length   8 address
 *
 * A command is done when the OUT returns. The guest may change nothing:
 * writes answer with the error bit.
 */
#include "devices/fw_cfg.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define SELECTOR_PORT 0x510
#define SELECTOR_PORTS 2
#define DMA_PORT 0x514
#define DMA_PORTS 8

#define KEY_ITEM 0x3fff
#define KEY_ARCH_LOCAL 0x8000
#define GENERIC_ITEMS (FW_CFG_FILE_FIRST + FW_CFG_FILES)
#define ARCH_ITEMS 8

#define ID_TRADITIONAL 1u
#define ID_DMA 2u

#define DMA_ERROR 0x01u
#define DMA_READ 0x02u
#define DMA_SKIP 0x04u
#define DMA_SELECT 0x08u
#define DMA_WRITE 0x10u
#define DMA_CHUNK 65536u
#define DMA_ANYWHERE (16u << 20) /* bytes that may also go to device memory */
#define FOUR_GIB 0x100000000ull

static const char dma_signature[DMA_PORTS] = {'Q', 'E', 'M', 'U', ' ', 'C', 'F', 'G'};

struct item {
	uint8_t *bytes; /* owned; NULL where read is given */
	uint32_t len;
	fw_cfg_read_fn *read;
	void *opaque;
};

/* An entry of the directory, as the guest reads it. */
struct dir_entry {
	uint32_t size;   /* big-endian */
	uint16_t select; /* big-endian */
	uint16_t reserved;
	char name[FW_CFG_NAME_SIZE];
};
_Static_assert(sizeof(struct dir_entry) == 64, "fw_cfg.rst: FWCfgFile");

struct directory {
	uint32_t count; /* big-endian */
	struct dir_entry entries[FW_CFG_FILES];
};

struct dma_command {
	uint32_t control, length;
	uint64_t address;
};

struct fw_cfg {
	struct bus *bus;
	struct item items[GENERIC_ITEMS];
	struct item arch_items[ARCH_ITEMS];
	struct directory dir;
	unsigned files;
	uint8_t *chunk;    /* DMA_CHUNK bytes on their way to the guest */
	uint16_t selector; /* as written */
	uint32_t offset;   /* of the next byte of the selected item */
	uint32_t dma_high; /* upper half of the command's address */
};

/* ---- Items ---- */

static struct item *item_of_key(struct fw_cfg *f, uint16_t key)
{
	unsigned n = key & KEY_ITEM;

	if (key & KEY_ARCH_LOCAL)
		return n < ARCH_ITEMS ? &f->arch_items[n] : NULL;
	return n < GENERIC_ITEMS ? &f->items[n] : NULL;
}

int fw_cfg_add_bytes(struct fw_cfg *f, uint16_t key, const void *data, uint32_t len)
{
	struct item *item = item_of_key(f, key);
	uint8_t *bytes = malloc(len ? len : 1);

	if (!item || !bytes) {
		free(bytes);
		return -1;
	}
	if (len)
		memcpy(bytes, data, len);
	free(item->bytes);
	*item = (struct item){.bytes = bytes, .len = len};
	return 0;
}

int fw_cfg_add_u16(struct fw_cfg *f, uint16_t key, uint16_t value)
{
	value = htole16(value);
	return fw_cfg_add_bytes(f, key, &value, sizeof(value));
}

int fw_cfg_add_u32(struct fw_cfg *f, uint16_t key, uint32_t value)
{
	value = htole32(value);
	return fw_cfg_add_bytes(f, key, &value, sizeof(value));
}

int fw_cfg_add_u64(struct fw_cfg *f, uint16_t key, uint64_t value)
{
	value = htole64(value);
	return fw_cfg_add_bytes(f, key, &value, sizeof(value));
}

/* ---- Files ---- */

static struct dir_entry *find_entry(const struct fw_cfg *f, const char *name)
{
	for (unsigned i = 0; i < f->files; i++)
		if (!strcmp(f->dir.entries[i].name, name))
			return (struct dir_entry *)&f->dir.entries[i];
	return NULL;
}

uint16_t fw_cfg_file_key(const struct fw_cfg *f, const char *name)
{
	const struct dir_entry *e = find_entry(f, name);

	return e ? be16toh(e->select) : 0;
}

/* The entry of that name, made if need be; NULL: no room. */
static struct dir_entry *make_entry(struct fw_cfg *f, const char *name)
{
	struct dir_entry *e = find_entry(f, name);

	if (e)
		return e;
	if (f->files == FW_CFG_FILES || strlen(name) >= FW_CFG_NAME_SIZE)
		return NULL;
	e = &f->dir.entries[f->files];
	strcpy(e->name, name);
	e->select = htobe16((uint16_t)(FW_CFG_FILE_FIRST + f->files));
	f->files++;
	return e;
}

static int publish_entry(struct fw_cfg *f, struct dir_entry *e, uint32_t len)
{
	e->size = htobe32(len);
	f->dir.count = htobe32(f->files);
	return fw_cfg_add_bytes(f, FW_CFG_FILE_DIR, &f->dir, sizeof(f->dir));
}

int fw_cfg_add_file(struct fw_cfg *f, const char *name, const void *data, uint32_t len)
{
	struct dir_entry *e = make_entry(f, name);

	if (!e || fw_cfg_add_bytes(f, be16toh(e->select), data, len) < 0)
		return -1;
	return publish_entry(f, e, len);
}

int fw_cfg_add_file_reader(struct fw_cfg *f, const char *name, uint32_t len,
			   fw_cfg_read_fn *read, void *opaque)
{
	struct dir_entry *e = make_entry(f, name);
	struct item *item = e ? item_of_key(f, be16toh(e->select)) : NULL;

	if (!item)
		return -1;
	free(item->bytes);
	*item = (struct item){.len = len, .read = read, .opaque = opaque};
	return publish_entry(f, e, len);
}

/* ---- Reading ---- */

static void fw_cfg_select(struct fw_cfg *f, uint16_t key)
{
	f->selector = key;
	f->offset = 0;
}

/* The next len bytes of the selected item, zeros past its end. */
static void take_bytes(struct fw_cfg *f, uint8_t *buf, uint32_t len)
{
	const struct item *item = item_of_key(f, f->selector);
	uint32_t left = item && f->offset < item->len ? item->len - f->offset : 0;
	uint32_t n = len < left ? len : left;

	if (n && item->read)
		item->read(item->opaque, f->offset, buf, n);
	else if (n)
		memcpy(buf, item->bytes + f->offset, n);
	memset(buf + n, 0, len - n);
	f->offset += n;
}

static uint32_t data_read(void *opaque, uint16_t port, unsigned size)
{
	uint8_t byte = 0;

	if (size != 1 || port != SELECTOR_PORT + 1)
		return 0xffff;
	take_bytes(opaque, &byte, 1);
	return byte;
}

static void selector_write(void *opaque, uint16_t port, uint32_t value, unsigned size)
{
	if (size == 2)
		fw_cfg_select(opaque, (uint16_t)value);
}

/* ---- DMA ---- */

/* One past the last byte of RAM. */
static gpa_t ram_top(struct fw_cfg *f)
{
	struct physmem *pm = bus_physmem(f->bus);
	uint64_t low = physmem_ram_below_4g(pm), size = physmem_ram_size(pm);

	return size > low ? FOUR_GIB + size - low : low;
}

/*
 * How much of a transfer is worth doing: 4 GiB to where no RAM is would keep us
 * busy for a second, as often as the guest likes.
 */
static uint32_t dma_useful_length(struct fw_cfg *f, gpa_t to, uint32_t len)
{
	gpa_t top = ram_top(f);

	if (len <= DMA_ANYWHERE)
		return len;
	if (to >= top)
		return 0;
	return len < top - to ? len : (uint32_t)(top - to);
}

static void dma_copy_out(struct fw_cfg *f, gpa_t to, uint32_t len)
{
	len = dma_useful_length(f, to, len);
	while (len) {
		uint32_t n = len < DMA_CHUNK ? len : DMA_CHUNK;

		take_bytes(f, f->chunk, n);
		bus_dma_write(f->bus, to, f->chunk, n);
		to += n;
		len -= n;
	}
}

static void dma_skip(struct fw_cfg *f, uint32_t len)
{
	const struct item *item = item_of_key(f, f->selector);
	uint32_t left = item && f->offset < item->len ? item->len - f->offset : 0;

	f->offset += len < left ? len : left;
}

static void dma_run(struct fw_cfg *f, gpa_t at)
{
	struct dma_command c;
	uint32_t control, result = 0;

	bus_dma_read(f->bus, at, &c, sizeof(c));
	control = be32toh(c.control);
	if (control & DMA_SELECT)
		fw_cfg_select(f, (uint16_t)(control >> 16));
	if (control & DMA_READ)
		dma_copy_out(f, be64toh(c.address), be32toh(c.length));
	else if (control & DMA_WRITE)
		result = DMA_ERROR;
	else if (control & DMA_SKIP)
		dma_skip(f, be32toh(c.length));
	result = htobe32(result);
	bus_dma_write(f->bus, at, &result, sizeof(result));
}

static uint32_t dma_read(void *opaque, uint16_t port, unsigned size)
{
	uint32_t value = 0;

	for (unsigned i = 0; i < size; i++)
		value |= (uint32_t)(uint8_t)dma_signature[port - DMA_PORT + i] << 8 * i;
	return value;
}

static void dma_write(void *opaque, uint16_t port, uint32_t value, unsigned size)
{
	struct fw_cfg *f = opaque;
	gpa_t at;

	if (size != 4)
		return;
	if (port == DMA_PORT) {
		f->dma_high = be32toh(value);
		return;
	}
	at = (gpa_t)f->dma_high << 32 | be32toh(value);
	f->dma_high = 0;
	dma_run(f, at);
}

static const struct port_ops selector_ops = {data_read, selector_write, 2};
static const struct port_ops dma_ops = {dma_read, dma_write, 4};

/* ---- The device ---- */

static void fw_cfg_reset(void *state)
{
	struct fw_cfg *f = state;

	fw_cfg_select(f, FW_CFG_SIGNATURE);
	f->dma_high = 0;
}

static void fw_cfg_destroy(void *state)
{
	struct fw_cfg *f = state;

	if (!f)
		return;
	bus_release_ports(f->bus, SELECTOR_PORT, SELECTOR_PORTS, f);
	bus_release_ports(f->bus, DMA_PORT, DMA_PORTS, f);
	for (unsigned i = 0; i < GENERIC_ITEMS; i++)
		free(f->items[i].bytes);
	for (unsigned i = 0; i < ARCH_ITEMS; i++)
		free(f->arch_items[i].bytes);
	free(f->chunk);
	free(f);
}

struct fw_cfg *fw_cfg_create(const struct fw_cfg_wiring *w)
{
	struct fw_cfg *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->bus = w->bus;
	f->chunk = malloc(DMA_CHUNK);
	bus_claim_ports(w->bus, SELECTOR_PORT, SELECTOR_PORTS, &selector_ops, f);
	bus_claim_ports(w->bus, DMA_PORT, DMA_PORTS, &dma_ops, f);
	if (!f->chunk || fw_cfg_add_bytes(f, FW_CFG_SIGNATURE, "QEMU", 4) < 0 ||
	    fw_cfg_add_u32(f, FW_CFG_ID, ID_TRADITIONAL | ID_DMA) < 0 ||
	    fw_cfg_add_bytes(f, FW_CFG_FILE_DIR, &f->dir, sizeof(f->dir)) < 0) {
		fw_cfg_destroy(f);
		return NULL;
	}
	return f;
}

static const struct field fw_cfg_fields[] = {
	FIELD(struct fw_cfg, selector),
	FIELD(struct fw_cfg, offset),
	FIELD(struct fw_cfg, dma_high),
	FIELD_END,
};

const struct device_class fw_cfg_class = {
	.name = "fw_cfg",
	.version = 1,
	.reset = fw_cfg_reset,
	.destroy = fw_cfg_destroy,
	.fields = fw_cfg_fields,
};
