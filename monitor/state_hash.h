/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One number for all that a guest could see of its machine. */
#ifndef MONITOR_STATE_HASH_H
#define MONITOR_STATE_HASH_H

#include <stdint.h>

struct vm;

/*
 * Hashes the processor, all memory, every device's saved fields and guest time.
 * Two machines of the same configuration whose hashes are equal go on in
 * the same way. part, unless NULL, is told each part's own hash, for finding
 * out where two machines differ. Machine thread, between instructions.
 */
uint64_t vm_state_hash(struct vm *vm, void (*part)(void *arg, const char *name, uint64_t hash),
		       void *arg);

#endif
