"""The embedded RADIUS server: whole conversations, fragments of TLS, and what is said inside PEAP and TTLS."""

from __future__ import annotations

import ssl

from auth8021x.eapserver import certificate_names
from auth8021x.eapserver.account import Account
from auth8021x.eapserver.eap_mschapv2 import EapMschapv2
from auth8021x.eapserver.nas_clients import NasClient
from auth8021x.eapserver.passwords import Passwords
from auth8021x.eapserver.peap import MschapInside
from auth8021x.eapserver.server import EapServer
from auth8021x.eapserver.step import Ask, Failed, Moment
from auth8021x.eapserver.tls_connection import TlsConnection
from auth8021x.eapserver.tls_framing import TlsFraming
from auth8021x.eapserver.tries import Tries
from auth8021x.eapserver.ttls import PapInside
from auth8021x.errors import MalformedPacketError
from auth8021x.wire import attribute, authenticity, eap, eap_message, packet
from auth8021x.wire.attribute import Attribute
from auth8021x.wire.dictionary import Code, ServiceType, Type
from auth8021x.wire.eap import Eap, Method
from auth8021x.wire.packet import Packet
from config.dot1x_server import EapServerSettings, RadiusClientSettings
from crypto.nt_hash import NtHash
from crypto.secret import Secret
from tests.fuzz.target import Bytes, target

SECRET = b"9Lk2-vW8s_Qm4Zt7-xRb1"
_MOMENT = Moment(1.0, 1.8e9, "switch 02-00-00-AA-00-01")
_KINDS = (Method.IDENTITY, Method.NAK, Method.MD5_CHALLENGE, Method.TLS, Method.MSCHAPV2, Method.EXPANDED)
_DEVICE = bytes.fromhex("020000aa0001")
_CALL_CHECK = (
    attribute.number(Type.SERVICE_TYPE, ServiceType.CALL_CHECK), attribute.text(Type.USER_NAME, _DEVICE.hex()),
)  # fmt: skip
"""A request without EAP, by which nobody gets in here."""
_CONNECTION = TlsConnection(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))


class _Book:
    _unmarked = Account("cart-7", "")
    _vt1 = Account("vt1", "", NtHash.of("what nobody guesses"), Secret("what nobody guesses"))

    def account(self, identity: str) -> Account | None:
        return self._vt1 if identity == "vt1" else None

    def device(self, mac: bytes) -> Account | None:
        return self._unmarked if mac == _DEVICE else None


class _NoContexts:
    def take(self, asks_for_certificate: bool) -> ssl.SSLContext:
        raise AssertionError("EAP-MD5 needs none")


def _server() -> EapServer:
    client = RadiusClientSettings("switch", ("192.0.2.1",))
    settings = EapServerSettings(clients=(client,), methods=("md5",), bypasses=True, max_sessions=4)
    return EapServer(settings, [NasClient(client, SECRET)], _Book(), _NoContexts(), bytes)


def _passwords() -> Passwords:
    return Passwords(_Book(), Tries(5, 50, 600, 100), bytes(range(16)))


@target("eap-server")
def eap_server(data: bytes) -> None:
    script, server, state = Bytes(data), _server(), b""
    number = 0
    while not script.is_empty and number < 100:
        choice = script.number()
        response = Eap(eap.Code.RESPONSE, script.number(), _KINDS[choice % len(_KINDS)], script.chunk())
        found = list(_CALL_CHECK) if choice & 0x20 else [*eap_message.split(response.serialize())]
        if choice & 0x80:
            found.append(Attribute(script.number(), script.chunk()[:253]))
        if state and not choice & 0x40:
            found.append(Attribute(Type.STATE, state))
        number += 1
        asked = Packet(Code.ACCESS_REQUEST, number, number.to_bytes(16, "big"), tuple(found))
        octets = authenticity.seal_request(asked, SECRET).serialize()
        answer = server.receive(octets, ("192.0.2.1", 1), number / 10, 1.8e9)
        if answer is not None:
            read = packet.parse(answer)
            assert read.code != Code.ACCESS_ACCEPT, "nobody has proved anything"
            state = attribute.first(read.attributes, Type.STATE) or b""
        assert len(server) <= 4


@target("tls-framing", MalformedPacketError)
def tls_framing(data: bytes) -> None:
    script, framing = Bytes(data), TlsFraming(100, 4096)
    framing.send(script.chunk())
    while not script.is_empty:
        answer, message = framing.receive(script.chunk())
        assert (answer is None or message == b"") and len(message) <= 4096


@target("peap-inside")
def peap_inside(data: bytes) -> None:
    script, inside = Bytes(data), MschapInside(EapMschapv2(_passwords(), bytes(16)), lambda _identity: True)
    step = inside.step(b"", 1, _MOMENT, _CONNECTION)
    while isinstance(step, Ask) and not script.is_empty:
        step = inside.step(script.chunk(), 1, _MOMENT, _CONNECTION)
    assert isinstance(step, (Ask, Failed))


@target("ttls-inside")
def ttls_inside(data: bytes) -> None:
    assert isinstance(PapInside(_passwords()).step(data, 1, _MOMENT, _CONNECTION), (Ask, Failed))


@target("client-certificate")
def client_certificate(data: bytes) -> None:
    certificate_names.read(data, 1.8e9)
