"""Making a response, and where it goes (RFC 3261 8.2.6 and 18.2.2)."""

from __future__ import annotations

from dataclasses import replace

from signaling.errors import SipError
from signaling.sip.transactions.transaction import Flow
from signaling.sip.wire.fields import to_of, top_via
from signaling.sip.wire.message import Headers, Request, Response

SDP_TYPE = "application/sdp"
_COPIED = ("Via", "From", "To", "Call-ID", "CSeq")


def response_to(request: Request, status: int, reason: str = "", to_tag: str = "") -> Response:
    """A response with what RFC 3261 8.2.6 copies from its request; the reason never repeats what the peer wrote."""
    headers = request.headers.copied(_COPIED)
    if to_tag and status > 100 and "To" in headers and not _has_tag(headers):
        headers.set_first("To", f"{request.headers.get('To')};tag={to_tag}")
    if status == 100 and "Timestamp" in request.headers:
        headers.add("Timestamp", request.headers.get("Timestamp"))
    return Response(status, reason, headers)


def response_flow(flow: Flow, headers: Headers) -> Flow:
    """RFC 3261 18.2.2: the same connection, or the address in the stamped Via."""
    if flow.is_reliable:
        return flow
    remote = top_via(headers).response_address()
    return flow if remote == flow.remote else replace(flow, remote=remote)


def _has_tag(headers: Headers) -> bool:
    try:
        return bool(to_of(headers).tag)
    except SipError:
        return "tag=" in headers.get("To").lower()
