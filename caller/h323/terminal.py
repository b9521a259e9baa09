"""One call of ours over H.323, from Setup to ReleaseComplete: negotiate, play a programme, listen, measure."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from caller.h323.capabilities import kinds_of, wishes_of
from caller.h323.extras import Extras
from caller.h323.gatekeeper import NotRegistered
from caller.h323.line import Line, alias_of
from caller.h323.options import Encryption, FirewallTraversal
from caller.options import CallOptions
from caller.report import SILENCE, CallReport, H323Report
from caller.session import MediaSession, now_us
from mcu.media import Kind
from signaling.h323.call import events
from signaling.h323.call.causes import Cause
from signaling.h323.call.message import CallIdentity
from signaling.h323.call.setup import SetupRequest
from signaling.h323.call_handle import CallHandle
from signaling.h323.call_media.call_media import CallMedia
from signaling.h323.call_media.traversal import MediaTraversing, SharedPlace
from signaling.h323.capabilities.fast_start import Ports
from signaling.h323.h245 import events as h245
from signaling.h323.media_security import MediaSecurity
from signaling.h323.ras.alias import Alias
from signaling.h323.traversal import MediaFeature

STEP_S = 0.01
_MOST_MULTIPLIER = 127
"""Of the bearer capability (Q.931 4.5.5)."""


class H323Terminal:
    """One caller. `run()` places the call and returns its report."""

    def __init__(self, options: CallOptions, media: MediaSession, address: str) -> None:
        self._options = options
        self._media = media
        self._address = address
        self._security: MediaSecurity | None = None
        if options.h323.encryption is not Encryption.OFF:
            self._security = MediaSecurity(options.h323.dh_groups)
        self._negotiation: CallMedia
        self._generation: int | None = None
        self._details = H323Report()
        self._report = CallReport(h323=self._details)
        self._called_s = 0.0
        self._is_leaving = False

    async def run(self, stop: asyncio.Event) -> CallReport:
        """Call, play and listen until the time is up, the peer hangs up, or `stop` is set. Raises OSError."""
        options = self._options.h323
        line = Line(self._options, self._address)
        await line.open()
        try:
            is_shared = options.traversal is FirewallTraversal.MULTIPLEXED
            await self._media.open(kinds_of(self._options), is_shared=is_shared)
            call = await self._begin(line, stop)
            if call is not None:
                await self._converse(call, stop)
        finally:
            await self._media.close(self._report)
            await line.close()
        return self._report

    # ---- the call

    async def _begin(self, line: Line, stop: asyncio.Event) -> CallHandle | None:
        """The call that was begun, or taken; None where nobody is there."""
        self._called_s = time.monotonic()
        report, options = self._report, self._options.h323
        try:
            if options.registers:
                await line.register()
                self._details.is_registered = True
            if options.waits:
                return await self._answer(line, stop)
            called = alias_of(self._options.h323_target().alias)
            call = await line.dial(called)
        except NotRegistered as error:
            report.outcome, report.status, report.reason = "refused", Cause.SUBSCRIBER_ABSENT, str(error)
            return None
        except OSError as error:
            report.outcome, report.status = "refused", Cause.NO_ROUTE_TO_DESTINATION
            report.reason, report.warning = "unreachableDestination", error.strerror or type(error).__name__
            return None
        self._place(call, (called,), line.signalling.new_identity())
        return call

    async def _answer(self, line: Line, stop: asyncio.Event) -> CallHandle | None:
        """Take the first call that comes."""
        call = await line.wait(stop)
        if call is None or call.setup is None:
            self._report.outcome, self._report.reason = "refused", "nobody has called"
            return None
        self._called_s = time.monotonic()
        tokens = self._security.answer(call.setup.tokens) if self._security is not None else []
        if not tokens:
            self._security = None
        media = self._agree_on_media(call)
        fast_start = media.answer_fast_start(call.setup.fast_start) if call.setup.fast_start else []
        call.accept(conference_id=call.setup.identity.conference_id, fast_start=fast_start, tokens=tokens)
        self._begin_media()
        return call

    def _agree_on_media(self, call: CallHandle) -> CallMedia:
        ports = {kind: Ports(*((self._address, port) for port in pair)) for kind, pair in self._media.ports.items()}
        traversal = self._traversing(call)
        media = CallMedia(call.control, wishes_of(self._options), ports, self._security, traversal)
        self._negotiation = media
        call.control.prepare(media.capability_set())
        return media

    def _traversing(self, call: CallHandle) -> MediaTraversing | None:
        """What is said of channels where we are behind a firewall; a server that called has said what it can."""
        if self._options.h323.traversal is FirewallTraversal.NONE:
            return None
        shared: dict[Kind, SharedPlace] = {}
        if (pair := self._media.shared_ports) is not None:
            place = Ports(*((self._address, port) for port in pair))
            shared = {kind: SharedPlace(place, number) for kind, number in self._media.numbers.items()}
        own = MediaFeature(multiplexes=self._options.h323.traversal is FirewallTraversal.MULTIPLEXED)
        return MediaTraversing(own, shared, peer=call.peer_traversal)

    def _place(self, call: CallHandle, called: tuple[Alias, ...], identity: CallIdentity) -> None:
        options, security = self._options.h323, self._security
        tokens = tuple(security.offer()) if security is not None else ()
        media = self._agree_on_media(call)
        request = SetupRequest(
            called=called,
            multiplier=min(max(1, round(options.rate_bps / 64_000)), _MOST_MULTIPLIER),
            fast_start=tuple(media.propose_fast_start()) if options.has_fast_start else (),
            tokens=tokens,
        )
        call.place(request, identity)

    async def _converse(self, call: CallHandle, stop: asyncio.Event) -> None:
        extras = Extras(self._options, call, self._negotiation, self._details)
        listener = asyncio.create_task(self._listen(call, extras))
        try:
            while not listener.done() and not stop.is_set() and not self._is_time_up():
                if self._media.is_cut_off(now_us()):
                    self._report.broke_off(SILENCE)
                    break
                self._step(call, extras)
                await asyncio.sleep(STEP_S)
        finally:
            self._media.goodbye()
            self._is_leaving = not call.is_over
            self._details.is_tunnelling, self._details.is_signed = call.is_tunnelling, bool(call.account)
            call.release()
            await listener
        if self._security is not None and self._security.group is not None:
            self._details.group_bits = self._security.group.bits

    def _is_time_up(self) -> bool:
        began_us = self._media.began_us
        return bool(began_us) and now_us() >= began_us + int(self._options.seconds * 1_000_000)

    def _step(self, call: CallHandle, extras: Extras) -> None:
        if not self._media.began_us:
            return
        self._media.step(now_us())
        for kind in self._media.keyframe_wishes():
            call.carry(self._negotiation.fast_update(kind))
        extras.step(call.now())
        self._refresh()

    # ---- events

    async def _listen(self, call: CallHandle, extras: Extras) -> None:
        """Until the end of the call."""
        while True:
            event = await call.next_event()
            if isinstance(event, events.Released):
                self._released(event)
                return
            handler = _HANDLERS.get(type(event))
            if handler is not None:
                handler(self, event)
            extras.heard(event, call.now())
            call.carry(self._negotiation.handle(event, call.now()))
            self._refresh()

    def _refresh(self) -> None:
        """Play and hear by what holds now."""
        if self._media.began_us and self._generation != self._negotiation.generation:
            self._generation = self._negotiation.generation
            self._media.update(self._negotiation.media)
            crossings = [spec.traversal for spec in self._negotiation.media.streams if spec.traversal is not None]
            if any(crossing.keep_alive is not None for crossing in crossings):
                is_shared = any(crossing.is_multiplexed for crossing in crossings)
                self._details.traversal = "multiplexed" if is_shared else "h460"

    def _connected(self, _: events.Connected) -> None:
        self._begin_media()

    def _begin_media(self) -> None:
        self._report.set_up_s = time.monotonic() - self._called_s
        self._media.begin(kinds_of(self._options))

    def _fast_start(self, _: events.FastStartAnswered) -> None:
        self._details.has_fast_start = True

    def _ready(self, event: h245.Ready) -> None:
        self._details.is_master = event.is_master

    def _fast_update(self, event: h245.FastUpdate) -> None:
        kind = self._negotiation.kind_of(event.number, is_ours=True)
        if kind is not None and event.request is not h245.PictureRequest.FREEZE:
            self._media.keyframe_asked(kind)

    def _released(self, event: events.Released) -> None:
        report = self._report
        if report.outcome == "lost":
            return
        if self._is_leaving and not event.is_by_peer:
            report.ended_by = "us"
        else:
            report.status, report.reason = event.cause, event.reason
            report.ended_by = "peer" if event.is_by_peer else event.reason
            if not event.is_by_peer or event.cause == Cause.TEMPORARY_FAILURE:
                report.broke_off(report.ended_by)  # nobody hung up: its connection is gone, say
        if not self._media.began_us:
            report.outcome = "refused"
            report.reason = report.reason or "given up before the answer"


_HANDLERS: dict[type, Callable[[H323Terminal, Any], None]] = {
    events.Connected: H323Terminal._connected,  # noqa: SLF001 - the table of this class
    events.FastStartAnswered: H323Terminal._fast_start,  # noqa: SLF001
    h245.Ready: H323Terminal._ready,  # noqa: SLF001
    h245.FastUpdate: H323Terminal._fast_update,  # noqa: SLF001
}
