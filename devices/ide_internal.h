/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the IDE controller share: the channel with its registers
 * (ide.c), the bus master (ide_dma.c), disks (ata*.c) and CD drives (atapi*.c).
 * The PCI function (piix3_ide.c) holds two channels.
 */
#ifndef DEVICES_IDE_INTERNAL_H
#define DEVICES_IDE_INTERNAL_H

#include <sys/uio.h>

#include "devices/ide.h"

#define ATA_SECTOR 512u
#define CD_SECTOR 2048u
#define CD_RAW_SECTOR 2352u /* with sync, header and codes */
#define IDE_BUFFER_SIZE (128u * 1024)
/* Even with segments of 2 bytes, a CD sector then fits into one gathering. */
#define IDE_DMA_SEGMENTS 1024u

/* Status (ATA/ATAPI-6 7.15). */
#define ATA_BSY 0x80u
#define ATA_DRDY 0x40u
#define ATA_DF 0x20u
#define ATA_DSC 0x10u
#define ATA_DRQ 0x08u
#define ATA_ERR 0x01u /* CHK for packet devices */

/* Error (ATA/ATAPI-6 7.9). */
#define ATA_UNC 0x40u
#define ATA_IDNF 0x10u
#define ATA_ABRT 0x04u

/* Device (7.7) and Device Control (7.8). */
#define ATA_DEV 0x10u
#define ATA_LBA 0x40u
#define ATA_HEAD 0x0fu
#define ATA_CONTROL_NIEN 0x02u
#define ATA_CONTROL_SRST 0x04u
#define ATA_CONTROL_HOB 0x80u

struct ide_channel;
struct ide_drive;

enum ide_phase {
	IDE_IDLE,    /* waits for a command */
	IDE_PIO_IN,  /* the host reads buffer[pos, end) */
	IDE_PIO_OUT, /* the host writes buffer[pos, end) */
	IDE_DMA,     /* the bus master moves data, or is waited for */
	IDE_BACKEND, /* the back end is at work on drive.req */
};

/* What a disk and a CD drive do differently. */
struct ide_drive_ops {
	void (*command)(struct ide_drive *d, uint8_t command);
	/* The host has moved all of buffer[pos, end). */
	void (*block_done)(struct ide_drive *d);
	/* drive.req is done; error is 0 or -errno. */
	void (*io_done)(struct ide_drive *d, int error);
	/* All of a DMA transfer has been moved, or the back end failed. */
	void (*dma_done)(struct ide_drive *d, int error);
	/* hard: power-on or RESET#; else SRST or DEVICE RESET. */
	void (*reset)(struct ide_drive *d, bool hard);
	/* Loads the registers with the signature; see 9.12. */
	void (*signature)(struct ide_drive *d);
	void (*media_changed)(struct ide_drive *d);
};

/* The registers through which a command gets its parameters. */
struct ide_taskfile {
	uint8_t feature, count, low, mid, high;
};

struct ide_sense {
	uint8_t key, asc, ascq;
};

struct ide_disk {
	struct ide_geometry current; /* for CHS addresses; cylinders unused */
	uint64_t lba;     /* next sector to be moved to or from the back end */
	uint32_t left;    /* sectors still to be moved to or from it */
	uint32_t filled;  /* bytes of the buffer in use */
	uint32_t block;   /* sectors a DRQ block */
	uint32_t multiple; /* as SET MULTIPLE MODE said; 0: off */
	uint8_t transfer_mode; /* as SET FEATURES 03h said */
	bool extended;    /* the command has 48-bit addresses */
	bool writing, flushing;
	bool write_cache, look_ahead, standby;
};

struct ide_cd {
	uint8_t packet[12]; /* ATAPI_PACKET_BYTES */
	struct ide_sense sense;
	bool attention_reset, attention_medium; /* unit attentions to report */
	uint8_t media_event; /* for GET EVENT STATUS NOTIFICATION */
	bool dma;            /* the packet's data phase */
	bool packet_phase;   /* the 12 bytes are being written */
	uint32_t limit;      /* byte count limit of a DRQ block */
	uint32_t filled;     /* bytes of the buffer to be given to the host */
	uint32_t lba, left;  /* sectors still to be read */
	uint32_t in_flight;  /* sectors being read into the buffer */
	uint32_t sector_size; /* 2048, or 2352 of READ CD */
	uint32_t transfer_mode;
};

struct ide_drive {
	struct ide_channel *channel;
	const struct ide_drive_ops *ops; /* NULL: no such drive */
	struct blockdev *blk;
	unsigned number; /* 0-3 in the whole controller */
	bool is_cd;

