/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The terminal Transvisor was started in: raw while a guest's line is on it,
 * as it was before at exit and while the process is stopped.
 */
#ifndef MONITOR_TERMINAL_H
#define MONITOR_TERMINAL_H

#include <stdbool.h>

/*
 * Makes the terminal on stdin raw (nothing happens where there is none).
 * signals: Ctrl-C, Ctrl-Z and Ctrl-\ still send signals.
 */
void terminal_raw(bool signals);
/* As it was before terminal_raw(). Also runs at exit(). */
void terminal_restore(void);
/* Raw again after terminal_restore(), if it was raw then. */
void terminal_resume(void);

#endif
