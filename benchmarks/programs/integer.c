/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Integer work: loads and shifts in a tight loop (crc32), calls and returns
 * (recursion), calls through a pointer (qsort), libc's string functions, a hash
 * table, and a compressor (zlib where it is there; the copy that the whole jobs'
 * gcc compiles does without): with memory of its own each time, which is page faults
 * for the most part of what differs, and once for all.
 */
#include "bench.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef HAVE_ZLIB
#include <zlib.h>
#endif

/* ---- crc32: 4 KiB by table ---- */

static uint32_t crc_table[256];
static unsigned char crc_data[4096];

static void crc32_prepare(void)
{
	unsigned state = 1;

	for (unsigned i = 0; i < 256; i++) {
		uint32_t c = i;

		for (int bit = 0; bit < 8; bit++)
			c = c & 1 ? c >> 1 ^ 0xedb88320 : c >> 1;
		crc_table[i] = c;
	}
	for (unsigned i = 0; i < sizeof(crc_data); i++)
		crc_data[i] = next_random(&state);
}

static void crc32_run(long n)
{
	uint32_t crc = ~0u;

	while (n--)
		for (unsigned i = 0; i < sizeof(crc_data); i++)
			crc = crc_table[(crc ^ crc_data[i]) & 255] ^ crc >> 8;
	sink = crc;
}

/* ---- recursion: Fibonacci numbers the slow way, 2,583 calls ---- */

static __attribute__((noinline, noclone, optimize("no-optimize-sibling-calls"))) unsigned
fibonacci(unsigned n)
{
	return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

static void recursion_run(long n)
{
	while (n--)
		sink = fibonacci(16);
}

/* ---- qsort: 1,000 numbers ---- */

#define SORT_COUNT 1000
static int sort_source[SORT_COUNT], sort_work[SORT_COUNT];

static void qsort_prepare(void)
{
	unsigned state = 2;

	for (int i = 0; i < SORT_COUNT; i++)
		sort_source[i] = next_random(&state);
}

static int compare_ints(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;

	return (x > y) - (x < y);
}

static void qsort_run(long n)
{
	while (n--) {
		memcpy(sort_work, sort_source, sizeof(sort_work));
		qsort(sort_work, SORT_COUNT, sizeof(int), compare_ints);
	}
	sink = sort_work[SORT_COUNT / 2];
}

/* ---- strings: what a parser of configuration lines does ---- */

static void strings_run(long n)
{
	static const char *const keys[] = {"user", "path", "shell", "home", "mail"};
	char line[128], copy[128];

	while (n--) {
		unsigned found = 0;

		for (unsigned i = 0; i < 5; i++) {
			char *equals;

			snprintf(line, sizeof(line), "  %s = /usr/share/%u/%s", keys[i], i * 977,
				 keys[4 - i]);
			equals = strchr(line, '=');
			*equals = 0;
			found += strlen(equals + 1) + strspn(line, " ");
			strcpy(copy, equals + 1);
			for (char *word = strtok(copy, "/"); word; word = strtok(NULL, "/"))
				for (unsigned k = 0; k < 5; k++)
					found += !strcmp(word, keys[k]);
			found += strstr(equals + 1, "share") != NULL;
		}
		sink = found;
	}
}

/* ---- hash: FNV-1a and linear probing, 512 words in and looked up again ---- */

#define HASH_SLOTS 1024
#define HASH_WORDS 512
static char hash_words[HASH_WORDS][12];
static const char *hash_slots[HASH_SLOTS];

static void hash_prepare(void)
{
	unsigned state = 3;

	for (int i = 0; i < HASH_WORDS; i++)
		snprintf(hash_words[i], sizeof(hash_words[i]), "w%x", next_random(&state));
}

static const char **hash_find(const char *word)
{
	uint32_t h = 2166136261u;

	for (const char *c = word; *c; c++)
		h = (h ^ (unsigned char)*c) * 16777619;
	for (h %= HASH_SLOTS; hash_slots[h] && strcmp(hash_slots[h], word);
	     h = (h + 1) % HASH_SLOTS)
		;
	return &hash_slots[h];
}

static void hash_run(long n)
{
	while (n--) {
		unsigned found = 0;

		memset(hash_slots, 0, sizeof(hash_slots));
		for (int i = 0; i < HASH_WORDS; i++)
			*hash_find(hash_words[i]) = hash_words[i];
		for (int i = 0; i < HASH_WORDS; i++)
			found += *hash_find(hash_words[i]) == hash_words[i];
		sink = found;
	}
}

/* ---- compress: zlib's deflate, level 6, 32 KiB of text ---- */

#ifdef HAVE_ZLIB
#define TEXT_SIZE 32768
static unsigned char text[TEXT_SIZE], packed[TEXT_SIZE * 2];

static void compress_prepare(void)
{
	static const char *const words[] = {
	    "the ",   "page ",	"table ", "of a ", "guest ",  "is ",  "walked ", "by ",
	    "host, ", "which ", "fills ", "in\n",  "shadow ", "TLB ", "0x%x ",	 "and "};
	unsigned state = 4, used = 0;

	while (used < TEXT_SIZE - 32) {
		const char *word = words[next_random(&state) % 16];

		used += sprintf((char *)text + used, word, next_random(&state));
	}
}

static void compress_run(long n)
{
	while (n--) {
		uLongf size = sizeof(packed);

		if (compress2(packed, &size, text, TEXT_SIZE, 6) != Z_OK)
			fail("compress2");
		sink = size;
	}
}

/* ---- deflate: the same with one stream, as a program that compresses much has ---- */

static z_stream stream;

static void deflate_prepare(void)
{
	if (deflateInit(&stream, 6) != Z_OK)
		fail("deflateInit");
	compress_prepare();
}

static void deflate_run(long n)
{
	while (n--) {
		stream.next_in = text;
		stream.avail_in = TEXT_SIZE;
		stream.next_out = packed;
		stream.avail_out = sizeof(packed);
		if (deflateReset(&stream) != Z_OK || deflate(&stream, Z_FINISH) != Z_STREAM_END)
			fail("deflate");
		sink = stream.total_out;
	}
}
#endif

const struct row integer_rows[] = {
    {"crc32", crc32_prepare, crc32_run, NULL},
    {"recursion", NULL, recursion_run, NULL},
    {"qsort", qsort_prepare, qsort_run, NULL},
    {"strings", NULL, strings_run, NULL},
    {"hash", hash_prepare, hash_run, NULL},
#ifdef HAVE_ZLIB
    {"compress", compress_prepare, compress_run, NULL},
    {"deflate", deflate_prepare, deflate_run, NULL},
#endif
    {0},
};
