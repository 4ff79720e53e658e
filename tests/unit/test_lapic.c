/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Local APIC (SDM 3A chapter 10): priorities, EOI, timer, LINT pins, IPIs,
 * destinations, errors, base register; and a fuzz.
 */
#include "devices/lapic.h"

#include "tests/unit/unit.h"

#define BASE 0xfee00000u
#define R_ID 0x20
#define R_VERSION 0x30
#define R_TPR 0x80
#define R_PPR 0xa0
#define R_EOI 0xb0
#define R_LDR 0xd0
#define R_DFR 0xe0
#define R_SVR 0xf0
#define R_ISR 0x100
#define R_TMR 0x180
#define R_IRR 0x200
#define R_ESR 0x280
#define R_ICR_LOW 0x300
#define R_ICR_HIGH 0x310
#define R_LVT_TIMER 0x320
#define R_LVT_LINT0 0x350
#define R_LVT_LINT1 0x360
#define R_LVT_ERROR 0x370
#define R_INITIAL 0x380
#define R_CURRENT 0x390
#define R_DIVIDE 0x3e0

static struct physmem *mem;
static struct bus *bus;
static struct clock *timebase;
static struct pic *pic;
static struct lapic *lapic;
static int intr, nmis, inits, eois, last_eoi;

static void set_intr(void *opaque, int n, int level)
{
	intr = level;
}

static void set_nmi(void *opaque, int n, int level)
{
	nmis += level;
}

static void on_init(void *opaque)
{
	inits++;
}

static void on_eoi(void *opaque, uint8_t vector)
{
	eois++;
	last_eoi = vector;
}

static uint32_t rd(unsigned reg)
{
	return physmem_read(mem, BASE + reg, 4);
}

static void wr(unsigned reg, uint32_t value)
{
	physmem_write(mem, BASE + reg, value, 4);
}

static void set_up_with(struct clock *clock)
{
	struct lapic_wiring w = {.intr = {.set = set_intr}, .nmi = {.set = set_nmi}};
	struct pic_wiring pic_wiring;

	physmem_create(&mem, 1u << 20);
	bus = bus_create(mem);
	timebase = clock;
	w.mem = mem;
	w.clock = timebase;
	w.init = on_init;
	intr = nmis = inits = eois = 0;
	lapic = lapic_create(&w);
	pic_wiring.bus = bus;
	pic_wiring.intr = lapic_extint_line(lapic);
	pic = pic_create(&pic_wiring);
	lapic_attach_pic(lapic, pic);
	lapic_on_eoi(lapic, on_eoi, NULL);
}

static void set_up(void)
{
	set_up_with(clock_create_stepped());
	clock_step(timebase, 12345);
}

static void enable(void)
{
	set_up();
	wr(R_SVR, 0x1ff);
}

static void tear_down(void)
{
	pic_class.destroy(pic);
	lapic_class.destroy(lapic);
	clock_destroy(timebase);
	bus_destroy(bus);
	physmem_destroy(mem);
}

static bool message(uint8_t vector, bool level)
{
	struct apic_message m = {.vector = vector, .level = level, .delivery = APIC_FIXED};

	return lapic_deliver(lapic, &m);
}

static void start_pic(void)
{
	static const uint8_t program[][2] = {{0x20, 0x11}, {0x21, 0x20}, {0x21, 4}, {0x21, 1},
					     {0xa0, 0x11}, {0xa1, 0x28}, {0xa1, 2}, {0xa1, 1}};

	for (unsigned i = 0; i < 8; i++)
		bus_port_write(bus, program[i][0], program[i][1], 1);
}

static void test_reset_values(void)
{
	set_up();
	CHECK_EQ(rd(R_ID), 0);
	CHECK_EQ(rd(R_VERSION), 0x00050014);
	CHECK_EQ(rd(R_SVR), 0xff);
	CHECK_EQ(rd(R_DFR), 0xffffffff);
	CHECK_EQ(rd(R_LVT_TIMER), 0x10000);
	CHECK_EQ(rd(R_LVT_ERROR), 0x10000);
	/* Software-disabled, fixed interrupts are not taken. */
	CHECK(!message(0x40, false));
	CHECK_EQ(rd(R_IRR + 0x20), 0);
	/* The doublewords between the registers read as 0, bytes are shifted. */
	CHECK_EQ(rd(R_VERSION + 4), 0);
	CHECK_EQ(physmem_read(mem, BASE + R_VERSION + 2, 1), 5);
	tear_down();
}

