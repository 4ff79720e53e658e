/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The human monitor on a machine of parts: real processor, memory, ports and
 * drives, a stepped clock, and input that is written down.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bt/bt.h"
#include "cpu/cpuid.h"
#include "cpu/vcpu.h"
#include "devices/bus.h"
#include "devices/clock.h"
#include "devices/i8259.h"
#include "devices/input.h"
#include "monitor/block_file.h"
#include "monitor/chardev_host.h"
#include "monitor/hmp.h"
#include "monitor/hmp_commands.h"
#include "monitor/image.h"
#include "monitor/key_names.h"
#include "monitor/state_hash.h"
#include "tests/unit/unit.h"

#define RAM (4u << 20)
#define NS_PER_MS 1000000ull

/* ---- the machine ---- */

struct vm {
	struct vm_config config;
	struct physmem *mem;
	struct bus *bus;
	struct clock *clock;
	struct vcpu *cpu;
	struct pic *pic;
	struct chardev_host *chardevs;
	struct blockdev *disk, *cd;
	struct display display;
	struct surface surface;
	uint32_t pixels[4];
	struct input_sink input;
	enum vm_state state;
	char log[4096]; /* "+1e -1e m1,2,0,0 reset quit0 " */
	uint32_t port_value;
};

static void note(struct vm *vm, const char *text)
{
	size_t used = strlen(vm->log);

	snprintf(vm->log + used, sizeof(vm->log) - used, "%s ", text);
}

enum vm_state vm_get_state(const struct vm *vm)
{
	return vm->state;
}
void vm_pause(struct vm *vm)
{
	vm->state = VM_PAUSED;
}
void vm_resume(struct vm *vm)
{
	vm->state = VM_RUNNING;
}
bool vm_counts_instructions(const struct vm *vm)
{
	return true;
}
bool vm_stop_at(struct vm *vm, uint64_t instructions)
{
	char text[32];

	snprintf(text, sizeof(text), "stop%llu", (unsigned long long)instructions);
	note(vm, text);
	return instructions > 1000;
}
uint64_t vm_state_hash(struct vm *vm, void (*part)(void *arg, const char *name, uint64_t hash),
		       void *arg)
{
	if (part)
		part(arg, "ram", 0x1234);
	return 0xabcdef;
}
void vm_reset(struct vm *vm)
{
	note(vm, "reset");
}
void vm_request_redraw(struct vm *vm)
{
}
void vm_powerdown(struct vm *vm)
{
	note(vm, "powerdown");
}
void vm_quit(struct vm *vm, int status)
{
	note(vm, status ? "quit?" : "quit0");
}
enum engine_kind vm_engine(const struct vm *vm)
{
	return vm->config.engine.kind;
}
int vm_set_engine(struct vm *vm, enum engine_kind kind, struct report *r)
{
	if (kind == ENGINE_KVM)
		return report_fail(r, "/dev/kvm: not here");
	vm->config.engine.kind = kind;
	return 0;
}
struct vcpu *vm_vcpu(struct vm *vm)
{
	return vm->cpu;
}
struct physmem *vm_physmem(struct vm *vm)
{
	return vm->mem;
}
struct bus *vm_bus(struct vm *vm)
{
	return vm->bus;
}
struct clock *vm_clock(struct vm *vm)
{
	return vm->clock;
}
struct pci_bus *vm_pci(struct vm *vm)
{
	return NULL;
}
const struct display *vm_display(struct vm *vm)
{
	return &vm->display;
}
const struct input_sink *vm_input(struct vm *vm)
{
	return &vm->input;
}
struct pic *vm_pic(struct vm *vm)
{
	return vm->pic;
}
const struct vm_config *vm_get_config(const struct vm *vm)
{
	return &vm->config;
}
struct chardev_host *vm_chardevs(struct vm *vm)
{
	return vm->chardevs;
}
struct blockdev *vm_find_drive(struct vm *vm, const char *id)
{
	return !strcmp(id, "ide0-hd0") ? vm->disk : !strcmp(id, "ide1-cd0") ? vm->cd : NULL;
}
void vm_for_each_drive(struct vm *vm, void (*fn)(void *arg, const char *id, struct blockdev *b),
		       void *arg)
{
	fn(arg, "ide0-hd0", vm->disk);
	fn(arg, "ide1-cd0", vm->cd);
}

/* ---- the translator ---- */

