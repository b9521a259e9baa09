"""The base of all messages between the control process and the processes of a worker (msgspec, MessagePack)."""

from __future__ import annotations

import msgspec


class Message(msgspec.Struct, frozen=True, tag=True):
    """Base of everything that travels on a channel beside media frames."""
