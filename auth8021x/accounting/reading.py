"""An Accounting-Request as a report for the directory (RFC 2866 5), whatever its switch's spellings. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence
from typing import Final

from auth8021x.directory.naming import Naming
from auth8021x.directory.report import Kind, Report, cause_name
from auth8021x.directory.session import Entry
from auth8021x.errors import MalformedPacketError
from auth8021x.sites import address_of
from auth8021x.wire import attribute, mac_address, tunnel, vendor
from auth8021x.wire.attribute import Attribute
from auth8021x.wire.dictionary import AcctStatusType, Huawei, ServiceType, TerminationAction, Type, Vendor

MIN_INTERIM_S: Final = 30
MAX_INTERIM_S: Final = 86_400
MAX_AGE_S: Final = 7 * 86_400
MAX_CHARACTERS: Final = 128
"""Of names; longer ones are cut."""
MAX_ADDRESSES: Final = 16
_KINDS: Final = {
    AcctStatusType.START: Kind.START,
    AcctStatusType.STOP: Kind.STOP,
    AcctStatusType.INTERIM_UPDATE: Kind.INTERIM,
    AcctStatusType.ACCOUNTING_ON: Kind.NAS_RESTARTED,
    AcctStatusType.ACCOUNTING_OFF: Kind.NAS_RESTARTED,
}


def read(
    attributes: Sequence[Attribute], site: str, client: str, source: str, interim_s: float
) -> Report | None:  # fmt: skip
    """What is told; None where it is nothing about a session. `interim_s` holds where nothing is said.

    Raises MalformedPacketError.
    """
    status = attribute.first_number(attributes, Type.ACCT_STATUS_TYPE)
    kind = _KINDS.get(status)  # type: ignore[call-overload]
    if kind is None:
        return None
    huawei = list(_huawei(attributes))
    mac = _mac(attributes) or next((mac for _, mac in huawei if mac), b"")
    said_s = attribute.first_number(attributes, Type.ACCT_INTERIM_INTERVAL)
    cause = attribute.first_number(attributes, Type.ACCT_TERMINATE_CAUSE)
    # RFC 2866 5.13 lets a switch say them; of an update nobody knows since when the time counts.
    lasts_s = attribute.first_number(attributes, Type.SESSION_TIMEOUT)
    action = attribute.first_number(attributes, Type.TERMINATION_ACTION)
    age_s = attribute.first_number(attributes, Type.ACCT_DELAY_TIME) or 0
    addresses = dict.fromkeys([*_framed(attributes), *(address for address, of in huawei if of in (b"", mac))])
    return Report(
        kind,
        site,
        f"{client}/{nas_of(attributes, source)}",
        _text(attributes, Type.ACCT_SESSION_ID),
        mac,
        _text(attributes, Type.USER_NAME),
        _text(attributes, Type.NAS_PORT_ID) or _port(attributes),
        _role(attributes),
        _vlan(attributes),
        _entry(attributes, mac),
        tuple(addresses)[:MAX_ADDRESSES],
        float(min(max(said_s, MIN_INTERIM_S), MAX_INTERIM_S)) if said_s else interim_s,
        float(min(age_s, MAX_AGE_S)),
        "" if cause is None else cause_name(cause),
        naming=_naming(attributes, source),
        told_at=attribute.first_number(attributes, Type.EVENT_TIMESTAMP),
        lasts_s=float(lasts_s) if lasts_s and kind is Kind.START else None,
        is_renewable=action == TerminationAction.RADIUS_REQUEST,
    )


def nas_of(attributes: Sequence[Attribute], source: str) -> str:
    """The switch: its address, which is its own, before its name, which may be that of its factory."""
    return _nas_address(attributes) or _text(attributes, Type.NAS_IDENTIFIER) or source


def _nas_address(attributes: Sequence[Attribute]) -> str:
    for kind in (Type.NAS_IP_ADDRESS, Type.NAS_IPV6_ADDRESS):
        packed = attribute.first(attributes, kind)
        if packed is not None and (found := _unpacked(packed)):
            return found
    return ""


def _naming(attributes: Sequence[Attribute], source: str) -> Naming:
    """Uncut, since it has to come back as it was; what is no plain text would not."""
    return Naming(
        source,
        _nas_address(attributes),
        _verbatim(attributes, Type.NAS_IDENTIFIER),
        _verbatim(attributes, Type.USER_NAME),
        _verbatim(attributes, Type.CALLING_STATION_ID),
        attribute.first_number(attributes, Type.NAS_PORT),
        _verbatim(attributes, Type.NAS_PORT_ID),
    )


def _verbatim(attributes: Sequence[Attribute], kind: Type) -> str:
    text = attribute.first_text(attributes, kind) or ""
    return "" if "\N{REPLACEMENT CHARACTER}" in text else text


def _mac(attributes: Sequence[Attribute]) -> bytes:
    """Of Calling-Station-Id; of the user's name where a switch lets devices in by their address and says no more."""
    for kind in (Type.CALLING_STATION_ID, Type.USER_NAME):
        text = attribute.first_text(attributes, kind)
        if text is None:
            continue
        try:
            return mac_address.parse(text)
        except MalformedPacketError:
            continue
    return b""


