"""Answers that were given, for requests that come again: a lost answer must not make a request count twice.

A repetition is the same datagram from the same source, which covers requestSeqNum (H.225.0 7.6). One that was signed
anew is another datagram: it is handled as a request of its own, and every handler gives the same answer then.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from typing import NamedTuple

from signaling.h323.ras.address import Address


class Datagram(NamedTuple):
    """Octets to send."""

    octets: bytes
    remote: Address
    local: str
    """The address of ours that the remote knows, "" for the first one."""


_KEPT_S = 15.0
"""Three tries of the slowest request: 5 s apart (H.225.0 7.19)."""


class AnswerCache:
    """The answers given last, at most `size` of them."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._answers: OrderedDict[tuple[Address, bytes], tuple[float, Datagram]] = OrderedDict()

    def get(self, octets: bytes, source: Address, now: float) -> Datagram | None:
        """What this datagram was answered with, None where it is new."""
        kept = self._answers.get((source, _digest(octets)))
        return kept[1] if kept is not None and now < kept[0] else None

    def put(self, octets: bytes, source: Address, answer: Datagram, now: float) -> None:
        """Remember an answer, in the place of an earlier one to the same request (RIP)."""
        key = (source, _digest(octets))
        self._answers.pop(key, None)
        self._answers[key] = (now + _KEPT_S, answer)
        if len(self._answers) > self._size:
            self._answers.popitem(last=False)

    def expire(self, now: float) -> None:
        """Forget what is old."""
        while self._answers and next(iter(self._answers.values()))[0] <= now:
            self._answers.popitem(last=False)

    def __len__(self) -> int:
        return len(self._answers)


def _digest(octets: bytes) -> bytes:
    return hashlib.blake2b(octets, digest_size=16).digest()
