/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lockstep: the machine that is checked goes one step, the reference follows to
 * the same instruction count, the two are compared. A step is a block of the
 * engine's or a fixed number of instructions.
 *
 * Blocks go by batches (lockstep_trace.h): the subject's state is noted after each
 * of some thousand, and the reference, following, compares its own with that.
 * With `from` and `watch`, for who looks for a difference that has been found,
 * the machines really take turns at each block.
 *
 * Registers are compared after each step, memory and devices now and then,
 * since that takes long: what differs there has gone wrong somewhere since the
 * last such comparison, and `from` and `watch` lead a second run to the place.
 *
 * Nothing may come from outside: keys, serial input and monitor commands that
 * change the guest reach the first machine only and are found as a difference.
 */
#include "monitor/lockstep.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cpu/decode.h"
#include "cpu/fpu.h"
#include "cpu/run.h"
#include "direct/direct.h"
#include "monitor/hmp.h"
#include "monitor/lockstep_flags.h"
#include "monitor/lockstep_ring3.h"
#include "monitor/lockstep_trace.h"
#include "monitor/state_compare.h"
#include "monitor/vm_internal.h"

/* What stands for a block of the interpreter, when it is checked itself. */
#define INTERPRETER_STEP 8
/* Whole comparisons: at least so far apart, and so that memory does not take most time. */
#define WHOLE_EVERY	  (1u << 20)
#define WHOLE_RAM_SHARE	  8
#define DIFFERENCES_SHOWN 40
#define SOUGHT_MOST	  1000000000ull
#define LAST_TURNS	  64 /* of the reference until it has ended too */

struct lockstep {
	struct vm *subject, *reference;
	struct lockstep_config config;
	FILE *out;
	uint64_t start;	    /* instructions before the last step */
	uint32_t start_eip; /* linear */
	bool start_code32;
	uint64_t whole_at; /* instructions at the last whole comparison */
	uint64_t whole_every;
	uint64_t steps, wholes;
	uint64_t flags_excused; /* undefined flags that differed */
	uint32_t flags_differ;	/* of those, what has not been written since; in a batch */
	bool batches;
	struct run_observer leader, follower; /* of the subject, of the reference */
	bool stays; /* lockstep_ring3.h */
	struct stay leader_stay, follower_stay;
	struct vm_timer timer; /* says when a stay has lasted */
	uint64_t cuts, sought; /* sought: steps of the reference to a cut */
	struct trace trace;
	struct decoder *decoder;
	unsigned shown;
	bool differs;
};

/* ---- the report ---- */

static void print_difference(void *arg, const char *part, const char *field, uint64_t index,
			     uint64_t a, uint64_t b)
{
	struct lockstep *l = arg;
	char place[64];

	if (++l->shown > DIFFERENCES_SHOWN)
		return;
	if (!field)
		snprintf(place, sizeof(place), "%s at %#" PRIx64, part, index);
	else
		snprintf(place, sizeof(place), "%s %s[%" PRIu64 "]", part, field, index);
	fprintf(l->out, "  %-32s %#-20" PRIx64 " %#" PRIx64 "\n", place, a, b);
}

static void print_state(struct lockstep *l, struct vm *vm, const char *name)
{
	struct hmp *m = hmp_create(vm, NULL);

	if (!m)
		return;
	fprintf(l->out, "the state of %s:", name);
	hmp_execute(m, "info registers", l->out);
	hmp_destroy(m);
}

static void print_code(struct lockstep *l)
{
	struct hmp *m = hmp_create(l->reference, NULL);
	char command[32];

	if (!m)
		return;
	fprintf(l->out, "the code at the start of the step, as the reference has it now:\n");
	snprintf(command, sizeof(command), "x /16i %#x", l->start_eip);
	hmp_execute(m, command, l->out);
	hmp_destroy(m);
}

/* How a second run gets nearer, if it can. */
static void print_advice(struct lockstep *l, uint64_t since)
{
	if (l->config.step && l->subject->cpu->engine)
		fprintf(l->out, "to find the block: lockstep=on,from=%" PRIu64 "\n", since);
	else if (l->trace.checked < l->trace.count)
		fprintf(l->out, "to see both machines there: lockstep=on,from=%" PRIu64 "\n",
			since);
	else if (since < l->start)
		fprintf(l->out,
			"to find the block: lockstep=on,from=%" PRIu64
			",watch=ADDRESS with one of the places in ram above\n",
			since);
}

