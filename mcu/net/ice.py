"""An ICE-lite agent for all WebRTC legs of a worker (RFC 8445 2.5, 7.3; RFC 7675), without sockets or clocks.

Legs share one port for each local address, so a check is found by its user name fragment, and everything else by the
address it comes from, which must have passed a check. What is not a valid request is counted and not answered.
"""

from __future__ import annotations

import hmac
import struct
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from aioice import stun

Address = tuple[Any, ...]
"""A socket address as recvfrom() gives it: host and port first."""


class Path(NamedTuple):
    """One local socket (by its index) and one remote address."""

    local: int
    remote: Address


@dataclass(frozen=True, slots=True)
class Credentials:
    """What we put into SDP (RFC 8839 5.4). The password is not shown."""

    ufrag: str
    pwd: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class PathSelected:
    """Media of `leg` goes to `path` from now on."""

    leg: int
    path: Path


@dataclass(frozen=True, slots=True)
class ConsentExpired:
    """The peer of `leg` has not asked for so long that we must not send any more (RFC 7675 5.1)."""

    leg: int


IceEvent = PathSelected | ConsentExpired

_TAKEOVER_US = 10_000_000
"""A path belongs to its leg for so long after the last check; then another leg may have it."""
_DECOY = b"no leg has this password"


@dataclass(slots=True)
class _Checked:
    generation: int
    heard_us: int

    @property
    def order(self) -> tuple[int, int]:
        return self.generation, self.heard_us


@dataclass(slots=True)
class _Session:
    leg: int
    credentials: Credentials
    generation: int = 0
    old_credentials: Credentials | None = None
    checked: dict[Path, _Checked] = field(default_factory=dict)
    selected: Path | None = None
    heard_us: int = 0
    has_consent: bool = False


