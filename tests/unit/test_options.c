/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line: what each option means, that the order does not matter,
 * what is said about a bad one, and that help, man page and completion know
 * every option.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "monitor/cpu_spec.h"
#include "monitor/option_list.h"
#include "monitor/option_table.h"
#include "monitor/options.h"
#include "tests/unit/unit.h"

#define WORDS_MAX 64

/* A parse of one command line, given as words between spaces. */
struct parse {
	struct options o;
	struct report r;
	enum options_result result;
	char text[2048];
	char *printed;
};

static void parse(struct parse *p, const char *line)
{
	char *argv[WORDS_MAX + 2] = {(char *)"transvisor"};
	size_t printed_length;
	int argc = 1;
	FILE *out;

	memset(p, 0, sizeof(*p));
	snprintf(p->text, sizeof(p->text), "%s", line);
	for (char *w = strtok(p->text, " "); w && argc <= WORDS_MAX; w = strtok(NULL, " "))
		argv[argc++] = w;
	out = open_memstream(&p->printed, &printed_length);
	p->result = options_parse(&p->o, argc, argv, out, &p->r);
	fclose(out);
}

static void done(struct parse *p)
{
	options_free(&p->o);
	free(p->printed);
}

/* Parses what has to be right. */
static struct vm_config *accept(struct parse *p, const char *line)
{
	parse(p, line);
	if (p->result != OPTIONS_RUN)
		fprintf(stderr, "'%s' says '%s'\n", line, p->r.text);
	CHECK_EQ(p->result, OPTIONS_RUN);
	return &p->o.vm;
}

static void refuse(const char *line, const char *message)
{
	struct parse p;

	parse(&p, line);
	CHECK_EQ(p.result, OPTIONS_ERROR);
	if (strcmp(p.r.text, message))
		fprintf(stderr, "'%s' says '%s'\n  instead of '%s'\n", line, p.r.text, message);
	CHECK(!strcmp(p.r.text, message));
	done(&p);
}

static bool same(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

/* ---- machine ---- */

static void test_memory(void)
{
	static const struct {
		const char *line;
		uint64_t bytes;
	} cases[] = {
		{"", 128u << 20},
		{"-m 64", 64u << 20},
		{"-m 64M", 64u << 20},
		{"--m 64m", 64u << 20},
		{"-m=64", 64u << 20},
		{"-m 2048k", 2u << 20},
		{"-m 1G", 1u << 30},
		{"-m 0.5G", 512u << 20},
		{"-m size=32", 32u << 20},
		{"-m size=32M,slots=2,maxmem=1G", 32u << 20},
		{"-m 1G -m 16", 16u << 20},
		{"-m 1048577b", (1u << 20) + 4096},
	};
	static const char *const absurd[] = {"0", "-1", "99999999G", "64G", "1023k",
					     "18446744073709551615", "18446744073709551615T"};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct parse p;

		CHECK_EQ(accept(&p, cases[i].line)->ram_bytes, cases[i].bytes);
		done(&p);
	}
	for (size_t i = 0; i < sizeof(absurd) / sizeof(absurd[0]); i++) {
		char line[64], start[64];
		struct parse p;

		snprintf(line, sizeof(line), "-m %s", absurd[i]);
		snprintf(start, sizeof(start), "-m %s: ", absurd[i]);
		parse(&p, line);
		CHECK_EQ(p.result, OPTIONS_ERROR);
		CHECK(!strncmp(p.r.text, start, strlen(start)));
		done(&p);
	}
	refuse("-m 99999999G", "-m 99999999G: guest memory can be 1M to 63G, for example -m 512");
	refuse("-m 12Q", "-m 12Q: is a number of MiB, or has a suffix: 512, 512M or 1G");
	refuse("-m siez=5", "-m siez=5: 'siez' is no property; did you mean 'size'?");
}

static void test_machine(void)
{
	struct vm_config *c;
	struct parse p;

	CHECK_EQ(accept(&p, "-machine pc,accel=tcg -cpu qemu32")->engine.kind, ENGINE_BT);
	done(&p);
	c = accept(&p, "-M pc-i440fx-7.2,accel=kvm:tcg,usb=off,vmport=off");
	CHECK_EQ(c->engine.kind, ENGINE_KVM);
	CHECK_EQ(c->alternatives[0], ENGINE_BT);
	done(&p);
	accept(&p, "-accel tcg,thread=single -smp 1,sockets=1,cores=1 -name guest=a,,b,process=x");
	CHECK(same(p.o.vm.name, "a,b"));
	done(&p);
	c = accept(&p, "-machine graphics=off");
	CHECK(!c->graphics);
	done(&p);
	refuse("-machine q35", "-machine q35: there is no q35 machine; use pc (i440FX)");
	refuse("-machine pcc", "-machine pcc: 'pcc' is no machine type; did you mean 'pc'?");
	refuse("-machine usb=maybe", "-machine usb=maybe: usb is on or off, not 'maybe'");
	CHECK_EQ(accept(&p, "-enable-kvm")->engine.kind, ENGINE_KVM);
	done(&p);
	refuse("-smp 2", "-smp 2: the machine has one processor; use -smp 1");
	refuse("-smp cores=2,threads=2",
	       "-smp cores=2,threads=2: the machine has one processor; use -smp 1");
	refuse("-smp x", "-smp x: cpus is a number from 0 to 65536, not 'x'");
}

