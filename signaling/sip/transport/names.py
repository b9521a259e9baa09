"""Whom a certificate of a SIP peer stands for (RFC 5922 7)."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

from signaling.errors import SipError
from signaling.sip.wire.uri import parse_uri


def identities(certificate: Mapping[str, object]) -> frozenset[str]:
    """Host names (lower case) and addresses of a verified certificate, as ssl's getpeercert() gives it.

    Domains in sip: URIs without a user, DNS names and addresses of its subjectAltName; the common name counts for
    nothing (RFC 9525 2).
    """
    found = set()
    names = certificate.get("subjectAltName", ())
    for kind, value in names if isinstance(names, tuple) else ():
        name = _NAMED[kind](value) if kind in _NAMED else ""
        if name:
            found.add(name)
    return frozenset(found)


def stands_for(certificate: Mapping[str, object], host: str) -> bool:
    """Whether the certificate is that of `host`, a name or a numeric address. A wildcard fits nothing (7.2)."""
    return bool(host) and (_address(host) or host.lower().rstrip(".")) in identities(certificate)


def _domain(value: str) -> str:
    try:
        uri = parse_uri(value)
    except SipError:
        return ""
    return uri.host.lower() if uri.scheme == "sip" and not uri.user else ""


def _dns(value: str) -> str:
    return "" if "*" in value else value.lower().rstrip(".")


def _address(value: str) -> str:
    try:
        return str(ipaddress.ip_address(value.strip("[]").partition("%")[0]))
    except ValueError:
        return ""


_NAMED = {"URI": _domain, "DNS": _dns, "IP Address": _address}
