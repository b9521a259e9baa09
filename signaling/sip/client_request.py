"""A request of ours and its final response, with credentials where they are asked for (RFC 3261 8.1.3.5, 22.2)."""

from __future__ import annotations

from collections.abc import Callable

from signaling.sip.transactions.endpoint import Endpoint
from signaling.sip.transactions.transaction import Event, Flow, ResponseReceived, State, Transaction, TransactionFailed
from signaling.sip.transactions.transaction_client import ClientTransaction
from signaling.sip.wire.fields import cseq_of
from signaling.sip.wire.message import Headers, Request, Response
from signaling.sip.wire.uri import NameAddr, Uri

Authorize = Callable[[Response, Request], tuple[str, str] | None]
"""Given a 401 or 407 and the request it refuses: the header to add, None to give up."""

MAX_AUTHORIZED_TRIES = 2
"""The second one is for a nonce that went stale, or for a server behind a proxy that asks too."""


class ClientRequest:
    """One request, sent again with credentials at most twice. `happened` is told all else that its transaction tells.

    `number` gives the CSeq for another try; without it the next one is taken (out of dialogs).
    """

    def __init__(
        self,
        request: Request,
        flow: Flow,
        happened: Callable[[ClientRequest, Event, float], None],
        authorize: Authorize | None = None,
        number: Callable[[], int] | None = None,
    ) -> None:
        self.request = request
        self.flow = flow
        self.authorize = authorize
        self.failure = ""
        """Why there was no answer: "timeout" or "transport"."""
        self.transaction: ClientTransaction | None = None
        self._happened = happened
        self._number = number
        self._tries = 0
        self._endpoint: Endpoint | None = None

    @property
    def is_over(self) -> bool:
        """Whether a final response came, or none will."""
        over = (State.ACCEPTED, State.COMPLETED, State.TERMINATED)
        return self.transaction is None or self.transaction.state in over

    def start(self, endpoint: Endpoint, now: float) -> None:
        """Send it."""
        self._endpoint = endpoint
        self.transaction = endpoint.request(self.request, self.flow, self, now)

    def repeat(self, fields: tuple[tuple[str, str], ...], now: float) -> None:
        """Send it again as a new request, with these header fields in place of older ones."""
        assert self._endpoint is not None
        twin = Request(self.request.method, self.request.uri, self.request.headers.copy(), self.request.body)
        number = self._number() if self._number is not None else cseq_of(twin.headers).number + 1
        twin.headers.remove("Via")
        for name, value in (("CSeq", f"{number} {twin.method}"), *fields):
            twin.headers.set(name, value)
        self.request = twin
        self.start(self._endpoint, now)

    def transaction_event(self, transaction: Transaction, event: Event, now: float) -> None:
        """See transaction.TransactionUser."""
        if isinstance(event, ResponseReceived) and transaction is self.transaction:
            header = self._credentials(event.response)
            if header is not None:
                self.repeat((header,), now)
                return
        if isinstance(event, TransactionFailed):
            self.failure = event.reason
        self._happened(self, event, now)

    def _credentials(self, response: Response) -> tuple[str, str] | None:
        if response.status not in (401, 407) or self.authorize is None or self._tries >= MAX_AUTHORIZED_TRIES:
            return None
        self._tries += 1
        return self.authorize(response, self.request)


def final_only(
    on_response: Callable[[Response | None], None],
) -> Callable[[ClientRequest, Event, float], None]:
    """For ClientRequest.happened: the final response, or None when there is none; provisional ones are swallowed."""

    def happened(_: ClientRequest, event: Event, __: float) -> None:
        if not isinstance(event, ResponseReceived):
            on_response(None)
        elif event.response.status >= 200:
            on_response(event.response)

    return happened


def authorized(request: Request, header: tuple[str, str], cseq: int = 0) -> Request:
    """The same request with credentials, which replace older ones of that name."""
    twin = Request(request.method, request.uri, request.headers.copy(), request.body)
    twin.headers.remove("Via")
    twin.headers.set("CSeq", f"{cseq or cseq_of(request.headers).number + 1} {request.method}")
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
    contact = contact.secured() if uri.scheme == "sips" else contact
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
