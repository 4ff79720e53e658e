/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Decoding. Zydis finds the instruction's parts (prefixes, ModRM, SIB,
 * displacement, immediates) and whether it is legal; which row of the
 * instruction table it is follows from map, opcode, mandatory prefix and ModRM.
 */
#include "cpu/decode.h"

#include <Zydis/Zydis.h>
#include <stdlib.h>

#include "cpu/decode_cache.h"
#include "cpu/table.h"

#define NO_ROW 0xffff
#define MAPS 4

struct decoder {
	ZydisDecoder zydis[2]; /* 16-bit, 32-bit code */
	/* Rows of one map and opcode: a chain in table order. */
	uint16_t first[MAPS][256];
	uint16_t *next;
	struct decode_cache *cache;
};

static void index_rows(struct decoder *d)
{
	for (unsigned m = 0; m < MAPS; m++)
		for (unsigned o = 0; o < 256; o++)
			d->first[m][o] = NO_ROW;
	for (unsigned i = insn_table_rows; i-- > 0;) {
		uint16_t *first = &d->first[insn_table[i].map][insn_table[i].opcode];

		d->next[i] = *first;
		*first = (uint16_t)i;
	}
}

struct decoder *decoder_create(void)
{
	/* Extensions that reuse encodings older processors execute otherwise. */
	static const ZydisDecoderMode off[] = {ZYDIS_DECODER_MODE_LZCNT, ZYDIS_DECODER_MODE_TZCNT,
					       ZYDIS_DECODER_MODE_CET, ZYDIS_DECODER_MODE_MPX,
					       ZYDIS_DECODER_MODE_WBNOINVD,
					       ZYDIS_DECODER_MODE_CLDEMOTE};
	struct decoder *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->next = calloc(insn_table_rows, sizeof(*d->next));
	d->cache = calloc(1, sizeof(*d->cache));
	if (!d->next || !d->cache) {
		decoder_destroy(d);
		return NULL;
	}
	ZydisDecoderInit(&d->zydis[0], ZYDIS_MACHINE_MODE_LEGACY_16, ZYDIS_STACK_WIDTH_16);
	ZydisDecoderInit(&d->zydis[1], ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32);
	for (unsigned i = 0; i < sizeof(off) / sizeof(off[0]); i++) {
		ZydisDecoderEnableMode(&d->zydis[0], off[i], ZYAN_FALSE);
		ZydisDecoderEnableMode(&d->zydis[1], off[i], ZYAN_FALSE);
	}
	index_rows(d);
	return d;
}

void decoder_destroy(struct decoder *d)
{
	if (!d)
		return;
	free(d->cache);
	free(d->next);
	free(d);
}

uint64_t decoder_cache_hits(const struct decoder *d)
{
	return d->cache->hits;
}

/* What the legacy prefixes say; of each group the last one counts. */
struct prefixes {
	int segment; /* enum seg_reg or -1 */
	uint8_t rep; /* 0, 0xf2, 0xf3 */
	bool operand, address, lock;
};

static struct prefixes read_prefixes(const ZydisDecodedInstruction *z)
{
	struct prefixes p = {.segment = -1};

	for (unsigned i = 0; i < z->raw.prefix_count; i++) {
		switch (z->raw.prefixes[i].value) {
		case 0x26:
			p.segment = ES;
			break;
		case 0x2e:
			p.segment = CS;
			break;
		case 0x36:
			p.segment = SS;
			break;
		case 0x3e:
			p.segment = DS;
			break;
		case 0x64:
			p.segment = FS;
			break;
		case 0x65:
			p.segment = GS;
			break;
		case 0x66:
			p.operand = true;
			break;
		case 0x67:
			p.address = true;
			break;
		case 0xf0:
			p.lock = true;
			break;
		case 0xf2:
		case 0xf3:
			p.rep = z->raw.prefixes[i].value;
			break;
		}
	}
	return p;
}

static int table_map(ZydisOpcodeMap map)
{
	switch (map) {
	case ZYDIS_OPCODE_MAP_DEFAULT:
		return M1;
	case ZYDIS_OPCODE_MAP_0F:
		return M2;
	case ZYDIS_OPCODE_MAP_0F38:
		return M38;
	case ZYDIS_OPCODE_MAP_0F3A:
		return M3A;
	default:
		return -1;
	}
}

static bool row_matches(const struct insn_row *row, uint8_t mandatory, uint8_t modrm)
{
	if (row->prefix != ANY && row->prefix != mandatory)
		return false;
	if (row->ext == XN)
		return true;
	if (row->ext >= 0xc0)
		return modrm == row->ext;
	if (row->ext < XR && row->ext != (modrm >> 3 & 7))
		return false;
	return row->mod == BOTH || (row->mod == REG) == (modrm >= 0xc0);
}

static uint16_t find_row(const struct decoder *d, const ZydisDecodedInstruction *z,
			 const struct prefixes *p, uint8_t modrm)
{
	int map = table_map(z->opcode_map);
	uint8_t mandatory = p->rep == 0xf3 ? PF3 : p->rep == 0xf2 ? PF2 : p->operand ? P66 : NP;
	uint16_t row;

	if (map < 0 || z->encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY)
		return NO_ROW;
	row = d->first[map][z->opcode];
	while (row != NO_ROW && !row_matches(&insn_table[row], mandatory, modrm))
		row = d->next[row];
	return row;
}

