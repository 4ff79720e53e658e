/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the build makes of the sources in this folder and blobs.S carries. */
#ifndef MONITOR_BLOBS_H
#define MONITOR_BLOBS_H

#include <stdint.h>

extern const uint8_t blob_dsdt[], blob_dsdt_end[];             /* dsdt.asl */
extern const uint8_t blob_kernel_rom[], blob_kernel_rom_end[]; /* rom/kernel.asm */

#endif
