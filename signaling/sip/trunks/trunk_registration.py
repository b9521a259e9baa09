"""Our registration with a trunk as a client (RFC 3261 10.2): when to send which REGISTER, sans-IO.

It is renewed well before it ends. Failures are tried again later and later, spread by chance, so that many clients of
one exchange do not come back in one moment (RFC 5626 4.5); an exchange that names a time is heard.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto

from signaling.errors import SipError
from signaling.sip.wire.message import Response
from signaling.sip.wire.uri import parse_name_addr

RETRY_BASE_S = 5.0
RETRY_MAX_S = 600.0
RENEW_AT = 0.8
"""Of the time that was granted."""
MIN_GRANTED_S = 10.0
MAX_EXPIRES_S = 86_400
MAX_RETRY_AFTER_S = 3600.0


class RegistrationState(Enum):
    """Where we stand with the registrar."""

    IDLE = auto()
    REGISTERING = auto()
    REGISTERED = auto()
    RENEWING = auto()
    """Registered still, and a new REGISTER is on its way."""
    FAILED = auto()
    """To be tried again later."""
    LEAVING = auto()
    """REGISTER with Expires: 0 is on its way."""
    ENDED = auto()


_State = RegistrationState


class Registration:
    """One binding at one registrar; `jitter` gives numbers from 0 to 1."""

    def __init__(self, expires_s: int, jitter: Callable[[], float]) -> None:
        self.state = _State.IDLE
        self.failures = 0
        """In a row."""
        self.last_status = 0
        """Of the last final answer; 0 where none came."""
        self._expires_s = expires_s
        self._jitter = jitter
        self._outbox: list[int] = []
        self._due: float | None = None
        self._ends: float | None = None
        self._was_brief = False

    @property
    def is_registered(self) -> bool:
        """Whether the registrar has a binding of ours."""
        return self.state in (_State.REGISTERED, _State.RENEWING)

    def requests_to_send(self) -> list[int]:
        """Expires of each REGISTER that is due now."""
        outbox, self._outbox = self._outbox, []
        return outbox

    def next_timeout(self) -> float | None:
        """When handle_timeout wants to be called."""
        return min((time for time in (self._due, self._ends) if time is not None), default=None)

    def start(self) -> None:
        """Register."""
        if self.state is _State.IDLE:
            self._send(_State.REGISTERING)

    def handle_timeout(self, now: float) -> None:
        """Renew, try again, or notice that the binding has ended."""
        if self._ends is not None and now >= self._ends:
            self._ends = None
            # A renewal that failed is tried again when it is due, not sooner because the binding has ended.
            self.state = _State.REGISTERING if self.state is _State.RENEWING else _State.FAILED
        if self._due is not None and now >= self._due:
            self._due = None
            self._send(_State.RENEWING if self._ends is not None else _State.REGISTERING)

    def path_lost(self, now: float) -> None:
        """A keep-alive was not answered: register again at once."""
        if self.state is _State.REGISTERED:
            self._due = now

    def receive_response(self, response: Response, contact_host: str, now: float) -> None:
        """The final answer to the last REGISTER; `contact_host` is the host of our Contact."""
        self.last_status = response.status
        if self.state is _State.LEAVING:
            self.state = _State.ENDED
        elif self.state not in (_State.REGISTERING, _State.RENEWING):
            return
        elif response.status < 300:
            self._accepted(granted(response, contact_host, self._expires_s), now)
        elif response.status == 423 and not self._was_brief and self._raise_expires(response):
            self._was_brief = True
            self._send(self.state)
        else:
            self._failed(_seconds(response.headers.get("Retry-After")), now)

    def no_answer(self, now: float) -> None:
        """The REGISTER was not answered, or could not be sent."""
        self.last_status = 0
        if self.state is _State.LEAVING:
            self.state = _State.ENDED
        elif self.state in (_State.REGISTERING, _State.RENEWING):
            self._failed(0.0, now)

    def stop(self) -> None:
        """Take the binding away; nothing is sent where there is none."""
        was_registered = self.is_registered
        self._due = self._ends = None
        self._outbox.clear()
        if was_registered:
            self.state = _State.LEAVING
            self._outbox.append(0)
        else:
            self.state = _State.ENDED

    def _send(self, state: RegistrationState) -> None:
        self.state = state
        self._outbox.append(self._expires_s)

    def _accepted(self, granted_s: float, now: float) -> None:
        self.state, self.failures, self._was_brief = _State.REGISTERED, 0, False
        self._ends = now + granted_s
        self._due = now + granted_s * (RENEW_AT - 0.1 * self._jitter())

    def _failed(self, retry_after_s: float, now: float) -> None:
        """A binding that still holds stays; it is renewed with the next try."""
        self.failures += 1
        self._was_brief = False
        longest = min(RETRY_MAX_S, RETRY_BASE_S * 2.0 ** min(self.failures - 1, 20))
        wait = longest * (0.5 + 0.5 * self._jitter())
        self.state = _State.REGISTERED if self._ends is not None and self._ends > now else _State.FAILED
        self._due = now + max(wait, min(retry_after_s, MAX_RETRY_AFTER_S))

    def _raise_expires(self, response: Response) -> bool:
        wanted = int(_seconds(response.headers.get("Min-Expires")))
        if not self._expires_s < wanted <= MAX_EXPIRES_S:
            return False
        self._expires_s = wanted
        return True


def granted(response: Response, contact_host: str, asked_s: int) -> float:
    """For how long our Contact is kept (RFC 3261 10.2.4): its expires parameter, else Expires, else as asked."""
    seconds = _seconds(response.headers.get("Expires")) or float(asked_s)
    for value in response.headers.values("Contact"):
        try:
            contact = parse_name_addr(value)
        except SipError:
            continue
        if contact.uri.host == contact_host and (named := _seconds(contact.param("expires") or "")):
            seconds = named
            break
    return min(max(seconds, MIN_GRANTED_S), float(MAX_EXPIRES_S))


def _seconds(text: str) -> float:
    """Delta-seconds with what may follow them (RFC 3261 20.33); 0 where there are none."""
    digits = text.partition("(")[0].partition(";")[0].strip()
    return float(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else 0.0