static void test_accel(void)
{
	static const struct {
		const char *line;
		enum engine_kind kind;
		unsigned count;
		enum engine_kind alternatives[2];
	} cases[] = {
		{"", ENGINE_BT, 1, {ENGINE_INTERP}},
		{"-accel bt", ENGINE_BT, 0, {0}},
		{"-accel tcg,thread=multi,one-insn-per-tb=off,split-wx=on", ENGINE_BT, 0, {0}},
		{"-accel interp,thread=single", ENGINE_INTERP, 0, {0}},
		{"-accel bt:interp", ENGINE_BT, 1, {ENGINE_INTERP}},
		{"-accel interp:bt", ENGINE_INTERP, 1, {ENGINE_BT}},
		{"-accel kvm", ENGINE_KVM, 0, {0}},
		{"-accel kvm:bt:tcg:kvm", ENGINE_KVM, 1, {ENGINE_BT}},
		{"-accel kvm -accel tcg -accel interp", ENGINE_KVM, 2, {ENGINE_BT, ENGINE_INTERP}},
		{"-machine accel=kvm:interp", ENGINE_KVM, 1, {ENGINE_INTERP}},
		{"-accel kvm:bt -icount 0", ENGINE_KVM, 1, {ENGINE_BT}},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct parse p;

		CHECK_EQ(accept(&p, cases[i].line)->engine.kind, cases[i].kind);
		CHECK_EQ(p.o.vm.alternative_count, cases[i].count);
		for (unsigned n = 0; n < cases[i].count; n++)
			CHECK_EQ(p.o.vm.alternatives[n], cases[i].alternatives[n]);
		done(&p);
	}
	refuse("-accel kvm -icount 0", "-accel kvm: kvm counts no instructions, which -icount and "
				       "lockstep need");
	refuse("-accel kvm,cache=1M", "-accel kvm,cache=1M: cache is a property of bt, the translator");
	refuse("-accel tgc", "-accel tgc: 'tgc' is no accelerator; did you mean 'tcg'?");
	refuse("-accel bt:", "-accel bt:: '' is no accelerator; it can be bt, interp, tcg or kvm");
	refuse("-accel cache=1M",
	       "-accel cache=1M: says no accelerator; -accel help lists them");
	refuse("-machine accel=bt -accel interp",
	       "-accel interp: the accelerator is named by -machine already");
}

static void test_accel_properties(void)
{
	struct vm_config *c;
	struct parse p;

	c = accept(&p, "");
	CHECK_EQ(c->engine.cache_kib, 16384);
	CHECK(c->engine.chaining && c->engine.adaptive && c->engine.windows);
	CHECK_EQ(c->engine.map_budget, 0);
	CHECK_EQ(c->engine.inject, 0);
	CHECK(!c->engine.verify && !c->engine.check);
	CHECK(!c->lockstep.on);
	done(&p);
	c = accept(&p, "-accel bt,cache=256K,chaining=off,adaptive=off,windows=off,map-budget=500,"
		       "inject=cache-full+spurious-signals");
	CHECK_EQ(c->engine.cache_kib, 256);
	CHECK(!c->engine.chaining && !c->engine.adaptive && !c->engine.windows);
	CHECK_EQ(c->engine.map_budget, 500);
	CHECK_EQ(c->engine.inject, INJECT_CACHE_FULL | INJECT_SPURIOUS_SIGNALS);
	done(&p);
	c = accept(&p, "-accel bt,verify=on,check=500");
	CHECK(c->engine.verify && c->engine.check == 500);
	done(&p);
	CHECK_EQ(accept(&p, "-accel tcg,tb-size=64")->engine.cache_kib, 65536);
	done(&p);
	CHECK_EQ(accept(&p, "-accel tcg,tb-size=0")->engine.cache_kib, 16384);
	done(&p);
	c = accept(&p, "-icount 0 -accel bt,lockstep=on");
	CHECK(c->lockstep.on && !c->lockstep.step && !c->lockstep.from && !c->lockstep.watching);
	done(&p);
	c = accept(&p, "-accel interp,lockstep=1000,from=5000000000,watch=0x1000 -icount shift=0");
	CHECK(c->lockstep.on && c->lockstep.step == 1000 && c->lockstep.from == 5000000000);
	CHECK(c->lockstep.watching && c->lockstep.watch == 0x1000);
	done(&p);
	refuse("-accel bt,cache=lots", "-accel bt,cache=lots: cache is a number of MiB, or has a "
				       "suffix: 64, 64M or 512K");
	refuse("-accel bt,cache=1K", "-accel bt,cache=1K: cache is 256K to 1G");
	refuse("-accel bt,tb-size=5000", "-accel bt,tb-size=5000: tb-size is 256K to 1G");
	refuse("-accel bt,chaining=perhaps",
	       "-accel bt,chaining=perhaps: chaining is on or off, not 'perhaps'");
	refuse("-accel bt,check=often",
	       "-accel bt,check=often: check is a number from 0 to 4294967295, not 'often'");
	refuse("-accel bt,inject=mmap-refusd", "-accel bt,inject=mmap-refusd: 'mmap-refusd' is no "
	       "failure to inject; did you mean 'mmap-refused'?");
	refuse("-accel bt,lockstep=0 -icount 0", "-accel bt,lockstep=0: lockstep is on, off or a "
						 "number of instructions, not '0'");
	refuse("-accel bt,lockstep=on", "-accel bt,lockstep=on: lockstep needs -icount: time has "
					"to follow the instructions");
	refuse("-accel interp,cache=1M",
	       "-accel interp,cache=1M: cache is a property of bt, the translator");
	refuse("-accel tcg,thread=many", "-accel tcg,thread=many: 'many' is no thread setting; "
					 "it can be single or multi");
	refuse("-accel bt,cahce=1M", "-accel bt,cahce=1M: 'cahce' is no property; did you mean "
				     "'cache'?");
}

static bool has(const struct cpu_model *m, enum cpu_feature f)
{
	return m->features[f / 32] >> (f % 32) & 1;
}

