/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine as ACPI describes it: an i440FX/PIIX3 board with the PIIX4's
 * power management. Compiled by iasl and carried in the binary; acpi.c patches
 * HAVE with what this machine has and hands the table to SeaBIOS.
 *
 * Written for ACPI 1.0 (32-bit integers): Windows XP and old Linux read it too.
 */
DefinitionBlock ("dsdt.aml", "DSDT", 1, "TRNSVR", "TRNSVPC ", 1)
{
	/* ORDER: ACPI_HAVE_* in acpi.h. acpi.c looks for this name and value. */
	Name (HAVE, 0x12345678)

	/* PM1a control: SLP_TYP 0 turns the PIIX4 board off. */
	Name (\_S5, Package () { 0, 0, 0, 0 })

	/* 0: the PIC is used, 1: the I/O APIC. Both see the same numbers. */
	Name (PICM, 0)
	Method (\_PIC, 1)
	{
		Store (Arg0, PICM)
	}

	Scope (\_PR)
	{
		Processor (CPU0, 0, 0, 0) {}
	}

	Scope (\_SB)
	{
		Device (PCI0)
		{
			Name (_HID, EisaId ("PNP0A03"))
			Name (_UID, 0)
			Name (_BBN, 0)

			Name (_CRS, ResourceTemplate () {
				WordBusNumber (ResourceProducer, MinFixed, MaxFixed, PosDecode,
					0, 0, 0xff, 0, 0x100)
				IO (Decode16, 0xcf8, 0xcf8, 1, 8)
				WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange,
					0, 0x0000, 0x0cf7, 0, 0x0cf8)
				WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange,
					0, 0x0d00, 0xffff, 0, 0xf300)
				DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed,
					Cacheable, ReadWrite,
					0, 0x000a0000, 0x000bffff, 0, 0x00020000)
				/* RAM ends below 3 GiB; SeaBIOS fills this from its top. */
				DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed,
					NonCacheable, ReadWrite,
					0, 0xc0000000, 0xfebfffff, 0, 0x3ec00000)
			})

			/*
			 * All slots and pins: PIRQ = (pin + slot - 1) mod 4, but INTA
			 * of slot 1, which is the power management's SCI.
			 */
			Method (_PRT, 0)
			{
				Store (Package (128) {}, Local0)
				Store (0, Local1)
				While (LLess (Local1, 128)) {
					ShiftRight (Local1, 2, Local2)
					And (Subtract (Add (Local1, Local2), 1), 3, Local3)
					If (LEqual (Local1, 4)) {
						Store (Package () { 0, 0, LNKS, 0 }, Local4)
					} ElseIf (LEqual (Local3, 0)) {
						Store (Package () { 0, 0, LNKA, 0 }, Local4)
					} ElseIf (LEqual (Local3, 1)) {
						Store (Package () { 0, 0, LNKB, 0 }, Local4)
					} ElseIf (LEqual (Local3, 2)) {
						Store (Package () { 0, 0, LNKC, 0 }, Local4)
					} Else {
						Store (Package () { 0, 0, LNKD, 0 }, Local4)
					}
					Store (Or (ShiftLeft (Local2, 16), 0xffff),
						Index (Local4, 0))
					Store (And (Local1, 3), Index (Local4, 1))
					Store (Local4, Index (Local0, Local1))
					Increment (Local1)
				}
				Return (Local0)
			}

			/* PIIX3: PCI to ISA bridge */
			Device (ISA)
			{
				Name (_ADR, 0x00010000)
				OperationRegion (PIRQ, PCI_Config, 0x60, 4)
				Field (PIRQ, ByteAcc, NoLock, Preserve) {
					PRQ0, 8, PRQ1, 8, PRQ2, 8, PRQ3, 8
				}

				Device (PIC)
				{
					Name (_HID, EisaId ("PNP0000"))
					Name (_CRS, ResourceTemplate () {
						IO (Decode16, 0x20, 0x20, 1, 2)
						IO (Decode16, 0xa0, 0xa0, 1, 2)
						IO (Decode16, 0x4d0, 0x4d0, 1, 2)
						IRQNoFlags () { 2 }
					})
				}

				Device (PIT)
				{
					Name (_HID, EisaId ("PNP0100"))
					Name (_CRS, ResourceTemplate () {
						IO (Decode16, 0x40, 0x40, 1, 4)
						IRQNoFlags () { 0 }
					})
				}

				Device (DMAC)
				{
					Name (_HID, EisaId ("PNP0200"))
					Name (_CRS, ResourceTemplate () {
						IO (Decode16, 0x00, 0x00, 1, 16)
						IO (Decode16, 0x81, 0x81, 1, 15)
						IO (Decode16, 0xc0, 0xc0, 1, 32)
						DMA (Compatibility, NotBusMaster, Transfer8) { 4 }
					})
				}

				Device (FPU)
				{
					Name (_HID, EisaId ("PNP0C04"))
					Name (_CRS, ResourceTemplate () {
						IO (Decode16, 0xf0, 0xf0, 1, 1)
						IRQNoFlags () { 13 }
					})
				}

				Device (SPKR)
				{
					Name (_HID, EisaId ("PNP0800"))
					Name (_CRS, ResourceTemplate () {
						IO (Decode16, 0x61, 0x61, 1, 1)
					})
				}

				Device (RTC)
				{
					Name (_HID, EisaId ("PNP0B00"))
					Name (_CRS, ResourceTemplate () {
						IO (Decode16, 0x70, 0x70, 1, 8)
						IRQNoFlags () { 8 }
					})
				}

				Device (KBD)
				{
					Name (_HID, EisaId ("PNP0303"))
					Name (_STA, 0x0f)
					Name (_CRS, ResourceTemplate () {
						IO (Decode16, 0x60, 0x60, 1, 1)
						IO (Decode16, 0x64, 0x64, 1, 1)
						IRQNoFlags () { 1 }
					})
				}

				Device (MOU)
				{
					Name (_HID, EisaId ("PNP0F13"))
					Name (_STA, 0x0f)
					Name (_CRS, ResourceTemplate () {
						IRQNoFlags () { 12 }
					})
				}

				Device (FDC0)
				{
					Name (_HID, EisaId ("PNP0700"))
					Method (_STA, 0) { Return (HASB (4)) }
					Name (_CRS, ResourceTemplate () {
						IO (Decode16, 0x3f2, 0x3f2, 0, 4)
						IO (Decode16, 0x3f7, 0x3f7, 0, 1)
						IRQNoFlags () { 6 }
						DMA (Compatibility, NotBusMaster, Transfer8) { 2 }
					})
				}

				Device (COM1)
				{
					Name (_HID, EisaId ("PNP0501"))
					Name (_UID, 1)
					Method (_STA, 0) { Return (HASB (0)) }
					Name (_CRS, ResourceTemplate () {
						IO (Decode16, 0x3f8, 0x3f8, 8, 8)
						IRQNoFlags () { 4 }
					})
				}

				Device (COM2)
				{
					Name (_HID, EisaId ("PNP0501"))
					Name (_UID, 2)
					Method (_STA, 0) { Return (HASB (1)) }
					Name (_CRS, ResourceTemplate () {
						IO (Decode16, 0x2f8, 0x2f8, 8, 8)
						IRQNoFlags () { 3 }
					})
				}

				Device (COM3)
				{
					Name (_HID, EisaId ("PNP0501"))
					Name (_UID, 3)
					Method (_STA, 0) { Return (HASB (2)) }
					Name (_CRS, ResourceTemplate () {
						IO (Decode16, 0x3e8, 0x3e8, 8, 8)
						IRQNoFlags () { 4 }
					})
				}

				Device (COM4)
				{
					Name (_HID, EisaId ("PNP0501"))
					Name (_UID, 4)
					Method (_STA, 0) { Return (HASB (3)) }
					Name (_CRS, ResourceTemplate () {
						IO (Decode16, 0x2e8, 0x2e8, 8, 8)
						IRQNoFlags () { 3 }
					})
				}

				/* What no other device claims. */
				Device (MBRD)
				{
					Name (_HID, EisaId ("PNP0C02"))
					Name (_CRS, ResourceTemplate () {
						IO (Decode16, 0x92, 0x92, 1, 1)
						IO (Decode16, 0xb2, 0xb2, 1, 2)
						IO (Decode16, 0x600, 0x600, 1, 0x40)
						IO (Decode16, 0x700, 0x700, 1, 0x10)
						IO (Decode16, 0xafe0, 0xafe0, 1, 4)
						Memory32Fixed (ReadOnly, 0xfec00000, 0x1000)
						Memory32Fixed (ReadOnly, 0xfee00000, 0x1000)
						Memory32Fixed (ReadOnly, 0xfffc0000, 0x40000)
					})
				}
			}

			/* PIIX4: power management */
			Device (PM)
			{
				Name (_ADR, 0x00010003)
			}
		}

		/* _STA of a device whose bit in HAVE is Arg0. */
		Method (HASB, 1)
		{
			If (And (ShiftRight (HAVE, Arg0), 1)) {
				Return (0x0f)
			}
			Return (0)
		}

		/* Status of the link with this route register. */
		Method (LSTA, 1)
		{
			If (And (Arg0, 0x80)) {
				Return (0x09)
			}
			Return (0x0b)
		}

		/* Current resources of the link with this route register. */
		Method (LCRS, 1, Serialized)
		{
			Name (BUFR, ResourceTemplate () {
				Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 0 }
			})
			CreateDWordField (BUFR, 5, IRQN)
			If (And (Arg0, 0x80)) {
				Store (0, IRQN)
			} Else {
				Store (And (Arg0, 0x0f), IRQN)
			}
			Return (BUFR)
		}

		/* The interrupt that a _SRS argument asks for. */
		Method (LSRS, 1, Serialized)
		{
			CreateDWordField (Arg0, 5, IRQW)
			Return (And (IRQW, 0x0f))
		}

		Device (LNKA)
		{
			Name (_HID, EisaId ("PNP0C0F"))
			Name (_UID, 1)
			Name (_PRS, ResourceTemplate () {
				Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 5, 10, 11 }
			})
			Method (_STA, 0) { Return (LSTA (^^PCI0.ISA.PRQ0)) }
			Method (_DIS, 0) { Or (^^PCI0.ISA.PRQ0, 0x80, ^^PCI0.ISA.PRQ0) }
			Method (_CRS, 0) { Return (LCRS (^^PCI0.ISA.PRQ0)) }
			Method (_SRS, 1) { Store (LSRS (Arg0), ^^PCI0.ISA.PRQ0) }
		}

		Device (LNKB)
		{
			Name (_HID, EisaId ("PNP0C0F"))
			Name (_UID, 2)
			Name (_PRS, ResourceTemplate () {
				Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 5, 10, 11 }
			})
			Method (_STA, 0) { Return (LSTA (^^PCI0.ISA.PRQ1)) }
			Method (_DIS, 0) { Or (^^PCI0.ISA.PRQ1, 0x80, ^^PCI0.ISA.PRQ1) }
			Method (_CRS, 0) { Return (LCRS (^^PCI0.ISA.PRQ1)) }
			Method (_SRS, 1) { Store (LSRS (Arg0), ^^PCI0.ISA.PRQ1) }
		}

		Device (LNKC)
		{
			Name (_HID, EisaId ("PNP0C0F"))
			Name (_UID, 3)
			Name (_PRS, ResourceTemplate () {
				Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 5, 10, 11 }
			})
			Method (_STA, 0) { Return (LSTA (^^PCI0.ISA.PRQ2)) }
			Method (_DIS, 0) { Or (^^PCI0.ISA.PRQ2, 0x80, ^^PCI0.ISA.PRQ2) }
			Method (_CRS, 0) { Return (LCRS (^^PCI0.ISA.PRQ2)) }
			Method (_SRS, 1) { Store (LSRS (Arg0), ^^PCI0.ISA.PRQ2) }
		}

		Device (LNKD)
		{
			Name (_HID, EisaId ("PNP0C0F"))
			Name (_UID, 4)
			Name (_PRS, ResourceTemplate () {
				Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 5, 10, 11 }
			})
			Method (_STA, 0) { Return (LSTA (^^PCI0.ISA.PRQ3)) }
			Method (_DIS, 0) { Or (^^PCI0.ISA.PRQ3, 0x80, ^^PCI0.ISA.PRQ3) }
			Method (_CRS, 0) { Return (LCRS (^^PCI0.ISA.PRQ3)) }
			Method (_SRS, 1) { Store (LSRS (Arg0), ^^PCI0.ISA.PRQ3) }
		}

		/* The SCI: IRQ 9 and no other. */
		Device (LNKS)
		{
			Name (_HID, EisaId ("PNP0C0F"))
			Name (_UID, 5)
			Name (_PRS, ResourceTemplate () {
				Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 9 }
			})
			Name (_CRS, ResourceTemplate () {
				Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 9 }
			})
			Name (_STA, 0x0b)
			Method (_DIS, 0) {}
			Method (_SRS, 1) {}
		}
	}
}
