"""One call of ours over H.323, from Setup to ReleaseComplete: negotiate, play a programme, listen, measure."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable
from typing import Any

from caller.h323.account import signatures_of
from caller.h323.capabilities import kinds_of, wishes_of
from caller.h323.extras import Extras
from caller.h323.options import Encryption
from caller.options import CallOptions
from caller.report import CallReport, H323Report
from caller.session import MediaSession, now_us
from config.h323 import H323Settings
from config.media import LocalAddress
from signaling.h323.call import events
from signaling.h323.call.causes import Cause
from signaling.h323.call.endpoint import LocalEndpoint
from signaling.h323.call.message import CallIdentity
from signaling.h323.call.setup import SetupRequest
from signaling.h323.call_handle import CallHandle
from signaling.h323.call_media.call_media import CallMedia
from signaling.h323.capabilities.fast_start import Ports
from signaling.h323.h245 import events as h245
from signaling.h323.media_security import MediaSecurity
from signaling.h323.ras.alias import Alias, AliasKind
from signaling.h323.ras.alias import make as make_alias
from signaling.h323.transport.call_signalling import CallSignalling

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
        signalling = CallSignalling(
            H323Settings(listen=(LocalAddress(self._address),), signalling_port=0),
            _refuse,
            self._own_endpoint(),
            signatures_of(options.account, options.password),
        )
        await signalling.start()
        try:
            await self._media.open(kinds_of(self._options))
            call = await self._dial(signalling)
            if call is not None:
                await self._converse(call, stop)
        finally:
            await self._media.close(self._report)
            await signalling.stop()
        return self._report

    # ---- the call

    async def _dial(self, signalling: CallSignalling) -> CallHandle | None:
        """The call that was begun, None where nobody is there."""
        target = self._options.h323_target()
        called = (_alias_of(target.alias),)
        self._called_s = time.monotonic()
        try:
            found = await asyncio.get_running_loop().getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
            call = await signalling.connect((str(found[0][4][0]), target.port), self._address, called)
        except OSError as error:
            report = self._report
            report.outcome, report.status = "refused", Cause.NO_ROUTE_TO_DESTINATION
            report.reason, report.warning = "unreachableDestination", error.strerror or type(error).__name__
            return None
        self._place(call, called, signalling.new_identity())
        return call

    def _place(self, call: CallHandle, called: tuple[Alias, ...], identity: CallIdentity) -> None:
        options, security = self._options.h323, self._security
        ports = {kind: Ports(*((self._address, port) for port in pair)) for kind, pair in self._media.ports.items()}
        tokens = tuple(security.offer()) if security is not None else ()
        media = self._negotiation = CallMedia(call.control, wishes_of(self._options), ports, security)
        call.control.prepare(media.capability_set())
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

    def _connected(self, _: events.Connected) -> None:
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
        if event.is_by_peer:
            report.status, report.reason, report.ended_by = event.cause, event.reason, "peer"
        elif self._is_leaving:
            report.ended_by = "us"
        else:
            report.status, report.reason, report.ended_by = event.cause, event.reason, event.reason
        if not self._media.began_us:
            report.outcome = "refused"
            report.reason = report.reason or "given up before the answer"

    def _own_endpoint(self) -> LocalEndpoint:
        name = make_alias(AliasKind.H323_ID, self._options.h323.account or self._options.name)
        return LocalEndpoint(
            () if name is None else (name,),
            self._options.name if self._options.name.isascii() else "",  # Display is IA5, the alias is not
            is_mcu=False,
            terminal_type=self._options.h323.terminal_type,
            offers_tunnelling=self._options.h323.is_tunnelling,
        )


def _refuse(call: CallHandle) -> None:
    """Nobody calls us."""
    call.release(reason="destinationRejection")


def _alias_of(text: str) -> Alias:
    """Digits as such, whatever else as a name."""
    alias = make_alias(AliasKind.DIALLED_DIGITS, text)
    return alias if alias is not None else Alias(AliasKind.H323_ID, text)


_HANDLERS: dict[type, Callable[[H323Terminal, Any], None]] = {
    events.Connected: H323Terminal._connected,  # noqa: SLF001 - the table of this class
    events.FastStartAnswered: H323Terminal._fast_start,  # noqa: SLF001
    h245.Ready: H323Terminal._ready,  # noqa: SLF001
    h245.FastUpdate: H323Terminal._fast_update,  # noqa: SLF001
}
