"""EAP-MD5 on the side of who wants to get in (RFC 3748 5.4). Pure."""

from __future__ import annotations

from auth8021x.eapserver.md5 import proof
from auth8021x.wire.eap import Method as Type
from crypto.secret import Secret


class Md5Response:
    """Answers a challenge of any length."""

    kind = int(Type.MD5_CHALLENGE)

    def __init__(self, password: Secret) -> None:
        self.fault = ""
        self._password = password

    def respond(self, data: bytes, identifier: int) -> bytes:
        """The digest; a name may follow the challenge and is not read."""
        challenge = data[1 : 1 + data[0]] if data else b""
        if not challenge or len(challenge) != data[0]:
            self.fault = "the server sent a challenge that is none"
        digest = proof(identifier, self._password, challenge)
        return bytes((len(digest),)) + digest
