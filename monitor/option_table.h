/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every option of the command line: the parser, -help, the man page's and the
 * completion's tests all expand these rows.
 *
 * X(identifier, name, argument or NULL, phase, function, group, help)
 *
 * All options of one phase are resolved, in the order given, before those of
 * the next: a phase holds what the later ones look up.
 */
#ifndef MONITOR_OPTION_TABLE_H
#define MONITOR_OPTION_TABLE_H

/* ORDER: in which options are resolved. */
enum option_phase {
	PHASE_SETTING, /* depends on no other option */
	PHASE_NAMED,   /* -chardev: names for later; drives that say their place */
	PHASE_DRIVE,   /* -drive */
	PHASE_USER,    /* uses what the earlier ones made */
	PHASE_COUNT
};

#define OPTION_GROUPS(X)                                                                           \
	X(GROUP_STANDARD, "Machine")                                                               \
	X(GROUP_BLOCK, "Disks, CDs and floppies")                                                  \
	X(GROUP_BOOT, "Booting")                                                                   \
	X(GROUP_DISPLAY, "Display")                                                                \
	X(GROUP_CHAR, "Serial ports and monitors")                                                 \
	X(GROUP_DEVICE, "Other devices")                                                           \
	X(GROUP_RUN, "Running and debugging")                                                      \
	X(GROUP_COMPAT, "Understood, but without effect or not there yet")

