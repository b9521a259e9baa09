"""The server's side of digest authentication (RFC 3261 22, RFC 8760): challenges, and who answered one rightly.

A user name that is unknown or disabled is checked against a secret that nobody has, so that answer and time are the
same as for a wrong secret. Wrong answers are counted for each source and slow it down (signaling.tries), but only those
to a nonce that this source was given: others are not looked at, or an invented address could lock out its owner.
"""

from __future__ import annotations

import hmac
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from crypto.ha1 import Ha1
from signaling.errors import SipError
from signaling.sip.authentication.digest import Answer, Challenge, parse_answer
from signaling.sip.authentication.nonces import Nonces, Use
from signaling.sip.transactions.transaction import Flow
from signaling.sip.wire.message import Request
from signaling.tries import SourceTries, source_key

MAX_ANSWERS = 8
"""Authorization headers of one request that are looked at."""


_NONCE = "\0"
"""Where the nonce goes in a challenge; no realm has it."""


class Secrets(Protocol):
    """The terminals that may sign in."""

    def secret_of(self, alias: str) -> Ha1 | None:
        """None where there is no such terminal, or it is disabled."""


class Outcome(Enum):
    """What became of a request's credentials."""

    RIGHT = "right"
    MISSING = "missing"
    STALE = "stale"
    """A nonce that does not count any more, or never did; where it was ours, the secret was right."""
    REPEATED = "repeated"
    """Right secret, but this answer came before: a request that was repeated on the way, or captured."""
    WRONG = "wrong"
    PAUSED = "paused"
    """The source failed too often: nothing was looked at."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`username` is who it claims to be; the answer may be sent after `delay_s`."""

    outcome: Outcome
    username: str = ""
    delay_s: float = 0.0
    retry_after_s: float = 0.0


class Authenticator:
    """One for the server's realm; `now` is UTC in seconds."""

    def __init__(
        self, realm: str, algorithms: Sequence[str], secrets: Secrets, nonces: Nonces, tries: SourceTries, key: bytes
    ) -> None:
        """`algorithms` in the order in which they are offered; `key` is what unknown users are checked with."""
        self.realm = realm
        self._algorithms = tuple(algorithms)
        self._challenges = {
            is_stale: [
                Challenge(realm, _NONCE, algorithm, is_stale=is_stale).serialize().split(_NONCE)
                for algorithm in algorithms
            ]
            for is_stale in (False, True)
        }
        self._secrets = secrets
        self._nonces = nonces
        self._tries = tries
        made = hmac.digest(key, b"nobody", "sha256").hex()
        self._decoy = Ha1(realm, made[:32], made)
        self.counters: Counter[str] = Counter()
        """Cumulative, by outcome; right ones by algorithm too."""

    def challenges(self, flow: Flow, now: float, *, is_stale: bool = False) -> tuple[str, ...]:
        """Values for WWW-Authenticate or Proxy-Authenticate, one for each algorithm, the preferred one first."""
        nonce = self._nonces.make(self.realm, flow.remote[0], now)
        return tuple([before + nonce + after for before, after in self._challenges[is_stale]])

    def check(self, request: Request, flow: Flow, now: float, *, familiar: str = "") -> Verdict:
        """Judge Authorization and Proxy-Authorization.

        Failures of a `familiar` terminal are counted for it alone: it is registered from this source already, so that
        others behind the same address do not lock it out.
        """
        answer = self._answer(request)
        if answer is None:
            return self._verdict(Verdict(Outcome.MISSING))
        nonce = self._nonces.open(answer.nonce, self.realm, flow.remote[0])
        if nonce is None:
            return self._verdict(Verdict(Outcome.STALE, answer.username))
        source = source_key(flow.remote[0])
        if familiar and answer.username == familiar:
            source = f"{source} {familiar}"
        pace = self._tries.pace(source, now)
        if pace.retry_after_s > 0:
            return self._verdict(Verdict(Outcome.PAUSED, answer.username, retry_after_s=pace.retry_after_s))
        secret = self._secrets.secret_of(answer.username)
        is_right = answer.is_right(secret or self._decoy, request.method)
        if not is_right or secret is None:
            self._tries.failed(source, now)
            return self._verdict(Verdict(Outcome.WRONG, answer.username, delay_s=pace.delay_s))
        use = self._nonces.use(nonce, answer.count, now)
        if use is not Use.FRESH:
            outcome = Outcome.REPEATED if use is Use.REPEATED else Outcome.STALE
            return self._verdict(Verdict(outcome, answer.username, delay_s=pace.delay_s))
        self._tries.passed(source, now)
        self.counters[f"right-{answer.algorithm}"] += 1
        return self._verdict(Verdict(Outcome.RIGHT, answer.username, delay_s=pace.delay_s))

    def gauges(self) -> dict[str, int]:
        """Sizes of the tables, for the metrics."""
        return {"used-nonces": len(self._nonces), "failing-sources": len(self._tries)}

    def _answer(self, request: Request) -> Answer | None:
        """The credentials for our realm in an algorithm that we offer; others are for somebody else."""
        headers = request.headers
        lines = headers.lines("Authorization")
        if "Proxy-Authorization" in headers:
            lines += headers.lines("Proxy-Authorization")
        for line in lines[:MAX_ANSWERS]:
            try:
                answer = parse_answer(line)
            except SipError:
                continue
            if answer.realm == self.realm and answer.algorithm in self._algorithms:
                return answer
        return None

    def _verdict(self, verdict: Verdict) -> Verdict:
        self.counters[verdict.outcome.value] += 1
        return verdict
