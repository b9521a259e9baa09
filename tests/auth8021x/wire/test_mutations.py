"""20,000 changed packets for each parser: each is read or refused with the one error, at once."""

import random
import time

import pytest

from auth8021x.errors import MalformedPacketError
from auth8021x.wire import attribute, authenticity, eap, eap_message, eapol, mac_address, packet, tunnel, vendor
from auth8021x.wire.attribute import Attribute
from auth8021x.wire.dictionary import Code, Huawei, Type, Vendor
from auth8021x.wire.eap import Eap, Method
from auth8021x.wire.packet import Packet
from tests.fuzz.mutator import mutate

pytestmark = pytest.mark.exhaustive

COUNT = 20_000
SECRET = b"xyzzy5461"
ACCEPT = Packet(
    Code.ACCESS_ACCEPT, 1, bytes(16),
    (
        *eap_message.split(eap.success(1).serialize()),
        *tunnel.vlan_attributes("42"),
        *tunnel.vlan_attributes("video", 1),
        vendor.make(Vendor.HUAWEI, Huawei.IP_HOST_ADDRESS, b"192.0.2.7 02:00:5e:00:53:01"),
        attribute.number(Type.SESSION_TIMEOUT, 3600),
    ),
)  # fmt: skip
CHALLENGE = Packet(
    Code.ACCESS_CHALLENGE, 2, bytes(16),
    (*eap_message.split(Eap(1, 2, Method.TLS, bytes(600)).serialize()), Attribute(Type.STATE, bytes(16))),
)  # fmt: skip
SEALED = authenticity.seal_response(ACCEPT, bytes(16), SECRET)
FRAME = bytes.fromhex("0180c2000003020000aa0001888e020000080275000801767431")


def read_radius(data: bytes) -> None:
    found = packet.parse(data)
    assert data.startswith(found.serialize())
    authenticity.check_response(found, bytes(16), SECRET)
    authenticity.check_request(found, SECRET)
    for read in (
        lambda: eap_message.join(found.attributes),
        lambda: tunnel.vlan(found.attributes),
        lambda: vendor.every(found.attributes, Vendor.HUAWEI, Huawei.IP_HOST_ADDRESS),
        lambda: attribute.first_number(found.attributes, Type.SESSION_TIMEOUT),
        lambda: mac_address.parse(attribute.first_text(found.attributes, Type.CALLING_STATION_ID) or ""),
    ):
        try:
            read()
        except MalformedPacketError:
            pass


def read_frame(data: bytes) -> None:
    eap.parse(eapol.parse_frame(data).packet.body)


@pytest.mark.parametrize(
    ("read", "seeds"),
    [
        (read_radius, [each.serialize() for each in (ACCEPT, CHALLENGE, SEALED)]),
        (read_frame, [FRAME, FRAME[:18]]),
        (eapol.parse, [FRAME[14:]]),
        (eap.parse, [FRAME[18:], eap.success(1).serialize(), Eap(1, 2, Method.TLS, bytes(600)).serialize()]),
    ],
    ids=["radius", "frame", "eapol", "eap"],
)  # fmt: skip
def test_changed_packets(read, seeds):
    chance = random.Random(read.__name__)
    refused = 0
    started_ns = time.thread_time_ns()
    for _ in range(COUNT):
        try:
            read(mutate(chance, seeds, 5000))
        except MalformedPacketError:
            refused += 1
    assert 0 < refused < COUNT
    assert (time.thread_time_ns() - started_ns) / 1e9 / COUNT < 0.001
