/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The machine's ACPI tables, handed to SeaBIOS through fw_cfg. */
#ifndef MONITOR_ACPI_H
#define MONITOR_ACPI_H

#include "devices/fw_cfg.h"

/* What the machine has, beyond what every one has. ORDER: HAVE in dsdt.asl. */
#define ACPI_HAVE_COM1 0x01u
#define ACPI_HAVE_COM2 0x02u
#define ACPI_HAVE_COM3 0x04u
#define ACPI_HAVE_COM4 0x08u
#define ACPI_HAVE_FDC 0x10u

/*
 * Adds etc/acpi/tables, etc/acpi/rsdp and etc/table-loader. Returns 0, or -1
 * when there is no memory.
 */
int acpi_publish(struct fw_cfg *f, unsigned have);

#endif
