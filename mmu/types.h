/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Address types: never mix them silently with each other or host pointers. */
#ifndef MMU_TYPES_H
#define MMU_TYPES_H

#include <stdint.h>

typedef uint32_t gva_t; /* guest linear address (after segmentation) */
typedef uint64_t gpa_t; /* guest physical address (36 bits under PAE) */

#define PAGE_SHIFT 12
#define PAGE_SIZE 4096u
#define PAGE_MASK (~(uint32_t)(PAGE_SIZE - 1))

#endif
