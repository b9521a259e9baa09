"""What proves a RADIUS packet: Request and Response Authenticator, and Message-Authenticator.

RFC 2865 3, RFC 2866 3, RFC 3579 3.2, RFC 5176 2.3 and 3.4, RFC 5997 3. The authenticator field of an answer can be
forged by who sits in between (BlastRADIUS, CVE-2024-3596): in packets of authentication Message-Authenticator is what
counts. We send it first, where it cannot be made part of a collision, and ask for it.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace
from enum import Enum
from typing import Final

from auth8021x.wire.attribute import Attribute
from auth8021x.wire.dictionary import Code, Type
from auth8021x.wire.packet import AUTHENTICATOR_BYTES, HEADER_BYTES, NO_AUTHENTICATOR, Packet

_DIGEST_BYTES: Final = 16
_EMPTY: Final = Attribute(Type.MESSAGE_AUTHENTICATOR, bytes(_DIGEST_BYTES))

RANDOM_AUTHENTICATOR: Final = frozenset({Code.ACCESS_REQUEST, Code.STATUS_SERVER})
"""Requests whose authenticator is a random number and proves nothing; all others carry a digest (RFC 2866 3)."""
RESPONSES: Final[dict[int, frozenset[int]]] = {
    Code.ACCESS_REQUEST: frozenset({Code.ACCESS_ACCEPT, Code.ACCESS_REJECT, Code.ACCESS_CHALLENGE}),
    Code.ACCOUNTING_REQUEST: frozenset({Code.ACCOUNTING_RESPONSE}),
    Code.STATUS_SERVER: frozenset({Code.ACCESS_ACCEPT, Code.ACCOUNTING_RESPONSE}),
    Code.DISCONNECT_REQUEST: frozenset({Code.DISCONNECT_ACK, Code.DISCONNECT_NAK}),
    Code.COA_REQUEST: frozenset({Code.COA_ACK, Code.COA_NAK}),
}
"""What may answer a request."""
_DEMANDED: Final = frozenset({
    Code.ACCESS_REQUEST, Code.ACCESS_ACCEPT, Code.ACCESS_REJECT, Code.ACCESS_CHALLENGE, Code.STATUS_SERVER,
})  # fmt: skip
"""Packets that prove nothing without Message-Authenticator."""
_SENT_WITHOUT: Final = frozenset({Code.ACCOUNTING_REQUEST, Code.ACCOUNTING_RESPONSE})
"""RFC 2866 5.13 knows no such attribute, and their authenticator field is a digest of all."""


class Fault(Enum):
    """Why a packet is not believed; the value names its counter."""

    AUTHENTICATOR = "wrong-authenticator"
    MESSAGE_AUTHENTICATOR = "wrong-message-authenticator"
    NO_MESSAGE_AUTHENTICATOR = "no-message-authenticator"
    """All else is right. An administrator may excuse it for one old server or client."""
    EAP_WITHOUT_MESSAGE_AUTHENTICATOR = "eap-without-message-authenticator"
    """Never excused (RFC 3579 3.2)."""


def seal_request(request: Packet, secret: bytes) -> Packet:
    """The request as it is sent. In Access-Request and Status-Server its authenticator has to be random already."""
    if request.code not in RANDOM_AUTHENTICATOR:
        request = replace(request, authenticator=NO_AUTHENTICATOR)
    if request.code not in _SENT_WITHOUT:
        request = _with_message_authenticator(request, request.authenticator, secret)
    if request.code in RANDOM_AUTHENTICATOR:
        return request
    return replace(request, authenticator=_digest(request.serialize(), secret))


def seal_response(response: Packet, request_authenticator: bytes, secret: bytes) -> Packet:
    """The answer to the request with this authenticator, as it is sent."""
    if response.code not in _SENT_WITHOUT:
        response = _with_message_authenticator(response, request_authenticator, secret)
    unsigned = replace(response, authenticator=request_authenticator)
    return replace(response, authenticator=_digest(unsigned.serialize(), secret))


def check_request(request: Packet, secret: bytes) -> Fault | None:
    """What is wrong with a request that came, None when it is from who knows the secret."""
    if request.code in RANDOM_AUTHENTICATOR:
        return _check_message_authenticator(request, request.authenticator, secret)
    zeroed = replace(request, authenticator=NO_AUTHENTICATOR)
    if not hmac.compare_digest(_digest(zeroed.serialize(), secret), request.authenticator):
        return Fault.AUTHENTICATOR
    # RFC 5176 3.4: Message-Authenticator is made over an authenticator field of zeros.
    return _check_message_authenticator(request, NO_AUTHENTICATOR, secret)


def check_response(response: Packet, request_authenticator: bytes, secret: bytes) -> Fault | None:
    """What is wrong with an answer to the request with this authenticator."""
    unsigned = replace(response, authenticator=request_authenticator)
    if not hmac.compare_digest(_digest(unsigned.serialize(), secret), response.authenticator):
        return Fault.AUTHENTICATOR
    return _check_message_authenticator(response, request_authenticator, secret)


def _with_message_authenticator(packet: Packet, authenticator: bytes, secret: bytes) -> Packet:
    """The packet with the attribute as its first, over `authenticator` in the place of the field."""
    others = tuple(each for each in packet.attributes if each.type != Type.MESSAGE_AUTHENTICATOR)
    empty = replace(packet, authenticator=authenticator, attributes=(_EMPTY, *others))
    made = Attribute(Type.MESSAGE_AUTHENTICATOR, _hmac(empty, secret))
    return replace(packet, attributes=(made, *others))


def _check_message_authenticator(packet: Packet, authenticator: bytes, secret: bytes) -> Fault | None:
    found = [each.value for each in packet.attributes if each.type == Type.MESSAGE_AUTHENTICATOR]
    if not found:
        if any(each.type == Type.EAP_MESSAGE for each in packet.attributes):
            return Fault.EAP_WITHOUT_MESSAGE_AUTHENTICATOR
        return Fault.NO_MESSAGE_AUTHENTICATOR if packet.code in _DEMANDED else None
    if len(found) != 1 or len(found[0]) != _DIGEST_BYTES:
        return Fault.MESSAGE_AUTHENTICATOR
    zeroed = tuple(_EMPTY if each.type == Type.MESSAGE_AUTHENTICATOR else each for each in packet.attributes)
    expected = _hmac(replace(packet, authenticator=authenticator, attributes=zeroed), secret)
    return None if hmac.compare_digest(expected, found[0]) else Fault.MESSAGE_AUTHENTICATOR


def _digest(packet: bytes, secret: bytes) -> bytes:
    """MD5 over the packet and the secret behind it (RFC 2865 3)."""
    made = hashlib.md5(packet, usedforsecurity=False)
    made.update(secret)
    return made.digest()


def _hmac(packet: Packet, secret: bytes) -> bytes:
    return hmac.digest(secret, packet.serialize(), "md5")


assert HEADER_BYTES == 4 + AUTHENTICATOR_BYTES
