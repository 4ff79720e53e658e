/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All rows of the instruction table, in four parts; no include guard. */
#include "cpu/table_integer.h"
#include "cpu/table_system.h"
#include "cpu/table_x87.h"
#include "cpu/table_simd.h"
