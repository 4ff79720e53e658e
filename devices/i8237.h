/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two 8237 DMA controllers of a PC and their page registers, as an ISA
 * device sees them: a request wire, and the transfer that an acknowledge
 * cycle would make, as many bytes at once as the device has ready.
 *
 * A device that wants to transfer raises its request and, while
 * dma_channel_ready(), calls dma_channel_read() or dma_channel_write(). When
 * the guest has the channel masked it waits: its ready callback is called as
 * soon as a requesting channel is unmasked.
 */
#ifndef DEVICES_I8237_H
#define DEVICES_I8237_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "devices/bus.h"
#include "devices/device.h"

#define DMA_CHANNELS 8 /* 0-3 move bytes, 5-7 words; 4 is the cascade */

struct dma;

struct dma_wiring {
	struct bus *bus;
};

extern const struct device_class dma_class;

/* Claims ports 00-0f, 81-8f and c0-df. NULL: no memory. */
struct dma *dma_create(const struct dma_wiring *w);

/*
 * Who is at the other end of a channel. ready is called on the machine thread,
 * from within the guest's port write, when the channel's request is up and the
 * guest unmasks it; it may transfer and drop the request. NULL: nobody.
 */
void dma_attach(struct dma *d, unsigned channel, void (*ready)(void *opaque), void *opaque);

/* DREQ: level 1 while the device wants to transfer. Calls nothing back. */
void dma_set_request(struct dma *d, unsigned channel, int level);

/* The request is up, the channel unmasked and the controller enabled. */
bool dma_channel_ready(const struct dma *d, unsigned channel);

/*
 * Moves up to len bytes on a ready channel and returns how many were moved: 0
 * when it is not ready, less than len when the count ran out. *tc tells
 * whether terminal count was reached with the last byte (may be NULL). Without
 * autoinitialise the channel masks itself at terminal count.
 *
 * read: from memory to the device (8237 "Read transfer"); write: from the
 * device to memory. When the guest has programmed the channel for verify, or
 * for the other direction, bytes are counted and no memory is touched; a read
 * then fills buf with ones. Channels 5-7 move whole words: an odd last byte
 * is left.
 */
size_t dma_channel_read(struct dma *d, unsigned channel, void *buf, size_t len, bool *tc);
size_t dma_channel_write(struct dma *d, unsigned channel, const void *buf, size_t len, bool *tc);

#endif
