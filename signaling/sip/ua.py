r"""A user agent on real sockets (RFC 3261): the asyncio shell around agent.Agent.

Calling out (package caller, tests):

    ua = UserAgent(SipSettings(listen=(LocalAddress("127.0.0.1"),), port=0))
    await ua.start()
    call = await ua.invite("sip:1001**2468@127.0.0.1:5060;transport=tcp", offer_sdp, display_name="Ward 3")
    answer: bytes = await call.answered()          # raises CallRefused(status, reason, retry_after_s, warning)
    call.on_ended = lambda reason: ...             # "bye" (by the peer), "gone", "no-ack", "local"
    call.on_info = lambda content_type, body: ...  # INFO of the peer, already answered with 200
    call.on_offer = lambda offer: answer           # re-INVITE of the peer; None (or no callback) refuses with 488
    call.info("application/dtmf-relay", b"Signal=5\r\nDuration=160\r\n")
    answer = await call.reinvite(offer_sdp)        # hold, resume, other codecs; raises CallRefused
    call.cancel()                                  # before the answer; answered() then raises CallRefused(487)
    await call.bye()                               # returns when the peer answered the BYE, at most 2 s later
    await ua.stop()

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
from collections.abc import Callable
from typing import TYPE_CHECKING

from config.sip import SipSettings
from signaling.errors import SipError, TransportError
from signaling.sip.agent import Agent, AgentLimits
from signaling.sip.call_handle import IncomingCall, OutgoingCall
from signaling.sip.message import Request
from signaling.sip.transaction import Flow
from signaling.sip.transport.layer import TransportLayer
from signaling.sip.uri import NameAddr, Uri, parse_uri

if TYPE_CHECKING:
    from signaling.sip.session import Session

logger = logging.getLogger(__name__)

USER_AGENT = "Drumtower"


class UserAgent:
    """Sockets, one timer and the calls over them."""

    def __init__(self, settings: SipSettings, incoming: Callable[[IncomingCall], None] | None = None) -> None:
        self.settings = settings
        self._incoming = incoming
        limits = AgentLimits(settings.max_calls, settings.max_open_invites, settings.max_transactions)
        accept = self._call_came if incoming is not None else None
        self._agent = Agent(self._contact, _token, accept, user_agent=USER_AGENT, limits=limits)
        self._transports = TransportLayer(settings, self._received, self._agent.endpoint.counters)
        self._timer: asyncio.TimerHandle | None = None
        self._locals = {local.address: local for local in settings.listen}
        self._is_stopping = False
        self._waiting: list[tuple[Callable[[], bool], asyncio.Event]] = []

    @property
    def counters(self) -> Counter[str]:
        """What was dropped, refused or failed, by reason; cumulative."""
        return self._agent.endpoint.counters

    @property
    def local_addresses(self) -> list[tuple[str, int]]:
        """Where it listens, UDP and TCP alike."""
        return self._transports.local_addresses

    @property
    def gauges(self) -> dict[str, int]:
        """How much is open now."""
        return {
            "calls": len(self._agent.sessions),
            "transactions": self._agent.endpoint.transactions,
            "connections": self._transports.tcp.connections,
        }

    async def start(self) -> None:
        """Bind. Raises OSError."""
        self._is_stopping = False
        await self._transports.start()

    async def stop(self) -> None:
        """Hang up every call, wait shortly for the answers, close every socket."""
        self._is_stopping = True
        now = self.now()
        for session in self._agent.sessions:
            session.hang_up(now)
        self.pump()
        await self.wait_until(lambda: not self._agent.endpoint.has_open_clients, self.settings.goodbye_s)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        await self._transports.stop()

    async def invite(
        self,
        uri: str,
        offer: bytes,
        *,
        display_name: str = "",
        user: str = "caller",
        headers: tuple[tuple[str, str], ...] = (),
    ) -> OutgoingCall:
        """Send an INVITE; returns at once with the call. Raises SipError (bad URI, too many calls), TransportError."""
        target = parse_uri(uri)
        flow = await self._resolve(target)
        origin = NameAddr(Uri("sip", user, self._advertised(flow), flow.local[1]), display_name)
        call = OutgoingCall(self, flow)
        session = self._agent.invite(NameAddr(target), origin, offer, flow, call.happened, self.now(), headers)
        call.open(session)
        self.pump()
        return call

    def local_for(self, remote: str) -> str:
        """The local address from which `remote` (numeric) is reached. Raises TransportError."""
        return self._transports.local_for((remote, 5060))[0]

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

            self._transports.send(outgoing.data, outgoing.flow, failed)
        for claim, event in self._waiting:
            if claim():
                event.set()
        self._arm()

    def _arm(self) -> None:
        deadline = self._agent.next_timeout()
        if self._timer is not None:
            if deadline is not None and self._timer.when() == deadline:
                return
            self._timer.cancel()
            self._timer = None
        if deadline is not None and self._transports.local_addresses:
            self._timer = asyncio.get_running_loop().call_at(deadline, self._timed_out)

    def _timed_out(self) -> None:
        self._timer = None
        self._agent.handle_timeout(self.now())
        self.pump()

    def _received(self, data: bytes, flow: Flow) -> None:
        try:
            self._agent.receive(data, flow, self.now())
        except Exception:  # the edge: one message must never end the server
            self.counters["internal-error"] += 1
            logger.exception("flow=%s:%s a message could not be processed", flow.transport, flow.remote[0])
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

    def _contact(self, flow: Flow) -> Uri:
        """The address that this peer can reach: an external one where it comes from behind a NAT."""
        params = (("transport", flow.transport),) if flow.transport != "udp" else ()
        return Uri("sip", "drumtower", self._advertised(flow), flow.local[1], params)

    def _advertised(self, flow: Flow) -> str:
        local = self._locals.get(flow.local[0])
        return flow.local[0] if local is None else local.advertised(flow.remote[0])

    async def _resolve(self, target: Uri) -> Flow:
        """Where the first request goes: the address, or the first one of the host's name (RFC 3263 4.2, no SRV)."""
        transport = (target.param("transport") or "udp").lower()
        if target.scheme != "sip" or transport not in ("udp", "tcp"):
            raise SipError(416, "Only sip: over UDP and TCP can be called")
        port = target.port or 5060
        try:
            address = str(ipaddress.ip_address(target.host))
        except ValueError:
            try:
                found = await asyncio.get_running_loop().getaddrinfo(target.host, port, type=socket.SOCK_DGRAM)
            except OSError as error:
                raise TransportError("unknown host") from error
            address = str(found[0][4][0])
        remote = (address, port)
        return Flow(transport, self._transports.local_for(remote), remote)


def _token() -> str:
    return secrets.token_hex(10)