	struct ide_taskfile regs, older; /* older: what HOB shows */
	uint8_t device, error, status;
	bool intrq; /* wants an interrupt */
	uint8_t phase; /* enum ide_phase */
	uint32_t pos, end; /* the DRQ block in the buffer */
	struct block_request req;
	struct ide_disk disk; /* of the two, what it is */
	struct ide_cd cd;
	uint8_t buffer[IDE_BUFFER_SIZE];
};

struct ide_dma_segment {
	uint32_t address, length;
};

/* The bus master of a channel (SFF-8038i) and the transfer it is to do. */
struct ide_dma {
	uint8_t command, status; /* registers */
	uint32_t table;          /* descriptor table pointer */
	uint32_t next;           /* descriptor to fetch next */
	uint32_t address, length; /* what is left of the fetched one */
	bool last;               /* it had EOT set */

	struct ide_drive *drive; /* that wants a transfer; NULL: none does */
	bool to_memory;
	bool from_buffer;  /* else between memory and the medium */
	uint64_t offset;   /* on the medium, or in the buffer */
	uint64_t left;     /* bytes */
	uint32_t granule;  /* bytes of a sector */

	bool running, again; /* ide_dma_run() has been entered once more */
	bool in_flight, bounced;
	uint32_t chunk;      /* bytes in flight */
	unsigned segment_count;
	struct ide_dma_segment segments[IDE_DMA_SEGMENTS];
	struct iovec iov[IDE_DMA_SEGMENTS];
	struct block_request req;
};

struct ide_channel {
	struct bus *bus;
	struct pci_device *pci;
	struct irq_line irq;
	uint16_t command_base, control_base;
	bool decoded;     /* the ports are claimed */
	uint8_t selected; /* DEV: 0 or 1 */
	uint8_t control;  /* Device Control */
	bool irq_level;
	struct ide_drive drives[2];
	struct ide_dma dma;
};

/* ---- ide.c ---- */
void ide_channel_init(struct ide_channel *ch, const struct piix3_ide_wiring *w, unsigned n,
		      struct pci_device *pci);
/* Claims or releases the channel's ports. */
void ide_channel_decode(struct ide_channel *ch, bool on);
void ide_channel_reset(struct ide_channel *ch);
/* Ends whatever the drive is doing. */
void ide_drive_abort(struct ide_drive *d);
/* EXECUTE DEVICE DIAGNOSTIC, which both drives of a channel do. */
void ide_diagnose(struct ide_channel *ch);
/* Sets the interrupt wire from the selected drive and nIEN. */
void ide_update_irq(struct ide_channel *ch);
void ide_raise_irq(struct ide_drive *d);
/* Opens a DRQ block of buffer[pos, end). */
void ide_pio_block(struct ide_drive *d, enum ide_phase phase, uint32_t pos, uint32_t end);
/* Starts a back-end request from or into the buffer; ops->io_done follows. */
void ide_submit(struct ide_drive *d, int op, uint64_t offset, void *buf, size_t len);

/* ---- ide_dma.c ---- */
#define IDE_DMA_INTERRUPT 0x04u /* in ide_dma.status */

extern const struct port_ops ide_dma_ports; /* opaque: struct ide_channel[2] */
void ide_dma_reset(struct ide_channel *ch);
/* Starts a transfer between guest memory and the drive's medium. */
void ide_dma_medium(struct ide_drive *d, bool to_memory, uint64_t offset, uint64_t len,
		    uint32_t granule);
/* Starts a transfer of buffer[0, len) to guest memory. */
void ide_dma_buffer(struct ide_drive *d, uint32_t len);
/* Goes on with a transfer, when the guest has allowed it. */
void ide_dma_run(struct ide_channel *ch);
void ide_dma_abort(struct ide_drive *d);

/* ---- ata.c ---- */
#define ATA_MAX_MULTIPLE 16u
#define ATA_UDMA_5 0x45u /* transfer mode, as SET FEATURES codes it */

