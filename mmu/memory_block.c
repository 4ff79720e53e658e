/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory in a memfd (see memory_block.h). */
#include "mmu/memory_block.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

int memory_block_create(struct memory_block *b, const char *name, uint64_t size)
{
	void *host;
	int err;

	*b = (struct memory_block){.fd = memfd_create(name, MFD_CLOEXEC)};
	if (b->fd < 0)
		return -errno;
	if (ftruncate(b->fd, (off_t)size) < 0)
		goto fail;
	host = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, b->fd, 0);
	if (host == MAP_FAILED)
		goto fail;
	b->host = host;
	b->size = size;
	return 0;
fail:
	err = -errno;
	close(b->fd);
	*b = (struct memory_block){0};
	return err;
}

void memory_block_destroy(struct memory_block *b)
{
	if (!b->host)
		return;
	munmap(b->host, b->size);
	close(b->fd);
	*b = (struct memory_block){0};
}
