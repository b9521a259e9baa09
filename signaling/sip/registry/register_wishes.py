"""What a REGISTER asks for: its contacts with their times and parameters (RFC 3261 10.3, RFC 5626 4.2)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from config.registrar import RegistrarSettings
from signaling.errors import SipError
from signaling.sip.wire.message import Headers, Request
from signaling.sip.wire.uri import NameAddr, Uri, parse_name_addr

_MAX_INSTANCE_CHARACTERS = 128
_MAX_URI_CHARACTERS = 512
_MAX_REG_ID = 2**31 - 1  # RFC 5626 3.1
_Q = re.compile(r"0(\.\d{0,3})?|1(\.0{0,3})?")
_DIGITS = re.compile(r"\d{1,10}")
_MALFORMED_EXPIRES_S = 3600
"""RFC 3261 20.19: a malformed value counts as 3600."""


@dataclass(frozen=True, slots=True)
class Wish:
    """One contact; 0 s means that it is to be forgotten."""

    uri: str
    expires_s: int
    q: float = 1.0
    instance: str = ""
    reg_id: int = 0


def is_removal_of_all(request: Request) -> bool:
    """Whether it is `Contact: *` with an Expires of 0 (RFC 3261 10.2.2). Raises SipError 400 for a half of that."""
    contacts = request.headers.values("Contact")
    if "*" not in contacts:
        return False
    if len(contacts) > 1 or request.headers.get("Expires").strip() != "0":
        raise SipError(400, "Contact: * goes alone, with Expires: 0")
    return True


def wishes_of(request: Request, settings: RegistrarSettings) -> list[Wish]:
    """All contacts of the request, times cut to what is allowed. Raises SipError (400, 423)."""
    values = request.headers.values("Contact")
    if len(values) > settings.max_contacts_per_terminal:
        raise SipError(400, "Too many contacts")
    has_outbound = supports(request.headers, "outbound")
    wishes = [_wish(parse_name_addr(value), request.headers, settings, has_outbound=has_outbound) for value in values]
    if sum(1 for wish in wishes if wish.reg_id and wish.expires_s) > 1:
        raise SipError(400, "More than one contact with a reg-id")  # RFC 5626 6
    return wishes


def supports(headers: Headers, option: str) -> bool:
    """Whether the peer names an extension in Supported or Require."""
    return any(tag.lower() == option for name in ("Supported", "Require") for tag in headers.values(name))


def _wish(contact: NameAddr, headers: Headers, settings: RegistrarSettings, *, has_outbound: bool) -> Wish:
    instance = contact.param("+sip.instance") or ""
    if len(instance) > _MAX_INSTANCE_CHARACTERS or not instance.isascii():
        raise SipError(400, "Malformed instance")
    reg_id = contact.param("reg-id") or ""
    is_managed = has_outbound and instance and _DIGITS.fullmatch(reg_id) and 0 < int(reg_id) <= _MAX_REG_ID
    uri = _plain(contact.uri)
    if len(uri) > _MAX_URI_CHARACTERS or not uri.isascii():
        raise SipError(400, "Malformed Contact")
    expires_s = _expires(contact, headers, settings)
    return Wish(uri, expires_s, _q(contact.param("q")), instance, int(reg_id) if is_managed else 0)


@lru_cache(1024)  # terminals refresh what they said before
def _plain(uri: Uri) -> str:
    """As it may stand in a request line: without headers and method (RFC 3261 19.1.1), host in lower case."""
    if uri.scheme == "tel":
        raise SipError(400, "A tel: URI is no contact")
    params = tuple(param for param in uri.params if param[0] != "method")
    return Uri(uri.scheme, uri.user, uri.host.lower(), uri.port, params).serialize()


def _expires(contact: NameAddr, headers: Headers, settings: RegistrarSettings) -> int:
    text = contact.param("expires")
    if text is None:
        text = headers.get("Expires").strip() if "Expires" in headers else str(settings.default_expires_s)
    wanted_s = int(text) if _DIGITS.fullmatch(text) and text.isascii() else _MALFORMED_EXPIRES_S
    if 0 < wanted_s < settings.min_expires_s:
        raise SipError(423, "Interval Too Brief", (("Min-Expires", str(settings.min_expires_s)),))
    return min(wanted_s, settings.max_expires_s)


def _q(text: str | None) -> float:
    return float(text) if text is not None and _Q.fullmatch(text) else 1.0
