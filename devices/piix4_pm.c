/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * 82371AB (PIIX4) function 3, power management, at 00:01.3.
 * Intel 290562, "82371AB PCI-to-ISA / IDE Xcelerator (PIIX4)", chapter 7; ACPI
 * 1.0b, 4.7 for what the fixed registers mean.
 *
 *   40 PMBA    80 PMREGMISC: bit 0 lets the block at PMBA be seen (64 ports)
 *   90 SMBBA   D2 SMBHSTCFG: the same for the SMBus host (16 ports)
 *   PMBA+0 PM1_STS  +2 PM1_EN  +4 PM1_CNT  +8 PM timer, 24 bits, 3.579545 MHz
 *   B2 APMC    B3 APMS
 *   AFE0       GPE0: status and enable, for hotplug events as QEMU has them
 *
 * There is no SMM. What the firmware's SMI handler would do on a write to APMC,
 * turning ACPI on and off, the chip does itself; and DEVACTB's APMC_EN (58h bit
 * 25) is set at reset, by which SeaBIOS sees that nothing is left to set up.
 *
 * The timer's status bit follows each change of the counter's bit 23. It is
 * computed when somebody looks, and only an enabled timer event (which no
 * system uses that can help it) costs a wake-up.
 *
 * Left out: sleep states but S5, the PIIX4's own device monitors and general
 * purpose inputs; the SMBus has no slaves, every transaction ends in an error.
 */
#include "devices/piix4_pm.h"

#include <stdlib.h>

#include "base/log.h"

#define PIIX4_VENDOR 0x8086
#define PIIX4_PM_DEVICE 0x7113
#define PIIX4_PM_REVISION 3
#define PIIX4_PM_CLASS 0x068000

#define REG_PMBA 0x40
#define REG_DEVACTB 0x58
#define REG_PMREGMISC 0x80
#define REG_SMBBA 0x90
#define REG_SMBHSTCFG 0xd2
#define DEVACTB_APMC_EN_BYTE 3 /* bit 25 */
#define DEVACTB_APMC_EN 0x02
#define BASE_IO 0x01
#define ENABLE 0x01

#define PM_PORTS 64
#define SMB_PORTS 16
#define APM_PORTS 2

/* PM1 status and enable, ACPI 1.0b 4.7.3.1. */
#define PM1_TMR 0x0001
#define PM1_GBL 0x0020
#define PM1_PWRBTN 0x0100
#define PM1_RTC 0x0400
#define PM1_WAK 0x8000
#define PM1_STATUS_BITS (PM1_TMR | 0x0010 | PM1_GBL | PM1_PWRBTN | PM1_RTC | PM1_WAK)
#define PM1_ENABLE_BITS (PM1_TMR | PM1_GBL | PM1_PWRBTN | PM1_RTC)
/* PM1 control, 4.7.3.2. */
#define CNT_SCI_EN 0x0001
#define CNT_SLP_TYP_SHIFT 10
#define CNT_SLP_TYP 0x1c00
#define CNT_SLP_EN 0x2000
#define CNT_WRITABLE (0x0003 | CNT_SLP_TYP) /* SCI_EN, BM_RLD */

#define PM_TIMER_HZ 3579545u
#define PM_TIMER_MASK 0xffffffu
#define PM_TIMER_HALF 0x800000u /* bit 23 changes this often */

/* SMBus host, PIIX4 7.3. */
#define SMB_STATUS 0
#define SMB_CONTROL 2
#define SMB_STATUS_BITS 0x1e
#define SMB_DEVICE_ERROR 0x04
#define SMB_START 0x40

struct piix4_pm {
	struct pci_device pci;
	struct piix4_pm_wiring w;
	uint16_t pm_base, smb_base; /* 0: not mapped */
	uint16_t pm1_status, pm1_enable, pm1_control;
	uint64_t half_turn; /* tick of bit 23's next change to be reported */
	struct timer timer; /* set while PM1_TMR is enabled and not pending */
	uint16_t gpe_status, gpe_enable;
	uint8_t apm[APM_PORTS];
	uint8_t smb[SMB_PORTS];
	int sci_level;
};

/* ---- SCI ---- */

static void sci_follow(struct piix4_pm *s)
{
	bool pending = (s->pm1_status & s->pm1_enable) || (s->gpe_status & s->gpe_enable);
	int level = pending && (s->pm1_control & CNT_SCI_EN);

	if (level == s->sci_level)
		return;
	s->sci_level = level;
	irq_set(&s->w.sci, level);
}

