"""EAP-MD5 (RFC 3748 5.4), which proves nothing to the peer and protects nothing: only where it is switched on. Pure."""

from __future__ import annotations

import hashlib
import hmac

from auth8021x.eapserver.passwords import Passwords
from auth8021x.eapserver.step import Failed, Moment, Step
from auth8021x.wire.eap import Method as Type
from crypto.secret import Secret

_SIZE = 16


class Md5Challenge:
    """`challenge`: 16 random octets."""

    kind = int(Type.MD5_CHALLENGE)

    def __init__(self, identity: str, passwords: Passwords, challenge: bytes) -> None:
        self._identity = identity
        self._passwords = passwords
        self._challenge = challenge
        self._identifier = 0

    def begin(self, identifier: int) -> bytes:
        """The challenge (RFC 1994 4.1)."""
        self._identifier = identifier
        return bytes((_SIZE,)) + self._challenge

    def respond(self, data: bytes, identifier: int, moment: Moment) -> Step:  # noqa: ARG002
        """Right or wrong; a name may follow and is not read."""
        if not data or data[0] != _SIZE or len(data) < 1 + _SIZE:
            return Failed("malformed")
        return self._passwords.by_password(
            self._identity, moment, lambda password: hmac.compare_digest(self._proof(password), data[1 : 1 + _SIZE])
        )

    def _proof(self, password: Secret) -> bytes:
        return proof(self._identifier, password, self._challenge)


def proof(identifier: int, password: Secret, challenge: bytes) -> bytes:
    """The response to a challenge (RFC 1994 4.1)."""
    octets = bytes((identifier,)) + password.reveal().encode() + challenge
    return hashlib.md5(octets, usedforsecurity=False).digest()
