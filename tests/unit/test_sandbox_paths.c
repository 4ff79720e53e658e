/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which files the running program may open, by name. */
#include <string.h>

#include "monitor/sandbox_paths.h"
#include "tests/unit/unit.h"

static struct sandbox_paths paths;

static void begin(const char *home)
{
	memset(&paths, 0, sizeof(paths));
	strcpy(paths.home, home);
}

/* "r" reading, "rw" both, "" neither. */
static bool may(const char *path, const char *what)
{
	return sandbox_paths_allow(&paths, path, false) == (strchr(what, 'r') != NULL) &&
	       sandbox_paths_allow(&paths, path, true) == (strchr(what, 'w') != NULL);
}

static void test_default(void)
{
	begin("/home/ann");
	CHECK(may("/home/ann/disk.img", "rw"));
	CHECK(may("/home/ann/shot.ppm", "rw"));
	CHECK(may("/tmp/x", "rw") && may("/mnt/x", "rw") && may("/data/iso/x", "rw"));
	CHECK(may("/var/tmp/x", "rw") && may("/run/media/ann/stick/x", "rw"));
	CHECK(may("/usr/share/x.iso", "r") && may("/var/lib/libvirt/images/x.iso", "r"));
	CHECK(may("/opt/x", "r") && may("/lib/x", "r") && may("/library/x", "rw"));
}

static void test_never(void)
{
	static const char *const closed[] = {"/etc/shadow", "/etc/x", "/proc/self/mem", "/proc/1/root/x",
					     "/sys/power/state", "/boot/vmlinuz", "/run/docker.sock",
					     "/run/mediator/x", "/root/x", "/dev/sda", "/dev/mem",
					     "/dev/kvm", "/dev/sr", "/dev/sr0x", "/dev/null/x",
					     "/dev/shm/x", "/dev", "/etc", "/proc"};

	begin("/home/ann");
	for (size_t i = 0; i < sizeof(closed) / sizeof(closed[0]); i++) {
		if (!may(closed[i], ""))
			fprintf(stderr, "%s can be opened\n", closed[i]);
		CHECK(may(closed[i], ""));
	}
	CHECK(may("/dev/sr0", "r") && may("/dev/sr12", "r"));
	CHECK(may("/dev/fd0", "rw") && may("/dev/null", "rw") && may("/dev/full", "rw"));
}

static void test_hidden(void)
{
	begin("/home/ann");
	CHECK(may("/home/ann/.ssh/id_rsa", "") && may("/home/ann/.bashrc", ""));
	CHECK(may("/home/ann/a/.git/hooks/x", "") && may("/tmp/.X11-unix/X0", ""));
	CHECK(may("/home/ann/a.b/c.d", "rw"));
	/* The folder of an image is fine by its own name, not what is hidden in it. */
	CHECK(sandbox_paths_add(&paths, "/home/ann/.local/share/images", false));
	CHECK(may("/home/ann/.local/share/images/x", "rw"));
	CHECK(may("/home/ann/.local/share/images/a/x", "rw"));
	CHECK(may("/home/ann/.local/share/images/.x", ""));
	CHECK(may("/home/ann/.local/share/images2", "") && may("/home/ann/.local/share/x", ""));
}

static void test_root(void)
{
	begin("/root");
	CHECK(may("/root/x", "rw") && may("/root/.ssh/id_rsa", "") && may("/etc/shadow", ""));
}

static void test_folders(void)
{
	begin("/home/ann");
	CHECK(sandbox_paths_add(&paths, "/var/lib/guests", false));
	CHECK(sandbox_paths_add(&paths, "/etc", false));
	CHECK(sandbox_paths_add(&paths, "/", false));
	CHECK(may("/var/lib/guests/x", "rw") && may("/var/lib/x", "r"));
	CHECK(may("/etc/shadow", "") && may("/usr/bin/x", "r") && may("/home/ann/.x", ""));
}

static void test_named(void)
{
	begin("/home/ann");
	CHECK(sandbox_paths_add(&paths, "/home/ann", false));
	CHECK(sandbox_paths_add(&paths, "/run/guests", true));
	CHECK(may("/run/guests/x", "rw") && may("/run/guests/.x", "rw"));
	CHECK(may("/home/ann/x", "") && may("/tmp/x", "") && may("/dev/null", ""));
	CHECK(sandbox_paths_named(&paths, "/run/guests/x"));
	CHECK(!sandbox_paths_named(&paths, "/home/ann/x"));
}

static void test_room(void)
{
	begin("");
	for (int i = 0; i < SANDBOX_FOLDERS; i++)
		CHECK(sandbox_paths_add(&paths, "/a", false));
	CHECK(!sandbox_paths_add(&paths, "/b", false));
}

UNIT_MAIN("sandbox_paths",
	  {"default", test_default}, {"never", test_never}, {"hidden", test_hidden},
	  {"root", test_root}, {"folders", test_folders}, {"named", test_named},
	  {"room", test_room})
