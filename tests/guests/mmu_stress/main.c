// SPDX-License-Identifier: GPL-2.0-or-later
/* The game: options, random numbers, steps, and how each is checked. */
#include "stress.h"

#define MULTIBOOT_LOADED 0x2badb002u
#define LOOK_AT_ALL	 256u /* steps between comparisons of the whole pool */
#define RETRIES_MOST	 10000u
#define EPISODE		 400u /* steps in one mode, about */

uint8_t stack[16384] __attribute__((aligned(16)));
__asm__(".globl stack_top\n.set stack_top, stack + 16384");

struct options options = {.seed = 1, .steps = 2000, .spin = 1000};
struct counts counts;
uint32_t step;
static uint32_t hash = 2166136261u;

/* ---- random numbers, the hash ---- */
static uint32_t random_state;

uint32_t rnd(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return random_state * 0x9e3779b1u;
}

uint32_t below(uint32_t n)
{
	return (uint32_t)((uint64_t)rnd() * n >> 32);
}

void mix(uint32_t value)
{
	hash = (hash ^ value) * 16777619u;
	hash ^= hash >> 15;
}

/* ---- what it is about ---- */
#define FOCUS_PAGES  4u
#define FOCUS_SLOTS  4u
#define FOCUS_FRAMES 5u
static struct {
	unsigned first; /* of the pages */
	uint32_t slots[FOCUS_SLOTS];
	unsigned frames[FOCUS_FRAMES];
	uint32_t until; /* step */
} focus;

static void refocus(void)
{
	focus.first = below(PAGES);
	for (unsigned i = 0; i < FOCUS_SLOTS - 1; i++)
		focus.slots[i] = chance(70) ? below(24) * SLOT : 0xc00 + below(15) * SLOT;
	focus.slots[FOCUS_SLOTS - 1] = CROSSING;
	for (unsigned i = 0; i < FOCUS_FRAMES; i++)
		focus.frames[i] = below(FRAMES);
	focus.until = step + 30 + below(100);
}

unsigned pick_page(void)
{
	return chance(85) ? (focus.first + below(FOCUS_PAGES)) % PAGES : below(PAGES);
}

uint32_t pick_slot(void)
{
	return chance(85) ? focus.slots[below(FOCUS_SLOTS)] : below(24) * SLOT;
}

unsigned pick_frame(void)
{
	return chance(70) ? focus.frames[below(FOCUS_FRAMES)] : below(FRAMES);
}

/* ---- running code ---- */
static uint32_t retries;

/* A right may have been added that the TLB does not know yet: SDM 3A 4.10.4.3. */
static bool retry_upgraded(uint32_t cr2, uint32_t error)
{
	enum access kind = error & PF_W ? WRITE : error & PF_I ? EXEC : READ;
	int id = page_id(cr2);
	struct walk w;

	if (id < 0 || stale[id].how != UPGRADED)
		return false;
	walk_current(cr2, &w);
	if (walk_check(&w, kind, error & PF_U) >= 0)
		return false;
	counts.retries++;
	if (++retries > RETRIES_MOST)
		fail("no end of faults at %x, error %x", cr2, error);
	return true;
}

static bool retry_never(uint32_t cr2, uint32_t error)
{
	return false;
}

void run_open(const struct registers *in, uint32_t eip, bool user)
{
	may_retry = retry_never;
	run(in, eip, user);
	may_retry = NULL;
}

static void check(const char *what, uint32_t is, uint32_t should_be)
{
	if (is != should_be)
		fail("%s is %x, should be %x; code at %x, vector %u, cr2 %x, error %x", what, is,
		     should_be, got.eip, got.vector, got.cr2, got.error);
}

static void check_fault(const struct expectation *e)
{
	uint32_t mask = e->any_w ? ~PF_W : ~0u;

	if (options.qemu && e->error & PF_RSVD)
		mask &= ~PF_P;

	check("CR2", got.cr2, e->cr2);
	check("the error code", got.error & mask, e->error & mask);
	if (e->eip)
		check("EIP", got.eip, e->eip);
	mix(got.cr2);
	mix(got.error & mask);
}

void run_expecting(const struct registers *in, uint32_t eip, bool user,
		   const struct expectation *e)
{
	retries = 0;
	may_retry = retry_upgraded;
	run(in, eip, user);
	may_retry = NULL;
	if (options.verbose)
		print("  run %x user %u edi %x esi %x ebx %x: vector %u cr2 %x error %x\n", eip,
		      (uint32_t)user, in->edi, in->esi, in->ebx, got.vector, got.cr2, got.error);
	check("the vector", got.vector, e->fault ? VEC_PF : VEC_END);
	if (e->fault) {
		check_fault(e);
		counts.faults++;
		normalise_last();
	}
	check("EAX", got.eax, e->out.eax);
	check("EDI", got.edi, e->out.edi);
	if (!e->only_eax_edi) {
		check("ECX", got.ecx, e->out.ecx);
		check("ESI", got.esi, e->out.esi);
		check("EDX", got.edx, e->out.edx);
	}
	mix(got.eax);
	mix(got.edi);
	compare_frames(false);
	counts.done++;
}

