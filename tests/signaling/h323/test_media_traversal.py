from __future__ import annotations

import pytest

from signaling.h323 import per
from signaling.h323.errors import MalformedPduError
from signaling.h323.media_traversal import MediaTraversal
from signaling.h323.per import Type

OURS = ("192.0.2.1", 1720)
OTHER = {"messageIdentifier": ("standard", (0, 0, 8, 239, 2)), "messageContent": []}


def value_of(said):
    return said.generic_information()["messageContent"][0]["parameterValue"][1]


def test_parameters_by_hand():
    """H.460.19 Annex A in aligned PER (X.691): extension bit, six presence bits, then what is there."""
    # 0 000010, and 127 in seven bits
    assert value_of(MediaTraversal(keep_alive_payload_type=127)) == bytes.fromhex("05fc")
    # 0 001000, four octets (11), which are aligned
    assert value_of(MediaTraversal(multiplex_id=0x01020304)) == bytes.fromhex("118001020304")
    # 0 000101, unicast (00), iPAddress (0000), no additions (0), address and port aligned; 19 - 1 in one octet (00)
    said = MediaTraversal(keep_alive=OURS, keep_alive_s=19)
    assert value_of(said) == bytes.fromhex("0a00c000020106b80012")


@pytest.mark.parametrize(
    "said",
    [
        MediaTraversal(),
        MediaTraversal(OURS, (OURS[0], 1721), 0xFFFFFFFF),
        MediaTraversal(multiplex_id=0),
        MediaTraversal(keep_alive=OURS, keep_alive_s=19),
        MediaTraversal(keep_alive_payload_type=116),
        MediaTraversal(("2001:db8::1", 2776), OURS, 7, OURS, 127, 30),
    ],
)
def test_what_is_said_of_a_channel_is_understood(said):
    assert MediaTraversal.find([OTHER, said.generic_information()]) == said


def test_nothing_said_is_nothing_found():
    assert MediaTraversal.find([]) is None
    assert MediaTraversal.find([OTHER]) is None


def test_other_networks_are_refused():
    group = ("multicastAddress", ("iPAddress", {"network": bytes(4), "tsapIdentifier": 1}))
    octets = per.encode(Type.TRAVERSAL_PARAMETERS, {"keepAliveChannel": group})
    said = MediaTraversal().generic_information()
    said["messageContent"][0]["parameterValue"] = ("octetString", octets)
    with pytest.raises(MalformedPduError):
        MediaTraversal.find([said])


def test_truncation():
    said = MediaTraversal(OURS, OURS, 7, OURS, 127, 30)
    whole = value_of(said)
    for length in range(len(whole)):
        message = said.generic_information()
        message["messageContent"][0]["parameterValue"] = ("octetString", whole[:length])
        with pytest.raises(MalformedPduError):
            MediaTraversal.find([message])
