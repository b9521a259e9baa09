"""EAP-TTLSv0 with PAP inside (RFC 5281 10 and 11.2.5). Pure."""

from __future__ import annotations

from typing import Final

from auth8021x.eapserver.account import read_identity
from auth8021x.eapserver.passwords import Passwords
from auth8021x.eapserver.step import Ask, Failed, Moment, Step
from auth8021x.eapserver.tls_connection import TlsConnection
from auth8021x.errors import MalformedPacketError
from auth8021x.wire.dictionary import Type
from crypto.nt_hash import NtHash

_VENDOR: Final = 0x80
_HEADER_BYTES: Final = 8
_MAX_AVPS: Final = 64


class PapInside:
    """User-Name and User-Password, in one message."""

    def __init__(self, passwords: Passwords) -> None:
        self._passwords = passwords

    def step(self, plain: bytes, identifier: int, moment: Moment, connection: TlsConnection) -> Step:  # noqa: ARG002
        """Right or wrong; who has said nothing yet is asked to."""
        if not plain:
            return Ask(b"")
        try:
            found = parse_avps(plain)
        except MalformedPacketError as error:
            return Failed("malformed", str(error))
        identity = read_identity(found.get(Type.USER_NAME, b""))
        if not identity or Type.USER_PASSWORD not in found:
            return Failed("no-common-method", "TTLS without PAP")
        given = found[Type.USER_PASSWORD].rstrip(b"\0")
        return self._passwords.by_hash(identity, moment, lambda nt_hash: _is_password(given, nt_hash))


def _is_password(given: bytes, nt_hash: NtHash) -> bool:
    try:
        return nt_hash.is_of(given.decode())
    except UnicodeDecodeError:
        return False


def parse_avps(data: bytes) -> dict[int, bytes]:
    """The attributes of RADIUS among AVPs, by type; those of vendors are passed over. Raises MalformedPacketError."""
    found: dict[int, bytes] = {}
    position = 0
    for _ in range(_MAX_AVPS):
        if position >= len(data):
            return found
        size = int.from_bytes(data[position + 5 : position + 8], "big")
        flags = data[position + 4] if position + _HEADER_BYTES <= len(data) else 0
        header = _HEADER_BYTES + (4 if flags & _VENDOR else 0)
        if size < header or position + size > len(data):
            raise MalformedPacketError("TTLS: an AVP has a wrong length")
        if not flags & _VENDOR:
            code = int.from_bytes(data[position : position + 4], "big")
            if code in found:
                raise MalformedPacketError("TTLS: an AVP comes twice")
            found[code] = data[position + header : position + size]
        position += size + -size % 4
    raise MalformedPacketError("TTLS: too many AVPs")
