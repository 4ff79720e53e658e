/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's processor as the judge of x87, MMX and SSE: the same bytes run
 * in a guest (through the decoder and the handlers) and natively, from the
 * same register state.
 *
 * Code addresses memory as [edi] only, whose encoding means [rdi] in 64-bit
 * mode: host code gets EDI = a buffer in the low 4 GiB, the guest its own.
 */
#ifndef TESTS_FPU_ORACLE_H
#define TESTS_FPU_ORACLE_H

#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "cpu/access.h"
#include "cpu/cpuid.h"
#include "cpu/decode.h"
#include "cpu/fpu.h"
#include "cpu/segment.h"
#include "cpu/table.h"
#include "unit.h"
#include "values.h"

#define ORACLE_RAM	 (1u << 20)
#define ORACLE_CODE	 0x1000u
#define ORACLE_DATA	 0x8000u
#define ORACLE_DATA_SIZE 512u
#define ORACLE_DONE	 (-1) /* all code executed */
#define ORACLE_RESTART	 (-2) /* left by restart_instruction() */
#define ORACLE_BAD	 (-3) /* not decodable */

struct oracle {
	struct fxsave_image fx; /* host_run() relies on the order of these */
	uint32_t regs[8];
	uint32_t eflags;
	uint8_t data[ORACLE_DATA_SIZE];
	int vector; /* of the fault, or ORACLE_DONE */
};

/*
 * host_run(struct oracle *rdi, code rsi, data rdx): loads the state, calls the
 * code, stores the state. ESP is not loaded; host_rsp finds the frame again.
 */
void host_run(struct oracle *o, const void *code, void *data);
__asm__(".text\n"
	"host_run:\n"
	"push %rbx\n push %rbp\n push %r12\n push %r13\n push %r14\n push %r15\n"
	"mov %rdi, %r15\n mov %rsi, %r14\n mov %rdx, %r13\n"
	"fxrstor (%r15)\n"
	"mov 512+32(%r15), %eax\n push %rax\n popfq\n"
	"mov 512+0(%r15), %eax\n mov 512+4(%r15), %ecx\n mov 512+8(%r15), %edx\n"
	"mov 512+12(%r15), %ebx\n mov 512+20(%r15), %ebp\n mov 512+24(%r15), %esi\n"
	"mov %r13, %rdi\n"
	"call *%r14\n"
	"mov %eax, 512+0(%r15)\n mov %ecx, 512+4(%r15)\n mov %edx, 512+8(%r15)\n"
	"mov %ebx, 512+12(%r15)\n mov %ebp, 512+20(%r15)\n mov %esi, 512+24(%r15)\n"
	"mov %edi, 512+28(%r15)\n"
	"pushfq\n pop %rax\n mov %eax, 512+32(%r15)\n"
	"fxsave (%r15)\n fninit\n"
	"pop %r15\n pop %r14\n pop %r13\n pop %r12\n pop %rbp\n pop %rbx\n"
	"ret\n");

/* What a SIGFPE found in the registers. */
struct host_trap {
	sigjmp_buf back;
	volatile sig_atomic_t active;
	uint32_t mxcsr;
	uint16_t fsw;
};

static struct host_trap *host_trap_slot(void)
{
	static struct host_trap trap;

	return &trap;
}

static void on_sigfpe(int sig, siginfo_t *info, void *context)
{
	struct host_trap *t = host_trap_slot();
	const struct _libc_fpstate *fp = ((ucontext_t *)context)->uc_mcontext.fpregs;

	t->mxcsr = fp->mxcsr;
	t->fsw = fp->swd;
	siglongjmp(t->back, 1);
}

