"""Keys of a terminal in H.245: userInputIndication (H.245 7.12.6), both ways."""

from __future__ import annotations

from typing import Any

from signaling.h323.h245.events import Effect, UserInput, UserInputUpdate, indication

MOST_DIGITS = 128
"""Of one message; a longer string is cut."""
KEYS = frozenset("0123456789*#ABCD!")
_LONGEST_MS = 65_535


def alphanumeric(digits: str) -> list[Effect]:
    """A string of keys."""
    return [indication("userInput", ("alphanumeric", _keys(digits)))]


def signal(digit: str, duration_ms: int | None) -> list[Effect]:
    """One key. Raises ValueError for what is none: a fault of the caller."""
    if len(digit) != 1 or digit not in KEYS:
        raise ValueError("one of 0-9, *, #, A-D, !")
    body: dict[str, Any] = {"signalType": digit}
    if duration_ms is not None:
        body["duration"] = _duration(duration_ms)
    return [indication("userInput", ("signal", body))]


def signal_update(duration_ms: int) -> list[Effect]:
    """How long the key of the last signal is held."""
    return [indication("userInput", ("signalUpdate", {"duration": _duration(duration_ms)}))]


def read(content: Any) -> list[Effect]:
    """What a userInput of the peer says; nothing where it says no key. Letters of either case (H.245 7.12.6)."""
    kind, body = content
    if kind == "alphanumeric":
        return _told(body)
    if kind == "extendedAlphanumeric":
        return _told(body.get("alphanumeric", ""))
    if kind == "signal":
        return _told(body["signalType"], body.get("duration"))
    if kind == "signalUpdate":
        return [UserInputUpdate(body["duration"])]
    return []


def _told(text: str | bytes, duration_ms: int | None = None) -> list[Effect]:
    digits = _keys(text.decode("latin-1") if isinstance(text, bytes) else text)
    return [UserInput(digits, duration_ms)] if digits else []


def _keys(text: str) -> str:
    return "".join(key for key in text[:MOST_DIGITS].upper() if key in KEYS)


def _duration(duration_ms: int) -> int:
    return min(max(duration_ms, 1), _LONGEST_MS)
