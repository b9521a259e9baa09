r"""A user agent on real sockets (RFC 3261): the asyncio shell around agent.Agent.

Calling out (package caller, tests):

    ua = UserAgent(SipSettings(listen=(LocalAddress("127.0.0.1"),), port=0))
    await ua.start()
    call = await ua.invite("sip:1001**2468@127.0.0.1:5060;transport=tcp", offer_sdp, display_name="Ward 3")
    answer: bytes = await call.answered()          # raises CallRefused(status, reason, retry_after_s, warning)
    call.on_ended = lambda reason: ...             # "bye" (by the peer), "gone", "no-ack", "expired", "local"
    call.on_info = lambda content_type, body: ...  # INFO of the peer, already answered with 200
    call.on_offer = lambda offer: answer           # re-INVITE of the peer; None (or no callback) refuses with 488
    call.info("application/dtmf-relay", b"Signal=5\r\nDuration=160\r\n")
    answer = await call.reinvite(offer_sdp)        # hold, resume, other codecs; raises CallRefused
    call.cancel()                                  # before the answer; answered() then raises CallRefused(487)
    await call.bye()                               # returns when the peer answered the BYE, at most 2 s later
    await ua.stop()

    ua.serve("REGISTER", lambda request: request.reply(403))        # methods beyond the agent's own
    response = await ua.request("OPTIONS", "sip:10.0.0.3")          # out of dialog; authorize= brings credentials

Requests over 1300 bytes go by TCP, and by UDP after all where TCP is refused. `call.answer` is the last answer,
`call.local_address` the address from which the peer is reached (for c= of an offer see `ua.local_for`).
Calls that come in are given to `incoming` as IncomingCall.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import secrets
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from config.sip import SipSettings
from signaling.errors import SipError, TransportError
from signaling.sip.agent import Agent, AgentLimits
from signaling.sip.call_handle import CallRefused, IncomingCall, OutgoingCall
from signaling.sip.client_request import Authorize, ClientRequest, final_only, new_request
from signaling.sip.pulse import Pulse
from signaling.sip.server_request import ServerRequest
from signaling.sip.sessions.events import Refused
from signaling.sip.sessions.session_timer import TimerSettings
from signaling.sip.tokens import Tokens
from signaling.sip.transactions.transaction import Flow
from signaling.sip.transport.layer import TransportLayer
from signaling.sip.transport.tls import TlsContexts
from signaling.sip.wire.fields import to_of
from signaling.sip.wire.message import Request, Response
from signaling.sip.wire.uri import NameAddr, Uri, parse_name_addr, parse_uri

if TYPE_CHECKING:
    from signaling.sip.sessions.dialog import Dialog
    from signaling.sip.sessions.session import Session
    from signaling.sip.transactions.transaction_server import ServerTransaction

logger = logging.getLogger(__name__)

USER_AGENT = "Drumtower"
_ARM_AFTER_S = 0.02
_chance = secrets.SystemRandom()
_token = Tokens()


class UserAgent:
    """Sockets, one timer and the calls over them."""

    def __init__(
        self,
        settings: SipSettings,
        incoming: Callable[[IncomingCall], None] | None = None,
        tls: TlsContexts | None = None,
    ) -> None:
        self.settings = settings
        self._incoming = incoming
        limits = AgentLimits(
            settings.max_calls, settings.max_calls_per_source, settings.max_open_invites, settings.max_transactions
        )  # fmt: skip
        accept = self._call_came if incoming is not None else None
        self._agent = Agent(
            self.contact, _token, accept, user_agent=USER_AGENT, limits=limits,
            timers=TimerSettings(settings.session_expires_s, settings.min_session_expires_s), chance=_chance.random,
        )  # fmt: skip
        self.transports = TransportLayer(settings, self._received, self._agent.endpoint.counters, tls)
        self._agent.endpoint.occupancy.calls = self.transports.calls
        self._agent.endpoint.occupancy.max_open_of_source = settings.max_open_invites_per_source
        self._pulse = Pulse(settings, self.transports, self._dialogs)
        self._timer: asyncio.TimerHandle | None = None
        self._arming: asyncio.TimerHandle | None = None
        self._locals = {local.address: local for local in settings.listen}
        self._is_stopping = False
        self._is_receiving = False
        self._waiting: list[tuple[Callable[[], bool], asyncio.Event]] = []

    @property
    def counters(self) -> Counter[str]:
        """What was dropped, refused or failed, by reason; cumulative."""
        return self._agent.endpoint.counters

    @property
    def local_addresses(self) -> list[tuple[str, int]]:
        """Where it listens, UDP and TCP alike."""
        return self.transports.local_addresses

    @property
    def gauges(self) -> dict[str, int]:
        """How much is open now."""
        return {
            "calls": len(self._agent.sessions),
            "transactions": self._agent.endpoint.transactions,
            "connections": len(self.transports.connections),
            "half-open-connections": self.transports.connections.half_open,
            "sources": len(self.transports.rates),
        }

    async def start(self) -> None:
        """Bind. Raises OSError."""
        self._is_stopping = False
        await self.transports.start()
        self._pulse.start()

    async def stop(self) -> None:
        """Hang up every call, wait shortly for the answers, close every socket."""
        self._is_stopping = True
        self._pulse.stop()
        now = self.now()
        for session in self._agent.sessions:
            session.hang_up(now)
        self.pump()
        await self.wait_until(lambda: not self._agent.endpoint.has_open_clients, self.settings.goodbye_s)
        await self.transports.stop()
        for handle in (self._timer, self._arming):
            if handle is not None:
                handle.cancel()
        self._timer = self._arming = None

    def serve(self, method: str, handler: Callable[[ServerRequest], None], *, remembers: bool = True) -> None:
        """Take a method beyond our own (REGISTER, REFER, SUBSCRIBE, ...); `handler` replies, now or from a task.

        `remembers` is for Agent.serve().
        """

        def served(
            transaction: ServerTransaction, request: Request, session: Session | None, flow: Flow, _: float
        ) -> None:
            tag = to_of(request.headers).tag or _token()

            def answer(status: int, reason: str, headers: tuple[tuple[str, str], ...], body: bytes) -> None:
                self._agent.reply(transaction, request, status, self.now(), headers, tag, body, reason)
                if not self._is_receiving:
                    self.pump()

            handler(ServerRequest(request, flow, session, tag, answer))

        self._agent.serve(method, served, remembers=remembers)

    def send(self, request: Request, flow: Flow, on_response: Callable[[Response | None], None]) -> None:
        """Send a finished request, as of a dialog that is not a call; its final response, None where there is none."""
        self._agent.request(request, flow, on_response, self.now())
        self.pump()

    async def request(
        self,
        method: str,
        uri: str,
        headers: tuple[tuple[str, str], ...] = (),
        body: bytes = b"",
        *,
        flow: Flow | None = None,
        route: tuple[str, ...] = (),
        authorize: Authorize | None = None,
        timeout_s: float = 32.0,
    ) -> Response:
        """Send a request out of dialog; its final response. From, To, Call-ID, CSeq, Contact may be in `headers`.

        Raises CallRefused (408 no answer, 503 not reachable), SipError (bad URI), TransportError.
        """
        target = parse_uri(uri)
        flow = flow or await self.flow_to(target, route)
        request = new_request(
            method, target, headers, body, origin=self._origin(flow), contact=self.contact(flow), token=_token,
            route=route, user_agent=USER_AGENT,
        )  # fmt: skip
        found: asyncio.Future[Response | None] = asyncio.get_running_loop().create_future()
        asked = ClientRequest(request, flow, final_only(lambda response: _settle(found, response)), authorize)
        self._agent.ask(asked, self.now())
        self.pump()
        try:
            async with asyncio.timeout(timeout_s):
                response = await found
        except TimeoutError:
            response = None
        if response is None:
            is_lost = asked.failure == "transport"
            raise CallRefused(Refused(503, "Not reachable") if is_lost else Refused(408, "No answer"))
        return response

    async def invite(
        self,
        uri: str,
        offer: bytes,
        *,
        display_name: str = "",
        user: str = "caller",
        headers: tuple[tuple[str, str], ...] = (),
        flow: Flow | None = None,
        route: tuple[str, ...] = (),
        authorize: Authorize | None = None,
        focus: str = "",
    ) -> OutgoingCall:
        """Send an INVITE; returns at once with the call. Raises SipError (bad URI, too many calls), TransportError.

        `flow` is how it travels, else the first of `route`, else the URI's own address. `focus` is the room whose
        conference calls (RFC 4579 5.5); nobody for a terminal.
        """
        target = parse_uri(uri)
        flow = flow or await self.flow_to(target, route)
        if focus:
            contact = replace(self.contact(flow), user=focus)
            headers = (*headers, ("Contact", f"<{contact.serialize()}>;isfocus"))
        call = OutgoingCall(self, flow)
        session = self._agent.invite(
            NameAddr(target), self._origin(flow, user, display_name), offer, flow, call.happened, self.now(), headers,
            route=route, authorize=authorize,
        )  # fmt: skip
        call.open(session)
        self.pump()
        return call

    def contact(self, flow: Flow) -> Uri:
        """The address that this peer can reach: an external one where it comes from behind a NAT."""
        params = (("transport", flow.transport),) if flow.transport != "udp" else ()
        return Uri("sip", "drumtower", self._advertised(flow), flow.local[1], params)

    async def flow_to(self, uri: Uri, route: tuple[str, ...] = ()) -> Flow:
        """How a request out of dialog to `uri` travels. Raises SipError 416, TransportError."""
        return await self._resolve(parse_name_addr(route[0]).uri if route else uri)

    def local_for(self, remote: str) -> str:
        """The local address from which `remote` (numeric) is reached. Raises TransportError."""
        return self.transports.local_for((remote, 5060))[0]

    def now(self) -> float:
        """The loop's clock."""
        return asyncio.get_running_loop().time()

    async def wait_until(self, claim: Callable[[], bool], timeout_s: float) -> None:
        """Return when `claim` has become true, which is looked at after every message, or after `timeout_s`."""
        if claim():
            return
        waiting = (claim, asyncio.Event())
        self._waiting.append(waiting)
        try:
            async with asyncio.timeout(timeout_s):
                await waiting[1].wait()
        except TimeoutError:
            pass
        finally:
            self._waiting.remove(waiting)

    def pump(self) -> None:
        """Send what the core produced and set the timer; call it after every use of a session."""
        for outgoing in self._agent.messages_to_send():
            transaction = outgoing.transaction

            def failed(transaction: object = transaction) -> None:
                self._send_failed(transaction)

            self.transports.send(outgoing.data, outgoing.flow, failed)
        for claim, event in self._waiting:
            if claim():
                event.set()
        self._arm_soon()

    def _arm_soon(self) -> None:
        """All calls are asked for their deadlines: once for many messages, which no timer of SIP is too short for."""
        if self._arming is None and self.transports.local_addresses:
            self._arming = asyncio.get_running_loop().call_later(_ARM_AFTER_S, self._arm)

    def _arm(self) -> None:
        self._arming = None
        deadline = self._agent.next_timeout()
        if self._timer is not None:
            if deadline is not None and self._timer.when() == deadline:
                return
            self._timer.cancel()
            self._timer = None
        if deadline is not None and self.transports.local_addresses:
            self._timer = asyncio.get_running_loop().call_at(deadline, self._timed_out)

    def _timed_out(self) -> None:
        self._timer = None
        self._agent.handle_timeout(self.now())
        self.pump()

    def _received(self, data: bytes, flow: Flow) -> None:
        self._is_receiving = True
        try:
            self._agent.receive(data, flow, self.now())
        except Exception:  # the edge: one message must never end the server
            self.counters["internal-error"] += 1
            logger.exception("flow=%s:%s a message could not be processed", flow.transport, flow.remote[0])
        finally:
            self._is_receiving = False
        self.pump()

    def _send_failed(self, transaction: object) -> None:
        if transaction is not None:
            self._agent.transport_failed(transaction, self.now())  # type: ignore[arg-type]  # Outgoing.transaction
            self.pump()

    def _call_came(self, session: Session, request: Request, flow: Flow) -> None:
        if self._incoming is None or self._is_stopping:
            session.reject(503, "", (), self.now())
            return
        call = IncomingCall(self, flow, request)
        call.open(session)
        self._incoming(call)

    def _dialogs(self) -> Iterator[Dialog]:
        return (item.dialog for item in self._agent.sessions if item.dialog is not None and item.is_established)

    def _origin(self, flow: Flow, user: str = "drumtower", display_name: str = "") -> NameAddr:
        return NameAddr(Uri("sip", user, self._advertised(flow), flow.local[1]), display_name)

    def _advertised(self, flow: Flow) -> str:
        local = self._locals.get(flow.local[0])
        return flow.local[0] if local is None else local.advertised(flow.remote[0])

    async def _resolve(self, target: Uri) -> Flow:
        """Where the first request goes: the address, or the first one of the host's name (RFC 3263 4.2, no SRV)."""
        is_sips = target.scheme == "sips"
        transport = (target.param("transport") or ("tls" if is_sips else "udp")).lower()
        if is_sips and transport == "tcp":  # RFC 3261 26.2.2: TLS over TCP
            transport = "tls"
        if target.scheme not in ("sip", "sips") or transport not in (("tls",) if is_sips else ("udp", "tcp", "tls")):
            raise SipError(416, "Only sip: and sips: over UDP, TCP and TLS can be called")
        port = target.port or (5061 if transport == "tls" else 5060)
        try:
            address = str(ipaddress.ip_address(target.host))
        except ValueError:
            try:
                found = await asyncio.get_running_loop().getaddrinfo(target.host, port, type=socket.SOCK_DGRAM)
            except OSError as error:
                raise TransportError("unknown host") from error
            address = str(found[0][4][0])
        remote = (address, port)
        host = target.host if transport == "tls" else ""
        return Flow(transport, self.transports.local_for(remote, transport), remote, host=host)


def _settle(future: asyncio.Future[Response | None], response: Response | None) -> None:
    if not future.done():
        future.set_result(response)
