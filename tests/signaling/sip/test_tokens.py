"""Tokens are long enough, hexadecimal, and never the same, also where a pool ends."""

from __future__ import annotations

from signaling.sip.tokens import Tokens


def test_tokens_differ():
    tokens = Tokens()
    made = [tokens() for _ in range(1000)]
    assert len(set(made)) == 1000
    assert all(len(token) == 20 and int(token, 16) >= 0 for token in made)
