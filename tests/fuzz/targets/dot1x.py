"""802.1X: packets of RADIUS, EAP and EAPOL, a port with strangers on it, orders, the journal of accounting."""

from __future__ import annotations

from auth8021x.errors import MalformedPacketError
from auth8021x.pae.conversation import Conversation
from auth8021x.pae.nas import NasPort
from auth8021x.pae.port import Port
from auth8021x.radius import record
from auth8021x.radius.dynamic_server import DynamicClient, DynamicServer
from auth8021x.wire import authenticity, eap, eapol, mac_address, packet, tunnel, vendor
from auth8021x.wire.dictionary import Vendor
from auth8021x.wire.eap import Eap, Method
from config.dot1x import PaeSettings
from tests.fuzz.target import Bytes, target

SECRET = b"xyzzy5461"
NAS = NasPort("ward", "", 1, "p1", bytes.fromhex("02000000ff01"))
MAC = bytes.fromhex("020000aa0001")


class _NoChance:
    def octets(self, count: int) -> bytes:
        return bytes(count)

    def spread(self) -> float:
        return 0.0


@target("radius", MalformedPacketError)
def radius(data: bytes) -> None:
    found = packet.parse(data)
    assert data.startswith(found.serialize())
    authenticity.check_request(found, SECRET)
    authenticity.check_response(found, bytes(16), SECRET)
    vendor.every(found.attributes, Vendor.HUAWEI, 60)
    assert tunnel.vlan(found.attributes).isprintable()


@target("radius-answer", MalformedPacketError)
def radius_answer(data: bytes) -> None:
    conversation = Conversation()
    conversation.responded(Eap(eap.Code.RESPONSE, 1, Method.IDENTITY, b"vt1"))
    ruling = conversation.rule("r0", packet.parse(data))
    assert ruling.code is not eap.Code.SUCCESS, "no method has run"


@target("eapol", MalformedPacketError)
def eapol_frame(data: bytes) -> None:
    body = eapol.parse_frame(data).packet.body
    assert body.startswith(eap.parse(body).serialize())


@target("mac-address", MalformedPacketError)
def mac(data: bytes) -> None:
    assert len(mac_address.parse(data.decode("latin-1"))) == 6


@target("eapol-port")
def eapol_port(data: bytes) -> None:
    script, now = Bytes(data), 1.0
    port = Port(NAS, PaeSettings(max_supplicants_per_port=4), _NoChance())
    port.carrier(True, now)
    while not script.is_empty:
        now += script.number() / 16
        port.handle_timeout(now)
        port.receive(eapol.PAE_GROUP_ADDRESS + MAC + b"\x88\x8e" + script.chunk(), now)
        port.actions()
        assert len(port.terminals) <= 4
        assert all(terminal.grant is None for terminal in port.terminals.values())


@target("radius-orders")
def radius_orders(data: bytes) -> None:
    server = DynamicServer([DynamicClient("main", "192.0.2.9", SECRET)], "ward", "", 300, 10)
    assert server.receive(data, ("192.0.2.9", 4000), 1_800_000_000.0) is None


@target("accounting-journal", MalformedPacketError)
def accounting_journal(data: bytes) -> None:
    record.parse(data)
