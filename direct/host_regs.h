/* SPDX-License-Identifier: GPL-2.0-or-later */
/* <sys/user.h>, which has names of its own for what mmu/types.h calls the same. */
#ifndef DIRECT_HOST_REGS_H
#define DIRECT_HOST_REGS_H

#pragma push_macro("PAGE_SHIFT")
#pragma push_macro("PAGE_SIZE")
#pragma push_macro("PAGE_MASK")
#undef PAGE_SHIFT
#undef PAGE_SIZE
#undef PAGE_MASK
#include <sys/user.h>
#undef PAGE_SHIFT
#undef PAGE_SIZE
#undef PAGE_MASK
#pragma pop_macro("PAGE_SHIFT")
#pragma pop_macro("PAGE_SIZE")
#pragma pop_macro("PAGE_MASK")

#endif
