/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands of the human monitor, in the order `help` shows them.
 *
 * HMP_COMMANDS: X(name, other name or NULL, arguments, function, help)
 * HMP_INFO: X(what, arguments, function, help), the topics of `info`
 *
 * Names and arguments are QEMU's.
 */
#ifndef MONITOR_HMP_COMMANDS_H
#define MONITOR_HMP_COMMANDS_H

#define HMP_COMMANDS(X)                                                                            \
	X("help", "?", "[cmd]", hmp_help, "show the help")                                         \
	X("info", NULL, "[subcommand]", hmp_info, "show various information about the machine")    \
	X("quit", "q", "", hmp_quit, "quit the emulator")                                          \
	X("stop", "s", "", hmp_stop, "stop the guest")                                             \
	X("cont", "c", "", hmp_cont, "let the guest go on")                                        \
	X("stop_at", NULL, "instructions", hmp_stop_at,                                            \
	  "stop the guest when it has executed so many since it was switched on")                  \
	X("system_reset", NULL, "", hmp_system_reset, "reset the machine")                         \
	X("system_powerdown", NULL, "", hmp_system_powerdown, "press the power button")            \
	X("system_wakeup", NULL, "", hmp_system_wakeup, "wake the guest up from suspend")          \
	X("nmi", NULL, "", hmp_nmi, "inject an NMI")                                               \
	X("change", NULL, "device filename [format]", hmp_change,                                  \
	  "change the medium of a CD or floppy drive")                                             \
	X("eject", NULL, "[-f] device", hmp_eject, "take the medium out of a drive")               \
	X("screendump", NULL, "filename [-f format]", hmp_screendump,                              \
	  "save the screen in a file; format is ppm or png, else the name's end says it")          \
	X("sendkey", NULL, "keys [hold_ms]", hmp_sendkey,                                          \
	  "press keys (e.g. 'sendkey ctrl-alt-f1', default hold time=100 ms)")                     \
	X("mouse_move", NULL, "dx dy [dz]", hmp_mouse_move, "move the mouse and turn its wheel")   \
	X("mouse_button", NULL, "state", hmp_mouse_button,                                         \
	  "change the mouse buttons (1=L, 2=M, 4=R)")                                              \
	X("mouse_set", NULL, "index", hmp_mouse_set, "select which mouse gets the events")         \
	X("x", NULL, "/fmt addr", hmp_x, "show memory at virtual address 'addr'")                  \
	X("xp", NULL, "/fmt addr", hmp_xp, "show memory at physical address 'addr'")               \
	X("print", "p", "/fmt expr", hmp_print, "print the value of an expression, like $eip+4")   \
	X("gva2gpa", NULL, "addr", hmp_gva2gpa, "print the physical address of a virtual one")     \
	X("i", NULL, "/fmt addr", hmp_port_in, "read an I/O port; sizes b, h, w")                  \
	X("o", NULL, "/fmt addr value", hmp_port_out, "write an I/O port; sizes b, h, w")          \
	X("memsave", NULL, "addr size file", hmp_memsave,                                          \
	  "save 'size' bytes from virtual address 'addr'")                                         \
	X("pmemsave", NULL, "addr size file", hmp_pmemsave,                                        \
	  "save 'size' bytes from physical address 'addr'")                                        \
	X("log", NULL, "item1[,...]", hmp_log, "log the given items, or 'none'; 'help' lists them") \
	X("accel", NULL, "[name]", hmp_accel,                                                      \
	  "show what runs the guest, or let another engine run it: bt, interp or kvm")             \
	X("bt-dump", NULL, "eip|all filename", hmp_bt_dump,                                        \
	  "save translations, guest code beside host code")                                        \
	X("bt-check", NULL, "", hmp_bt_check, "check the translator's structures")                 \
	X("mmu-check", NULL, "", hmp_mmu_check, "check the shadow of the guest's page tables")

#define HMP_INFO(X)                                                                                \
	X("block", "", hmp_info_block, "show the drives")                                          \
	X("bt", "", hmp_info_bt, "show the translator's counters")                                 \
	X("chardev", "", hmp_info_chardev, "show the character devices")                           \
	X("cpus", "", hmp_info_cpus, "show the processors")                                        \
	X("jit", "", hmp_info_jit, "the same as info bt, by QEMU's name")                          \
	X("kvm", "", hmp_info_kvm, "show whether KVM is in use")                                   \
	X("mem", "", hmp_info_mem, "show which virtual memory is mapped")                          \
	X("mice", "", hmp_info_mice, "show which mouse gets the events")                           \
	X("mtree", "", hmp_info_mtree, "show what is where in physical memory")                    \
	X("name", "", hmp_info_name, "show the guest's name")                                      \
	X("pci", "", hmp_info_pci, "show the PCI devices")                                         \
	X("pic", "", hmp_info_pic, "show the state of the interrupt controllers")                  \
	X("registers", "", hmp_info_registers, "show the processor's registers")                   \
	X("sandbox", "", hmp_info_sandbox, "show what the program may still do on the host")       \
	X("screentext", "", hmp_info_screentext, "show the text on the screen")                    \
	X("statehash", "[-v]", hmp_info_statehash,                                                 \
	  "show a hash of the machine's state; -v of each part too")                               \
	X("status", "", hmp_info_status, "show whether the guest is running")                      \
	X("tlb", "", hmp_info_tlb, "show each virtual page and its physical one")                  \
	X("version", "", hmp_info_version, "show the version")

#endif
