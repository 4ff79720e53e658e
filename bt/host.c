/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bt/host.h"

#include <cpuid.h>

bool host_can_translate(void)
{
	unsigned a, b, c, d;

	if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(b & bit_BMI2) || !(b & bit_BMI))
		return false;
	return __get_cpuid(0x80000001, &a, &b, &c, &d) && c & bit_LZCNT;
}