void bt_print_counters(struct vcpu *cpu, void (*out)(void *arg, const char *line), void *arg)
{
	out(arg, "blocks 12");
	out(arg, "exits 34");
}
int bt_dump(struct vcpu *cpu, uint32_t eip, bool all, FILE *f)
{
	fprintf(f, "%s %x", all ? "all" : "one", eip);
	return all ? 12 : 1;
}
void bt_check(struct vcpu *cpu)
{
	note(cpu->opaque, "check");
}

static void key(void *opaque, uint8_t code, bool down)
{
	char text[8];

	snprintf(text, sizeof(text), "%c%02x", down ? '+' : '-', code);
	note(opaque, text);
}

static void mouse(void *opaque, int dx, int dy, int wheel, unsigned buttons)
{
	char text[64];

	snprintf(text, sizeof(text), "m%d,%d,%d,%u", dx, dy, wheel, buttons);
	note(opaque, text);
}

static struct display_rect display_refresh(void *opaque, bool all, bool *resized)
{
	*resized = false;
	return (struct display_rect){0};
}

static const struct surface *display_surface(void *opaque)
{
	return &((struct vm *)opaque)->surface;
}

static void display_text(void *opaque, struct display_text *out)
{
	static const char text[] = "A:\\> \x9b\x00 ";

	out->columns = 80;
	out->rows = 2;
	for (size_t i = 0; i < 160; i++)
		out->cells[i] = 0x0720;
	for (size_t i = 0; i < sizeof(text) - 1; i++)
		out->cells[80 + i] = (uint16_t)(0x0700 | (uint8_t)text[i]);
}

static uint32_t port_read(void *opaque, uint16_t port, unsigned size)
{
	return 0x5a;
}

static void port_write(void *opaque, uint16_t port, uint32_t value, unsigned size)
{
	((struct vm *)opaque)->port_value = value;
}

static const struct port_ops ports = {port_read, port_write, 1};
static uint8_t disk_bytes[512];

static void post(void *opaque, void (*fn)(void *arg), void *arg)
{
	fn(arg);
}

static const struct chardev_host_ops host_ops = {post, NULL, NULL};

struct fixture {
	struct vm vm;
	struct hmp *m;
	char *said;
	size_t said_length;
};

static void setup(struct fixture *f)
{
	static const struct vcpu_ops ops;
	struct block_file_options cd = {.option = "-cdrom", .removable = true, .read_only = true,
					.sector_size = 2048, .synchronous = true};
	struct report r = {0};
	struct vm *vm = &f->vm;

	memset(f, 0, sizeof(*f));
	vm_config_init(&vm->config);
	vm->config.name = "test guest";
	vm->config.ide[0] = (struct drive_config){.present = true, .id = "ide0-hd0"};
	CHECK_EQ(physmem_create(&vm->mem, RAM), 0);
	vm->bus = bus_create(vm->mem);
	vm->clock = clock_create_stepped();
	vm->cpu = vcpu_create(vm->mem, cpu_model_find(CPU_MODEL_DEFAULT), &ops, vm);
	vm->pic = pic_create(&(struct pic_wiring){.bus = vm->bus});
	vm->chardevs = chardev_host_create(&host_ops, &r);
	vm->disk = blockdev_create_memory(disk_bytes, sizeof(disk_bytes), false);
	strcpy(vm->disk->path, "disk.img");
	vm->cd = block_file_open(&cd, &r);
	CU_ASSERT_PTR_NOT_NULL_FATAL(vm->cd);
	vm->pixels[0] = 0xff0000;
	vm->surface = (struct surface){2, 2, 2, vm->pixels};
	vm->display = (struct display){display_refresh, display_surface, display_text, vm};
	vm->input = (struct input_sink){key, mouse, NULL, vm};
	vm->state = VM_RUNNING;
	bus_claim_ports(vm->bus, 0x71, 1, &ports, vm);
	vcpu_reset(vm->cpu);
	f->m = hmp_create(vm, NULL);
}

static void teardown(struct fixture *f)
{
	struct vm *vm = &f->vm;

	hmp_destroy(f->m);
	free(f->said);
	chardev_host_destroy(vm->chardevs);
	vm->disk->ops->destroy(vm->disk);
	vm->cd->ops->destroy(vm->cd);
	pic_class.destroy(vm->pic);
	vcpu_destroy(vm->cpu);
	clock_destroy(vm->clock);
	bus_destroy(vm->bus);
	physmem_destroy(vm->mem);
}

/* What a command line says. */
static const char *say(struct fixture *f, const char *line)
{
	FILE *out;

	free(f->said);
	f->said = NULL;
	out = open_memstream(&f->said, &f->said_length);
	hmp_execute(f->m, line, out);
	fclose(out);
	return f->said;
}

