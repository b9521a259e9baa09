"""The media of one call of ours, whatever its signalling: ports, what is played, what is seen and heard."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Collection, Iterable
from functools import partial

import msgspec

from caller.crossing import NUMBER_BYTES, Crossing
from caller.media import Programme
from caller.monitor import Monitor
from caller.options import CallOptions
from caller.player import Player
from caller.report import CallReport, StreamReport
from caller.sockets import PortPair
from caller.stream import Identity, Stream
from mcu.media import Codec, H235Keys, Kind, LegMedia, StreamSpec
from mcu.rtp.capture import LegClock
from mcu.rtp.ntp import NtpClock


class MediaSession:
    """Give it ports, begin, tell it what was agreed as often as that changes, and let it step every 5 to 20 ms."""

    def __init__(
        self, options: CallOptions, programme: Programme, address: str, slides: Programme | None = None
    ) -> None:  # fmt: skip
        """`slides` are played into a content stream, once there is one."""
        self._options = options
        self._address = address
        self._programme, self._slides = programme, slides
        self._players: list[tuple[Player, dict[bool, Kind]]] = []
        """What plays, and into which streams its sound (False) and its pictures (True) go."""
        self._ports: dict[Kind, PortPair] = {}
        self._streams: dict[Kind, Stream] = {}
        self._monitors: dict[Kind, Monitor] = {}
        self._first_us: dict[Kind, int] = {}
        self._began_us = self._ended_us = 0
        self._heard_us = 0
        """When something came last; 0: nothing is expected, or nothing has come yet."""
        self._cname = secrets.token_hex(8)
        self._clock = NtpClock(time.time_ns() // 1000 - now_us())
        self._leg = LegClock()
        self._crossing = Crossing()
        self._ssrcs: dict[Kind, int] = {}

    async def open(self, kinds: Iterable[Kind], *, is_shared: bool = False) -> None:
        """Get ports, and with `is_shared` a pair for all kinds beside those of each. Raises OSError."""
        for kind in kinds:
            self._ports[kind] = await PortPair.open(self._address, self._options.loss)
        if is_shared:
            pair = await PortPair.open(self._address, self._options.loss)
            numbers = (int.from_bytes(secrets.token_bytes(NUMBER_BYTES), "big") for _ in self._ports)
            self._crossing = Crossing(pair, dict(zip(self._ports, numbers, strict=True)))

    @property
    def ports(self) -> dict[Kind, tuple[int, int]]:
        """RTP and RTCP of each kind."""
        return {kind: pair.numbers for kind, pair in self._ports.items()}

    @property
    def shared_ports(self) -> tuple[int, int] | None:
        """RTP and RTCP of all kinds."""
        return None if self._crossing.shared is None else self._crossing.shared.numbers

    @property
    def numbers(self) -> dict[Kind, int]:
        """In front of the packets that come there."""
        return self._crossing.numbers

    @property
    def began_us(self) -> int:
        """When the call was answered; 0 before."""
        return self._began_us

    def is_cut_off(self, now: int) -> bool:
        """Whether nothing comes any more, neither media nor reports, for longer than `options.silent_s`.

        Before the first packet it is not: then there is no way for media, which the report says.
        """
        silent_us = int(self._options.silent_s * 1_000_000)
        return bool(silent_us and self._heard_us) and now - self._heard_us > silent_us

    def begin(self, kinds: Collection[Kind]) -> None:
        """The call is answered, and media of these kinds are expected. Raises OSError where nothing can be recorded."""
        self._began_us = now_us()
        self._players = [(Player(self._programme, self._began_us), {False: Kind.AUDIO, True: Kind.VIDEO})]
        if self._slides is not None:
            self._players.append((Player(self._slides, self._began_us), {True: Kind.CONTENT}))
        record = self._options.record
        if self._options.decodes or record is not None:
            monitor = Monitor(record, Kind.VIDEO in kinds, Kind.AUDIO in kinds)
            self._monitors = {Kind.AUDIO: monitor, Kind.VIDEO: monitor}

    def update(self, media: LegMedia) -> None:
        """What holds from now on; streams that it lacks rest."""
        agreed = {spec.kind: spec for spec in media.streams if _is_used(spec) and spec.kind in self._ports}
        if not any(spec.receive for spec in agreed.values()):
            self._heard_us = 0
        for kind, spec in agreed.items():
            stream = self._streams.get(kind)
            if stream is None or not stream.carries(spec):
                self._start(spec)
            else:
                stream.update(spec)
        for kind, stream in self._streams.items():
            if kind not in agreed:
                h235 = None if stream.spec.h235 is None else H235Keys()
                stream.update(
                    msgspec.structs.replace(
                        stream.spec, send=None, receive=(), remote=None, remote_rtcp=None, h235=h235
                    )
                )

    def step(self, now: int) -> None:
        """Play what is due, ask for what is missing, report, send."""
        for player, kinds in self._players:
            for due in player.due(now):
                kind = kinds.get(due.is_picture)
                if kind is not None and (stream := self._streams.get(kind)) is not None:
                    stream.send(due.payload, due.media_timestamp, due.capture_us)
        for kind, stream in self._streams.items():
            stream.handle_timeout(now)
            self._crossing.keep_open(stream.spec, self._ports[kind], self._ssrcs[kind], now)
        self._flush(now)

    def keyframe_asked(self, kind: Kind) -> None:
        """Signalling says that the peer needs a keyframe."""
        if kind in self._streams:
            self._streams[kind].keyframe_asked()

    def keyframe_wishes(self) -> list[Kind]:
        """The kinds of which signalling is to ask the peer for a keyframe, each told once."""
        return [kind for kind, stream in self._streams.items() if stream.take_keyframe_wish()]

    def goodbye(self) -> None:
        """Tell the peer that nothing more comes, once; the next is close()."""
        if self._ended_us:
            return
        self._ended_us = now_us()
        for stream in self._streams.values():
            stream.goodbye(self._ended_us)
        self._flush(self._ended_us)

    async def close(self, report: CallReport) -> None:
        """Free the ports, finish files, and write down what was measured."""
        for pair in self._ports.values():
            pair.close()
        self._crossing.close()
        for monitor in set(self._monitors.values()):
            await asyncio.to_thread(monitor.close)
        if self._began_us:
            self._conclude(report)

    # ---- within

    def _start(self, spec: StreamSpec) -> None:
        identity = Identity(secrets.randbits(32), self._cname, secrets.randbelow(1 << 15), secrets.randbits(32))
        stream = Stream(spec, identity, self._clock, self._leg, self._options.h323.steals)
        self._streams[spec.kind] = stream
        self._ssrcs[spec.kind] = identity.ssrc
        if spec.kind is Kind.CONTENT and self._monitors and spec.kind not in self._monitors:
            record = self._options.record
            path = None if record is None else record.with_suffix(f".content{record.suffix}")
            self._monitors[spec.kind] = Monitor(path, has_video=True, has_audio=False)
        receiver = partial(self._received, stream)
        self._ports[spec.kind].listen(receiver)
        self._crossing.listen(spec.kind, receiver)

    def _received(self, stream: Stream, data: bytes) -> None:
        now = self._heard_us = now_us()
        stream.receive(data, now)
        self._take(stream.spec.kind, stream, now)

    def _flush(self, now: int) -> None:
        for kind, stream in self._streams.items():
            self._take(kind, stream, now)
            spec = stream.spec
            send = self._crossing.way(spec, self._ports[kind])
            for is_rtcp, data in stream.packets_to_send():
                remote = (spec.remote_rtcp if is_rtcp else None) or spec.remote
                if remote is not None:
                    send(is_rtcp and spec.remote_rtcp is not None, data, remote)

    def _take(self, kind: Kind, stream: Stream, now: int) -> None:
        for received in stream.frames_received():
            self._first_us.setdefault(kind, now)
            if kind in self._monitors:
                self._monitors[kind].put(received, now)

    def _conclude(self, report: CallReport) -> None:
        report.duration_s = (self._ended_us - self._began_us) / 1_000_000
        report.ended_by = report.ended_by or "us"
        for kind, stream in self._streams.items():
            report.streams[kind.value] = self._stream_report(kind, stream, report.duration_s)
        if report.outcome == "ok" and not any(item.frames_received for item in report.streams.values()):
            report.outcome = "no-media"

    def _stream_report(self, kind: Kind, stream: Stream, duration_s: float) -> StreamReport:
        reception, sender, monitor = stream.reception, stream.sender, self._monitors.get(kind)
        received, lost = reception.received_packets, stream.lost_packets
        report = StreamReport(
            codec=Codec(stream.codec).name,
            suite=stream.suite,
            sent_packets=sender.packets,
            received_packets=received,
            lost_packets=lost,
            loss=lost / (received + lost) if received + lost else 0.0,
            jitter_ms=reception.jitter_ms,
            round_trip_ms=sender.round_trip_us / 1000,
            remote_loss=sender.remote_loss,
            bitrate_bps=int(reception.received_bytes * 8 / max(0.001, duration_s)),
            frames_received=stream.frames,
            keyframes=stream.keyframes,
            keyframe_requests_sent=stream.keyframe_requests,
            keyframe_requests_received=stream.keyframes_asked,
            own_keys=len(stream.own_keys),
            peer_keys=len(stream.peer_keys),
            dropped=stream.dropped,
        )
        first = self._first_us.get(kind)
        if monitor is not None:
            first = monitor.first_sound_us if kind is Kind.AUDIO else monitor.first_picture_us
            if kind is not Kind.AUDIO:
                report.frames_decoded, report.decode_errors = monitor.pictures, monitor.decode_errors
                report.width, report.height = monitor.width, monitor.height
        report.first_s = (first - self._began_us) / 1_000_000 if first is not None else None
        return report


def now_us() -> int:
    """The clock of all that a call measures."""
    return time.monotonic_ns() // 1000


def _is_used(spec: StreamSpec) -> bool:
    """Whether anything can come or go."""
    return bool(spec.receive) or (spec.send is not None and spec.remote is not None)
