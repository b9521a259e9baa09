"""EAP-MSCHAPv2 (draft-kamath-pppext-eap-mschapv2 2), on our side and only inside a tunnel. Pure."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from auth8021x.eapserver import mschapv2
from auth8021x.eapserver.account import read_identity
from auth8021x.eapserver.mschapv2 import CHALLENGE_BYTES, RESPONSE_BYTES
from auth8021x.eapserver.passwords import Passwords
from auth8021x.eapserver.step import Failed, Moment, Passed
from crypto.nt_hash import NtHash

SERVER_NAME: Final = b"drumtower"
_VALUE_BYTES: Final = CHALLENGE_BYTES + 8 + RESPONSE_BYTES + 1
_HEADER_BYTES: Final = 4


class OpCode(IntEnum):
    """2.1 to 2.4."""

    CHALLENGE = 1
    RESPONSE = 2
    SUCCESS = 3
    FAILURE = 4


class EapMschapv2:
    """One challenge, and its answer. `challenge`: 16 random octets."""

    def __init__(self, passwords: Passwords, challenge: bytes) -> None:
        self._passwords = passwords
        self._challenge = challenge
        self._proof = ""

    def challenge(self, identifier: int) -> bytes:
        """The data of the first request (2.1)."""
        return message(OpCode.CHALLENGE, identifier, bytes((CHALLENGE_BYTES,)) + self._challenge + SERVER_NAME)

    def check(self, data: bytes, identity: str, moment: Moment) -> Passed | Failed:
        """What the response (2.2) proves."""
        value = data[_HEADER_BYTES + 1 : _HEADER_BYTES + 1 + _VALUE_BYTES]
        if len(value) != _VALUE_BYTES or data[0] != OpCode.RESPONSE or data[_HEADER_BYTES] != _VALUE_BYTES:
            return Failed("malformed", "MSCHAPv2")
        name = read_identity(data[_HEADER_BYTES + 1 + _VALUE_BYTES :])
        if name is None or mschapv2.without_domain(name).casefold() != mschapv2.without_domain(identity).casefold():
            return Failed("other-identity", "in MSCHAPv2", identity)
        peer_challenge, response = value[:CHALLENGE_BYTES], value[CHALLENGE_BYTES + 8 : -1]

        def is_right(nt_hash: NtHash) -> bool:
            facts = (response, self._challenge, peer_challenge, name, nt_hash)
            self._proof = mschapv2.authenticator_response(*facts)
            return mschapv2.is_right(*facts)

        return self._passwords.by_hash(identity, moment, is_right)

    def success(self, identifier: int) -> bytes:
        """That it was right, with our own proof (2.3). Only after check() has passed."""
        return message(OpCode.SUCCESS, identifier, f"{self._proof} M=OK".encode())

    def failure(self, identifier: int) -> bytes:
        """That it was wrong, and there is no second try (2.4; RFC 2759 6)."""
        text = f"E=691 R=0 C={self._challenge.hex().upper()} V=3 M=Authentication failed"
        return message(OpCode.FAILURE, identifier, text.encode())


def message(code: OpCode, identifier: int, body: bytes) -> bytes:
    """Type-Data of EAP-MSCHAPv2 (2.1 to 2.4); `identifier` is its own, beside that of EAP."""
    return bytes((code, identifier)) + (_HEADER_BYTES + len(body)).to_bytes(2, "big") + body
