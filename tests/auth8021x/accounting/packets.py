"""Accounting-Requests as switches write them."""

from __future__ import annotations

import ipaddress

from auth8021x.wire import attribute, authenticity, tunnel, vendor
from auth8021x.wire.attribute import Attribute
from auth8021x.wire.dictionary import AcctStatusType, Code, Huawei, Type, Vendor
from auth8021x.wire.packet import Packet

SECRET = b"xyzzy5461"
START, STOP, INTERIM = AcctStatusType.START, AcctStatusType.STOP, AcctStatusType.INTERIM_UPDATE
ON, OFF = AcctStatusType.ACCOUNTING_ON, AcctStatusType.ACCOUNTING_OFF


def address(kind: Type, text: str) -> Attribute:
    return Attribute(kind, ipaddress.ip_address(text).packed)


def status(kind: AcctStatusType) -> Attribute:
    return attribute.number(Type.ACCT_STATUS_TYPE, kind)


def huawei(kind: AcctStatusType = START) -> tuple[Attribute, ...]:
    """As FreeRADIUS issue 4371 shows it: Framed-IP-Address says nothing, an attribute of its own does."""
    return (
        status(kind),
        attribute.text(Type.USER_NAME, "vt1@ward"),
        attribute.text(Type.NAS_IDENTIFIER, "HUAWEI"),
        address(Type.NAS_IP_ADDRESS, "10.0.0.1"),
        attribute.number(Type.NAS_PORT, 4096),
        attribute.text(Type.NAS_PORT_ID, "slot=0;subslot=0;port=1;vlanid=42"),
        address(Type.FRAMED_IP_ADDRESS, "0.0.0.0"),
        attribute.text(Type.CALLING_STATION_ID, "2CFD-A140-5663"),
        attribute.text(Type.ACCT_SESSION_ID, "SW00001000000042a7f9d0"),
        attribute.number(Type.ACCT_DELAY_TIME, 0),
        vendor.make(Vendor.HUAWEI, Huawei.IP_HOST_ADDRESS, b"10.1.2.3 2c:fd:a1:40:56:63"),
        *tunnel.vlan_attributes("42"),
    )


def cisco(kind: AcctStatusType = START) -> tuple[Attribute, ...]:
    return (
        status(kind),
        attribute.text(Type.USER_NAME, "vt1"),
        address(Type.NAS_IP_ADDRESS, "10.0.0.2"),
        attribute.number(Type.NAS_PORT, 50_101),
        attribute.text(Type.NAS_PORT_ID, "GigabitEthernet1/0/1"),
        address(Type.FRAMED_IP_ADDRESS, "10.1.2.3"),
        attribute.text(Type.CALLING_STATION_ID, "2cfd.a140.5663"),
        attribute.text(Type.ACCT_SESSION_ID, "0000002A"),
        Attribute(Type.CLASS, b"video"),
        vendor_of_cisco(b"audit-session-id=0A00000200000FA1"),
    )


def vendor_of_cisco(text: bytes) -> Attribute:
    return Attribute(Type.VENDOR_SPECIFIC, (9).to_bytes(4, "big") + bytes((1, 2 + len(text))) + text)


def request(*attributes: Attribute, identifier: int = 7, secret: bytes = SECRET) -> bytes:
    made = Packet(Code.ACCOUNTING_REQUEST, identifier, attributes=attributes)
    return authenticity.seal_request(made, secret).serialize()
