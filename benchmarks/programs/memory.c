/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory: libc's block functions, and what the kernel does for a page, after
 * lmbench's lat_mmap, lat_pagefault and lat_sig.
 */
#include "bench.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE	  4096
#define BLOCK	  (64 << 10)
#define MAP_PAGES 256

static char source[BLOCK], target[BLOCK];

/* ---- memcpy, memset: 64 KiB ---- */

static void memcpy_prepare(void)
{
	memset(source, 1, BLOCK);
}

static void memcpy_run(long n)
{
	while (n--) {
		memcpy(target, source, BLOCK);
		__asm__ volatile("" ::: "memory");
	}
}

static void memset_run(long n)
{
	while (n--) {
		memset(target, (int)n, BLOCK);
		__asm__ volatile("" ::: "memory");
	}
}

static volatile char *map(int pages)
{
	char *p =
	    mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		fail("mmap");
	return p;
}

/* ---- mmap: a page's share of mapping 256, writing to each, unmapping ---- */

static void mmap_run(long n)
{
	for (; n > 0; n -= MAP_PAGES) {
		int pages = n < MAP_PAGES ? n : MAP_PAGES;
		volatile char *p = map(pages);

		for (int i = 0; i < pages; i++)
			p[i * PAGE] = 1;
		munmap((void *)p, pages * PAGE);
	}
}

/* ---- page_fault: one page of a mapping that stays, given back and touched ---- */

static volatile char *fault_pages;

static void page_fault_prepare(void)
{
	fault_pages = map(MAP_PAGES);
}

static void page_fault_run(long n)
{
	for (; n > 0; n -= MAP_PAGES) {
		int pages = n < MAP_PAGES ? n : MAP_PAGES;

		madvise((void *)fault_pages, MAP_PAGES * PAGE, MADV_DONTNEED);
		for (int i = 0; i < pages; i++)
			fault_pages[i * PAGE] = 1;
	}
}

/* ---- protection_fault: a write to a read-only page, to a handler and back ---- */

static volatile long faults_left;
static char *protected_page;

static void on_fault(int number)
{
	(void)number;
	if (--faults_left <= 0)
		mprotect(protected_page, PAGE, PROT_READ | PROT_WRITE);
}

static void protection_fault_prepare(void)
{
	struct sigaction action = {.sa_handler = on_fault};

	sigaction(SIGSEGV, &action, NULL);
	protected_page = (char *)map(1);
	*protected_page = 1;
}

/* The instruction faults again until the handler lets it through. */
static void protection_fault_run(long n)
{
	faults_left = n;
	mprotect(protected_page, PAGE, PROT_READ);
	*(volatile char *)protected_page = 2;
}

const struct row memory_rows[] = {
    {"memcpy", memcpy_prepare, memcpy_run, NULL},
    {"memset", NULL, memset_run, NULL},
    {"mmap", NULL, mmap_run, NULL},
    {"page_fault", page_fault_prepare, page_fault_run, NULL},
    {"protection_fault", protection_fault_prepare, protection_fault_run, NULL},
    {0},
};
