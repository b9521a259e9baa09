"""A request of ours and its final response, with credentials where they are asked for (RFC 3261 8.1.3.5, 22.2)."""

from __future__ import annotations

from collections.abc import Callable

from signaling.sip.endpoint import Endpoint
from signaling.sip.fields import cseq_of
from signaling.sip.message import Headers, Request, Response
from signaling.sip.transaction import Event, Flow, ResponseReceived, Transaction, TransactionFailed
from signaling.sip.uri import NameAddr, Uri

Authorize = Callable[[Response, Request], tuple[str, str] | None]
"""Given a 401 or 407 and the request it refuses: the header to add, None to give up."""

MAX_AUTHORIZED_TRIES = 2
"""The second one is for a nonce that went stale, or for a server behind a proxy that asks too."""


class ClientRequest:
    """One request, sent again with credentials at most twice; `on_response` is told once, None for no answer."""

    def __init__(
        self,
        request: Request,
        flow: Flow,
        on_response: Callable[[Response | None], None],
        authorize: Authorize | None = None,
    ) -> None:
        self.request = request
        self.flow = flow
        self.failure = ""
        """Why there was no answer: "timeout" or "transport"."""
        self._on_response = on_response
        self._authorize = authorize
        self._tries = 0
        self._endpoint: Endpoint | None = None

    def start(self, endpoint: Endpoint, now: float) -> None:
        """Send it."""
        self._endpoint = endpoint
        endpoint.request(self.request, self.flow, self, now)

    def transaction_event(self, _: Transaction, event: Event, now: float) -> None:
        """Provisional responses are swallowed."""
        if isinstance(event, TransactionFailed):
            self.failure = event.reason
            self._on_response(None)
        elif isinstance(event, ResponseReceived) and event.response.status >= 200:
            again = self._authorized(event.response)
            if again is None or self._endpoint is None:
                self._on_response(event.response)
            else:
                self.request = again
                self._endpoint.request(again, self.flow, self, now)

    def _authorized(self, response: Response) -> Request | None:
        if response.status not in (401, 407) or self._authorize is None or self._tries >= MAX_AUTHORIZED_TRIES:
            return None
        self._tries += 1
        header = self._authorize(response, self.request)
        return None if header is None else authorized(self.request, header)


def again(request: Request, cseq: int = 0) -> Request:
    """The same request for a new transaction: no Via, and the next number or `cseq`."""
    twin = Request(request.method, request.uri, request.headers.copy(), request.body)
    twin.headers.remove("Via")
    twin.headers.set("CSeq", f"{cseq or cseq_of(request.headers).number + 1} {request.method}")
    return twin


def authorized(request: Request, header: tuple[str, str], cseq: int = 0) -> Request:
    """The same request with credentials, which replace older ones of that name."""
    twin = again(request, cseq)
    twin.headers.set(*header)
    return twin


_DIALOG_MAKERS = frozenset({"INVITE", "SUBSCRIBE", "REFER", "NOTIFY", "OPTIONS"})


def new_request(
    method: str,
    uri: Uri,
    given: tuple[tuple[str, str], ...],
    body: bytes,
    *,
    origin: NameAddr,
    contact: Uri,
    token: Callable[[], str],
    route: tuple[str, ...] = (),
    user_agent: str = "",
) -> Request:
    """A request out of dialog (RFC 3261 8.1.1). What `given` names is taken as it is, the rest is made.

    `route` are Route values ("<sip:10.0.0.3;lr>"). A passcode in the URI stays out of the To.
    """
    request = Request(method, uri.serialize(), Headers())
    names = {name for name, _ in given}
    made = [
        ("Max-Forwards", "70"),
        ("From", origin.with_tag(token()).serialize()),
        ("To", NameAddr(uri.without_passcode()).serialize()),
        ("Call-ID", token()),
        ("CSeq", f"1 {method}"),
        *(("Route", value) for value in route),
    ]
    if method in _DIALOG_MAKERS:
        made.append(("Contact", f"<{contact.serialize()}>"))
    if user_agent:
        made.append(("User-Agent", user_agent))
    for name, value in (*(item for item in made if item[0] not in names), *given):
        request.headers.add(name, value)
    request.body = body
    return request
