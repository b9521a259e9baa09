"""What a sender of pictures is asked for, by the feedback that it knows (RFC 4585, RFC 5104)."""

from __future__ import annotations

from collections import Counter

import pytest

from mcu.media import Kind, StreamSpec
from mcu.net import reports
from mcu.net.pacing import Pacer
from mcu.net.receiver import StreamReceiver
from mcu.net.sender import Numbers, StreamSender
from mcu.rtp import packet as rtp_packet
from mcu.rtp.capture import LegClock, LipSync
from mcu.rtp.ntp import NtpClock
from mcu.rtp.rtcp import FullIntraRequest, GenericNack, PictureLoss, RtcpPacket
from tests.mcu.net.harness import H264, rtp

OWN, THEIRS = 0xAAAA, 0x1234
DELTA = b"\x41\x9a" + bytes(50)


def stream(**known: bool) -> tuple[StreamReceiver, StreamSender]:
    spec = StreamSpec("1", Kind.VIDEO, (H264,), H264, **known)  # type: ignore[arg-type]  # only flags are given
    receiver = StreamReceiver(1, spec, LegClock(), LipSync(), max_ssrcs=8, counters=Counter())
    receiver.open(0)
    return receiver, StreamSender(spec, Numbers(OWN, 0xBBBB, 100, 0, 5), NtpClock(0), Pacer(4_000_000, 5))


def hear(receiver: StreamReceiver, sequence: int, now_us: int) -> None:
    packet = rtp_packet.parse(rtp(97, sequence, DELTA, ssrc=THEIRS, timestamp=3600 * sequence, marker=True))
    assert packet is not None
    receiver.receive(packet, now_us)
    list(receiver.frames(now_us))


@pytest.mark.parametrize(
    ("known", "asked"),
    [
        ({"has_pli": True, "has_fir": True}, PictureLoss(OWN, THEIRS)),
        ({"has_fir": True}, FullIntraRequest(OWN, ((THEIRS, 1),))),
        ({}, None),
    ],
)
def test_a_keyframe_is_asked_for_in_words_that_the_sender_knows(
    known: dict[str, bool], asked: RtcpPacket | None
) -> None:
    receiver, sender = stream(**known)
    hear(receiver, 1, 1_000_000)
    assert receiver.is_in_need
    assert reports.repair(receiver, sender, 0, 1_000_000) == ([] if asked is None else [asked])


def test_a_request_that_is_repeated_keeps_its_number() -> None:
    receiver, sender = stream(has_fir=True)
    hear(receiver, 1, 1_000_000)
    found = [each for n in range(100) for each in reports.repair(receiver, sender, 0, 1_000_000 + 10_000 * n)]
    assert len(found) >= 2
    assert set(found) == {FullIntraRequest(OWN, ((THEIRS, 1),))}


@pytest.mark.parametrize("has_nack", [True, False])
def test_what_is_missing_is_asked_for_over_the_wrap_where_the_sender_repeats(has_nack: bool) -> None:
    receiver, sender = stream(has_nack=has_nack)
    for sequence in (65_533, 65_534, 1):
        hear(receiver, sequence, 1_000_000)
    asked = [each for n in range(3) for each in reports.repair(receiver, sender, 0, 1_000_000 + 5_000 * n)]
    assert asked == ([GenericNack(OWN, THEIRS, (65_535, 0))] if has_nack else [])