static void test_cpu(void)
{
	struct cpu_model m;
	struct report r;

	CHECK_EQ(cpu_spec_parse(NULL, &m, &r), 0);
	CHECK(same(m.name, CPU_MODEL_DEFAULT) && has(&m, FEATURE_NX));
	CHECK_EQ(cpu_spec_parse("max,-nx,sse4.2=off,-avx2,check", &m, &r), 0);
	CHECK(!has(&m, FEATURE_NX) && !has(&m, FEATURE_SSE42) && has(&m, FEATURE_SSE41));
	CHECK_EQ(cpu_spec_parse("pentium,+cmov,pae=on", &m, &r), 0);
	CHECK(has(&m, FEATURE_CMOV) && has(&m, FEATURE_PAE) && !has(&m, FEATURE_SSE));
	refuse("-cpu foo", "-cpu foo: no such model; there are max, qemu32, 486, pentium, "
			   "pentium2, pentium3, pentium4, core2, host");
	refuse("-cpu max,+avx",
	       "-cpu max,+avx: there is no feature avx here; -cpu help lists them");
	refuse("-cpu max,+cmovv",
	       "-cpu max,+cmovv: there is no feature cmovv here; did you mean cmov?");
	refuse("-cpu max,pae=2", "-cpu max,pae=2: pae is on or off, not '2'");
}

static void test_time(void)
{
	struct vm_config *c;
	struct parse p;

	c = accept(&p, "-rtc base=2006-06-17T16:01:21,clock=vm,driftfix=slew");
	CHECK(c->rtc_base_given && !c->rtc_local);
	CHECK_EQ(c->rtc_base, 1150560081);
	done(&p);
	CHECK_EQ(accept(&p, "-rtc 2006-06-17")->rtc_base, 1150502400);
	done(&p);
	CHECK(accept(&p, "-rtc base=localtime")->rtc_local);
	done(&p);
	CHECK(!accept(&p, "-rtc base=localtime -rtc base=utc")->rtc_local);
	done(&p);
	c = accept(&p, "-icount shift=7,sleep=off");
	CHECK(c->icount);
	CHECK_EQ(c->icount_shift, 7);
	done(&p);
	accept(&p, "-icount auto");
	done(&p);
	refuse("-icount 99", "-icount 99: shift is a number from 0 to 10, or auto");
	refuse("-rtc base=noon", "-rtc base=noon: base is utc, localtime or a date like "
				 "2006-06-17T16:01:21, not 'noon'");
	refuse("-rtc clock=x", "-rtc clock=x: 'x' is no clock; it can be host, rt or vm");
}

static void test_boot(void)
{
	struct vm_config *c;
	struct parse p;

	c = accept(&p, "-boot order=dc,once=n,menu=on,splash-time=5000,strict=on");
	CHECK(same(c->boot_order, "dc") && same(c->boot_once, "n") && c->boot_menu);
	CHECK_EQ(c->boot_menu_timeout_ms, 5000);
	done(&p);
	c = accept(&p, "-boot d -boot menu=on");
	CHECK(same(c->boot_order, "d") && c->boot_menu);
	done(&p);
	c = accept(&p, "-kernel k -initrd i,j -append a=b -bios b.bin -L dir");
	CHECK(same(c->kernel, "k") && same(c->initrd, "i,j") && same(c->append, "a=b"));
	CHECK(same(c->bios, "b.bin") && same(c->firmware_dir, "dir"));
	done(&p);
	refuse("-boot x",
	       "-boot x: order: 'x' is no boot device; a is floppy, c disk, d CD, n network");
	refuse("-boot once=cc", "-boot once=cc: once: 'c' stands there twice");
	refuse("-initrd x", "-initrd x: needs a -kernel");
	refuse("-append x", "-append: needs a -kernel");
	refuse("-boot splash-time=x",
	       "-boot splash-time=x: splash-time is a number from 0 to 65535, not 'x'");
}

static void test_carried_guest(void)
{
	static const char *const no[] = {"disk.img", "-cdrom x", "-kernel k", "-fda f", "-hdd x",
					 "-bios b", "-boot n", "-nodefaults",
					 "-drive file=x,if=none,id=d -device ide-hd,drive=d"};
	static const char *const yes[] = {"", "-m 64", "-nographic", "-S -monitor none"};
	struct parse p;

	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
		CHECK(!accept(&p, no[i])->carried_guest);
		done(&p);
	}
	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		CHECK(accept(&p, yes[i])->carried_guest);
		done(&p);
	}
}

/* ---- drives ---- */

static void check_drive(const struct drive_config *d, const char *file, enum drive_media media,
			const char *id)
{
	CHECK(d->present);
	CHECK(same(d->file, file));
	CHECK_EQ(d->media, media);
	CHECK(same(d->id, id));
}

