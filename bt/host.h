/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the translator needs of the host's processor. */
#ifndef BT_HOST_H
#define BT_HOST_H

#include <stdbool.h>

/* What emitted code uses beyond x86-64: BMI2 (RORX), and BMI1 and LZCNT for guests that count zeros. */
bool host_can_translate(void);

#endif