/* since: instructions when all was still equal. The reference stands where they differ. */
static void report_difference(struct lockstep *l, const char *what, uint64_t since)
{
	const struct vm *s = l->subject;
	uint64_t at = trace_executed(l->reference->cpu);

	l->differs = true;
	fprintf(l->out,
		"lockstep: %s differ after %" PRIu64 " instructions; they were equal after %" PRIu64
		"\n  %-32s %-20s %s\n",
		what, at, since, "", s->cpu->engine ? s->cpu->engine->name : "checked",
		"reference");
}

static void report_end(struct lockstep *l, uint64_t since)
{
	uint64_t ahead = l->subject->cpu->executed - trace_executed(l->reference->cpu);

	if (l->shown > DIFFERENCES_SHOWN)
		fprintf(l->out, "  and %u more\n", l->shown - DIFFERENCES_SHOWN);
	print_code(l);
	print_state(l, l->subject, "the machine that is checked");
	if (ahead)
		fprintf(l->out, "which is %" PRIu64 " instructions ahead of the other\n", ahead);
	print_state(l, l->reference, "the reference");
	print_advice(l, since);
	fflush(l->out);
}

/* ---- comparing ---- */

/*
 * Flags that the step has left undefined may differ: the subject goes on with the
 * reference's, so that what it makes of them is the same. A step of many blocks
 * cannot be followed; there any arithmetic flag is excused, as what depends on a
 * wrong one shows in other registers.
 */
static void excuse_flags(struct lockstep *l)
{
	struct vcpu *s = l->subject->cpu, *r = l->reference->cpu;
	uint32_t differ = (s->eflags ^ r->eflags) & FL_ARITH, undefined = FL_ARITH;

	if (!differ)
		return;
	if (l->batches)
		undefined = l->flags_differ;
	else if (!l->config.step)
		undefined = lockstep_undefined_flags(l->decoder, l->reference, l->start_eip,
						     l->start_code32, s->executed - l->start, 0);
	if (!(differ & undefined))
		return;
	s->eflags ^= differ & undefined;
	l->flags_excused++;
}

static void compare_registers(struct lockstep *l)
{
	struct vm *s = l->subject, *r = l->reference;

	excuse_flags(l);
	if (!state_compare_cpu(s, r, NULL, NULL))
		return;
	report_difference(l, "registers", l->start);
	state_compare_cpu(s, r, print_difference, l);
	report_end(l, l->start);
}

static void compare_watched(struct lockstep *l)
{
	struct vm *s = l->subject, *r = l->reference;

	if (!l->config.watching || !state_compare_page(s, r, l->config.watch, NULL, NULL))
		return;
	report_difference(l, "the watched page's bytes", l->start);
	state_compare_page(s, r, l->config.watch, print_difference, l);
	report_end(l, l->start);
}

static void compare_whole(struct lockstep *l)
{
	struct vm *s = l->subject, *r = l->reference;

	l->wholes++;
	if (state_compare_machine(s, r, NULL, NULL)) {
		report_difference(l, "the machines", l->whole_at);
		state_compare_machine(s, r, print_difference, l);
		report_end(l, l->whole_at);
	}
	l->whole_at = s->cpu->executed;
}

static void compare(struct lockstep *l)
{
	l->steps += l->batches ? l->trace.count : 1;
	compare_registers(l);
	if (!l->differs)
		compare_watched(l);
	if (!l->differs && l->subject->cpu->executed - l->whole_at >= l->whole_every)
		compare_whole(l);
}

/*
 * Waiting for IRQ 13 before an x87 instruction (SDM 1 D.2.1.2): that costs no
 * instruction, so the count does not tell whether the reference waits as well.
 */
static bool frozen(const struct vcpu *cpu)
{
	return cpu->halted && cpu->ferr && !cpu->ignne;
}

/* ---- batches ---- */

static void note_start(struct lockstep *l, const struct vcpu *cpu)
{
	l->start = trace_executed(cpu);
	l->start_eip = cpu->seg[CS].base + cpu->eip;
	l->start_code32 = code_is_32(cpu);
}

