"""Nonces that need no table until somebody has proven with one that they know a secret (RFC 7616 3.3 and 3.4.5).

A nonce is time (ms since 1970), a serial number and a MAC (keyed BLAKE2, RFC 7693) over both, realm and source. What is
remembered are the counts (nc) of nonces that were answered rightly: a window of 64 for each. Where that table is full,
its oldest entry makes room and every nonce as old as that one is stale from then on, so that nothing that was forgotten
counts again.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import itertools
import struct
from collections import OrderedDict
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

_HEAD: Final = struct.Struct(">QI")
_TAG_BYTES: Final = 16
_WINDOW: Final = 64
_MAX_CHARACTERS: Final = 64
Issued = tuple[int, int]
"""When a nonce was made (ms since 1970), and its serial number."""


class Use(Enum):
    """What may be said of a nonce and its count."""

    FRESH = auto()
    STALE = auto()
    """Too old, for another source, from before the last start, or not ours: a new one, with stale=true."""
    REPEATED = auto()
    """This count was used before."""


@dataclass(slots=True)
class _Counts:
    highest: int
    seen: int
    """Bit n: highest - n was used."""


class Nonces:
    """One for each server; `now` is UTC in seconds. Nonces older than `started_at` are stale: their counts are gone."""

    def __init__(self, key: bytes, started_at: float, *, lifetime_s: float, max_used: int) -> None:
        self._key = key
        self._floor_ms = int(started_at * 1000) - 1
        self._lifetime_ms = int(lifetime_s * 1000)
        self._max_used = max_used
        self._serial = itertools.count()
        self._used: OrderedDict[Issued, _Counts] = OrderedDict()

    def make(self, realm: str, source: str, now: float) -> str:
        """A new nonce for a challenge of `realm` to `source`."""
        head = _HEAD.pack(int(now * 1000), next(self._serial) & 0xFFFFFFFF)
        return base64.urlsafe_b64encode(head + self._tag(head, realm, source)).decode("ascii")

    def open(self, nonce: str, realm: str, source: str) -> Issued | None:
        """What this nonce says where it was given to `source`, however long ago: others have not seen it."""
        if len(nonce) > _MAX_CHARACTERS:
            return None
        try:
            raw = base64.b64decode(nonce.encode("ascii"), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        head, tag = raw[: _HEAD.size], raw[_HEAD.size :]
        if len(head) < _HEAD.size or not hmac.compare_digest(tag, self._tag(head, realm, source)):
            return None
        issued_ms, serial = _HEAD.unpack(head)
        return issued_ms, serial

    def use(self, nonce: Issued, count: int, now: float) -> Use:
        """Judge an opened nonce whose answer is right otherwise, and remember the count."""
        if count < 1:
            return Use.STALE
        issued_ms, _ = nonce
        now_ms = int(now * 1000)
        if not max(self._floor_ms, now_ms - self._lifetime_ms) < issued_ms <= now_ms + 1000:
            return Use.STALE
        return self._count(nonce, count)

    def __len__(self) -> int:
        return len(self._used)

    def _tag(self, head: bytes, realm: str, source: str) -> bytes:
        text = f"{realm}\0{source}".encode("utf-8", "surrogateescape")
        return hashlib.blake2b(head + text, digest_size=_TAG_BYTES, key=self._key).digest()

    def _count(self, nonce: Issued, count: int) -> Use:
        counts = self._used.get(nonce)
        if counts is None:
            self._used[nonce] = _Counts(count, 1)
            if len(self._used) > self._max_used:
                (issued_ms, _), _ = self._used.popitem(last=False)
                self._floor_ms = max(self._floor_ms, issued_ms)
            return Use.FRESH
        behind = counts.highest - count
        if behind >= _WINDOW or (behind >= 0 and counts.seen >> behind & 1):
            return Use.REPEATED
        if behind < 0:
            counts.seen = (counts.seen << -behind | 1) & ((1 << _WINDOW) - 1) if -behind < _WINDOW else 1
            counts.highest = count
        else:
            counts.seen |= 1 << behind
        return Use.FRESH