static void test_priorities(void)
{
	enable();
	CHECK(message(0x41, false));
	CHECK_EQ(intr, 1);
	message(0x83, false);
	message(0x45, false);
	CHECK_EQ(lapic_acknowledge(lapic), 0x83);
	CHECK_EQ(rd(R_ISR + 0x40), 1u << 3);
	CHECK_EQ(rd(R_PPR), 0x80);
	/* Lower and equal classes wait; a higher one interrupts. */
	CHECK_EQ(intr, 0);
	message(0x8f, false);
	CHECK_EQ(intr, 0);
	message(0x91, false);
	CHECK_EQ(intr, 1);
	CHECK_EQ(lapic_acknowledge(lapic), 0x91);
	wr(R_EOI, 0);
	CHECK_EQ(intr, 0);
	wr(R_EOI, 0);
	CHECK_EQ(intr, 1);
	CHECK_EQ(lapic_acknowledge(lapic), 0x8f);
	wr(R_EOI, 0);
	CHECK_EQ(lapic_acknowledge(lapic), 0x45);
	wr(R_EOI, 0);
	CHECK_EQ(lapic_acknowledge(lapic), 0x41);
	wr(R_EOI, 0);
	CHECK_EQ(lapic_acknowledge(lapic), -1);
	CHECK_EQ(intr, 0);
	wr(R_EOI, 0); /* with nothing in service: nothing */
	CHECK_EQ(eois, 0);
	tear_down();
}

static void test_task_priority(void)
{
	enable();
	wr(R_TPR, 0x45);
	CHECK_EQ(rd(R_PPR), 0x45);
	message(0x4f, false);
	CHECK_EQ(intr, 0);
	wr(R_TPR, 0x3f);
	CHECK_EQ(intr, 1);
	/* Raised before it was taken: withdrawn. */
	wr(R_TPR, 0x40);
	CHECK_EQ(intr, 0);
	CHECK_EQ(lapic_acknowledge(lapic), -1);
	wr(R_TPR, 0);
	CHECK_EQ(lapic_acknowledge(lapic), 0x4f);
	tear_down();
}

static void test_level_eoi(void)
{
	enable();
	message(0x61, true);
	CHECK_EQ(rd(R_TMR + 0x30), 2);
	CHECK_EQ(lapic_acknowledge(lapic), 0x61);
	wr(R_EOI, 0);
	CHECK_EQ(eois, 1);
	CHECK_EQ(last_eoi, 0x61);
	message(0x61, false);
	CHECK_EQ(rd(R_TMR + 0x30), 0);
	tear_down();
}

static void test_virtual_wire(void)
{
	set_up();
	start_pic();
	/* Before anybody sets the APIC up, and after: LINT0 is ExtINT. */
	pic_set_irq(pic, 1, 1);
	CHECK_EQ(intr, 1);
	CHECK_EQ(lapic_acknowledge(lapic), 0x21);
	CHECK_EQ(lapic_acknowledge(lapic), -1);
	bus_port_write(bus, 0x20, 0x20, 1);
	wr(R_SVR, 0x1ff);
	wr(R_LVT_LINT0, 0x10700);
	pic_set_irq(pic, 1, 0);
	pic_set_irq(pic, 1, 1);
	CHECK_EQ(intr, 0);
	wr(R_LVT_LINT0, 0x00700);
	CHECK_EQ(intr, 1);
	/* The APIC's own come first. */
	message(0x30, false);
	CHECK_EQ(lapic_acknowledge(lapic), 0x30);
	CHECK_EQ(lapic_acknowledge(lapic), 0x21);
	bus_port_write(bus, 0x20, 0x20, 1);
	/* Masked by the software-disable, which cannot be undone there. */
	wr(R_SVR, 0x0ff);
	CHECK_EQ(rd(R_LVT_LINT0), 0x10700);
	wr(R_LVT_LINT0, 0x00700);
	CHECK_EQ(rd(R_LVT_LINT0), 0x10700);
	/* Turned off in the MSR: the pin is INTR. */
	lapic_set_base(lapic, LAPIC_DEFAULT_BASE | APIC_BASE_BSP);
	pic_set_irq(pic, 3, 1);
	CHECK_EQ(intr, 1);
	CHECK_EQ(lapic_acknowledge(lapic), 0x23);
	tear_down();
}

