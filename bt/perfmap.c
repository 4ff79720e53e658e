/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * /tmp/perf-PID.map, where perf(1) looks up addresses in generated code: "start
 * size name" in hexadecimal, a line each. Names are the same for all blocks of
 * one address, so that perf adds them up. Lines are only added: where code was
 * replaced, perf takes the later one for earlier samples too.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#include "bt/inspect.h"
#include "base/log.h"

static void add(const struct bt *bt, uint32_t begin, uint32_t size, const char *name)
{
	fprintf(bt->perf_map, "%" PRIxPTR " %x %s\n", (uintptr_t)cache_rx(bt, begin), size, name);
}

static const char *privilege(uint32_t mode)
{
	if (mode & MODE_V86)
		return "v86";
	if (!(mode & MODE_PROT))
		return "real";
	return mode & MODE_USER ? "user" : "kernel";
}

void perf_map_block(const struct bt *bt, const struct tb *tb)
{
	char name[32];

	if (!bt->perf_map)
		return;
	snprintf(name, sizeof(name), "%s_%08x", privilege(tb->mode), tb->eip);
	add(bt, tb->host, tb->host_size, name);
}

static void add_existing(const struct bt *bt)
{
	struct stub s;

	for (unsigned n = 0; stub_nth(bt, n, &s); n++) {
		char name[STUB_NAME_SIZE], line[40];

		stub_name(&s, name);
		snprintf(line, sizeof(line), "stub_%s", name);
		add(bt, s.begin, stub_end(bt, s.begin) - s.begin, line);
	}
	for (unsigned i = 0; i < CACHE_REGIONS; i++)
		for (uint32_t n = 0; n < bt->cache.regions[i].tb_count; n++)
			perf_map_block(bt, tb_at(bt, bt->cache.regions[i].tbs[n]));
}

static FILE *open_map(void)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/tmp/perf-%d.map", (int)getpid());
	/* Anybody may put links there. */
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		LOG(LOG_BT, "cannot write %s", path);
	return fd < 0 ? NULL : fdopen(fd, "w");
}

void bt_perf_map(struct vcpu *cpu, bool on)
{
	struct bt *bt = cpu->bt;

	if (!bt || on == !!bt->perf_map)
		return;
	if (!on) {
		fclose(bt->perf_map);
		bt->perf_map = NULL;
		return;
	}
	bt->perf_map = open_map();
	if (!bt->perf_map)
		return;
	setlinebuf(bt->perf_map); /* whole lines, however the process ends */
	add_existing(bt);
}
