/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the translator needs of the host's processor. */
#ifndef BT_HOST_H
#define BT_HOST_H

#include <stdbool.h>
#include <stdint.h>

/* What emitted code uses beyond x86-64: BMI2 (RORX). */
bool host_can_translate(void);

/*
 * Makes base the calling thread's GS base, through which windows are accessed;
 * nobody else in the process uses GS. 0: leaves it as it is.
 */
void host_set_window(uint64_t base);

#endif
