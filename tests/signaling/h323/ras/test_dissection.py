"""tshark reads every message of the gatekeeper as we meant it."""

from __future__ import annotations

import pytest

from signaling.h323 import traversal
from signaling.h323.ras.admission import Refusal
from tests.signaling.h323.dissection import dissect, udp
from tests.signaling.h323.ras.terminal import T0, Book, Site, Terminal, ip
from tests.signaling.h323.ras.test_own_requests import CALL, report

pytestmark = [pytest.mark.interop, pytest.mark.shares]

PASSWORD = "correct-horse"
FEATURES = traversal.feature_set(traversal.feature(18))


class Wire:
    """Keeps what travels between a terminal and its gatekeeper."""

    def __init__(self, site: Site, terminal: Terminal) -> None:
        self.site, self.terminal = site, terminal
        self.packets: list[bytes] = []

    def ask(self, name, **fields):
        octets = self.terminal.octets(name, self.terminal.body(**fields))
        self.packets.append(udp(self.terminal.source, ("192.0.2.1", 1719), octets))
        self.sent(self.site.gatekeeper.receive(octets, self.terminal.source, self.site.now))

    def sent(self, datagrams):
        for datagram in datagrams:
            self.packets.append(udp(("192.0.2.1", 1719), datagram.remote, datagram.octets))


def converse() -> list[bytes]:
    """Every answer and every request of the gatekeeper, signed."""
    site = Site(
        Book(or1=PASSWORD), authentication="known", location_networks=("198.51.100.0/24",),
        sites=({"name": "ward", "networks": ("192.0.2.0/24",), "max_bps": 400_000},), irr_interval_s=60,
    )  # fmt: skip
    terminal = Terminal(site, "or1", "192.0.2.10", password=PASSWORD)
    terminal.aliases.append(("dialledDigits", "7001"))
    wire = Wire(site, terminal)
    own = site.gatekeeper.requests
    offer = {"authenticationCapability": [("pwdHash", 0)], "algorithmOIDs": [(0, 0, 8, 235, 0, 2, 6)]}
    wire.ask("gatekeeperRequest", **terminal.discovery(**offer, featureSet=FEATURES))
    wire.ask("gatekeeperRequest", **terminal.discovery(gatekeeperIdentifier="other"))
    wire.ask("registrationRequest", **terminal.registration(protocolIdentifier=(1, 2, 3)))
    wire.ask("registrationRequest", **terminal.registration(featureSet=FEATURES))
    terminal.identifier = site.gatekeeper.zone.registrations.all()[0].identifier
    known = {"endpointIdentifier": terminal.identifier}
    wire.ask("registrationRequest", **terminal.registration(keepAlive=True, **known))
    called = {"destinationInfo": [("h323-ID", "or1")]}
    wire.ask("admissionRequest", **terminal.admission(1, **called))
    site.owner.verdict = None
    wire.ask("admissionRequest", **terminal.admission(2, **called))
    wire.sent(site.gatekeeper.decide(site.owner.asked[-1].ticket, Refusal.INCOMPLETE, T0))
    wire.ask("bandwidthRequest", bandWidth=2000, **terminal.of_call())
    wire.ask("bandwidthRequest", bandWidth=9000, **terminal.of_call())
    call = site.gatekeeper.zone.calls.of(terminal.identifier)[0]
    wire.sent(own.change_bandwidth(call, 64_000, T0))
    wire.sent(own.query(terminal.identifier, T0, call))
    wire.sent(own.call_back(terminal.identifier, CALL, T0))
    wire.sent(own.disengage(call, "normalDrop", T0))
    wire.ask("infoRequestResponse", **report(9, terminal, needResponse=True) | {"requestSeqNum": 900})
    wire.ask("infoRequestResponse", **report(9, terminal, needResponse=True, endpointIdentifier="x"))
    wire.ask("disengageRequest", disengageReason=("normalDrop", 0), **terminal.of_call())
    wire.ask("disengageRequest", disengageReason=("normalDrop", 0), **terminal.of_call() | {"endpointIdentifier": "x"})
    wire.ask("resourcesAvailableIndicate", protocolIdentifier=(0, 0, 8, 2250, 0, 5), protocols=[],
             almostOutOfResources=True, **known)  # fmt: skip
    wire.ask("serviceControlIndication", serviceControl=[], **known)
    for called_alias in ("or1", "nobody"):
        wire.ask("locationRequest", destinationInfo=[("h323-ID", called_alias)], canMapAlias=False,
                 replyAddress=ip("192.0.2.10", 1719), **known)  # fmt: skip
    alien = {"nonStandardIdentifier": ("object", (1, 2, 3)), "data": b"hello"}
    wire.ask("nonStandardMessage", nonStandardData=alien)
    wire.sent(own.unregister(terminal.identifier, "maintenance", T0))
    wire.ask("unregistrationRequest", callSignalAddress=[terminal.signalling], **known)
    terminal.skew_s = 999
    wire.ask("registrationRequest", **terminal.registration())
    terminal.skew_s = 0
    wire.ask("registrationRequest", **terminal.registration())
    identifier = site.gatekeeper.zone.registrations.all()[0].identifier
    wire.ask("unregistrationRequest", callSignalAddress=[terminal.signalling], endpointIdentifier=identifier)
    return wire.packets


OF_THE_GATEKEEPER = {
    "gatekeeperConfirm", "gatekeeperReject", "registrationConfirm", "registrationReject", "unregistrationRequest",
    "unregistrationConfirm", "unregistrationReject", "admissionConfirm", "admissionReject", "bandwidthRequest",
    "bandwidthConfirm", "bandwidthReject", "disengageRequest", "disengageConfirm", "disengageReject", "locationConfirm",
    "locationReject", "infoRequest", "unknownMessageResponse", "requestInProgress", "resourcesAvailableConfirm",
    "infoRequestAck", "infoRequestNak", "serviceControlIndication", "serviceControlResponse",
}  # fmt: skip


def test_every_message_is_read_by_tshark(tmp_path):
    frames = dissect(converse(), tmp_path, int(T0))
    assert all("RasMessage:" in frame for frame in frames)
    ours = [frame for frame in frames if "Src: 192.0.2.1," in frame]
    seen = {frame.partition("RasMessage: ")[2].partition(" ")[0] for frame in ours}
    assert seen == OF_THE_GATEKEEPER
    confirm = next(frame for frame in ours if "RasMessage: registrationConfirm" in frame)
    for said in ("HMAC-SHA1-96", "sendersID: drumtower", "generalID: or1", "ip: 192.0.2.1", "timeToLive: 20",
                 "dialledDigits: 7001", "h323-ID: or1"):  # fmt: skip
        assert said in confirm, said
