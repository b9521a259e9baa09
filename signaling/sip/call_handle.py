"""One call as its owner holds it: session.Session with awaitables instead of events."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Protocol

from config.sip import SipSettings
from signaling.errors import SipError
from signaling.sip.sessions.events import (
    Answered,
    Cancelled,
    Confirmed,
    Ended,
    InfoReceived,
    Offered,
    Progressed,
    Refused,
    SessionEvent,
)
from signaling.sip.sessions.session import Session, SessionState
from signaling.sip.transactions.transaction import Flow
from signaling.sip.wire.message import Request, Response

MAX_WAITING_EVENTS = 64
_OVER = Refused(487, "The call ended")


class CallRefused(SipError):
    """The peer refused, did not answer (408), or could not be reached (503)."""

    def __init__(self, event: Refused) -> None:
        super().__init__(event.status, event.reason)
        self.retry_after_s = event.retry_after_s
        self.warning = event.warning
        self.contacts = event.contacts
        """3xx: where to try instead, as the peer wrote it."""


class Shell(Protocol):
    """What a call needs of its user agent."""

    settings: SipSettings

    @property
    def counters(self) -> Counter[str]:
        """Where drops are counted."""

    def now(self) -> float:
        """The loop's clock."""

    def pump(self) -> None:
        """Send what the session produced."""

    async def wait_until(self, claim: Callable[[], bool], timeout_s: float) -> None:
        """Return when `claim` is true, or after `timeout_s`."""


class CallHandle:
    """What both directions share."""

    def __init__(self, ua: Shell, flow: Flow) -> None:
        self._ua = ua
        self._session: Session | None = None
        self.flow = flow
        self._ended = asyncio.Event()
        self._outcome: asyncio.Future[bytes] | None = None
        """What the answer to our INVITE, then to each offer of ours, is waited for with."""
        self._events: asyncio.Queue[SessionEvent] = asyncio.Queue()

    def open(self, session: Session) -> None:
        """Take the session."""
        self._session = session
        session.observer = self.happened

    @property
    def session(self) -> Session:
        """The session behind the call."""
        if self._session is None:
            raise RuntimeError("the call is not open yet")
        return self._session

    @property
    def is_ended(self) -> bool:
        """Whether nothing more will happen."""
        return self._session is not None and self._session.state is SessionState.ENDED

    @property
    def local_address(self) -> str:
        """Our address towards this peer."""
        return self.flow.local[0]

    def become_focus(self, room: str) -> None:
        """The peer has reached a conference, and is told so with our next message of the dialog."""
        if self.session.dialog is not None:
            self.session.dialog.become_focus(room)

    def info(self, content_type: str, body: bytes) -> None:
        """Send an INFO within the call."""
        self.session.info(content_type, body, self._ua.now())
        self._ua.pump()

    async def reinvite(self, offer: bytes) -> bytes:
        """Offer anew; the answer's SDP. Where the peer offers at the same time, both wait and try again.

        Before the answer to the call an UPDATE brings the offer. Raises CallRefused, SipError 491 where another
        exchange is on its way or the call is not so far yet.
        """
        self.session.reinvite(offer, self._ua.now())
        outcome = self._outcome = asyncio.get_running_loop().create_future()
        self._ua.pump()
        return await asyncio.shield(outcome)

    async def ask(self, method: str, headers: tuple[tuple[str, str], ...] = (), body: bytes = b"") -> Response:
        """Send a REFER, NOTIFY, SUBSCRIBE, ... within the call; its final response.

        Raises CallRefused(408) without one, SipError 481 outside of an established call.
        """
        found: asyncio.Future[Response | None] = asyncio.get_running_loop().create_future()

        def settle(response: Response | None) -> None:
            if not found.done():
                found.set_result(response)

        self.session.request(method, headers, body, settle, self._ua.now())
        self._ua.pump()
        answer = await found
        if answer is None:
            raise CallRefused(Refused(408, "No answer"))
        return answer

    def count(self, event: str) -> None:
        """Count something that happened in this call."""
        self._ua.counters[event] += 1

    def hang_up(self) -> None:
        """End the call whatever its state: refuse, cancel or BYE."""
        if not self.is_ended:
            self.session.hang_up(self._ua.now())
        self._ua.pump()

    async def bye(self) -> None:
        """hang_up(), then wait until the peer answered or the patience of the settings ends."""
        self.hang_up()
        await self._ua.wait_until(lambda: not self.session.is_saying_goodbye, self._ua.settings.goodbye_s)

    async def ended(self) -> None:
        """Return when the call is over."""
        await self._ended.wait()

    def accept(self, body: bytes) -> None:
        """200 to the INVITE or re-INVITE that waits."""
        self.session.accept(body, self._ua.now())
        self._ua.pump()

    def reject(self, status: int, reason: str = "", headers: tuple[tuple[str, str], ...] = ()) -> None:
        """Refuse the INVITE or re-INVITE that waits."""
        self.session.reject(status, reason, headers, self._ua.now())
        if self.is_ended:
            self.happened(Ended("refused"))
        self._ua.pump()

    async def next_event(self) -> SessionEvent:
        """What happens next; the last one is Ended or Cancelled."""
        return await self._events.get()

    def happened(self, event: SessionEvent) -> None:
        """What the session tells."""
        raise NotImplementedError

    def _resolve(self, result: bytes | Refused) -> None:
        if self._outcome is None or self._outcome.done():
            return
        if isinstance(result, bytes):
            self._outcome.set_result(result)
        else:
            self._outcome.set_exception(CallRefused(result))
            self._outcome.exception()  # whoever waits gets it; nobody has to

    def _queue(self, event: SessionEvent) -> None:
        """For next_event(); a flood of INFO is dropped, counted."""
        if isinstance(event, InfoReceived) and self._events.qsize() >= MAX_WAITING_EVENTS:
            self._ua.counters["info-dropped"] += 1
        else:
            self._events.put_nowait(event)


