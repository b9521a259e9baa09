"""Legs that join near a wrap of the sequence numbers, with a bare libsrtp at the far end (RFC 3711 3.3.1)."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator

import pytest
from pylibsrtp import Error, Policy, Session

from mcu.media import Codec, Extensions, Format, Kind, StreamSpec
from mcu.net.numbering import draw_numbers
from mcu.net.pacing import Pacer
from mcu.net.sender import Numbers, StreamSender
from mcu.rtp.history import PieceRing
from mcu.rtp.ntp import NtpClock
from mcu.rtp.srtp_session import PROFILES, SrtpPair
from mcu.worker.channel import Frame
from tests.mcu.net.harness import H264, OPUS

PICTURE = b"\x00\x00\x00\x01\x65" + bytes(range(1, 251)) * 140
"""About thirty packets."""
LAST_BEGINNING = (1 << 15) - 1
AUDIO_SUITE = "AEAD_AES_128_GCM"
"""Suites see numbers and no kinds: one is enough for the numbers of sound."""


class Receiver:
    """The peer: libsrtp as browsers and terminals use it, nothing of ours."""

    def __init__(self, suite: str, key: bytes) -> None:
        policy = Policy(key=key, ssrc_type=Policy.SSRC_ANY_INBOUND, srtp_profile=PROFILES[suite][0])
        policy.window_size = 1024
        self._session = Session(policy)
        self.taken = self.refused = 0

    def receive(self, protected: bytes) -> None:
        try:
            self._session.unprotect(protected)
        except Error:
            self.refused += 1
        else:
            self.taken += 1


def stream(kind: Kind, form: Format, first_sequence: int) -> StreamSender:
    spec = StreamSpec("1", kind, send=form, extensions=Extensions(mid=1))
    return StreamSender(spec, Numbers(7, 8, first_sequence, 9, 10), NtpClock(0), Pacer(1_000_000_000, 5))


def pictures(sender: StreamSender, packets: int) -> Iterator[bytes]:
    ring, sent, number = PieceRing(Codec.H264), 0, 0
    while sent < packets:
        number += 1
        assert sender.put(ring.add(PICTURE, 3600 * number, 40_000 * number, is_keyframe=True))
        while sender.has_queue:
            for packet in sender.take(40_000 * number)[1]:
                sent += 1
                yield packet


def sounds(sender: StreamSender, packets: int) -> Iterator[bytes]:
    for number in range(packets):
        packet = sender.audio_packet(Frame(1, Codec.OPUS, b"sound", 960 * number, capture_us=20_000 * number))
        assert packet is not None
        yield packet


@pytest.mark.exhaustive
@pytest.mark.parametrize(("kind", "suite"), [*((Kind.VIDEO, suite) for suite in PROFILES), (Kind.AUDIO, AUDIO_SUITE)])
def test_all_of_70000_packets_authenticate_for_who_joins_late_and_loses_many(kind: Kind, suite: str) -> None:
    """The worst beginning, its first packets lost, holes of 300 over both wraps, two of a hundred lost, some late."""
    size = PROFILES[suite][1]
    ours, theirs = os.urandom(size), os.urandom(size)
    near, far = SrtpPair(suite, ours, theirs), Receiver(suite, ours)
    chance = random.Random(11)
    if kind is Kind.VIDEO:
        packets = pictures(stream(kind, H264, LAST_BEGINNING), 70_000)
    else:
        packets = sounds(stream(kind, OPUS, LAST_BEGINNING), 70_000)
    delivered, late = 0, []
    for number, packet in enumerate(packets):
        protected = near.protect(packet)
        assert protected is not None, near.drops
        sequence = int.from_bytes(packet[2:4], "big")
        if number < 100 or sequence < 150 or sequence >= 65_536 - 150 or chance.random() < 0.02:
            continue
        delivered += 1
        if chance.random() < 0.02:
            late.append(protected)
            continue
        far.receive(protected)
        if len(late) > 5:
            chance.shuffle(late)
            for held in late:
                far.receive(held)
            late.clear()
    assert delivered > 65_000
    assert far.refused == 0
    assert far.taken == delivered - len(late)


def test_beginning_near_the_wrap_would_lose_everything() -> None:
    """What the bound on the first number is for: the same joiner, were it to begin higher."""
    suite = "AEAD_AES_128_GCM"
    key = os.urandom(28)
    near, far = SrtpPair(suite, key, os.urandom(28)), Receiver(suite, key)
    with pytest.raises(ValueError, match="below 2"):
        stream(Kind.VIDEO, H264, 65_530)
    sender = stream(Kind.VIDEO, H264, 0)
    assert sender._map is not None
    sender._map.next_sequence = 65_530
    for number, packet in enumerate(pictures(sender, 3_000)):
        protected = near.protect(packet)
        assert protected is not None
        if number >= 10:
            far.receive(protected)
    assert far.taken == 0


def test_every_beginning_is_in_the_lower_half() -> None:
    drawn = [draw_numbers() for _ in range(3000)]
    firsts = [number for each in drawn for number in (each.first_sequence, each.first_rtx_sequence)]
    assert max(firsts) < 1 << 15
    assert max(firsts) > 30_000
    assert min(firsts) < 2_000
