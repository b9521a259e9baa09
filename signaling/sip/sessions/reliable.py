"""Provisional responses that are repeated until their PRACK comes (RFC 3262), both sides."""

from __future__ import annotations

import re
from collections.abc import Callable

from signaling.sip.transactions.transaction import T1, TIMEOUT_S
from signaling.sip.wire.fields import cseq_of
from signaling.sip.wire.message import Request, Response

OPTION = "100rel"
_RACK = re.compile(r"(\d{1,10})\s+(\d{1,10})\s+(\S+)")
_RSEQ = re.compile(r"\d{1,10}")
MAX_FIRST_RSEQ = 2**31 - 1  # RFC 3262 3


class ReliableSender:
    """Of one INVITE that we answer. One response waits at a time; the next is not sent before its PRACK (3)."""

    def __init__(self, first: Callable[[], int]) -> None:
        """`first` is asked for the RSeq of the first response."""
        self._first = first
        self._number = 0
        self._waiting: Response | None = None
        self._interval = T1
        self._repeat_at = 0.0
        self._deadline = 0.0

    @property
    def is_waiting(self) -> bool:
        """Whether a PRACK is owed to us."""
        return self._waiting is not None

    @property
    def holds_description(self) -> bool:
        """Whether the response that waits carries SDP: a 2xx has to wait for its PRACK then."""
        return self._waiting is not None and bool(self._waiting.body)

    def stamp(self, response: Response, now: float) -> None:
        """Make a response reliable; it is about to be sent."""
        self._number = self._number or self._first()
        response.headers.add("Require", OPTION)
        response.headers.add("RSeq", str(self._number))
        self._waiting, self._interval = response, T1
        self._repeat_at, self._deadline = now + T1, now + TIMEOUT_S

    def acknowledged(self, prack: Request) -> bool:
        """Whether a PRACK names the response that waits."""
        found = _RACK.fullmatch(prack.headers.get("RAck").strip())
        if self._waiting is None or found is None:
            return False
        cseq = cseq_of(self._waiting.headers)
        named = (int(found.group(1)), int(found.group(2)), found.group(3))
        if named != (self._number, cseq.number, cseq.method):
            return False
        self._number += 1
        self._waiting = None
        return True

    def stop(self) -> None:
        """A final response went out: nothing is repeated any more."""
        self._waiting = None

    def next_timeout(self) -> float | None:
        """When something is due."""
        return None if self._waiting is None else min(self._repeat_at, self._deadline)

    def is_expired(self, now: float) -> bool:
        """Whether the peer has let 64*T1 pass; the INVITE is refused then."""
        return self._waiting is not None and now >= self._deadline

    def due(self, now: float) -> Response | None:
        """The response to send again; the interval doubles without a limit of T2 (3)."""
        if self._waiting is None or now < self._repeat_at:
            return None
        self._interval *= 2
        self._repeat_at = now + self._interval
        return self._waiting


class ReliableReceiver:
    """Of one early dialog and one INVITE of ours: each response counts once and in order (4)."""

    def __init__(self) -> None:
        self._last: int | None = None

    def accept(self, response: Response) -> str | None:
        """The RAck for a reliable response; None for one that is repeated, out of order, or malformed."""
        number = response.headers.get("RSeq").strip()
        if not _RSEQ.fullmatch(number) or (self._last is not None and int(number) != self._last + 1):
            return None
        self._last = int(number)
        cseq = cseq_of(response.headers)
        return f"{self._last} {cseq.number} {cseq.method}"


def is_reliable(response: Response) -> bool:
    """Whether a provisional response asks for a PRACK."""
    return 100 < response.status < 200 and OPTION in options(response.headers.values("Require"))


def options(values: list[str]) -> set[str]:
    """Option tags of Supported or Require, in lower case."""
    return {value.lower() for value in values}
