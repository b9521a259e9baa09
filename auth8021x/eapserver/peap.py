"""PEAPv0 with EAP-MSCHAPv2 inside ([MS-PEAP] 2.2, 3.1.5). Pure.

Packets inside have no EAP header, but for the TLV that ends the method.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Final

from auth8021x.eapserver.account import MayBe, read_identity
from auth8021x.eapserver.eap_mschapv2 import EapMschapv2, OpCode
from auth8021x.eapserver.step import Ask, Failed, Moment, Passed, Step
from auth8021x.eapserver.tls_connection import TlsConnection
from auth8021x.wire import eap
from auth8021x.wire.eap import Eap
from auth8021x.wire.eap import Method as Type

_RESULT: Final = 3
_TYPE_MASK: Final = 0x3FFF
SUCCESS: Final = b"\0\1"
RESULTS: Final = {True: b"\x80\x03\0\2" + SUCCESS, False: b"\x80\x03\0\2\0\2"}
"""Result TLV (2.2.8.1.2), mandatory."""


class Stage(Enum):
    """What the peer answers next."""

    START = auto()
    IDENTITY = auto()
    CHALLENGE = auto()
    VERDICT = auto()
    RESULT = auto()


class MschapInside:
    """Identity, MSCHAPv2, and both sides' word for the result."""

    def __init__(self, mschap: EapMschapv2, may_be: MayBe) -> None:
        """`may_be`: whether somebody who began as the peer did may be this identity."""
        self._mschap = mschap
        self._may_be = may_be
        self._stage = Stage.START
        self._identity = ""
        self._outcome: Passed | Failed = Failed("malformed")

    def step(self, plain: bytes, identifier: int, moment: Moment, connection: TlsConnection) -> Step:  # noqa: ARG002
        """One packet inside."""
        if self._stage is Stage.START:
            self._stage = Stage.IDENTITY
            return Ask(bytes((Type.IDENTITY,))) if not plain else Failed("malformed", "PEAP")
        if not plain:
            return Failed("malformed", "PEAP: nothing inside")
        kind, data = inner_packet(plain, eap.Code.RESPONSE)
        if self._stage is Stage.IDENTITY:
            return self._identified(kind, data, identifier)
        if self._stage is Stage.CHALLENGE:
            return self._answered(kind, data, identifier, moment)
        if self._stage is Stage.VERDICT:
            return self._told(kind, data, identifier)
        return self._ended(kind, data)

    def _identified(self, kind: int, data: bytes, identifier: int) -> Step:
        identity = read_identity(data)
        if kind != Type.IDENTITY or not identity:
            return Failed("malformed", "PEAP: no identity inside")
        self._identity = identity
        self._stage = Stage.CHALLENGE
        return _ask(self._mschap.challenge(identifier))

    def _answered(self, kind: int, data: bytes, identifier: int, moment: Moment) -> Step:
        if kind != Type.MSCHAPV2:
            return self._result(Failed("no-common-method", "PEAP without MSCHAPv2", self._identity), identifier)
        self._outcome = self._mschap.check(data, self._identity, moment) if data else Failed("malformed")
        if isinstance(self._outcome, Passed) and not self._may_be(self._outcome.identity):
            self._outcome = Failed("other-identity", identity=self._outcome.identity)
        self._stage = Stage.VERDICT
        has_passed = isinstance(self._outcome, Passed)
        return _ask(self._mschap.success(identifier) if has_passed else self._mschap.failure(identifier))

    def _told(self, kind: int, data: bytes, identifier: int) -> Step:
        if isinstance(self._outcome, Passed) and (kind != Type.MSCHAPV2 or data[:1] != bytes((OpCode.SUCCESS,))):
            # The peer does not believe us: our proof of the password was not right for it.
            self._outcome = Failed("refused-by-peer", identity=self._identity)
        return self._result(self._outcome, identifier)

    def _result(self, outcome: Passed | Failed, identifier: int) -> Step:
        self._outcome = outcome
        self._stage = Stage.RESULT
        return Ask(Eap(eap.Code.REQUEST, identifier, Type.TLV, RESULTS[isinstance(outcome, Passed)]).serialize())

    def _ended(self, kind: int, data: bytes) -> Step:
        if isinstance(self._outcome, Passed) and (kind != Type.TLV or result_of(data) != SUCCESS):
            return Failed("refused-by-peer", identity=self._identity)
        return self._outcome


def _ask(data: bytes) -> Ask:
    return Ask(bytes((Type.MSCHAPV2,)) + data)


def inner_packet(plain: bytes, code: eap.Code) -> tuple[int, bytes]:
    """Type and data of a packet inside, with or without an EAP header of this code."""
    has_header = len(plain) > eap.HEADER_BYTES and plain[0] == code
    if has_header and int.from_bytes(plain[2:4], "big") == len(plain):
        return plain[4], plain[5:]
    return plain[0], plain[1:]


def result_of(data: bytes) -> bytes:
    """The value of the Result TLV, b"" for none."""
    while len(data) >= 4:
        kind, size = int.from_bytes(data[:2], "big") & _TYPE_MASK, int.from_bytes(data[2:4], "big")
        if kind == _RESULT:
            return data[4 : 4 + size]
        data = data[4 + size :]
    return b""
