"""SIP messages on the wire (RFC 3261 7 and 25): bytes in, lazily decoded headers, bytes out."""

from __future__ import annotations

import re

from signaling.errors import MalformedMessage
from signaling.sip.wire.headers import Headers, split_commas

MAX_MESSAGE_BYTES = 65_536
MAX_HEADERS = 128
_TOKEN = re.compile(r"[A-Za-z0-9\-.!%*_+`'~]+")
_VERSION = re.compile(r"SIP/[0-9]+\.[0-9]+", re.IGNORECASE | re.ASCII)
# Looked for at the beginning of a run of blanks only: a message full of them must not take quadratic time.
_FOLD = re.compile(r"(?<![ \t])[ \t]*\r\n[ \t]+")


class Request:
    """A request. Its repr shows method and Call-ID only: a dialled string may carry a passcode."""

    __slots__ = ("body", "headers", "method", "uri")

    def __init__(self, method: str, uri: str, headers: Headers | None = None, body: bytes = b"") -> None:
        self.method = method
        self.uri = uri
        self.headers = headers if headers is not None else Headers()
        self.body = body

    def serialize(self) -> bytes:
        """The message as it goes on the wire, Content-Length set."""
        return _serialize(f"{self.method} {self.uri} SIP/2.0", self.headers, self.body)

    def __repr__(self) -> str:
        return f"Request({self.method!r}, call_id={self.headers.get('Call-ID')!r})"


class Response:
    """A response."""

    __slots__ = ("body", "headers", "reason", "status")

    def __init__(self, status: int, reason: str = "", headers: Headers | None = None, body: bytes = b"") -> None:
        self.status = status
        self.reason = reason or REASONS.get(status, "")
        self.headers = headers if headers is not None else Headers()
        self.body = body

    def serialize(self) -> bytes:
        """The message as it goes on the wire, Content-Length set."""
        return _serialize(f"SIP/2.0 {self.status} {self.reason}", self.headers, self.body)

    def __repr__(self) -> str:
        return f"Response({self.status}, call_id={self.headers.get('Call-ID')!r})"


Message = Request | Response


class BadMessage(MalformedMessage):
    """A message with a fault; `partial` is what could be read, enough for a 400 when it is a request with a Via."""

    def __init__(self, reason: str, partial: Message | None = None, status: int = 400) -> None:
        super().__init__(reason, status)
        self.partial = partial


def parse(data: bytes) -> Message:
    """One whole message (a datagram, or what StreamFramer cut out). Raises BadMessage."""
    if len(data) > MAX_MESSAGE_BYTES:
        raise BadMessage("Message too large", status=513)
    head, separator, body = data.partition(b"\r\n\r\n")
    start, _, block = head.decode("utf-8", "surrogateescape").partition("\r\n")
    plain = _plain_headers(block)
    headers, fault = (plain, "") if plain is not None else _any_headers(block)
    message, start_fault = _parse_start_line(start, headers)
    fault = fault or start_fault
    if not separator:
        fault = fault or "Headers without an end"
    message.body, length_fault = _cut_body(headers, body)
    if fault or length_fault:
        raise BadMessage(fault or length_fault, message)
    return message


def canonical_name(name: str) -> str:
    """The spelling under which a header is kept; compact forms (RFC 3261 7.3.3) become long ones."""
    return name if name in _KNOWN else _FOLDED.get(name.lower()) or name.title()


def _parse_start_line(line: str, headers: Headers) -> tuple[Message, str]:
    parts = line.split(" ", 2)
    if len(parts) == 3 and parts[2] == "SIP/2.0" and parts[1] and parts[0] in _METHODS:
        return Request(parts[0], parts[1], headers), ""
    if len(parts) == 3 and _VERSION.fullmatch(parts[0]):
        is_status = len(parts[1]) == 3 and parts[1].isascii() and parts[1].isdigit() and parts[1] >= "100"
        if parts[0].upper() != "SIP/2.0" or not is_status:
            raise BadMessage("Malformed status line")
        return Response(
            int(parts[1]), parts[2].encode("utf-8", "surrogateescape").decode("utf-8", "replace"), headers
        ), ""
    if len(parts) != 3 or not _TOKEN.fullmatch(parts[0]):
        raise BadMessage("Malformed request line")
    request = Request(parts[0], parts[1], headers)
    if not _VERSION.fullmatch(parts[2]) or not parts[1]:
        return request, "Malformed request line"
    if parts[2].upper() != "SIP/2.0":
        headers.add(VERSION_MARK, parts[2])
    return request, ""


def _plain_headers(block: str) -> Headers | None:
    """The fields as nearly all write them: known names, each once, one blank behind the colon. None for others."""
    lines = block.split("\r\n")
    breaks = len(lines) - 1
    if breaks >= MAX_HEADERS or block.count("\r") != breaks or block.count("\n") != breaks:
        return None
    if ":  " in block or " \r\n" in block or "\t" in block or "\0" in block or block[-1:] == " ":
        return None
    try:
        fields = dict([line.split(": ", 1) for line in lines])
    except ValueError:
        return None
    return Headers.of(fields) if len(fields) == len(lines) and fields.keys() <= _KNOWN else None


