/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the translator needs of the host's processor. */
#ifndef BT_HOST_H
#define BT_HOST_H

#include <stdbool.h>

/* What emitted code uses beyond x86-64: BMI2 (RORX). */
bool host_can_translate(void);

#endif
