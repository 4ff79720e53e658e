/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which fields of struct vcpu are the guest's, in named parts. */
#ifndef MONITOR_STATE_FIELDS_H
#define MONITOR_STATE_FIELDS_H

#include "devices/device.h"

struct state_table {
	const char *name; /* "cpu", "msr", "fpu" */
	const struct field *fields;
};

/* Ends with a row without a name. */
extern const struct state_table vcpu_state[];

#endif
