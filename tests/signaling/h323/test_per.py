from __future__ import annotations

import random

import pytest

from signaling.h323 import extensions, per
from signaling.h323.errors import MalformedPduError
from signaling.h323.per import Type, decode, encode

GUID = {"guid": bytes(range(16))}
RELEASE = {
    "h323-uu-pdu": {
        "h323-message-body": (
            "releaseComplete",
            {"protocolIdentifier": (0, 0, 8, 2250, 0, 5), "reason": ("undefinedReason", 0), "callIdentifier": GUID},
        ),
        "h245Tunnelling": True,
    }
}
CAPABILITIES = (
    "request",
    (
        "terminalCapabilitySet",
        {
            "sequenceNumber": 1,
            "protocolIdentifier": (0, 0, 8, 245, 0, 7),
            "capabilityTable": [
                {
                    "capabilityTableEntryNumber": 1,
                    "capability": (
                        "receiveRTPAudioTelephonyEventCapability",
                        {"dynamicRTPPayloadType": 101, "audioTelephoneEvent": "0-16"},
                    ),
                }
            ],
        },
    ),
)


@pytest.mark.parametrize(("kind", "value"), [(Type.USER_INFORMATION, RELEASE), (Type.H245, CAPABILITIES)])
def test_values_with_extension_additions_come_back(kind, value):
    assert decode(kind, encode(kind, value)) == value


def test_pycrate_still_needs_the_patch():
    """When this fails, pycrate is mended: remove extensions.py."""
    extensions.uninstall()
    try:
        assert extensions.is_needed(per._probe())
    finally:
        extensions.install()
    assert not extensions.is_needed(per._probe())


def test_an_addition_that_is_not_known_comes_back():
    octets = bytearray(encode(Type.H245, ("indication", ("userInput", ("alphanumeric", "1")))))
    known = decode(Type.USER_INFORMATION, encode(Type.USER_INFORMATION, RELEASE))
    body = known["h323-uu-pdu"]
    place = len(per._TYPES[Type.USER_INFORMATION]._cont["h323-uu-pdu"]._ext_nest)
    body[f"_ext_{place + 1}"] = bytes(octets)
    assert decode(Type.USER_INFORMATION, encode(Type.USER_INFORMATION, known)) == known


def test_what_is_no_value_of_the_type_is_a_fault_of_the_caller():
    with pytest.raises(ValueError, match="RasMessage"):
        encode(Type.RAS, ("gatekeeperRequest", {"nothing": 1}))


@pytest.mark.parametrize("octets", [b"", bytes(per.MAX_BYTES + 1)])
def test_sizes_are_bounded(octets):
    with pytest.raises(MalformedPduError):
        decode(Type.RAS, octets)


def test_whatever_comes_raises_one_error_and_the_next_unit_is_read():
    dice = random.Random(1)
    for kind, value in ((Type.USER_INFORMATION, RELEASE), (Type.H245, CAPABILITIES)):
        whole = encode(kind, value)
        for _ in range(500):
            octets = bytearray(whole[: dice.randint(1, len(whole))])
            for _ in range(dice.randint(0, 4)):
                octets[dice.randrange(len(octets))] = dice.randrange(256)
            try:
                decode(kind, bytes(octets))
            except MalformedPduError as error:
                assert len(str(error)) < 80
        assert decode(kind, whole) == value