/* ---- The timer ---- */

static uint64_t ticks_now(struct piix4_pm *s)
{
	return muldiv64(clock_now(s->w.clock), PM_TIMER_HZ, NS_PER_SEC);
}

static uint64_t next_half_turn(uint64_t ticks)
{
	return (ticks + PM_TIMER_HALF) & ~(uint64_t)(PM_TIMER_HALF - 1);
}

/* Brings the timer's status bit up to date, and its wake-up if one is wanted. */
static void timer_follow(struct piix4_pm *s)
{
	if (ticks_now(s) >= s->half_turn)
		s->pm1_status |= PM1_TMR;
	if (!(s->pm1_enable & PM1_TMR) || (s->pm1_status & PM1_TMR))
		timer_cancel(&s->timer);
	else if (!timer_is_set(&s->timer))
		timer_set(&s->timer, muldiv64(s->half_turn, NS_PER_SEC, PM_TIMER_HZ) + 1);
	sci_follow(s);
}

static void timer_fired(void *opaque)
{
	timer_follow(opaque);
}

static void status_clear(struct piix4_pm *s, uint16_t bits)
{
	s->pm1_status &= (uint16_t)~bits;
	if (bits & PM1_TMR) {
		s->half_turn = next_half_turn(ticks_now(s));
		timer_cancel(&s->timer);
	}
}

/* ---- ACPI fixed registers ---- */

static void control_write(struct piix4_pm *s, uint16_t value)
{
	unsigned sleep_type = (value & CNT_SLP_TYP) >> CNT_SLP_TYP_SHIFT;

	s->pm1_control = value & CNT_WRITABLE;
	sci_follow(s);
	if (!(value & CNT_SLP_EN))
		return;
	if (sleep_type != PIIX4_PM_SLP_TYP_S5) {
		LOG(LOG_UNIMP, "piix4: sleep type %u", sleep_type);
		return;
	}
	LOG(LOG_VM, "the guest turned the machine off");
	if (s->w.power_off)
		s->w.power_off(s->w.opaque);
}

static uint16_t pm_register_read(struct piix4_pm *s, unsigned offset)
{
	switch (offset) {
	case PIIX4_PM_EVENT:
		timer_follow(s);
		return s->pm1_status;
	case PIIX4_PM_EVENT + 2:
		return s->pm1_enable;
	case PIIX4_PM_CONTROL:
		return s->pm1_control;
	default:
		return 0;
	}
}

static void pm_register_write(struct piix4_pm *s, unsigned offset, uint16_t value, uint16_t mask)
{
	switch (offset) {
	case PIIX4_PM_EVENT:
		timer_follow(s);
		status_clear(s, value & mask);
		timer_follow(s);
		break;
	case PIIX4_PM_EVENT + 2:
		s->pm1_enable = ((s->pm1_enable & ~mask) | (value & mask)) & PM1_ENABLE_BITS;
		timer_follow(s);
		break;
	case PIIX4_PM_CONTROL:
		control_write(s, (uint16_t)((s->pm1_control & ~mask) | (value & mask)));
		break;
	default:
		break;
	}
}

static uint32_t pm_read(void *opaque, uint16_t port, unsigned size)
{
	struct piix4_pm *s = opaque;
	unsigned offset = port & (PM_PORTS - 1);
	uint32_t value;

	if ((offset & ~3u) == PIIX4_PM_TIMER)
		return (uint32_t)(ticks_now(s) & PM_TIMER_MASK) >> 8 * (offset & 3);
	value = pm_register_read(s, offset & ~1u) >> 8 * (offset & 1);
	if (size == 4)
		value |= (uint32_t)pm_register_read(s, offset + 2) << 16;
	return value;
}

static void pm_write(void *opaque, uint16_t port, uint32_t value, unsigned size)
{
	struct piix4_pm *s = opaque;
	unsigned offset = port & (PM_PORTS - 1), shift = 8 * (offset & 1);
	uint16_t mask = size == 1 ? (uint16_t)(0xffu << shift) : 0xffff;

	pm_register_write(s, offset & ~1u, (uint16_t)(value << shift), mask);
	if (size == 4)
		pm_register_write(s, offset + 2, (uint16_t)(value >> 16), 0xffff);
}

static const struct port_ops pm_ops = {pm_read, pm_write, 4};

/* ---- GPE0: status (write 1 to clear), then enable ---- */

