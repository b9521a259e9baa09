"""Trunks: which numbers leave by them, which calls come from them, and what a called number means here. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from config.trunks import TrunkSettings
from crypto.ha1 import Ha1
from crypto.secret import Secret
from signaling.budget import CallBudget
from signaling.errors import SipError
from signaling.numbers import AllowList, normalized, rewritten
from signaling.sip.authentication.digest import Credentials
from signaling.sip.transactions.transaction import Flow
from signaling.sip.wire.fields import to_of
from signaling.sip.wire.message import Request
from signaling.sip.wire.uri import Uri, parse_host_port, parse_uri

ATTENDANT = "attendant"
MAX_RESOLVED = 16


@dataclass(frozen=True, slots=True)
class Arrival:
    """What a call that came by a trunk is for."""

    trunk: str
    room: str
    """"" is the attendant."""
    is_proven: bool = False
    """By digest or a certificate; an address alone proves nothing."""


class Trunk:
    """One trunk with its rules, its credentials and the calls that it may still carry."""

    def __init__(self, settings: TrunkSettings, secret: Secret | None = None) -> None:
        self.settings = settings
        self.credentials = Credentials(settings.user, secret) if secret is not None else None
        self.secret = Ha1.of(settings.user, settings.realm, secret) if secret is not None else None
        """What calls that prove themselves by digest have to know."""
        self.budget = CallBudget(settings.max_calls, settings.calls_per_minute)
        self.state = "unregistered" if settings.registers else "static"
        """"static", "unregistered", "registering", "registered" or "failed"; for portal and metrics."""
        self.trouble = ""
        """Why it is not registered, in the words of the last answer."""
        self._allowed = AllowList(settings.allowed)
        self._sources = tuple(ipaddress.ip_network(source) for source in settings.sources)
        self._hosts = tuple(parse_host_port(host) for host in settings.hosts)
        self._resolved: list[str] = []

    @property
    def name(self) -> str:
        """How it is called in settings, logs and metrics."""
        return self.settings.name

    @property
    def domain(self) -> str:
        """What stands behind the @ in addresses of ours and theirs."""
        return self.settings.domain or self._hosts[0][0]

    # ---- out --------------------------------------------------------------------------------------------------

    def number_out(self, dialled: str) -> str:
        """The number to call for what was dialled; "" where it may not leave by this trunk."""
        number = rewritten(normalized(dialled), self.settings.strip_out)
        return self.settings.prefix_out + number if self._allowed.allows(number) else ""

    def uris(self, user: str) -> tuple[str, ...]:
        """The addresses of a user (or, without one, of the trunk) at each of its hosts, the preferred one first."""
        transport = self.settings.transport
        params = () if transport == "udp" else (("transport", transport),)
        return tuple(Uri("sip", user, host, port, params).serialize() for host, port in self._hosts)

    def leads_to(self, address: str) -> bool:
        """Whether calls to this host or numeric address would go by the trunk, so that its rules hold for them."""
        host = address.lower().strip("[]")
        known = (self.settings.domain.lower(), *(name.lower() for name, _ in self._hosts), *self._resolved)
        return host in known or self._is_source(host)

    # ---- in ---------------------------------------------------------------------------------------------------

    def learn(self, address: str) -> None:
        """One of its hosts was found at this address."""
        if address not in self._resolved:
            self._resolved = [*self._resolved, address][-MAX_RESOLVED:]

    def sends(self, flow: Flow, names: Collection[str]) -> bool:
        """Whether calls over this flow are the trunk's; `names` are those of the peer's verified certificate."""
        if self.settings.tls_names:
            return flow.is_secure and any(name.lower() in names for name in self.settings.tls_names)
        if self.settings.transport == "tls" and not flow.is_secure:
            return False
        address = flow.remote[0]
        return self._is_source(address) if self._sources else address in (*self._host_names(), *self._resolved)

    def arrival(self, request: Request) -> Arrival | None:
        """What a call of this trunk is for; None for a number that it must not bring."""
        number = rewritten(_called(request), self.settings.strip_in)
        known = self.settings.numbers.get(number)
        if known is not None:
            return Arrival(self.name, "" if known == ATTENDANT else known)
        if self.settings.other_numbers == "refuse":
            return None
        is_room = self.settings.other_numbers == "room" and number
        return Arrival(self.name, number.removeprefix("+") if is_room else "")

    def _host_names(self) -> tuple[str, ...]:
        return tuple(host for host, _ in self._hosts)

    def _is_source(self, address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return False
        return any(parsed in network for network in self._sources)


class Trunks:
    """All trunks, in the order of the settings."""

    def __init__(self, settings: Iterable[TrunkSettings] = (), secrets: Mapping[str, Secret] | None = None) -> None:
        self._trunks = tuple(Trunk(trunk, (secrets or {}).get(trunk.name)) for trunk in settings)

    def __iter__(self) -> Iterator[Trunk]:
        return iter(self._trunks)

    def get(self, name: str) -> Trunk | None:
        """The trunk of this name."""
        return next((trunk for trunk in self._trunks if trunk.name == name), None)

    def for_number(self, dialled: str) -> Trunk | None:
        """The first one that lets this number out."""
        return next((trunk for trunk in self._trunks if trunk.number_out(dialled)), None)

    def towards(self, host: str) -> Trunk | None:
        """The one that a host or numeric address belongs to."""
        return next((trunk for trunk in self._trunks if trunk.leads_to(host)), None)

    def sending(self, flow: Flow, names: Collection[str] = ()) -> Trunk | None:
        """The one whose calls come over this flow, see Trunk.sends."""
        return next((trunk for trunk in self._trunks if trunk.sends(flow, names)), None)

    def claimed_by(self, user: str) -> Trunk | None:
        """The one whose calls say that they are from this user, and may prove it by digest."""
        candidates = (trunk for trunk in self._trunks if trunk.settings.inbound_digest)
        return next((trunk for trunk in candidates if trunk.settings.user == user and trunk.credentials), None)


def _called(request: Request) -> str:
    """The number in the request line, else the one in To: who registers is called by its Contact."""
    return _number_in(lambda: parse_uri(request.uri)) or _number_in(lambda: to_of(request.headers).uri)


def _number_in(read: Callable[[], Uri]) -> str:
    try:
        return normalized(read().user)
    except SipError:
        return ""
