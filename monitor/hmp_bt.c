/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Commands that look into the translator: info jit, info bt, bt-dump, bt-check, mmu-check. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "bt/bt.h"
#include "cpu/space.h"
#include "cpu/vcpu.h"
#include "monitor/hmp_internal.h"
#include "monitor/host_files.h"

/* The processor if it has a translator; else says that there is none. */
static struct vcpu *translated_cpu(struct hmp *m)
{
	struct vcpu *cpu = vm_vcpu(m->vm);

	if (cpu->bt)
		return cpu;
	fprintf(m->out, "the interpreter runs the guest: nothing is translated\n");
	return NULL;
}

static void print_line(void *arg, const char *line)
{
	fprintf(arg, "%s\n", line);
}

void hmp_info_bt(struct hmp *m, const struct hmp_args *a)
{
	struct vcpu *cpu = translated_cpu(m);

	if (cpu)
		bt_print_counters(cpu, print_line, m->out);
}

void hmp_info_jit(struct hmp *m, const struct hmp_args *a)
{
	hmp_info_bt(m, a);
}

/* The address, or all of them, from the command's first word. */
static int parse_which(struct hmp *m, const struct hmp_args *a, uint32_t *eip, bool *all)
{
	const char *text = a->words[0];
	uint64_t value = 0;

	*all = !strcmp(text, "all");
	if (!*all && hmp_eval(m, &text, &value) < 0)
		return -1;
	*eip = (uint32_t)value;
	return 0;
}

static void dump_to(struct hmp *m, struct vcpu *cpu, uint32_t eip, bool all, const char *path)
{
	FILE *f = host_create(path);
	int blocks;

	if (!f) {
		fprintf(m->out, "Error: Could not open '%s': %s\n", path, host_strerror(errno));
		return;
	}
	blocks = bt_dump(cpu, eip, all, f);
	if (fclose(f) != 0)
		fprintf(m->out, "Error: writing '%s': %s\n", path, strerror(errno));
	else
		fprintf(m->out, "%d blocks\n", blocks);
}

void hmp_bt_dump(struct hmp *m, const struct hmp_args *a)
{
	struct vcpu *cpu;
	uint32_t eip;
	bool all;

	if (a->count < 2) {
		hmp_expected(m, a, a->count < 1 ? "address or all" : "filename");
		return;
	}
	if (hmp_surplus(m, a, 2) || parse_which(m, a, &eip, &all) < 0)
		return;
	cpu = translated_cpu(m);
	if (cpu)
		dump_to(m, cpu, eip, all, a->words[1]);
}

void hmp_bt_check(struct hmp *m, const struct hmp_args *a)
{
	struct vcpu *cpu = translated_cpu(m);

	if (!cpu)
		return;
	bt_check(cpu);
	fprintf(m->out, "ok\n");
}

void hmp_mmu_check(struct hmp *m, const struct hmp_args *a)
{
	fprintf(m->out, "ok, %" PRIu64 " pages of windows\n", mmu_check(vm_vcpu(m->vm)));
}
