"""One call of ours over SIP, from INVITE to BYE: negotiate, play a programme, listen, measure."""

from __future__ import annotations

import asyncio
import secrets
import time

from caller.offer import our_offer
from caller.options import CallOptions
from caller.report import SILENCE, CallReport
from caller.session import MediaSession, now_us
from mcu.media import Kind, LegMedia
from signaling.errors import SignalingError, SipError
from signaling.sip.call_handle import CallRefused, OutgoingCall
from signaling.sip.sdp import session as sdp
from signaling.sip.sdp.local import LocalMedia
from signaling.sip.sdp.offer import apply_answer
from signaling.sip.ua import UserAgent

STEP_S = 0.01
RINGING_S = 180.0
"""So long after the last word of the peer it is waited for an answer, as T301 of H.323; RFC 3261 leaves it open."""


class Terminal:
    """One caller. `run()` places the call and returns its report."""

    def __init__(self, ua: UserAgent, options: CallOptions, media: MediaSession, address: str) -> None:
        self._ua = ua
        self._options = options
        self._media = media
        self._address = address
        self._ended = asyncio.Event()
        self._report = CallReport()

    async def run(self, stop: asyncio.Event) -> CallReport:
        """Call, play and listen until the time is up, the peer hangs up, or `stop` is set. Raises OSError."""
        call: OutgoingCall | None = None
        try:
            call = await self._dial(stop)
            if call is not None:
                await self._talk(stop)
        except CallRefused as refused:
            self._report.outcome, self._report.status = "refused", refused.status
            self._report.reason, self._report.warning = refused.reason, refused.warning
        except SipError as error:
            self._report.outcome, self._report.status, self._report.reason = "refused", error.status, error.reason
        except SignalingError as error:
            self._report.outcome, self._report.status, self._report.reason = "refused", 503, str(error)
        finally:
            await self._finish(call)
        return self._report

    async def _dial(self, stop: asyncio.Event) -> OutgoingCall | None:
        """The answered call, None when `stop` was set before."""
        options = self._options
        chosen = ((Kind.AUDIO, options.audio), (Kind.VIDEO, options.video))
        await self._media.open(kind for kind, codec in chosen if codec is not None)
        ports = self._media.ports
        local = LocalMedia(self._address, ports, secrets.token_bytes)
        offer = our_offer(options, local, str(secrets.randbits(40)), ports)
        began = time.monotonic()
        call = await self._ua.invite(
            options.target().serialize(), offer.description.serialize(), display_name=options.name
        )  # fmt: skip
        call.on_ended = self._over
        body = await self._answer(call, stop)
        if body is None:
            call.cancel()
            return None
        self._report.status, self._report.reason = 200, "OK"
        self._report.set_up_s = time.monotonic() - began
        self._start(apply_answer(offer, sdp.parse(body), local))
        return call

    async def _answer(self, call: OutgoingCall, stop: asyncio.Event) -> bytes | None:
        """The SDP of the answer; None where it is given up. Raises CallRefused, SipError."""
        ringing = asyncio.Event()
        call.on_progress = lambda _status: ringing.set()
        answer = asyncio.ensure_future(call.answered())
        stopped = asyncio.ensure_future(stop.wait())
        try:
            while True:
                ringing.clear()
                rings = asyncio.ensure_future(ringing.wait())
                waits = {answer, stopped, rings}
                await asyncio.wait(waits, timeout=RINGING_S, return_when=asyncio.FIRST_COMPLETED)
                rings.cancel()
                if answer.done():
                    return await answer
                if not ringing.is_set():
                    break
        finally:
            stopped.cancel()
            answer.cancel()
        self._report.outcome = "refused"
        if stop.is_set():
            self._report.reason = "given up before the answer"
        else:
            self._report.status, self._report.reason = 408, "no answer"
        return None

    def _start(self, media: LegMedia) -> None:
        agreed = tuple(
            spec for spec in media.streams if spec.remote is not None and (spec.send is not None or spec.receive)
        )
        self._media.begin({spec.kind for spec in agreed})
        self._media.update(LegMedia(agreed, media.is_encrypted, media.grade))

    async def _talk(self, stop: asyncio.Event) -> None:
        until = self._media.began_us + int(self._options.seconds * 1_000_000)
        while (now := now_us()) < until and not stop.is_set() and not self._ended.is_set():
            if self._media.is_cut_off(now):
                self._report.broke_off(SILENCE)
                return
            self._media.step(now)
            await asyncio.sleep(STEP_S)

    def _over(self, reason: str) -> None:
        self._ended.set()
        if self._report.outcome == "lost":
            return
        if reason in _NORMAL:
            self._report.ended_by = _NORMAL[reason]
        else:
            self._report.broke_off(reason)

    async def _finish(self, call: OutgoingCall | None) -> None:
        self._media.goodbye()
        if call is not None and not call.is_ended:
            await call.bye()
        await self._media.close(self._report)


_NORMAL = {"bye": "peer", "local": "us"}
"""Who hung up, where somebody did."""
