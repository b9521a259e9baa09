"""What people type to call a terminal of H.323."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.h323.dialling.target import Target, parse
from signaling.h323.ras.alias import Alias, AliasKind

NUMBER = Alias(AliasKind.DIALLED_DIGITS, "4711")
NAME = Alias(AliasKind.H323_ID, "Theatre 3")


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("4711", Target(NUMBER)),
        ("h323:4711", Target(NUMBER)),
        ("H323:Theatre 3", Target(NAME)),
        ("h323:4711@10.0.0.3", Target(NUMBER, "10.0.0.3")),
        ("h323:4711@10.0.0.3:1721", Target(NUMBER, "10.0.0.3", 1721)),
        ("h323:@10.0.0.3", Target(None, "10.0.0.3")),
        ("h323:4711@[fd00::3]:1721", Target(NUMBER, "fd00::3", 1721)),
        ("h323:4711@[fd00::3]", Target(NUMBER, "fd00::3")),
        ("h323:4711@host.example;type=terminal", Target(NUMBER, "host.example")),
    ],
)
def test_what_is_meant(text: str, target: Target) -> None:
    assert parse(text) == target


@pytest.mark.parametrize(
    "text",
    ["", "h323:", "h323:4711@", "h323:4711@10.0.0.3:0", "h323:4711@10.0.0.3:99999", "h323:4711@[fd00::3]x",
     "4711@10.0.0.3", "sip:4711@10.0.0.3", "h323:47\n11"],
)  # fmt: skip
def test_what_is_none(text: str) -> None:
    assert parse(text) is None


def test_a_passcode_is_not_shown() -> None:
    target = parse("h323:1001**2468@10.0.0.3")
    assert target is not None
    assert target.name == "1001"


@given(st.text(max_size=300))
def test_any_text_is_a_target_or_none(text: str) -> None:
    parse(text)
