/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Models and features by QEMU's names. Only features that are modelled can be
 * added; taking away one that no model has is fine, since that is what the
 * user wants.
 */
#include "monitor/cpu_spec.h"

#include <string.h>

#include "monitor/option_list.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
	const char *name;
	enum cpu_feature feature;
} features[] = {
	{"fpu", FEATURE_FPU}, {"vme", FEATURE_VME}, {"de", FEATURE_DE}, {"pse", FEATURE_PSE},
	{"tsc", FEATURE_TSC}, {"msr", FEATURE_MSR}, {"pae", FEATURE_PAE}, {"mce", FEATURE_MCE},
	{"cx8", FEATURE_CX8}, {"apic", FEATURE_APIC}, {"sep", FEATURE_SEP},
	{"mtrr", FEATURE_MTRR}, {"pge", FEATURE_PGE}, {"mca", FEATURE_MCA},
	{"cmov", FEATURE_CMOV}, {"pat", FEATURE_PAT}, {"pse36", FEATURE_PSE36},
	{"clflush", FEATURE_CLFSH}, {"mmx", FEATURE_MMX}, {"fxsr", FEATURE_FXSR},
	{"sse", FEATURE_SSE}, {"sse2", FEATURE_SSE2}, {"ss", FEATURE_SS}, {"pni", FEATURE_SSE3},
	{"sse3", FEATURE_SSE3}, {"ssse3", FEATURE_SSSE3}, {"sse4.1", FEATURE_SSE41},
	{"sse4_1", FEATURE_SSE41}, {"sse4.2", FEATURE_SSE42}, {"sse4_2", FEATURE_SSE42},
	{"popcnt", FEATURE_POPCNT}, {"erms", FEATURE_ERMS},
	{"arch-capabilities", FEATURE_ARCH_CAPABILITIES}, {"nx", FEATURE_NX},
	{"invtsc", FEATURE_INVARIANT_TSC}, {"arat", FEATURE_ARAT}, {"abm", FEATURE_ABM},
	{"lzcnt", FEATURE_ABM}, {"tzcnt", FEATURE_TZCNT},
};

/* Properties of QEMU's processors that say nothing to the guest. */
static const char *const silent[] = {"check", "enforce", "migratable", "kvm", "hypervisor",
				     "l3-cache", "host-cache-info", "host-phys-bits"};

static const char *nearest_feature(const char *word)
{
	const char *names[COUNT(features)];

	for (size_t i = 0; i < COUNT(features); i++)
		names[i] = features[i].name;
	return option_nearest(word, names, COUNT(features));
}

static int set_feature(struct cpu_model *m, const char *name, bool on, const char *spec,
		       struct report *r)
{
	const char *near;

	for (size_t i = 0; i < COUNT(features); i++) {
		uint32_t bit = 1u << (features[i].feature % 32);

		if (strcmp(features[i].name, name))
			continue;
		if (on)
			m->features[features[i].feature / 32] |= bit;
		else
			m->features[features[i].feature / 32] &= ~bit;
		return 0;
	}
	for (size_t i = 0; i < COUNT(silent); i++) {
		if (!strcmp(silent[i], name))
			return 0;
	}
	if (!on)
		return 0;
	near = nearest_feature(name);
	return report_fail(r, near ? "-cpu %s: there is no feature %s here; did you mean %s?"
				   : "-cpu %s: there is no feature %s here; -cpu help lists them",
			   spec, name, near);
}

/* One item after the model. */
static int apply(struct cpu_model *m, const struct option_item *item, const char *spec,
		 struct report *r)
{
	bool on = *item->key != '-';

	if (*item->key == '+' || *item->key == '-')
		return set_feature(m, item->key + 1, on, spec, r);
	if (item->value && option_parse_switch(item->value, &on) < 0)
		return report_fail(r, "-cpu %s: %s is on or off, not '%s'", spec, item->key,
				   item->value);
	return set_feature(m, item->key, on, spec, r);
}

static const struct cpu_model *find_model(const char *name)
{
	/* QEMU's name for all there is. */
	return cpu_model_find(!strcmp(name, "max") ? CPU_MODEL_DEFAULT : name);
}

int cpu_spec_parse(const char *spec, struct cpu_model *out, struct report *r)
{
	const struct cpu_model *model;
	struct option_list l;
	int result = 0;

	spec = spec ? spec : CPU_MODEL_DEFAULT;
	if (option_list_parse(&l, spec, "model") < 0)
		return report_fail(r, "-cpu %.80s: too many features", spec);
	model = option_list_get(&l, "model") ? find_model(option_list_get(&l, "model")) : NULL;
	if (!model)
		result = report_fail(r, "-cpu %s: no such model; there are max, %s", spec,
				     cpu_model_names());
	else
		*out = *model;
	for (size_t i = 1; result == 0 && i < l.count; i++)
		result = apply(out, &l.items[i], spec, r);
	option_list_free(&l);
	return result;
}

void cpu_spec_list(FILE *out)
{
	const struct cpu_model *m;
	size_t column = 0;

	fprintf(out, "Available CPUs:\n");
	for (unsigned n = 0; (m = cpu_model_get(n)); n++)
		fprintf(out, "x86 %-16s %s\n", m->name, m->description);
	fprintf(out, "x86 %-16s the same as " CPU_MODEL_DEFAULT "\n\n", "max");
	fprintf(out, "Recognized CPUID flags:\n ");
	for (size_t i = 0; i < COUNT(features); i++) {
		if (column + strlen(features[i].name) > 76) {
			fprintf(out, "\n ");
			column = 0;
		}
		column += (size_t)fprintf(out, " %s", features[i].name);
	}
	fprintf(out, "\n");
}