static void check_say(struct fixture *f, const char *line, const char *expected)
{
	const char *got = say(f, line);

	if (strcmp(got, expected))
		fprintf(stderr, "'%s' says '%s'\n   instead of '%s'\n", line, got, expected);
	CHECK(!strcmp(got, expected));
}

static void poke(struct fixture *f, gpa_t gpa, const void *data, size_t len)
{
	physmem_dma_write(f->vm.mem, gpa, data, len);
}

/* ---- tests ---- */

#define PRINT_HELP "Try \"help print\" for more information\n"

static void test_expressions(void)
{
	static const struct {
		const char *line, *expected;
	} cases[] = {
		{"print 5*3+(2-1)", "0x10\n"},
		{"p 0", "0x0\n"},
		{"p/d 0-1", "-1\n"},
		{"p /u 12", "12\n"},
		{"p/o 8", "010\n"},
		{"p/c 65", "'A'\n"},
		{"p/c 0xfff0", "'\\xfff0'\n"},
		{"p 1 + 2 & 3", "0x3\n"}, /* & binds closer than + */
		{"p 7 % 4 | 8 ^ 1", "0xa\n"},
		{"p ~0", "0xffffffffffffffff\n"},
		{"p -+-5", "0x5\n"},
		{"p 'a'", "0x61\n"},
		{"p $eip", "0xfff0\n"},
		{"p $pc", "0xfffffff0\n"},
		{"p $cs.base + $cs.limit", "0xffffffff\n"},
		{"p $cr0&0x10", "0x10\n"},
		{"p $foo", "unknown register\n" PRINT_HELP},
		{"p", "unexpected end of expression\n" PRINT_HELP},
		{"p 1 +", "unexpected end of expression\n" PRINT_HELP},
		{"p (1", "')' expected\n" PRINT_HELP},
		{"p 1/0", "division by zero\n" PRINT_HELP},
		{"p 1%(2-2)", "division by zero\n" PRINT_HELP},
		{"p 12ab", "invalid char in number\n" PRINT_HELP},
		{"p 99999999999999999999", "number too large\n" PRINT_HELP},
		{"p/q 1", "invalid char in format: 'q'\n" PRINT_HELP},
		{"p 1 2", "print: extraneous characters at the end of line\n" PRINT_HELP},
	};
	char deep[4096];
	struct fixture f;

	setup(&f);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_say(&f, cases[i].line, cases[i].expected);
	memset(deep, '(', sizeof(deep) - 1);
	deep[sizeof(deep) - 1] = 0;
	memcpy(deep, "p ", 2);
	check_say(&f, deep, "too deeply nested\n" PRINT_HELP);
	teardown(&f);
}

static void test_dump(void)
{
	static const uint8_t bytes[] = {0x00, 0x80, 0xff, 0x41, 0x5c, 0x27, 0x0a, 0x7f, 1, 2};
	static const uint8_t code[] = {0xea, 0x5b, 0xe0, 0x00, 0xf0, 0x90, 0xff, 0xff};
	struct fixture f;

	setup(&f);
	poke(&f, 0x1000, bytes, sizeof(bytes));
	poke(&f, 0x2000, code, sizeof(code));
	check_say(&f, "x/10xb 0x1000", "00001000: 0x00 0x80 0xff 0x41 0x5c 0x27 0x0a 0x7f\n"
				       "00001008: 0x01 0x02\n");
	check_say(&f, "x 0x1000", "00001000: 0x41ff8000\n");
	check_say(&f, "xp/1xg 0x1000", "0000000000001000: 0x7f0a275c41ff8000\n");
	check_say(&f, "x/2dh 0x1000", "00001000: -32768 16895\n");
	check_say(&f, "x/2uh 0x1000", "00001000: 32768 16895\n");
	check_say(&f, "x/2ob 0x1000", "00001000:   0 0200\n");
	check_say(&f, "x/8c 0x1000", "00001000: '\\x00' '\\x80' '\\xff' 'A' '\\\\' '\\'' '\\n' "
				     "'\\x7f'\n");
	check_say(&f, "x/3i 0x2000", "0x00002000:  ea 5b e0 00 f0         ljmpw    $0xf000:$0xe05b\n"
				     "0x00002005:  90                     nop\n"
				     "0x00002006:  ff                     .byte    0xff\n");
	check_say(&f, "x/0x 0", "");
	check_say(&f, "x/1i", "unexpected end of expression\nTry \"help x\" for more information\n");
	/* Beyond memory: ones; and no more than can be read. */
	check_say(&f, "xp 0xf0000000", "00000000f0000000: 0xffffffff\n");
	CHECK(strlen(say(&f, "x/99999999999999999999xb 0")) < 65537 * 7);
	teardown(&f);
}

