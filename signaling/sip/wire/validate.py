"""What a request must have before anybody acts on it (RFC 3261 8.1.1, 8.2 and 16.3; torture cases of RFC 4475)."""

from __future__ import annotations

from collections.abc import Collection

from signaling.errors import SipError
from signaling.sip.wire.fields import cseq_of, from_of, to_of, top_via
from signaling.sip.wire.message import VERSION_MARK, Message, Request
from signaling.sip.wire.uri import has_empty_param, parse_name_addr, parse_uri
from signaling.sip.wire.via import MAGIC_COOKIE, parse_via

_ONCE = ("From", "To", "Call-ID", "CSeq")
_AT_MOST_ONCE = frozenset({*_ONCE, "Max-Forwards", "Content-Type", "Content-Length", "Subject", "Expires", "Date"})
_KNOWN_TO_REGISTRAR = frozenset({"path", "outbound"})  # RFC 3327, RFC 5626


def check_routing(message: Message) -> None:
    """What is needed to match a message with its transaction and to answer it. Raises SipError."""
    headers = message.headers
    for name in headers.repeated():
        if name in _AT_MOST_ONCE:
            raise SipError(400, f"More than one {name}")
    for name in _ONCE:
        if not headers.get(name):
            raise SipError(400, f"{name} has to be there once")
    vias = headers.values("Via")
    if not vias:
        raise SipError(400, "Via is missing")
    for via in (top_via(headers), *map(parse_via, vias[1:])):
        if via.version != "2.0" and VERSION_MARK not in headers:
            raise SipError(400, "Malformed Via")
    if any(map(has_empty_param, vias)):
        raise SipError(400, "Malformed Via")
    cseq_of(headers)
    from_of(headers)
    to_of(headers)


def check_request(request: Request, extensions: Collection[str] = ()) -> None:
    """All checks of a server that knows these extensions. Raises SipError with the status for the peer."""
    check_routing(request)
    check_meaning(request, extensions)


def check_meaning(request: Request, extensions: Collection[str] = ()) -> None:
    """What check_routing() leaves out. Raises SipError."""
    if VERSION_MARK in request.headers:
        raise SipError(505, "Version Not Supported")
    if parse_uri(request.uri).headers:
        raise SipError(400, "Headers in the Request-URI")  # RFC 3261 19.1.1, RFC 4475 3.1.2.11
    if cseq_of(request.headers).method != request.method:
        raise SipError(400, "CSeq does not name the method")
    forwards = request.headers.get("Max-Forwards", "70")
    if not (forwards.isascii() and forwards.isdigit() and int(forwards[:4]) <= 255):
        raise SipError(400, "Malformed Max-Forwards")
    for name in ("Contact", "Route", "Record-Route"):
        for value in request.headers.values(name):
            if value != "*":
                _check_address(name, value, request)
    if request.method == "INVITE":
        _check_invite(request)
    _check_extensions(request, extensions)


def _check_invite(request: Request) -> None:
    """RFC 3261 8.1.1.8; those who speak RFC 2543 only, which their branch shows, need no Contact (RFC 4475 3.4.1)."""
    contacts = request.headers.values("Contact")
    is_old = not top_via(request.headers).branch.startswith(MAGIC_COOKIE)
    if contacts[:1] == ["*"] or len(contacts) > 1 or not (contacts or is_old):
        raise SipError(400, "An INVITE needs one Contact")


def _check_address(name: str, value: str, request: Request) -> None:
    """What requests will be sent to has to be a SIP URI; a binding of a REGISTER may be anything."""
    uri = parse_name_addr(value).uri
    if uri.scheme not in ("sip", "sips") and not (name == "Contact" and request.method in ("REGISTER", "MESSAGE")):
        raise SipError(400, f"{name} is no SIP URI")


def _check_extensions(request: Request, extensions: Collection[str]) -> None:
    """RFC 3261 8.2.2.3; ACK and CANCEL are never refused for an extension."""
    if request.method in ("ACK", "CANCEL"):
        return
    known = _KNOWN_TO_REGISTRAR if request.method == "REGISTER" else extensions
    unknown = [tag for tag in request.headers.values("Require") if tag.lower() not in known]
    if unknown:
        raise SipError(420, "Bad Extension", (("Unsupported", ", ".join(unknown)[:256]),))
    encoding = request.headers.get("Content-Encoding", "identity").lower()
    if request.body and encoding != "identity":
        raise SipError(415, "Unsupported Media Type", (("Accept-Encoding", "identity"),))
