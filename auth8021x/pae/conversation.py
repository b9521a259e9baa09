"""One EAP conversation with a RADIUS server, and what its answers are worth (RFC 3579 2.2 to 2.6). Fails closed."""

from __future__ import annotations

from typing import Final

import msgspec

from auth8021x.errors import MalformedPacketError
from auth8021x.pae.grant import Grant, read_grant
from auth8021x.wire import attribute, eap, eap_message
from auth8021x.wire.attribute import MAX_VALUE_BYTES, Attribute
from auth8021x.wire.dictionary import Code as RadiusCode
from auth8021x.wire.dictionary import Type
from auth8021x.wire.eap import Code, Eap, Method
from auth8021x.wire.packet import Packet

MIN_REQUESTS: Final[dict[int, int]] = {
    Method.TLS: 2, Method.TTLS: 2, Method.PEAP: 2, Method.FAST: 2, Method.TEAP: 2, Method.MSCHAPV2: 2,
}  # fmt: skip
"""Requests without which a method cannot have shown who the supplicant is: those on TLS need their Start and what the
server has to say in the handshake, even of a resumed session (RFC 5216 2.1); MSCHAPv2 a challenge and its verdict."""
MAX_ROUNDS: Final = 100
"""Requests of one conversation: a certificate chain of 64 KiB in pieces of 1 kB."""
MAX_TIMEOUT_S: Final = 60
_CODES: Final = {int(code): code for code in Code}


class Ruling(msgspec.Struct, frozen=True, gc=False):
    """What becomes of a conversation; `packet` goes to the supplicant."""

    packet: Eap
    grant: Grant | None = None
    """With Success."""
    reason: str = ""
    """With Failure: why, as the name of a counter."""
    timeout_s: float = 0.0
    """With a request: how long its answer may take; 0 says nothing."""

    @property
    def code(self) -> Code:
        """What the packet is."""
        return _CODES[self.packet.code]


class Conversation:
    """From the answer to Identity up to Success or Failure."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """A new one."""
        self.identity = b""
        self.server = ""
        """Who answered; nobody else knows the conversation."""
        self.state: bytes | None = None
        self._identifier = 0
        self._requests: dict[int, int] = {}
        """By type."""
        self._answered: int = 0
        """Type of the last response."""
        self._rounds = 0

    @property
    def is_first(self) -> bool:
        """Whether the server has said nothing yet."""
        return not self._rounds

    def responded(self, response: Eap) -> None:
        """The supplicant's response, which goes to the server."""
        self._identifier = response.identifier
        self._answered = response.type
        if response.type == Method.IDENTITY:
            self.identity = response.data

    def attributes(self, response: Eap) -> tuple[Attribute, ...]:
        """What the request for the server holds of the conversation."""
        state = () if self.state is None else (Attribute(Type.STATE, self.state),)
        return (*eap_message.split(response.serialize()), *state)

    def rule(self, server: str, answer: Packet) -> Ruling:
        """What an answer means; whatever is not as it should be is a Failure."""
        self.server = server
        self.state = attribute.first(answer.attributes, Type.STATE)
        try:
            packet = eap_message.join(answer.attributes)
            if answer.code == RadiusCode.ACCESS_ACCEPT:
                return self._accepted(answer, packet)
            if answer.code == RadiusCode.ACCESS_CHALLENGE:
                return self._challenged(answer, packet)
        except MalformedPacketError:
            return self.failed("malformed-answer")
        is_failure = packet is not None and packet.code == Code.FAILURE
        return Ruling(packet, reason="rejected") if packet and is_failure else self.failed("rejected")

    def failed(self, reason: str) -> Ruling:
        """Failure in our own words, where the server's are missing (RFC 3579 2.6.3)."""
        return Ruling(eap.failure(self._identifier), reason=reason)

    def _accepted(self, answer: Packet, packet: Eap | None) -> Ruling:
        """Attributes count from here alone, not from challenges, where some servers put them, too."""
        if packet is None:
            return self.failed("accept-without-eap")
        if packet.code != Code.SUCCESS:
            return self.failed("accept-without-success")
        if not self._has_proved():
            return self.failed("accept-without-method")
        asked_about = attribute.shown(self.identity[:MAX_VALUE_BYTES])
        return Ruling(packet, read_grant(answer.attributes, asked_about))

    def _challenged(self, answer: Packet, packet: Eap | None) -> Ruling:
        if packet is None or packet.code != Code.REQUEST:
            return self.failed("challenge-without-request")
        self._rounds += 1
        if self._rounds > MAX_ROUNDS:
            return self.failed("too-many-rounds")
        self._requests[packet.type] = self._requests.get(packet.type, 0) + 1
        timeout_s = attribute.first_number(answer.attributes, Type.SESSION_TIMEOUT) or 0
        return Ruling(packet, timeout_s=min(timeout_s, MAX_TIMEOUT_S))

    def _has_proved(self) -> bool:
        """Whether a method ran up to the last response; some servers are set up to accept whatever comes."""
        method = self._answered
        return method > Method.NAK and self._requests.get(method, 0) >= MIN_REQUESTS.get(method, 1)