/* Page directory at 1000h, table at 2000h: 0-1 MiB but page 5, large at 8 MiB. */
static void enable_paging(struct fixture *f)
{
	uint32_t pde = 0x2007, large = 0x000081u, pte;

	poke(f, 0x1000, &pde, 4);
	poke(f, 0x1008, &large, 4);
	for (uint32_t i = 0; i < 256; i++) {
		pte = i == 5 ? 0 : i << 12 | (i < 16 ? 7 : 1);
		poke(f, 0x2000 + 4 * i, &pte, 4);
	}
	f->vm.cpu->cr3 = 0x1000;
	f->vm.cpu->cr4 |= CR4_PSE;
	f->vm.cpu->cr0 |= CR0_PG | CR0_PE;
}

static void test_paging(void)
{
	struct fixture f;

	setup(&f);
	check_say(&f, "info mem", "PG disabled\n");
	check_say(&f, "gva2gpa 0x1234", "gpa: 0x1234\n");
	enable_paging(&f);
	check_say(&f, "info mem",
		  "0000000000000000-0000000000005000 0000000000005000 urw\n"
		  "0000000000006000-0000000000010000 000000000000a000 urw\n"
		  "0000000000010000-0000000000100000 00000000000f0000 -r-\n"
		  "0000000000800000-0000000000c00000 0000000000400000 -r-\n");
	check_say(&f, "gva2gpa 0x801234", "gpa: 0x1234\n");
	check_say(&f, "gva2gpa 0x5000", "Unmapped\n");
	check_say(&f, "x/2xw 0x4ffc", "00004ffc: 0x00000000\nCannot access memory\n");
	check_say(&f, "x/1i 0x5000", "Cannot access memory\n");
	CHECK(!strncmp(say(&f, "info tlb"),
		       "0000000000000000: 0000000000000000 -------UW\n", 45));
	CHECK(strstr(f.said, "0000000000800000: 0000000000000000 --P------\n") != NULL);
	teardown(&f);
}

static void test_registers(void)
{
	struct vcpu *cpu;
	struct fixture f;
	const char *s;

	setup(&f);
	cpu = f.vm.cpu;
	s = say(&f, "info registers");
	CHECK(strstr(s, "\nCPU#0\nEAX=00000000 EBX=00000000 ECX=00000000 EDX=") == s);
	CHECK(strstr(s, "\nEIP=0000fff0 EFL=00000002 [-------] CPL=0 II=0 A20=1 SMM=0 HLT=0\n") !=
	      NULL);
	CHECK(strstr(s, "\nCS =f000 ffff0000 0000ffff 0000") != NULL);
	CHECK(strstr(s, "\nDR0=00000000 DR1=00000000 DR2=00000000 DR3=00000000 \nDR6=ffff0ff0 "
			"DR7=00000400\nEFER=0000000000000000\n") != NULL);
	cpu->cr0 |= CR0_PE;
	cpu->seg[CS] = (struct segment){.selector = 0x1b, .limit = 0xffffffff, .attr = 0xcffb00};
	cpu->seg[DS] = (struct segment){.selector = 0x23, .limit = 0xffffffff, .attr = 0xcff300};
	cpu->tr = (struct segment){.selector = 0x80, .base = 0xff803000, .limit = 0x206b,
				   .attr = 0x8b00};
	cpu->ldtr.attr = 0;
	cpu->cpl = 3;
	cpu->eflags = FL_1 | FL_CF | FL_DF | FL_ZF;
	cpu->halted = true;
	cpu->fx.fsw = 7 << 11; /* TOP is 7: ST(0) is register 7 */
	memcpy(cpu->fx.st[0], "\x00\x00\x00\x00\x00\x00\x00\x80\xff\x3f", 10);
	memset(cpu->fx.xmm[1], 0x11, 8);
	s = say(&f, "info registers");
	CHECK(strstr(s, "EFL=00000443 [D--Z--C] CPL=3 II=0 A20=1 SMM=0 HLT=1\n") != NULL);
	CHECK(strstr(s, "\nCS =001b 00000000 ffffffff 00cffb00 DPL=3 CS32 [-RA]\n") != NULL);
	CHECK(strstr(s, "\nDS =0023 00000000 ffffffff 00cff300 DPL=3 DS   [-WA]\n") != NULL);
	CHECK(strstr(s, "\nTR =0080 ff803000 0000206b 00008b00 DPL=0 TSS32-busy\n") != NULL);
	CHECK(strstr(s, "\nLDT=0000 00000000 0000ffff 00000000\n") != NULL);
	CHECK(strstr(s, "[ST=7]") != NULL);
	CHECK(strstr(s, " FPR7=8000000000000000 3fff\n") != NULL);
	CHECK(strstr(s, " XMM01=0000000000000000 1111111111111111\n") != NULL);
	teardown(&f);
}