def _framed(attributes: Sequence[Attribute]) -> Iterator[str]:
    """Addresses of the device; 0.0.0.0 says that the switch knows none."""
    for kind in (Type.FRAMED_IP_ADDRESS, Type.FRAMED_IPV6_ADDRESS):
        for packed in attribute.every(attributes, kind):
            if found := _unpacked(packed):
                yield found


def _unpacked(packed: bytes) -> str:
    if len(packed) not in (4, 16):
        return ""
    found = address_of(str(ipaddress.ip_address(packed)))
    return str(found) if found is not None else ""


def _huawei(attributes: Sequence[Attribute]) -> Iterator[tuple[str, bytes]]:
    """Huawei-IPHost-Addr: "192.0.2.7 02:00:5e:00:53:01"; other firmware writes the MAC first, or none."""
    for value in vendor.every(attributes, Vendor.HUAWEI, Huawei.IP_HOST_ADDRESS):
        words = value.decode("ascii", "replace").split()[:2]
        addresses = [str(found) for word in words if (found := address_of(word)) is not None]
        macs = [mac for word in words if (mac := _mac_of(word))]
        if addresses:
            yield addresses[0], macs[0] if macs else b""


def _mac_of(word: str) -> bytes:
    try:
        return mac_address.parse(word)
    except MalformedPacketError:
        return b""


def _entry(attributes: Sequence[Attribute], mac: bytes) -> Entry | None:
    """By its address: the switch says Call-Check, or the user's name is the address."""
    if attribute.first_number(attributes, Type.SERVICE_TYPE) == ServiceType.CALL_CHECK:
        return Entry.BYPASS
    user = attribute.first_text(attributes, Type.USER_NAME)
    if user is None:
        return None
    return Entry.BYPASS if mac and _mac_of(user) == mac else Entry.EAP


def _role(attributes: Sequence[Attribute]) -> str:
    """Filter-Id, else the first Class that is text: what a RADIUS server puts into its Accept comes back in it."""
    name = _text(attributes, Type.FILTER_ID)
    if name:
        return name
    for value in attribute.every(attributes, Type.CLASS):
        text = value.decode("utf-8", "replace")
        if text.isprintable() and "\N{REPLACEMENT CHARACTER}" not in text and 0 < len(text) <= MAX_CHARACTERS:
            return text
    return ""


def _vlan(attributes: Sequence[Attribute]) -> str:
    """For pages only, so that half a VLAN is none."""
    try:
        return tunnel.vlan(attributes)[:MAX_CHARACTERS]
    except MalformedPacketError:
        return ""


def _port(attributes: Sequence[Attribute]) -> str:
    number = attribute.first_number(attributes, Type.NAS_PORT)
    return "" if number is None else str(number)


def _text(attributes: Sequence[Attribute], kind: Type) -> str:
    return (attribute.first_text(attributes, kind) or "")[:MAX_CHARACTERS]
