"""Asking a RADIUS server how it is (Status-Server, RFC 5997), for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from auth8021x.radius.accounting import Asker
from auth8021x.radius.request import Failure, Request
from auth8021x.wire import attribute
from auth8021x.wire.authenticity import Fault
from auth8021x.wire.dictionary import Code, Type

_FOREIGN: Final = "answers, but not with our secret: it has to be the same at both ends"
_NO_PROOF: Final = "answers without Message-Authenticator, which proves nothing: see docs/radius.md"
_CAUSES: Final[Mapping[str, str]] = {
    Fault.AUTHENTICATOR.value: _FOREIGN,
    Fault.MESSAGE_AUTHENTICATOR.value: _FOREIGN,
    Fault.NO_MESSAGE_AUTHENTICATOR.value: _NO_PROOF,
    Fault.EAP_WITHOUT_MESSAGE_AUTHENTICATOR.value: _NO_PROOF,
    "malformed": "answers what is no RADIUS",
    "udp-receive-error": "nothing listens at that port",
    "udp-send-error": "cannot be reached from here",
    Failure.TOO_LONG.value: "the request does not fit into a packet",
    Failure.NO_SERVER.value: "there is no such server",
}
"""By counters of the client, the most telling first."""
SILENT: Final = (
    "does not answer: is the address right, and does it know us? Servers say nothing to clients that they do not know, "
    "or that have another secret"
)


async def ask_status(asker: Asker, server: str, nas_identifier: str) -> float:
    """Seconds that a server took. Raises NoAnswerError."""
    name = attribute.text(Type.NAS_IDENTIFIER, nas_identifier)
    return (await asker.ask(Request(Code.STATUS_SERVER, (name,), server=server))).took_s


def why_no_answer(counters: Mapping[str, int]) -> str:
    """What the counters of a client say about a request that nobody answered."""
    return next((text for name, text in _CAUSES.items() if counters.get(name)), SILENT)