static void test_state(void)
{
	struct fixture f;

	setup(&f);
	check_say(&f, "info status", "VM status: running\n");
	check_say(&f, "  stop  ", "");
	check_say(&f, "info status", "VM status: paused\n");
	check_say(&f, "c", "");
	CHECK_EQ(f.vm.state, VM_RUNNING);
	f.vm.state = VM_SHUTDOWN;
	check_say(&f, "cont", "Error: Resetting the Virtual Machine is required\n");
	check_say(&f, "info status", "VM status: paused (shutdown)\n");
	check_say(&f, "stop_at 5000", "");
	check_say(&f, "stop_at 12", "Error: 0 instructions have been executed already\n");
	check_say(&f, "info statehash", "0000000000abcdef after 0 instructions, 0 ns\n");
	check_say(&f, "info statehash -v", "ram          0000000000001234\n"
					   "0000000000abcdef after 0 instructions, 0 ns\n");
	check_say(&f, "system_reset", "");
	check_say(&f, "system_powerdown", "");
	check_say(&f, "nmi", "");
	CHECK(f.vm.cpu->pending & PENDING_NMI);
	check_say(&f, "q", "");
	CHECK(!strcmp(f.vm.log, "stop5000 stop12 reset powerdown quit0 "));
	check_say(&f, "info name", "test guest\n");
	check_say(&f, "info kvm", "kvm support: disabled\n");
	check_say(&f, "accel interp", "");
	check_say(&f, "accel", "interp\n");
	check_say(&f, "accel tcg", "");
	check_say(&f, "accel", "bt\n");
	check_say(&f, "accel kvm", "Error: /dev/kvm: not here\n");
	check_say(&f, "accel Kvm",
		  "Error: there is no engine Kvm, only bt, interp and kvm\n");
	teardown(&f);
}

static void test_unknown(void)
{
	struct fixture f;

	setup(&f);
	check_say(&f, "", "");
	check_say(&f, "# comment", "");
	check_say(&f, "screendmp x", "unknown command: 'screendmp'; did you mean 'screendump'?\n");
	check_say(&f, "zzz", "unknown command: 'zzz'\n");
	check_say(&f, "info zzz", "unknown command: 'info zzz'\n");
	check_say(&f, "info stats", "unknown command: 'info stats'; did you mean 'info status'?\n");
	check_say(&f, "help sendkey", "sendkey keys [hold_ms] -- press keys (e.g. 'sendkey "
				      "ctrl-alt-f1', default hold time=100 ms)\n");
	check_say(&f, "nmi 1", "nmi: extraneous characters at the end of line\n"
			       "Try \"help nmi\" for more information\n");
	/* Every command and topic is in the help and does not mind being alone. */
	CHECK(strlen(say(&f, "help")) > 1000);
#define X(name, other, args, fn, help)                                                             \
	CHECK(strstr(say(&f, "help " name), name) == f.said);                                     \
	say(&f, name);
	HMP_COMMANDS(X)
#undef X
#define X(what, args, fn, help) CHECK(!strstr(say(&f, "info " what), "unknown"));
	HMP_INFO(X)
#undef X
	teardown(&f);
}

