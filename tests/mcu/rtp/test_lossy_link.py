"""A sender and a receiver over a link that loses, delays and reorders, on a virtual clock: NACK, RTX, SRTP, PLI."""

import heapq
import random

import pytest

from mcu.media import Codec
from mcu.rtp import packet as rtp
from mcu.rtp import rtcp
from mcu.rtp.demux import Protocol, classify
from mcu.rtp.frames import FrameAssembler, unwrap_rtx
from mcu.rtp.history import PieceRing, Repeater, RtxStream, SentPackets, SequenceMap
from mcu.rtp.keyframes import KeyframeRequester
from mcu.rtp.reception import Reception
from mcu.rtp.sequence import SequenceTracker
from mcu.rtp.srtp_session import SrtpPair
from tests.mcu.rtp.media_samples import decoded, encoded

SUITE = "AEAD_AES_128_GCM"
KEYS = bytes(range(28)), bytes(range(50, 78))
MEDIA, RTX = 96, 97


class Sender:
    """Frames go out at 25/s; NACKs are answered by RTX, or by the stored ciphertext."""

    def __init__(self, codec, name, has_rtx, first=32_700):
        self.srtp = SrtpPair(SUITE, *KEYS)
        self.ring, self.map = PieceRing(codec, 400), SequenceMap(7, 90_000, 90_000, first, 5)
        self.frames, self.index, self.position = encoded(name, 400, keyframe_every=200), 0, 0
        self.rtx = RtxStream(8, RTX, 32_766) if has_rtx else None
        self.sent, self.repeater, self.wants_keyframe = SentPackets(), Repeater(), False
        self.keyframe_at = [0, 200]

    def tick(self, now):
        if self.wants_keyframe:  # an encoder would make one; jump to the next that we have
            self.wants_keyframe = False
            self.position = min((k for k in self.keyframe_at if k > self.position), default=0)
        frame = self.frames[self.position % len(self.frames)]
        entry = self.ring.add(frame, self.index * 3600, now, self.position % 200 == 0)
        self.position, self.index = (self.position + 1) % 400, self.index + 1
        first, timestamp = self.map.send(entry)
        for offset, piece in enumerate(entry.pieces):
            sequence = (first + offset) & 0xFFFF
            data = self.srtp.protect(rtp.header(MEDIA, piece.marker, sequence, timestamp, 7) + piece.payload)
            self.sent.store(sequence, data)
            yield data

    def receive(self, data, now):
        packets, errors = rtcp.parse_compound(self.srtp.unprotect_rtcp(data) or b"")
        assert errors == 0
        for packet in packets:
            if isinstance(packet, rtcp.PictureLoss):
                self.wants_keyframe = True
            if isinstance(packet, rtcp.GenericNack):
                for sequence in self.repeater.select(packet.lost, now):
                    yield from self.repeat(sequence)

    def repeat(self, sequence):
        if self.rtx is None:
            yield from filter(None, [self.sent.get(sequence)])
        elif (found := self.map.find(sequence)) is not None:
            number, payload = self.rtx.wrap(sequence, found.piece.payload)
            head = rtp.header(RTX, found.piece.marker, number, found.rtp_timestamp, self.rtx.ssrc)
            yield self.srtp.protect(head + payload)


class Receiver:
    def __init__(self, codec):
        self.srtp = SrtpPair(SUITE, *reversed(KEYS))
        self.assembler, self.tracker = FrameAssembler(codec), SequenceTracker()
        self.requester, self.reception = KeyframeRequester(), Reception(7, 90_000)
        self.out = []

    def receive(self, data, now):
        assert classify(data) is Protocol.RTP
        plain = self.srtp.unprotect(data)
        if plain is None:
            return
        packet = rtp.parse(plain)
        payload = packet.payload
        if packet.payload_type == RTX:
            original, payload = unwrap_rtx(payload)
            sequence = self.tracker.extend(original)
            self.reception.repaired()
        else:
            sequence = self.tracker.receive(packet.sequence)
            self.reception.receive(sequence, packet.timestamp, len(data), now)
        self.assembler.receive(sequence, packet.timestamp, packet.marker, payload, now)

    def tick(self, now):
        self.assembler.handle_timeout(now)
        while (frame := self.assembler.next_frame()) is not None:
            self.out.append(frame)
        if self.assembler.keyframe_needed:
            self.requester.want(now)
        else:
            self.requester.arrived()
        feedback = []
        if lost := self.assembler.missing(now):
            feedback.append(rtcp.GenericNack(1, 7, tuple(lost)))
        if self.requester.due(now):
            feedback.append(rtcp.PictureLoss(1, 7))
        if feedback:
            yield self.srtp.protect_rtcp(
                rtcp.compound(rtcp.ReceiverReport(1, (self.reception.report(now),)), *feedback)
            )


def run(codec, name, loss, has_rtx, seconds, seed, outage=(0, 0), kept=1024):
    rng = random.Random(seed)
    sender, receiver = Sender(codec, name, has_rtx), Receiver(codec)
    sender.sent = SentPackets(kept)
    link, count = [], 0
    for now in range(0, seconds * 1_000_000, 5_000):
        outgoing = [(receiver, data) for data in (sender.tick(now) if now % 40_000 == 0 else ())]
        while link and link[0][0] <= now:
            _, _, target, data = heapq.heappop(link)
            if target is receiver:
                receiver.receive(data, now)
            else:
                outgoing += [(receiver, repeat) for repeat in sender.receive(data, now)]
        outgoing += [(sender, data) for data in receiver.tick(now)]
        delay = 15_000 + rng.randrange(20_000)
        for target, data in outgoing:
            count += 1
            if rng.random() >= loss and not outage[0] <= now < outage[1]:
                heapq.heappush(link, (now + delay, count, target, data))
    return sender, receiver


@pytest.mark.exhaustive
@pytest.mark.parametrize("has_rtx", [True, False])
@pytest.mark.parametrize(("codec", "name"), [(Codec.H264, "libx264"), (Codec.VP8, "libvpx")])
def test_five_percent_loss_is_repaired(codec, name, has_rtx) -> None:
    sender, receiver = run(codec, name, 0.05, has_rtx, 10, 4)
    assert len(receiver.out) >= 235
    assert len(decoded(name, [frame.payload for frame in receiver.out])) == len(receiver.out)
    assert receiver.srtp.drops["auth"] == 0
    assert sender.srtp.drops.total() == 0
    assert sender.repeater.repeated > 10
    if has_rtx:
        assert receiver.reception.repaired_packets > 10


def test_a_short_outage_is_repaired_without_a_storm() -> None:
    sender, receiver = run(Codec.VP8, "libvpx", 0.01, True, 8, 5, outage=(3_000_000, 3_500_000))
    assert len(receiver.out) >= 190
    assert receiver.assembler.packets_lost == 0
    assert sender.repeater.repeated < 300


def test_an_outage_that_nobody_repairs_ends_with_a_keyframe() -> None:
    _, receiver = run(Codec.VP8, "libvpx", 0, False, 8, 5, outage=(3_000_000, 4_000_000), kept=1)
    after = [frame for frame in receiver.out if frame.first_arrival_us > 4_000_000]
    assert after[0].is_keyframe
    assert after[0].first_arrival_us < 5_000_000
    assert len(after) > 70
    assert receiver.requester.requests < 8


def test_numbers_near_the_wrap_with_loss_still_authenticate() -> None:
    sender, receiver = run(Codec.VP8, "libvpx", 0.3, False, 4, 6)
    assert receiver.srtp.drops["auth"] == 0
    assert sender.map.next_sequence != 32_700
