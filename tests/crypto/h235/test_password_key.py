from __future__ import annotations

import pytest

from crypto.h235.password_key import PasswordKey
from crypto.keys import KeyFault


class Master:
    def wrap(self, key: bytes, context: str) -> bytes:
        return context.encode() + b"|" + key

    def unwrap(self, wrapped: bytes, context: str) -> bytes:
        if not wrapped.startswith(context.encode() + b"|"):
            raise KeyFault("another context")
        return wrapped[len(context) + 1 :]


def test_the_key_is_sha1_of_the_password():
    # FIPS 180 example "abc".
    assert PasswordKey.of("abc").octets.hex() == "a9993e364706816aba3e25717850c26c9cd0d89d"


def test_the_hash_is_hmac_sha1_96():
    # RFC 2202, case 1 and case 6: a short key and one longer than a block.
    assert PasswordKey(b"\x0b" * 20).hmac(b"Hi There").hex() == "b617318655057264e28bc0b6"
    long = PasswordKey(b"\xaa" * 80)
    assert long.hmac(b"Test Using Larger Than Block-Size Key - Hash Key First").hex() == "aa4ae5e15272d00e95705637"


def test_a_wrong_hash_is_none():
    key = PasswordKey.of("abc")
    assert key.is_hash_of(b"x", key.hmac(b"x"))
    assert not key.is_hash_of(b"x", key.hmac(b"y"))
    assert not key.is_hash_of(b"x", key.hmac(b"x")[:11])
    assert not key.is_hash_of(b"x", b"")


def test_sealed_for_one_terminal_and_never_shown():
    key = PasswordKey.of("abc")
    sealed = key.seal(Master(), "or1")
    assert PasswordKey.unseal(Master(), "or1", sealed) == key
    with pytest.raises(KeyFault):
        PasswordKey.unseal(Master(), "or2", sealed)
    with pytest.raises(ValueError, match="3 bytes"):
        PasswordKey.unseal(Master(), "or1", Master().wrap(b"abc", "h235/or1"))
    assert "a9" not in repr(key)
    assert key.octets.hex() not in repr(key)
