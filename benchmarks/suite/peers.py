# SPDX-License-Identifier: GPL-2.0-or-later
"""Who is measured: the host itself, QEMU's TCG, and Transvisor's engines."""
import os
import shlex
from collections import namedtuple

from suite import kvm

# command: what the machine's options are put behind; None for the host itself.
Peer = namedtuple("Peer", "name command")
Peer.native = property(lambda self: self.command is None)
# What an emulation of KVM takes says nothing about hardware virtualization.
Peer.emulated = property(lambda self: kvm.is_kvm(self.command) and not kvm.hardware())
Peer.label = property(lambda self: f"{self.name} ({kvm.EMULATED})" if self.emulated else self.name)

QEMU = "qemu-system-i386"


class BadPeer(Exception):
    """The text is for the user."""


def split(text):
    """native,bt,PROP=VALUE,interp: what has a = belongs to the engine before it."""
    names = []
    for item in text.split(","):
        if "=" in item and names:
            names[-1] += "," + item
        elif item:
            names.append(item)
    return names


def find(names, extra, transvisor):
    """The Peers of these names; extra: `name=COMMAND` texts, which come last."""
    peers = []
    for name in names:
        if name == "native":
            peers.append(Peer(name, None))
        elif name == "tcg":
            peers.append(Peer(name, [QEMU, "-accel", "tcg"]))
        else:
            peers.append(Peer(name, [transvisor, "-accel", name]))
    for text in extra:
        name, equals, command = text.partition("=")
        if not name or not equals or not command.strip():
            raise BadPeer(f"--peer '{text}': should be name=COMMAND")
        peers.append(Peer(name, shlex.split(command)))
    seen = [p.name for p in peers]
    for name in seen:
        if seen.count(name) > 1:
            raise BadPeer(f"peer '{name}' is there twice")
    if not peers:
        raise BadPeer("no peers")
    if any(p.command and p.command[0] == transvisor for p in peers):
        if not os.access(transvisor, os.X_OK):
            raise BadPeer(f"{transvisor} is not there: build it, or name another by --transvisor")
    return peers
