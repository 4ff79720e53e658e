/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The engine that a test program's machines run on: $TRANSVISOR_ENGINE, "-accel ...". */
#ifndef TESTS_SYSTEM_ENGINE_SETTING_H
#define TESTS_SYSTEM_ENGINE_SETTING_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "monitor/options.h"

/* Returns 0, or -1 having said what is wrong with the setting. */
static inline int engine_setting(struct vm_config *c)
{
	const char *setting = getenv("TRANSVISOR_ENGINE");
	char text[256], *argv[] = {"test", "-display", "none", "-accel", text, NULL};
	struct report r = {0};
	struct options o;
	int result = 0;

	if (!setting || strncmp(setting, "-accel ", 7))
		return 0;
	snprintf(text, sizeof(text), "%s", setting + 7);
	if (options_parse(&o, 5, argv, stdout, &r) == OPTIONS_RUN) {
		c->engine = o.vm.engine;
		memcpy(c->alternatives, o.vm.alternatives, sizeof(c->alternatives));
		c->alternative_count = o.vm.alternative_count;
	} else {
		report_print(&r);
		result = -1;
	}
	options_free(&o);
	return result;
}

#endif