static void test_lint_fixed_and_nmi(void)
{
	struct irq_line lint0, lint1;

	enable();
	lint0 = lapic_extint_line(lapic);
	lint1 = lapic_nmi_line(lapic);
	wr(R_LVT_LINT1, 0x400);
	irq_set(&lint1, 1);
	irq_set(&lint1, 1);
	CHECK_EQ(nmis, 1);
	irq_set(&lint1, 0);
	/* Edge: one request a rise. */
	wr(R_LVT_LINT0, 0x55);
	irq_set(&lint0, 1);
	CHECK_EQ(lapic_acknowledge(lapic), 0x55);
	wr(R_EOI, 0);
	CHECK_EQ(intr, 0);
	irq_set(&lint0, 0);
	/* Level: again after each EOI while the pin is high. */
	wr(R_LVT_LINT0, 0x8056);
	irq_set(&lint0, 1);
	CHECK_EQ(rd(R_LVT_LINT0), 0xc056);
	CHECK_EQ(lapic_acknowledge(lapic), 0x56);
	CHECK_EQ(intr, 0);
	wr(R_EOI, 0);
	CHECK_EQ(intr, 1);
	irq_set(&lint0, 0);
	CHECK_EQ(lapic_acknowledge(lapic), 0x56);
	wr(R_EOI, 0);
	CHECK_EQ(intr, 0);
	CHECK_EQ(rd(R_LVT_LINT0), 0x8056);
	tear_down();
}

static void test_timer_one_shot(void)
{
	enable();
	wr(R_DIVIDE, 0x3); /* by 16 */
	wr(R_LVT_TIMER, 0x70);
	wr(R_INITIAL, 1000);
	clock_step(timebase, 16 * 400);
	CHECK_EQ(rd(R_CURRENT), 600);
	CHECK_EQ(intr, 0);
	clock_step(timebase, 16 * 600 - 1);
	CHECK_EQ(rd(R_CURRENT), 1);
	CHECK_EQ(intr, 0);
	clock_step(timebase, 1);
	CHECK_EQ(rd(R_CURRENT), 0);
	CHECK_EQ(lapic_acknowledge(lapic), 0x70);
	wr(R_EOI, 0);
	clock_step(timebase, 1000000);
	CHECK_EQ(intr, 0);
	CHECK_EQ(clock_next(timebase), CLOCK_NEVER);
	/* Masked it counts, unseen; unmasked in time it is seen. */
	wr(R_LVT_TIMER, 0x10070);
	wr(R_INITIAL, 1000);
	CHECK_EQ(clock_next(timebase), CLOCK_NEVER);
	clock_step(timebase, 8000);
	CHECK_EQ(rd(R_CURRENT), 500);
	wr(R_LVT_TIMER, 0x70);
	clock_step(timebase, 8000);
	CHECK_EQ(lapic_acknowledge(lapic), 0x70);
	/* Stopped. */
	wr(R_INITIAL, 1000);
	wr(R_INITIAL, 0);
	CHECK_EQ(rd(R_CURRENT), 0);
	CHECK_EQ(clock_next(timebase), CLOCK_NEVER);
	tear_down();
}

/* Time as hosts have it that do something else in between: each look is much later. */
static uint64_t late(void *opaque)
{
	uint64_t *now = opaque;

	return *now += 1000000;
}

/* The end of a short count is told, however late, whatever is written meanwhile. */
static void test_timer_late(void)
{
	uint64_t now = 1;

	set_up_with(clock_create(late, &now));
	wr(R_SVR, 0x1ff);
	wr(R_DIVIDE, 0xb); /* by 1 */
	wr(R_LVT_TIMER, 0x70);
	wr(R_INITIAL, 15);
	clock_run_due(timebase);
	CHECK_EQ(lapic_acknowledge(lapic), 0x70);
	wr(R_EOI, 0);
	wr(R_INITIAL, 15);
	wr(R_LVT_TIMER, 0x71);
	clock_run_due(timebase);
	CHECK_EQ(lapic_acknowledge(lapic), 0x71);
	wr(R_EOI, 0);
	wr(R_LVT_TIMER, 0x10071);
	wr(R_INITIAL, 15);
	wr(R_LVT_TIMER, 0x71); /* it ended masked, which nobody has seen */
	clock_run_due(timebase);
	CHECK_EQ(intr, 0);
	tear_down();
}

