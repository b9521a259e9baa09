"""A switch, and supplicants of every method, in memory; only MSCHAPv2 is the server's own code."""

from __future__ import annotations

import hashlib
import itertools
import ssl
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import msgspec

from auth8021x.eapserver import mschapv2
from auth8021x.eapserver.account import Account
from auth8021x.eapserver.contexts import TlsContexts, TlsFiles
from auth8021x.eapserver.nas_clients import NasClient
from auth8021x.eapserver.server import EapServer
from auth8021x.wire import attribute, authenticity, eap, eap_message, packet
from auth8021x.wire.attribute import Attribute
from auth8021x.wire.dictionary import Code, ServiceType, Type
from auth8021x.wire.eap import Eap, Method
from auth8021x.wire.packet import Packet
from config.dot1x_server import EapServerSettings
from crypto.nt_hash import NtHash
from crypto.secret import Secret
from tests.auth8021x.certificates import PASSWORD, SERVER_NAME

SECRET = b"9Lk2-vW8s_Qm4Zt7-xRb1"
SWITCH = ("192.0.2.1", 40_000)
NOW = 1000.0
MAC = bytes.fromhex("020000aa0001")
GROUPS = [{"name": "video", "vlan": "42", "filter_id": "telemed", "session_timeout_s": 600}]
_AUTHENTICATORS = itertools.count()
ALL = {"methods": ["tls", "peap", "ttls", "md5"]}


class PaperBook:
    def __init__(self, *accounts: Account, devices: dict[bytes, Account] | None = None) -> None:
        self.accounts = {each.identity.casefold(): each for each in accounts}
        self.devices = devices or {}

    def account(self, identity: str) -> Account | None:
        return self.accounts.get(identity.casefold())

    def device(self, mac: bytes) -> Account | None:
        return self.devices.get(mac)


def user(identity: str, password: str, group: str = "video") -> Account:
    return Account(identity, group, NtHash.of(password), Secret(password))


VT1 = user("vt1", "vtpass1")


def book() -> PaperBook:
    known, marked = Account("cart-7", "video"), Account("old-codec", "video", may_bypass=True)
    return PaperBook(VT1, Account("expired"), devices={MAC: marked, bytes(5) + b"\x07": known})


class Counted:
    """Octets that never repeat, and that a test can foretell."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def octets(self, count: int) -> bytes:
        return hashlib.shake_128(next(self._numbers).to_bytes(8, "big")).digest(count)


def serving(folder: Path, known: PaperBook | None = None, **settings: object) -> EapServer:
    """A server with one switch."""
    client = {"name": "switch", "networks": ["192.0.2.0/24"], **settings.pop("client", {})}  # type: ignore[dict-item]
    found = msgspec.convert({"groups": GROUPS, "clients": [client], **settings}, EapServerSettings)
    files = TlsFiles(folder / "server.pem", folder / "server.key", folder / "ca.pem", PASSWORD)
    contexts = TlsContexts(files, found.handshakes_per_context)
    clients = [NasClient(each, SECRET) for each in found.clients]
    return EapServer(found, clients, known or book(), contexts, Counted().octets)


class Supplicant(Protocol):
    identity: str

    def respond(self, request: Eap) -> tuple[int, bytes]:
        """Type and data of the response."""


@dataclass
class Switch:
    """Passes EAP on, and remembers what it was answered."""

    server: EapServer
    station: str = "02-00-00-AA-00-01"
    source: tuple[str, int] = SWITCH
    now: float = NOW
    more: tuple[Attribute, ...] = ()
    answers: list[Packet] = field(default_factory=list)
    _identifiers: itertools.count[int] = field(default_factory=itertools.count)

    def request(
        self, response: Eap | None, state: bytes = b"", extra: Iterable[Attribute] = (), name: str = ""
    ) -> bytes:
        """The octets of an Access-Request."""
        number = next(self._identifiers)
        attributes = [*self.more, *extra, attribute.text(Type.CALLING_STATION_ID, self.station)]
        if name:
            attributes.append(attribute.text(Type.USER_NAME, name))
        if response is not None:
            attributes += eap_message.split(response.serialize())
        if state:
            attributes.append(Attribute(Type.STATE, state))
        proof = next(_AUTHENTICATORS).to_bytes(16, "big")
        made = Packet(Code.ACCESS_REQUEST, number % 256, proof, tuple(attributes))
        return authenticity.seal_request(made, SECRET).serialize()

    def send(self, octets: bytes) -> Packet | None:
        """What the server answers; every answer has to be sealed, Message-Authenticator first."""
        answer = self.server.receive(octets, self.source, self.now, time.time())
        if answer is None:
            return None
        found = packet.parse(answer)
        assert authenticity.check_response(found, octets[4:20], SECRET) is None
        assert found.attributes[0].type == Type.MESSAGE_AUTHENTICATOR
        assert found.identifier == octets[1]
        self.answers.append(found)
        return found

    def run(self, peer: Supplicant, rounds: int = 80) -> Packet:
        """A whole authentication; its last answer."""
        answer = self.send(self.request(Eap(eap.Code.RESPONSE, 0, Method.IDENTITY, peer.identity.encode())))
        for _ in range(rounds):
            assert answer is not None
            if answer.code != Code.ACCESS_CHALLENGE:
                return answer
            answer = self.follow(answer, peer)
        raise AssertionError("it does not end")

    def follow(self, challenge: Packet, peer: Supplicant) -> Packet | None:
        """The peer's response to a challenge, sent."""
        asked = eap_message.join(challenge.attributes)
        assert asked is not None
        assert asked.code == eap.Code.REQUEST
        kind, data = peer.respond(asked)
        response = Eap(eap.Code.RESPONSE, asked.identifier, kind, data)
        return self.send(self.request(response, attribute.first(challenge.attributes, Type.STATE) or b""))

    def call_check(self, name: str, service: ServiceType = ServiceType.CALL_CHECK, eap_: Eap | None = None) -> Packet:
        found = self.send(self.request(eap_, extra=[attribute.number(Type.SERVICE_TYPE, service)], name=name))
        assert found is not None
        return found


