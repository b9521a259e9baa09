"""Calls to terminals behind firewalls (H.460.18 8): who has been asked to call back, and which connection does so.

Sans-IO but for the futures in which the callers wait. A connection counts for a call only from the host that the
terminal registered from, with the random identifier that it alone was told, and once.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

from signaling.h323 import q931
from signaling.h323.call import message, references
from signaling.h323.call.message import CallIdentity
from signaling.h323.errors import MalformedPduError
from signaling.h323.q931 import MessageType

C = TypeVar("C")


@dataclass(frozen=True, slots=True)
class _Expected(Generic[C]):
    host: str
    arrived: asyncio.Future[C]


class CallBacks(Generic[C]):
    """Of one server; at most `most` at once."""

    def __init__(self, most: int, counters: Counter[str]) -> None:
        self._most = most
        self._counters = counters
        self._expected: dict[bytes, _Expected[C]] = {}

    def __len__(self) -> int:
        return len(self._expected)

    @contextmanager
    def expecting(self, call: bytes, host: str) -> Iterator[asyncio.Future[C]]:
        """The connection for the call with this identifier, from this host; expected while the block lasts.

        Raises OSError where too many are waited for.
        """
        if len(self._expected) >= self._most or call in self._expected:
            self._counters["call-back-too-many"] += 1
            raise OSError("too many calls wait to be called back")
        arrived: asyncio.Future[C] = asyncio.get_running_loop().create_future()
        self._expected[call] = _Expected(host, arrived)
        try:
            yield arrived
        finally:
            del self._expected[call]
            arrived.cancel()

    def refused(self, call: bytes) -> None:
        """The terminal will not call back for it."""
        found = self._expected.get(call)
        if found is not None and not found.arrived.done():
            self._counters["call-back-refused"] += 1
            found.arrived.set_exception(OSError("the terminal does not call back"))

    def came(self, connection: C, host: str, call: bytes) -> bool:
        """A connection from `host` says that it is for this call; False for a stranger."""
        found = self._expected.get(call)
        if found is None or found.host != host or found.arrived.done():
            self._counters["call-back-stranger"] += 1
            return False
        found.arrived.set_result(connection)
        return True


def answer(call: bytes) -> bytes:
    """The Facility that says for which call a connection is. It belongs to no call yet: reference 0."""
    identity = CallIdentity(references.GLOBAL, call, bytes(len(call)))
    return message.serialize(
        MessageType.FACILITY,
        identity,
        {"reason": ("undefinedReason", 0)},
        is_from_destination=True,
        is_tunnelling=False,
    )


def call_of(octets: bytes) -> bytes | None:
    """The call that a Facility on a fresh connection names (H.460.18 8); None for another message."""
    try:
        if q931.parse(octets).type != MessageType.FACILITY:
            return None
        signal = message.parse(octets)
    except MalformedPduError:
        return None
    identifier: bytes | None = signal.body.get("callIdentifier", {}).get("guid")
    return identifier