static void test_timer_periodic(void)
{
	unsigned ticks = 0;

	enable();
	wr(R_DIVIDE, 0xb); /* by 1 */
	wr(R_LVT_TIMER, 0x20070);
	wr(R_INITIAL, 100003);
	for (int i = 0; i < 10000; i++) {
		clock_step(timebase, 10007);
		if (intr) {
			CHECK_EQ(lapic_acknowledge(lapic), 0x70);
			wr(R_EOI, 0);
			ticks++;
		}
	}
	CHECK_EQ(ticks, 10000ull * 10007 / 100003); /* no drift */
	CHECK_EQ(rd(R_CURRENT), 100003 - 10000ull * 10007 % 100003);
	tear_down();
}

/* A period of one ns must not make the machine thread spin. */
static void test_timer_flood(void)
{
	unsigned ticks = 0;

	enable();
	wr(R_DIVIDE, 0xb);
	wr(R_LVT_TIMER, 0x20070);
	wr(R_INITIAL, 1);
	for (int i = 0; i < 1000; i++) {
		CHECK(clock_next(timebase) > clock_now(timebase));
		clock_step(timebase, 1000);
		ticks += intr;
		if (lapic_acknowledge(lapic) >= 0)
			wr(R_EOI, 0);
	}
	CHECK(ticks > 40 && ticks < 60);
	tear_down();
}

static void test_timer_divide_on_the_fly(void)
{
	enable();
	wr(R_DIVIDE, 0xb);
	wr(R_LVT_TIMER, 0x70);
	wr(R_INITIAL, 1000);
	clock_step(timebase, 400);
	wr(R_DIVIDE, 0x0); /* by 2 */
	CHECK_EQ(rd(R_CURRENT), 600);
	clock_step(timebase, 1199);
	CHECK_EQ(rd(R_CURRENT), 1);
	clock_step(timebase, 1);
	CHECK_EQ(lapic_acknowledge(lapic), 0x70);
	tear_down();
}

static void test_ipis(void)
{
	enable();
	wr(R_ICR_LOW, 0x40000 | 0x51); /* to self */
	CHECK_EQ(lapic_acknowledge(lapic), 0x51);
	wr(R_EOI, 0);
	wr(R_ICR_LOW, 0x80000 | 0x52); /* to all */
	CHECK_EQ(lapic_acknowledge(lapic), 0x52);
	wr(R_EOI, 0);
	wr(R_ICR_LOW, 0xc0000 | 0x53); /* to the others: there are none */
	CHECK_EQ(intr, 0);
	wr(R_ICR_HIGH, 5u << 24);
	wr(R_ICR_LOW, 0x54);
	CHECK_EQ(intr, 0);
	wr(R_ICR_HIGH, 0);
	wr(R_ICR_LOW, 0x54);
	CHECK_EQ(lapic_acknowledge(lapic), 0x54);
	CHECK_EQ(rd(R_ICR_LOW) & 0x1000, 0); /* sent */
	wr(R_ICR_LOW, 0x400); /* NMI */
	CHECK_EQ(nmis, 1);
	wr(R_ICR_LOW, 0x8500); /* INIT, level de-assert: nothing */
	CHECK_EQ(inits, 0);
	wr(R_ICR_LOW, 0x600); /* start-up: nobody waits for it */
	CHECK_EQ(rd(R_SVR), 0x1ff);
	wr(R_ICR_LOW, 0xc500); /* INIT */
	CHECK_EQ(inits, 1);
	CHECK_EQ(rd(R_SVR), 0xff);
	tear_down();
}

static bool logical(uint8_t destination)
{
	struct apic_message m = {.vector = 0x40, .destination = destination, .logical = true};

	return lapic_deliver(lapic, &m);
}

static void test_destinations(void)
{
	struct apic_message physical = {.vector = 0x40, .destination = 3};

	enable();
	CHECK(!lapic_deliver(lapic, &physical));
	wr(R_ID, 3u << 24);
	CHECK(lapic_deliver(lapic, &physical));
	physical.destination = 0xff;
	CHECK(lapic_deliver(lapic, &physical));
	wr(R_LDR, 0x24000000);
	CHECK(logical(0x04));
	CHECK(logical(0x20));
	CHECK(!logical(0x01));
	CHECK(logical(0xff));
	wr(R_DFR, 0x0fffffff); /* cluster 2, member 4 */
	CHECK(logical(0x24));
	CHECK(logical(0xf4));
	CHECK(!logical(0x14));
	CHECK(!logical(0x21));
	tear_down();
}

