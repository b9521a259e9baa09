"""The calls of one call signalling connection, told apart by call reference (Q.931 4.3, H.225.0 7.2.2)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from signaling.h323 import q931
from signaling.h323.call import message, stray
from signaling.h323.call.causes import cause_of
from signaling.h323.call.message import CallIdentity
from signaling.h323.errors import MalformedPduError
from signaling.h323.q931 import MessageType
from signaling.h323.q931_elements import cause

MOST_CALLS: Final = 64
"""Of one connection; gatekeepers that route may bring many by one."""
MOST_MALFORMED: Final = 16
"""Messages that are no Q.931; with so many of them a connection is of no use."""
GLOBAL: Final = 0
"""The call reference that means all calls of the connection; keep-alives of gatekeepers have it."""
_UNKNOWN: Final = bytes(16)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class NewCall:
    """A Setup whose call reference is free."""

    reference: int


@dataclass(frozen=True, slots=True)
class Reply:
    """What to say to a message for no call."""

    octets: bytes = field(repr=False)


class References(Generic[T]):
    """Calls of one connection. The two sides choose references on their own: who chose is part of the key."""

    def __init__(self) -> None:
        self._calls: dict[tuple[int, bool], T] = {}
        self.malformed = 0

    def __len__(self) -> int:
        return len(self._calls)

    def __iter__(self) -> Iterator[T]:
        return iter(list(self._calls.values()))

    def add(self, reference: int, call: T, *, is_ours: bool) -> bool:
        """A call, whose reference we chose (`is_ours`) or the peer; False where it is taken."""
        return self._calls.setdefault((reference, is_ours), call) is call

    def discard(self, call: T) -> None:
        """The call is over."""
        self._calls = {key: other for key, other in self._calls.items() if other is not call}

    def route(self, octets: bytes) -> T | NewCall | Reply | None:
        """For which call a message of the peer is; None where nothing is to be done with it."""
        try:
            head = q931.parse(octets)
        except MalformedPduError:
            self.malformed += 1
            return None
        found = self._calls.get((head.call_reference, head.is_from_destination))
        if found is not None:
            return found
        if head.type == MessageType.SETUP and not head.is_from_destination:
            if len(self._calls) >= MOST_CALLS:
                return Reply(refusal(head.call_reference, "newConnectionNeeded"))
            return NewCall(head.call_reference)
        answer = None if head.call_reference == GLOBAL else stray.answer(octets)
        return None if answer is None else Reply(answer)


def refusal(reference: int, reason: str) -> bytes:
    """ReleaseComplete for a Setup that nobody reads; the caller knows its call by the reference."""
    return message.serialize(
        MessageType.RELEASE_COMPLETE,
        CallIdentity(reference, _UNKNOWN, _UNKNOWN),
        {"reason": (reason, 0)},
        is_from_destination=True,
        is_tunnelling=False,
        elements=[cause(cause_of(reason))],
    )