static void test_drives(void)
{
	struct vm_config *c;
	struct parse p;

	c = accept(&p, "");
	CHECK(!c->ide[0].present && !c->ide[1].present && !c->ide[3].present);
	check_drive(&c->ide[2], NULL, MEDIA_CDROM, "ide1-cd0");
	check_drive(&c->floppy[0], NULL, MEDIA_DISK, "floppy0");
	done(&p);

	c = accept(&p, "-hda a -hdb b -hdd d -cdrom c -fda f -fdb g");
	check_drive(&c->ide[0], "a", MEDIA_DISK, "ide0-hd0");
	check_drive(&c->ide[1], "b", MEDIA_DISK, "ide0-hd1");
	check_drive(&c->ide[2], "c", MEDIA_CDROM, "ide1-cd0");
	check_drive(&c->ide[3], "d", MEDIA_DISK, "ide1-hd1");
	check_drive(&c->floppy[0], "f", MEDIA_DISK, "floppy0");
	check_drive(&c->floppy[1], "g", MEDIA_DISK, "floppy1");
	CHECK(c->ide[2].read_only && !c->ide[0].read_only);
	done(&p);

	c = accept(&p, "-hdc c disk.img");
	check_drive(&c->ide[0], "disk.img", MEDIA_DISK, "ide0-hd0");
	check_drive(&c->ide[2], "c", MEDIA_DISK, "ide1-hd0");
	done(&p);

	c = accept(&p, "-nodefaults");
	CHECK(!c->ide[2].present && !c->floppy[0].present);
	done(&p);
	c = accept(&p, "-nodefaults -cdrom c");
	CHECK(c->ide[2].present);
	done(&p);
	CHECK(accept(&p, "-snapshot")->snapshot);
	done(&p);
	refuse("-hda a -hda b", "-hda b: there is already a drive at ide index 0 (a)");
	refuse("x -hda b", "-hda b: there is already a drive at ide index 0 (x)");
	refuse("-hdc a -cdrom b", "-cdrom b: there is already a drive at ide index 2 (a)");
	refuse("-hda", "-hda: needs an argument: FILE");
	refuse("-hda=", "-hda : needs the name of an image");
}

static void test_drive_option(void)
{
	struct vm_config *c;
	struct parse p;

	c = accept(&p, "-drive file=a,,b,format=raw,cache=none,aio=threads -drive "
		       "file=c,index=3,media=cdrom,id=x -drive if=floppy,file=f,readonly=on "
		       "-drive file=d,bus=1,unit=0,snapshot=on");
	check_drive(&c->ide[0], "a,b", MEDIA_DISK, "ide0-hd0");
	check_drive(&c->ide[3], "c", MEDIA_CDROM, "x");
	check_drive(&c->ide[2], "d", MEDIA_DISK, "ide1-hd0");
	check_drive(&c->floppy[0], "f", MEDIA_DISK, "floppy0");
	CHECK(c->floppy[0].read_only && c->ide[2].snapshot && c->ide[3].read_only);
	done(&p);

	/* What says its place goes first, wherever it stands. */
	c = accept(&p, "-drive file=a -hda b");
	check_drive(&c->ide[0], "b", MEDIA_DISK, "ide0-hd0");
	check_drive(&c->ide[1], "a", MEDIA_DISK, "ide0-hd1");
	done(&p);
	c = accept(&p, "-drive media=cdrom -drive file=x,read-only=off");
	check_drive(&c->ide[0], NULL, MEDIA_CDROM, "ide0-cd0");
	check_drive(&c->ide[1], "x", MEDIA_DISK, "ide0-hd1");
	done(&p);

	refuse("-drive file=x,format=qcow2", "-drive file=x,format=qcow2: there is no qcow2 format "
					     "yet, only raw; qemu-img convert -O raw makes one");
	refuse("-drive file=x,if=virtio",
	       "-drive file=x,if=virtio: 'virtio' is no interface here; it can be ide, floppy or "
	       "none");
	refuse("-drive fiel=x", "-drive fiel=x: 'fiel' is no property; did you mean 'file'?");
	refuse("-drive file=x,index=4",
	       "-drive file=x,index=4: index is a number from 0 to 3, not '4'");
	refuse("-drive file=x,index=1,unit=1",
	       "-drive file=x,index=1,unit=1: index= and bus=,unit= say the same; give one of them");
	refuse("-drive format=raw", "-drive format=raw: a disk needs file=; only CD and floppy "
				    "drives can be empty");
	refuse("-drive file=a -drive file=b -drive file=c -drive file=d -drive file=e",
	       "-drive file=e: all 4 places there are taken");
	refuse("-drive file=x,media=dvd",
	       "-drive file=x,media=dvd: 'dvd' is no medium; it can be disk or cdrom");
	refuse("-drive file=x,readonly=perhaps",
	       "-drive file=x,readonly=perhaps: readonly is on or off, not 'perhaps'");
	refuse("-blockdev x", "-blockdev x: Not there yet; use -drive file=FILE,format=raw.");
}

static void test_device_drives(void)
{
	struct vm_config *c;
	struct parse p;

	c = accept(&p, "-device ide-hd,drive=d0,bus=ide.1,bootindex=2 -drive "
		       "if=none,id=d0,file=q -device ide-cd,drive=c,bus=ide.0,unit=1,bootindex=1 "
		       "-drive file=i,if=none,id=c,media=cdrom");
	check_drive(&c->ide[2], "q", MEDIA_DISK, "d0");
	check_drive(&c->ide[1], "i", MEDIA_CDROM, "c");
	CHECK(!c->ide[0].present && !c->ide[3].present);
	CHECK(same(c->boot_order, "dc"));
	done(&p);
	c = accept(&p, "-device ide-cd -device floppy,drive=f,unit=1 -drive if=none,file=f,id=f");
	check_drive(&c->ide[0], NULL, MEDIA_CDROM, "ide0-cd0");
	check_drive(&c->floppy[1], "f", MEDIA_DISK, "f");
	CHECK(!c->ide[2].present); /* no default CD beside a named one */
	done(&p);
	refuse("-device ide-hd,drive=x",
	       "-device ide-hd,drive=x: there is no -drive with if=none,id=x");
	refuse("-device ide-hd", "-device ide-hd: a disk needs drive=ID of a -drive with a file");
	refuse("-drive if=none,id=x,file=f -device ide-hd,drive=x -device ide-hd,drive=x",
	       "-device ide-hd,drive=x: drive x is already in use");
	refuse("-drive if=none,id=x,file=f -drive if=none,id=x,file=f",
	       "-drive if=none,id=x,file=f: there is already a drive with id=x");
	refuse("-device ide-cd,bus=ide.7",
	       "-device ide-cd,bus=ide.7: bus is ide.0 or ide.1, not 'ide.7'");
	refuse("-device ide-cd,foo=1", "-device ide-cd,foo=1: 'foo' is no property of ide-cd; "
				       "there are drive= bus= unit= bootindex= id=");
}

