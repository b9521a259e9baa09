"""Making a response, and where it goes (RFC 3261 8.2.6 and 18.2.2)."""

from __future__ import annotations

from dataclasses import replace

from signaling.errors import SipError
from signaling.sip.fields import to_of, top_via
from signaling.sip.message import Headers, Request, Response
from signaling.sip.transaction import Flow

SDP_TYPE = "application/sdp"


def response_to(request: Request, status: int, reason: str = "", to_tag: str = "") -> Response:
    """A response with what RFC 3261 8.2.6 copies from its request; the reason never repeats what the peer wrote."""
    headers = Headers()
    for name in ("Via", "From", "To", "Call-ID", "CSeq"):
        for value in request.headers.raw(name):
            if name == "To" and to_tag and status > 100 and not _has_tag(request.headers):
                headers.add(name, value + b";tag=" + to_tag.encode())
            else:
                headers.add(name, value)
    if status == 100 and "Timestamp" in request.headers:
        headers.add("Timestamp", request.headers.raw("Timestamp")[0])
    return Response(status, reason, headers)


def response_flow(flow: Flow, headers: Headers) -> Flow:
    """RFC 3261 18.2.2: the same connection, or the address in the stamped Via."""
    if flow.is_reliable:
        return flow
    return replace(flow, remote=top_via(headers).response_address())


def _has_tag(headers: Headers) -> bool:
    try:
        return bool(to_of(headers).tag)
    except SipError:
        return b"tag=" in headers.raw("To")[0].lower()
