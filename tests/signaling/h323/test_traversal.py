from __future__ import annotations

import pytest

from signaling.h323 import per, traversal
from signaling.h323.errors import MalformedPduError
from signaling.h323.per import Type
from signaling.h323.traversal import KeepAlive, MediaTraversal

OURS = (bytes((192, 0, 2, 1)), 1720)
CALL = bytes(range(16))


def test_a_call_indication_by_hand():
    """H.460.18 Annex A in aligned PER: no additions, ipAddress, then address, port and GUID on octets."""
    octets = bytes.fromhex("00c000020106b800") + CALL
    parameter = traversal.call_indication(OURS, CALL)["parameters"][0]
    assert parameter == {"id": ("standard", 1), "content": ("raw", octets)}


def test_it_travels_in_a_service_control_indication():
    message = (
        "serviceControlIndication",
        {"requestSeqNum": 5, "serviceControl": [], "genericData": [traversal.call_indication(OURS, CALL)]},
    )
    assert per.decode(Type.RAS, per.encode(Type.RAS, message)) == message


@pytest.mark.parametrize(
    "said",
    [
        MediaTraversal(),
        MediaTraversal(OURS, (OURS[0], 1721), 0xFFFFFFFF),
        MediaTraversal(keep_alive=KeepAlive(OURS, 116, 19)),
        MediaTraversal(OURS, OURS, 7, KeepAlive(OURS, 127, 30)),
    ],
)
def test_what_is_said_of_a_channel_is_understood(said):
    other = {"messageIdentifier": ("standard", (0, 0, 8, 239, 2)), "messageContent": []}
    assert MediaTraversal.find([other, said.generic_information()]) == said


def test_nothing_said_is_nothing_found():
    assert MediaTraversal.find([]) is None


def test_other_networks_are_refused():
    group = ("multicastAddress", ("iPAddress", {"network": bytes(4), "tsapIdentifier": 1}))
    octets = per.encode(Type.TRAVERSAL_PARAMETERS, {"multiplexedMediaChannel": group})
    information = MediaTraversal().generic_information()
    information["messageContent"][0]["parameterValue"] = ("octetString", octets)
    with pytest.raises(MalformedPduError):
        MediaTraversal.find([information])


def test_features_are_found_wherever_they_stand():
    feature_set = {
        "replacementFeatureSet": False,
        "neededFeatures": [traversal.feature(18)],
        "supportedFeatures": [traversal.media_feature(multiplexes=True), {"id": ("oid", (1, 2, 3))}],
    }
    assert traversal.features(feature_set) == {18, 19}
    assert traversal.features(None) == frozenset()


def test_packets_of_many_channels_share_a_port():
    assert traversal.demultiplexed(traversal.multiplexed(b"packet", 0x01020304)) == (0x01020304, b"packet")
    assert traversal.demultiplexed(b"\0\0\0\1") is None
