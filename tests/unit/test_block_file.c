/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Image files: monitor/block_*.c. The machine thread is the test's own; posted
 * calls wait in a queue until it runs them.
 */
#include "monitor/block_file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/unit.h"

#define IMAGE_BYTES (1u << 20)

/* ---- The machine's queue of posted calls ---- */

struct post {
	struct post *next;
	void (*fn)(void *);
	void *arg;
};

struct machine {
	pthread_mutex_t lock;
	pthread_cond_t posted;
	struct post *first, **last;
};

static void machine_init(struct machine *m)
{
	pthread_mutex_init(&m->lock, NULL);
	pthread_cond_init(&m->posted, NULL);
	m->first = NULL;
	m->last = &m->first;
}

static void machine_post(void *opaque, void (*fn)(void *), void *arg)
{
	struct machine *m = opaque;
	struct post *p = malloc(sizeof(*p));

	*p = (struct post){.fn = fn, .arg = arg};
	pthread_mutex_lock(&m->lock);
	*m->last = p;
	m->last = &p->next;
	pthread_cond_signal(&m->posted);
	pthread_mutex_unlock(&m->lock);
}

/* Runs one posted call; waits for one if asked to. */
static bool machine_run(struct machine *m, bool wait)
{
	struct post *p;

	pthread_mutex_lock(&m->lock);
	while (wait && !m->first)
		pthread_cond_wait(&m->posted, &m->lock);
	p = m->first;
	if (p) {
		m->first = p->next;
		if (!m->first)
			m->last = &m->first;
	}
	pthread_mutex_unlock(&m->lock);
	if (!p)
		return false;
	p->fn(p->arg);
	free(p);
	return true;
}

static void machine_end(struct machine *m)
{
	while (machine_run(m, false))
		;
	pthread_cond_destroy(&m->posted);
	pthread_mutex_destroy(&m->lock);
}

/* ---- Files ---- */

static char dir[] = "/tmp/transvisor-test-XXXXXX";
static char path[64], other[64];

static uint8_t pattern(uint64_t at)
{
	return (uint8_t)(at / 512 * 13 + at % 512);
}

static void write_file(const char *name, const void *data, size_t len)
{
	int fd;

	unlink(name); /* it may be read-only from the test before */
	fd = open(name, O_CREAT | O_TRUNC | O_WRONLY, 0644);
	CU_ASSERT_FATAL(fd >= 0);
	CHECK_EQ(write(fd, data, len), len);
	close(fd);
}

static void make_image(const char *name, size_t len)
{
	uint8_t *data = malloc(len + 1);

	for (size_t i = 0; i < len; i++)
		data[i] = pattern(i);
	write_file(name, data, len);
	free(data);
}

static uint8_t file_byte(const char *name, uint64_t at)
{
	uint8_t byte = 0;
	int fd = open(name, O_RDONLY);

	CHECK_EQ(pread(fd, &byte, 1, (off_t)at), 1);
	close(fd);
	return byte;
}

static void set_up(struct machine *m, size_t len)
{
	machine_init(m);
	snprintf(path, sizeof(path), "%s/disk.img", dir);
	snprintf(other, sizeof(other), "%s/other.img", dir);
	make_image(path, len);
}

static struct block_file_options options(struct machine *m)
{
	return (struct block_file_options){
		.path = path,
		.option = "-hda",
		.sector_size = 512,
		.post = machine_post,
		.post_opaque = m,
	};
}

/* ---- Requests ---- */

struct call {
	struct block_request req;
	bool done;
	int error;
};

static void call_done(struct block_request *req, int error)
{
	struct call *c = req->opaque;

	CHECK(!c->done);
	c->done = true;
	c->error = error;
}

static void submit(struct blockdev *b, struct call *c, int op, uint64_t offset, void *buf,
		   size_t len)
{
	*c = (struct call){.req = {.op = op,
				   .offset = offset,
				   .buf = buf,
				   .len = len,
				   .done = call_done,
				   .opaque = c}};
	blockdev_submit(b, &c->req);
}

