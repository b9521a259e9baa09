"""Sending a request within a dialog (RFC 3261 12.2.1), with credentials where they are asked for."""

from __future__ import annotations

from collections.abc import Callable

from signaling.sip.client_request import Authorize, ClientRequest, final_only
from signaling.sip.sessions.core import Core
from signaling.sip.sessions.dialog import Dialog
from signaling.sip.sessions.session_timer import Fields
from signaling.sip.wire.message import Response


def send_within(
    core: Core,
    dialog: Dialog,
    authorize: Authorize | None,
    method: str,
    now: float,
    fields: Fields = (),
    body: bytes = b"",
    on_response: Callable[[Response | None], None] = lambda _: None,
) -> ClientRequest:
    """Send a request that no offer depends on; `on_response` gets the final response, None where there is none."""
    request = dialog.request(method)
    request.body = body
    for name, value in fields:
        request.headers.add(name, value)
    asked = ClientRequest(request, dialog.next_hop(), final_only(on_response), authorize, dialog.next_cseq)
    asked.start(core.endpoint, now)
    return asked
