from __future__ import annotations

import pytest

from crypto.h235.algorithm import Algorithm
from crypto.h235.session_key import SessionKeyError, unwrap, wrap

# NIST SP 800-38A F.1 (ECB, one block) is CBC with a vector of zeros.
BLOCK = bytes.fromhex("6bc1bee22e409f96e93d7e117393172a")


@pytest.mark.parametrize(
    ("key", "wrapped"),
    [
        ("2b7e151628aed2a6abf7158809cf4f3c", "3ad77bb40d7a3660a89ecaf32466ef97"),
        ("8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b", "bd334f1d6e45f25ff712a214571fa5cc"),
        ("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4", "f3eed1bdb5d2a03c064b5a7e3db181f8"),
    ],
)
def test_known_answers(key, wrapped):
    assert wrap(BLOCK, bytes.fromhex(key)).hex() == wrapped
    assert unwrap(bytes.fromhex(wrapped), bytes.fromhex(key), Algorithm.AES_128_CBC) == BLOCK


@pytest.mark.parametrize("algorithm", Algorithm)
def test_a_key_of_every_size_comes_back(algorithm):
    key = bytes(range(algorithm.key_bytes))
    wrapped = wrap(key, bytes(32))
    assert len(wrapped) % 16 == 0
    assert unwrap(wrapped, bytes(32), algorithm) == key


@pytest.mark.parametrize("size", [0, 15, 17, 48])
def test_other_sizes_are_refused(size):
    with pytest.raises(SessionKeyError):
        unwrap(bytes(size), bytes(16), Algorithm.AES_256_CBC)
