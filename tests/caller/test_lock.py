"""H.235.6 as our terminal sends it: padded, or with stolen ciphertext."""

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from caller.lock import StealingPair, lock_of, suite_of
from mcu.media import Codec, Format, H235Keys, Kind, SdesKeys, StreamSpec
from mcu.rtp import packet as rtp
from mcu.rtp.h235_pair import H235Pair

KEY = b"chicken teriyaki"
TEXT = b"I would like the General Gau's Chicken, please,"
# RFC 3962 appendix B: AES-128 in CBC with ciphertext stealing, an initial vector of zeros.
VECTORS = [
    (17, "c6353568f2bf8cb4d8a580362da7ff7f97"),
    (31, "fc00783e0efdb2c1d445d4c8eff7ed2297687268d6ecccc0c07b25e25ecfe5"),
    (
        47,
        "97687268d6ecccc0c07b25e25ecfe584b3fffd940c16a18c1b5549d2f838029e39312523a78662d5be7fcbcc98ebf5",
    ),
]


def packet(payload, sequence=0, timestamp=0):
    return rtp.header(96, False, sequence, timestamp, 7) + payload


def pair(keys=KEY):
    return StealingPair(H235Keys(keys, ((96, keys),)))


@pytest.mark.parametrize(("length", "ciphertext"), VECTORS)
def test_known_answers_of_stealing(length, ciphertext) -> None:
    # Sequence number and timestamp 0 make a vector of zeros.
    assert pair().protect(packet(TEXT[:length])) == packet(bytes.fromhex(ciphertext))


@pytest.mark.parametrize("key_bytes", [16, 24, 32])
@pytest.mark.parametrize("length", [1, 15, 16, 17, 32, 33, 160, 1199])
def test_what_is_stolen_or_padded_is_read(key_bytes, length) -> None:
    keys = bytes(range(key_bytes))
    payload = bytes(index % 251 for index in range(length))
    sender, receiver = pair(keys), H235Pair(H235Keys(b"", ((96, keys),)))
    for sequence in (65_535, 0, 1):
        sent = sender.protect(packet(payload, sequence, 0xFFFFFFF0))
        is_padded = bool(sent[0] & 0x20)
        assert is_padded == (length < 16)
        assert len(sent) == 12 + (16 if is_padded else length)
        assert length < 15 or payload not in sent
        assert receiver.unprotect(sent) == packet(payload, sequence, 0xFFFFFFF0)


def test_whole_blocks_are_plain_cbc() -> None:
    vector = bytes.fromhex("0102a0b0c0d0") * 2 + bytes.fromhex("0102a0b0")
    expected = Cipher(algorithms.AES(KEY), modes.CBC(vector)).encryptor().update(TEXT[:32])
    assert pair().protect(packet(TEXT[:32], 0x0102, 0xA0B0C0D0))[12:] == expected


def test_nothing_goes_out_without_a_key() -> None:
    keyless = StealingPair(H235Keys())
    assert keyless.protect(packet(TEXT)) is None
    assert keyless.unprotect(packet(TEXT)) is None
    assert dict(keyless.drops) == {"protect-no-key": 1, "payload-type": 1}
    assert keyless.protect_rtcp(b"report") == b"report"


def test_each_stream_has_its_lock() -> None:
    form = Format(Codec.PCMA, 8, 8000)
    clear = StreamSpec("", Kind.AUDIO, (form,), form)
    assert (lock_of(clear), suite_of(clear)) == (None, "")
    for key_bytes, name in ((16, "AES-128-CBC"), (24, "AES-192-CBC"), (32, "AES-256-CBC")):
        spec = StreamSpec("", Kind.AUDIO, (form,), form, h235=H235Keys(b"", ((8, bytes(key_bytes)),)))
        assert suite_of(spec) == name
        assert type(lock_of(spec)) is H235Pair
        assert type(lock_of(spec, steals=True)) is StealingPair
    waiting = StreamSpec("", Kind.AUDIO, (form,), form, h235=H235Keys())
    assert suite_of(waiting) == ""
    assert lock_of(waiting).protect(packet(TEXT)) is None
    sdes = StreamSpec("", Kind.AUDIO, (form,), form, sdes=SdesKeys("AEAD_AES_128_GCM", bytes(28), bytes(28)))
    assert suite_of(sdes) == lock_of(sdes).suite == "AEAD_AES_128_GCM"