/* ---- other devices ---- */

static void test_devices(void)
{
	struct vm_config *c;
	struct parse p;

	c = accept(&p, "-device isa-debug-exit,iobase=0xf4,iosize=0x04");
	CHECK(c->debug_exit);
	CHECK_EQ(c->debug_exit_port, 0xf4);
	CHECK_EQ(c->debug_exit_size, 4);
	done(&p);
	c = accept(&p, "-device isa-debug-exit");
	CHECK_EQ(c->debug_exit_port, 0x501);
	CHECK_EQ(c->debug_exit_size, 2);
	done(&p);
	c = accept(&p, "-device isa-debugcon,iobase=0x402,chardev=l -chardev file,path=log,id=l "
		       "-debugcon null");
	CHECK_EQ(c->firmware_log.kind, CHARDEV_FILE);
	CHECK(same(c->firmware_log.path, "log"));
	CHECK_EQ(c->firmware_log_port, 0x402);
	CHECK_EQ(c->debugcon.kind, CHARDEV_NULL);
	CHECK_EQ(c->debugcon_port, 0xe9);
	done(&p);
	c = accept(&p, "-debugcon file:x -global isa-debugcon.iobase=0x402");
	CHECK_EQ(c->firmware_log.kind, CHARDEV_FILE);
	CHECK_EQ(c->debugcon.kind, CHARDEV_NONE);
	done(&p);
	CHECK(accept(&p, "-vga none -device VGA")->vga);
	done(&p);
	CHECK(!accept(&p, "-vga none")->vga);
	CHECK_EQ(p.o.vm.display, DISPLAY_NONE);
	done(&p);
	refuse("-device isa-debug-exi",
	       "-device isa-debug-exi: 'isa-debug-exi' is no device; did you mean "
	       "'isa-debug-exit'?");
	refuse("-device isa-debug-exit,iosize=3",
	       "-device isa-debug-exit,iosize=3: iosize is 1, 2 or 4");
	refuse("-device isa-debug-exit,iobase=0x10000",
	       "-device isa-debug-exit,iobase=0x10000: iobase is a number from 0 to 65535, not "
	       "'0x10000'");
	refuse("-debugcon null -debugcon null -debugcon null",
	       "-debugcon null: there can be two debug consoles");
	refuse("-vga cirrus",
	       "-vga cirrus: 'cirrus' is no graphics adapter here; it can be std or none");
}

static void test_display(void)
{
	struct vm_config *c;
	struct parse p;

	CHECK_EQ(accept(&p, "-display sdl,full-screen=on,gl=off")->display, DISPLAY_SDL);
	CHECK(p.o.vm.full_screen);
	done(&p);
	CHECK_EQ(accept(&p, "-display none")->display, DISPLAY_NONE);
	CHECK_EQ(p.o.vm.serial[0].kind, CHARDEV_VC);
	CHECK_EQ(p.o.vm.monitor[0].kind, CHARDEV_NONE);
	done(&p);
	setenv("DISPLAY", ":0", 1);
	CHECK_EQ(accept(&p, "-full-screen")->display, DISPLAY_SDL);
	done(&p);
	unsetenv("DISPLAY");
	unsetenv("WAYLAND_DISPLAY");
	c = accept(&p, ""); /* no window possible: the terminal, as with -nographic */
	CHECK_EQ(c->display, DISPLAY_NONE);
	CHECK_EQ(c->serial[0].kind, CHARDEV_MUX);
	done(&p);
	refuse("-display curses",
	       "-display curses: 'curses' is no display here; it can be sdl, gtk or none");
	refuse("-vnc :1",
	       "-vnc :1: Not there yet; use -display sdl, or -display none with -monitor.");
	accept(&p, "-display none -vnc none");
	done(&p);
}

/* ---- lines ---- */

static void test_nographic(void)
{
	struct vm_config *c;
	struct parse p;

	c = accept(&p, "-nographic");
	CHECK_EQ(c->serial[0].kind, CHARDEV_MUX);
	CHECK_EQ(c->monitor[0].kind, CHARDEV_MUX);
	CHECK(same(c->serial[0].id, c->monitor[0].id));
	CHECK(!c->graphics);
	CHECK_EQ(c->display, DISPLAY_NONE);
	done(&p);
	c = accept(&p, "-nographic -monitor none");
	CHECK_EQ(c->serial[0].kind, CHARDEV_STDIO);
	CHECK_EQ(c->monitor[0].kind, CHARDEV_NONE);
	done(&p);
	c = accept(&p, "-serial null -nographic");
	CHECK_EQ(c->serial[0].kind, CHARDEV_NULL);
	CHECK_EQ(c->monitor[0].kind, CHARDEV_STDIO);
	done(&p);
	c = accept(&p, "-nographic -nodefaults");
	CHECK_EQ(c->serial[0].kind, CHARDEV_NONE);
	CHECK_EQ(c->monitor[0].kind, CHARDEV_NONE);
	done(&p);
	refuse("-nographic -daemonize",
	       "-daemonize: leaves no terminal, but -nographic needs one");
}