static int transfer(struct machine *m, struct blockdev *b, int op, uint64_t offset, void *buf,
		    size_t len)
{
	struct call c;

	submit(b, &c, op, offset, buf, len);
	while (!c.done)
		machine_run(m, true);
	return c.error;
}

static bool has_pattern(const uint8_t *buf, uint64_t at, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (buf[i] != pattern(at + i))
			return false;
	return true;
}

static void check_read_write(bool synchronous)
{
	struct machine m;
	struct report r = {""};
	struct block_file_options o;
	struct blockdev *b;
	static uint8_t buf[IMAGE_BYTES];

	set_up(&m, IMAGE_BYTES);
	o = options(&m);
	o.synchronous = synchronous;
	b = block_file_open(&o, &r);
	CU_ASSERT_FATAL(b != NULL);
	CHECK_EQ(b->size, IMAGE_BYTES);
	CHECK(b->inserted && !b->read_only);
	CHECK(!strcmp(b->path, path));
	CHECK_EQ(transfer(&m, b, BLOCK_READ, 0, buf, IMAGE_BYTES), 0);
	CHECK(has_pattern(buf, 0, IMAGE_BYTES));
	CHECK_EQ(transfer(&m, b, BLOCK_READ, 1000, buf, 3), 0);
	CHECK(has_pattern(buf, 1000, 3));
	memset(buf, 0xee, 1024);
	CHECK_EQ(transfer(&m, b, BLOCK_WRITE, 4096, buf, 1024), 0);
	CHECK_EQ(transfer(&m, b, BLOCK_FLUSH, 0, NULL, 0), 0);
	CHECK_EQ(file_byte(path, 4096), 0xee);
	CHECK_EQ(file_byte(path, 5119), 0xee);
	CHECK_EQ(file_byte(path, 5120), pattern(5120));
	CHECK_EQ(transfer(&m, b, BLOCK_READ, IMAGE_BYTES - 1, buf, 2), -EINVAL);
	CHECK_EQ(transfer(&m, b, BLOCK_READ, UINT64_MAX, buf, 2), -EINVAL);
	CHECK_EQ(truncate(path, 4096), 0); /* under our feet */
	CHECK_EQ(transfer(&m, b, BLOCK_READ, 8192, buf, 512), -EIO);
	blockdev_destroy(b);
	machine_end(&m);
}

static void test_threaded(void)
{
	check_read_write(false);
}

static void test_synchronous(void)
{
	check_read_write(true);
}

static void test_pieces(void)
{
	struct machine m;
	struct report r = {""};
	struct block_file_options o;
	struct blockdev *b;
	static uint8_t buf[300][700];
	struct iovec iov[300];
	struct call c = {.req = {.op = BLOCK_READ, .offset = 512, .iov = iov, .iov_count = 300,
				 .done = call_done, .opaque = &c}};
	uint64_t at = 512;

	set_up(&m, IMAGE_BYTES);
	o = options(&m);
	o.snapshot = true;
	b = block_file_open(&o, &r);
	CU_ASSERT_FATAL(b != NULL);
	for (unsigned i = 0; i < 300; i++) {
		iov[i] = (struct iovec){buf[i], i % 7 ? 2 * i : 0};
		c.req.len += iov[i].iov_len;
	}
	blockdev_submit(b, &c.req);
	while (!c.done)
		machine_run(&m, true);
	CHECK_EQ(c.error, 0);
	for (unsigned i = 0; i < 300; i++) {
		CHECK(has_pattern(buf[i], at, iov[i].iov_len));
		at += iov[i].iov_len;
	}
	blockdev_destroy(b);
	machine_end(&m);
}