/* Memory for code and data that both are at 32-bit addresses. */
static inline uint8_t *host_page(void)
{
	static uint8_t *page;

	if (!page) {
		struct sigaction sa = {.sa_sigaction = on_sigfpe, .sa_flags = SA_SIGINFO};

		page = mmap(NULL, 8192, PROT_READ | PROT_WRITE | PROT_EXEC,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
		sigaction(SIGFPE, &sa, NULL);
	}
	return page;
}

/*
 * Runs len bytes of code natively from the state in o. A floating-point trap
 * gives vector 16 or 19, and only MXCSR and FSW of the state then.
 */
static inline void oracle_host(struct oracle *o, const uint8_t *code, unsigned len)
{
	/* volatile: still wanted after siglongjmp. */
	uint8_t *const volatile page = host_page(), *const volatile data = page + 4096;
	const uint32_t default_mxcsr = MXCSR_DEFAULT;
	struct host_trap *t = host_trap_slot();

	memcpy(page, code, len);
	page[len] = 0xc3;
	memcpy(data, o->data, sizeof(o->data));
	o->vector = ORACLE_DONE;
	if (sigsetjmp(t->back, 1)) {
		o->vector = t->fsw & FSW_ES ? VEC_MF : VEC_XM;
		o->fx.mxcsr = t->mxcsr;
		o->fx.fsw = t->fsw;
		__asm__ volatile("fninit");
	} else {
		host_run(o, page, data);
	}
	__asm__ volatile("ldmxcsr %0" : : "m"(default_mxcsr));
	memcpy(o->data, data, sizeof(o->data));
}

/* A guest with nothing but a processor and memory, in flat protected mode. */
struct guest {
	struct physmem *mem;
	struct vcpu *cpu;
	struct decoder *decoder;
	int ferr; /* level of FERR# */
};

static void guest_ferr(void *opaque, int level)
{
	((struct guest *)opaque)->ferr = level;
}

static inline void guest_mode(struct guest *g, uint32_t cr0, uint32_t cr4)
{
	g->cpu->cr0 = cr0;
	g->cpu->cr4 = cr4;
	cpu_mode_changed(g->cpu);
}

#define GUEST_CR0 (CR0_PE | CR0_ET | CR0_NE | CR0_MP)
#define GUEST_CR4 (CR4_OSFXSR | CR4_OSXMMEXCPT)

static inline void guest_flat_segments(struct vcpu *cpu)
{
	for (unsigned i = 0; i < SEG_COUNT; i++) {
		cpu->seg[i] =
		    (struct segment){.selector = (uint16_t)(8 + 8 * (i != CS)),
				     .limit = 0xffffffff,
				     .attr = DESC_P | DESC_S | DESC_RW | DESC_ACCESSED | DESC_DB |
					     DESC_G | (i == CS ? DESC_CODE : 0)};
		segment_update(&cpu->seg[i]);
	}
}

static inline void guest_create(struct guest *g)
{
	static const struct vcpu_ops ops = {.ferr = guest_ferr};

	*g = (struct guest){0};
	physmem_create(&g->mem, ORACLE_RAM);
	g->cpu = vcpu_create(g->mem, cpu_model_find(CPU_MODEL_DEFAULT), &ops, g);
	g->decoder = decoder_create();
	guest_flat_segments(g->cpu);
	guest_mode(g, GUEST_CR0, GUEST_CR4);
}

static inline void guest_destroy(struct guest *g)
{
	decoder_destroy(g->decoder);
	vcpu_destroy(g->cpu);
	physmem_destroy(g->mem);
}

static inline uint8_t *guest_data(struct guest *g)
{
	return physmem_ram_ptr(g->mem, ORACLE_DATA, ORACLE_DATA_SIZE);
}

/* Runs code through decoder and handlers; EIP counts from ORACLE_CODE. */
static inline int guest_run(struct guest *g, const uint8_t *code, unsigned len)
{
	struct vcpu *volatile cpu = g->cpu;
	volatile uint32_t end = ORACLE_CODE + len;
	int vector = ORACLE_DONE;
	struct insn in;

	cpu->eip = ORACLE_CODE;
	switch (sigsetjmp(cpu->unwind, 0)) {
	case 0:
		while (cpu->eip < end) {
			uint32_t at = cpu->eip - ORACLE_CODE;

			if (decode_insn(g->decoder, code + at, len - at,
					cpu->seg[CS].attr & DESC_DB, &in) != DECODE_OK) {
				vector = ORACLE_BAD;
				break;
			}
			cpu->cur = &in;
			cpu->eip += in.length;
			in.exec(cpu, &in);
			cpu->cur = NULL;
		}
		break;
	case UNWIND_FAULT:
		vector = cpu->fault.vector;
		break;
	default:
		vector = ORACLE_RESTART;
	}
	cpu->cur = NULL;
	return vector;
}

/* Runs code in the guest from the state in o, and leaves its state there. */
static inline void oracle_guest(struct guest *g, struct oracle *o, const uint8_t *code,
				unsigned len)
{
	struct vcpu *cpu = g->cpu;

	fpu_leave(cpu);
	memcpy(&cpu->fx, &o->fx, sizeof(cpu->fx));
	memcpy(cpu->regs, o->regs, sizeof(o->regs));
	cpu->regs[EDI] = ORACLE_DATA;
	cpu->eflags = o->eflags;
	memcpy(guest_data(g), o->data, sizeof(o->data));
	o->vector = guest_run(g, code, len);
	fpu_leave(cpu);
	memcpy(&o->fx, &cpu->fx, sizeof(o->fx));
	memcpy(o->regs, cpu->regs, sizeof(o->regs));
	o->eflags = cpu->eflags;
	memcpy(o->data, guest_data(g), sizeof(o->data));
}

/* ---- rows as bytes ---- */

/* Appends the row's instruction with this ModRM and immediate; returns its length. */
static inline unsigned row_bytes(const struct insn_row *row, uint8_t modrm, uint8_t imm,
				 uint8_t *out)
{
	static const uint8_t prefix[] = {[P66] = 0x66, [PF3] = 0xf3, [PF2] = 0xf2};
	unsigned n = 0;

	if (row->prefix >= P66)
		out[n++] = prefix[row->prefix];
	if (row->map != M1)
		out[n++] = 0x0f;
	if (row->map == M38 || row->map == M3A)
		out[n++] = row->map == M38 ? 0x38 : 0x3a;
	out[n++] = row->opcode;
	if (row->ext != XN)
		out[n++] = modrm;
	if (strstr(row->operands, "Ib"))
		out[n++] = imm;
	return n;
}

/* A ModRM that the row accepts: [edi] for memory. */
static inline uint8_t row_modrm(const struct insn_row *row, bool memory, uint64_t random)
{
	/* Rows with general registers avoid ESP and EDI, which the oracle needs. */
	static const uint8_t general[8] = {0, 1, 2, 3, 5, 6, 1, 2};
	bool gpr = strpbrk(row->operands, "EGR") != NULL;
	uint8_t reg = random & 7, rm = random >> 3 & 7;

	if (gpr) {
		reg = general[reg];
		rm = general[rm];
	}
	if (row->ext >= 0xc0)
		return row->ext;
	if (row->ext < XR)
		reg = row->ext;
	return memory ? (uint8_t)(reg << 3 | 7) : (uint8_t)(0xc0 | reg << 3 | rm);
}

#endif
