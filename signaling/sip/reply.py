"""Making a response, and where it goes (RFC 3261 8.2.6 and 18.2.2)."""

from __future__ import annotations

from dataclasses import replace

from signaling.sip.dialog import Dialog
from signaling.sip.fields import top_via
from signaling.sip.message import Headers, Request, Response
from signaling.sip.transaction import Flow

SDP_TYPE = "application/sdp"
METHODS = ("INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "INFO")
"""What the agent itself takes; Agent.serve adds others."""


def response_to(request: Request, status: int, reason: str = "", to_tag: str = "") -> Response:
    """A response with what RFC 3261 8.2.6 copies from its request; the reason never repeats what the peer wrote."""
    headers = Headers()
    for name in ("Via", "From", "To", "Call-ID", "CSeq"):
        for value in request.headers.raw(name):
            if name == "To" and to_tag and status > 100 and b"tag=" not in value.lower():
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


def dialog_response(
    request: Request, dialog: Dialog | None, status: int, reason: str, body: bytes, user_agent: str, allow: str
) -> Response:
    """A response within a dialog, or one that makes it (RFC 3261 12.1.1)."""
    response = response_to(request, status, reason, dialog.local.tag if dialog else "")
    if request.method == "INVITE" and status < 300 and dialog is not None:
        for route in request.headers.raw("Record-Route"):
            response.headers.add("Record-Route", route)
        response.headers.add("Contact", dialog.contact)
        response.headers.add("Allow", allow)
    if user_agent:
        response.headers.add("Server", user_agent)
    if body:
        response.headers.add("Content-Type", SDP_TYPE)
        response.body = body
    return response
