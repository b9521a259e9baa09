"""AliasAddress (H.225.0 7.6): the names and numbers of a terminal, and which of them mean the same."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class AliasKind(StrEnum):
    """The kinds that we register and look for, by their ASN.1 names."""

    H323_ID = "h323-ID"
    DIALLED_DIGITS = "dialledDigits"
    """E.164 and private numbers."""
    URL_ID = "url-ID"
    EMAIL_ID = "email-ID"


_MOST_CHARACTERS = {
    AliasKind.H323_ID: 256,
    AliasKind.DIALLED_DIGITS: 128,
    AliasKind.URL_ID: 512,
    AliasKind.EMAIL_ID: 512,
}
_DIGITS = frozenset("0123456789#*,")


@dataclass(frozen=True, slots=True)
class Alias:
    """One name of a terminal."""

    kind: AliasKind
    text: str

    @property
    def key(self) -> tuple[AliasKind, str]:
        """Equal for aliases that mean the same: people do not tell capital letters apart on a remote control."""
        return self.kind, self.text.casefold()

    @property
    def value(self) -> tuple[str, str]:
        """For pycrate."""
        return self.kind.value, self.text

    def __str__(self) -> str:
        return f"{self.kind.value}:{self.text}"


def parse(value: Any) -> Alias | None:
    """An alias of a kind that we know and of printable text, else None."""
    kind, text = value
    if kind == "partyNumber":
        return _party_number(text)
    if kind not in set(AliasKind):
        return None
    return make(AliasKind(kind), text)


def make(kind: AliasKind, text: str) -> Alias | None:
    """None for text that this kind cannot have."""
    text = text.rstrip("\0")  # Some terminals count a terminating zero.
    if not 0 < len(text) <= _MOST_CHARACTERS[kind] or not text.isprintable():
        return None
    if kind is not AliasKind.H323_ID and not text.isascii():
        return None
    if kind is AliasKind.DIALLED_DIGITS and not set(text) <= _DIGITS:
        return None
    return Alias(kind, text)


def parse_all(values: Iterable[Any] | None) -> tuple[Alias, ...]:
    """Those that we know, each once, in their order."""
    found = (alias for alias in map(parse, values or ()) if alias is not None)
    return tuple({alias.key: alias for alias in found}.values())


def _party_number(value: Any) -> Alias | None:
    """A public or private number counts as its digits: TANDBERG writes numbers in both ways."""
    match value:
        case ("e164Number", {"publicNumberDigits": digits}) | ("privateNumber", {"privateNumberDigits": digits}):
            return make(AliasKind.DIALLED_DIGITS, digits)
        case _:
            return None
