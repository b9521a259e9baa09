"""How many messages each source may send: what keeps a flood from taking the place of everybody else (sans-IO).

A source is an IPv4 address or an IPv6 /64. Each has a token bucket of its own. As source addresses of datagrams can
be invented, those that nobody vouched for share two more: one for sources that are new, one for those that came back
after a moment, as whoever repeats a request does and an invented address does not.
"""

from __future__ import annotations

import ipaddress
from collections import Counter, OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto

from signaling.tries import source_key

RETURNS_AFTER_S = 0.3
"""Below T1 of RFC 3261: the first repetition of a request comes later."""
BUSY_PER_S = 50.0
"""Refusals in words, all sources together; further ones are silent."""
VOUCHED_S = 3600.0


class Verdict(Enum):
    """What to do with a message."""

    PASS = auto()
    BUSY = auto()
    """Refuse it in words: 503 in SIP."""
    DROP = auto()


class Bucket:
    """Tokens that come back at a constant rate."""

    __slots__ = ("_burst", "_rate", "_tokens", "_updated")

    def __init__(self, rate_per_s: float, burst: float, now: float) -> None:
        self._rate = rate_per_s
        self._burst = self._tokens = burst
        self._updated = now

    def wait_s(self, now: float) -> float:
        """How long until there is a token; 0 when there is one now."""
        self._tokens = min(self._burst, self._tokens + (now - self._updated) * self._rate)
        self._updated = now
        return 0.0 if self._tokens >= 1 else (1 - self._tokens) / self._rate

    def take(self, now: float) -> bool:
        """Take a token, if there is one."""
        if self.wait_s(now) > 0:
            return False
        self._tokens -= 1
        return True


@dataclass(slots=True)
class _Source:
    bucket: Bucket | None
    """None: no limit."""
    first_at: float
    vouched_until: float = 0.0


class SourceRates:
    """One for a server. `unlimited` are networks (CIDR) of proxies, trunks and load generators."""

    def __init__(
        self,
        rate_per_s: float,
        burst: float,
        strangers_per_s: float,
        *,
        strangers_burst: float = 0.0,
        max_sources: int = 20_000,
        unlimited: Iterable[str] = (),
    ) -> None:
        self._rate = rate_per_s
        self._burst = burst
        self._max_sources = max_sources
        self._unlimited = [ipaddress.ip_network(network) for network in unlimited]
        self._sources: OrderedDict[str, _Source] = OrderedDict()
        shared_burst = strangers_burst or strangers_per_s
        self._new = Bucket(strangers_per_s, shared_burst, 0.0)
        self._returning = Bucket(strangers_per_s, shared_burst, 0.0)
        self._busy = Bucket(BUSY_PER_S, BUSY_PER_S, 0.0)
        self.counters: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._sources)

    def judge(self, address: str, now: float) -> Verdict:
        """For a datagram that came from the numeric `address`."""
        source = self._source(address, now)
        if source.bucket is None:
            return Verdict.PASS
        if not source.bucket.take(now):
            return self._refuse("rate-source", now)
        if source.vouched_until > now:
            return Verdict.PASS
        shared = self._returning if now - source.first_at >= RETURNS_AFTER_S else self._new
        return Verdict.PASS if shared.take(now) else self._refuse("rate-strangers", now)

    def wait_s(self, address: str, now: float) -> float:
        """For a message of a stream, which can wait: how long; 0 takes the message. Its address is no invention."""
        source = self._source(address, now)
        if source.bucket is None or source.bucket.take(now):
            return 0.0
        return source.bucket.wait_s(now)

    def is_unlimited(self, address: str) -> bool:
        """Whether this source has no limit: loopback, or one of the networks named."""
        known = self._sources.get(source_key(address) if ":" in address else address)
        if known is not None:
            return known.bucket is None
        try:
            parsed = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return False
        return parsed.is_loopback or any(parsed in network for network in self._unlimited)

    def vouch(self, address: str, now: float) -> None:
        """A call or registration of this source has proved that somebody is there."""
        self._source(address, now).vouched_until = now + VOUCHED_S

    def _refuse(self, reason: str, now: float) -> Verdict:
        self.counters[reason] += 1
        return Verdict.BUSY if self._busy.take(now) else Verdict.DROP

    def _source(self, address: str, now: float) -> _Source:
        key = source_key(address) if ":" in address else address
        found = self._sources.get(key)
        if found is not None:
            self._sources.move_to_end(key)
            return found
        if len(self._sources) >= self._max_sources:
            self._forget_one(now)
        bucket = None if self.is_unlimited(address) else Bucket(self._rate, self._burst, now)
        found = self._sources[key] = _Source(bucket, now)
        return found

    def _forget_one(self, now: float) -> None:
        """The one unheard longest; those that were vouched for get a second turn."""
        for _ in range(4):
            key, oldest = self._sources.popitem(last=False)
            if oldest.vouched_until <= now:
                return
            self._sources[key] = oldest
        self._sources.popitem(last=False)
