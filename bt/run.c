/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The translator's run loop: finds or makes the block at CS:EIP and enters it;
 * translated code runs on from block to block until something needs the
 * monitor. Creation and destruction of the engine.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/host_time.h"
#include "base/log.h"
#include "bt/crossing.h"
#include "bt/fpu.h"
#include "bt/host.h"
#include "bt/inspect.h"
#include "cpu/access.h"
#include "cpu/block.h"
#include "cpu/decode.h"
#include "cpu/fpu.h"
#include "cpu/msr.h"
#include "cpu/run.h"
#include "cpu/space.h"
#include "direct/direct.h"

_Thread_local struct vcpu *bt_current;

/* ---- finding a block ---- */
/* NULL when the next instruction is to be interpreted. Unwinds with the fetch's fault. */
static struct tb *find(struct vcpu *cpu, uint32_t mode)
{
	const struct segment *cs = &cpu->seg[CS];
	gva_t gva = cs->base + cpu->eip;
	const uint8_t *code;
	struct tb *tb;
	gpa_t gpa;
	uint32_t last;

	if (cpu->eip > cs->limit)
		return NULL;
	code = block_fetch(cpu, gva, &gpa);
	if (!code)
		return NULL;
	mode = tb_choose_mode(cpu->bt, code, cpu->eip, mode);
	tb = tb_lookup(cpu->bt, code, cpu->eip, mode);
	if (tb && !bt_goes_on(cpu, tb)) {
		tb_drop(cpu, tb);
		tb = NULL;
	}
	if (!tb)
		tb = translate(cpu, code, gpa, cpu->eip, mode, 0);
	if (!tb)
		return NULL;
	last = cpu->eip + tb->bytes - 1;
	return last > cs->limit || last < cpu->eip ? NULL : tb;
}

typedef void enter_fn(struct vcpu *cpu, const void *host);

/* Returns the exit that has been taken, which is not chained; NULL: none. */
static struct tb_exit *enter(struct vcpu *cpu, const struct tb *tb)
{
	struct bt *bt = cpu->bt;
	enter_fn *fn = (enter_fn *)(uintptr_t)cache_rx(bt, bt->stubs.enter);

	bt->n.entries++;
	cpu->eflags &= ~FL_RF; /* crossing.h */
	bt->leave = false;
	bt->left_by = NULL;
	cpu->bt_window = bt_window(cpu, cpu->cpl == 3);
	fpu_update(cpu);
	fn(cpu, cache_rx(bt, tb->host));
	fpu_left(cpu);
	return bt->left_by;
}

static void step(struct vcpu *cpu)
{
	if (cpu->bt->interpret)
		cpu->bt->interpret--;
	cpu->bt->n.steps++;
	run_step(cpu);
}

/* At the end of a run, mostly by a timer: ring 3 gets a window, or has earned its keep. */
#define SAMPLE_MOST_NS 10000000u /* it will not have run all the time */

static void sample(struct vcpu *cpu)
{
	struct bt *bt = cpu->bt;
	uint64_t now = host_time_ns(), elapsed = now - bt->sampled_ns;

	bt->sampled_ns = now;
	if (cpu->direct)
		direct_sample(cpu->direct);
	if (cpu->cpl != 3)
		return;
	if (cpu->window_base_user)
		space_ran(cpu, elapsed < SAMPLE_MOST_NS ? elapsed : SAMPLE_MOST_NS);
	else
		bt->n.promotions += space_promote(cpu);
}

/* Pending bits that are not held off: they would end the run or be delivered. */
static bool wants_service(const struct vcpu *cpu)
{
	return atomic_load(&cpu->pending) || cpu->halted || cpu->shutdown;
}

/* Blocks are paid for before they run, and none is begun beyond the fuel. */
static bool fuel_lasts(struct vcpu *cpu, const struct tb *tb)
{
	if (!cpu->bt->config.exact_fuel || tb_paid_after(tb, 0) < cpu->fuel)
		return true;
	cpu->bt->n.exit_fuel++;
	return false;
}

/* One at a time: with breakpoints, single steps, alignment checks. */
static bool needs_step(const struct vcpu *cpu)
{
	if (cpu->align_check || cpu->bt->interpret || run_has_shadow(cpu) || cpu->eflags & FL_TF)
		return true;
	return cpu->eflags & FL_RF && !crossing_drops_rf(cpu);
}

