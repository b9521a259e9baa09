"""What becomes of a message of call signalling on its way from one terminal to the other (H.225.0 7.3). Pure.

Nothing is changed but what is said between one terminal and us: call reference, addresses of the connection, the
signature of H.235.1 and promises about the connection. A message in which none of that stands keeps its octets, so
that fast start, tunnelled H.245, h245Address and whatever later versions add arrive as they were sent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from signaling.h323 import h2351, per, q931
from signaling.h323.call.message import PROTOCOL_IDENTIFIER, Seal, Signal
from signaling.h323.errors import MalformedPduError
from signaling.h323.q931 import Element, Id, MessageType
from signaling.h323.ras import address
from signaling.h323.ras.address import Address

_PROMISES: Final = ("multipleCalls", "maintainConnection")
"""A connection of ours takes one call and ends with it."""
_NEWS: Final = ("h245Address", "h245SecurityMode", "tokens", "fastStart", "fastConnectRefused")
"""What a CallProceeding may say that must not get lost."""
_FORWARDED: Final = (*_NEWS, "cryptoTokens", "featureSet", "destinationInfo")
"""Fields that CallProceeding and Facility have in common (H.225.0 7.3.3, 7.4.1)."""

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Onward:
    """The leg that a message leaves by."""

    reference: int
    is_from_destination: bool
    """Whether the other end of this leg chose the reference."""
    call_id: bytes
    seal: Seal | None = None
    """Signs for the terminal there (H.235.1)."""


def setup(signal: Signal, onward: Onward, called: Address, calling: Address) -> bytes:
    """Setup for the called terminal at `called`; it reaches the caller by our address `calling`.

    endpointIdentifier goes no further: by it the gatekeeper knows the caller. Raises MalformedPduError.
    """

    def change(body: Body) -> Body:
        kept = {name: value for name, value in _hop(body).items() if name != "endpointIdentifier"}
        kept |= {
            "destCallSignalAddress": address.value_of(called),
            "sourceCallSignalAddress": address.value_of(calling),
        }
        return kept | ({"hopCount": body["hopCount"] - 1} if "hopCount" in body else {})

    return _serialize(signal, onward, change)


def is_exhausted(signal: Signal) -> bool:
    """Whether a Setup has passed as many gatekeepers as it may (hopCount, H.225.0 7.3.10)."""
    return int(signal.body.get("hopCount", 2)) < 2


def passed_on(signal: Signal, onward: Onward) -> bytes:
    """Any other message. Raises MalformedPduError."""
    return _serialize(signal, onward, _hop)


def forwarded(signal: Signal, onward: Onward) -> bytes | None:
    """A CallProceeding for a caller who had one from us, as a Facility (forwardedElements, H.225.0 7.4.1).

    None where it has no news. Raises MalformedPduError.
    """
    if not signal.control and not any(name in signal.body for name in _NEWS):
        return None

    def change(body: Body) -> Body:
        kept: Body = {name: body[name] for name in _FORWARDED if name in body}
        return _hop(kept) | _facility("forwardedElements", onward)

    facility = q931.Message(
        MessageType.FACILITY,
        0,
        is_from_destination=False,
        elements=(Element(Id.FACILITY), q931.user_user(signal.q931.user_information or b"")),
    )
    return _serialize(replace(signal, q931=facility), onward, change, name="facility")


def _facility(reason: str, onward: Onward) -> Body:
    return {
        "protocolIdentifier": PROTOCOL_IDENTIFIER,
        "callIdentifier": {"guid": onward.call_id},
        "reason": (reason, 0),
    }


def _hop(body: Body) -> Body:
    """Without what its sender said to us alone."""
    kept = body | {name: False for name in _PROMISES if body.get(name)}
    tokens = h2351.without(kept.pop("cryptoTokens", ()))
    return kept | ({"cryptoTokens": tokens} if tokens else {})


def _serialize(signal: Signal, onward: Onward, change: Callable[[Body], Body], name: str = "") -> bytes:
    try:
        octets = _message(signal, onward, change, name).serialize()
    except MalformedPduError:
        raise
    except ValueError as error:  # what the codec can read and not write
        raise MalformedPduError(f"cannot be passed on: {error}") from error
    if len(octets) > q931.MAX_BYTES:
        raise MalformedPduError(f"Q.931 of {len(octets)} bytes")
    return octets


def _message(signal: Signal, onward: Onward, change: Callable[[Body], Body], name: str) -> q931.Message:
    head = replace(signal.q931, call_reference=onward.reference, is_from_destination=onward.is_from_destination)
    information = signal.q931.user_information
    if information is None or (not name and onward.seal is None and change(signal.body) == signal.body):
        return head
    unit = per.decode(per.Type.USER_INFORMATION, information)
    found, body = unit["h323-uu-pdu"]["h323-message-body"]
    if found == "empty" and onward.seal is not None and signal.type == MessageType.FACILITY:
        # The empty one has no place for a token.
        found, body = "facility", _facility("transportedInformation", onward)
    if not isinstance(body, dict):  # of a later version
        return head
    return replace(head, elements=_with(head.elements, _encode(unit, name or found, change(body), onward.seal)))


def _encode(unit: Body, name: str, body: Body, seal: Seal | None) -> bytes:
    def encode(tokens: Sequence[Any]) -> bytes:
        signed = body | {"cryptoTokens": [*body.get("cryptoTokens", ()), *tokens]} if tokens else body
        pdu = unit["h323-uu-pdu"] | {"h323-message-body": (name, signed)}
        return per.encode(per.Type.USER_INFORMATION, unit | {"h323-uu-pdu": pdu})

    return encode([]) if seal is None else seal(encode)


def _with(elements: Sequence[Element], information: bytes) -> tuple[Element, ...]:
    """With this in the User-user element; a repeated one, which would be ignored (Q.931 5.8.6.2), is left out."""
    kept = [element for element in elements if element.identifier != Id.USER_USER or element.codeset != 0]
    return (*kept, q931.user_user(information))
