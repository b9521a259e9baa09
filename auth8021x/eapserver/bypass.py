"""MAC authentication bypass: devices that speak no EAP, known by their address (RFC 2865 5.6, RFC 3580 3.5). Pure."""

from __future__ import annotations

from collections.abc import Sequence

from auth8021x.eapserver.account import Account, Book
from auth8021x.eapserver.step import Failed
from auth8021x.errors import MalformedPacketError
from auth8021x.wire import attribute, mac_address
from auth8021x.wire.attribute import Attribute
from auth8021x.wire.dictionary import ServiceType, Type


def check(attributes: Sequence[Attribute], book: Book) -> Account | Failed:
    """Who is let in by an Access-Request without EAP: nobody but marked devices, and only on Call-Check."""
    if attribute.first(attributes, Type.SERVICE_TYPE) != ServiceType.CALL_CHECK.to_bytes(4, "big"):
        return Failed("no-eap")
    address = _mac(attributes, Type.CALLING_STATION_ID)
    if address is None or _mac(attributes, Type.USER_NAME) != address:
        return Failed("malformed", "Call-Check without an address")
    shown = mac_address.plain(address)
    account = book.device(address)
    if account is None:
        return Failed("unknown-device", identity=shown)
    return account if account.may_bypass else Failed("no-bypass", identity=shown)


def _mac(attributes: Sequence[Attribute], kind: Type) -> bytes | None:
    try:
        return mac_address.parse(attribute.first_text(attributes, kind) or "")
    except MalformedPacketError:
        return None