/* Ring 3 by direct execution. Returns whether something was done; then what comes is asked anew. */
static bool run_directly(struct vcpu *cpu)
{
	enum direct_result result;

	if (!bt_wants_direct(cpu))
		return false;
	cpu->eflags &= ~FL_RF; /* as behind IRET to translated code */
	cpu->bt_xmm = false;
	fpu_leave(cpu);
	result = direct_run(cpu->direct);
	if (result == DIRECT_STEP)
		cpu->bt->interpret = 1;
	return result != DIRECT_REFUSED;
}

static void bt_run(struct vcpu *cpu)
{
	struct tb_exit *volatile exit = NULL;
	volatile bool left = false; /* translated code has just been left by an exit */
	volatile bool ran;	    /* something has been executed */
	int reason;

	bt_current = cpu;
	signals_stack(cpu->bt);
	crossing_forget(cpu);
	tsc_changed(cpu);
	reason = sigsetjmp(cpu->unwind, 0);
	if (reason)
		left = false;
	ran = reason;
	cpu->bt->interpret = 0;
	run_resume(cpu, reason);
	while (!(ran && run_stepped(cpu)) && cpu->fuel > 0) {
		uint64_t evictions = cpu->bt->n.evictions;
		struct tb *tb;
		uint32_t mode;
		uint64_t tag;

		/* In this order with what vcpu_kick() does: what it is about is seen now, or later. */
		atomic_store_explicit(&cpu->bt_kick, 0, memory_order_relaxed);
		atomic_store(&cpu->bt_poll, &cpu->bt_poll_target);
		if (wants_service(cpu)) {
			unsigned cpl = cpu->cpl;

			left = false;
			if (!run_service(cpu))
				break;
			if (run_ring_changed(cpu, cpl)) {
				ran = true;
				continue;
			}
		}
		ran = true;
		if (needs_step(cpu)) {
			left = false;
			step(cpu);
			continue;
		}
		if (run_directly(cpu)) {
			left = false;
			continue;
		}
		if (cpu->cpl == 3 && cpu->bt->config.ring3_uncounted) {
			left = false;
			step(cpu);
			if (cpu->direct)
				direct_stepped(cpu->direct);
			continue;
		}
		tb_unchain_stale(cpu);
		if (cpu->cpl == 3) {
			space_settle(cpu);
			if (!cpu->window_base_user)
				cpu->bt->n.promotions += space_promote_early(cpu);
		}
		mode = bt_mode(cpu);
		tag = bt_jc_tag(cpu, mode);
		bt_select(cpu, mode, tag);
		tb = find(cpu, mode);
		if (!tb || !fuel_lasts(cpu, tb)) {
			left = false;
			step(cpu);
			continue;
		}
		/* Room for a translation may have been made where the exit's block was. */
		if (left && evictions == cpu->bt->n.evictions)
			bt_connect(cpu, exit, tb);
		returns_select(cpu, tag, mode & MODE_USER);
		cpu->repeating = false;
		exit = enter(cpu, tb);
		left = !cpu->bt->polled;
		cpu->bt->polled = false;
	}
	sample(cpu);
	cpu->cur = NULL;
	cpu->bt_xmm = false;
	fpu_leave(cpu);
	bt_current = NULL;
}

/* ---- the engine ---- */
static void bt_kicked(struct vcpu *cpu)
{
	atomic_store(&cpu->bt_kick, BT_KICKED);
	atomic_store(&cpu->bt_poll, NULL);
	if (cpu->direct)
		direct_kick(cpu->direct);
}

static void bt_code_written(struct vcpu *cpu, gpa_t gpa, uint32_t len)
{
	tb_code_written(cpu, gpa, len);
	if (cpu->direct)
		direct_code_written(cpu->direct, gpa);
}

static int64_t bt_ahead(const struct vcpu *cpu)
{
	return cpu->bt->ahead;
}

static void bt_map_changed(struct vcpu *cpu)
{
	cpu->bt->leave = true;
}

static void bt_asids_renewed(struct vcpu *cpu)
{
	jc_forget(cpu);
	cpu->bt->cross_asid = 0;
}