/* Random writes go to an overlay and to a copy in memory: both must agree. */
static void test_snapshot(void)
{
	enum { SIZE = 300 * 1024 + 512 };
	struct machine m;
	struct report r = {""};
	struct block_file_options o;
	struct blockdev *b;
	static uint8_t model[SIZE], buf[SIZE];
	uint64_t seed = 0x5a9;

	set_up(&m, SIZE);
	o = options(&m);
	o.snapshot = true;
	chmod(path, 0444); /* the image itself need not be writable */
	b = block_file_open(&o, &r);
	CU_ASSERT_FATAL(b != NULL);
	CHECK(!b->read_only);
	for (size_t i = 0; i < SIZE; i++)
		model[i] = pattern(i);
	for (int i = 0; i < 400; i++) {
		uint64_t v = unit_random(&seed);
		size_t at = v % SIZE, len = v >> 32 & (v >> 31 & 1 ? 0x3fff : 0x3ff);

		if (v >> 30 & 1)
			at &= ~(size_t)4095;
		if (len > SIZE - at)
			len = SIZE - at;
		if (v >> 29 & 1) {
			memset(buf, (int)(v >> 56), len);
			memset(model + at, (int)(v >> 56), len);
			CHECK_EQ(transfer(&m, b, BLOCK_WRITE, at, buf, len), 0);
		} else {
			CHECK_EQ(transfer(&m, b, BLOCK_READ, at, buf, len), 0);
			CHECK(!memcmp(buf, model + at, len));
		}
	}
	CHECK_EQ(transfer(&m, b, BLOCK_READ, 0, buf, SIZE), 0);
	CHECK(!memcmp(buf, model, SIZE));
	CHECK_EQ(transfer(&m, b, BLOCK_FLUSH, 0, NULL, 0), 0);
	blockdev_destroy(b);
	for (size_t i = 0; i < SIZE; i += 997)
		CHECK_EQ(file_byte(path, i), pattern(i));
	machine_end(&m);
}

static void test_read_only(void)
{
	struct machine m;
	struct report r = {""};
	struct block_file_options o;
	struct blockdev *b;
	uint8_t buf[512] = {0};

	set_up(&m, IMAGE_BYTES);
	chmod(path, 0444);
	o = options(&m);
	o.read_only = true;
	b = block_file_open(&o, &r);
	CU_ASSERT_FATAL(b != NULL);
	CHECK(b->read_only);
	CHECK_EQ(transfer(&m, b, BLOCK_READ, 512, buf, 512), 0);
	CHECK_EQ(transfer(&m, b, BLOCK_WRITE, 512, buf, 512), -EROFS);
	blockdev_destroy(b);
	machine_end(&m);
}

/* Whether the host reads without waiting what it has in memory, in that folder. */
static bool host_reads_at_once(void)
{
	uint8_t byte;
	struct iovec iov = {&byte, 1};
	int fd = open(path, O_RDONLY);
	bool can = fd >= 0 && preadv2(fd, &iov, 1, 0, RWF_NOWAIT) == 1;

	close(fd);
	if (!can)
		printf("(skipped: no reads without waiting here) ");
	return can;
}

/* A bus master's read has been done when submit() returns, and is told later. */
static void check_at_once(bool snapshot)
{
	struct machine m;
	struct report r = {""};
	struct block_file_options o;
	struct blockdev *b;
	static uint8_t buf[3 * 4096];
	struct iovec iov[] = {{buf, 1000}, {buf + 1000, sizeof(buf) - 1000}};
	struct call c = {.req = {.op = BLOCK_READ, .offset = 512, .iov = iov, .iov_count = 2,
				 .len = sizeof(buf), .done = call_done, .opaque = &c}};

	set_up(&m, IMAGE_BYTES);
	o = options(&m);
	o.snapshot = snapshot;
	b = block_file_open(&o, &r);
	CU_ASSERT_FATAL(b != NULL);
	if (host_reads_at_once()) {
		blockdev_submit(b, &c.req);
		CHECK(!c.done && has_pattern(buf, 512, sizeof(buf)));
		CHECK(machine_run(&m, false));
		CHECK(c.done && !c.error);
		c.done = false;
		blockdev_submit(b, &c.req);
		blockdev_cancel_all(b);
		while (machine_run(&m, false))
			;
		CHECK(!c.done);
		/* What cannot be had is the thread's to say. */
		c.req.offset = IMAGE_BYTES;
		blockdev_submit(b, &c.req);
		CHECK(machine_run(&m, true));
		CHECK(c.done && c.error == -EINVAL);
	}
	blockdev_destroy(b);
	machine_end(&m);
}