static void test_sendkey(void)
{
	struct fixture f;

	setup(&f);
	check_say(&f, "sendkey ctrl-alt-delete", "");
	CHECK(!strcmp(f.vm.log, "+1d +38 +d3 "));
	check_say(&f, "sendkey a 500", ""); /* waits for its turn */
	clock_step(f.vm.clock, 99 * NS_PER_MS);
	CHECK(!strcmp(f.vm.log, "+1d +38 +d3 "));
	clock_step(f.vm.clock, 1 * NS_PER_MS);
	CHECK(!strcmp(f.vm.log, "+1d +38 +d3 -d3 -38 -1d "));
	f.vm.log[0] = 0;
	clock_step(f.vm.clock, 20 * NS_PER_MS);
	CHECK(!strcmp(f.vm.log, "+1e "));
	clock_step(f.vm.clock, 499 * NS_PER_MS);
	CHECK(!strcmp(f.vm.log, "+1e "));
	clock_step(f.vm.clock, 1 * NS_PER_MS);
	CHECK(!strcmp(f.vm.log, "+1e -1e "));
	f.vm.log[0] = 0;
	/* Right after a release, too, there is a gap. */
	check_say(&f, "sendkey 0x1c 10", "");
	clock_step(f.vm.clock, NS_PER_SEC);
	CHECK(!strcmp(f.vm.log, "+1c -1c "));
	check_say(&f, "sendkey ctrl-foo", "invalid parameter: foo\n");
	check_say(&f, "sendkey a-", "invalid parameter: \n");
	check_say(&f, "sendkey", "sendkey: string expected\n"
				 "Try \"help sendkey\" for more information\n");
	check_say(&f, "sendkey a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a", "too many keys\n");
	for (int i = 0; i < 64; i++)
		check_say(&f, "sendkey b", "");
	check_say(&f, "sendkey b", "too many keys are waiting\n");
	teardown(&f);
}

static void test_key_names(void)
{
	CHECK_EQ(key_code("ret", 3), 0x1c);
	CHECK_EQ(key_code("kp_enter", 8), 0x9c);
	CHECK_EQ(key_code("pause", 5), KEY_PAUSE);
	CHECK_EQ(key_code("print", 5), KEY_PRINT_SCREEN);
	CHECK_EQ(key_code("up", 2), 0xc8);
	CHECK_EQ(key_code("upper", 2), 0xc8);
	CHECK_EQ(key_code("0xd2", 4), 0xd2);
	CHECK_EQ(key_code("0x1d2", 5), 0);
	CHECK_EQ(key_code("", 0), 0);
}

static void test_mouse(void)
{
	struct fixture f;

	setup(&f);
	check_say(&f, "mouse_move 10 -5", "");
	check_say(&f, "mouse_button 5", "");
	check_say(&f, "mouse_move 0 0 1", "");
	check_say(&f, "mouse_button 2", "");
	check_say(&f, "mouse_button 0", "");
	check_say(&f, "mouse_move 99999999999 0", "");
	CHECK(!strcmp(f.vm.log, "m10,-5,0,0 m0,0,0,3 m0,0,-1,3 m0,0,0,4 m0,0,0,0 m32767,0,0,0 "));
	check_say(&f, "mouse_move 1", "mouse_move: string expected\n"
				      "Try \"help mouse_move\" for more information\n");
	check_say(&f, "mouse_set 2", "");
	check_say(&f, "mouse_set 9", "Mouse at index '9' not found\n");
	teardown(&f);
}

static void test_ports(void)
{
	struct fixture f;

	setup(&f);
	check_say(&f, "i/b 0x71", "portb[0x0071] = 0x5a\n");
	check_say(&f, "i/h 0x71", "portw[0x0071] = 0xff5a\n");
	check_say(&f, "o/b 0x71 0x42", "");
	CHECK_EQ(f.vm.port_value, 0x42);
	check_say(&f, "i 0x10000", "a port is 0 to 0xffff, its size b, h or w\n");
	check_say(&f, "i/g 1", "a port is 0 to 0xffff, its size b, h or w\n");
	check_say(&f, "o/b 1", "unexpected end of expression\n");
	teardown(&f);
}

static void test_media(void)
{
	char path[] = "/tmp/hmp mediumXXXXXX", line[128];
	static uint8_t sector[2048];
	struct fixture f;
	int fd = mkstemp(path);

	CHECK_EQ(write(fd, sector, sizeof(sector)), sizeof(sector));
	close(fd);
	setup(&f);
	check_say(&f, "info block", "ide0-hd0: disk.img (raw)\n\nide1-cd0: [not inserted]\n"
				    "    Removable device: not locked, tray closed\n\n");
	snprintf(line, sizeof(line), "change ide1-cd0 \"%s\"", path);
	check_say(&f, line, "");
	CHECK(f.vm.cd->inserted);
	CHECK_EQ(f.vm.cd->size, 2048);
	snprintf(line, sizeof(line), "ide1-cd0: %s (raw, read-only)\n", path);
	CHECK(strstr(say(&f, "info block"), line) != NULL);
	check_say(&f, "eject -f ide1-cd0", "");
	CHECK(!f.vm.cd->inserted);
	check_say(&f, "eject ide0-hd0", "Error: Device 'ide0-hd0' is not removable\n");
	check_say(&f, "eject hdc", "Error: Device 'hdc' not found\n");
	check_say(&f, "eject -f", "eject: block device name expected\n"
				  "Try \"help eject\" for more information\n");
	check_say(&f, "change ide1-cd0", "change: filename expected\n"
					 "Try \"help change\" for more information\n");
	check_say(&f, "change ide1-cd0 x qcow2", "Error: there is no format qcow2, only raw\n");
	CHECK(!strncmp(say(&f, "change ide1-cd0 /nowhere"), "Error: ", 7));
	unlink(path);
	teardown(&f);
}

