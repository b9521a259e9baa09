"""The far end of the benchmarks is one that our ICE lets in."""

from __future__ import annotations

from aioice import stun

from bench.far_end import NAME, connectivity_check


def test_a_check_nominates_and_proves_that_the_password_is_known() -> None:
    data = connectivity_check("abcd", "p" * 22)
    message = stun.parse_message(data)
    assert message.attributes["USERNAME"] == f"abcd:{NAME}"
    assert "USE-CANDIDATE" in message.attributes
    assert message.check_message_integrity(b"p" * 22)
    assert not message.check_message_integrity(b"q" * 22)


def test_its_name_is_as_long_as_a_name_has_to_be() -> None:
    assert 4 <= len(NAME) <= 256  # RFC 8839 5.4
