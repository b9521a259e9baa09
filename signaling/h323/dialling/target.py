"""A dialled target as H.323 understands it: `h323:alias@host:port`, `h323:alias`, or the bare alias or number. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from signaling.h323.ras.alias import Alias, AliasKind, make

SCHEME = "h323:"
SIGNALLING_PORT = 1720
_MOST_PORT = 65_535
_NUMBER = frozenset("0123456789*#")


@dataclass(frozen=True, slots=True)
class Target:
    """Whom to call."""

    alias: Alias | None
    """None for whoever answers at the host."""
    host: str = ""
    """"" for a terminal that is registered here."""
    port: int = SIGNALLING_PORT

    @property
    def name(self) -> str:
        """For the roster; a passcode of a room elsewhere is cut off."""
        return self.alias.text.partition("**")[0] if self.alias is not None else self.host


def parse(text: str) -> Target | None:
    """None for what is no target of H.323 (H.323 7.8.1 for the URL)."""
    is_url = text.lower().startswith(SCHEME)
    user, mark, place = (text[len(SCHEME) :] if is_url else text).rpartition("@")
    if not mark:
        user, place = place, ""
    place = place.partition(";")[0]
    if (place and not is_url) or not (user or place):
        return None
    host, port = _split(place)
    alias = alias_of(user) if user else None
    if port is None or (user and alias is None) or (mark and not host):
        return None
    return Target(alias, host, port)


def alias_of(text: str) -> Alias | None:
    """Digits are a number, all else is a name."""
    kind = AliasKind.DIALLED_DIGITS if set(text) <= _NUMBER else AliasKind.H323_ID
    return make(kind, text)


def _split(place: str) -> tuple[str, int | None]:
    """Host and port; no port where it is none."""
    if place.startswith("["):
        host, _, rest = place[1:].partition("]")
        port = rest.removeprefix(":") if rest.startswith(":") else rest and "x"
    else:
        host, _, port = place.partition(":")
    if not port:
        return host, SIGNALLING_PORT
    is_port = port.isascii() and port.isdigit() and 0 < int(port) <= _MOST_PORT
    return host, int(port) if is_port else None
