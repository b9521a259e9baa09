"""Digits in INFO: application/dtmf-relay (`Signal=5`) and application/dtmf (`5`), as terminals send them."""

from __future__ import annotations

import re

_SIGNAL = re.compile(rb"^\s*signal\s*=\s*([0-9A-Da-d*#]{1,2})\s*$", re.IGNORECASE | re.MULTILINE)
_PLAIN = re.compile(rb"\s*([0-9A-Da-d*#]{1,2})\s*")
_NUMBERS = {"10": "*", "11": "#", "12": "A", "13": "B", "14": "C", "15": "D"}  # event codes of RFC 4733 3.2


def digit_of(content_type: str, body: bytes) -> str | None:
    """The digit, None where there is none."""
    found = _SIGNAL.search(body[:256]) if content_type == "application/dtmf-relay" else _PLAIN.fullmatch(body[:16])
    if found is None:
        return None
    text = found.group(1).decode("ascii").upper()
    text = _NUMBERS.get(text, text)
    return text if len(text) == 1 else None