static void test_at_once(void)
{
	check_at_once(false);
	check_at_once(true);
}

/* Behind what is under way, a write to the same bytes even, it waits for its turn. */
static void test_at_once_behind(void)
{
	struct machine m;
	struct report r = {""};
	struct block_file_options o;
	struct blockdev *b;
	static uint8_t written[IMAGE_BYTES], buf[4096];
	struct iovec iov = {buf, sizeof(buf)};

	set_up(&m, IMAGE_BYTES);
	o = options(&m);
	b = block_file_open(&o, &r);
	CU_ASSERT_FATAL(b != NULL);
	for (unsigned n = 1; n < 200; n++) {
		struct call write, read = {.req = {.op = BLOCK_READ, .offset = IMAGE_BYTES - 4096,
						   .iov = &iov, .iov_count = 1, .len = sizeof(buf),
						   .done = call_done, .opaque = &read}};

		memset(written, (int)n, sizeof(written));
		submit(b, &write, BLOCK_WRITE, 0, written, sizeof(written));
		blockdev_submit(b, &read.req);
		while (!read.done)
			machine_run(&m, true);
		CHECK(write.done && !write.error && !read.error);
		CHECK_EQ(buf[0], n);
		CHECK_EQ(buf[4095], n);
	}
	blockdev_destroy(b);
	machine_end(&m);
}

/* Many requests under way: after cancel_all no done() comes, all is written. */
static void test_cancel(void)
{
	struct machine m;
	struct report r = {""};
	struct block_file_options o;
	struct blockdev *b;
	static struct call calls[64];
	static uint8_t bytes[64][512];

	set_up(&m, IMAGE_BYTES);
	o = options(&m);
	b = block_file_open(&o, &r);
	CU_ASSERT_FATAL(b != NULL);
	for (int round = 1; round <= 20; round++) {
		for (unsigned i = 0; i < 64; i++) {
			memset(bytes[i], round, 512);
			submit(b, &calls[i], BLOCK_WRITE, i * 512, bytes[i], 512);
		}
		blockdev_cancel_all(b);
		for (unsigned i = 0; i < 64; i++)
			CHECK_EQ(file_byte(path, i * 512), round);
		while (machine_run(&m, false))
			;
		for (unsigned i = 0; i < 64; i++)
			CHECK(!calls[i].done);
	}
	CHECK_EQ(transfer(&m, b, BLOCK_FLUSH, 0, NULL, 0), 0);
	blockdev_destroy(b);
	machine_end(&m);
}

/* In order, and each submitted from the one before it. */
struct chain {
	struct call call;
	struct blockdev *b;
	uint8_t buf[512];
	unsigned next;
};

static void chain_done(struct block_request *req, int error)
{
	struct chain *c = req->opaque;

	CHECK_EQ(error, 0);
	CHECK(has_pattern(c->buf, req->offset, 512));
	if (++c->next == 200)
		return;
	req->offset = c->next * 512;
	blockdev_submit(c->b, req);
}

static void test_chain(void)
{
	struct machine m;
	struct report r = {""};
	struct block_file_options o;
	struct chain c = {.next = 0};

	set_up(&m, IMAGE_BYTES);
	o = options(&m);
	c.b = block_file_open(&o, &r);
	CU_ASSERT_FATAL(c.b != NULL);
	c.call.req = (struct block_request){.op = BLOCK_READ, .buf = c.buf, .len = 512,
					    .done = chain_done, .opaque = &c};
	blockdev_submit(c.b, &c.call.req);
	while (c.next < 200)
		machine_run(&m, true);
	blockdev_destroy(c.b);
	machine_end(&m);
}

/* A drive that goes away while a posted call is on its way. */
static void test_destroy_while_posted(void)
{
	struct machine m;
	struct report r = {""};
	struct block_file_options o;
	struct call c;
	uint8_t buf[512];

	set_up(&m, IMAGE_BYTES);
	o = options(&m);
	for (int i = 0; i < 50; i++) {
		struct blockdev *b = block_file_open(&o, &r);

		CU_ASSERT_FATAL(b != NULL);
		submit(b, &c, BLOCK_READ, 0, buf, 512);
		blockdev_destroy(b);
		CHECK(!c.done);
	}
	machine_end(&m);
	CHECK(!c.done);
}

