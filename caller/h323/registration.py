"""Our terminal registers with a gatekeeper (H.225.0 7.9) and is told of calls there (H.460.18 8); it does no I/O.

    registration.start(now) -> list[bytes];   registration.receive(octets, now) -> list[bytes]
    registration.next_event() -> Registered | Refused | CallBack | None
    registration.next_timeout() -> float | None;   registration.on_timeout(now) -> list[bytes]

`now` is UTC in seconds, since tokens of H.235.1 carry it. Octets come from the gatekeeper's address alone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from signaling.h323 import h2351, per, traversal
from signaling.h323.errors import MalformedPduError
from signaling.h323.ras import address
from signaling.h323.ras.address import Address
from signaling.h323.ras.admission import Account
from signaling.h323.ras.alias import Alias
from signaling.h323.ras.zone import PROTOCOL

RETRY_S: Final = 3.0
"""RRQ (H.225.0 7.19)."""
TRIES: Final = 3
SHARE: Final = 0.6
"""Of the time to live; then a keep-alive is due."""
TIME_TO_LIVE_S: Final = 300
MOST_CALLS: Final = 64
"""Identifiers of calls that were told of, which come again when an answer is lost."""


@dataclass(frozen=True, slots=True)
class Registered:
    """The gatekeeper knows us, for the first time or again."""

    time_to_live_s: int


@dataclass(frozen=True, slots=True)
class Refused:
    """It does not, or does not answer."""

    reason: str


@dataclass(frozen=True, slots=True)
class CallBack:
    """A call for us: open its connection there, and name it."""

    where: Address
    call: bytes


Event = Registered | Refused | CallBack


@dataclass(frozen=True, slots=True)
class Self:
    """Who registers."""

    aliases: tuple[Alias, ...]
    signalling: Address
    ras: Address
    endpoint_type: dict[str, Any]
    is_hidden: bool
    """Behind a firewall: everything is opened by us (H.460.18)."""
    account: Account | None = None


class Registration:
    """With one gatekeeper."""

    def __init__(self, own: Self) -> None:
        self.dropped = 0
        """Messages that could not be read, or were not signed for us."""
        self._own = own
        self._number = self._random = 0
        self._identifier = self._gatekeeper_id = ""
        self._waits_for = 0
        """requestSeqNum of the RRQ that is not answered yet."""
        self._tries = 0
        self._due: float | None = None
        self._time_to_live_s = TIME_TO_LIVE_S
        self._calls: deque[bytes] = deque(maxlen=MOST_CALLS)
        self._events: deque[Event] = deque()

    def start(self, now: float) -> list[bytes]:
        """Register."""
        self._tries = TRIES
        return self._register(now)

    def stop(self, now: float) -> list[bytes]:
        """URQ, once; its answer is not waited for."""
        self._due = None
        if not self._identifier:
            return []
        own, identifier = self._own, self._identifier
        self._identifier = ""
        body = {"callSignalAddress": [address.value_of(own.signalling)], "endpointIdentifier": identifier}
        return [self._request("unregistrationRequest", body, now)]

    def receive(self, octets: bytes, now: float) -> list[bytes]:
        """What to answer."""
        try:
            name, body = per.decode(per.Type.RAS, octets)
        except MalformedPduError:
            self.dropped += 1
            return []
        handler = _HANDLERS.get(name)
        if handler is None or not self._is_genuine(name, body, octets):
            self.dropped += handler is not None
            return []
        return handler(self, body, now)

    def next_event(self) -> Event | None:
        """What happened, oldest first."""
        return self._events.popleft() if self._events else None

    def next_timeout(self) -> float | None:
        """When on_timeout() has something to do."""
        return self._due

    def on_timeout(self, now: float) -> list[bytes]:
        """Say that we are there, or say it again."""
        if self._due is None or now < self._due:
            return []
        if not self._waits_for:
            self._tries = TRIES
            return self._register(now)
        if self._tries:
            return self._register(now)
        if self._identifier:  # it has forgotten us, or is away for a moment
            self._identifier = ""
            return self.start(now)
        self._due = None
        self._events.append(Refused("no answer"))
        return []

    # ---- out

    def _register(self, now: float) -> list[bytes]:
        """The full RRQ, or the lightweight one of who is registered (H.225.0 7.9.1)."""
        own = self._own
        body: dict[str, Any] = {
            "protocolIdentifier": PROTOCOL,
            "discoveryComplete": False,
            "callSignalAddress": [address.value_of(own.signalling)],
            "rasAddress": [address.value_of(own.ras)],
            "terminalType": {name: part for name, part in own.endpoint_type.items() if name != "vendor"},
            "endpointVendor": own.endpoint_type["vendor"],
            "timeToLive": self._time_to_live_s,
            "keepAlive": bool(self._identifier),
            "willSupplyUUIEs": False,
            "maintainConnection": False,
        }
        if self._identifier:
            body["endpointIdentifier"] = self._identifier
        else:
            body["terminalAlias"] = [alias.value for alias in own.aliases]
        if own.is_hidden:
            body["featureSet"] = traversal.feature_set(traversal.feature(traversal.SIGNALLING))
        octets = self._request("registrationRequest", body, now)
        self._waits_for = self._number
        self._tries -= 1
        self._due = now + RETRY_S
        return [octets]

    def _request(self, name: str, body: dict[str, Any], now: float) -> bytes:
        self._number = self._number % 65_535 + 1
        return self._encode(name, {"requestSeqNum": self._number, **body}, now)

    def _answer(self, name: str, asked: dict[str, Any], body: dict[str, Any], now: float) -> list[bytes]:
        return [self._encode(name, {"requestSeqNum": asked["requestSeqNum"], **body}, now)]

    def _encode(self, name: str, body: dict[str, Any], now: float) -> bytes:
        account = self._own.account
        if account is None:
            return per.encode(per.Type.RAS, (name, body))
        self._random += 1

        def encode(digest: bytes) -> bytes:
            token = h2351.token(int(now), self._random, self._gatekeeper_id, account.name, digest)
            return per.encode(per.Type.RAS, (name, {**body, "cryptoTokens": [token]}))

        return h2351.sign(account.key, encode)

    # ---- in

    def _is_genuine(self, name: str, body: Any, octets: bytes) -> bool:
        """Whoever has a password hears nobody but who knows it; a refusal may be of one who does not."""
        account = self._own.account
        if account is None or name == "registrationReject":
            return True
        token = h2351.find(body.get("cryptoTokens"))
        return token is not None and h2351.is_genuine(account.key, token, octets)

    def _confirmed(self, body: dict[str, Any], now: float) -> list[bytes]:
        if body["requestSeqNum"] != self._waits_for:
            return []
        is_news = not self._identifier
        self._waits_for = 0
        self._identifier = body["endpointIdentifier"]
        self._gatekeeper_id = body.get("gatekeeperIdentifier", "")
        self._time_to_live_s = body.get("timeToLive", TIME_TO_LIVE_S)
        self._due = now + max(1.0, self._time_to_live_s * SHARE)
        if is_news:
            self._events.append(Registered(self._time_to_live_s))
        return []

    def _rejected(self, body: dict[str, Any], now: float) -> list[bytes]:
        if body["requestSeqNum"] != self._waits_for:
            return []
        self._waits_for = 0
        if self._identifier:
            self._identifier = ""
            return self.start(now)
        self._due = None
        self._events.append(Refused(str(body["rejectReason"][0])))
        return []

    def _unregistered(self, body: dict[str, Any], now: float) -> list[bytes]:
        self._identifier = ""
        return [*self._answer("unregistrationConfirm", body, {}, now), *self.start(now)]

    def _asked(self, body: dict[str, Any], now: float) -> list[bytes]:
        """IRQ: we are there; while we do not know as whom, RRQ says it."""
        own = self._own
        if not self._identifier:
            return []
        told = {
            "endpointType": own.endpoint_type,
            "endpointIdentifier": self._identifier,
            "rasAddress": address.value_of(own.ras),
            "callSignalAddress": [address.value_of(own.signalling)],
        }
        return self._answer("infoRequestResponse", body, told, now)

    def _service(self, body: dict[str, Any], now: float) -> list[bytes]:
        """SCI: somebody calls us, if it says so in the words of H.460.18."""
        try:
            found = traversal.read_call_indication(body.get("genericData", ()))
        except MalformedPduError:
            found = None
        if found is None:
            return self._answer("serviceControlResponse", body, {"result": ("neededFeatureNotSupported", 0)}, now)
        where, call = found
        if call not in self._calls:
            self._calls.append(call)
            self._events.append(CallBack(where, call))
        return self._answer("serviceControlResponse", body, {"result": ("started", 0)}, now)


_HANDLERS: dict[str, Callable[[Registration, dict[str, Any], float], list[bytes]]] = {
    "registrationConfirm": Registration._confirmed,  # noqa: SLF001 - the table of this class
    "registrationReject": Registration._rejected,  # noqa: SLF001
    "unregistrationRequest": Registration._unregistered,  # noqa: SLF001
    "infoRequest": Registration._asked,  # noqa: SLF001
    "serviceControlIndication": Registration._service,  # noqa: SLF001
}
