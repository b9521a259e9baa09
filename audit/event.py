"""An event of the audit: who did what to what, from where, and how it went. Secrets cannot get in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Protocol

MAX_FIELDS: Final = 64
MAX_CHARACTERS: Final = 256
"""Longer text is cut."""
_SECRET_NAME = re.compile(
    r"pass(code|word|phrase)|secret|(^|_)(hash|hashes|keys?|tokens?|csrf|cookie|pepper|salt|pins?|pwd|psk|ha1)(_|$)"
)
# Modular crypt, such as $argon2id$v=19$...
_HASHED = re.compile(r"\$[a-z0-9-]{1,16}\$")

Value = str | int | float | bool | None | tuple[str, ...]


class SecretInEventError(ValueError):
    """A field of an event would hold a secret; the text names the field alone."""


class Outcome(StrEnum):
    """How it went."""

    DONE = "done"
    REFUSED = "refused"
    """It was not allowed."""
    FAILED = "failed"
    """A part of ours did not work."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event. Raises SecretInEventError for names and types of secrets, ValueError, TypeError."""

    when: datetime
    """Aware."""
    who: str
    """Name of an account; "" for a stranger, whose word for it counts nothing."""
    source: str
    """Address that it came from, "" for this machine."""
    action: str
    """Kind of the object and what was done, such as "room.created"."""
    object_id: str
    """Such as the number of a room."""
    old: Mapping[str, Value] = field(default_factory=dict)
    """Fields that have changed or are gone, as they were."""
    new: Mapping[str, Value] = field(default_factory=dict)
    """Fields that have changed or are new, as they are now."""
    outcome: Outcome = Outcome.DONE
    reason: str = ""
    """Why it was refused or failed: a code, no words of a peer."""

    def __post_init__(self) -> None:
        if self.when.tzinfo is None:
            raise ValueError("when: times must be aware")
        for name in ("who", "source", "object_id", "reason"):
            object.__setattr__(self, name, getattr(self, name)[:MAX_CHARACTERS])
        for name in ("old", "new"):
            object.__setattr__(self, name, _checked(getattr(self, name)))

    @property
    def object_kind(self) -> str:
        """What kind of thing it was done to, such as "room"."""
        return self.action.partition(".")[0]


class Audit(Protocol):
    """Keeps events, and bounds how many of strangers it keeps."""

    async def record(self, event: Event) -> None:
        """Returns when it is kept; what raises fails the request that it is about."""


class NoAudit:
    """Keeps nothing."""

    async def record(self, event: Event) -> None:
        """Forgotten."""


def differences(old: Mapping[str, Value], new: Mapping[str, Value]) -> tuple[Mapping[str, Value], Mapping[str, Value]]:
    """Of both sides the fields that are not the same on the other."""
    nothing = object()
    return (
        {name: value for name, value in old.items() if new.get(name, nothing) != value},
        {name: value for name, value in new.items() if old.get(name, nothing) != value},
    )


def _checked(fields: Mapping[str, Value]) -> Mapping[str, Value]:
    if len(fields) > MAX_FIELDS:
        raise ValueError(f"more than {MAX_FIELDS} fields")
    return MappingProxyType({name: _value(name, value) for name, value in fields.items()})


def _value(name: str, value: Value) -> Value:
    if isinstance(value, bool):
        # Whether there is a passcode is no secret.
        return value
    if (
        _SECRET_NAME.search(name.lower())
        or isinstance(value, bytes | bytearray | memoryview)
        or hasattr(value, "reveal")
    ):
        raise SecretInEventError(name)
    if isinstance(value, tuple):
        return tuple(_text(name, text) for text in value[:MAX_FIELDS])
    if isinstance(value, str):
        return _text(name, value)
    if value is None or isinstance(value, int | float):
        return value
    raise TypeError(f"{name}: an event holds no {type(value).__name__}")


def _text(name: str, text: str) -> str:
    if not isinstance(text, str):
        raise TypeError(f"{name}: an event holds no {type(text).__name__}")
    if _HASHED.match(text):
        raise SecretInEventError(name)
    return str(text)[:MAX_CHARACTERS]
