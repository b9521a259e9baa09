"""RADIUS packets and attributes: round trips, truncation at every length, limits, streams."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth8021x.errors import MalformedPacketError
from auth8021x.wire import attribute, packet
from auth8021x.wire.attribute import MAX_ATTRIBUTES, MAX_VALUE_BYTES, Attribute
from auth8021x.wire.dictionary import Code, Type
from auth8021x.wire.packet import MAX_PACKET_BYTES, Packet, Splitter

NEMO = bytes.fromhex(
    "010000380f403f9473978057bd83d5cb98f4227a01066e656d6f02120dbe708d93d413ce3196e43f782a0aee0406c0a80110050600000003"
)
"""RFC 2865 7.1."""


def test_the_example_of_rfc_2865():
    found = packet.parse(NEMO)
    assert (found.code, found.identifier) == (Code.ACCESS_REQUEST, 0)
    assert attribute.first_text(found.attributes, Type.USER_NAME) == "nemo"
    assert attribute.first(found.attributes, Type.NAS_IP_ADDRESS) == bytes((192, 168, 1, 16))
    assert attribute.first_number(found.attributes, Type.NAS_PORT) == 3
    assert found.serialize() == NEMO


def test_padding_is_not_read():
    assert packet.parse(NEMO + b"\xff" * 100) == packet.parse(NEMO)


def test_cut_off_anywhere_it_is_refused():
    for size in range(len(NEMO)):
        with pytest.raises(MalformedPacketError):
            packet.parse(NEMO[:size])


@pytest.mark.parametrize("attributes", ["01", "0100", "0101", "0106616263", "01036102"])
def test_attributes_with_a_wrong_length(attributes: str):
    body = bytes.fromhex(attributes)
    with pytest.raises(MalformedPacketError):
        packet.parse(NEMO[:2] + (20 + len(body)).to_bytes(2, "big") + NEMO[4:20] + body)


def test_what_is_too_much():
    with pytest.raises(MalformedPacketError):
        attribute.parse(bytes((25, 3, 0)) * (MAX_ATTRIBUTES + 1))
    assert len(attribute.parse(bytes((25, 3, 0)) * MAX_ATTRIBUTES)) == MAX_ATTRIBUTES
    with pytest.raises(MalformedPacketError):
        packet.parse(NEMO[:2] + (MAX_PACKET_BYTES + 3).to_bytes(2, "big") + NEMO[4:20] + bytes((25, 3, 0)) * 1361)
    with pytest.raises(ValueError, match="4096"):
        Packet(1, 1, attributes=(Attribute(25, bytes(MAX_VALUE_BYTES)),) * 16).serialize()
    with pytest.raises(ValueError, match="253"):
        Attribute(25, bytes(MAX_VALUE_BYTES + 1)).serialize()


def test_numbers_have_32_bits_and_text_is_fit_to_be_shown():
    assert attribute.first_number((Attribute(Type.SESSION_TIMEOUT, bytes(4)),), Type.SESSION_TIMEOUT) == 0
    with pytest.raises(MalformedPacketError, match="SESSION_TIMEOUT"):
        attribute.first_number((Attribute(Type.SESSION_TIMEOUT, bytes(3)),), Type.SESSION_TIMEOUT)
    assert attribute.first_number((), Type.SESSION_TIMEOUT) is None
    shown = attribute.first_text((Attribute(Type.USER_NAME, b"vt1\n\x1b[2J\xff"),), Type.USER_NAME)
    assert shown == "vt1��[2J�"
    assert attribute.text(Type.USER_NAME, "诊" * 100).value == ("诊" * 84).encode()


def test_no_value_is_in_a_repr():
    shown = repr(packet.parse(NEMO))
    assert "nemo" not in shown
    assert "0dbe" not in shown.lower()
    assert 'f4"z' not in shown
    assert shown == (
        "Packet(ACCESS_REQUEST, identifier=0, [Attribute(USER_NAME, 4 octets), Attribute(USER_PASSWORD, 16 octets), "
        "Attribute(NAS_IP_ADDRESS, 4 octets), Attribute(NAS_PORT, 4 octets)])"
    )


def test_a_stream_is_cut_into_packets():
    splitter = Splitter()
    found = [each for octet in NEMO + NEMO for each in splitter.feed(bytes((octet,)))]
    assert found == [NEMO, NEMO]
    assert splitter.feed(NEMO + NEMO + NEMO[:9]) == [NEMO, NEMO]
    assert splitter.feed(NEMO[9:]) == [NEMO]


@pytest.mark.parametrize("size", [0, 19, MAX_PACKET_BYTES + 1, 0xFFFF])
def test_a_length_that_cannot_be_ends_a_stream(size: int):
    splitter = Splitter()
    assert splitter.feed(NEMO + NEMO[:2] + size.to_bytes(2, "big")) == [NEMO]
    assert splitter.is_broken
    assert splitter.feed(NEMO) == []


attributes = st.builds(Attribute, st.integers(0, 255), st.binary(max_size=MAX_VALUE_BYTES))
packets = st.builds(
    Packet,
    st.integers(0, 255),
    st.integers(0, 255),
    st.binary(min_size=16, max_size=16),
    st.lists(attributes, max_size=12).map(tuple),
)


@given(packets, st.binary(max_size=20))
def test_what_is_written_is_read(sent: Packet, padding: bytes):
    assert packet.parse(sent.serialize() + padding) == sent


@given(st.binary(max_size=80))
def test_any_bytes_are_read_or_refused(data: bytes):
    try:
        found = packet.parse(data)
    except MalformedPacketError:
        return
    assert data.startswith(found.serialize())