class IceAgent:
    """Answers checks and knows which leg an address belongs to."""

    def __init__(self, *, max_addresses: int = 16, consent_s: float = 30.0) -> None:
        self._max_addresses = max_addresses
        self._consent_us = int(consent_s * 1e6)
        self._sessions: dict[int, _Session] = {}
        self._by_ufrag: dict[str, _Session] = {}
        self._by_path: dict[Path, _Session] = {}
        self._events: deque[IceEvent] = deque()
        self.counters: Counter[str] = Counter()

    def add(self, leg: int, credentials: Credentials) -> None:
        """Expect checks for `leg`."""
        session = _Session(leg, credentials)
        self._sessions[leg] = session
        self._by_ufrag[credentials.ufrag] = session

    def restart(self, leg: int, credentials: Credentials) -> None:
        """Take new credentials (RFC 8445 9); the old ones and their path work until the new ones nominate a path."""
        session = self._sessions[leg]
        if session.old_credentials is not None:
            self._by_ufrag.pop(session.old_credentials.ufrag, None)
        session.old_credentials = session.credentials
        session.credentials = credentials
        session.generation += 1
        self._by_ufrag[credentials.ufrag] = session

    def remove(self, leg: int) -> None:
        """Forget a leg; unknown ones are ignored."""
        session = self._sessions.pop(leg, None)
        if session is None:
            return
        self._by_ufrag.pop(session.credentials.ufrag, None)
        if session.old_credentials is not None:
            self._by_ufrag.pop(session.old_credentials.ufrag, None)
        for path in session.checked:
            self._by_path.pop(path, None)

    def lose(self, path: Path) -> None:
        """The connection under `path` is gone (ICE-TCP); the newest other path takes over until the peer chooses."""
        session = self._by_path.get(path)
        if session is None:
            return
        self._forget(session, path)
        if session.selected is None and session.checked:
            session.selected = max(session.checked, key=lambda each: session.checked[each].order)
            self._events.append(PathSelected(session.leg, session.selected))

    def leg_at(self, path: Path) -> int | None:
        """The leg whose checks came over `path`; None where nobody's did."""
        session = self._by_path.get(path)
        return None if session is None else session.leg

    def selected(self, leg: int) -> Path | None:
        """Where to send; None before the first check and after consent has expired."""
        session = self._sessions.get(leg)
        return session.selected if session is not None and session.has_consent else None

    def next_event(self) -> IceEvent | None:
        """What happened, oldest first."""
        return self._events.popleft() if self._events else None

    def receive(self, data: bytes, path: Path, now_us: int) -> bytes | None:
        """The answer to a datagram that looks like STUN; None where silence is the answer."""
        if not _is_well_formed(data):
            self.counters["stun-malformed"] += 1
            return None
        try:
            request = stun.parse_message(data)
        except (ValueError, struct.error):
            self.counters["stun-malformed"] += 1
            return None
        if request.message_class != stun.Class.REQUEST or request.message_method != stun.Method.BINDING:
            self.counters["stun-not-a-check"] += 1
            return None
        if "FINGERPRINT" not in request.attributes:
            self.counters["stun-no-fingerprint"] += 1
            return None
        found = self._authenticate(request)
        if found is None:
            self.counters["stun-not-authentic"] += 1
            return None
        session, credentials = found
        if "ICE-CONTROLLED" in request.attributes:
            # A lite agent is always controlled, the other side has to change (RFC 8445 7.3.1.1).
            self.counters["stun-role-conflict"] += 1
            return _answer(request, credentials, stun.Class.ERROR, {"ERROR-CODE": (487, "Role Conflict")})
        if not self._note_path(session, credentials, path, now_us):
            self.counters["stun-address-taken"] += 1
            return None
        self.counters["stun-checks"] += 1
        self._select(session, path, "USE-CANDIDATE" in request.attributes)
        return _answer(request, credentials, stun.Class.RESPONSE, {"XOR-MAPPED-ADDRESS": _mapped(path.remote)})

    def handle_timeout(self, now_us: int) -> None:
        """Look for legs whose consent has expired; call it about once a second."""
        for session in self._sessions.values():
            if session.has_consent and now_us - session.heard_us > self._consent_us:
                session.has_consent = False
                self._events.append(ConsentExpired(session.leg))

    def _authenticate(self, request: stun.Message) -> tuple[_Session, Credentials] | None:
        local = str(request.attributes.get("USERNAME", "")).partition(":")[0]
        session = self._by_ufrag.get(local)
        credentials = None if session is None else _credentials_of(session, local)
        password = _DECOY if credentials is None else credentials.pwd.encode()
        is_authentic = request.check_message_integrity(password)
        if session is None or credentials is None or not is_authentic:
            return None
        return session, credentials

    def _note_path(self, session: _Session, credentials: Credentials, path: Path, now_us: int) -> bool:
        owner = self._by_path.get(path)
        if owner is not None and owner is not session:
            if now_us - owner.checked[path].heard_us < _TAKEOVER_US:
                return False
            self._forget(owner, path)
        generation = session.generation - (credentials is session.old_credentials)
        if path not in session.checked and len(session.checked) >= self._max_addresses:
            self._evict(session)
        session.checked[path] = _Checked(generation, now_us)
        self._by_path[path] = session
        session.heard_us = now_us
        return True

    def _evict(self, session: _Session) -> None:
        self.counters["ice-addresses-evicted"] += 1
        candidates = [path for path in session.checked if path != session.selected]
        self._forget(session, min(candidates, key=lambda path: session.checked[path].heard_us))

    def _forget(self, session: _Session, path: Path) -> None:
        del session.checked[path]
        self._by_path.pop(path, None)
        if session.selected == path:
            session.selected = None

    def _select(self, session: _Session, path: Path, is_nominated: bool) -> None:
        is_current = session.checked[path].generation == session.generation
        if is_nominated and is_current:
            self._finish_restart(session)
        may_move = is_nominated and (is_current or session.old_credentials is not None)
        was_expired = not session.has_consent
        session.has_consent = True
        is_better = session.selected is None or (may_move and session.selected != path)
        if is_better:
            session.selected = path
        if is_better or was_expired:
            assert session.selected is not None
            self._events.append(PathSelected(session.leg, session.selected))

    def _finish_restart(self, session: _Session) -> None:
        if session.old_credentials is None:
            return
        self._by_ufrag.pop(session.old_credentials.ufrag, None)
        session.old_credentials = None
        for path in [path for path, seen in session.checked.items() if seen.generation != session.generation]:
            self._forget(session, path)


def _is_well_formed(data: bytes) -> bool:
    """Whether the attributes fill the message exactly (RFC 8489 5, 14); the codec takes a last one that is cut off."""
    position, end = stun.HEADER_LENGTH, len(data)
    while position + 4 <= end:
        length = data[position + 2] << 8 | data[position + 3]
        position += 4 + length + -length % 4
    return position == end


def _credentials_of(session: _Session, ufrag: str) -> Credentials | None:
    for credentials in (session.credentials, session.old_credentials):
        if credentials is not None and hmac.compare_digest(credentials.ufrag.encode(), ufrag.encode()):
            return credentials
    return None


def _answer(
    request: stun.Message, credentials: Credentials, message_class: stun.Class, attributes: dict[str, Any]
) -> bytes:
    answer = stun.Message(stun.Method.BINDING, message_class, request.transaction_id, attributes)
    answer.add_message_integrity(credentials.pwd.encode())
    return bytes(answer)


def _mapped(remote: Address) -> tuple[str, int]:
    return remote[0].partition("%")[0], remote[1]
