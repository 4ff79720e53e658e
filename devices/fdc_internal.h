/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the floppy controller share: registers and phases (fdc.c),
 * the command table and commands without data (fdc_commands.c), and reading,
 * writing and formatting (fdc_transfer.c).
 */
#ifndef DEVICES_FDC_INTERNAL_H
#define DEVICES_FDC_INTERNAL_H

#include "devices/fdc.h"

#define FDC_DMA_CHANNEL 2
#define FDC_UNITS 4 /* that a command can name; only two have drives */
#define FDC_CYLINDER_BYTES (2 * FLOPPY_MAX_SECTORS * FLOPPY_SECTOR)
#define FDC_LAST_TRACK 84 /* where the head stops */

/* Main status register (82077AA 2.1.5). */
#define MSR_RQM 0x80u
#define MSR_DIO 0x40u /* to the host */
#define MSR_NON_DMA 0x20u
#define MSR_BUSY 0x10u

/* Status registers 0-3 (chapter 6). */
#define ST0_ABNORMAL 0x40u
#define ST0_INVALID 0x80u
#define ST0_POLLED 0xc0u /* after a reset */
#define ST0_SEEK_END 0x20u
#define ST0_EQUIPMENT 0x10u /* no track 0 */
#define ST1_END_OF_CYLINDER 0x80u
#define ST1_DATA_ERROR 0x20u
#define ST1_NO_DATA 0x04u
#define ST1_NOT_WRITABLE 0x02u
#define ST1_NO_MARK 0x01u
#define ST2_CONTROL_MARK 0x40u
#define ST2_DATA_ERROR 0x20u
#define ST2_WRONG_CYLINDER 0x10u
#define ST3_PROTECTED 0x40u
#define ST3_READY 0x20u
#define ST3_TRACK_0 0x10u
#define ST3_TWO_SIDES 0x08u

enum fdc_phase {
	FDC_COMMAND, /* takes the bytes of a command */
	FDC_EXECUTE, /* busy: a timer, the back end or DMA goes on */
	FDC_PIO_IN,  /* non-DMA: the host reads data */
	FDC_PIO_OUT, /* non-DMA: the host writes data */
	FDC_RESULT,  /* gives result bytes */
};

enum fdc_operation { FDC_READ, FDC_WRITE, FDC_FORMAT, FDC_VERIFY, FDC_READ_ID };

struct fdc_drive {
	struct blockdev *blk; /* NULL: no drive */
	const struct floppy_geometry *geometry; /* of the medium; NULL: none */
	uint8_t type;     /* enum floppy_drive_type */
	uint8_t track;    /* where the head really is */
	bool changed;     /* DSKCHG: until the head steps over a medium */
	uint8_t rotation; /* last sector that READ ID saw pass */
};

/* What the controller keeps for each unit it can seek. */
struct fdc_unit {
	uint8_t pcn;     /* present cylinder number: where it thinks the head is */
	uint8_t target;
	bool seeking, recalibrating;
	bool interrupt;  /* for SENSE INTERRUPT STATUS */
	uint8_t st0;     /* that it will report */
};

struct fdc_transfer {
	uint8_t operation; /* enum fdc_operation */
	uint8_t unit;
	bool multi_track;
	bool one_sector;  /* READ DELETED DATA ends at the first mark of another kind */
	uint8_t id_c, id_h, id_n; /* as the command gave them */
	uint8_t head;     /* that is reading */
	uint8_t sector;   /* now; counts from 1 */
	uint8_t last;     /* EOT */
	uint8_t cylinder; /* of the medium */
	uint16_t pos;     /* bytes of the sector that have been moved */
	uint8_t first[2], end[2]; /* per head: sectors written, [first, end) */
	uint8_t fill, sectors_left; /* FORMAT TRACK, VERIFY */
	uint8_t st1, st2; /* of the result, once all is written */
	bool waiting;     /* for DMA */
	bool in_flight;   /* req is with the back end */
};

struct fdc {
	struct bus *bus;
	struct clock *clock;
	struct dma *dma;
	struct irq_line irq;
	bool irq_level, interrupt; /* on the wire; pending */

	uint8_t dor, tdr, rate; /* rate: of CCR and DSR */
	uint8_t phase;          /* enum fdc_phase */
	uint8_t fifo[16];       /* command, then result */
	uint8_t fifo_pos, fifo_len;
	uint8_t srt_hut, hlt;   /* as SPECIFY gave them; HLT with ND in bit 0 */
	uint8_t config, pretrk, perpendicular;
	bool lock;
	uint8_t last_eot;       /* of the last command, for DUMPREG */

	struct fdc_drive drives[FDC_DRIVES];
	struct fdc_unit units[FDC_UNITS];
	struct fdc_transfer transfer;
	struct timer reset_timer, seek_timers[FDC_UNITS], transfer_timer;
	struct block_request req;
	uint8_t buffer[FDC_CYLINDER_BYTES]; /* the cylinder under the heads */
};

/* ---- fdc.c ---- */
/* The drive of a unit, or NULL. */
struct fdc_drive *fdc_drive_of(struct fdc *f, unsigned unit);
void fdc_raise_irq(struct fdc *f);
void fdc_drop_irq(struct fdc *f);
/* Ends a command with so many bytes in the FIFO, 0: no result phase. */
void fdc_result(struct fdc *f, unsigned bytes);
/* The host has to move data by itself (SPECIFY's ND bit). */
bool fdc_non_dma(const struct fdc *f);
bool fdc_dma_gate(const struct fdc *f);

/* ---- fdc_commands.c ---- */
/* How many bytes a command has in all, by its first one. */
unsigned fdc_command_length(uint8_t first);
void fdc_execute(struct fdc *f);
void fdc_seek_timer(void *opaque, unsigned unit);
/* Moves the head by so many tracks. */
void fdc_step(struct fdc_drive *d, int steps);

/* ---- fdc_transfer.c ---- */
void fdc_cmd_read(struct fdc *f);
void fdc_cmd_read_deleted(struct fdc *f);
void fdc_cmd_read_track(struct fdc *f);
void fdc_cmd_write(struct fdc *f);
void fdc_cmd_verify(struct fdc *f);
void fdc_cmd_format(struct fdc *f);
void fdc_cmd_read_id(struct fdc *f);
void fdc_transfer_timer(void *opaque);
/* The DMA channel can go on. */
void fdc_transfer_ready(void *opaque);
/* Data by the host, one byte. */
uint8_t fdc_pio_read(struct fdc *f);
void fdc_pio_write(struct fdc *f, uint8_t value);
/* Calls off what is under way, without a result. */
void fdc_transfer_abort(struct fdc *f);
/* The medium has gone while a transfer was under way. */
void fdc_transfer_lost_medium(struct fdc *f, unsigned unit);

#endif
