"""What is remembered of texts: short ones without anything secret."""

from __future__ import annotations

import pytest

from signaling.errors import MalformedMessage
from signaling.sip.wire.memory import remembered
from signaling.sip.wire.uri import parse_uri


def test_a_text_is_understood_once_unless_it_is_long_or_may_hold_a_passcode():
    asked: list[str] = []

    def parse(text: str) -> int:
        asked.append(text)
        return len(text)

    understood = remembered(parse)
    for text in ("sip:a@h", "sip:1001**2468@h", "sip:1001%2a%2A2468@h", "x" * 257):
        assert [understood(text), understood(text)] == [len(text)] * 2
    assert [asked.count(text) for text in dict.fromkeys(asked)] == [1, 2, 2, 2]


def test_what_cannot_be_understood_is_refused_each_time():
    for _ in range(2):
        with pytest.raises(MalformedMessage):
            parse_uri("no uri")