static void test_lock(void)
{
	struct machine m;
	struct report r = {""};
	struct block_file_options o;
	struct blockdev *a, *b;

	set_up(&m, IMAGE_BYTES);
	o = options(&m);
	a = block_file_open(&o, &r);
	CU_ASSERT_FATAL(a != NULL);
	CHECK(block_file_open(&o, &r) == NULL);
	CHECK(strstr(r.text, "in use by another machine") != NULL);
	o.snapshot = true; /* reading what somebody writes is no better */
	CHECK(block_file_open(&o, &r) == NULL);
	blockdev_destroy(a);
	a = block_file_open(&o, &r);
	b = block_file_open(&o, &r); /* any number of readers */
	CHECK(a != NULL && b != NULL);
	o.snapshot = false;
	CHECK(block_file_open(&o, &r) == NULL);
	blockdev_destroy(a);
	blockdev_destroy(b);
	machine_end(&m);
}

/* ---- Removable media ---- */

static int changes;

static void media_changed(void *opaque)
{
	changes++;
}

static void test_change(void)
{
	struct machine m;
	struct report r = {""};
	struct block_file_options o;
	struct blockdev *b;
	uint8_t buf[512];

	set_up(&m, 1440 * 1024);
	make_image(other, 720 * 1024);
	o = options(&m);
	o.option = "-fda";
	o.path = NULL;
	o.removable = o.floppy = true;
	b = block_file_open(&o, &r);
	CU_ASSERT_FATAL(b != NULL);
	CHECK(!b->inserted && !b->size && !b->path[0]);
	CHECK_EQ(transfer(&m, b, BLOCK_READ, 0, buf, 512), -ENOMEDIUM);
	changes = 0;
	b->media_changed = media_changed;
	block_file_eject(b); /* nothing in it: nothing happens */
	CHECK_EQ(changes, 0);
	CHECK_EQ(block_file_change(b, path, &r), 0);
	CHECK_EQ(changes, 1);
	CHECK_EQ(b->size, 1440 * 1024);
	CHECK_EQ(transfer(&m, b, BLOCK_READ, 512, buf, 512), 0);
	CHECK(has_pattern(buf, 512, 512));
	CHECK_EQ(block_file_change(b, "/does/not/exist", &r), -1);
	CHECK(b->inserted && changes == 1); /* the old one stays */
	CHECK_EQ(block_file_change(b, path, &r), 0); /* our own lock is no hindrance */
	CHECK_EQ(block_file_change(b, other, &r), 0);
	CHECK_EQ(b->size, 720 * 1024);
	changes = 0;
	block_file_eject(b);
	CHECK_EQ(changes, 1);
	CHECK(!b->inserted && !b->size);
	blockdev_destroy(b);
	machine_end(&m);
}

/* ---- Bad input ---- */

/* Opens path and expects all the words in the one line that comes of it. */
static void check_refused(struct block_file_options *o, const char *word, const char *other_word)
{
	struct report r = {""};
	struct blockdev *b = block_file_open(o, &r);

	CHECK(b == NULL);
	blockdev_destroy(b);
	if (!strstr(r.text, word) || !strstr(r.text, other_word) || !strstr(r.text, o->option)) {
		fprintf(stderr, "message is: %s\n", r.text);
		CHECK(0);
	}
	CHECK(!strchr(r.text, '\n'));
}

