"""One call of ours from INVITE to BYE: negotiate, play a programme, listen, measure."""

from __future__ import annotations

import asyncio
import secrets
import time
from functools import partial

from caller.media import Programme
from caller.monitor import Monitor
from caller.offer import our_offer
from caller.options import CallOptions
from caller.report import CallReport, StreamReport
from caller.sockets import PortPair
from caller.stream import Identity, Stream
from mcu.media import Codec, Kind, LegMedia
from mcu.rtp.capture import LegClock
from mcu.rtp.ntp import NtpClock
from signaling.errors import SignalingError, SipError
from signaling.sip.call_handle import CallRefused, OutgoingCall
from signaling.sip.sdp import session as sdp
from signaling.sip.sdp.local import LocalMedia
from signaling.sip.sdp.offer import apply_answer
from signaling.sip.ua import UserAgent

AUDIO_TICK_US = 20_000
MAX_BEHIND_US = 200_000
"""After a longer pause of this process the programme goes on from where it should be."""
STEP_S = 0.01


class Terminal:
    """One caller. `run()` places the call and returns its report."""

    def __init__(self, ua: UserAgent, options: CallOptions, programme: Programme, address: str) -> None:
        self._ua = ua
        self._options = options
        self._programme = programme
        self._address = address
        self._ports: dict[Kind, PortPair] = {}
        self._streams: dict[Kind, Stream] = {}
        self._monitor: Monitor | None = None
        self._ended = asyncio.Event()
        self._report = CallReport()
        self._answered_us = 0
        self._first_us: dict[Kind, int] = {}
        self._ticks = self._pictures = 0

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
        for kind, codec in ((Kind.AUDIO, options.audio), (Kind.VIDEO, options.video)):
            if codec is not None:
                self._ports[kind] = await PortPair.open(self._address, self._options.loss)
        ports = {kind: pair.numbers for kind, pair in self._ports.items()}
        local = LocalMedia(self._address, ports, secrets.token_bytes)
        offer = our_offer(options, local, str(secrets.randbits(40)), ports)
        began = time.monotonic()
        call = await self._ua.invite(
            options.target().serialize(), offer.description.serialize(), display_name=options.name
        )  # fmt: skip
        call.on_ended = self._over
        answer = asyncio.ensure_future(call.answered())
        stopped = asyncio.ensure_future(stop.wait())
        await asyncio.wait({answer, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if not answer.done():
            call.cancel()
            answer.cancel()
            self._report.outcome, self._report.reason = "refused", "given up before the answer"
            return None
        body = await answer
        self._report.status, self._report.reason = 200, "OK"
        self._report.set_up_s = time.monotonic() - began
        self._start(apply_answer(offer, sdp.parse(body), local))
        return call

    def _start(self, media: LegMedia) -> None:
        now = _now_us()
        clock, leg = NtpClock(time.time_ns() // 1000 - now), LegClock()
        cname = secrets.token_hex(8)
        for spec in media.streams:
            if spec.kind not in self._ports or spec.remote is None or (spec.send is None and not spec.receive):
                continue
            identity = Identity(
                secrets.randbits(32), cname, secrets.randbelow(1 << 15), secrets.randbits(32)
            )  # fmt: skip
            self._streams[spec.kind] = Stream(spec, identity, clock, leg)
        if self._options.decodes or self._options.record is not None:
            has_video, has_audio = Kind.VIDEO in self._streams, Kind.AUDIO in self._streams
            self._monitor = Monitor(self._options.record, has_video, has_audio)
        self._answered_us = now
        for kind in self._streams:
            self._ports[kind].listen(partial(self._received, kind))

    async def _talk(self, stop: asyncio.Event) -> None:
        until = self._answered_us + int(self._options.seconds * 1_000_000)
        while (now := _now_us()) < until and not stop.is_set() and not self._ended.is_set():
            self._play(now)
            for stream in self._streams.values():
                stream.handle_timeout(now)
            self._flush(now)
            await asyncio.sleep(STEP_S)

    def _play(self, now: int) -> None:
        """Send what is due since the answer: sound every 20 ms, pictures at their rate, both by one clock."""
        elapsed = now - self._answered_us
        audio, video = self._streams.get(Kind.AUDIO), self._streams.get(Kind.VIDEO)
        self._ticks = max(self._ticks, (elapsed - MAX_BEHIND_US) // AUDIO_TICK_US)
        while self._ticks * AUDIO_TICK_US <= elapsed:
            packet = self._programme.audio_at(self._ticks)
            if audio is not None and packet is not None:
                tick_us = self._answered_us + self._ticks * AUDIO_TICK_US
                audio.send(packet, self._ticks * 960 & 0xFFFFFFFF, tick_us)
            self._ticks += 1
        rate = self._programme.frame_rate
        while self._pictures * 1_000_000 // rate <= elapsed:
            if video is not None:
                self._show(video, self._pictures)
            self._pictures += 1

    def _show(self, video: Stream, index: int) -> None:
        unit = self._programme.video_at(index)
        if unit is not None:
            offset_us = index * 1_000_000 // self._programme.frame_rate
            video.send(unit.payload, offset_us * 9 // 100 & 0xFFFFFFFF, self._answered_us + offset_us)

    def _received(self, kind: Kind, data: bytes) -> None:
        now = _now_us()
        stream = self._streams[kind]
        stream.receive(data, now)
        self._take(kind, stream, now)

    def _flush(self, now: int) -> None:
        for kind, stream in self._streams.items():
            self._take(kind, stream, now)
            spec = stream.spec
            for is_rtcp, data in stream.packets_to_send():
                remote = (spec.remote_rtcp if is_rtcp else None) or spec.remote
                if remote is not None:
                    self._ports[kind].send(is_rtcp and spec.remote_rtcp is not None, data, remote)

    def _take(self, kind: Kind, stream: Stream, now: int) -> None:
        for received in stream.frames_received():
            self._first_us.setdefault(kind, now)
            if self._monitor is not None:
                self._monitor.put(received, now)

    def _over(self, reason: str) -> None:
        self._report.ended_by = {"bye": "peer", "local": "us"}.get(reason, reason)
        self._ended.set()

    async def _finish(self, call: OutgoingCall | None) -> None:
        now = _now_us()
        for stream in self._streams.values():
            stream.goodbye(now)
        self._flush(now)
        if call is not None and not call.is_ended:
            await call.bye()
        for pair in self._ports.values():
            pair.close()
        if self._monitor is not None:
            await asyncio.to_thread(self._monitor.close)
        if self._answered_us:
            self._conclude(now)

    def _conclude(self, now: int) -> None:
        report = self._report
        report.duration_s = (now - self._answered_us) / 1_000_000
        report.ended_by = report.ended_by or "us"
        for kind, stream in self._streams.items():
            report.streams[kind.value] = self._stream_report(kind, stream)
        if report.outcome == "ok" and not any(item.frames_received for item in report.streams.values()):
            report.outcome = "no-media"

    def _stream_report(self, kind: Kind, stream: Stream) -> StreamReport:
        reception, sender, monitor = stream.reception, stream.sender, self._monitor
        received, lost = reception.received_packets, stream.lost_packets
        report = StreamReport(
            codec=Codec(stream.codec).name,
            suite=stream.srtp.suite if stream.srtp else "",
            sent_packets=sender.packets,
            received_packets=received,
            lost_packets=lost,
            loss=lost / (received + lost) if received + lost else 0.0,
            jitter_ms=reception.jitter_ms,
            round_trip_ms=sender.round_trip_us / 1000,
            remote_loss=sender.remote_loss,
            bitrate_bps=int(reception.received_bytes * 8 / max(0.001, self._report.duration_s)),
            frames_received=stream.frames,
            keyframes=stream.keyframes,
            keyframe_requests_sent=stream.keyframe_requests,
            keyframe_requests_received=stream.keyframes_asked,
            dropped=stream.dropped,
        )
        first = self._first_us.get(kind)
        if monitor is not None:
            first = monitor.first_picture_us if kind is Kind.VIDEO else monitor.first_sound_us
            if kind is Kind.VIDEO:
                report.frames_decoded, report.decode_errors = monitor.pictures, monitor.decode_errors
                report.width, report.height = monitor.width, monitor.height
        report.first_s = (first - self._answered_us) / 1_000_000 if first is not None else None
        return report


def _now_us() -> int:
    return time.monotonic_ns() // 1000
