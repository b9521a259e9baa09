"""Digests: the examples of the standards, and the same as the library's for any key."""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth8021x.wire.digests import hmac_md5, md5


@pytest.mark.parametrize(
    ("key", "octets", "digest"),
    [
        (b"\x0b" * 16, b"Hi There", "9294727a3638bb1c13f48ef8158bfc9d"),
        (b"Jefe", b"what do ya want for nothing?", "750c783e6ab0b503eaa86e310a5db738"),
        (b"\xaa" * 16, b"\xdd" * 50, "56be34521d144c88dbb8c733f0e8b3f6"),
    ],
)
def test_examples_of_rfc_2104(key: bytes, octets: bytes, digest: str):
    assert hmac_md5(key, octets).hex() == digest


def test_an_example_of_rfc_1321():
    assert md5(b"message digest").hex() == "f96b697d7cb7938d525a2f31aaf161d0"


@given(st.binary(max_size=130), st.binary(max_size=300))
def test_the_same_as_the_library(key: bytes, octets: bytes):
    for _ in range(2):
        assert hmac_md5(key, octets) == hmac.digest(key, octets, "md5")
    assert md5(octets) == hashlib.md5(octets).digest()
