/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Commands about who runs the guest: accel, info kvm. */
#include <string.h>

#include "cpu/vcpu.h"
#include "kvm/kvm.h"
#include "monitor/hmp_internal.h"

/* By its name or QEMU's; ENGINE_KINDS: there is no such engine. */
static enum engine_kind engine_named(const char *name)
{
	unsigned kind = 0;

	if (!strcmp(name, "tcg"))
		return ENGINE_BT;
	while (kind < ENGINE_KINDS && strcmp(engine_name(kind), name))
		kind++;
	return kind;
}

/* A guest that runs has seen features that the model had at the start. */
static void warn_of_features(struct hmp *m)
{
	unsigned n = kvm_missing_features(vm_vcpu(m->vm));

	if (n)
		fprintf(m->out, "KVM lacks %u of the processor's features; the interpreter helps "
				"where the host does\n", n);
}

void hmp_accel(struct hmp *m, const struct hmp_args *a)
{
	struct report r = {0};
	enum engine_kind kind;

	if (a->count == 0) {
		fprintf(m->out, "%s\n", engine_name(vm_engine(m->vm)));
		return;
	}
	if (hmp_surplus(m, a, 1))
		return;
	kind = engine_named(a->words[0]);
	if (kind == ENGINE_KINDS)
		fprintf(m->out, "Error: there is no engine %s, only bt, interp and kvm\n",
			a->words[0]);
	else if (vm_set_engine(m->vm, kind, &r) < 0)
		fprintf(m->out, "Error: %s\n", r.text);
	else if (kind == ENGINE_KVM)
		warn_of_features(m);
}

static void print_line(void *arg, const char *line)
{
	fprintf(arg, "%s\n", line);
}

void hmp_info_kvm(struct hmp *m, const struct hmp_args *a)
{
	const struct vcpu *cpu = vm_vcpu(m->vm);

	fprintf(m->out, "kvm support: %s\n",
		vm_engine(m->vm) == ENGINE_KVM ? "enabled" : "disabled");
	if (!cpu->kvm)
		return;
	if (!kvm_has_hardware(cpu))
		fprintf(m->out, "without hardware assistance\n");
	kvm_print_counters(cpu, print_line, m->out);
}
