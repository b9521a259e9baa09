"""EAP-TTLSv0 with PAP inside, on the side of who wants to get in (RFC 5281 11.2.5). Pure."""

from __future__ import annotations

from typing import Final

from auth8021x.wire.dictionary import Type
from crypto.secret import Secret

_MANDATORY: Final = 0x40
_HEADER_BYTES: Final = 8
_BLOCK_BYTES: Final = 16


class PapInside:
    """User-Name and User-Password, in one message."""

    fault = ""

    def __init__(self, name: str, password: Secret) -> None:
        self._name = name
        self._password = password

    def opened(self) -> bytes:
        """Both, the password padded so that its length is not shown (11.2.5)."""
        password = self._password.reveal().encode()
        padded = password + bytes(-len(password) % _BLOCK_BYTES)
        return avp(Type.USER_NAME, self._name.encode()) + avp(Type.USER_PASSWORD, padded)

    def respond(self, plain: bytes) -> bytes:  # noqa: ARG002
        """A server of PAP has nothing to ask (11.2.5)."""
        return b""


def avp(code: int, value: bytes) -> bytes:
    """An attribute of RADIUS as an AVP (10.1)."""
    size = _HEADER_BYTES + len(value)
    head = code.to_bytes(4, "big") + bytes((_MANDATORY,)) + size.to_bytes(3, "big")
    return head + value + bytes(-size % 4)
