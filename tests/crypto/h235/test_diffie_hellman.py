from __future__ import annotations

import pytest

from crypto.h235.diffie_hellman import DH_1024, DH_2048, DH_4096, GROUPS, HalfKeyError, KeyAgreement, key_encryption_key


@pytest.mark.parametrize(
    ("group", "start", "end"),
    [
        # The first digits after 64 ones, and the last before 64 ones, as RFC 2409 6.2 and RFC 3526 3 and 5 print them.
        (DH_1024, "C90FDAA22168C234C4C6628B80DC1CD1", "7C4B1FE649286651ECE65381"),
        (DH_2048, "C90FDAA22168C234C4C6628B80DC1CD1", "3995497CEA956AE515D2261898FA051015728E5A8AACAA68"),
        (DH_4096, "C90FDAA22168C234C4C6628B80DC1CD1", "90A6C08F4DF435C934063199"),
    ],
)
def test_the_groups_are_those_of_the_rfcs(group, start, end):
    digits = f"{group.prime:X}"
    assert digits.startswith("F" * 16 + start)
    assert digits.endswith(end + "F" * 16)
    assert group.prime.bit_length() == group.bits


@pytest.mark.parametrize("group", [DH_1024, DH_2048, DH_4096])
def test_the_primes_are_safe(group):
    for number in (group.prime, group.prime // 2):
        assert pow(3, number - 1, number) == 1  # Fermat: enough to find a wrong digit


@pytest.mark.parametrize("group", GROUPS.values())
def test_both_ends_know_the_same(group):
    one, other = KeyAgreement(group), KeyAgreement(group)
    secret = one.secret(other.half_key)
    assert secret == other.secret(one.half_key)
    assert len(secret) == group.size
    assert one.half_key != other.half_key


@pytest.mark.parametrize("y", [0, 1, DH_1024.prime - 1, DH_1024.prime, 1 << 1024])
def test_half_keys_that_give_the_secret_away_are_refused(y):
    with pytest.raises(HalfKeyError):
        KeyAgreement(DH_1024).secret(y.to_bytes(129, "big").lstrip(b"\0"))


def test_the_key_is_the_end_of_the_secret():
    secret = bytes(range(128))
    assert key_encryption_key(secret, 16) == bytes(range(112, 128))
    assert key_encryption_key(secret, 24) == bytes(range(104, 128))
    assert key_encryption_key(secret, 32) == bytes(range(96, 128))
