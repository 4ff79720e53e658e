// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the soak has a program do that gcc has built in the guest: forks, signals, threads'
 * worth of address spaces, mprotect(2), code that it writes itself, memory beyond what the
 * machine has. Each part prints a number that is the same on every engine.
 */
#include <math.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096u

static uint32_t hash = 2166136261u;

static void mix(uint32_t v)
{
	hash = (hash ^ v) * 16777619u;
}

static void say(const char *what)
{
	printf("soak: %s %08x\n", what, hash);
	fflush(stdout);
}

/* Children compute, some are killed; copy-on-write keeps the parent's memory. */
static void forks(void)
{
	uint32_t *shared = mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (unsigned n = 0; n < 200; n++) {
		int status;
		pid_t child = fork();

		if (child == 0) {
			for (unsigned i = 0; i < 64; i++)
				shared[i * PAGE / 4] = n * i;
			if (n % 7 == 0)
				raise(SIGKILL);
			_exit((int)(shared[n % 64 * PAGE / 4] & 0x7f));
		}
		waitpid(child, &status, 0);
		mix((uint32_t)status);
		mix(shared[n % 64 * PAGE / 4]);
	}
	munmap(shared, 64 * PAGE);
	say("forks");
}

static volatile unsigned ticks, faults;
static uint8_t *guarded;

static void on_tick(int sig)
{
	ticks++;
}

static void on_fault(int sig, siginfo_t *info, void *context)
{
	faults++;
	mprotect((void *)((uintptr_t)info->si_addr & -PAGE), PAGE, PROT_READ | PROT_WRITE);
}

/* A timer's signals interrupt a computation, whose result has to be right. */
static void signals(void)
{
	struct itimerval every = {{0, 2000}, {0, 2000}}, never = {0};
	double x = 0;
	uint32_t n = 1;

	signal(SIGALRM, on_tick);
	setitimer(ITIMER_REAL, &every, NULL);
	for (unsigned i = 1; i < 20000000 || ticks < 20; i++)
		if (i < 20000000) {
			n = n * 1664525u + 1013904223u;
			x += sqrt((double)(n >> 8)) / i;
		}
	setitimer(ITIMER_REAL, &never, NULL);
	mix(n);
	mix((uint32_t)(x * 1000));
	say("signals");
}

static void protections(void)
{
	struct sigaction a = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};

	guarded = mmap(NULL, 256 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	sigaction(SIGSEGV, &a, NULL);
	for (unsigned round = 0; round < 20; round++) {
		for (unsigned i = 0; i < 256; i++)
			guarded[i * PAGE + round] += (uint8_t)(i + round);
		mprotect(guarded, 256 * PAGE, PROT_READ);
	}
	for (unsigned i = 0; i < 256; i++)
		mix(guarded[i * PAGE + i % 20]);
	mix(faults);
	munmap(guarded, 256 * PAGE);
	signal(SIGSEGV, SIG_DFL);
	say("mprotect");
}

/* mov eax, n; imul eax, [esp+4]; ret: written anew, run, and moved. */
static void own_code(void)
{
	for (unsigned place = 0; place < 40; place++) {
		uint8_t *code = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
				     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		for (uint32_t n = 0; n < 200; n++) {
			uint8_t *at = code + n % 4 * 64;
			uint8_t text[] = {0xb8, 0, 0, 0, 0, 0x0f, 0xaf, 0x44, 0x24, 0x04, 0xc3};
			uint32_t v = n * 77 + place, sum = 0;

			memcpy(text + 1, &v, 4);
			memcpy(at, text, sizeof(text));
			for (uint32_t i = 0; i < 300; i++)
				sum += ((uint32_t(*)(uint32_t))(uintptr_t)at)(i);
			mix(sum);
		}
		munmap(code, PAGE);
	}
	say("own code");
}

static void memory(unsigned mib)
{
	uint32_t pages = mib * 256, sum = 0;
	uint32_t *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		exit(1);
	for (unsigned round = 1; round <= 2; round++)
		for (uint32_t i = 0; i < pages; i++)
			p[i * 1024 + i % 1024] += i * round;
	for (uint32_t i = 0; i < pages; i++)
		sum += p[i * 1024 + i % 1024];
	mix(sum);
	munmap(p, pages * PAGE);
	say("memory");
}

int main(int argc, char **argv)
{
	forks();
	signals();
	protections();
	own_code();
	memory(argc > 1 ? (unsigned)atoi(argv[1]) : 16);
	return 0;
}