static void bt_destroy(struct vcpu *cpu)
{
	struct bt *bt = cpu->bt;

	if (!bt)
		return;
	bt_perf_map(cpu, false);
	if (bt->cache.rw && bt->cache.rx)
		cache_flush(cpu);
	space_disable(cpu);
	direct_destroy(cpu->direct);
	cache_destroy(bt);
	returns_destroy(bt);
	signals_stack_destroy(bt);
	if (bt->tables)
		munmap(bt->tables, sizeof(*bt->tables));
	decoder_destroy(bt->decoder);
	free(bt->sites);
	free(bt);
	cpu->bt = NULL;
	cpu->engine = NULL;
}

static const struct engine_ops bt_ops = {
	.name = "bt",
	.run = bt_run,
	.destroy = bt_destroy,
	.ahead = bt_ahead,
	.kicked = bt_kicked,
	.code_written = bt_code_written,
	.tlb_entry_dropped = soft_drop,
	.map_changed = bt_map_changed,
	.asids_renewed = bt_asids_renewed,
	.kernel_fetch_dropped = tb_kernel_fetch_dropped,
};

static void fill_flag_ops(struct bt_tables *t)
{
	for (unsigned i = 0; i < 256; i++) {
		t->flag_op[FLAG_CLD][i] = (uint8_t)(i & ~(FL_DF >> 8));
		t->flag_op[FLAG_STD][i] = (uint8_t)(i | FL_DF >> 8);
		t->string_step[i] = i & FL_DF >> 8 ? -1 : 1;
	}
}

/* What the interpreter may keep of the few instructions that it steps over. */
#define INTERPRETER_BYTES (3u << 19)

/* Instructions in a stub are not counted, so that it is not for who counts. */
static int attach_direct(struct vcpu *cpu, const struct engine_config *config)
{
	if (config->direct == DIRECT_OFF)
		return 0;
	if (config->exact_fuel && config->direct != DIRECT_STEPS && !config->ring3_uncounted) {
		LOG(LOG_VM, "no direct execution: instructions are counted");
		return 0;
	}
	return direct_create(&cpu->direct, cpu, config->direct);
}

static int begin_shadow(struct vcpu *cpu)
{
	const struct engine_config *c = &cpu->bt->config;
	int err;

	cpu->engine = &bt_ops;
	block_cache_limit(cpu, INTERPRETER_BYTES);
	err = space_enable(cpu, c->windows ? c->map_budget : SPACE_NO_WINDOWS, c->inject);
	return err ? err : attach_direct(cpu, c);
}

void bt_rest(struct vcpu *cpu)
{
	cache_flush(cpu);
	space_disable(cpu);
	direct_destroy(cpu->direct);
	tlb_flush(cpu, true);
	cpu->engine = NULL;
}

int bt_resume(struct vcpu *cpu)
{
	int err;

	tlb_flush(cpu, true);
	err = begin_shadow(cpu);
	if (err)
		cpu->engine = NULL;
	return err;
}

void bt_release(struct vcpu *cpu)
{
	bt_destroy(cpu);
}

void bt_start(struct vcpu *cpu)
{
	if (cpu->direct)
		direct_start(cpu->direct);
}

int bt_attach(struct vcpu *cpu, const struct engine_config *config)
{
	struct bt *bt;
	int err;

	if (!host_can_translate())
		return -ENOTSUP;
	bt = calloc(1, sizeof(*bt));
	if (!bt)
		return -ENOMEM;
	cpu->bt = bt;
	bt->config = *config;
	bt->decoder = decoder_create();
	bt->sites = calloc(SLOW_SITES, sizeof(*bt->sites));
	bt->tables = mmap(NULL, sizeof(*bt->tables), PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (bt->tables == MAP_FAILED)
		bt->tables = NULL;
	err = bt->decoder && bt->sites && bt->tables ? 0 : -ENOMEM;
	if (!err)
		err = cache_create(bt, config->cache_kib);
	if (!err)
		err = returns_create(cpu);
	if (!err)
		err = signals_stack_create(bt);
	if (!err)
		err = signals_install();
	if (err) {
		bt_destroy(cpu);
		return err;
	}
	fill_flag_ops(bt->tables);
	if (config->verify)
		verify_stubs(bt);
	cpu->bt_tables = bt->tables;
	cpu->bt_jc = &bt->tables->jc[0];
	atomic_store(&cpu->bt_poll, &cpu->bt_poll_target);
	err = begin_shadow(cpu);
	if (err)
		bt_destroy(cpu);
	return err;
}
