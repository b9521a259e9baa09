"""A registrar without sockets, and terminals that speak to it."""

from __future__ import annotations

from itertools import count

from config.gate import GateSettings
from config.registrar import RegistrarSettings
from crypto.ha1 import MD5, SHA256, Ha1
from crypto.secret import Secret
from signaling.sip.authentication.authenticator import Authenticator
from signaling.sip.authentication.digest import Credentials
from signaling.sip.authentication.nonces import Nonces
from signaling.sip.registry.identity import Challenge, Identities, Identity
from signaling.sip.registry.registrar import Failure, Registrar, Reply
from signaling.sip.registry.registrations import Change, Registrations
from signaling.sip.transactions.transaction import Flow
from signaling.sip.wire.message import Headers, Request, Response
from signaling.tries import SourceTries

REALM = "drumtower"
SERVER = ("10.0.0.1", 5060)


def udp(host: str = "10.0.0.7", port: int = 5070) -> Flow:
    return Flow("udp", SERVER, (host, port))


def tcp(connection: int, host: str = "10.0.0.7", port: int = 40001) -> Flow:
    return Flow("tcp", SERVER, (host, port), connection)


class Terminals:
    """What the administrator created; every secret is the alias, doubled."""

    def __init__(self, *aliases: str) -> None:
        self.secrets = {alias: Ha1.of(alias, REALM, alias * 2) for alias in aliases}

    def secret_of(self, alias: str) -> Ha1 | None:
        return self.secrets.get(alias)

    def name_of(self, alias: str) -> str | None:
        return f"Room of {alias}" if alias in self.secrets else None


class Site:
    """A registrar with a clock that a test moves."""

    def __init__(self, *aliases: str, algorithms: tuple[str, ...] = (SHA256, MD5), **settings: int) -> None:
        self.now = 1_000_000.0
        self.terminals = Terminals(*(aliases or ("ward", "theatre")))
        self.settings = RegistrarSettings(**settings)
        gate = GateSettings()
        self.failures: list[Failure] = []
        self.changes: list[Change] = []
        nonces = Nonces(b"n" * 32, self.now - 1, lifetime_s=self.settings.nonce_lifetime_s, max_used=1000)
        self.authenticator = Authenticator(REALM, algorithms, self.terminals, nonces, SourceTries(gate), b"k" * 32)
        self.registrations = Registrations(self.settings, lambda: self.now)
        self.registrations.observe(self.changes.append)
        self.registrar = Registrar(self.settings, self.authenticator, self.registrations, self.failures.append)
        self.identities = Identities(
            self.authenticator, self.registrations, self.terminals, ("hospital.example",), self.failures.append
        )

    def events(self) -> list[str]:
        """What happened since this was asked last."""
        events = [change.event.value for change in self.changes]
        self.changes.clear()
        return events


class Terminal:
    """One terminal: its Call-ID, its sequence, its secret."""

    _numbers = count(1)

    def __init__(self, site: Site, alias: str = "ward", flow: Flow | None = None, secret: str | None = None) -> None:
        self.site = site
        self.alias = alias
        self.flow = flow or udp()
        self.call_id = f"call-{next(self._numbers)}"
        self.cseq = 0
        self.authorize = Credentials(alias, Secret(secret if secret is not None else alias * 2)).authorize()
        self.challenge: Response | None = None

    def request(self, *headers: tuple[str, str], method: str = "REGISTER", sender: str = "") -> Request:
        self.cseq += 1
        sender = sender or f"sip:{self.alias}@hospital.example"
        request = Request(
            method, "sip:hospital.example", Headers([("Via", "SIP/2.0/UDP 10.0.0.7:5070;branch=z9hG4bK1")])
        )
        fields = (
            ("From", f"<{sender}>;tag=a"), ("To", f"<sip:{self.alias}@hospital.example>"), ("Call-ID", self.call_id),
            ("CSeq", f"{self.cseq} {method}"), *headers,
        )  # fmt: skip
        for name, value in fields:
            request.headers.add(name, value)
        return request

    def register(self, *contacts: str, headers: tuple[tuple[str, str], ...] = (), expires: int | None = None) -> Reply:
        """REGISTER, and again with credentials where they are asked for; the last answer."""
        fields = [("Contact", contact) for contact in contacts] + list(headers)
        if expires is not None:
            fields.append(("Expires", str(expires)))
        reply = self.send(self.request(*fields))
        if reply.status != 401 or self.challenge is None:
            return reply
        request = self.request(*fields)
        found = self.authorize(self.challenge, request)
        return self.send(request, found) if found else reply

    def send(self, request: Request, credentials: tuple[str, str] | None = None) -> Reply:
        if credentials:
            request.headers.add(*credentials)
        reply = self.site.registrar.receive(request, self.flow, self.site.now)
        if reply.status == 401:
            self.challenge = Response(401, "", Headers(reply.headers))
        return reply

    def identify(
        self, *headers: tuple[str, str], sender: str = "", method: str = "INVITE"
    ) -> Identity | Challenge | None:
        request = self.request(*headers, method=method, sender=sender)
        return self.site.identities.identify(request, self.flow, self.site.now)


def header(reply: Reply | Challenge, name: str) -> list[str]:
    return [value for key, value in reply.headers if key == name]
