/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The VGA's registers at ports 3B0-3DF (IBM PS/2 Hardware Interface Technical
 * Reference, "Video Subsystem"; 3B4, 3B5 and 3BA with a monochrome, 3D4, 3D5
 * and 3DA with a colour selection in the miscellaneous output register).
 *
 * Every register is a byte; the bus splits OUT DX,AX into index and data. What
 * a write may change in the picture is only noted here and worked out at the
 * next refresh. The vertical retrace interrupt is left out: PCI adapters do
 * not drive IRQ 2, and its status bit reads as zero.
 */
#include "base/log.h"
#include "devices/vga_state.h"

#define PORT_CRTC_INDEX_MONO 0x3b4
#define PORT_CRTC_DATA_MONO 0x3b5
#define PORT_STATUS_MONO 0x3ba
#define PORT_AC 0x3c0
#define PORT_AC_READ 0x3c1
#define PORT_MISC_WRITE 0x3c2 /* read: input status 0 */
#define PORT_SUBSYSTEM 0x3c3
#define PORT_SEQ_INDEX 0x3c4
#define PORT_SEQ_DATA 0x3c5
#define PORT_DAC_MASK 0x3c6
#define PORT_DAC_READ_INDEX 0x3c7 /* read: DAC state */
#define PORT_DAC_WRITE_INDEX 0x3c8
#define PORT_DAC_DATA 0x3c9
#define PORT_FEATURE_READ 0x3ca
#define PORT_MISC_READ 0x3cc
#define PORT_GC_INDEX 0x3ce
#define PORT_GC_DATA 0x3cf
#define PORT_CRTC_INDEX 0x3d4
#define PORT_CRTC_DATA 0x3d5
#define PORT_STATUS 0x3da

#define STATUS0_SWITCH_SENSE 0x10 /* the DAC's comparator sees a monitor */
#define DAC_STATE_READ 0x03
#define DAC_STATE_WRITE 0x00
#define AC_INDEX_BITS 0x1f
#define AC_PALETTE_COUNT 16
#define CRTC_OVERFLOW_LINE_COMPARE 0x10

/* Bits that exist in each register; the others read as zero. */
static const uint8_t seq_bits[SEQ_COUNT] = {0x03, 0x3d, 0x0f, 0x3f, 0x0e};
static const uint8_t gc_bits[GC_COUNT] = {0x0f, 0x0f, 0x0f, 0x1f, 0x03, 0x7b, 0x0f, 0x0f, 0xff};
static const uint8_t ac_bits[AC_COUNT] = {0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f,
					  0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f,
					  0x3f, 0x3f, 0xef, 0xff, 0x3f, 0x0f, 0x0f};

/* Stores; tells whether the value is another one. */
static bool store(uint8_t *reg, uint8_t value)
{
	bool changed = *reg != value;

	*reg = value;
	return changed;
}

static void seq_write(struct vga *v, uint8_t value)
{
	unsigned i = v->seq_index;

	if (i >= SEQ_COUNT || !store(&v->seq[i], value & seq_bits[i]))
		return;
	if (i == SEQ_CLOCKING || i == SEQ_CHARACTER_MAP || i == SEQ_MEMORY_MODE)
		v->regs_dirty = true;
	vga_memory_mode_changed(v);
}

static void gc_write(struct vga *v, uint8_t value)
{
	unsigned i = v->gc_index;

	if (i >= GC_COUNT || !store(&v->gc[i], value & gc_bits[i]))
		return;
	if (i == GC_MODE || i == GC_MISC)
		v->regs_dirty = true;
	vga_memory_mode_changed(v);
}

static void crtc_write(struct vga *v, uint8_t value)
{
	unsigned i = v->crtc_index;

	if (i >= CRTC_COUNT)
		return;
	if (i <= CRTC_OVERFLOW && v->crtc[CRTC_V_RETRACE_END] & CRTC_PROTECT) {
		if (i != CRTC_OVERFLOW)
			return;
		value = (uint8_t)((v->crtc[i] & ~CRTC_OVERFLOW_LINE_COMPARE) |
				  (value & CRTC_OVERFLOW_LINE_COMPARE));
	}
	if (store(&v->crtc[i], value))
		v->regs_dirty = true;
}

/* One port for index and data in turn; the flip-flop is reset by 3DA reads. */
static void ac_write(struct vga *v, uint8_t value)
{
	unsigned i = v->ac_index & AC_INDEX_BITS;

	v->ac_data_next = !v->ac_data_next;
	if (v->ac_data_next) {
		if ((v->ac_index ^ value) & AC_INDEX_VIDEO)
			v->regs_dirty = true;
		v->ac_index = value & (AC_INDEX_BITS | AC_INDEX_VIDEO);
		return;
	}
	if (i >= AC_COUNT || !store(&v->ac[i], value & ac_bits[i]))
		return;
	v->regs_dirty = true;
	v->palette_dirty = true;
}

static void dac_write(struct vga *v, uint8_t value)
{
	if (!(v->vbe[VBE_ENABLE] & VBE_8BIT_DAC))
		value &= 0x3f;
	v->dac_pending[v->dac_component++] = value;
	if (v->dac_component < 3)
		return;
	v->dac_component = 0;
	if (memcmp(&v->dac[3 * v->dac_write_index], v->dac_pending, 3)) {
		memcpy(&v->dac[3 * v->dac_write_index], v->dac_pending, 3);
		v->palette_dirty = true;
	}
	v->dac_write_index++;
}