/* ModRM with 16-bit addresses (SDM 2A table 2-1). Returns the default segment. */
static uint8_t memory_operand_16(struct insn *in, unsigned mod, unsigned rm)
{
	static const uint8_t base[8] = {EBX, EBX, EBP, EBP, ESI, EDI, EBP, EBX};
	static const uint8_t index[8] = {ESI,	   EDI,	     ESI,      EDI,
					 GPR_ZERO, GPR_ZERO, GPR_ZERO, GPR_ZERO};

	in->base = mod == 0 && rm == 6 ? GPR_ZERO : base[rm];
	in->index = index[rm];
	return in->base == EBP ? SS : DS;
}

/* ModRM and SIB with 32-bit addresses (tables 2-2 and 2-3). */
static uint8_t memory_operand_32(struct insn *in, unsigned mod, unsigned rm,
				 const ZydisDecodedInstruction *z)
{
	in->base = (uint8_t)rm;
	if (rm == 4) {
		in->base = z->raw.sib.base;
		if (z->raw.sib.index != 4) {
			in->index = z->raw.sib.index;
			in->scale = z->raw.sib.scale;
		}
	}
	if (in->base == EBP && mod == 0)
		in->base = GPR_ZERO;
	return in->base == ESP || in->base == EBP ? SS : DS;
}

static void take_operands(struct insn *in, const ZydisDecodedInstruction *z,
			  const struct prefixes *p, bool address32)
{
	unsigned mod = z->raw.modrm.mod, rm = z->raw.modrm.rm;
	bool has_modrm = z->attributes & ZYDIS_ATTRIB_HAS_MODRM;
	uint8_t segment = DS;

	in->base = in->index = GPR_ZERO;
	in->reg = z->opcode & 7;
	if (has_modrm) {
		in->modrm = (uint8_t)(mod << 6 | z->raw.modrm.reg << 3 | rm);
		in->reg = z->raw.modrm.reg;
		in->rm = (uint8_t)rm;
		in->rm_is_memory = mod != 3;
	}
	if (in->rm_is_memory)
		segment = address32 ? memory_operand_32(in, mod, rm, z)
				    : memory_operand_16(in, mod, rm);
	in->seg = p->segment >= 0 ? (uint8_t)p->segment : segment;
	in->disp = (uint32_t)z->raw.disp.value;
	in->imm = (uint32_t)z->raw.imm[0].value.u;
	in->imm2 = (uint16_t)z->raw.imm[1].value.u;
	in->address_mask = address32 ? 0xffffffff : 0xffff;
}

static enum decode_status status_of(ZyanStatus s, unsigned available)
{
	if (s == ZYDIS_STATUS_NO_MORE_DATA)
		return available >= INSN_MAX_LENGTH ? DECODE_TOO_LONG : DECODE_MORE;
	return s == ZYDIS_STATUS_INSTRUCTION_TOO_LONG ? DECODE_TOO_LONG : DECODE_UD;
}

enum decode_status decode_insn_anew(const struct decoder *d, const uint8_t *bytes,
				    unsigned available, bool code32, struct insn *out)
{
	ZydisDecodedInstruction z;
	struct prefixes p;
	const struct insn_row *row;
	ZyanStatus s = ZydisDecoderDecodeInstruction(&d->zydis[code32], NULL, bytes, available, &z);

	if (!ZYAN_SUCCESS(s))
		return status_of(s, available);
	p = read_prefixes(&z);
	*out = (struct insn){.length = z.length,
			     .opcode = z.opcode,
			     .operand32 = code32 != p.operand,
			     .rep = p.rep == 0xf3   ? REP_REPE
				    : p.rep == 0xf2 ? REP_REPNE
						    : REP_NONE,
			     .lock = p.lock};
	take_operands(out, &z, &p, code32 != p.address);
	out->row = find_row(d, &z, &p, out->modrm);
	if (out->row == NO_ROW)
		return DECODE_UD;
	row = &insn_table[out->row];
	out->exec = row->exec[out->rm_is_memory][out->operand32];
	/* REP can stop half-way for an interrupt, by leaving its block. */
	out->ends_block = row->ends_block || (row->class == STRING && out->rep != REP_NONE);
	return DECODE_OK;
}

enum decode_status decode_insn(const struct decoder *d, const uint8_t *bytes, unsigned available,
			       bool code32, struct insn *out)
{
	struct decode_cache_entry *e = NULL;
	struct decode_form f;
	enum decode_status s;
	unsigned length;

	if (code32)
		e = decode_cache_entry(d->cache, bytes, available, &f);
	if (!e)
		return decode_insn_anew(d, bytes, available, code32, out);
	length = f.head + f.disp + f.imm;
	if (e->key == f.key && e->insn.length == length) {
		decode_cache_take(e, bytes, &f, out);
		d->cache->hits++;
		return DECODE_OK;
	}
	s = decode_insn_anew(d, bytes, available, code32, out);
	if (s == DECODE_OK && out->length == length) {
		e->key = f.key;
		e->insn = *out;
	}
	return s;
}