def ending(answer: Packet) -> int:
    """The code of the EAP packet in an answer."""
    found = eap_message.join(answer.attributes)
    return found.code if found is not None else 0


@dataclass
class Md5Peer:
    identity: str
    password: str
    kind: int = Method.MD5_CHALLENGE

    def respond(self, request: Eap) -> tuple[int, bytes]:
        if request.type != self.kind:
            return Method.NAK, bytes((self.kind,))
        proof = hashlib.md5(bytes((request.identifier,)) + self.password.encode() + request.data[1:17]).digest()
        return self.kind, b"\x10" + proof


class TlsPeer:
    """EAP-TLS, and the tunnel of others. `size`: of its fragments."""

    kind = Method.TLS

    def __init__(
        self, identity: str, folder: Path, client: Path | None = None, size: int = 500, trusts: Path | None = None
    ):
        self.identity = identity
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(trusts or folder / "ca.pem")
        if client is not None:
            context.load_cert_chain(client.with_suffix(".pem"), client.with_suffix(".key"))
        self.context = context
        self.alerts: list[str] = []
        self._size = size
        self.begin()

    def begin(self, session: ssl.SSLSession | None = None) -> None:
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = self.context.wrap_bio(self._in, self._out, server_hostname=SERVER_NAME, session=session)
        self.is_open = False
        self._sending = b""
        self._got = b""

    def respond(self, request: Eap) -> tuple[int, bytes]:
        if request.type != self.kind:
            return Method.NAK, bytes((self.kind,))
        flags, body = request.data[0], request.data[1:]
        if flags & 0x80:
            body = body[4:]
        if self._sending:
            assert not body
            return self.kind, self._piece()
        self._got += body
        if flags & 0x40:
            return self.kind, b"\0"
        message, self._got = self._got, b""
        self._in.write(message)
        try:
            if not self.is_open:
                self.tls.do_handshake()
                self.is_open = True
                self._opened()
            plain = b""
            while self._in.pending or self.tls.pending():
                plain += self.tls.read(16384)
            self._read(plain)
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as error:
            self.alerts.append(error.reason or "?")
        self._sending = self._out.read()
        if len(self._sending) <= self._size:
            whole, self._sending = self._sending, b""
            return self.kind, b"\0" + whole
        total = len(self._sending).to_bytes(4, "big")
        return self.kind, self._piece(b"\xc0" + total)

    def _piece(self, head: bytes = b"") -> bytes:
        piece, self._sending = self._sending[: self._size], self._sending[self._size :]
        return (head or (b"\x40" if self._sending else b"\0")) + piece

    def _opened(self) -> None:
        """The handshake is done."""

    def _read(self, plain: bytes) -> None:
        """What came inside."""


class TtlsPeer(TlsPeer):
    kind = Method.TTLS

    def __init__(self, inner: str, password: str, folder: Path, outer: str = "anonymous") -> None:
        self.inner, self.password = inner, password
        super().__init__(outer, folder)

    def _opened(self) -> None:
        padded = self.password.encode() + bytes(-len(self.password.encode()) % 16)
        self.tls.write(avp(1, self.inner.encode()) + avp(2, padded))


def avp(code: int, value: bytes, flags: int = 0x40) -> bytes:
    size = 8 + len(value)
    return code.to_bytes(4, "big") + bytes((flags,)) + size.to_bytes(3, "big") + value + bytes(-size % 4)


class PeapPeer(TlsPeer):
    kind = Method.PEAP

    def __init__(self, inner: str, password: str, folder: Path, outer: str = "anonymous") -> None:
        self.inner, self.nt_hash = inner, NtHash.of(password)
        self.seen: list[str] = []
        super().__init__(outer, folder)

    def _read(self, plain: bytes) -> None:
        if not plain:
            return
        if plain == b"\x01":
            self.seen.append("identity")
            self.tls.write(b"\x01" + self.inner.encode())
        elif plain[:1] == b"\x1a":
            self._mschap(plain[1:])
        else:
            self._tlv(plain)

    def _mschap(self, data: bytes) -> None:
        if data[0] == 1:
            self.seen.append("challenge")
            challenge, mine = data[5:21], bytes(range(16))
            proof = mschapv2.nt_response(challenge, mine, self.inner, self.nt_hash)
            self.expected = mschapv2.authenticator_response(proof, challenge, mine, self.inner, self.nt_hash)
            body = b"\x31" + mine + bytes(8) + proof + b"\0" + self.inner.encode()
            self.tls.write(b"\x1a\x02" + data[1:2] + (4 + len(body)).to_bytes(2, "big") + body)
        elif data[0] == 3:
            self.seen.append("success" if self.expected.encode() in data else "impostor")
            self.tls.write(b"\x1a\x03")
        else:
            self.seen.append("failure")
            assert b"E=691 R=0" in data
            self.tls.write(b"\x1a\x04")

    def _tlv(self, plain: bytes) -> None:
        assert plain[0] == 1
        assert plain[4:9] == bytes.fromhex("2180030002")
        self.seen.append(f"result {plain[-1]}")
        self.tls.write(b"\x02" + plain[1:])
