"""Giving strange messages to an agent and saying in a word what it made of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from signaling.sip.agent import Agent
from signaling.sip.sessions.session import Session
from signaling.sip.transactions.transaction import Flow
from signaling.sip.transactions.transaction_server import TRYING_AFTER_S
from signaling.sip.wire.message import Request, Response, parse
from signaling.sip.wire.uri import Uri

UDP = Flow("udp", ("192.0.2.50", 5060), ("192.0.2.9", 5060))


def wire(text: str, body: bytes = b"") -> bytes:
    """A message from lines; LENGTH becomes that of the body. Escapes such as <b>00</b> stand for bytes."""
    head = text.strip("\n").replace("\n", "\r\n").replace("LENGTH", str(len(body)))
    return head.encode() + b"\r\n\r\n" + body


@dataclass
class Victim:
    """An agent that takes calls, and serves REGISTER and MESSAGE with 200."""

    flow: Flow = UDP
    calls: list[tuple[Session, Request]] = field(default_factory=list)
    served: list[Request] = field(default_factory=list)
    answers: list[Response] = field(default_factory=list)

    def __post_init__(self) -> None:
        tokens = iter(range(1000))
        self.agent = Agent(
            lambda flow: Uri("sip", "x", flow.local[0], 5060),
            lambda: f"t{next(tokens)}",
            lambda session, request, _: self.calls.append((session, request)),
        )
        for method in ("REGISTER", "MESSAGE"):
            self.agent.serve(method, self._serve)

    def _serve(self, transaction, request, session, flow, now) -> None:
        self.served.append(request)
        self.agent.reply(transaction, request, 200, now)

    def fate(self, data: bytes) -> str:
        """ "call", "dropped", or the status of the only answer."""
        self.agent.receive(data, self.flow, 0.0)
        self.agent.handle_timeout(TRYING_AFTER_S)
        messages = [parse(outgoing.data) for outgoing in self.agent.messages_to_send()]
        self.answers = [message for message in messages if isinstance(message, Response)]
        assert len(messages) == len(self.answers) <= 1
        if self.calls:
            assert [answer.status for answer in self.answers] == [100]
            return "call"
        return str(self.answers[0].status) if self.answers else "dropped"