static uint32_t gpe_read(void *opaque, uint16_t port, unsigned size)
{
	struct piix4_pm *s = opaque;
	unsigned offset = port - PIIX4_PM_GPE0_BASE;

	return (offset & 2 ? s->gpe_enable : s->gpe_status) >> 8 * (offset & 1) & 0xff;
}

static void gpe_write(void *opaque, uint16_t port, uint32_t value, unsigned size)
{
	struct piix4_pm *s = opaque;
	unsigned offset = port - PIIX4_PM_GPE0_BASE, shift = 8 * (offset & 1);
	uint16_t mask = (uint16_t)(0xffu << shift), bits = (uint16_t)((value & 0xff) << shift);

	if (offset & 2)
		s->gpe_enable = (uint16_t)((s->gpe_enable & ~mask) | bits);
	else
		s->gpe_status &= (uint16_t)~bits;
	sci_follow(s);
}

static const struct port_ops gpe_ops = {gpe_read, gpe_write, 1};

/* ---- APM ---- */

static uint32_t apm_read(void *opaque, uint16_t port, unsigned size)
{
	return ((struct piix4_pm *)opaque)->apm[port - PIIX4_PM_SMI_CMD];
}

static void apm_write(void *opaque, uint16_t port, uint32_t value, unsigned size)
{
	struct piix4_pm *s = opaque;

	s->apm[port - PIIX4_PM_SMI_CMD] = (uint8_t)value;
	if (port != PIIX4_PM_SMI_CMD)
		return;
	if ((uint8_t)value == PIIX4_PM_ACPI_ENABLE)
		s->pm1_control |= CNT_SCI_EN;
	else if ((uint8_t)value == PIIX4_PM_ACPI_DISABLE)
		s->pm1_control &= (uint16_t)~CNT_SCI_EN;
	else
		LOG(LOG_UNIMP, "piix4: SMI command %#x", (unsigned)(uint8_t)value);
	sci_follow(s);
}

static const struct port_ops apm_ops = {apm_read, apm_write, 1};

/* ---- SMBus: nobody acknowledges ---- */

static uint32_t smb_read(void *opaque, uint16_t port, unsigned size)
{
	return ((struct piix4_pm *)opaque)->smb[port & (SMB_PORTS - 1)];
}

static void smb_write(void *opaque, uint16_t port, uint32_t value, unsigned size)
{
	struct piix4_pm *s = opaque;
	unsigned offset = port & (SMB_PORTS - 1);

	if (offset == SMB_STATUS) {
		s->smb[SMB_STATUS] &= (uint8_t)~(value & SMB_STATUS_BITS);
		return;
	}
	s->smb[offset] = (uint8_t)value;
	if (offset == SMB_CONTROL && (value & SMB_START)) {
		s->smb[SMB_CONTROL] &= (uint8_t)~SMB_START;
		s->smb[SMB_STATUS] |= SMB_DEVICE_ERROR;
	}
}

static const struct port_ops smb_ops = {smb_read, smb_write, 1};

/* ---- Configuration ---- */

/* Moves a block of ports to where its base register says, if enabled. */
static void block_follow(struct piix4_pm *s, uint16_t *at, uint8_t base_reg, uint8_t enable_reg,
			 uint16_t ports, const struct port_ops *ops)
{
	struct bus *isa = pci_bus_isa(s->pci.bus);
	uint16_t base = (uint16_t)(pci_get_word(&s->pci, base_reg) & ~(ports - 1));

	if (!(s->pci.config[enable_reg] & ENABLE))
		base = 0;
	if (base == *at)
		return;
	if (*at)
		bus_release_ports(isa, *at, ports, s);
	if (base)
		bus_claim_ports(isa, base, ports, ops, s);
	*at = base;
}

static void piix4_pm_config_written(struct pci_device *d, uint8_t offset, unsigned size)
{
	struct piix4_pm *s = d->owner;

	block_follow(s, &s->pm_base, REG_PMBA, REG_PMREGMISC, PM_PORTS, &pm_ops);
	block_follow(s, &s->smb_base, REG_SMBBA, REG_SMBHSTCFG, SMB_PORTS, &smb_ops);
}