static void test_serial(void)
{
	struct vm_config *c;
	struct parse p;

	c = accept(&p, "-display none -serial stdio -serial none -serial file:/x,y -serial pty");
	CHECK_EQ(c->serial[0].kind, CHARDEV_STDIO);
	CHECK(c->serial[0].signals && !c->serial[0].mux);
	CHECK_EQ(c->serial[1].kind, CHARDEV_NONE);
	CHECK_EQ(c->serial[2].kind, CHARDEV_FILE);
	CHECK(same(c->serial[2].path, "/x,y"));
	CHECK_EQ(c->serial[3].kind, CHARDEV_PTY);
	done(&p);
	c = accept(&p, "-display none -serial mon:stdio");
	CHECK_EQ(c->serial[0].kind, CHARDEV_MUX);
	CHECK(c->serial[0].mux && !c->serial[0].signals);
	CHECK(same(c->serial[0].id, c->monitor[0].id));
	done(&p);
	c = accept(&p, "-display none -serial unix:/tmp/s,server,nowait -serial "
		       "tcp:[::1]:44,server=on,wait=off -serial telnet::4444,server -serial "
		       "tcp:h:5,reconnect=3");
	CHECK(same(c->serial[0].path, "/tmp/s") && c->serial[0].server && !c->serial[0].wait);
	CHECK(same(c->serial[1].host, "::1") && same(c->serial[1].port, "44"));
	CHECK(c->serial[1].server && !c->serial[1].wait);
	CHECK(same(c->serial[2].host, "") && c->serial[2].telnet && c->serial[2].wait);
	CHECK(!c->serial[3].server);
	CHECK_EQ(c->serial[3].reconnect_s, 3);
	done(&p);
	c = accept(&p, "-display none -serial pipe:/p -serial vc:80Cx24C");
	CHECK_EQ(c->serial[0].kind, CHARDEV_PIPE);
	CHECK_EQ(c->serial[1].kind, CHARDEV_VC);
	done(&p);
	refuse("-serial stdoi", "-serial stdoi: 'stdoi' is no back end; did you mean 'stdio'?");
	refuse("-serial tcp:foo",
	       "-serial tcp:foo: needs HOST:PORT, for example tcp:127.0.0.1:4444");
	refuse("-serial unix:", "-serial unix:: needs the path of a socket");
	refuse("-serial unix:x,sevrer",
	       "-serial unix:x,sevrer: 'sevrer' is no property; did you mean 'server'?");
	refuse("-serial file:", "-serial file:: needs a path");
	refuse("-serial tcp:a:1,server,reconnect=1",
	       "-serial tcp:a:1,server,reconnect=1: reconnect= is for clients, not with server=on");
	refuse("-serial null -serial null -serial null -serial null -serial null",
	       "-serial null: there are 4 serial ports");
	refuse("-display none -serial stdio -monitor stdio",
	       "stdio: the terminal is asked for twice; -serial mon:stdio lets serial port and "
	       "monitor share it");
}

static void test_chardev(void)
{
	struct vm_config *c;
	struct parse p;

	c = accept(&p, "-display none -mon chardev=m,mode=readline -serial chardev:s -device "
		       "isa-serial,chardev=t -chardev socket,id=m,path=/m,server=on,wait=off "
		       "-chardev stdio,id=s,signal=off -chardev socket,host=h,port=1,id=t");
	CHECK(same(c->monitor[0].path, "/m") && c->monitor[0].server && !c->monitor[0].wait);
	CHECK_EQ(c->serial[0].kind, CHARDEV_STDIO);
	CHECK(!c->serial[0].signals);
	CHECK(same(c->serial[1].host, "h"));
	done(&p);
	c = accept(&p, "-display none -chardev stdio,mux=on,id=c -serial chardev:c -mon c");
	CHECK(c->serial[0].mux && same(c->serial[0].id, "c") && same(c->monitor[0].id, "c"));
	done(&p);
	refuse("-chardev stdio", "-chardev stdio: needs id=");
	refuse("-chardev fiel,id=x", "-chardev fiel,id=x: 'fiel' is no back end; did you mean "
				     "'file'?");
	refuse("-chardev file,id=x", "-chardev file,id=x: needs path=");
	refuse("-chardev socket,id=x",
	       "-chardev socket,id=x: a socket has either path= or host= and port=");
	refuse("-chardev null,id=x -chardev null,id=x",
	       "-chardev null,id=x: there is already a -chardev with id=x");
	refuse("-serial chardev:x", "-serial chardev:x: there is no -chardev with id=x");
	refuse("-chardev null,id=x -serial chardev:x -mon x",
	       "-mon x: chardev x is already used by -serial; mux=on lets them share");
	refuse("-chardev null,id=x -mon x,mode=control",
	       "-mon x,mode=control: QMP is not there yet; mode=readline is the monitor for people");
}

/* ---- running ---- */

static void test_running(void)
{
	struct parse p;

	accept(&p, "-S -no-reboot -no-shutdown -display none -daemonize -pidfile /p -monitor none");
	CHECK(p.o.vm.start_paused && p.o.vm.no_reboot && p.o.vm.no_shutdown && p.o.daemonize);
	CHECK(same(p.o.pidfile, "/p"));
	done(&p);
	refuse("-d foo", "-d foo: no category 'foo'; -d help lists them");
	refuse("-d ide,foo,vga", "-d ide,foo,vga: no category 'foo'; -d help lists them");
	refuse("-D /nowhere/x", "-D /nowhere/x: No such file or directory");
	refuse("-qmp stdio", "-qmp stdio: Not there yet; use -monitor.");
	refuse("-s", "-s: Not there yet; use -monitor with info registers and x.");
	accept(&p, "-no-user-config -no-hpet -msg timestamp=on -parallel none -net none "
		   "-nic none");
	done(&p);
}

