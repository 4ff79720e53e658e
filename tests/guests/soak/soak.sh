#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A round of the soak, inside the Debian root; prints `soak: PART RESULT` for each part. $1:
# MiB to touch, which may be more than the machine has.
cd "$(dirname "$0")" || exit 1
export LC_ALL=C PERL_BADLANG=0

package() {
	dpkg -i soak-package.deb >/dev/null 2>&1 && /usr/bin/soak-package && dpkg -r soak-package >/dev/null 2>&1
	dpkg --verify 2>/dev/null | grep -c soak-package
}

swap() {
	[ -e /swap ] || { dd if=/dev/zero of=/swap bs=1M count=160 status=none; chmod 600 /swap; mkswap /swap >/dev/null; }
	swapon /swap
}

echo "soak: package $(package | tr '\n' ' ')"
swap 2>&1 && echo "soak: swap on"
gcc -O2 -o program soak.c -lm && ./program "$1" || echo "soak: program failed"
gcc -O2 -S -o - /root/integer.c | cksum | sed 's/^/soak: gcc /'
perl -e 'my %h; $h{($_ * 7919) % 1009} += $_ for 1 .. 300000; my $s = 0; $s = ($s * 31 + $h{$_}) % 1000003 for sort keys %h; print "soak: perl $s\n"'
tar -C /usr/include/linux -cf - . | gzip -6 | gzip -d | cksum | sed 's/^/soak: tar /'
if ls luajit/*.deb >/dev/null 2>&1; then
	command -v luajit >/dev/null || dpkg -i luajit/*.deb >/dev/null 2>&1
	luajit jit.lua | sed 's/^/soak: luajit /'
fi
swapoff /swap && echo "soak: swap off"
echo "soak: round done"
