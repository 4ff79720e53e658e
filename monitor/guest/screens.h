/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the menu offers besides the self test. Each runs until the user leaves.
 */
#ifndef GUEST_SCREENS_H
#define GUEST_SCREENS_H

void show_text(void);
void show_plasma(void);     /* VBE 800x600, 32 bits */
void show_mandelbrot(void); /* mode 13h, 256 colours */
void show_keyboard(void);
void show_mouse(void);
void show_information(void);

#endif
