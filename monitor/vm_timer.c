/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host timer of a machine thread, timer_create(2) with SIGEV_THREAD_ID: the
 * signal comes to the thread that runs guest code, and to no other, so that
 * each machine of a process has its own.
 *
 * Arming costs a system call, so an armed deadline that is early enough is
 * left alone: it fires, the machine's loop finds nothing due and arms it for
 * what comes next. Guests move deadlines away much more often than nearer.
 */
#include "monitor/vm_timer.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/host_time.h"
#include "cpu/engine.h"
#include "cpu/vcpu.h"
#include "devices/clock.h"

#define TIMER_SIGNAL (SIGRTMIN + 6)
#define SPURIOUS_PERIOD_NS 500000
#define EARLY_LEAST_NS 2000 /* nearer than that is kept: it has to come at last */
#define RANDOM_SEED 0x9e3779b97f4a7c15ull
#define SIGNAL_STACK_SIZE (64u << 10)

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

static void on_signal(int number, siginfo_t *info, void *context)
{
	struct host_timer *h = info->si_value.sival_ptr;

	if (info->si_code != SI_TIMER) /* from a user's kill(1), not from us */
		return;
	atomic_store_explicit(&h->fired, true, memory_order_relaxed);
	vcpu_kick(h->cpu, PENDING_TIMER);
}

/* The same for all machines of the process; never taken back. */
static int install_handler(void)
{
	struct sigaction sa = {.sa_sigaction = on_signal,
			       .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK};
	sigset_t set;

	sigemptyset(&sa.sa_mask);
	if (sigaction(TIMER_SIGNAL, &sa, NULL) < 0)
		return -errno;
	sigemptyset(&set);
	sigaddset(&set, TIMER_SIGNAL);
	return -pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static int make(struct host_timer *h, struct vcpu *cpu)
{
	struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID,
				 .sigev_signo = TIMER_SIGNAL,
				 .sigev_value.sival_ptr = h};

	event.sigev_notify_thread_id = gettid();
	h->cpu = cpu;
	atomic_init(&h->fired, false);
	if (timer_create(CLOCK_MONOTONIC, &event, &h->id) < 0)
		return -errno;
	h->made = true;
	return 0;
}

/* Signals of this thread that are pending come before the call returns. */
static void unmake(struct host_timer *h)
{
	if (h->made)
		timer_delete(h->id);
	h->made = false;
}

int vm_timer_start(struct vm_timer *t, struct vcpu *cpu, unsigned inject)
{
	const struct itimerspec often = {.it_interval.tv_nsec = SPURIOUS_PERIOD_NS,
					 .it_value.tv_nsec = SPURIOUS_PERIOD_NS};
	int err;

	memset(t, 0, sizeof(*t));
	err = install_handler();
	if (!err)
		err = make(&t->due, cpu);
	if (!err && inject & INJECT_SPURIOUS_SIGNALS)
		err = make(&t->spurious, cpu);
	if (!err && t->spurious.made && timer_settime(t->spurious.id, 0, &often, NULL) < 0)
		err = -errno;
	if (err) {
		vm_timer_stop(t);
		return err;
	}
	t->early = inject & INJECT_EARLY_TIMERS ? RANDOM_SEED : 0;
	t->on = true;
	return 0;
}

void vm_timer_stop(struct vm_timer *t)
{
	unmake(&t->spurious);
	unmake(&t->due);
	t->on = false;
}

/* INJECT_EARLY_TIMERS: somewhere on the way from now to the deadline. */
static uint64_t make_early(struct vm_timer *t, uint64_t host_ns)
{
	uint64_t from = host_time_ns();

	if (host_ns < from + EARLY_LEAST_NS)
		return host_ns;
	t->early ^= t->early << 13;
	t->early ^= t->early >> 7;
	t->early ^= t->early << 17;
	return from + muldiv64(host_ns - from, t->early >> 32, 1ull << 32);
}

void vm_timer_arm(struct vm_timer *t, uint64_t host_ns)
{
	bool waiting = t->armed && !atomic_load_explicit(&t->due.fired, memory_order_relaxed);
	struct itimerspec when = {0};

	if (host_ns == CLOCK_NEVER || (waiting && t->armed <= host_ns))
		return;
	if (t->early)
		host_ns = make_early(t, host_ns);
	when.it_value.tv_sec = (time_t)(host_ns / NS_PER_SEC);
	when.it_value.tv_nsec = (long)(host_ns % NS_PER_SEC);
	t->armed = host_ns;
	t->settings++;
	/* Before the call: a deadline in the past fires within it. */
	atomic_store_explicit(&t->due.fired, false, memory_order_relaxed);
	timer_settime(t->due.id, TIMER_ABSTIME, &when, NULL);
}

/* ---- the alternate stack ---- */

void *vm_signal_stack_create(void)
{
	stack_t s = {.ss_size = SIGNAL_STACK_SIZE}, old;

	if (sigaltstack(NULL, &old) < 0 || !(old.ss_flags & SS_DISABLE))
		return NULL;
	s.ss_sp = mmap(NULL, SIGNAL_STACK_SIZE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	if (s.ss_sp == MAP_FAILED)
		return NULL;
	if (sigaltstack(&s, NULL) < 0) {
		munmap(s.ss_sp, SIGNAL_STACK_SIZE);
		return NULL;
	}
	return s.ss_sp;
}

void vm_signal_stack_destroy(void *stack)
{
	stack_t none = {.ss_flags = SS_DISABLE}, now;

	if (!stack)
		return;
	if (sigaltstack(NULL, &now) == 0 && now.ss_sp == stack)
		sigaltstack(&none, NULL);
	munmap(stack, SIGNAL_STACK_SIZE);
}