extern const struct ide_drive_ops ata_ops;
uint64_t ata_sectors(const struct ide_drive *d);
/* Ends of commands: well, with these bits in Error, as an unknown one. */
void ata_done(struct ide_drive *d);
void ata_failed(struct ide_drive *d, uint8_t error);
void ata_abort(struct ide_drive *d);
/* The sector that the registers name; beyond any disk if there is none. */
uint64_t ata_get_address(const struct ide_drive *d, bool extended);
/* Makes the registers name the sector at which a command ended. */
void ata_set_address(struct ide_drive *d, uint64_t lba);
/* Takes the range from the registers; ends the command if it is not there. */
bool ata_take_range(struct ide_drive *d, bool extended);
/* All of it has been moved. */
void ata_range_done(struct ide_drive *d);
/* Transfers of the range in the registers, in blocks of so many sectors. */
void ata_start_read(struct ide_drive *d, bool extended, uint32_t block);
void ata_start_write(struct ide_drive *d, bool extended, uint32_t block);
void ata_start_dma(struct ide_drive *d, bool extended, bool write);
/* Hands the first sector of the buffer to the host. */
void ata_send_sector(struct ide_drive *d);
void ata_flush(struct ide_drive *d);

/* ---- ata_commands.c, ata_identify.c ---- */
void ata_command(struct ide_drive *d, uint8_t command);
void ata_identify(const struct ide_drive *d, uint8_t *out);
/* Puts a string into IDENTIFY words: blank-padded, bytes swapped. */
void ata_put_string(uint8_t *words, const char *text, unsigned length);

/* ---- atapi*.c ---- */
#define ATAPI_PACKET_BYTES 12u

/* Sense keys (SPC-3 4.5.6) and additional codes. */
enum { SENSE_NONE, SENSE_NOT_READY = 2, SENSE_MEDIUM = 3, SENSE_ILLEGAL = 5, SENSE_ATTENTION = 6 };
#define ASC_READ_ERROR 0x11, 0x00
#define ASC_INVALID_COMMAND 0x20, 0x00
#define ASC_LBA_OUT_OF_RANGE 0x21, 0x00
#define ASC_INVALID_FIELD 0x24, 0x00
#define ASC_MEDIUM_CHANGED 0x28, 0x00
#define ASC_RESET 0x29, 0x00
#define ASC_NO_MEDIUM_TRAY_CLOSED 0x3a, 0x01
#define ASC_NO_MEDIUM_TRAY_OPEN 0x3a, 0x02
#define ASC_REMOVAL_PREVENTED 0x53, 0x02
#define ASC_ILLEGAL_MODE 0x64, 0x00

extern const struct ide_drive_ops atapi_ops;
void atapi_identify(const struct ide_drive *d, uint8_t *out);
/* Takes the packet from the buffer and carries it out. */
void atapi_run_packet(struct ide_drive *d);
/* Ends a packet command well, or with CHECK CONDITION. */
void atapi_done(struct ide_drive *d);
void atapi_check(struct ide_drive *d, uint8_t key, uint8_t asc, uint8_t ascq);
/* Sends buffer[0, len), cut to the allocation length, and ends well. */
void atapi_reply(struct ide_drive *d, uint32_t len, uint32_t allocated);
/* Reads sectors of the medium and sends them. */
void atapi_read(struct ide_drive *d, uint32_t lba, uint32_t count, uint32_t sector_size);
uint32_t atapi_sectors(const struct ide_drive *d);
/* A medium that can be read, else CHECK CONDITION and false. */
bool atapi_ready(struct ide_drive *d);

/* The eject button: asks the guest, by way of a media event. */
void atapi_eject_requested(void *opaque);

/* Media events (MMC-3 table 195). */
enum { ATAPI_EVENT_NONE, ATAPI_EVENT_EJECT, ATAPI_EVENT_NEW, ATAPI_EVENT_REMOVED };

/* Handlers that the table in atapi_packet.c names. */
void atapi_cmd_inquiry(struct ide_drive *d);
void atapi_cmd_mode_sense(struct ide_drive *d);
void atapi_cmd_get_configuration(struct ide_drive *d);
void atapi_cmd_get_event_status(struct ide_drive *d);
void atapi_cmd_mechanism_status(struct ide_drive *d);
void atapi_cmd_read_disc_information(struct ide_drive *d);
void atapi_cmd_read_track_information(struct ide_drive *d);
void atapi_cmd_read_toc(struct ide_drive *d);
void atapi_cmd_read_subchannel(struct ide_drive *d);
void atapi_cmd_read_dvd_structure(struct ide_drive *d);

static inline uint16_t get_be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t get_be32(const uint8_t *p)
{
	return (uint32_t)get_be16(p) << 16 | get_be16(p + 2);
}

static inline void put_be16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void put_be32(uint8_t *p, uint32_t v)
{
	put_be16(p, (uint16_t)(v >> 16));
	put_be16(p + 2, (uint16_t)v);
}

static inline void put_le16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

#endif
