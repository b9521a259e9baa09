"""Interfaces of this machine (netdevice(7))."""

from __future__ import annotations

import socket


def exists(interface: str) -> bool:
    """Whether there is one of this name."""
    try:
        socket.if_nametoindex(interface)
    except OSError:
        return False
    return True