static void test_sandbox(void)
{
	struct parse p;

	accept(&p, "-display none");
	CHECK(!p.o.sandbox.off && !p.o.sandbox.required && !p.o.sandbox.allowed);
	done(&p);
	accept(&p, "-sandbox off");
	CHECK(p.o.sandbox.off && !p.o.sandbox.required);
	done(&p);
	accept(&p, "-sandbox off -sandbox enable=on"); /* the last one counts */
	CHECK(!p.o.sandbox.off && p.o.sandbox.required);
	done(&p);
	accept(&p, "-sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny");
	CHECK(!p.o.sandbox.off && !p.o.sandbox.allowed && !p.o.sandbox.log);
	done(&p);
	accept(&p, "-sandbox on,obsolete=allow,elevateprivileges=children,spawn=allow,log=on");
	CHECK_EQ(p.o.sandbox.allowed, 1u << SANDBOX_OBSOLETE | 1u << SANDBOX_SPAWN);
	CHECK(p.o.sandbox.log);
	done(&p);
	accept(&p, "-sandbox on,files=/,files=/tmp");
	CHECK_EQ(p.o.sandbox.file_count, 2);
	CHECK(same(p.o.sandbox.files[0], "/") && same(p.o.sandbox.files[1], "/tmp"));
	done(&p);
	refuse("-sandbox maybe", "-sandbox maybe: enable is on or off, not 'maybe'");
	refuse("-sandbox on,spawn=children",
	       "-sandbox on,spawn=children: spawn is allow or deny, not 'children'");
	refuse("-sandbox on,files=/nowhere",
	       "-sandbox on,files=/nowhere: files= is a folder, which '/nowhere' is not");
	refuse("-sandbox on,spwan=deny",
	       "-sandbox on,spwan=deny: 'spwan' is no property; did you mean 'spawn'?");
}

static void test_unknown(void)
{
	refuse("-kernal x", "-kernal: no such option; did you mean -kernel?");
	refuse("--drvie=x", "--drvie=x: no such option; did you mean -drive?");
	refuse("-no-reb", "-no-reb: no such option; did you mean -no-reboot?"); /* no abbreviations */
	refuse("-zzzzzz", "-zzzzzz: no such option; -help lists them");
	refuse("-snapshot=on", "-snapshot=on: takes no argument");
	refuse("-m", "-m: needs an argument: [size=]MEGS[M|G]");
	refuse("-hda a -- -m", "disk image -m: there is already a drive at ide index 0 (a)");
}

/* Any shuffle of a command line means the same. */
static void test_order(void)
{
	static const char *const pieces[] = {
		"-m 64", "-hda a", "-drive file=b,format=raw", "-device ide-cd,drive=c,bus=ide.1",
		"-drive if=none,id=c,media=cdrom,file=i", "-nodefaults", "-chardev null,id=n",
		"-serial chardev:n", "-display none", "-boot d", "-no-reboot"};
	enum { COUNT = sizeof(pieces) / sizeof(pieces[0]) };
	unsigned order[COUNT];
	uint64_t seed = 42;

	for (unsigned i = 0; i < COUNT; i++)
		order[i] = i;
	for (int round = 0; round < 200; round++) {
		const struct vm_config *c;
		char line[1024] = "";
		struct parse p;

		for (unsigned i = COUNT - 1; i; i--) {
			unsigned k = (unsigned)(unit_random(&seed) % (i + 1)), swap = order[i];

			order[i] = order[k];
			order[k] = swap;
		}
		for (unsigned i = 0; i < COUNT; i++) {
			strcat(line, pieces[order[i]]);
			strcat(line, " ");
		}
		c = accept(&p, line);
		CHECK_EQ(c->ram_bytes, 64u << 20);
		check_drive(&c->ide[0], "a", MEDIA_DISK, "ide0-hd0");
		check_drive(&c->ide[1], "b", MEDIA_DISK, "ide0-hd1");
		check_drive(&c->ide[2], "i", MEDIA_CDROM, "c");
		CHECK_EQ(c->serial[0].kind, CHARDEV_NULL);
		CHECK(!c->floppy[0].present && c->no_reboot && same(c->boot_order, "d"));
		done(&p);
	}
}

/* ---- help ---- */

static void check_columns(const char *text)
{
	while (*text) {
		size_t len = strcspn(text, "\n");

		CHECK(len <= 80);
		CHECK(!len || text[len - 1] != ' ');
		text += len + (text[len] == '\n');
	}
}

static void test_help(void)
{
	struct parse p;

	parse(&p, "-help");
	CHECK_EQ(p.result, OPTIONS_DONE);
	check_columns(p.printed);
#define X(id, name, args, phase, fn, group, help) CHECK(strstr(p.printed, "\n-" name) != NULL);
	OPTION_TABLE(X)
#undef X
	done(&p);
	parse(&p, "--version");
	CHECK_EQ(p.result, OPTIONS_DONE);
	CHECK(!strncmp(p.printed, "Transvisor emulator version 7.2.0 ", 34));
	done(&p);
}

