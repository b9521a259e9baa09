from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.h235 import media_cipher
from crypto.h235.media_cipher import CiphertextError, PayloadDecryptor, PayloadEncryptor, initial_vector

KEY = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c")
# NIST SP 800-38A F.2.1, whose initial vector no packet can have: its first block is given as difference to ours.
PLAIN = bytes.fromhex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51")
CIPHER = bytes.fromhex("7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2")
NIST_VECTOR = bytes(range(16))
# RFC 3962 appendix B: ciphertext stealing in CBC mode with a vector of zeros.
STEALING_KEY = b"chicken teriyaki"
STOLEN = [
    (17, "c6353568f2bf8cb4d8a580362da7ff7f97"),
    (31, "fc00783e0efdb2c1d445d4c8eff7ed2297687268d6ecccc0c07b25e25ecfe5"),
]
TEXT = b"I would like the General Gau's Chicken, please, "


def test_the_vector_repeats_sequence_number_and_timestamp():
    assert initial_vector(0x0102, 0x03040506).hex() == "01020304050601020304050601020304"


def xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


def test_known_answer_of_whole_blocks():
    vector = initial_vector(7, 99)
    moved = xor(xor(PLAIN[:16], NIST_VECTOR), vector) + PLAIN[16:]
    assert PayloadEncryptor(KEY).encrypt(moved, 7, 99) == (CIPHER, False)
    assert PayloadDecryptor(KEY).decrypt(CIPHER, 7, 99, is_padded=False) == moved


@pytest.mark.parametrize(("size", "ciphertext"), STOLEN)
def test_known_answer_of_stolen_ciphertext(size, ciphertext):
    assert PayloadDecryptor(STEALING_KEY).decrypt(bytes.fromhex(ciphertext), 0, 0, is_padded=False) == TEXT[:size]


def reference(key: bytes, payload: bytes, sequence: int, timestamp: int) -> bytes:
    return Cipher(algorithms.AES(key), modes.CBC(initial_vector(sequence, timestamp))).encryptor().update(payload)


@pytest.mark.parametrize("size", [16, 24, 32])
@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.binary(min_size=1, max_size=80), st.integers(0, 0xFFFF), st.integers(0, 0xFFFFFFFF)), max_size=6
    )
)
def test_one_running_context_is_as_good_as_one_a_packet(size, packets):
    key = bytes(range(size))
    encryptor, decryptor = PayloadEncryptor(key), PayloadDecryptor(key)
    for payload, sequence, timestamp in packets:
        ciphertext, is_padded = encryptor.encrypt(payload, sequence, timestamp)
        missing = -len(payload) % 16
        assert is_padded == (missing > 0)
        assert ciphertext == reference(key, payload + bytes((missing,)) * missing, sequence, timestamp)
        assert decryptor.decrypt(ciphertext, sequence, timestamp, is_padded) == payload


def test_what_padding_holds_is_not_looked_at():
    ciphertext = reference(KEY, b"hello" + b"rubbish..." + b"\x0b", 1, 2)
    assert PayloadDecryptor(KEY).decrypt(ciphertext, 1, 2, is_padded=True) == b"hello"


@pytest.mark.parametrize(
    ("ciphertext", "is_padded"),
    [(b"", True), (bytes(15), False), (bytes(17), True), (reference(KEY, bytes(16), 0, 0), True),
     (reference(KEY, b"\x11" * 16, 0, 0), True)],
)  # fmt: skip
def test_what_cannot_be_is_refused_and_the_next_packet_is_read(ciphertext, is_padded):
    decryptor = PayloadDecryptor(KEY)
    with pytest.raises(CiphertextError):
        decryptor.decrypt(ciphertext, 0, 0, is_padded)
    assert decryptor.decrypt(reference(KEY, TEXT, 5, 6), 5, 6, is_padded=False) == TEXT


def test_nothing_stays_nothing():
    assert PayloadEncryptor(KEY).encrypt(b"", 1, 1) == (b"", False)
    assert PayloadDecryptor(KEY).decrypt(b"", 1, 1, is_padded=False) == b""
    assert media_cipher.BLOCK == 16
