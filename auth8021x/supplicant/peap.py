"""PEAPv0 with EAP-MSCHAPv2 inside, on the side of who wants to get in ([MS-PEAP] 3.1.5, RFC 2759). Pure."""

from __future__ import annotations

from typing import Final

from auth8021x.eapserver import mschapv2
from auth8021x.eapserver.eap_mschapv2 import OpCode, message
from auth8021x.eapserver.mschapv2 import CHALLENGE_BYTES
from auth8021x.eapserver.peap import RESULTS, SUCCESS, inner_packet, result_of
from auth8021x.wire import eap
from auth8021x.wire.eap import Eap
from auth8021x.wire.eap import Method as Type
from crypto.nt_hash import NtHash
from crypto.secret import Secret

_CHALLENGE_AT: Final = 5
"""Behind the operation, identifier, length and the size of the value."""


class MschapInside:
    """Identity, MSCHAPv2, and both sides' word for the result. `challenge`: 16 random octets."""

    def __init__(self, name: str, password: Secret, challenge: bytes) -> None:
        """Raises ValueError when the password is too long."""
        self.fault = ""
        self._name = name
        self._nt_hash = NtHash.of(password.reveal())
        self._challenge = challenge
        self._expected = ""
        self._is_proved = False
        """The server has shown that it knows the password, too."""

    def opened(self) -> bytes:
        """The server begins."""
        return b""

    def respond(self, plain: bytes) -> bytes:
        """One packet inside; nothing needs no answer."""
        if not plain:
            return b""
        kind, data = inner_packet(plain, eap.Code.REQUEST)
        if kind == Type.IDENTITY:
            return bytes((Type.IDENTITY,)) + self._name.encode()
        if kind == Type.MSCHAPV2 and data:
            return bytes((Type.MSCHAPV2,)) + self._mschap(data)
        if kind == Type.TLV and plain[0] == eap.Code.REQUEST:  # with a header, unlike the others
            return self._result(plain[1], data)
        return bytes((Type.NAK, Type.MSCHAPV2))

    def _mschap(self, data: bytes) -> bytes:
        if data[0] == OpCode.CHALLENGE:
            return self._answer(data)
        if data[0] == OpCode.SUCCESS:
            self._is_proved = bool(self._expected) and self._expected.encode() in data
            if not self._is_proved:
                self.fault = "the server says that the password is right, but does not know it itself"
            return bytes((OpCode.SUCCESS if self._is_proved else OpCode.FAILURE,))
        return bytes((OpCode.FAILURE,))

    def _answer(self, data: bytes) -> bytes:
        """The response to a challenge (draft-kamath-pppext-eap-mschapv2 2.2)."""
        theirs = data[_CHALLENGE_AT : _CHALLENGE_AT + CHALLENGE_BYTES]
        if len(theirs) != CHALLENGE_BYTES:
            self.fault = "the server sent a challenge that is none"
            return bytes((OpCode.FAILURE,))
        response = mschapv2.nt_response(theirs, self._challenge, self._name, self._nt_hash)
        facts = (response, theirs, self._challenge, self._name, self._nt_hash)
        self._expected = mschapv2.authenticator_response(*facts)
        value = self._challenge + bytes(8) + response + b"\0"
        return message(OpCode.RESPONSE, data[1], bytes((len(value),)) + value + self._name.encode())

    def _result(self, identifier: int, data: bytes) -> bytes:
        """Success only when both think so ([MS-PEAP] 3.1.5.6); this packet alone has a header."""
        is_success = result_of(data) == SUCCESS and self._is_proved
        return Eap(eap.Code.RESPONSE, identifier, Type.TLV, RESULTS[is_success]).serialize()