static void test_lists(void)
{
	static const struct {
		const char *line, *contains;
	} cases[] = {
		{"-machine help", "pc                   Standard PC"},
		{"-M help", "pc-i440fx-"},
		{"-accel help", "Accelerators supported"},
		{"-accel help", "chaining=on|off"},
		{"-cpu help", "qemu32"},
		{"-device help", "isa-debug-exit"},
		{"-display help", "sdl"},
		{"-chardev help", "socket"},
		{"-d help", "guest_errors"},
		{"-vga help", "std"},
		{"-sandbox help", "spawn=allow|deny"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct parse p;

		parse(&p, cases[i].line);
		CHECK_EQ(p.result, OPTIONS_DONE);
		CHECK(strstr(p.printed, cases[i].contains) != NULL);
		done(&p);
	}
}

/* A file of the source tree, in which this file's own place is known. */
static char *read_file(const char *name)
{
	char *text = calloc(1, 1 << 18), path[1024];
	size_t root = strlen(__FILE__) - strlen("tests/unit/test_options.c");
	FILE *file;

	snprintf(path, sizeof(path), "%.*s%s", (int)root, __FILE__, name);
	file = fopen(path, "rb");
	if (!file)
		fprintf(stderr, "%s is missing\n", path);
	CU_ASSERT_FATAL(file && text);
	CHECK(fread(text, 1, (1 << 18) - 1, file) > 0);
	fclose(file);
	return text;
}

/* The man page and the completion are written by hand: they must not lag. */
static void test_documents(void)
{
	char *man = read_file("monitor/transvisor.1");
	char *completion = read_file("monitor/transvisor.bash-completion");

#define X(id, name, args, phase, fn, group, help)                                                  \
	if (!strstr(man, "\n.B \\-" name "\n") && !strstr(man, "\n.BI \\-" name " "))             \
		fprintf(stderr, "the man page lacks -%s\n", name);                                 \
	CHECK(strstr(man, "\n.B \\-" name "\n") || strstr(man, "\n.BI \\-" name " "));            \
	if (!strstr(completion, "\n\t-" name "\n"))                                               \
		fprintf(stderr, "the completion lacks -%s\n", name);                               \
	CHECK(strstr(completion, "\n\t-" name "\n") != NULL);
	OPTION_TABLE(X)
#undef X
	free(man);
	free(completion);
}

/* ---- pieces ---- */

static void test_pieces(void)
{
	static const char *const words[] = {"alpha", "beta", "b"};
	struct option_list l;
	uint64_t v;
	bool b;

	CHECK_EQ(option_list_parse(&l, "x,,y,key=a,,b=c,flag,key=last", "first"), 0);
	CHECK_EQ(l.count, 4);
	CHECK(same(option_list_get(&l, "first"), "x,y"));
	CHECK(same(option_list_get(&l, "key"), "last"));
	CHECK(same(option_list_get(&l, "flag"), "on"));
	CHECK(!option_list_get(&l, "none"));
	option_list_free(&l);
	CHECK_EQ(option_list_parse(&l, ",,,,", "first"), 0);
	CHECK(same(option_list_get(&l, "first"), ",,"));
	option_list_free(&l);
	CHECK_EQ(option_list_parse(&l, "", "first"), 0);
	CHECK_EQ(l.count, 0);
	option_list_free(&l);
	CHECK_EQ(option_parse_size("1.5k", 1, &v), 0);
	CHECK_EQ(v, 1536);
	CHECK_EQ(option_parse_size("", 1, &v), -1);
	CHECK_EQ(option_parse_size("5kk", 1, &v), -1);
	CHECK_EQ(option_parse_size(" 5", 1, &v), -1);
	CHECK_EQ(option_parse_size("99999999999E", 1, &v), -1);
	CHECK_EQ(option_parse_number("0x402", 0xffff, &v), 0);
	CHECK_EQ(v, 0x402);
	CHECK_EQ(option_parse_number("-1", 0xffff, &v), -1);
	CHECK_EQ(option_parse_number("65536", 0xffff, &v), -1);
	CHECK_EQ(option_parse_switch("yes", &b), 0);
	CHECK(b);
	CHECK_EQ(option_parse_switch("", &b), -1);
	CHECK(same(option_nearest("aplha", words, 3), "alpha"));
	CHECK(same(option_nearest("be", words, 3), "beta"));
	CHECK(!option_nearest("xyz", words, 3));
}

/* Random words of the table's names and odd characters: an answer, always. */
static void test_fuzz(void)
{
	static const char *const words[] = {
#define X(id, name, args, phase, fn, group, help) "-" name,
		OPTION_TABLE(X)
#undef X
		"x", "file=a,if=none,id=d", "ide-hd,drive=d", "null,id=c", "chardev:c", "mon:stdio",
		"=", ",", ",,", "-", "--", "1", "99999999999999999999999", "tcp:::", "unix:,,,",
		"a=b=c", "on", "help", "%s%n", "shift=", "isa-debugcon,chardev=c"};
	int null = open("/dev/null", O_WRONLY), before = dup(STDERR_FILENO);
	uint64_t seed = 99;

	fflush(stderr);
	dup2(null, STDERR_FILENO); /* the warnings */
	for (int round = 0; round < 20000; round++) {
		char line[1024] = "-display none";
		struct parse p;

		for (int i = (int)(unit_random(&seed) % 8); i >= 0; i--) {
			const char *word =
				words[unit_random(&seed) % (sizeof(words) / sizeof(words[0]))];

			/* -D would write files. */
			if (strcmp(word, "-D")) {
				strcat(line, " ");
				strcat(line, word);
			}
		}
		parse(&p, line);
		if (p.result == OPTIONS_ERROR)
			CHECK(p.r.text[0] && !strchr(p.r.text, '\n'));
		done(&p);
	}
	dup2(before, STDERR_FILENO);
	close(before);
	close(null);
}

UNIT_MAIN("options", {"-m", test_memory}, {"-machine, -smp", test_machine},
	  {"-accel", test_accel}, {"-accel's properties", test_accel_properties},
	  {"-cpu", test_cpu}, {"-rtc, -icount", test_time}, {"-boot, -kernel", test_boot},
	  {"carried guest", test_carried_guest}, {"drives", test_drives},
	  {"-drive", test_drive_option}, {"-device ide-hd", test_device_drives},
	  {"-device", test_devices}, {"-display", test_display}, {"-nographic", test_nographic},
	  {"-serial", test_serial}, {"-chardev", test_chardev}, {"running", test_running}, {"sandbox", test_sandbox},
	  {"unknown options", test_unknown}, {"any order", test_order}, {"-help", test_help},
	  {"lists", test_lists}, {"man page and completion", test_documents},
	  {"pieces", test_pieces}, {"fuzz", test_fuzz})
