/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How often each form of each row has been judged, and by whom. */
#include <stdlib.h>
#include <string.h>

#include "report.h"

bool coverage_create(struct coverage *cov)
{
	memset(cov, 0, sizeof(*cov));
	cov->ran = calloc(insn_table_rows, sizeof(*cov->ran));
	cov->fault = calloc(insn_table_rows, sizeof(*cov->fault));
	return cov->ran && cov->fault;
}

void coverage_destroy(struct coverage *cov)
{
	free(cov->ran);
	free(cov->fault);
}

/*
 * Form: 2 * memory + operand32. Sizes that have the same handler are one form,
 * and so is what has no ModRM.
 */
static unsigned form_of(const struct insn_row *row, bool memory, bool operand32)
{
	if (row->ext == XN)
		memory = false;
	if (row->exec[memory][0] == row->exec[memory][1])
		operand32 = false;
	return 2 * memory + operand32;
}

static bool form_exists(const struct insn_row *row, unsigned form)
{
	bool memory = form & 2, operand32 = form & 1;

	if (memory && (row->ext == XN || row->mod == REG))
		return false;
	if (!memory && row->ext != XN && row->mod == MEM)
		return false;
	return form_of(row, memory, operand32) == form;
}

void coverage_count(struct coverage *cov, const struct decoded *d, const struct outcome *host)
{
	unsigned form;

	if (!d->ok) {
		cov->undefined++;
		return;
	}
	form = form_of(d->row, d->in.rm_is_memory, d->in.operand32);
	cov->ran[d->in.row][form]++;
	cov->fault[d->in.row][form] += host->vector != VEC_DB && host->vector != VEC_BP;
}

void coverage_excuse(struct coverage *cov, const char *why)
{
	struct coverage_reason *r = cov->reasons;

	while (r < cov->reasons + REASONS_MAX - 1 && r->why && strcmp(r->why, why))
		r++;
	r->why = why;
	r->cases++;
	cov->excused++;
}

static void print_encoding(FILE *f, const struct insn_row *row)
{
	static const char *const maps[] = {"", "0f ", "0f 38 ", "0f 3a "};
	static const char *const prefixes[] = {"", "", "66 ", "f3 ", "f2 "};
	char text[32];

	if (row->ext < XR)
		snprintf(text, sizeof(text), "%s%s%02x /%u", prefixes[row->prefix], maps[row->map],
			 row->opcode, row->ext);
	else if (row->ext >= 0xc0)
		snprintf(text, sizeof(text), "%s%s%02x %02x", prefixes[row->prefix], maps[row->map],
			 row->opcode, row->ext);
	else
		snprintf(text, sizeof(text), "%s%s%02x%s", prefixes[row->prefix], maps[row->map],
			 row->opcode, row->ext == XR ? " /r" : "");
	fprintf(f, "%-14s %-11s %-12s", text, row->name, row->operands);
}

static void print_form(FILE *f, const struct insn_row *row, unsigned form)
{
	bool memory = form & 2, sizes = row->exec[memory][0] != row->exec[memory][1];

	print_encoding(f, row);
	fprintf(f, " %-4s %-3s",
		row->ext == XN ? "-"
		: memory       ? "mem"
			       : "reg",
		!sizes	   ? "-"
		: form & 1 ? "32"
			   : "16");
}

static void print_oracle(FILE *f, const struct insn_row *row, uint64_t ran, const char *reference,
			 const char *test, const char *why)
{
	if (test)
		fprintf(f, "hand-written: %s (%s)\n", test, why);
	else if (!ran)
		fprintf(f, "NONE\n");
	else if (reference)
		fprintf(f, "%s\n", reference);
	else if (ring0_test(row))
		fprintf(f, "chip in ring 3; hand-written in ring 0: %s\n", ring0_test(row));
	else
		fprintf(f, "chip\n");
}

static void print_summary(FILE *f, const struct coverage *cov, unsigned forms)
{
	fprintf(f, "%u forms of %u rows; %llu cases of undefined encodings\n", forms,
		insn_table_rows, (unsigned long long)cov->undefined);
	if (!cov->excused)
		return;
	fprintf(f, "%llu cases in which the chip need not agree:\n",
		(unsigned long long)cov->excused);
	for (unsigned i = 0; i < REASONS_MAX && cov->reasons[i].why; i++)
		fprintf(f, "%9llu  %s\n", (unsigned long long)cov->reasons[i].cases,
			cov->reasons[i].why);
}

unsigned coverage_report(const struct coverage *cov, const char *reference, FILE *f)
{
	unsigned missing = 0, forms = 0;

	if (f)
		fprintf(f, "%-14s %-11s %-12s %-4s %-3s %8s %8s  oracle\n", "encoding", "name",
			"operands", "form", "op", "ran", "faulted");
	for (unsigned i = 0; i < insn_table_rows; i++) {
		const struct insn_row *row = &insn_table[i];

		for (unsigned form = 0; form < FORMS; form++) {
			const char *why = "", *test = reference
							  ? NULL
							  : form_hand_written(row, form & 2, &why);

			if (!form_exists(row, form))
				continue;
			forms++;
			if (!cov->ran[i][form] && !test)
				missing++;
			if (!f)
				continue;
			print_form(f, row, form);
			fprintf(f, " %8llu %8llu  ", (unsigned long long)cov->ran[i][form],
				(unsigned long long)cov->fault[i][form]);
			print_oracle(f, row, cov->ran[i][form], reference, test, why);
		}
	}
	if (f)
		print_summary(f, cov, forms);
	return missing;
}
