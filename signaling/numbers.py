"""Telephone numbers as people dial them, and the rules on which of them may be called."""

from __future__ import annotations

import re
from collections.abc import Iterable

MAX_NUMBER_DIGITS = 32
# Separators that people write (RFC 3966 3, visual-separator, and spaces).
_SEPARATORS = str.maketrans("", "", " -.()/\u00a0\u2010\u2011\u2013")
_NUMBER = re.compile(r"\+?[0-9]{1,32}", re.ASCII)


def normalized(text: str) -> str:
    """Digits, behind a "+" where there was one; "" for what is no telephone number.

    Digits of other scripts, letters, `*` and `#` make no number: an exchange may take `*` and `#` for orders.
    """
    if len(text) > 3 * MAX_NUMBER_DIGITS:
        return ""
    number = text.strip().removeprefix("tel:").translate(_SEPARATORS)
    return number if _NUMBER.fullmatch(number) else ""


def rewritten(number: str, strip: str, prefix: str = "") -> str:
    """The number without the leading `strip`, where it has it, and with `prefix` before it."""
    rest = number.removeprefix(strip) if strip and len(number) > len(strip) else number
    return prefix + rest


class AllowList:
    """Which numbers may be called: the whole number has to match one of the patterns, and without any none may."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._patterns = tuple(re.compile(pattern, re.ASCII) for pattern in patterns)

    def allows(self, number: str) -> bool:
        """Whether this normalised number may be called."""
        return bool(number) and any(pattern.fullmatch(number) for pattern in self._patterns)