static void report_step(struct lockstep *l, const struct trace_step *s, const struct trace_step *r)
{
	report_difference(l, "registers", l->start);
	if (s->executed != r->executed)
		print_difference(l, "cpu", "executed", 0, s->executed, r->executed);
	for (unsigned i = 0; i < 8; i++)
		if (s->regs[i] != r->regs[i])
			print_difference(l, "cpu", "regs", i, s->regs[i], r->regs[i]);
	if (s->eip != r->eip)
		print_difference(l, "cpu", "eip", 0, s->eip, r->eip);
	if (s->eflags != r->eflags)
		print_difference(l, "cpu", "eflags", 0, s->eflags, r->eflags);
	if (s->rest != r->rest)
		print_difference(l, "digest of the others", NULL, 0, s->rest, r->rest);
	report_end(l, l->start);
}

/* excuse_flags() within a batch: the subject has gone on with its own. */
static bool flags_are_excused(struct lockstep *l, const struct trace_step *s,
			      const struct trace_step *r)
{
	uint32_t differ = s->eflags ^ r->eflags;
	uint32_t undefined =
	    lockstep_undefined_flags(l->decoder, l->reference, l->start_eip, l->start_code32,
				     r->executed - l->start, l->flags_differ);

	if (differ & ~undefined)
		return false;
	l->flags_excused++;
	l->flags_differ = differ;
	return true;
}

static void compare_step(struct lockstep *l, const struct trace_step *s, struct vcpu *cpu)
{
	struct trace_step r, same_flags;

	trace_state(&r, cpu);
	if (!memcmp(s, &r, sizeof(r))) {
		l->flags_differ = 0;
	} else {
		same_flags = *s;
		same_flags.eflags = r.eflags;
		if (memcmp(&same_flags, &r, sizeof(r)) || !flags_are_excused(l, s, &r))
			report_step(l, s, &r);
	}
	note_start(l, cpu);
}

/*
 * x87's pointers are the chip's own where ring 3 runs directly (direct/state.c): no machine
 * has any then, nor behind the stay, when ring 0 may save them.
 */
static void forget_pointers(const struct lockstep *l, const struct stay *s, struct vcpu *cpu)
{
	if ((cpu->cpl != 3 && !s->in) || !l->subject->cpu->direct)
		return;
	fpu_leave(cpu);
	cpu->fx.fop = cpu->fx.fcs = cpu->fx.fds = 0;
	cpu->fx.fip = cpu->fx.fdp = 0;
}

#define LOCKSTEP_OF(o, member)                                                                     \
	((struct lockstep *)(void *)((char *)(o)-offsetof(struct lockstep, member)))

/* The interpreter's, when it is checked itself. */
static int64_t leader_length(struct run_observer *o, const struct vcpu *cpu)
{
	return INTERPRETER_STEP;
}

static bool leader_stepped(struct run_observer *o, struct vcpu *cpu)
{
	struct lockstep *l = LOCKSTEP_OF(o, leader);
	struct trace *t = &l->trace;

	forget_pointers(l, &l->leader_stay, cpu);
	if (l->stays && stay_step(&l->leader_stay, cpu)) {
		bool lasts = atomic_load(&cpu->pending) & PENDING_TIMER && cpu->fuel_given &&
			     direct_rests(cpu->direct);

		if (!lasts || t->cut)
			return t->cut;
		stay_cut(&l->leader_stay, cpu);
		trace_note(t, cpu);
		return t->cut = true;
	}
	if (!l->batches)
		return trace_executed(cpu) >= l->config.from;
	if (!frozen(cpu) &&
	    trace_executed(cpu) != (t->count ? t->steps[t->count - 1].executed : l->start))
		trace_note(t, cpu);
	return t->count >= TRACE_STEPS;
}

/* Whether the reference has come to where the subject's stay was cut. */
static bool at_cut(struct lockstep *l, struct vcpu *cpu)
{
	const struct trace *t = &l->trace;
	const struct trace_step *s = &t->steps[t->checked];
	bool repeating = cpu->repeating;
	struct trace_step r;

	if (!t->cut || t->checked + 1 != t->count || !l->follower_stay.in || s->eip != cpu->eip)
		return false;
	cpu->repeating = false;
	trace_state(&r, cpu);
	cpu->repeating = repeating;
	r.executed = s->executed;
	return !memcmp(s, &r, sizeof(r)) &&
	       !state_compare_memory(l->subject, l->reference, NULL, NULL);
}

static void reached_cut(struct lockstep *l, const struct vcpu *cpu)
{
	l->trace.checked++;
	l->sought = 0;
	note_start(l, cpu);
}

/* Within a stay. */
static bool seek_cut(struct lockstep *l, struct vcpu *cpu)
{
	if (at_cut(l, cpu)) {
		stay_cut(&l->follower_stay, cpu);
		reached_cut(l, cpu);
	} else if (l->trace.cut && ++l->sought == SOUGHT_MOST) {
		compare_step(l, &l->trace.steps[l->trace.checked++], cpu);
	}
	return l->differs;
}

