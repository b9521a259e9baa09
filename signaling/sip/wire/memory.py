"""Understanding the same text once: the headers of a call repeat themselves with every message."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

T = TypeVar("T")
_MAX_TEXTS = 1024
_MAX_CHARACTERS = 256


def remembered(parse: Callable[[str], T]) -> Callable[[str], T]:
    """`parse`, which makes an immutable value of a text, asked once for the short ones heard lately.

    What may carry a passcode (`**`, or escapes that hide it) is forgotten at once.
    """
    kept: dict[str, T] = {}

    @wraps(parse)
    def understood(text: str) -> T:
        found = kept.get(text)
        if found is None:
            found = parse(text)
            if len(text) <= _MAX_CHARACTERS and "**" not in text and "%" not in text:
                if len(kept) >= _MAX_TEXTS:
                    kept.clear()
                kept[text] = found
        return found

    return understood
