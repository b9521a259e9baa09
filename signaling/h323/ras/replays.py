"""Which tokens were seen already: no pair of time and random is taken twice (H.235.1). Bounded and pure."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from signaling.h323.h2351 import Fault, HashedToken

_MAX_PAIRS = 256
"""Remembered of one sender; past it what is older than the oldest of them counts as seen."""
_MAX_SENDERS = 20_000


@dataclass(slots=True)
class _Sender:
    seen: set[tuple[int, int]] = field(default_factory=set)
    floor_s: int = -1
    """Times up to this one are all taken as seen."""


class ReplayMemory:
    """Remembers the tokens of the senders heard of last; `window_s` is how far clocks may be apart."""

    def __init__(self, window_s: int, max_pairs: int = _MAX_PAIRS, max_senders: int = _MAX_SENDERS) -> None:
        self._window_s = window_s
        self._max_pairs = max_pairs
        self._max_senders = max_senders
        self._senders: OrderedDict[str, _Sender] = OrderedDict()

    def check(self, sender: str, token: HashedToken, now_s: int) -> Fault | None:
        """Take a token whose hash was right, or say why not. `now_s` is UTC in seconds."""
        if abs(now_s - token.timestamp_s) > self._window_s:
            return Fault.TIME
        known = self._senders.get(sender) or _Sender()
        pair = (token.timestamp_s, token.random)
        if pair in known.seen or token.timestamp_s <= known.floor_s:
            return Fault.REPLAY
        self._remember(sender, known)
        known.seen.add(pair)
        if len(known.seen) > self._max_pairs:
            self._shorten(known, now_s)
        return None

    def __len__(self) -> int:
        return len(self._senders)

    def _remember(self, sender: str, known: _Sender) -> None:
        self._senders[sender] = known
        self._senders.move_to_end(sender)
        if len(self._senders) > self._max_senders:
            self._senders.popitem(last=False)

    def _shorten(self, known: _Sender, now_s: int) -> None:
        """Forget what its time refuses anyhow, and where that is not enough everything up to the oldest time."""
        known.seen = {pair for pair in known.seen if now_s - pair[0] <= self._window_s}
        while len(known.seen) > self._max_pairs:
            known.floor_s = max(known.floor_s, min(time for time, _ in known.seen))
            known.seen = {pair for pair in known.seen if pair[0] > known.floor_s}
