"""Whose word the messages of one call have (H.235.1): which are read, and whose half keys are trusted.

Terminals sign their calls to a gatekeeper that routes them; called directly, many sign nothing. One that has signed a
message of call signalling is held to it: an unsigned message in its name is somebody else's. H.245 on a connection of
its own has no signatures at all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from enum import Enum, auto

from signaling.h323.call import message
from signaling.h323.call.message import Signal
from signaling.h323.call.setup import Setup
from signaling.h323.errors import MalformedPduError
from signaling.h323.h2351 import Fault
from signaling.h323.q931 import MessageType
from signaling.h323.ras.alias import Alias
from signaling.h323.signatures import Signatures, Signer


class Verdict(Enum):
    """What becomes of a message."""

    READ = auto()
    DROP = auto()
    REFUSE = auto()
    """The call ends: there is no answer but this."""


class Vouching:
    """Of one call; `account` has signed its Setup, "" for nobody."""

    def __init__(self, signatures: Signatures | None, counters: Counter[str], account: str) -> None:
        self.account = account
        """Whose half keys the call has; "" where nobody vouches for them."""
        self._signatures = signatures
        self._counters = counters
        self._party = account
        self._names: tuple[str, ...] = ()
        self._has_keys = bool(account)
        """Whether half keys have come: the first ones are those of the call."""

    def called(self, aliases: Sequence[Alias]) -> None:
        """A call of ours, to the terminal of one of these."""
        signer = self._signatures.signer_for(aliases) if self._signatures is not None else None
        self._party = "" if signer is None else signer.account.name

    def came(self, setup: Setup) -> None:
        """A call of theirs. Some name whom they called, and not us, as whom all their messages are for."""
        self._names = tuple(alias.text for alias in setup.called)

    def check(self, octets: bytes, now_s: float, *, is_answered: bool) -> Verdict:
        """A message behind Setup; `now_s` is UTC in seconds. Of what cannot be read the call says what is wrong."""
        if self._signatures is None or not self._party:
            return Verdict.READ
        try:
            signal = message.parse(octets)
        except MalformedPduError:
            return Verdict.READ
        is_expected = self._signatures.is_expected(self._party)
        found = self._signatures.check_later(signal, self._party, self._names, now_s)
        is_first, self._has_keys = bool(signal.tokens) and not self._has_keys, self._has_keys or bool(signal.tokens)
        if isinstance(found, Signer):
            self.account = self._party if is_first else self.account
            return Verdict.READ
        if found is Fault.ABSENT:
            return self._unsigned(signal, is_answered=is_answered) if is_expected else Verdict.READ
        if not is_expected and not is_first:
            return Verdict.READ
        self._counters["signature-refused"] += 1
        return Verdict.DROP if is_answered else Verdict.REFUSE

    def _unsigned(self, signal: Signal, *, is_answered: bool) -> Verdict:
        """Whoever can put a ReleaseComplete into the connection could close it as well."""
        if signal.type == MessageType.RELEASE_COMPLETE:
            return Verdict.READ
        self._counters["not-signed"] += 1
        is_answer = signal.type == MessageType.CONNECT or bool(signal.tokens)
        return Verdict.REFUSE if is_answer and not is_answered else Verdict.DROP