static void check_file(const char *path, const char *start, size_t length)
{
	char head[16] = "";
	FILE *file = fopen(path, "rb");

	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	CHECK_EQ(fread(head, 1, length, file), length);
	CHECK(!memcmp(head, start, length));
	fclose(file);
	unlink(path);
}

static void test_files(void)
{
	char folder[] = "/tmp/hmpXXXXXX", path[64], line[128];
	struct fixture f;

	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
	setup(&f);
	snprintf(path, sizeof(path), "%s/s", folder);
	snprintf(line, sizeof(line), "screendump %s", path);
	check_say(&f, line, "");
	check_file(path, "P6\n2 2\n255\n\xff", 12);
	snprintf(line, sizeof(line), "screendump %s -f png", path);
	check_say(&f, line, "");
	check_file(path, "\x89PNG", 4);
	check_say(&f, "screendump x -f gif",
		  "Error: invalid parameter 'gif'; format is ppm or png\n");
	CHECK(!strncmp(say(&f, "screendump /nowhere/x"), "Error: ", 7));
	poke(&f, 0x1ffe, "abcd", 4);
	snprintf(line, sizeof(line), "memsave 0x1ffe 4 %s", path);
	check_say(&f, line, "");
	check_file(path, "abcd", 4);
	snprintf(line, sizeof(line), "pmemsave 0x1fff 2 \"%s\"", path);
	check_say(&f, line, "");
	check_file(path, "bc", 2);
	check_say(&f, "memsave 0 16", "memsave: filename expected\n"
				      "Try \"help memsave\" for more information\n");
	check_say(&f, "pmemsave 0 0x10000000000 x", "Error: size is at most 0x400000\n");
	CHECK(!strncmp(say(&f, "memsave 0 1 /nowhere/x"),
		       "Error: Could not open '/nowhere/x'", 34));
	rmdir(folder);
	teardown(&f);
}

static void test_translator(void)
{
	static const char nothing[] = "the interpreter runs the guest: nothing is translated\n";
	char folder[] = "/tmp/hmpXXXXXX", path[64], line[128];
	struct fixture f;

	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
	setup(&f);
	check_say(&f, "info jit", nothing);
	check_say(&f, "bt-check", nothing);
	check_say(&f, "bt-dump all /nowhere/x", nothing);
	f.vm.cpu->bt = (struct bt *)&f;
	check_say(&f, "info jit", "blocks 12\nexits 34\n");
	check_say(&f, "info bt", "blocks 12\nexits 34\n");
	check_say(&f, "bt-check", "ok\n");
	CHECK(strstr(f.vm.log, "check") != NULL);
	snprintf(path, sizeof(path), "%s/dump", folder);
	snprintf(line, sizeof(line), "bt-dump 0x1200+0x34 %s", path);
	check_say(&f, line, "1 blocks\n");
	check_file(path, "one 1234", 8);
	snprintf(line, sizeof(line), "bt-dump all %s", path);
	check_say(&f, line, "12 blocks\n");
	check_file(path, "all 0", 5);
	unlink(path);
	check_say(&f, "bt-dump", "bt-dump: address or all expected\n"
				 "Try \"help bt-dump\" for more information\n");
	check_say(&f, "bt-dump all", "bt-dump: filename expected\n"
				     "Try \"help bt-dump\" for more information\n");
	CHECK(!strncmp(say(&f, "bt-dump all /nowhere/x"), "Error: Could not open", 21));
	f.vm.cpu->bt = NULL;
	rmdir(folder);
	teardown(&f);
}

static void test_screentext(void)
{
	struct fixture f;

	setup(&f);
	check_say(&f, "info screentext", "\nA:\\> ¢\n");
	teardown(&f);
}

/* ---- a session over a chardev ---- */

struct terminal {
	struct chardev c;
	char shown[16384];
	size_t length;
};

