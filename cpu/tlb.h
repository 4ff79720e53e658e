/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The software TLB's insides, for cpu/paging.c and cpu/space*.c. */
#ifndef CPU_TLB_H
#define CPU_TLB_H

#include "cpu/access.h"

/* The entry to be filled for the page, marked as in use; global: survives CR3 loads. */
struct tlb_entry *tlb_claim(struct vcpu *cpu, enum tlb_view view, gva_t page, bool global);

/* Writes go through the entry, which has been claimed for the page, until its memory is watched. */
void tlb_let_write(struct vcpu *cpu, struct tlb_entry *e, gva_t page);

/* Fetches through the view's entries are to be translated again. */
void tlb_forget_fetches(struct vcpu *cpu, enum tlb_view view);
/* The same for one page. */
void tlb_forget_fetch(struct vcpu *cpu, enum tlb_view view, gva_t page);

#endif
