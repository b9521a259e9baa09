"""Sequences of packets, repeats and time against what keeps a state: streams in and out, a whole leg, arrival logs."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

from config.media import NetSettings
from mcu.media import Codec, Extensions, Format, Kind, StreamSpec
from mcu.net.component import Component
from mcu.net.handshakes import Handshakes
from mcu.net.ice import Address
from mcu.net.latch import Latch
from mcu.net.layered import LayeredReceiver
from mcu.net.leg import Leg
from mcu.net.pacing import Pacer
from mcu.net.receiver import StreamReceiver
from mcu.net.sender import Numbers, StreamSender
from mcu.rtp import frames, nack
from mcu.rtp.capture import LegClock, LipSync
from mcu.rtp.frames import FrameAssembler
from mcu.rtp.history import PieceRing
from mcu.rtp.ntp import NtpClock
from mcu.rtp.packet import RtpPacket
from mcu.rtp.transport_cc import MAX_ARRIVALS, ArrivalLog
from mcu.worker.channel import Channel, Frame, channel_pair
from mcu.worker.messages import Message, encode
from tests.fuzz.target import Bytes, target

PCMU, OPUS = Format(Codec.PCMU, 0, 8000), Format(Codec.OPUS, 111, 48_000)
DTMF = Format(Codec.TELEPHONE_EVENT, 101, 8000)
H264, VP8 = Format(Codec.H264, 97, 90_000, packetization_mode=1), Format(Codec.VP8, 96, 90_000)
RTX = Format(Codec.RTX, 98, 90_000, apt=97)
TYPES = (0, 96, 97, 98, 101, 111)
PARTS = (
    b"\x67\x42\xe0\x1f\xda\x01\x40\x16\xe9", b"\x68\xce\x3c\x80", b"\x65\x88" + bytes(40), b"\x41\x9a" + bytes(20),
    b"\x7c\x85" + bytes(60), b"\x7c\x05" + bytes(60), b"\x7c\x45" + bytes(60), b"\x90\x80\x01" + bytes(30), b"",
)  # fmt: skip
EXTENSIONS = Extensions(mid=1, audio_level=2, abs_send_time=3, transport_cc=4, rid=5, repaired_rid=6)
STEPS_US = (0, 1, 5_000, 20_000, 100_000, 1_000_000, 10_000_000)


class Walk:
    """Packets whose numbers mostly follow each other, as the input says."""

    def __init__(self, data: bytes) -> None:
        self.script = Bytes(data)
        self.now_us = 1_000_000
        self.sequence = self.timestamp = 0

    def packet(self) -> RtpPacket:
        """The next one: 1 byte of choices, and what they call for."""
        script, choice = self.script, self.script.number()
        self.sequence = self.sequence + 1 if choice & 1 else script.number(2)
        if choice & 2:
            self.timestamp = script.number(4)
        elif choice & 4:
            self.timestamp += 3000
        payload = PARTS[choice >> 3 & 7] if choice & 64 else script.chunk()
        kind = TYPES[script.number() % len(TYPES)]
        packet = RtpPacket(kind, choice > 127, self.sequence & 0xFFFF, self.timestamp & 0xFFFFFFFF, choice & 3, payload)
        packet.rid = ("", "l", "h", "x")[script.number() & 3]
        packet.repaired_rid = packet.rid if kind == 98 else ""
        return packet

    def pass_time(self) -> None:
        """Some of it."""
        self.now_us += STEPS_US[self.script.number() % len(STEPS_US)]


def receiver(layers: tuple[str, ...] = ()) -> StreamReceiver:
    """Video in H.264, VP8 and repeats, or in layers."""
    spec = StreamSpec("1", Kind.VIDEO, (H264, VP8, RTX), has_nack=True, layers=layers)
    make = LayeredReceiver if layers else StreamReceiver
    made = make(3, spec, LegClock(), LipSync(), max_ssrcs=4, counters=Counter())
    made.is_open = True
    return made


def is_bounded(assembler: FrameAssembler | None) -> None:
    """What a sender can make us keep."""
    if assembler is None:
        return
    assert len(assembler._packets) <= frames.MAX_PACKETS
    assert assembler._bytes == sum(len(packet.payload) for packet in assembler._packets.values())
    assert len(assembler.nack._pending) <= nack.MAX_PENDING
    assert len(assembler._ready) <= frames.MAX_READY
    assert len(assembler._beyond) <= 2 * frames.MAX_PACKETS


def walk(stream: StreamReceiver, data: bytes) -> None:
    """Packets, questions and time in any order."""
    steps, given = Walk(data), 0
    while not steps.script.is_empty:
        step = steps.script.number()
        if step < 200:
            stream.receive(steps.packet(), steps.now_us)
        elif step < 230:
            steps.pass_time()
            stream.handle_timeout(steps.now_us)
        elif step < 240:
            for source in stream.sources:
                assert len(source.missing(steps.now_us, 0)) <= nack.MAX_AT_ONCE
        elif step < 250:
            stream.limit(steps.script.number() * 10_000, steps.script.number() * 8, steps.script.number(), steps.now_us)
        else:
            stream.restart_decoder(steps.now_us)
        for frame in stream.frames(steps.now_us):
            given += 1
            _pack(frame)
        for source in stream.sources:
            is_bounded(source._assembler)
            report = source.reception.report(steps.now_us)
            report.serialize()
    assert len(stream._left) <= 4


@target("video-receiver")
def video_receiver(data: bytes) -> None:
    walk(receiver(), data)


@target("simulcast-receiver")
def simulcast_receiver(data: bytes) -> None:
    walk(receiver(("l", "h")), data)


@target("frame-assembler")
def frame_assembler(data: bytes) -> None:
    """Numbers in any order, without the tracker before it: what matters is that nothing is lost count of."""
    script, assembler = Bytes(data), FrameAssembler(Codec.VP8)
    now_us, sequence = 0, 70_000
    while not script.is_empty:
        choice = script.number()
        sequence += (1, 2, -1, -2, 255, 256, -60, script.number(2) - 32_768)[choice & 7]
        if choice & 8:
            now_us += 50_000
            assembler.handle_timeout(now_us)
            assembler.missing(now_us)
        assembler.receive(max(0, sequence), choice >> 4 & 3, choice > 200, PARTS[choice >> 3 & 7], now_us)
        while assembler.next_frame() is not None:
            pass
        is_bounded(assembler)


@target("arrival-log")
def arrival_log(data: bytes) -> None:
    script, log = Bytes(data), ArrivalLog()
    now_us = sequence = 0
    while not script.is_empty:
        choice = script.number()
        sequence += (1, 2, 1999, 2000, 2999, -1, -900, script.number(2))[choice & 7]
        now_us += STEPS_US[choice >> 3 & 3]
        log.receive(sequence & 0xFFFF, now_us)
        assert len(log._arrivals) <= MAX_ARRIVALS
        if choice > 127:
            for message in log.feedback(1, 2, now_us):
                message.serialize()


@target("video-sender")
def video_sender(data: bytes) -> None:
    """Pictures out and NACKs in: repeats are bounded whatever is asked for."""
    script, ring = Bytes(data), PieceRing(Codec.H264)
    spec = StreamSpec("1", Kind.VIDEO, send=H264, send_rtx=RTX if script.number() & 1 else None, has_nack=True)
    sender = StreamSender(spec, Numbers(1, 2, 32_700, 0xFFFF_FF00, 9), NtpClock(0), Pacer(8_000_000, 5))
    now_us, repeated, numbers = 1_000_000, 0, []
    while not script.is_empty:
        choice = script.number()
        if choice < 100:
            unit = b"\0\0\0\1\x65" + b"\x11" * (choice * 40)
            sender.put(ring.add(unit, script.number(4), now_us, choice < 10))
        elif choice < 180:
            lost = [script.number(2) for _ in range(choice - 100)] + numbers[-choice:]
            repeats = sender.repeat(lost, now_us) if not sender.stores_sent else sender.repeat_protected(lost, now_us)
            repeated += len(repeats)
            assert all(len(packet) <= 1300 for packet in repeats)
        else:
            now_us += STEPS_US[choice % 4]
            first, packets = sender.take(now_us)
            numbers += [packet[2] << 8 | packet[3] for packet in packets]
            if sender.stores_sent:
                for offset, packet in enumerate(packets):
                    sender.sent.store(first + offset & 0xFFFF, packet)
    assert repeated <= 200 + (now_us - 1_000_000) * 500 // 1_000_000
    assert all((after - before) & 0xFFFF == 1 for before, after in pairwise(numbers)), "numbers are unbroken"


class Far:
    """What a leg has around it: a socket, the process."""

    def __init__(self) -> None:
        self.sent = self.told = 0

    def send(self, data: bytes, remote: Address, traffic_class: int = 0) -> bool:
        assert len(data) <= 1500
        self.sent += 1
        return True

    def send_many(self, packets: list[bytes], remote: Address) -> None:
        self.sent += len(packets)

    def is_slow(self, remote: Address) -> bool:
        return False

    def tell(self, message: Message) -> None:
        assert len(encode(message)) < 4096
        self.told += 1

    def source_frame(self, frame: Frame) -> None:
        _pack(frame)

    def peer_wants_keyframe(self, leg: int, kind: Kind) -> None:
        pass

    def queue_filled(self, leg: int) -> None:
        pass


PEER = ("192.0.2.9", 5004)


def leg(far: Far) -> Leg:
    """Sound and picture in the clear on one port each, attached."""
    made = Leg(7, "1001", "cname", NetSettings(), NtpClock(0), far, Counter())
    for kind in (Kind.AUDIO, Kind.VIDEO):
        pair = Component(made, _NO_HANDSHAKES, made._counters), Component(made, _NO_HANDSHAKES, made._counters)
        for component in pair:
            component.socket, component.latch = far, Latch()
        made.components[kind] = pair
    common = {"has_nack": True, "has_pli": True, "has_tmmbr": True, "remote": PEER, "extensions": EXTENSIONS}
    audio = StreamSpec("0", Kind.AUDIO, (PCMU, OPUS, DTMF), OPUS, **common)
    video = StreamSpec("1", Kind.VIDEO, (H264, VP8, RTX), H264, RTX, **common)
    made.configure((audio, video), 1_000_000)
    made.attach(1_000_000)
    return made


@target("leg")
def whole_leg(data: bytes) -> None:
    """Datagrams of a peer to a leg, and time: what is told to other processes can be written, and is bounded."""
    script, far = Bytes(data), Far()
    made, now_us, came, began_us = leg(far), 1_000_000, 0, 1_000_000
    ring = PieceRing(Codec.H264)
    while not script.is_empty:
        choice = script.number()
        if choice < 16:
            frame = ring.add(b"\0\0\0\1\x65" + bytes(range(1, 200)) * choice, now_us * 9 // 100, now_us, True)
            made.outbound.put_rendition(Frame(1, Codec.H264, b""), frame, 1_000_000, now_us)
            made.outbound.pump(now_us)
        elif choice < 48:
            now_us += STEPS_US[choice % len(STEPS_US)]
            made.handle_timeout(now_us)
            made.look_for_silence(now_us)
            made.collect_drops()
        else:
            own = made._numbers[Kind.VIDEO].ssrc.to_bytes(4, "big")
            datagram = script.chunk().replace(b"SSRC", own)
            made.components[Kind.AUDIO if choice & 1 else Kind.VIDEO][0].receive(datagram, PEER, now_us)
            came += 1
    seconds = (now_us - began_us) / 1e6
    assert far.told <= 60 + 120 * seconds, f"{far.told} messages in {seconds:.1f} s"
    assert len(made._routes) <= 64


def _pack(frame: Frame) -> None:
    """As it goes to another process."""
    ours, theirs = _pair()
    ours.send_frame(frame)
    for arrived in theirs.receive():
        assert arrived == frame


def _pair() -> tuple[Channel, Channel]:
    if not _PAIR:
        _PAIR.extend(Channel(end) for end in channel_pair())
    return _PAIR[0], _PAIR[1]


_PAIR: list[Channel] = []
_NO_HANDSHAKES: Handshakes = None  # type: ignore[assignment]  # no stream of these agrees on DTLS
