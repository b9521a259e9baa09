"""a=crypto lines."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto import sdes

CM, GCM128, GCM256 = "AES_CM_128_HMAC_SHA1_80", "AEAD_AES_128_GCM", "AEAD_AES_256_GCM"


def key(suite: str) -> str:
    return base64.b64encode(bytes(range(sum(sdes.SUITES[suite])))).decode()


@pytest.mark.parametrize("suite", [CM, GCM128, GCM256])
def test_round_trip(suite):
    line = sdes.make(3, suite, lambda size: bytes(size))
    assert sdes.parse(line.serialize()) == line
    assert "inline" not in repr(line)
    assert "key" not in repr(line)


@pytest.mark.parametrize("tail", ["", "|2^31", "|1048576", "|2^20 WSH=64", " KDR=0"])
def test_harmless_parameters(tail):
    assert sdes.parse(f"1 {CM} inline:{key(CM)}{tail}") is not None


@pytest.mark.parametrize(
    "value",
    [
        "", "1", f"x {CM} inline:{key(CM)}", f"1 AES_CM_128_HMAC_SHA1_32 inline:{key(CM)}", f"1 {CM} inline:abcd",
        f"1 {CM} inline:{key(GCM256)}", f"1 {CM} plain:{key(CM)}", f"1 {CM} inline:{key(CM)}|2^20|1:4",
        f"1 {CM} inline:{key(CM)}|1:4", f"1 {CM} inline:{key(CM)};inline:{key(CM)}",
        f"1 {CM} inline:{key(CM)} UNENCRYPTED_SRTP", f"1 {CM} inline:{key(CM)} UNAUTHENTICATED_SRTP",
        f"1 {CM} inline:{key(CM)} FEC_KEY=inline:x", f"1 {CM} inline:é",
    ],
)  # fmt: skip
def test_unusable(value):
    assert sdes.parse(value) is None


def test_missing_padding_is_forgiven():
    assert sdes.parse(f"1 {GCM256} inline:{key(GCM256).rstrip('=')}") is not None


def test_choice_is_ours():
    lines = [f"1 {CM} inline:{key(CM)}", f"2 {GCM128} inline:{key(GCM128)}", "3 X inline:y", f"4 {CM} inline:{key(CM)}"]
    assert sdes.choose(lines).tag == 2
    assert sdes.choose(lines[:1] + lines[2:]).tag == 1
    assert sdes.choose(["3 X inline:y"]) is None


def test_truncated_at_every_length():
    line = f"1 {CM} inline:{key(CM)}|2^31"
    whole = len(f"1 {CM} inline:{key(CM)}")
    for length in range(whole):
        assert sdes.parse(line[:length]) is None


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=60), st.integers(0, 90))
def test_garbage_never_raises(noise, at):
    line = f"1 {CM} inline:{key(CM)}|2^31"
    sdes.parse(line[:at] + noise + line[at:])