static uint8_t dac_read(struct vga *v)
{
	uint8_t value = v->dac[3 * v->dac_read_index + v->dac_component];

	if (++v->dac_component == 3) {
		v->dac_component = 0;
		v->dac_read_index++;
	}
	return value;
}

/* The CRTC and status ports that the miscellaneous register has moved away. */
static bool port_is_hidden(const struct vga *v, uint16_t port)
{
	if (v->misc & MISC_COLOUR)
		return port < PORT_AC;
	return port >= 0x3d0;
}

uint8_t vga_port_read(struct vga *v, uint16_t port)
{
	if (port_is_hidden(v, port))
		return 0xff;
	switch (port) {
	case PORT_AC:
		return v->ac_index;
	case PORT_AC_READ:
		return (v->ac_index & AC_INDEX_BITS) < AC_COUNT ?
			       v->ac[v->ac_index & AC_INDEX_BITS] : 0;
	case PORT_MISC_WRITE:
		return STATUS0_SWITCH_SENSE;
	case PORT_SUBSYSTEM:
		return v->subsystem;
	case PORT_SEQ_INDEX:
		return v->seq_index;
	case PORT_SEQ_DATA:
		return v->seq_index < SEQ_COUNT ? v->seq[v->seq_index] : 0;
	case PORT_DAC_MASK:
		return v->dac_mask;
	case PORT_DAC_READ_INDEX:
		return v->dac_state;
	case PORT_DAC_WRITE_INDEX:
		return v->dac_write_index;
	case PORT_DAC_DATA:
		return dac_read(v);
	case PORT_FEATURE_READ:
		return v->feature;
	case PORT_MISC_READ:
		return v->misc;
	case PORT_GC_INDEX:
		return v->gc_index;
	case PORT_GC_DATA:
		return v->gc_index < GC_COUNT ? v->gc[v->gc_index] : 0;
	case PORT_CRTC_INDEX_MONO:
	case PORT_CRTC_INDEX:
		return v->crtc_index;
	case PORT_CRTC_DATA_MONO:
	case PORT_CRTC_DATA:
		return v->crtc_index < CRTC_COUNT ? v->crtc[v->crtc_index] : 0;
	case PORT_STATUS_MONO:
	case PORT_STATUS:
		v->ac_data_next = 0;
		return vga_input_status(v);
	default:
		return 0xff;
	}
}

static void misc_write(struct vga *v, uint8_t value)
{
	if (!store(&v->misc, value))
		return;
	v->regs_dirty = true;
	vga_memory_mode_changed(v);
}

static void dac_index_write(struct vga *v, uint8_t *index, uint8_t value, uint8_t state)
{
	*index = value;
	v->dac_component = 0;
	v->dac_state = state;
}

void vga_port_write(struct vga *v, uint16_t port, uint8_t value)
{
	if (port_is_hidden(v, port))
		return;
	switch (port) {
	case PORT_AC:
		ac_write(v, value);
		break;
	case PORT_MISC_WRITE:
		misc_write(v, value);
		break;
	case PORT_SUBSYSTEM:
		v->subsystem = value & 1;
		break;
	case PORT_SEQ_INDEX:
		v->seq_index = value & 0x07;
		break;
	case PORT_SEQ_DATA:
		seq_write(v, value);
		break;
	case PORT_DAC_MASK:
		if (store(&v->dac_mask, value))
			v->palette_dirty = true;
		break;
	case PORT_DAC_READ_INDEX:
		dac_index_write(v, &v->dac_read_index, value, DAC_STATE_READ);
		break;
	case PORT_DAC_WRITE_INDEX:
		dac_index_write(v, &v->dac_write_index, value, DAC_STATE_WRITE);
		break;
	case PORT_DAC_DATA:
		dac_write(v, value);
		break;
	case PORT_GC_INDEX:
		v->gc_index = value & 0x0f;
		break;
	case PORT_GC_DATA:
		gc_write(v, value);
		break;
	case PORT_CRTC_INDEX_MONO:
	case PORT_CRTC_INDEX:
		v->crtc_index = value & 0x1f;
		break;
	case PORT_CRTC_DATA_MONO:
	case PORT_CRTC_DATA:
		crtc_write(v, value);
		break;
	case PORT_STATUS_MONO:
	case PORT_STATUS:
		v->feature = value & 0x0b;
		break;
	default:
		LOG(LOG_GUEST, "vga: write of %#x to port %#x, which has no register", value,
		    port);
		break;
	}
}

static uint32_t isa_port_read(void *opaque, uint16_t port, unsigned size)
{
	return vga_port_read(opaque, port);
}

static void isa_port_write(void *opaque, uint16_t port, uint32_t value, unsigned size)
{
	vga_port_write(opaque, port, (uint8_t)value);
}

static const struct port_ops vga_port_ops = {isa_port_read, isa_port_write, 1};

/* What is claimed: not 3BC-3BF, where a printer port may be. */
static const struct {
	uint16_t base, count;
} claims[] = {
	{PORT_CRTC_INDEX_MONO, 2}, {PORT_STATUS_MONO, 1}, {PORT_AC, 16},
	{PORT_CRTC_INDEX, 2}, {PORT_STATUS, 1},
};

void vga_claim_ports(struct vga *v)
{
	for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++)
		bus_claim_ports(v->bus, claims[i].base, claims[i].count, &vga_port_ops, v);
}

void vga_release_ports(struct vga *v)
{
	for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++)
		bus_release_ports(v->bus, claims[i].base, claims[i].count, v);
}
