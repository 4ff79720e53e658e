/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Raw mode of the terminal. A process has one terminal, and its settings have
 * to be put back whatever way the process ends, so that this state is the
 * process's and not a machine's. Changed by the thread that opens the back
 * ends and by the signal thread, one after the other.
 */
#include "monitor/terminal.h"

#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

static struct {
	bool taken, registered;
	struct termios before, raw;
} terminal;

void terminal_restore(void)
{
	if (terminal.taken)
		tcsetattr(STDIN_FILENO, TCSANOW, &terminal.before);
}

void terminal_resume(void)
{
	/* In the background the terminal is the shell's. */
	if (terminal.taken && tcgetpgrp(STDIN_FILENO) == getpgrp())
		tcsetattr(STDIN_FILENO, TCSANOW, &terminal.raw);
}

void terminal_raw(bool signals)
{
	struct termios *raw = &terminal.raw;

	if (!terminal.taken && tcgetattr(STDIN_FILENO, &terminal.before) < 0)
		return;
	*raw = terminal.before;
	raw->c_iflag &= ~(tcflag_t)(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
	/* Messages of our own end in a bare line feed. */
	raw->c_oflag |= OPOST | ONLCR;
	raw->c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | IEXTEN | ISIG);
	if (signals)
		raw->c_lflag |= ISIG;
	raw->c_cflag = (raw->c_cflag & ~(tcflag_t)(CSIZE | PARENB)) | CS8;
	raw->c_cc[VMIN] = 1;
	raw->c_cc[VTIME] = 0;
	terminal.taken = true;
	terminal_resume();
	if (!terminal.registered) {
		terminal.registered = true;
		atexit(terminal_restore);
	}
}
