"""Whom a device's certificate names (RFC 5280 4.1.2.6, 4.2.1.6; RFC 5216 5.2), and whether it holds now. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

_MAX_NAMES: Final = 16
_UPN: Final = ObjectIdentifier("1.3.6.1.4.1.311.20.2.3")
"""Microsoft's user principal name, a UTF8String in an otherName."""
_UTF8_STRING: Final = 0x0C
_UNREADABLE: Final = (
    ValueError, TypeError, x509.InvalidVersion, x509.DuplicateExtension, x509.UnsupportedGeneralNameType,
)  # fmt: skip
"""What cryptography raises; TypeError for a name of another kind of string than it has to be."""


@dataclass(frozen=True, slots=True)
class Named:
    """What counts of a certificate."""

    names: tuple[str, ...]
    """Alternative names first, then the common name."""
    is_current: bool
    is_for_clients: bool
    """No extended key usage, or one that says so (RFC 5216 5.3)."""


def read(der: bytes, now_utc: float) -> Named | None:
    """None where it is no certificate."""
    try:
        found = x509.load_der_x509_certificate(der)
        names = _alternatives(found) + [
            str(each.value) for each in found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        ]
        is_for_clients = _is_for_clients(found)
    except _UNREADABLE:
        return None
    now = datetime.fromtimestamp(now_utc, UTC)
    is_current = found.not_valid_before_utc <= now < found.not_valid_after_utc
    return Named(tuple(dict.fromkeys(names))[:_MAX_NAMES], is_current, is_for_clients)


def _alternatives(certificate: x509.Certificate) -> list[str]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    principals = [
        _utf8(other.value) for other in found.get_values_for_type(x509.OtherName) if other.type_id == _UPN
    ]  # fmt: skip
    named = [*found.get_values_for_type(x509.DNSName), *found.get_values_for_type(x509.RFC822Name), *principals]
    return [name for name in named if name]


def _utf8(value: bytes) -> str:
    if len(value) < 2 or value[0] != _UTF8_STRING or value[1] != len(value) - 2:
        return ""
    return value[2:].decode("utf-8", "replace")


def _is_for_clients(certificate: x509.Certificate) -> bool:
    try:
        usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return True
    return ExtendedKeyUsageOID.CLIENT_AUTH in usages or ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE in usages