class IncomingCall(CallHandle):
    """A call that came in; its events wait in a bounded queue."""

    def __init__(self, ua: Shell, flow: Flow, request: Request) -> None:
        super().__init__(ua, flow)
        self.request = request

    def ring(self) -> None:
        """180 Ringing, reliably where the peer can (RFC 3262)."""
        self.session.ring(self._ua.now())
        self._ua.pump()

    def happened(self, event: SessionEvent) -> None:
        """All of it is for next_event(), but what reinvite() waits for."""
        if isinstance(event, Answered):
            self._resolve(event.body)
            return
        if isinstance(event, Refused):
            self._resolve(event)
            return
        if isinstance(event, Ended | Cancelled):
            self._resolve(_OVER)
            self._ended.set()
        self._queue(event)


class OutgoingCall(CallHandle):
    """A call of ours; see ua.py for its use."""

    def __init__(self, ua: Shell, flow: Flow) -> None:
        super().__init__(ua, flow)
        self._outcome = asyncio.get_running_loop().create_future()
        self.answer = b""
        self.ringing_status = 0
        """The last provisional status."""
        self.on_ended: Callable[[str], None] | None = None
        self.on_info: Callable[[str, bytes], None] | None = None
        self.on_offer: Callable[[bytes], bytes | None] | None = None
        self.on_progress: Callable[[int], None] | None = None
        """Called with the status of each provisional answer."""
        self.is_followed = False
        """What happens in the answered call waits for next_event(), instead of on_info, on_offer and on_ended."""

    async def answered(self) -> bytes:
        """The SDP of the answer. Raises CallRefused."""
        assert self._outcome is not None  # made with the call
        return await asyncio.shield(self._outcome)

    def cancel(self) -> None:
        """Give up before the answer."""
        self.session.cancel(self._ua.now())
        self._ua.pump()

    def happened(self, event: SessionEvent) -> None:
        """Resolve what is waited for."""
        if isinstance(event, Answered):
            self.answer = event.body
            self._resolve(event.body)
        elif isinstance(event, Progressed):
            self.ringing_status = event.status
            if self.on_progress is not None:
                self.on_progress(event.status)
        elif isinstance(event, Refused):
            self._resolve(event)
            if self.is_ended:
                self._ended.set()
        elif isinstance(event, Ended):
            self._over(event)
        elif self.is_followed:
            self._queue(event)
        elif isinstance(event, InfoReceived) and self.on_info is not None:
            self.on_info(event.content_type, event.body)
        elif isinstance(event, Offered):
            self._offered(event.body)

    def _offered(self, body: bytes) -> None:
        answer = self.on_offer(body) if self.on_offer is not None else None
        if answer is not None:
            self.session.accept(answer, self._ua.now())
        else:
            self.session.reject(488, "", (), self._ua.now())

    def _over(self, event: Ended) -> None:
        self._resolve(_OVER)
        self._ended.set()
        if self.is_followed:
            self._queue(event)
        elif self.on_ended is not None:
            self.on_ended(event.reason)


__all__ = ["CallHandle", "CallRefused", "Confirmed", "IncomingCall", "OutgoingCall"]
