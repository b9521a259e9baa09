"""802.1X: packets of RADIUS, EAP and EAPOL, a port with strangers on it, orders, accounting both ways, ARP and DHCP."""

from __future__ import annotations

from auth8021x.accounting.server import AccountingClient, AccountingServer, Told
from auth8021x.directory.directory import Directory
from auth8021x.directory.report import Kind, Report
from auth8021x.directory.session import Session
from auth8021x.errors import MalformedPacketError
from auth8021x.pae.conversation import Conversation
from auth8021x.pae.nas import NasPort
from auth8021x.pae.port import Port
from auth8021x.ports.link_messages import Carriers
from auth8021x.radius import record
from auth8021x.radius.dynamic_orders import Selector
from auth8021x.radius.dynamic_server import DynamicClient, DynamicServer, Pending
from auth8021x.sites import Sites
from auth8021x.snooping.sighting import sighting
from auth8021x.wire import attribute, authenticity, eap, eapol, mac_address, packet, tunnel, vendor
from auth8021x.wire.dictionary import Code, ErrorCause, Type, Vendor
from auth8021x.wire.eap import Eap, Method
from config.dot1x import PaeSettings
from config.dot1x_sites import AccountingClientSettings, DirectorySettings, ListenerSettings, SiteSettings
from tests.fuzz.target import Bytes, target

SECRET = b"xyzzy5461"
NAS = NasPort("ward", "", 1, "p1", bytes.fromhex("02000000ff01"))
MAC = bytes.fromhex("020000aa0001")
NOW = 1_800_000_000.0


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


@target("radius-orders", MalformedPacketError)
def radius_orders(data: bytes) -> None:
    """Of nobody who knows the secret, and of somebody who does and is out of its mind."""
    server = DynamicServer([DynamicClient("main", "192.0.2.9", SECRET)], "ward", (), 300, 10)
    assert server.receive(data, ("192.0.2.9", 4000), NOW) is None
    given = packet.parse(data)
    found = (attribute.number(Type.EVENT_TIMESTAMP, int(NOW)), *given.attributes)
    stamped = packet.Packet(given.code, given.identifier, given.authenticator, found)
    sealed = authenticity.seal_request(stamped, SECRET).serialize()
    answer = server.receive(sealed, ("192.0.2.9", 4000), NOW)
    if isinstance(answer, Pending):
        assert answer.order.selector != Selector(), "an order for nobody in particular"
        answer = server.reply(answer.origin, ErrorCause.SESSION_CONTEXT_NOT_FOUND)
    assert answer is None or packet.parse(answer).code in (Code.DISCONNECT_NAK, Code.COA_NAK)


@target("accounting-journal", MalformedPacketError)
def accounting_journal(data: bytes) -> None:
    record.parse(data)


SITES = Sites((SiteSettings("north", ("10.0.0.0/8",)),))
SWITCHES = AccountingClientSettings("core", ("192.0.2.0/24",), "north")


def _directory() -> Directory:
    return Directory(DirectorySettings(max_sessions=4, max_addresses=2, max_closed=4), SITES)


def _check(directory: Directory) -> None:
    """One address has one live device."""
    held = [(session.site, each.address) for session in directory.sessions() for each in session.addresses]
    assert len(held) == len(set(held)) == directory.gauges()["addresses"]
    assert len(directory) <= 4
    assert all(Session.parse(session.serialize()) == session for session in directory.sessions())


@target("accounting-requests", MalformedPacketError)
def accounting_requests(data: bytes) -> None:
    """Of a switch that knows the secret and is out of its mind."""
    server, directory, script = (
        AccountingServer(ListenerSettings(), [AccountingClient(SWITCHES, SECRET)]),
        _directory(),
        Bytes(data),
    )
    while not script.is_empty:
        now = float(script.number())
        request = packet.parse(script.take(script.number(2)))
        sealed = authenticity.seal_request(request, SECRET).serialize()
        found = server.receive(sealed, ("192.0.2.1", 1024), now, now)
        if isinstance(found, Told) and directory.report(found.report, now):
            server.acknowledge(found)
        _check(directory)


@target("sightings", MalformedPacketError)
def sightings(data: bytes) -> None:
    directory, script = _directory(), Bytes(data)
    directory.report(Report(Kind.START, "north", "drumtower", "s1", MAC, is_own=True), 0.0)
    while not script.is_empty:
        is_outgoing = bool(script.number() & 1)
        found = sighting(script.take(script.number(2)), is_outgoing=is_outgoing)
        if found is not None:
            directory.sighted("north", found.mac, found.address, found.source, 1.0)
        _check(directory)


@target("link-messages")
def link_messages(data: bytes) -> None:
    """Of the kernel: each change of an interface follows on the other, and none is told of that is not ours."""
    script, carriers, is_up = Bytes(data), Carriers(("p1", "p2")), {"p1": False, "p2": False}
    while not script.is_empty:
        choice = script.number()
        if choice & 1:
            carriers.request()
        if choice & 2:
            carriers.lost()
        for name, now_up in carriers.receive(script.take(script.number(2))):
            assert is_up[name] is not now_up
            is_up[name] = now_up


@target("kept-session", MalformedPacketError)
def kept_session(data: bytes) -> None:
    directory = _directory()
    directory.restore([Session.parse(data.decode("latin-1"))], 1_800_000_000.0)
    _check(directory)
