"""Understanding the same text once: the headers of a call repeat themselves with every message."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TypeVar

T = TypeVar("T")
_MAX_TEXTS = 1024
_MAX_CHARACTERS = 256


def remembered(parse: Callable[[str], T]) -> Callable[[str], T]:
    """`parse`, which makes an immutable value of a text, asked once for the short ones heard lately.

    What may carry a passcode (`**`, or escapes that hide it) is forgotten at once.
    """
    kept = lru_cache(_MAX_TEXTS)(parse)

    @wraps(parse)
    def understood(text: str) -> T:
        if len(text) > _MAX_CHARACTERS or "**" in text or "%" in text:
            return parse(text)
        return kept(text)

    return understood
