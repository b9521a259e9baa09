"""Responses within a dialog, or such that make one (RFC 3261 12.1.1, RFC 3311 5.2)."""

from __future__ import annotations

from signaling.sip.sessions.core import Core
from signaling.sip.sessions.dialog import Dialog
from signaling.sip.wire.message import Request, Response
from signaling.sip.wire.reply import SDP_TYPE, response_to


def dialog_response(
    core: Core,
    request: Request,
    dialog: Dialog | None,
    status: int,
    reason: str = "",
    body: bytes = b"",
    fields: tuple[tuple[str, str], ...] = (),
) -> Response:
    """A response with what its class and method need: Contact and Record-Route where they make or refresh a dialog."""
    response = response_to(request, status, reason, dialog.local.tag if dialog else "")
    headers = response.headers
    if request.method in ("INVITE", "UPDATE") and 100 < status < 300 and dialog is not None:
        for route in request.headers.lines("Record-Route") if request.method == "INVITE" else ():
            headers.add("Record-Route", route)
        headers.add("Contact", dialog.contact)
        headers.add("Allow", core.allow)
        headers.add("Supported", core.supported)
    for name, value in fields:
        headers.add(name, value)
    if core.user_agent:
        headers.add("Server", core.user_agent)
    if body:
        headers.add("Content-Type", SDP_TYPE)
        response.body = body
    return response