def _any_headers(block: str) -> tuple[Headers, str]:
    """The fields however they are written, and the first fault: what is readable still allows an answer."""
    if "\r\n " in block or "\r\n\t" in block:
        block = _FOLD.sub(" ", block)
    lines = block.split("\r\n") if block else []
    fault = "Too many headers" if len(lines) > MAX_HEADERS else ""
    headers = Headers()
    for line in lines[:MAX_HEADERS]:
        name, colon, value = line.partition(":")
        name = name.rstrip(" \t")
        if colon and _TOKEN.fullmatch(name) and _is_clean(value):
            headers.add(canonical_name(name), value.strip(" \t"))
        else:
            fault = fault or "Malformed header line"
    return headers, fault


def _is_clean(value: str) -> bool:
    return "\n" not in value and "\r" not in value and not _has_bare_nul(value)


def _has_bare_nul(value: str) -> bool:
    """In a quoted string a NUL may stand behind a backslash (RFC 3261 25.1, quoted-pair), nowhere else."""
    return "\0" in value and "\0" in value.replace("\\\0", "")


def _cut_body(headers: Headers, body: bytes) -> tuple[bytes, str]:
    """The body by Content-Length (RFC 3261 18.3): surplus bytes of a datagram are dropped, too few are a fault."""
    text = headers.get("Content-Length")
    if not text:
        return body, "Bad Content-Length" if "Content-Length" in headers else ""
    is_one = "Content-Length" not in headers.repeated() or len(set(headers.lines("Content-Length"))) == 1
    if not is_one or not (text.isascii() and text.isdigit()) or len(text) > 9:
        return body, "Bad Content-Length"
    length = int(text)
    return body[:length], "Body shorter than Content-Length" if len(body) < length else ""


def _serialize(start: str, headers: Headers, body: bytes) -> bytes:
    if "Content-Length" in headers or VERSION_MARK in headers:  # as they came with a request that is passed on
        headers = headers.copy()
        headers.remove("Content-Length")
        headers.remove(VERSION_MARK)
    head = f"{start}\r\n{headers.serialize()}Content-Length: {len(body)}\r\n\r\n"
    return head.encode("utf-8", "surrogateescape") + body


VERSION_MARK = ":version"
"""A pseudo header that carries a version other than 2.0 to validate.check (505); it is never sent."""

_NAMES = """
    Accept Accept-Encoding Accept-Language Alert-Info Allow Allow-Events Authentication-Info Authorization Call-ID
    Call-Info Contact Content-Disposition Content-Encoding Content-Language Content-Length Content-Type CSeq Date
    Error-Info Event Expires From In-Reply-To Info-Package Max-Forwards MIME-Version Min-Expires Min-SE Organization
    P-Asserted-Identity Path Priority Proxy-Authenticate Proxy-Authorization Proxy-Require RAck Reason Record-Route
    Recv-Info Refer-To Referred-By Replaces Reply-To Require Retry-After Route RSeq Server Service-Route
    Session-Expires SIP-ETag SIP-If-Match Subject Subscription-State Supported Timestamp To Unsupported User-Agent
    Via Warning WWW-Authenticate
""".split()  # noqa: SIM905 - a table is easier to read as text
_COMPACT = {  # RFC 3261 7.3.3 and 20, RFC 3515, RFC 3265, RFC 4028
    "c": "Content-Type", "e": "Content-Encoding", "f": "From", "i": "Call-ID", "k": "Supported", "l": "Content-Length",
    "m": "Contact", "s": "Subject", "t": "To", "v": "Via", "r": "Refer-To", "b": "Referred-By", "o": "Event",
    "u": "Allow-Events", "x": "Session-Expires",
}  # fmt: skip
_KNOWN = frozenset(_NAMES)
_METHODS = frozenset(
    {"INVITE", "ACK", "BYE", "CANCEL", "REGISTER", "OPTIONS", "INFO", "UPDATE", "PRACK", "REFER", "SUBSCRIBE"}
)
_FOLDED = {name.lower(): name for name in _NAMES} | _COMPACT

REASONS = {
    100: "Trying", 180: "Ringing", 183: "Session Progress", 200: "OK", 400: "Bad Request", 403: "Forbidden",
    404: "Not Found", 405: "Method Not Allowed", 406: "Not Acceptable", 408: "Request Timeout",
    415: "Unsupported Media Type", 416: "Unsupported URI Scheme", 420: "Bad Extension", 480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist", 482: "Loop Detected", 483: "Too Many Hops", 486: "Busy Here",
    487: "Request Terminated", 488: "Not Acceptable Here", 491: "Request Pending", 500: "Server Internal Error",
    501: "Not Implemented", 503: "Service Unavailable", 505: "Version Not Supported", 513: "Message Too Large",
    202: "Accepted", 401: "Unauthorized", 407: "Proxy Authentication Required", 423: "Interval Too Brief",
    603: "Decline",
}  # fmt: skip

__all__ = [
    "MAX_HEADERS", "MAX_MESSAGE_BYTES", "REASONS", "VERSION_MARK", "BadMessage", "Headers", "Message", "Request",
    "Response", "canonical_name", "parse", "split_commas",
]  # fmt: skip