static void test_bad_files(void)
{
	struct machine m;
	struct block_file_options o;

	set_up(&m, 0);
	o = options(&m);
	check_refused(&o, "disk.img: image is empty (0 bytes)", "512-byte sectors");
	make_image(path, 1000);
	check_refused(&o, "truncated", "no multiple of 512");
	o.path = dir;
	check_refused(&o, dir, "is a directory");
	o.path = "/dev/null";
	check_refused(&o, "/dev/null", "neither a file nor a block device");
	o.path = "/does/not/exist";
	check_refused(&o, "no such file", "raw disk image");
	o.path = "";
	check_refused(&o, "name is empty", "");
	o.path = path;
	make_image(path, 4096);
	chmod(path, 0444);
	if (geteuid()) /* root may write anything */
		check_refused(&o, "cannot be opened for reading and writing", "readonly=on");
	chmod(path, 0644);
	o.option = "-cdrom";
	o.sector_size = 2048;
	make_image(path, 5000);
	check_refused(&o, "truncated", "2048");
	o.option = "-fda";
	o.sector_size = 512;
	o.floppy = true;
	make_image(path, 1000 * 1024);
	check_refused(&o, "floppy", "1.44M");
	machine_end(&m);
}

static void test_other_formats(void)
{
	static const struct {
		const char *magic, *name;
		size_t len, at;
	} formats[] = {
		{"QFI\xfb\0\0\0\3", "qcow2", 8, 0}, {"KDMV", "VMDK", 4, 0},
		{"\x7f\x10\xda\xbe", "VDI", 4, 64}, {"conectix", "VHD", 8, 0},
		{"conectix", "VHD", 8, 4096 - 512}, {"vhdxfile", "VHDX", 8, 0},
		{"\x1f\x8b\x08\0", "gzip", 4, 0},   {"\xfd" "7zXZ\0", "xz", 6, 0},
	};
	struct machine m;
	struct block_file_options o;
	uint8_t data[4096];

	set_up(&m, 0);
	o = options(&m);
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		memset(data, 0, sizeof(data));
		memcpy(data + formats[i].at, formats[i].magic, formats[i].len);
		write_file(path, data, sizeof(data));
		check_refused(&o, formats[i].name, "only raw images are supported yet");
	}
	machine_end(&m);
}

/* An ISO image whose file system is longer than the file. */
static void test_short_iso(void)
{
	enum { SECTORS = 1000 };
	struct machine m;
	struct report r = {""};
	struct block_file_options o;
	static uint8_t data[SECTORS * 2048];
	struct blockdev *b;

	set_up(&m, 0);
	o = options(&m);
	o.option = "-cdrom";
	o.sector_size = 2048;
	o.read_only = true;
	memcpy(data + 16 * 2048, "\1CD001", 6);
	data[16 * 2048 + 80] = SECTORS & 0xff;
	data[16 * 2048 + 81] = SECTORS >> 8;
	write_file(path, data, sizeof(data));
	b = block_file_open(&o, &r);
	CHECK(b != NULL);
	blockdev_destroy(b);
	write_file(path, data, sizeof(data) / 2);
	check_refused(&o, "truncated", "2048000");
	machine_end(&m);
}

static void test_snapshot_without_room(void)
{
	struct machine m;
	struct block_file_options o;

	set_up(&m, 4096);
	o = options(&m);
	o.snapshot = true;
	setenv("TMPDIR", "/does/not/exist", 1);
	check_refused(&o, "-snapshot", "TMPDIR");
	unsetenv("TMPDIR");
	machine_end(&m);
}

int main(void)
{
	static const struct unit_test tests[] = {
		{"threaded", test_threaded},
		{"synchronous", test_synchronous},
		{"pieces", test_pieces},
		{"snapshot", test_snapshot},
		{"read-only", test_read_only},
		{"at once", test_at_once},
		{"at once, behind others", test_at_once_behind},
		{"cancel", test_cancel},
		{"chain", test_chain},
		{"destroy while posted", test_destroy_while_posted},
		{"lock", test_lock},
		{"change and eject", test_change},
		{"bad files", test_bad_files},
		{"other formats", test_other_formats},
		{"short ISO", test_short_iso},
		{"snapshot without room", test_snapshot_without_room},
		{NULL, NULL},
	};
	int status;

	if (!mkdtemp(dir))
		return 2;
	status = unit_run("block files", tests);
	unlink(path);
	unlink(other);
	rmdir(dir);
	return status;
}