/* ---- the game ---- */
static void switch_space(void)
{
	unsigned n = model.current;

	counts.switches++;
	space_load(n / SPACES_PER_MODE * SPACES_PER_MODE + below(SPACES_PER_MODE));
}

static void flush_random(void)
{
	if (chance(50))
		page_flush(pick_page());
	else if (chance(80))
		space_load(model.current);
	else
		flush_global();
}

/* Enough for a table that is watched to be given up, and flushes of pages only. */
static void edit_storm(void)
{
	bool directory = chance(30);

	for (unsigned n = 4 + below(14); n; n--) {
		if (directory)
			edit_directory(pick_page());
		else
			edit_page(pick_page());
		if (chance(40))
			access_random();
	}
}

static void play(void)
{
	uint32_t n = below(200);

	if (step >= focus.until)
		refocus();
	if (!model.a20 && chance(10))
		a20_switch(true);
	if (n < 60)
		access_random();
	else if (n < 75)
		code_call(1);
	else if (n < 83)
		code_call(2 + below(20));
	else if (n < 112)
		code_again();
	else if (n < 136)
		edit_page(pick_page());
	else if (n < 143)
		edit_directory(pick_page());
	else if (n < 148)
		edit_storm();
	else if (n < 151)
		edit_large(pick_page());
	else if (n < 160)
		code_generate();
	else if (n < 166)
		flush_random();
	else if (n < 175)
		switch_space();
	else if (n < 178)
		wp_set(!model.wp);
	else if (n < 184)
		recycle_frame();
	else if (n < 188)
		disk_read_random();
	else if (n < 195)
		gamble_random();
	else if (n < 196)
		a20_switch(!model.a20);
	else if (n < 198)
		access_spin();
	else if (chance(2 * 100 * 100 / EPISODE))
		space_load(below(SPACES));
}

/* ---- options ---- */
static uint32_t number(const char *text, const char *name, uint32_t value)
{
	size_t n = 0;

	while (name[n])
		n++;
	for (; *text; text++) {
		size_t i = 0;

		while (i < n && text[i] == name[i])
			i++;
		if (i < n || text[i] != '=')
			continue;
		for (value = 0, text += n + 1; *text >= '0' && *text <= '9'; text++)
			value = value * 10 + (uint32_t)(*text - '0');
		return value;
	}
	return value;
}

static void parse_options(const char *text)
{
	options.seed = number(text, "seed", options.seed);
	options.steps = number(text, "steps", options.steps);
	options.spin = number(text, "spin", options.spin);
	options.gamble = number(text, "gamble", 0);
	options.qemu = number(text, "qemu", 0);
	options.nested = number(text, "nested", 0);
	options.disk = number(text, "disk", 0);
	options.verbose = number(text, "verbose", 0);
	random_state = options.seed * 2654435761u | 1;
	for (unsigned i = 0; i < 16; i++)
		rnd();
}

static void print_counts(void)
{
#define X(name) print("  " #name " %u\n", counts.name);
	COUNTS(X)
#undef X
	print("  ticks %u\n", ticks);
}

static void hash_pool(void)
{
	compare_frames(true);
	for (unsigned f = 0; f < FRAMES; f++)
		for (unsigned i = 0; i < PAGE; i += 4)
			mix(*(const uint32_t *)(model.shadow[f] + i));
}

void stress_main(uint32_t magic, const uint32_t *info)
{
	hardware_init();
	if (magic == MULTIBOOT_LOADED && info[0] & 4)
		parse_options((const char *)(uintptr_t)info[4]);
	print("mmu_stress: seed %u, %u steps\n", options.seed, options.steps);
	model.nx = cpu_flags() >> (32 + 20) & 1;
	if (model.nx)
		__asm__ volatile("rdmsr; or $0x800, %%eax; wrmsr" : : "c"(0xc0000080) : "eax", "edx");
	if (options.disk)
		disk_init();
	model_init();
	refocus();
	paging_start();
	__asm__ volatile("sti");
	code_fill();
	for (step = 1; step <= options.steps; step++) {
		if (options.verbose)
			print("step %u\n", step);
		play();
		if (step % LOOK_AT_ALL == 0)
			compare_frames(true);
		if (step % (options.steps / 8 + 1) == 0)
			print("step %u: hash %x\n", step, hash);
	}
	if (!model.a20)
		a20_switch(true);
	hash_pool();
	print_counts();
	print("mmu_stress: seed %u passed, hash %x\n", options.seed, hash);
	finish(true);
}
