/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host timer of a machine thread: when its signals come and to whom. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cpu/engine.h"
#include "cpu/vcpu.h"
#include "devices/clock.h"
#include "monitor/vm_timer.h"
#include "tests/unit/unit.h"

#define MS 1000000ull
#define PATIENCE (10 * NS_PER_SEC) /* hosts can be busy */

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS_PER_SEC + (uint64_t)t.tv_nsec;
}

/* Only its pending bits are used. */
static struct vcpu *make_cpu(void)
{
	return calloc(1, sizeof(struct vcpu));
}

/* Waits like an engine that runs; returns whether the bit came. */
static bool wait_kicked(struct vcpu *cpu, uint64_t until)
{
	while (!(atomic_load(&cpu->pending) & PENDING_TIMER)) {
		if (now() > until)
			return false;
	}
	atomic_store(&cpu->pending, 0);
	return true;
}

static void test_deadline(void)
{
	struct vcpu *cpu = make_cpu();
	struct vm_timer t;
	uint64_t when;

	CHECK_EQ(vm_timer_start(&t, cpu, 0), 0);
	CHECK(t.on);
	when = now() + 5 * MS;
	vm_timer_arm(&t, when);
	CHECK(wait_kicked(cpu, when + PATIENCE));
	CHECK(now() >= when);
	/* In the past: at once. */
	vm_timer_arm(&t, 1);
	CHECK(wait_kicked(cpu, now() + PATIENCE));
	vm_timer_arm(&t, CLOCK_NEVER);
	CHECK(!wait_kicked(cpu, now() + 5 * MS));
	vm_timer_stop(&t);
	free(cpu);
}

/* The host is asked only for what comes before what it knows. */
static void test_settings(void)
{
	struct vcpu *cpu = make_cpu();
	struct vm_timer t;
	uint64_t when;

	CHECK_EQ(vm_timer_start(&t, cpu, 0), 0);
	when = now() + 1000 * NS_PER_SEC;
	vm_timer_arm(&t, when);
	vm_timer_arm(&t, when);
	vm_timer_arm(&t, when + 1);
	vm_timer_arm(&t, CLOCK_NEVER);
	CHECK_EQ(t.settings, 1);
	vm_timer_arm(&t, now() + MS);
	CHECK_EQ(t.settings, 2);
	CHECK(wait_kicked(cpu, now() + PATIENCE));
	vm_timer_arm(&t, when);
	CHECK_EQ(t.settings, 3);
	vm_timer_stop(&t);
	free(cpu);
}

/* Early signals come again, and in the end the deadline is reached. */
static void test_early(void)
{
	struct vcpu *cpu = make_cpu();
	unsigned early = 0;
	struct vm_timer t;
	uint64_t when;

	CHECK_EQ(vm_timer_start(&t, cpu, INJECT_EARLY_TIMERS), 0);
	/* A busy host may keep the thread waiting until the deadline itself. */
	for (unsigned attempt = 0; attempt < 20 && !early; attempt++) {
		when = now() + 50 * MS;
		do {
			vm_timer_arm(&t, when);
			CU_ASSERT_FATAL(wait_kicked(cpu, when + PATIENCE));
			early += now() < when;
		} while (now() < when);
	}
	CHECK(early > 0 && early < 500);
	vm_timer_stop(&t);
	free(cpu);
}

static void test_spurious(void)
{
	struct vcpu *cpu = make_cpu();
	uint64_t begin = now();
	struct vm_timer t;

	CHECK_EQ(vm_timer_start(&t, cpu, INJECT_SPURIOUS_SIGNALS), 0);
	for (unsigned i = 0; i < 20; i++)
		CHECK(wait_kicked(cpu, now() + PATIENCE));
	CHECK(now() - begin >= 9 * MS);
	vm_timer_stop(&t);
	atomic_store(&cpu->pending, 0);
	CHECK(!wait_kicked(cpu, now() + 3 * MS));
	free(cpu);
}

/* Each thread's timer kicks its own processor. */
static void *one_of_many(void *arg)
{
	struct vcpu *cpu = make_cpu();
	uintptr_t kicked = 0;
	struct vm_timer t;

	if (vm_timer_start(&t, cpu, 0) < 0)
		return NULL;
	for (unsigned i = 0; i < 50; i++) {
		vm_timer_arm(&t, now() + MS / 10);
		kicked += wait_kicked(cpu, now() + PATIENCE);
	}
	vm_timer_stop(&t);
	free(cpu);
	return (void *)kicked;
}

static void test_threads(void)
{
	pthread_t threads[3];
	void *kicked;

	for (int i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, one_of_many, NULL);
	for (int i = 0; i < 3; i++) {
		pthread_join(threads[i], &kicked);
		CHECK_EQ((uintptr_t)kicked, 50);
	}
}

/* A user's signal of the same number is no timer, and does not crash. */
static void test_foreign_signal(void)
{
	struct vcpu *cpu = make_cpu();
	struct vm_timer t;

	CHECK_EQ(vm_timer_start(&t, cpu, 0), 0);
	raise(SIGRTMIN + 6);
	CHECK_EQ(atomic_load(&cpu->pending), 0);
	vm_timer_stop(&t);
	free(cpu);
}

static void test_signal_stack(void)
{
	void *first = vm_signal_stack_create(), *second = vm_signal_stack_create();
	stack_t s;

	/* A sanitizer has its own already, which stays. */
	CHECK(!second);
	CHECK_EQ(sigaltstack(NULL, &s), 0);
	CHECK(!(s.ss_flags & SS_DISABLE));
	if (!first)
		return;
	CHECK(s.ss_sp == first);
	vm_signal_stack_destroy(first);
	CHECK_EQ(sigaltstack(NULL, &s), 0);
	CHECK(s.ss_flags & SS_DISABLE);
}

UNIT_MAIN("vm_timer", {"deadline", test_deadline}, {"settings", test_settings},
	  {"early", test_early}, {"spurious", test_spurious}, {"threads", test_threads},
	  {"foreign signal", test_foreign_signal}, {"signal stack", test_signal_stack})
