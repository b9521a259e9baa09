"""The answer to a request that nobody has time for: 503 without any state (RFC 3261 21.5.4)."""

from __future__ import annotations

from signaling.errors import SipError
from signaling.sip.transactions.transaction import Flow
from signaling.sip.wire.fields import top_via
from signaling.sip.wire.message import Request, parse
from signaling.sip.wire.reply import response_flow, response_to
from signaling.sip.wire.validate import check_routing

RETRY_AFTER_S = 10


def busy_answer(data: bytes, flow: Flow) -> tuple[bytes, Flow] | None:
    """The refusal and where it goes; None for an ACK, a response, and what cannot be read."""
    try:
        message = parse(data)
        check_routing(message)
        if not isinstance(message, Request) or message.method == "ACK":
            return None
        message.headers.set_first("Via", top_via(message.headers).stamped(*flow.remote).serialize())
        response = response_to(message, 503, to_tag="busy")
        response.headers.add("Retry-After", str(RETRY_AFTER_S))
        return response.serialize(), response_flow(flow, response.headers)
    except (SipError, ValueError):
        return None
