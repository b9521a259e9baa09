"""MD4 by the test suite of RFC 1320 A.5, and NT hashes."""

from __future__ import annotations

import pytest

from crypto.keys import KeyFault, generate
from crypto.md4 import md4
from crypto.nt_hash import NtHash
from crypto.secret import Secret


@pytest.mark.parametrize(
    ("text", "digest"),
    [
        ("", "31d6cfe0d16ae931b73c59d7e0c089c0"),
        ("a", "bde52cb31de33e46245e05fbdbd6fb24"),
        ("abc", "a448017aaf21d8525fc10ae87aa6729d"),
        ("message digest", "d9130a8164549fe818874806e1c7014b"),
        ("abcdefghijklmnopqrstuvwxyz", "d79e1c308aa5bbcdeea8ed63df412da9"),
        ("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", "043f8582f241db351ce627e153e7f0e4"),
        ("1234567890" * 8, "e33b4ddc9c38f2199c3e7b164fcc0536"),
    ],
)
def test_the_test_suite_of_rfc_1320(text: str, digest: str):
    assert md4(text.encode()).hex() == digest


def test_the_hash_of_rfc_2759():
    made = NtHash.of("clientPass")
    assert made.octets.hex() == "44ebba8d5312b8d611474411f56989ae"
    assert made == NtHash.of(Secret("clientPass"))
    assert made.is_of("clientPass")
    assert not made.is_of("clientpass")
    assert not made.is_of("x" * 10_000)
    assert "44eb" not in repr(made)


def test_it_opens_only_for_its_own_name_and_key():
    master, made = generate(), NtHash.of("clientPass")
    sealed = made.seal(master, "vt1")
    assert NtHash.unseal(master, "vt1", sealed) == made
    for key, name in ((master, "vt2"), (generate(), "vt1")):
        with pytest.raises(KeyFault):
            NtHash.unseal(key, name, sealed)


def test_what_is_no_hash_is_refused():
    with pytest.raises(ValueError, match="16"):
        NtHash(bytes(15))
    with pytest.raises(ValueError, match="256"):
        NtHash.of("x" * 257)
