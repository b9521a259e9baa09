"""A room and one terminal, both on our own cores, joined by two lossy links and a clock that is moved by hand."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from config.media import NetSettings
from mcu.media import Codec, Extensions, Format, Grade, Kind, LegMedia, SdesKeys, StreamSpec
from mcu.net.fanout import Fanout
from mcu.net.leg import Leg
from mcu.participant import Participant, Role
from mcu.policy import LayoutMode
from mcu.rtp.ntp import NtpClock
from mcu.rtp.rtcp import GenericNack, PictureLoss, parse_compound
from mcu.stage import Stage, View
from mcu.worker.channel import Frame
from mcu.worker.messages import CloseRendition, LegBandwidth, Message, OpenRendition, RouteVideo
from tests.link import Link, Path
from tests.mcu.fakes import FakeLeg, FakeWorker
from tests.mcu.net.harness import H264, OPUS, RTX

MS, S = 1_000, 1_000_000
KEYFRAME_PICTURES = 6
"""A keyframe is as large as so many others."""
_START = b"\x00\x00\x00\x01"
_PARAMETERS = (b"\x67\x42\xe0\x1f\xda\x01\x40\x16\xe9", b"\x68\xce\x3c\x80")
_KEYS = SdesKeys("AEAD_AES_128_GCM", b"", b"")


class Wire:
    """In place of a component: what is sent goes into the link."""

    latch = None
    can_send = True
    is_slow = False
    socket = remote = None
    payload_types: frozenset[int] = frozenset()

    def __init__(self, call: LossyCall, link: Link, to_terminal: bool) -> None:
        self.call, self.link, self.to_terminal = call, link, to_terminal

    def use_keys(self, keys: SdesKeys) -> None:
        pass

    def share_keys(self, other: Wire) -> None:
        pass

    def collect_drops(self) -> None:
        pass

    def protect(self, packet: bytes) -> bytes:
        return packet

    def send(self, packets: Sequence[bytes], traffic_class: int = 0) -> int:
        self.send_protected(packets)
        return sum(map(len, packets))

    def send_protected(self, packets: Sequence[bytes], traffic_class: int = 0) -> None:
        for each in packets:
            self.call.transmit(self, each, is_rtcp=False)

    def send_rtcp(self, compound: bytes) -> None:
        self.call.transmit(self, compound, is_rtcp=True)


class Outlet:
    """One end's face to its neighbours."""

    def __init__(self) -> None:
        self.told: list[Message] = []
        self.frames: list[Frame] = []
        self.keyframes_wanted = 0
        self.is_filled = False

    def tell(self, message: Message) -> None:
        self.told.append(message)

    def source_frame(self, frame: Frame) -> None:
        self.frames.append(frame)

    def peer_wants_keyframe(self, leg: int, kind: Kind) -> None:
        self.keyframes_wanted += 1

    def queue_filled(self, leg: int) -> None:
        self.is_filled = True


@dataclass
class Encoder:
    """25 pictures a second of the rung's rate; a keyframe first, when asked, and never two within a second."""

    opened: OpenRendition
    is_keyframe_wanted: bool = True
    keyframe_us: int = -S
    owed_bytes: float = 0.0

    def picture(self, now_us: int, timestamp: int) -> Frame:
        usual = self.opened.bitrate_bps / 8 / 25
        is_key = self.is_keyframe_wanted and now_us - self.keyframe_us >= S
        if is_key:
            self.is_keyframe_wanted, self.keyframe_us = False, now_us
            size, self.owed_bytes = usual * KEYFRAME_PICTURES, self.owed_bytes + usual * (KEYFRAME_PICTURES - 1)
        else:
            saved = min(self.owed_bytes, usual / 2)
            size, self.owed_bytes = usual - saved, self.owed_bytes - saved
        head = b"".join(_START + unit for unit in (*(_PARAMETERS if is_key else ()), b"\x65" if is_key else b"\x41"))
        payload = head + b"\x88" + b"\x55" * int(size)
        number = self.opened.rendition
        return Frame(number, Codec.H264, payload, timestamp, now_us, is_keyframe=is_key)


