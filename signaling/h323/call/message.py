"""One message of call signalling: Q.931 around H323-UserInformation (H.225.0 7.3)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from signaling.h323 import per, q931
from signaling.h323.errors import MalformedPduError
from signaling.h323.q931 import Element, Id, MessageType
from signaling.h323.ras import address
from signaling.h323.ras.address import Address

PROTOCOL_IDENTIFIER = (0, 0, 8, 2250, 0, 7)
MAX_TUNNELLED = 64
"""H.245 messages that are taken from one message."""
MAX_FAST_START = 32
"""Proposals that are looked at; each direction of each codec is one (H.323 8.1.7)."""
MAX_TOKENS = 16

_BODIES = {
    MessageType.SETUP: "setup",
    MessageType.SETUP_ACKNOWLEDGE: "setupAcknowledge",
    MessageType.CALL_PROCEEDING: "callProceeding",
    MessageType.PROGRESS: "progress",
    MessageType.ALERTING: "alerting",
    MessageType.CONNECT: "connect",
    MessageType.RELEASE_COMPLETE: "releaseComplete",
    MessageType.FACILITY: "facility",
    MessageType.NOTIFY: "notify",
    MessageType.STATUS_ENQUIRY: "statusInquiry",
    MessageType.INFORMATION: "information",
    MessageType.STATUS: "status",
}
_NEEDED = (MessageType.SETUP, MessageType.CONNECT)
"""Without their UUIE these two say nothing; a ReleaseComplete, for one, still releases."""


Seal = Callable[[Callable[[list[Any]], bytes]], bytes]
"""Signs H323-UserInformation (H.235.1): gets what encodes it with given cryptoTokens, gives its octets."""


@dataclass(frozen=True, slots=True)
class Signal:
    """A message of the peer."""

    q931: q931.Message
    body: dict[str, Any] = field(default_factory=dict)
    """The UUIE of this type of message; empty where there is none."""
    is_tunnelling: bool | None = None
    """h245Tunnelling; None for a message without H323-UserInformation, which says nothing of it."""
    is_provisional: bool = False
    """provisionalRespToH245Tunnelling: is_tunnelling is not the end's own word yet (H.323 8.2.1)."""
    control: tuple[bytes, ...] = ()
    """Tunnelled H.245 messages, still encoded."""

    @property
    def type(self) -> int:
        """Of Q.931."""
        return self.q931.type

    @property
    def control_address(self) -> Address | None:
        """h245Address."""
        value = self.body.get("h245Address")
        return None if value is None else address.parse(value)

    @property
    def fast_start(self) -> tuple[Any, ...]:
        """The fastStart items that can be read, each an OpenLogicalChannel."""
        channels = []
        for octets in self.body.get("fastStart", ())[:MAX_FAST_START]:
            try:
                channels.append(per.decode(per.Type.OPEN_LOGICAL_CHANNEL, octets))
            except MalformedPduError:
                continue
        return tuple(channels)

    @property
    def tokens(self) -> tuple[Any, ...]:
        """ClearTokens."""
        return tuple(self.body.get("tokens", ())[:MAX_TOKENS])

    @property
    def crypto_tokens(self) -> tuple[Any, ...]:
        """CryptoH323Tokens."""
        return tuple(self.body.get("cryptoTokens", ())[:MAX_TOKENS])


def parse(octets: bytes) -> Signal:
    """A message. Raises MalformedPduError; a UUIE that cannot be read counts as none where it is not needed."""
    message = q931.parse(octets)
    try:
        signal = _signal(message)
    except MalformedPduError:
        if message.type in _NEEDED:
            raise
        return Signal(message)
    if message.type in _NEEDED and not signal.body:
        raise MalformedPduError(f"message {message.type:#x} without its body")
    return signal


def _signal(message: q931.Message) -> Signal:
    information = message.user_information
    if information is None:
        return Signal(message)
    unit = per.decode(per.Type.USER_INFORMATION, information)["h323-uu-pdu"]
    name, body = unit["h323-message-body"]
    expected = _BODIES[MessageType(message.type)] if message.type in _BODIES else ""
    control = unit.get("h245Control", ())
    parallel = body.get("parallelH245Control", ()) if name == "setup" else ()  # beside fastStart (H.323 8.2.4)
    return Signal(
        message,
        body if name == expected else {},
        unit.get("h245Tunnelling", False),
        "provisionalRespToH245Tunnelling" in unit,
        tuple([*control, *parallel][:MAX_TUNNELLED]),
    )


@dataclass(frozen=True, slots=True)
class CallIdentity:
    """What tells a call from others; the shell makes the random parts of a call of ours."""

    reference: int
    """1 to 32767, unique on the connection for the side that chose it."""
    identifier: bytes
    """callIdentifier: 16 octets, globally unique."""
    conference_id: bytes
    """16 octets."""


def serialize(
    kind: MessageType,
    identity: CallIdentity,
    body: dict[str, Any] | None,
    *,
    is_from_destination: bool,
    is_tunnelling: bool,
    control: Sequence[bytes] = (),
    elements: Sequence[Element] = (),
    seal: Seal | None = None,
    is_provisional: bool = False,
) -> bytes:
    """A message of ours; `body` lacks what every UUIE has, None makes it empty: it just carries, or keeps alive.

    `is_provisional`: is_tunnelling is not the word of the end that it is said for (H.323 8.2.1).
    """
    if body is None and seal is not None:  # the empty one has no place for a token
        body = {"reason": ("transportedInformation", 0)}
    common = {"protocolIdentifier": PROTOCOL_IDENTIFIER, "callIdentifier": {"guid": identity.identifier}}
    unit: dict[str, Any] = {
        "h323-message-body": ("empty", 0) if body is None else (_BODIES[kind], common | body),
        "h245Tunnelling": is_tunnelling,
    }
    if is_provisional:
        unit["provisionalRespToH245Tunnelling"] = 0
    if control:
        unit["h245Control"] = list(control)
    information = _encode(unit) if seal is None else seal(lambda tokens: _encode(unit, tokens))
    if kind is MessageType.FACILITY:  # its Facility element is mandatory, and empty (H.225.0 7.4.1)
        elements = [*elements, Element(Id.FACILITY)]
    ordered = sorted([*elements, q931.user_user(information)], key=lambda element: element.identifier)
    return q931.Message(kind, identity.reference, is_from_destination, tuple(ordered)).serialize()


def _encode(unit: dict[str, Any], crypto_tokens: Sequence[Any] = ()) -> bytes:
    """H323-UserInformation, with cryptoTokens beside those that the body has."""
    if crypto_tokens:
        name, body = unit["h323-message-body"]
        signed = body | {"cryptoTokens": [*body.get("cryptoTokens", ()), *crypto_tokens]}
        unit = unit | {"h323-message-body": (name, signed)}
    return per.encode(per.Type.USER_INFORMATION, {"h323-uu-pdu": unit})


def encode_fast_start(channels: Sequence[Any]) -> list[bytes]:
    """Items of fastStart from OpenLogicalChannels."""
    return [per.encode(per.Type.OPEN_LOGICAL_CHANNEL, channel) for channel in channels]