static int64_t follower_length(struct run_observer *o, const struct vcpu *cpu)
{
	const struct trace *t = &LOCKSTEP_OF(o, follower)->trace;

	if (LOCKSTEP_OF(o, follower)->follower_stay.in)
		return 1;
	return t->checked < t->count
		   ? (int64_t)(t->steps[t->checked].executed - trace_executed(cpu))
		   : INT64_MAX;
}

static bool follower_stepped(struct run_observer *o, struct vcpu *cpu)
{
	struct lockstep *l = LOCKSTEP_OF(o, follower);
	struct trace *t = &l->trace;

	forget_pointers(l, &l->follower_stay, cpu);
	if (l->stays && stay_step(&l->follower_stay, cpu))
		return seek_cut(l, cpu);
	l->sought = 0;
	if (t->checked == t->count || trace_executed(cpu) < t->steps[t->checked].executed)
		return false;
	compare_step(l, &t->steps[t->checked++], cpu);
	return l->differs || (l->follower_stay.in && seek_cut(l, cpu));
}

static void observe(struct lockstep *l)
{
	struct lockstep_config *c = &l->config;

	if (c->step)
		return;
	l->batches = !c->from && !c->watching;
	l->stays = l->batches && l->subject->cpu->direct &&
		   l->subject->config.engine.ring3_uncounted;
	l->leader = (struct run_observer){
	    .length = leader_length, .stepped = leader_stepped, .rings = l->stays};
	l->subject->cpu->observer = &l->leader;
	if (!l->batches)
		return;
	l->follower = (struct run_observer){
	    .length = follower_length, .stepped = follower_stepped, .rings = l->stays};
	l->reference->cpu->observer = &l->follower;
}

/* ---- running ---- */

/* How far the subject may go in this step. */
static uint64_t step_limit(const struct lockstep *l)
{
	uint64_t done = l->subject->cpu->executed;

	if (l->config.from > done)
		return l->config.from - done;
	if (l->config.step)
		return l->config.step;
	return l->batches || l->subject->cpu->engine ? UINT64_MAX : INTERPRETER_STEP;
}

/*
 * Whether the subject's state is what has been noted last. It is not where an
 * interrupt has been delivered and nothing executed since: the count does not
 * tell whether the reference has got so far.
 */
static bool settled(struct lockstep *l)
{
	struct trace *t = &l->trace;
	struct trace_step now;

	leader_stepped(&l->leader, l->subject->cpu); /* what ended with the run */
	trace_state(&now, l->subject->cpu);
	return t->count && !memcmp(&now, &t->steps[t->count - 1], sizeof(now));
}

/* Whether the subject has to go on before it is compared. */
static bool step_goes_on(struct lockstep *l, uint64_t limit)
{
	uint64_t gone = l->subject->cpu->executed - l->start;

	if (l->batches)
		return !settled(l);
	if (gone == 0 || l->subject->cpu->executed < l->config.from || frozen(l->subject->cpu))
		return true;
	return l->config.step && gone < limit;
}

/* One step of the subject; false: it has ended. */
static bool advance(struct lockstep *l)
{
	const struct vcpu *cpu = l->subject->cpu;
	uint64_t limit = step_limit(l);

	note_start(l, cpu);
	l->trace.count = l->trace.checked = 0;
	l->trace.cut = false;
	while (step_goes_on(l, limit)) {
		if (l->stays)
			stay_limit(&l->timer);
		if (!vm_turn(l->subject, limit - (cpu->executed - l->start)))
			return false;
		/* Paused: what there is is compared before one waits. */
		if (l->subject->state != VM_RUNNING && cpu->executed > l->start)
			break;
	}
	return true;
}

/* The reference to the same count; false: it has ended before. */
static bool follow(struct lockstep *l)
{
	const struct vcpu *s = l->subject->cpu, *r = l->reference->cpu;

	if (at_cut(l, l->reference->cpu)) {
		stay_cut_between(&l->follower_stay, l->reference);
		reached_cut(l, r);
	}
	while (r->executed < s->executed && !l->differs) {
		if (!vm_turn(l->reference, s->executed - r->executed))
			return false;
	}
	return true;
}

