/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The translator as an engine (cpu/engine.h). */
#include <errno.h>

#include "cpu/engine.h"

int bt_attach(struct vcpu *cpu, const struct engine_config *config)
{
	return -ENOSYS;
}