static void piix4_pm_reset(void *state)
{
	struct piix4_pm *s = state;

	pci_reset(&s->pci);
	pci_set_long(&s->pci, REG_PMBA, BASE_IO);
	pci_set_long(&s->pci, REG_SMBBA, BASE_IO);
	pci_set_long(&s->pci, REG_DEVACTB, 0);
	s->pci.config[REG_DEVACTB + DEVACTB_APMC_EN_BYTE] = DEVACTB_APMC_EN;
	s->pci.config[REG_PMREGMISC] = 0;
	s->pci.config[REG_SMBHSTCFG] = 0;
	piix4_pm_config_written(&s->pci, 0, PCI_CONFIG_SIZE);
	s->pm1_status = s->pm1_enable = s->pm1_control = 0;
	s->gpe_status = s->gpe_enable = 0;
	for (unsigned i = 0; i < APM_PORTS; i++)
		s->apm[i] = 0;
	for (unsigned i = 0; i < SMB_PORTS; i++)
		s->smb[i] = 0;
	timer_cancel(&s->timer);
	s->half_turn = next_half_turn(ticks_now(s));
	sci_follow(s);
}

static void init_writable(struct pci_device *d)
{
	d->writable[REG_PMBA] = (uint8_t)~(PM_PORTS - 1);
	d->writable[REG_PMBA + 1] = 0xff;
	for (unsigned i = 0; i < 4; i++)
		d->writable[REG_DEVACTB + i] = 0xff;
	d->writable[REG_PMREGMISC] = ENABLE;
	d->writable[REG_SMBBA] = (uint8_t)~(SMB_PORTS - 1);
	d->writable[REG_SMBBA + 1] = 0xff;
	d->writable[REG_SMBHSTCFG] = 0x0f;
	d->writable[PCI_COMMAND] |= PCI_COMMAND_IO;
}

struct piix4_pm *piix4_pm_create(const struct piix4_pm_wiring *w)
{
	static const struct pci_ids ids = {
		.vendor = PIIX4_VENDOR,
		.device = PIIX4_PM_DEVICE,
		.revision = PIIX4_PM_REVISION,
		.class_code = PIIX4_PM_CLASS,
		.interrupt_pin = 1,
	};
	struct piix4_pm *s = calloc(1, sizeof(*s));
	struct bus *isa = pci_bus_isa(w->pci);

	if (!s)
		return NULL;
	s->w = *w;
	timer_init(&s->timer, w->clock, timer_fired, s);
	pci_init(&s->pci, "piix4-pm", &ids, s);
	init_writable(&s->pci);
	s->pci.config_written = piix4_pm_config_written;
	pci_plug(w->pci, &s->pci, PIIX4_PM_SLOT, PIIX4_PM_FUNCTION);
	bus_claim_ports(isa, PIIX4_PM_SMI_CMD, APM_PORTS, &apm_ops, s);
	bus_claim_ports(isa, PIIX4_PM_GPE0_BASE, PIIX4_PM_GPE0_LENGTH, &gpe_ops, s);
	piix4_pm_reset(s);
	return s;
}

void piix4_pm_power_button(struct piix4_pm *s)
{
	s->pm1_status |= PM1_PWRBTN;
	sci_follow(s);
}

bool piix4_pm_power_button_heard(const struct piix4_pm *s)
{
	return (s->pm1_control & CNT_SCI_EN) && (s->pm1_enable & PM1_PWRBTN);
}

static void piix4_pm_destroy(void *state)
{
	struct piix4_pm *s = state;
	struct bus *isa;

	if (!s)
		return;
	isa = pci_bus_isa(s->w.pci);
	timer_cancel(&s->timer);
	if (s->pm_base)
		bus_release_ports(isa, s->pm_base, PM_PORTS, s);
	if (s->smb_base)
		bus_release_ports(isa, s->smb_base, SMB_PORTS, s);
	bus_release_ports(isa, PIIX4_PM_SMI_CMD, APM_PORTS, s);
	bus_release_ports(isa, PIIX4_PM_GPE0_BASE, PIIX4_PM_GPE0_LENGTH, s);
	pci_unplug(&s->pci);
	free(s);
}

static const struct field piix4_pm_fields[] = {
	FIELD_ARRAY(struct piix4_pm, pci.config),
	FIELD(struct piix4_pm, pm1_status),
	FIELD(struct piix4_pm, pm1_enable),
	FIELD(struct piix4_pm, pm1_control),
	FIELD(struct piix4_pm, half_turn),
	FIELD(struct piix4_pm, gpe_status),
	FIELD(struct piix4_pm, gpe_enable),
	FIELD_ARRAY(struct piix4_pm, apm),
	FIELD_ARRAY(struct piix4_pm, smb),
	FIELD(struct piix4_pm, sci_level),
	FIELD_END,
};

const struct device_class piix4_pm_class = {
	.name = "piix4-pm",
	.version = 1,
	.reset = piix4_pm_reset,
	.destroy = piix4_pm_destroy,
	.fields = piix4_pm_fields,
};
