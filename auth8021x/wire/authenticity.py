"""What proves a RADIUS packet: Request and Response Authenticator, and Message-Authenticator.

RFC 2865 3, RFC 2866 3, RFC 3579 3.2, RFC 5176 2.3 and 3.4, RFC 5997 3. The authenticator field of an answer can be
forged by who sits in between (BlastRADIUS, CVE-2024-3596): in packets of authentication Message-Authenticator is what
counts. We send it first, where it cannot be made part of a collision, and ask for it.
"""

from __future__ import annotations

import hmac
from enum import Enum
from typing import Final

from auth8021x.wire import attribute
from auth8021x.wire import packet as packets
from auth8021x.wire.attribute import Attribute
from auth8021x.wire.dictionary import Code, Type
from auth8021x.wire.digests import DIGEST_BYTES, hmac_md5, md5
from auth8021x.wire.packet import AUTHENTICATOR_BYTES, HEADER_BYTES, NO_AUTHENTICATOR, Packet

_NO_DIGEST: Final = bytes(DIGEST_BYTES)
_MESSAGE_AUTHENTICATOR: Final = int(Type.MESSAGE_AUTHENTICATOR)
_EMPTY: Final = Attribute(_MESSAGE_AUTHENTICATOR, _NO_DIGEST)
_EMPTY_OCTETS: Final = _EMPTY.serialize()
_AUTHENTICATOR_AT: Final = HEADER_BYTES - AUTHENTICATOR_BYTES
_FIRST_DIGEST_AT: Final = HEADER_BYTES + _EMPTY.size - DIGEST_BYTES

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


def request_octets(request: Packet, secret: bytes, more: bytes = b"") -> bytes:
    """The request as it is sent. In Access-Request and Status-Server its authenticator has to be random already.

    `more`: attributes on the wire already, which follow. Raises ValueError when it is too long; like all of these.
    """
    if request.code in RANDOM_AUTHENTICATOR:
        return _with_message_authenticator(request, request.authenticator, secret, more)
    return _signed(_with_message_authenticator(request, NO_AUTHENTICATOR, secret, more), secret)


def response_octets(response: Packet, request_authenticator: bytes, secret: bytes) -> bytes:
    """The answer to the request with this authenticator, as it is sent."""
    return _signed(_with_message_authenticator(response, request_authenticator, secret), secret)


def seal_request(request: Packet, secret: bytes) -> Packet:
    """The same as request_octets(), as a packet."""
    return packets.parse(request_octets(request, secret))


def seal_response(response: Packet, request_authenticator: bytes, secret: bytes) -> Packet:
    """The same as response_octets(), as a packet."""
    return packets.parse(response_octets(response, request_authenticator, secret))


def check_request(request: Packet, secret: bytes, octets: bytes = b"") -> Fault | None:
    """What is wrong with a request that came, None when it is from who knows the secret.

    `octets`: what it was parsed from; without them it is serialized again.
    """
    if request.code in RANDOM_AUTHENTICATOR:
        return _check_message_authenticator(request, _over(request, request.authenticator, octets), secret)
    zeroed = _over(request, NO_AUTHENTICATOR, octets)
    if not hmac.compare_digest(md5(zeroed + secret), request.authenticator):
        return Fault.AUTHENTICATOR
    # RFC 5176 3.4: Message-Authenticator is made over an authenticator field of zeros.
    return _check_message_authenticator(request, zeroed, secret)


def check_response(
    response: Packet, request_authenticator: bytes, secret: bytes, octets: bytes = b""
) -> Fault | None:  # fmt: skip
    """What is wrong with an answer to the request with this authenticator; `octets` as above."""
    unsigned = _over(response, request_authenticator, octets)
    if not hmac.compare_digest(md5(unsigned + secret), response.authenticator):
        return Fault.AUTHENTICATOR
    return _check_message_authenticator(response, unsigned, secret)


def _with_message_authenticator(packet: Packet, authenticator: bytes, secret: bytes, more: bytes = b"") -> bytes:
    """The packet with the attribute as its first, where it has one, over `authenticator` in the place of the field."""
    if packet.code in _SENT_WITHOUT:
        attributes = attribute.serialize(packet.attributes) + more
        return packets.assemble(packet.code, packet.identifier, authenticator, attributes)
    others = attribute.serialize([each for each in packet.attributes if each.type != _MESSAGE_AUTHENTICATOR])
    octets = packets.assemble(packet.code, packet.identifier, authenticator, _EMPTY_OCTETS + others + more)
    return _with_digest(octets, _FIRST_DIGEST_AT, hmac_md5(secret, octets))


def _signed(octets: bytes, secret: bytes) -> bytes:
    """With a digest of all in the authenticator field, made over the packet and the secret behind it (RFC 2865 3)."""
    return _with_digest(octets, _AUTHENTICATOR_AT, md5(octets + secret))


def _check_message_authenticator(packet: Packet, octets: bytes, secret: bytes) -> Fault | None:
    """`octets`: the packet with what the attribute is made over in the place of its authenticator field."""
    found, start, position = b"", 0, HEADER_BYTES
    for each in packet.attributes:
        position += 2 + len(each.value)
        if each.type == _MESSAGE_AUTHENTICATOR:
            if start or len(each.value) != DIGEST_BYTES:
                return Fault.MESSAGE_AUTHENTICATOR
            found, start = each.value, position - DIGEST_BYTES
    if not start:
        if any(each.type == Type.EAP_MESSAGE for each in packet.attributes):
            return Fault.EAP_WITHOUT_MESSAGE_AUTHENTICATOR
        return Fault.NO_MESSAGE_AUTHENTICATOR if packet.code in _DEMANDED else None
    expected = hmac_md5(secret, _with_digest(octets, start, _NO_DIGEST))
    return None if hmac.compare_digest(expected, found) else Fault.MESSAGE_AUTHENTICATOR


def _over(packet: Packet, authenticator: bytes, octets: bytes = b"") -> bytes:
    """The packet with another authenticator field, and without padding."""
    if not octets:
        return Packet(packet.code, packet.identifier, authenticator, packet.attributes).serialize()
    size = int.from_bytes(octets[2:4], "big")
    return octets[:_AUTHENTICATOR_AT] + authenticator + octets[HEADER_BYTES:size]


def _with_digest(octets: bytes, start: int, digest: bytes) -> bytes:
    """The same with these 16 octets from `start` on."""
    return octets[:start] + digest + octets[start + DIGEST_BYTES :]


assert DIGEST_BYTES == AUTHENTICATOR_BYTES