static void test_errors(void)
{
	enable();
	wr(R_LVT_ERROR, 0xe0);
	message(0x0f, false);
	CHECK_EQ(lapic_acknowledge(lapic), 0xe0);
	wr(R_EOI, 0);
	CHECK_EQ(rd(R_ESR), 0);
	wr(R_ESR, 0);
	CHECK_EQ(rd(R_ESR), 0x40);
	wr(R_ICR_LOW, 0x40005); /* vector 5, to self */
	wr(R_ESR, 0);
	CHECK_EQ(rd(R_ESR), 0x20);
	wr(R_ESR, 0);
	CHECK_EQ(rd(R_ESR), 0);
	/* An error vector that is illegal itself ends there. */
	wr(R_LVT_ERROR, 0x02);
	message(0x03, false);
	wr(R_ESR, 0);
	CHECK_EQ(rd(R_ESR), 0x40);
	tear_down();
}

static void test_base(void)
{
	enable();
	lapic_set_base(lapic, 0xd0000000 | APIC_BASE_ENABLE | APIC_BASE_BSP);
	CHECK_EQ(physmem_lookup(mem, BASE).kind, PHYS_NONE);
	CHECK_EQ(physmem_read(mem, 0xd0000000 + R_SVR, 4), 0x1ff);
	lapic_set_base(lapic, 0xd0000000);
	CHECK_EQ(physmem_lookup(mem, 0xd0000000).kind, PHYS_NONE);
	CHECK(!message(0x40, false));
	lapic_set_base(lapic, APIC_BASE_RESET);
	CHECK_EQ(rd(R_SVR), 0xff); /* it forgot */
	lapic_class.reset(lapic);
	CHECK_EQ(physmem_lookup(mem, BASE).kind, PHYS_MMIO);
	tear_down();
}

static void test_fuzz(void)
{
	uint64_t seed = 99;
	struct apic_message m;
	struct irq_line line;

	set_up();
	start_pic();
	for (int i = 0; i < 400000; i++) {
		uint64_t x = unit_random(&seed);
		uint32_t value = (uint32_t)(x >> 32);
		unsigned reg = (unsigned)(x >> 8 & 0xff0);

		switch (x & 15) {
		case 0:
			clock_step(timebase, value >> 12);
			break;
		case 1:
			pic_set_irq(pic, value & 15, value >> 4 & 1);
			break;
		case 2:
			m = (struct apic_message){.vector = (uint8_t)value,
						  .destination = (uint8_t)(value >> 8),
						  .logical = value >> 16 & 1,
						  .level = value >> 17 & 1,
						  .delivery = value >> 18 & 7};
			lapic_deliver(lapic, &m);
			break;
		case 3:
			lapic_acknowledge(lapic);
			break;
		case 4:
			wr(R_SVR, value | 0x100);
			break;
		case 5:
			lapic_set_base(lapic, x % 31 ? APIC_BASE_RESET : value);
			break;
		case 6:
			physmem_read(mem, BASE + (value & 0xfff), 1u << (x >> 4 & 3) % 3);
			break;
		case 7:
			line = value & 2 ? lapic_nmi_line(lapic) : lapic_extint_line(lapic);
			irq_set(&line, value & 1);
			break;
		default:
			physmem_write(mem, BASE + reg, value, 4);
			break;
		}
		CHECK(!intr || lapic_acknowledge(lapic) >= 0 || !intr);
	}
	tear_down();
}

UNIT_MAIN("lapic", {"reset values", test_reset_values}, {"priorities", test_priorities},
	  {"task priority", test_task_priority}, {"level and EOI", test_level_eoi},
	  {"virtual wire", test_virtual_wire}, {"LINT pins", test_lint_fixed_and_nmi},
	  {"timer, one-shot", test_timer_one_shot}, {"timer, late", test_timer_late},
	  {"timer, periodic", test_timer_periodic},
	  {"timer, flood", test_timer_flood}, {"timer, divider", test_timer_divide_on_the_fly},
	  {"IPIs", test_ipis}, {"destinations", test_destinations}, {"errors", test_errors},
	  {"base", test_base}, {"fuzz", test_fuzz})
