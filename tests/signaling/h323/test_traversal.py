from __future__ import annotations

import pytest

from signaling.h323 import per, traversal
from signaling.h323.errors import MalformedPduError
from signaling.h323.per import Type
from signaling.h323.traversal import MediaFeature

OURS = ("192.0.2.1", 1720)
CALL = bytes(range(16))
INDICATION = bytes.fromhex("00c000020106b800") + CALL
"""H.460.18 Annex A in aligned PER: no additions, ipAddress, then address, port and GUID on octets."""


def test_a_call_indication_by_hand():
    parameter = traversal.call_indication(OURS, CALL)["parameters"][0]
    assert parameter == {"id": ("standard", 1), "content": ("raw", INDICATION)}


def test_it_travels_in_a_service_control_indication():
    message = (
        "serviceControlIndication",
        {"requestSeqNum": 5, "serviceControl": [], "genericData": [traversal.call_indication(OURS, CALL)]},
    )
    decoded = per.decode(Type.RAS, per.encode(Type.RAS, message))
    assert decoded == message
    assert traversal.read_call_indication(decoded[1]["genericData"]) == (OURS, CALL)


def test_an_address_of_ipv6_is_told_as_well():
    there = ("2001:db8::1", 1720)
    assert traversal.read_call_indication([traversal.call_indication(there, CALL)]) == (there, CALL)


@pytest.mark.parametrize(
    "generic_data",
    [
        [],
        [traversal.feature(18)],
        [traversal.feature(24, {"id": ("standard", 1), "content": ("raw", INDICATION)})],
        [traversal.feature(18, {"id": ("standard", 2), "content": ("raw", INDICATION)})],
        [traversal.feature(18, {"id": ("standard", 1), "content": ("text", "x")})],
        [traversal.feature(18, {"id": ("standard", 1)})],
    ],
)
def test_nothing_said_is_nothing_found(generic_data):
    assert traversal.read_call_indication(generic_data) is None


@pytest.mark.parametrize("octets", [INDICATION[:-1], b"\x00", INDICATION[:3] + bytes(4) + INDICATION[7:]])
def test_what_cannot_be_called_back_is_malformed(octets):
    with pytest.raises(MalformedPduError):
        traversal.read_call_indication(
            [traversal.feature(18, {"id": ("standard", 1), "content": ("raw", octets)})]
        )  # fmt: skip


def test_features():
    """H.460.19: parameter 1 is supportTransmitMultiplexedMedia, 2 mediaTraversalServer."""
    told = {"desiredFeatures": [traversal.feature(18)], "supportedFeatures": [MediaFeature(True).descriptor()]}
    assert traversal.features(told) == {18, 19}
    assert traversal.features(None) == frozenset()
    assert MediaFeature().descriptor() == {"id": ("standard", 19)}
    assert MediaFeature(True, True).descriptor()["parameters"] == [{"id": ("standard", 1)}, {"id": ("standard", 2)}]


@pytest.mark.parametrize("feature", [MediaFeature(), MediaFeature(True), MediaFeature(True, True)])
def test_setup_and_its_answers_tell_of_media(feature):
    assert MediaFeature.find({"supportedFeatures": [feature.descriptor()]}) == feature
    assert MediaFeature.find({"featureSet": traversal.feature_set(feature.descriptor())}) == feature
    assert MediaFeature.find({"supportedFeatures": [traversal.feature(18)]}) is None
    assert MediaFeature.find({}) is None


@pytest.mark.parametrize("is_answer", [True, False])
def test_an_h245_connection_names_its_call(is_answer):
    told = traversal.correlation(CALL, is_answer=is_answer)
    message = ("indication", ("genericIndication", told))
    assert per.decode(Type.H245, per.encode(Type.H245, message)) == message
    assert traversal.correlated_call(told) == CALL
    numbers = [parameter["parameterIdentifier"] for parameter in told["messageContent"]]
    assert numbers == [("standard", 1), ("standard", 2)][: 1 + is_answer]


def test_other_generic_messages_name_none():
    assert traversal.correlated_call({"messageIdentifier": ("standard", (0, 0, 8, 239, 2))}) is None
