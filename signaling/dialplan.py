"""What a dialled string means: `1001`, `1001**2468`, `site##1001`, `site##1001**2468`, or nothing (the attendant).

`**` always precedes a passcode, `##` always separates a host from the room. The passcode is cut off here, before
anything is logged or stored.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from crypto.secret import Secret

MAX_DIALLED_CHARACTERS = 256
MAX_PASSCODE_CHARACTERS = 64
MAX_HOST_CHARACTERS = 128

_PASSCODE_MARK = "**"
_HOST_MARK = "##"
# A room's number, or its alias.
_ROOM = re.compile(r"[0-9a-z](?:[0-9a-z._-]{0,62}[0-9a-z])?", re.ASCII)
_HOST = re.compile(r"[^\s\x00-\x1f\x7f#*]{0,128}")
_ESCAPED = re.compile(r"%(?:[0-9A-Fa-f]{2})?")


@dataclass(frozen=True, slots=True)
class Dialled:
    """A dialled string, understood. With `is_valid` False nothing of it is kept: refuse it like an unknown number."""

    room: str = ""
    """Number or alias in lower case; "" is the bare address (the attendant)."""
    passcode: Secret | None = None
    """None where none was dialled; "" for `1001**`, which never opens a room that has a passcode."""
    host: str = ""
    """What stood before `##`."""
    is_valid: bool = True

    @property
    def is_attendant(self) -> bool:
        """Whether the caller dialled us without saying which room."""
        return self.is_valid and not self.room

    @property
    def shown(self) -> str:
        """For logs and records: the string without its passcode."""
        if not self.is_valid:
            return "(malformed)"
        return f"{self.host}{_HOST_MARK}{self.room}" if self.host else self.room


MALFORMED = Dialled(is_valid=False)


def parse(user_part: str) -> Dialled:
    """Understand the user part of a SIP URI or a dialled alias, percent-encoded (RFC 3986 2.1) or not. Never raises."""
    if len(user_part) > 3 * MAX_DIALLED_CHARACTERS:
        return MALFORMED
    # Parameters of a user part (RFC 3261 19.1.1, RFC 3966 3) name no room.
    text = _decoded(user_part.partition(";")[0])
    if text is None or len(text) > MAX_DIALLED_CHARACTERS or not text.isprintable():
        return MALFORMED
    before, mark, after = text.partition(_PASSCODE_MARK)
    passcode = _passcode(after) if mark else None
    host, separator, room = before.rpartition(_HOST_MARK)
    room = room.lower()
    if (mark and passcode is None) or ((separator or mark) and not room):
        return MALFORMED
    if (room and not _ROOM.fullmatch(room)) or not _HOST.fullmatch(host):
        return MALFORMED
    return Dialled(room, passcode, host)


def _passcode(text: str) -> Secret | None:
    # Many terminals end what was keyed in with the hash key.
    code = text.strip().removesuffix("#")
    return Secret(code) if len(code) <= MAX_PASSCODE_CHARACTERS else None


def _decoded(text: str) -> str | None:
    if "%" not in text:
        return text
    if any(len(found) != 3 for found in _ESCAPED.findall(text)):
        return None
    try:
        octets = re.sub(
            rb"%([0-9A-Fa-f]{2})", lambda match: bytes.fromhex(match[1].decode()), text.encode("utf-8", "strict")
        )
        return octets.decode("utf-8")
    except UnicodeError:
        return None
