"""Whom a Setup calls and who it says is calling, for the dial plan and the roster. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from signaling import dialplan
from signaling.dialplan import Dialled
from signaling.h323.call.setup import Setup
from signaling.h323.ras.alias import Alias, AliasKind

MAX_NAME_CHARACTERS = 64
_SCHEME = "h323:"
_SHOWN = (AliasKind.H323_ID, AliasKind.URL_ID, AliasKind.EMAIL_ID, AliasKind.DIALLED_DIGITS)


def dialled(called: Iterable[Alias], own_names: frozenset[str]) -> Dialled:
    """The first alias that names a room; the attendant where none does, unless one was malformed.

    Terminals that were given only an address call it by its own name, or by nothing.
    """
    found = [dialplan.parse(user_of(alias)) for alias in called if user_of(alias).lower() not in own_names]
    room = next((each for each in found if each.is_valid and each.room), None)
    if room is not None:
        return room
    return next((each for each in found if not each.is_valid), Dialled())


def caller_name(setup: Setup, host: str) -> str:
    """What the roster and the picture show: Display, else the best alias, else the address.

    A passcode in it is cut off, as some terminals call themselves by what they dialled. Display has no letters but
    those of IA5: an alias that has others is what the terminal is really called.
    """
    aliases = sorted(setup.calling, key=lambda alias: _SHOWN.index(alias.kind))
    hidden = AliasKind.DIALLED_DIGITS if setup.is_restricted else None
    texts = [user_of(alias) for alias in aliases if alias.kind is not hidden]
    names = [name for name in map(_printable, (setup.display, *texts)) if name]
    return next((name for name in names if not name.isascii()), names[0] if names else host)


def user_of(alias: Alias) -> str:
    """Without scheme and host, which only say that it is for us."""
    text = alias.text.strip()
    if alias.kind is AliasKind.DIALLED_DIGITS:
        return text
    if text.lower().startswith(_SCHEME):
        text = text[len(_SCHEME) :]
    return text.rpartition("@")[0] if "@" in text else text


def _printable(text: str) -> str:
    kept = (" " if unicodedata.category(char).startswith("Z") else char for char in text.partition("**")[0])
    printable = "".join(char for char in kept if not unicodedata.category(char).startswith("C"))
    return " ".join(printable.split())[:MAX_NAME_CHARACTERS]