#define OPTION_TABLE(X)                                                                            \
	X(OPT_HELP, "help", NULL, PHASE_SETTING, option_help, GROUP_STANDARD,                      \
	  "Show this help and exit.")                                                              \
	X(OPT_H, "h", NULL, PHASE_SETTING, option_help, GROUP_STANDARD,                            \
	  "Show this help and exit.")                                                              \
	X(OPT_VERSION, "version", NULL, PHASE_SETTING, option_version, GROUP_STANDARD,             \
	  "Show the version and exit.")                                                            \
	X(OPT_M, "m", "[size=]MEGS[M|G]", PHASE_SETTING, option_memory, GROUP_STANDARD,            \
	  "Guest memory, in MiB unless a suffix k, M or G says otherwise (default 128).")          \
	X(OPT_MACHINE, "machine", "[type=]NAME[,accel=...]", PHASE_SETTING, option_machine,        \
	  GROUP_STANDARD, "Machine type: pc, an i440FX PC; `help` lists the names.")               \
	X(OPT_MACHINE_SHORT, "M", "NAME", PHASE_SETTING, option_machine, GROUP_STANDARD,           \
	  "The same as -machine.")                                                                 \
	X(OPT_ACCEL, "accel", "NAME[,PROP=VALUE]", PHASE_SETTING, option_accel, GROUP_STANDARD,    \
	  "What runs the guest's instructions: bt, the translator, interp, the interpreter, or "   \
	  "kvm, the host's KVM; `help` lists their properties.")                                                        \
	X(OPT_CPU, "cpu", "MODEL[,+FEATURE][,-FEATURE]", PHASE_SETTING, option_cpu,                \
	  GROUP_STANDARD, "Processor model and features; `help` lists them.")                      \
	X(OPT_SMP, "smp", "[cpus=]1", PHASE_SETTING, option_smp, GROUP_STANDARD,                   \
	  "Number of processors: one.")                                                            \
	X(OPT_NAME, "name", "NAME", PHASE_SETTING, option_name, GROUP_STANDARD,                    \
	  "Name of the guest, shown in the window's title.")                                       \
	X(OPT_NODEFAULTS, "nodefaults", NULL, PHASE_SETTING, option_nodefaults, GROUP_STANDARD,    \
	  "Leave out the serial port, monitor, CD and floppy drive nobody asked for.")             \
	X(OPT_RTC, "rtc", "[base=utc|localtime|DATE][,clock=host]", PHASE_SETTING, option_rtc,     \
	  GROUP_STANDARD, "What the guest's clock shows at the start.")                            \
	X(OPT_HDA, "hda", "FILE", PHASE_NAMED, option_disk, GROUP_BLOCK,                            \
	  "Image of the first IDE disk (primary master). FILE alone does the same.")               \
	X(OPT_HDB, "hdb", "FILE", PHASE_NAMED, option_disk, GROUP_BLOCK,                            \
	  "Image of the second IDE disk (primary slave).")                                         \
	X(OPT_HDC, "hdc", "FILE", PHASE_NAMED, option_disk, GROUP_BLOCK,                            \
	  "Image of the third IDE disk (secondary master), in place of the CD drive.")             \
	X(OPT_HDD, "hdd", "FILE", PHASE_NAMED, option_disk, GROUP_BLOCK,                            \
	  "Image of the fourth IDE disk (secondary slave).")                                       \
	X(OPT_CDROM, "cdrom", "FILE", PHASE_NAMED, option_cdrom, GROUP_BLOCK,                       \
	  "CD or DVD image (ISO) in the CD drive (secondary master).")                             \
	X(OPT_FDA, "fda", "FILE", PHASE_NAMED, option_floppy, GROUP_BLOCK,                          \
	  "Image of the floppy in the first drive; any usual size.")                               \
	X(OPT_FDB, "fdb", "FILE", PHASE_NAMED, option_floppy, GROUP_BLOCK,                          \
	  "Image of the floppy in the second drive.")                                              \
	X(OPT_DRIVE, "drive", "file=FILE[,if=ide|floppy|none][,index=N][,media=disk|cdrom]"        \
	  "[,format=raw][,readonly=on][,snapshot=on][,id=ID]", PHASE_DRIVE, option_drive,          \
	  GROUP_BLOCK, "A drive in full; bus= and unit= may stand for index=.")                    \
	X(OPT_SNAPSHOT, "snapshot", NULL, PHASE_SETTING, option_flag, GROUP_BLOCK,                 \
	  "Keep what the guest writes in temporary files; the images stay as they are.")           \
	X(OPT_BOOT, "boot", "[order=]acdn[,once=d][,menu=on][,splash-time=MS]", PHASE_SETTING,     \
	  option_boot, GROUP_BOOT,                                                                 \
	  "Boot order: a floppy, c disk, d CD, n network; once= for the first time only.")         \
	X(OPT_KERNEL, "kernel", "FILE", PHASE_SETTING, option_string, GROUP_BOOT,                  \
	  "Boot this Linux or multiboot kernel without a disk.")                                   \
	X(OPT_INITRD, "initrd", "FILE[,FILE...]", PHASE_SETTING, option_string, GROUP_BOOT,        \
	  "Initial RAM disk; for multiboot kernels a list of modules with arguments.")             \
	X(OPT_APPEND, "append", "TEXT", PHASE_SETTING, option_string, GROUP_BOOT,                  \
	  "Command line of the kernel.")                                                           \
	X(OPT_BIOS, "bios", "FILE", PHASE_SETTING, option_string, GROUP_BOOT,                      \
	  "Firmware image (default bios-256k.bin, SeaBIOS).")                                      \
	X(OPT_L, "L", "FOLDER", PHASE_SETTING, option_string, GROUP_BOOT,                          \
	  "Folder of firmware images.")                                                            \
	X(OPT_DISPLAY, "display", "sdl[,full-screen=on]|none", PHASE_SETTING, option_display,      \
	  GROUP_DISPLAY, "Where the screen is shown (default: a window, if there can be one).")    \
	X(OPT_NOGRAPHIC, "nographic", NULL, PHASE_SETTING, option_nographic, GROUP_DISPLAY,        \
	  "No window: the first serial port and the monitor share the terminal, Ctrl-A h helps.")  \
	X(OPT_VGA, "vga", "std|none", PHASE_SETTING, option_vga, GROUP_DISPLAY,                    \
	  "Graphics adapter: std is VGA with Bochs VBE.")                                          \
	X(OPT_FULL_SCREEN, "full-screen", NULL, PHASE_SETTING, option_flag, GROUP_DISPLAY,         \
	  "Start with the window filling the screen.")                                             \
	X(OPT_SERIAL, "serial", "BACKEND", PHASE_USER, option_serial, GROUP_CHAR,                  \
	  "Next serial port: stdio, mon:stdio, null, none, file:PATH, pipe:PATH, pty, "            \
	  "tcp:HOST:PORT[,server=on][,wait=off], unix:PATH[,...], vc, chardev:ID.")                \
	X(OPT_MONITOR, "monitor", "BACKEND", PHASE_USER, option_monitor, GROUP_CHAR,               \
	  "Monitor for commands like `info registers`; back ends as for -serial.")                 \
	X(OPT_MON, "mon", "[chardev=]ID[,mode=readline]", PHASE_USER, option_mon, GROUP_CHAR,      \
	  "Monitor on the named -chardev.")                                                        \
	X(OPT_CHARDEV, "chardev", "BACKEND,id=ID[,mux=on][,PROP=VALUE]", PHASE_NAMED,            \
	  option_chardev, GROUP_CHAR,                                                              \
	  "A named back end: null, stdio, file, pipe, pty, socket, vc.")                           \
	X(OPT_DEBUGCON, "debugcon", "BACKEND", PHASE_USER, option_debugcon, GROUP_CHAR,            \
	  "Where bytes go that the guest writes to port 0xe9.")                                    \
	X(OPT_DEVICE, "device", "NAME[,PROP=VALUE]", PHASE_USER, option_device, GROUP_DEVICE,      \
	  "A device: ide-hd, ide-cd, floppy, isa-serial, isa-debug-exit, isa-debugcon, VGA; "      \
	  "`help` lists them.")                                                                    \
	X(OPT_GLOBAL, "global", "NAME.PROP=VALUE", PHASE_SETTING, option_global, GROUP_DEVICE,     \
	  "Default of a device's property; isa-debugcon.iobase is known.")                         \
	X(OPT_S, "S", NULL, PHASE_SETTING, option_flag, GROUP_RUN,                                 \
	  "Do not start the guest; `cont` in the monitor does.")                                   \
	X(OPT_NO_REBOOT, "no-reboot", NULL, PHASE_SETTING, option_flag, GROUP_RUN,                 \
	  "Exit when the guest wants to reboot.")                                                  \
	X(OPT_NO_SHUTDOWN, "no-shutdown", NULL, PHASE_SETTING, option_flag, GROUP_RUN,             \
	  "Stop, and do not exit, when the guest powers off.")                                     \
	X(OPT_ICOUNT, "icount", "[shift=]N|auto[,stop=INSNS]", PHASE_SETTING, option_icount,       \
	  GROUP_RUN,                                                                               \
	  "Let guest time follow the instructions: each takes 2^N ns; runs repeat exactly.")       \
	X(OPT_PIDFILE, "pidfile", "FILE", PHASE_SETTING, option_string, GROUP_RUN,                 \
	  "Write the process id to FILE.")                                                         \
	X(OPT_DAEMONIZE, "daemonize", NULL, PHASE_SETTING, option_flag, GROUP_RUN,                 \
	  "Go to the background once the machine is made.")                                        \
	X(OPT_D, "d", "CATEGORY[,...]", PHASE_SETTING, option_string, GROUP_RUN,                   \
	  "Log what happens; `help` lists the categories.")                                        \
	X(OPT_LOG_FILE, "D", "FILE", PHASE_SETTING, option_string, GROUP_RUN,                      \
	  "Write the log to FILE instead of stderr.")                                              \
	X(OPT_PERFMAP, "perfmap", NULL, PHASE_SETTING, option_flag, GROUP_RUN,                     \
	  "Write /tmp/perf-PID.map, by which perf(1) names translated code.")                      \
	X(OPT_SANDBOX, "sandbox", "on|off[,GROUP=allow|deny][,log=on][,files=FOLDER]",             \
	  PHASE_SETTING, option_sandbox, GROUP_RUN,                                                \
	  "Give up what the running program does not need of the host, so that a guest that takes " \
	  "it over gains little (default on, where the host can); `help` lists the groups.")        \
	X(OPT_NO_USER_CONFIG, "no-user-config", NULL, PHASE_SETTING, option_ignore, GROUP_COMPAT,  \
	  "There are no configuration files.")                                                     \
	X(OPT_NO_HPET, "no-hpet", NULL, PHASE_SETTING, option_ignore, GROUP_COMPAT,                \
	  "There is no HPET.")                                                                     \
	X(OPT_NO_FD_BOOTCHK, "no-fd-bootchk", NULL, PHASE_SETTING, option_ignore, GROUP_COMPAT,    \
	  "Floppy boot sectors are booted without the check in any case.")                         \
	X(OPT_MSG, "msg", "timestamp=on|off", PHASE_SETTING, option_ignore, GROUP_COMPAT,          \
	  "Messages have no time stamps.")                                                         \
	X(OPT_PARALLEL, "parallel", "none", PHASE_SETTING, option_parallel, GROUP_COMPAT,          \
	  "There is no parallel port.")                                                            \
	X(OPT_UUID, "uuid", "UUID", PHASE_SETTING, option_no_effect, GROUP_COMPAT,                 \
	  "There is no SMBIOS to show it in.")                                                     \
	X(OPT_SMBIOS, "smbios", "PROP=VALUE", PHASE_SETTING, option_no_effect, GROUP_COMPAT,       \
	  "There is no SMBIOS.")                                                                   \
	X(OPT_K, "k", "LAYOUT", PHASE_SETTING, option_no_effect, GROUP_COMPAT,                     \
	  "Keys are passed by their place, so that no layout is needed.")                          \
	X(OPT_NIC, "nic", "none|user", PHASE_SETTING, option_network, GROUP_COMPAT,                \
	  "There is no network card yet.")                                                         \
	X(OPT_NET, "net", "none|nic|user", PHASE_SETTING, option_network, GROUP_COMPAT,            \
	  "There is no network card yet.")                                                         \
	X(OPT_NETDEV, "netdev", "user,id=ID", PHASE_SETTING, option_network, GROUP_COMPAT,         \
	  "There is no network card yet.")                                                         \
	X(OPT_USB, "usb", NULL, PHASE_SETTING, option_no_device, GROUP_COMPAT,                     \
	  "There is no USB yet.")                                                                  \
	X(OPT_USBDEVICE, "usbdevice", "NAME", PHASE_SETTING, option_no_device, GROUP_COMPAT,       \
	  "There is no USB yet.")                                                                  \
	X(OPT_AUDIODEV, "audiodev", "DRIVER,id=ID", PHASE_SETTING, option_no_device, GROUP_COMPAT, \
	  "There is no sound card yet.")                                                           \
	X(OPT_ENABLE_KVM, "enable-kvm", NULL, PHASE_SETTING, option_enable_kvm, GROUP_COMPAT,      \
	  "The same as -accel kvm.")                                                               \
	X(OPT_BLOCKDEV, "blockdev", "PROP=VALUE", PHASE_SETTING, option_missing, GROUP_COMPAT,     \
	  "Not there yet; use -drive file=FILE,format=raw.")                                       \
	X(OPT_VNC, "vnc", "ADDRESS", PHASE_SETTING, option_vnc, GROUP_COMPAT,                      \
	  "Not there yet; use -display sdl, or -display none with -monitor.")                      \
	X(OPT_QMP, "qmp", "BACKEND", PHASE_SETTING, option_missing, GROUP_COMPAT,                  \
	  "Not there yet; use -monitor.")                                                          \
	X(OPT_GDB, "gdb", "BACKEND", PHASE_SETTING, option_missing, GROUP_COMPAT,                  \
	  "Not there yet; use -monitor with info registers and x.")                                \
	X(OPT_GDB_SHORT, "s", NULL, PHASE_SETTING, option_missing, GROUP_COMPAT,                   \
	  "Not there yet; use -monitor with info registers and x.")                                \
	X(OPT_INCOMING, "incoming", "ADDRESS", PHASE_SETTING, option_missing, GROUP_COMPAT,        \
	  "Not there yet.")

#endif