/* The subject has ended by itself: so must the reference, in the same way. */
static void compare_ends(struct lockstep *l)
{
	struct vm *s = l->subject, *r = l->reference;
	bool ended = false;

	for (unsigned i = 0; i < LAST_TURNS && !ended; i++)
		ended = !vm_turn(r, 0);
	if (ended && s->exit_status == r->exit_status)
		return;
	report_difference(l, "the ends", l->start);
	fprintf(l->out, "  %-32s %-20d %d\n", "exit status", s->exit_status,
		ended ? r->exit_status : -1);
	report_end(l, l->start);
}

static void run(struct lockstep *l)
{
	struct vm *s = l->subject, *r = l->reference;
	bool going;

	do {
		going = advance(l);
		if (!follow(l)) {
			report_difference(l, "the ends", l->start);
			fprintf(l->out, "  the reference has ended, with status %d\n",
				r->exit_status);
			report_end(l, l->start);
			return;
		}
		if (!l->differs)
			compare(l);
		if (l->trace.cut) {
			l->cuts++;
			stay_pass_time(s);
			stay_pass_time(l->reference);
		}
	} while (going && !l->differs);
	if (l->differs)
		return;
	compare_whole(l);
	/* Who is told to end from outside ends alone. */
	if (!l->differs && !s->quit_from_outside)
		compare_ends(l);
}

int lockstep_run(struct lockstep *l)
{
	struct vm *s = l->subject, *r = l->reference;
	int status;

	if (vm_begin(r) < 0 || vm_begin(s) < 0 ||
	    (l->stays && vm_timer_start(&l->timer, s->cpu, 0)))
		l->differs = true;
	else
		run(l);
	if (l->stays)
		vm_timer_stop(&l->timer);
	vm_end(r);
	status = vm_end(s);
	LOG(LOG_STATS, "%-24s %" PRIu64, "lockstep_steps", l->steps);
	LOG(LOG_STATS, "%-24s %" PRIu64, "lockstep_whole", l->wholes);
	LOG(LOG_STATS, "%-24s %" PRIu64, "lockstep_cuts", l->cuts);
	LOG(LOG_STATS, "%-24s %" PRIu64, "lockstep_flags_excused", l->flags_excused);
	return l->differs ? EXIT_FAILURE : status;
}

void lockstep_counts(const struct lockstep *l, uint64_t *steps, uint64_t *whole)
{
	*steps = l->steps;
	*whole = l->wholes;
}

/* ---- creation ---- */

void lockstep_configure(struct vm_config *c)
{
	c->snapshot = true;
	for (int i = 0; i < VM_IDE_DRIVES; i++)
		c->ide[i].snapshot = true;
	for (int i = 0; i < VM_FLOPPY_DRIVES; i++)
		c->floppy[i].snapshot = true;
}

static void silence(struct chardev_config *c)
{
	if (c->kind != CHARDEV_NONE)
		*c = (struct chardev_config){.kind = CHARDEV_NULL};
}

static struct vm_config reference_config(const struct vm_config *subject)
{
	struct vm_config c = *subject;

	c.engine.kind = ENGINE_INTERP;
	c.alternative_count = 0;
	c.lockstep.on = false;
	c.display = DISPLAY_NONE;
	c.icount_stop = 0;
	c.start_paused = false;
	for (int i = 0; i < VM_SERIAL_PORTS; i++)
		silence(&c.serial[i]);
	silence(&c.debugcon);
	silence(&c.firmware_log);
	return c;
}

struct lockstep *lockstep_create(struct vm *vm, FILE *out, struct report *r)
{
	const struct vm_config *c = vm_get_config(vm);
	struct vm_config reference = reference_config(c);
	struct lockstep *l = calloc(1, sizeof(*l));

	if (!l) {
		report_fail(r, "not enough memory");
		return NULL;
	}
	l->subject = vm;
	l->config = c->lockstep;
	l->out = out;
	l->whole_every = c->ram_bytes / WHOLE_RAM_SHARE;
	if (l->whole_every < WHOLE_EVERY)
		l->whole_every = WHOLE_EVERY;
	l->decoder = decoder_create();
	if (!l->decoder)
		report_fail(r, "not enough memory");
	else
		l->reference = vm_create(&reference, r);
	if (!l->reference) {
		lockstep_destroy(l);
		return NULL;
	}
	observe(l);
	return l;
}

void lockstep_destroy(struct lockstep *l)
{
	if (!l)
		return;
	vm_destroy(l->reference);
	decoder_destroy(l->decoder);
	free(l);
}