static void terminal_write(struct chardev *c, const uint8_t *data, size_t len)
{
	struct terminal *t = c->backend;

	if (t->length + len < sizeof(t->shown)) {
		memcpy(t->shown + t->length, data, len);
		t->length += len;
		t->shown[t->length] = 0;
	}
}

static void terminal_type(struct terminal *t, const char *text)
{
	t->length = 0;
	t->shown[0] = 0;
	t->c.receive(t->c.opaque, (const uint8_t *)text, strlen(text));
}

static void test_session(void)
{
	struct terminal t = {.c = {.write = terminal_write, .backend = &t}};
	struct fixture f;
	struct hmp *m;

	setup(&f);
	m = hmp_create(&f.vm, &t.c);
	CHECK_EQ(t.length, 0);
	t.c.event(t.c.opaque, CHARDEV_EVENT_OPENED);
	CHECK(strstr(t.shown, " monitor - type 'help' for more information\r\n(qemu) ") != NULL);
	terminal_type(&t, "info status\n");
	CHECK(!strcmp(t.shown, "info status\r\nVM status: running\r\n(qemu) "));
	terminal_type(&t, "stop\r\ninfo stutus\x1b[D\x1b[D\x1b[D\x08" "a\r");
	CHECK(strstr(t.shown, "VM status: paused\r\n(qemu) ") != NULL);
	terminal_type(&t, "\x1b[A\x15\x1b[B\x1b[A\n"); /* history, Ctrl-U, history */
	CHECK(strstr(t.shown, "VM status: paused\r\n(qemu) ") != NULL);
	terminal_type(&t, "inf\tstatu\t\n");
	CHECK(strstr(t.shown, "VM status: paused\r\n(qemu) ") != NULL);
	terminal_type(&t, "garbage\x03" "cont\n");
	CHECK_EQ(f.vm.state, VM_RUNNING);
	terminal_type(&t, "sto");
	t.c.event(t.c.opaque, CHARDEV_EVENT_CLOSED);
	t.c.event(t.c.opaque, CHARDEV_EVENT_OPENED);
	terminal_type(&t, "\n");
	CHECK(!strcmp(t.shown, "\r\n(qemu) "));
	hmp_destroy(m);
	teardown(&f);
}

/* A client that comes while the machine ends: its line tells of it when the session is gone. */
static void test_session_gone(void)
{
	struct terminal t = {.c = {.write = terminal_write, .backend = &t}};
	struct fixture f;

	setup(&f);
	hmp_destroy(hmp_create(&f.vm, &t.c));
	CHECK(t.c.event == NULL);
	CHECK(t.c.receive == NULL);
	CHECK(t.c.can_receive == NULL);
	teardown(&f);
}

/* Any bytes at all: nothing but answers. File-writing commands are left out. */
static void test_fuzz(void)
{
	static const char *const words[] = {
		"info ", "x", "xp", "p", "i", "o", "sendkey ", "mouse_move ", "change ", "eject ",
		"help ", "registers", "mem", "/", "4", "i", "x", " ", "$eip", "(", ")", "+", "-",
		"*", "0x", "9999999999", "ctrl-", "ide1-cd0", "\"", "\\", "\t", "\x1b[", "A", "D",
		"\x7f", "\x17", "\n", "\n", "\r"};
	struct terminal t = {.c = {.write = terminal_write, .backend = &t}};
	uint64_t seed = 0x1234567;
	struct fixture f;
	struct hmp *m;

	setup(&f);
	m = hmp_create(&f.vm, &t.c);
	for (int i = 0; i < 30000; i++) {
		char byte[2] = {(char)(unit_random(&seed) % 255 + 1), 0};
		bool plain = unit_random(&seed) % 8;

		terminal_type(&t, plain ? words[unit_random(&seed) %
						(sizeof(words) / sizeof(words[0]))] : byte);
		if (i % 1000 == 0)
			clock_step(f.vm.clock, NS_PER_SEC);
		f.vm.log[0] = 0;
	}
	hmp_destroy(m);
	teardown(&f);
}

UNIT_MAIN("hmp", {"expressions", test_expressions}, {"x and xp", test_dump},
	  {"paging", test_paging}, {"info registers", test_registers}, {"state", test_state},
	  {"unknown and help", test_unknown}, {"sendkey", test_sendkey},
	  {"key names", test_key_names}, {"mouse", test_mouse}, {"ports", test_ports},
	  {"media", test_media}, {"files", test_files}, {"translator", test_translator},
	  {"screen text", test_screentext},
	  {"session", test_session}, {"session gone", test_session_gone}, {"fuzz", test_fuzz})
