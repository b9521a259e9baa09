"""EAP packets: round trips, truncation at every length, what RFC 3748 section 4 forbids."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth8021x.errors import MalformedPacketError
from auth8021x.wire import eap
from auth8021x.wire.eap import MAX_PACKET_BYTES, Code, Eap, Method

MD5 = Eap(Code.REQUEST, 0, Method.MD5_CHALLENGE, b"\x10" + bytes(range(16)))


@pytest.mark.parametrize(
    ("packet", "wire"),
    [
        (eap.request_identity(0), "0100000501"),
        (Eap(Code.RESPONSE, 255, Method.IDENTITY, b"vt1"), "02ff000801767431"),
        (eap.success(7), "03070004"),
        (eap.failure(7), "04070004"),
        (MD5, "010000160410" + bytes(range(16)).hex()),
    ],
)
def test_packets_as_rfc_3748_draws_them(packet: Eap, wire: str):
    assert packet.serialize().hex() == wire
    assert eap.parse(bytes.fromhex(wire)) == packet


def test_padding_is_not_read():
    assert eap.parse(MD5.serialize() + b"\xff" * 9) == MD5


def test_cut_off_anywhere_it_is_refused():
    for packet in (MD5, eap.success(1), eap.failure(1)):
        data = packet.serialize()
        for size in range(len(data)):
            with pytest.raises(MalformedPacketError):
                eap.parse(data[:size])


@pytest.mark.parametrize(
    "wire",
    [
        "01000004",  # a request without a type
        "02000004",
        "0300000501",  # Success with something in it
        "0400000501",
        "03000003",
        "0500000501",  # RFC 6696, which we do not speak
        "0000000501",
        "0100ffff01",
    ],
)
def test_what_is_wrong_is_refused(wire: str):
    with pytest.raises(MalformedPacketError):
        eap.parse(bytes.fromhex(wire))


def test_a_packet_that_radius_cannot_carry_is_our_own_fault():
    with pytest.raises(ValueError, match="4000"):
        Eap(Code.REQUEST, 0, Method.TLS, bytes(MAX_PACKET_BYTES)).serialize()


def test_the_data_is_in_no_repr():
    assert "secret" not in repr(Eap(Code.RESPONSE, 1, Method.GTC, b"secret"))


typed = st.builds(
    Eap,
    st.sampled_from([Code.REQUEST, Code.RESPONSE]),
    st.integers(0, 255),
    st.integers(0, 255),
    st.binary(max_size=300),
)
bare = st.builds(Eap, st.sampled_from([Code.SUCCESS, Code.FAILURE]), st.integers(0, 255))


@given(st.one_of(typed, bare), st.binary(max_size=20))
def test_what_is_written_is_read(packet: Eap, padding: bytes):
    assert eap.parse(packet.serialize() + padding) == packet


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data: bytes):
    try:
        packet = eap.parse(data)
    except MalformedPacketError:
        return
    assert data.startswith(packet.serialize())