@dataclass
class LossyCall:
    """Both send sound, and the room the picture of its stage; reports and requests go both ways."""

    down: Path
    up: Path
    has_rtx: bool = True
    repeats_sound: bool = False
    now_us: int = 100 * S
    encoders: dict[int, Encoder] = field(default_factory=dict)
    pictures_us: list[int] = field(default_factory=list)
    sound: set[int] = field(default_factory=set)
    sounds_sent: int = 0
    nacks: int = 0
    sound_asked: int = 0
    """NACKs about sound, of both ends."""
    plis: int = 0
    routes: list[tuple[float, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.flying: list[tuple[int, int, bool, bool, bytes]] = []
        self.count = self.heard = self.seen = 0
        self.links = Link(self.down, 5), Link(self.up, 6)
        self.room_end, self.terminal_end = Outlet(), Outlet()
        self.room_leg = self._leg(1, self.links[0], self.room_end, sends=True)
        self.terminal_leg = self._leg(2, self.links[1], self.terminal_end, sends=False)
        self.fanout = Fanout(self._ask, Counter())
        self.worker = FakeWorker()
        self.stage = Stage("1001", self.worker, lambda: self.now_us / S)
        spec = StreamSpec("1", Kind.VIDEO, send=H264)
        self.person = Participant(
            FakeLeg(1, LegMedia((spec,), is_encrypted=True, grade=Grade.CLEAR)), "Far", Role.GUEST
        )  # fmt: skip
        self._show()

    def _leg(self, number: int, link: Link, end: Outlet, *, sends: bool) -> Leg:
        leg = Leg(number, "1001", f"cname{number}", NetSettings(), NtpClock(0), end, Counter())
        wire: Any = Wire(self, link, to_terminal=sends)
        leg.components.update(dict.fromkeys((Kind.AUDIO, Kind.VIDEO), (wire, wire)))
        sound: dict[str, Any] = {"send": OPUS, "receive": (OPUS,), "has_nack": self.repeats_sound}
        formats: tuple[Format, ...] = (H264, RTX) if self.has_rtx else (H264,)
        video: dict[str, Any] = {"send": H264, "send_rtx": RTX if self.has_rtx else None} if sends else {}
        video |= {"has_nack": True, "has_pli": True}
        leg.configure(
            (
                StreamSpec("0", Kind.AUDIO, sdes=_KEYS, extensions=Extensions(mid=1), **sound),
                StreamSpec(
                    "1", Kind.VIDEO, sdes=_KEYS, extensions=Extensions(mid=1), **video,
                    receive=() if sends else formats,
                ),
            ),
            self.now_us,
        )  # fmt: skip
        leg.attach(self.now_us)
        return leg

    # ---- the links

    def transmit(self, wire: Wire, data: bytes, *, is_rtcp: bool) -> None:
        if is_rtcp:
            other = self.terminal_leg if wire.to_terminal else self.room_leg
            spoken = other.outbound.senders[Kind.AUDIO].numbers.ssrc
            for packet in parse_compound(data)[0]:
                is_about_sound = isinstance(packet, GenericNack) and packet.media_ssrc == spoken
                self.sound_asked += is_about_sound
                self.nacks += isinstance(packet, GenericNack) and not is_about_sound
                self.plis += isinstance(packet, PictureLoss)
        arrives_us = wire.link.offer(len(data) + 28 + 16, self.now_us)  # UDP, IPv4 and a tag
        if arrives_us is not None:
            self.count += 1
            heapq.heappush(self.flying, (arrives_us, self.count, wire.to_terminal, is_rtcp, data))

    def _deliver(self) -> None:
        wire: Any = None
        while self.flying and self.flying[0][0] <= self.now_us:
            _, _, to_terminal, is_rtcp, data = heapq.heappop(self.flying)
            leg = self.terminal_leg if to_terminal else self.room_leg
            wire = leg.components[Kind.VIDEO][0]
            (leg.rtcp_received if is_rtcp else leg.rtp_received)(wire, data, self.now_us)

    # ---- the room

    def _ask(self, rendition: int) -> None:
        if rendition in self.encoders:
            self.encoders[rendition].is_keyframe_wanted = True

    def _show(self) -> None:
        for message in self.room_end.told:
            if isinstance(message, LegBandwidth):
                self.person.bandwidth[message.kind] = message.bitrate_bps
        self.room_end.told.clear()
        self.stage.show([self.person], View(LayoutMode.GRID))
        for message in (message for _, message in self.worker.sent):
            match message:
                case OpenRendition():
                    self.encoders[message.rendition] = Encoder(message)
                case CloseRendition():
                    del self.encoders[message.rendition]
                case RouteVideo():
                    self.fanout.route(1, self.room_leg.outbound, message.rendition, self.now_us)
                    self.routes.append((self.now_us / S - 100, self.encoders[message.rendition].opened.height))
                case _:
                    pass
        self.worker.sent.clear()

    def _tick(self) -> None:
        timestamp = self.now_us // 1000 * 90 & 0xFFFFFFFF
        for encoder in list(self.encoders.values()):
            self.fanout.receive_picture(encoder.picture(self.now_us, timestamp), self.now_us)

    def _speak(self) -> None:
        sound = Frame(0, Codec.OPUS, bytes(80), self.sounds_sent * 960, capture_us=self.now_us)
        self.room_leg.outbound.put_sound(sound)
        self.terminal_leg.outbound.put_sound(sound)
        self.sounds_sent += 1

    # ---- time

    def run(self, seconds: float) -> None:
        end_us = self.now_us + round(seconds * S)
        while self.now_us < end_us:
            self.now_us += 5 * MS
            self._deliver()
            self._step()
            for frame in self.terminal_end.frames:
                if frame.codec is Codec.OPUS:
                    self.sound.add(frame.sequence)
                else:
                    self.pictures_us.append(self.now_us)
            self.terminal_end.frames.clear()

    def _step(self) -> None:
        if self.now_us % (40 * MS) == 0:
            self._tick()
        if self.now_us % (20 * MS) == 0:
            self._speak()
        if self.now_us % (10 * MS) == 0:
            self.fanout.handle_timeout(self.now_us)
            self.room_leg.handle_timeout(self.now_us)
            self.terminal_leg.handle_timeout(self.now_us)
        if self.now_us % (200 * MS) == 0:
            self._show()
        while self.room_end.keyframes_wanted:
            self.room_end.keyframes_wanted -= 1
            self.fanout.want_keyframe(1, self.now_us)
        if self.room_end.is_filled:
            self.room_end.is_filled = False
            self.room_leg.outbound.pump(self.now_us)

    # ---- what the terminal saw and heard

    def longest_freeze_ms(self, since_s: float = 0.0) -> float:
        """Between two pictures that could be shown."""
        times = [at_us for at_us in self.pictures_us if at_us >= (100 + since_s) * S]
        return max((after - before for before, after in pairwise(times)), default=10**9) / 1000

    def pictures_per_s(self, last_s: float) -> float:
        return sum(at_us > self.now_us - last_s * S for at_us in self.pictures_us) / last_s

    @property
    def height(self) -> int:
        return self.routes[-1][1]

    def sound_lost(self) -> tuple[float, float]:
        """The share of packets that did not come, and of those whose successor, with its FEC, did not come either."""
        first, last = min(self.sound), max(self.sound)
        lost = [number for number in range(first, last) if number not in self.sound]
        gone = [number for number in lost if number + 1 not in self.sound]
        return len(lost) / (last - first), len(gone) / (last - first)
