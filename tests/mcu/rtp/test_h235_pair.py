from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given, settings
from hypothesis import strategies as st

from mcu.media import H235Keys
from mcu.rtp import packet as rtp
from mcu.rtp.h235_pair import MAX_PACKET_BYTES, H235Pair

ONE, OTHER = bytes(range(16)), bytes(range(16, 32))
OURS = H235Keys(ONE, ((98, OTHER),))
THEIRS = H235Keys(OTHER, ((97, ONE),))


def test_a_payload_is_encrypted_as_h_235_6_says_and_the_header_is_not():
    packet = rtp.header(97, marker=True, sequence=0x1234, timestamp=0x89ABCDEF, ssrc=5) + b"x" * 160
    protected = H235Pair(OURS).protect(packet)
    vector = bytes.fromhex("123489abcdef123489abcdef123489ab")
    assert protected[:12] == packet[:12]
    assert protected[12:] == Cipher(algorithms.AES(ONE), modes.CBC(vector)).encryptor().update(b"x" * 160)


def test_what_is_no_whole_block_is_padded_and_marked():
    packet = rtp.header(97, False, 1, 2, 3) + b"x" * 100
    protected = H235Pair(OURS).protect(packet)
    assert protected[0] == 0xA0
    assert len(protected) == 12 + 112
    assert H235Pair(THEIRS).unprotect(protected) == packet


def test_headers_with_csrcs_and_extensions_stay_clear():
    head = rtp.header(97, False, 9, 9, 9, rtp.extension_block([(1, b"\x10")]))
    protected = H235Pair(OURS).protect(head + b"payload")
    assert protected.startswith(bytes((head[0] | 0x20,)) + head[1:])
    assert H235Pair(THEIRS).unprotect(protected) == head + b"payload"


@pytest.mark.parametrize(
    ("packet", "reason"),
    [
        (b"\x80", "malformed"),
        (rtp.header(0, False, 1, 1, 1) + bytes(160), "payload-type"),
        (rtp.header(98, False, 1, 1, 1) + bytes(5), "malformed"),
        (b"\x8f" + rtp.header(98, False, 1, 1, 1)[1:], "malformed"),
        (b"\x90" + rtp.header(98, False, 1, 1, 1)[1:] + b"\xbe\xde\xff\xff", "malformed"),
        (b"\xa0" + rtp.header(98, False, 1, 1, 1)[1:] + bytes(17), "malformed"),
    ],
)
def test_what_is_not_of_the_channel_is_dropped_and_counted(packet, reason):
    pair = H235Pair(OURS)
    assert pair.unprotect(packet) is None
    assert pair.drops == {reason: 1}


def test_both_keys_are_taken_while_they_change():
    pair = H235Pair(H235Keys(b"", ((98, OTHER), (99, ONE))))
    for payload_type, key in ((98, OTHER), (99, ONE), (98, OTHER)):
        packet = rtp.header(payload_type, False, 1, 1, 1) + b"some sound"
        assert pair.unprotect(H235Pair(H235Keys(key)).protect(packet)) == packet


def test_nothing_is_sent_without_a_key_or_beyond_the_size():
    pair = H235Pair(H235Keys())
    assert pair.protect(rtp.header(97, False, 1, 1, 1)) is None
    assert H235Pair(OURS).protect(bytes(MAX_PACKET_BYTES + 1)) is None
    assert pair.drops == {"protect-no-key": 1}


def test_keys_of_a_wrong_length_are_refused_and_never_shown():
    with pytest.raises(ValueError, match="key size"):
        H235Pair(H235Keys(b"short"))
    assert "\\x" not in repr(OURS)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=80))
def test_anything_may_come(data):
    pair = H235Pair(H235Keys(b"", tuple((number, ONE) for number in range(128))))
    clear = pair.unprotect(data)
    assert clear is None or len(clear) <= len(data)
    assert (clear is None) == (sum(pair.drops.values()) == 1)
