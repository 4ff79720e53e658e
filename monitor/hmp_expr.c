/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Expressions of the monitor, by descent:
 *
 *     sum     = logic { ("+" | "-") logic }
 *     logic   = product { ("&" | "|" | "^") product }
 *     product = unary { ("*" | "/" | "%") unary }
 *     unary   = ("+" | "-" | "~") unary | "(" sum ")" | "'" c "'" | $register | number
 *
 * Values are 64 bits wide and wrap around.
 */
#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/vcpu.h"
#include "monitor/hmp_internal.h"

#define NESTING_MAX 64

struct expression {
	const char *at;
	struct vcpu *cpu;
	const char *error; /* NULL: all well so far */
	int depth;
};

static uint64_t parse_sum(struct expression *e);

static uint64_t fail(struct expression *e, const char *why)
{
	if (!e->error)
		e->error = why;
	return 0;
}

static char peek(struct expression *e)
{
	while (isspace((unsigned char)*e->at))
		e->at++;
	return *e->at;
}

/* ---- registers ---- */

#define REGISTER(name, field)                                                                      \
	{name, offsetof(struct vcpu, field), sizeof(((struct vcpu *)0)->field)}
#define SEGMENT(name, n)                                                                           \
	REGISTER(name, seg[n].selector), REGISTER(name ".base", seg[n].base),                      \
		REGISTER(name ".limit", seg[n].limit)

static const struct {
	const char *name;
	size_t offset, size;
} registers[] = {
	REGISTER("eax", regs[EAX]), REGISTER("ecx", regs[ECX]), REGISTER("edx", regs[EDX]),
	REGISTER("ebx", regs[EBX]), REGISTER("esp", regs[ESP]), REGISTER("sp", regs[ESP]),
	REGISTER("ebp", regs[EBP]), REGISTER("fp", regs[EBP]), REGISTER("esi", regs[ESI]),
	REGISTER("edi", regs[EDI]), REGISTER("eip", eip), REGISTER("eflags", eflags),
	SEGMENT("es", ES), SEGMENT("cs", CS), SEGMENT("ss", SS), SEGMENT("ds", DS),
	SEGMENT("fs", FS), SEGMENT("gs", GS), REGISTER("ldtr", ldtr.selector),
	REGISTER("tr", tr.selector), REGISTER("gdtr", gdtr.base), REGISTER("idtr", idtr.base),
	REGISTER("cr0", cr0), REGISTER("cr2", cr2), REGISTER("cr3", cr3), REGISTER("cr4", cr4),
	REGISTER("dr0", dr[0]), REGISTER("dr1", dr[1]), REGISTER("dr2", dr[2]),
	REGISTER("dr3", dr[3]), REGISTER("dr6", dr[6]), REGISTER("dr7", dr[7]),
};

static uint64_t register_value(struct expression *e, const char *name)
{
	uint32_t value = 0;

	/* The linear address of the next instruction. */
	if (!strcmp(name, "pc"))
		return (uint32_t)(e->cpu->seg[CS].base + e->cpu->eip);
	for (size_t i = 0; i < sizeof(registers) / sizeof(registers[0]); i++) {
		if (strcmp(registers[i].name, name))
			continue;
		memcpy(&value, (const char *)e->cpu + registers[i].offset, registers[i].size);
		return value;
	}
	return fail(e, "unknown register");
}

static uint64_t parse_register(struct expression *e)
{
	char name[16];
	size_t n = 0;

	e->at++;
	while ((isalnum((unsigned char)*e->at) || *e->at == '.') && n < sizeof(name) - 1)
		name[n++] = *e->at++;
	name[n] = 0;
	return register_value(e, name);
}

/* ---- the grammar ---- */

static uint64_t parse_number(struct expression *e)
{
	char *end;
	uint64_t value;

	if (!isdigit((unsigned char)*e->at))
		return fail(e, *e->at ? "invalid char in expression" :
					"unexpected end of expression");
	errno = 0;
	value = strtoull(e->at, &end, 0);
	if (errno)
		return fail(e, "number too large");
	e->at = end;
	return isalnum((unsigned char)*end) ? fail(e, "invalid char in number") : value;
}

static uint64_t parse_character(struct expression *e)
{
	uint64_t value = (unsigned char)e->at[1];

	if (!e->at[1] || e->at[2] != '\'')
		return fail(e, "missing terminating ' character");
	e->at += 3;
	return value;
}

static uint64_t parse_unary(struct expression *e)
{
	uint64_t value;

	if (++e->depth > NESTING_MAX)
		return fail(e, "too deeply nested");
	switch (peek(e)) {
	case '+':
		e->at++;
		value = parse_unary(e);
		break;
	case '-':
		e->at++;
		value = 0 - parse_unary(e);
		break;
	case '~':
		e->at++;
		value = ~parse_unary(e);
		break;
	case '(':
		e->at++;
		value = parse_sum(e);
		if (peek(e) != ')')
			return fail(e, "')' expected");
		e->at++;
		break;
	case '\'':
		value = parse_character(e);
		break;
	case '$':
		value = parse_register(e);
		break;
	default:
		value = parse_number(e);
		break;
	}
	e->depth--;
	return value;
}

static uint64_t parse_product(struct expression *e)
{
	uint64_t value = parse_unary(e);

	for (char op = peek(e); !e->error && (op == '*' || op == '/' || op == '%'); op = peek(e)) {
		uint64_t right;

		e->at++;
		right = parse_unary(e);
		if (op == '*')
			value *= right;
		else if (!right)
			return fail(e, "division by zero");
		else
			value = op == '/' ? value / right : value % right;
	}
	return value;
}

static uint64_t parse_logic(struct expression *e)
{
	uint64_t value = parse_product(e);

	for (char op = peek(e); !e->error && (op == '&' || op == '|' || op == '^'); op = peek(e)) {
		uint64_t right;

		e->at++;
		right = parse_product(e);
		value = op == '&' ? value & right : op == '|' ? value | right : value ^ right;
	}
	return value;
}

static uint64_t parse_sum(struct expression *e)
{
	uint64_t value = parse_logic(e);

	for (char op = peek(e); !e->error && (op == '+' || op == '-'); op = peek(e)) {
		uint64_t right;

		e->at++;
		right = parse_logic(e);
		value = op == '+' ? value + right : value - right;
	}
	return value;
}

int hmp_eval(struct hmp *m, const char **text, uint64_t *value)
{
	struct expression e = {.at = *text, .cpu = vm_vcpu(m->vm)};

	*value = parse_sum(&e);
	*text = e.at;
	if (!e.error)
		return 0;
	fprintf(m->out, "%s\n", e.error);
	return -1;
}

int hmp_eval_all(struct hmp *m, const struct hmp_args *a, uint64_t *value)
{
	const char *text = a->rest;

	if (hmp_eval(m, &text, value) == 0) {
		if (!text[strspn(text, " \t")])
			return 0;
		fprintf(m->out, "%s: extraneous characters at the end of line\n", a->name);
	}
	fprintf(m->out, "Try \"help %s\" for more information\n", a->name);
	return -1;
}
