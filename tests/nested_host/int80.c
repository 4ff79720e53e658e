/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Says whether the host's kernel has IA32 emulation: 0 if INT 80h is a system call, which
 * 64-bit code can make as well, and 1 if it is the #GP of an IDT entry that is not there.
 */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#define SYS_GETPID 20L /* of i386 */

static void without(int signal)
{
	static const char line[] = "the host has no IA32 emulation\n";

	(void)signal;
	_exit(write(STDOUT_FILENO, line, sizeof(line) - 1) < 0 ? 2 : 1);
}

int main(void)
{
	long result = SYS_GETPID;

	signal(SIGSEGV, without);
	__asm__ volatile("int $0x80" : "+a"(result) : : "memory", "r8", "r9", "r10", "r11");
	if (result != getpid())
		return 2;
	puts("the host has IA32 emulation");
	return 0;
}
