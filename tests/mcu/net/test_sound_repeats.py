"""Lost packets of sound: asked for once a round trip where that is short, and answered with the very same bytes."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest

from config.media import NetSettings
from mcu.media import Codec, Kind, SdesKeys, StreamSpec
from mcu.net import reports
from mcu.net.outbound import Outbound
from mcu.net.pacing import Pacer
from mcu.net.receiver import StreamReceiver
from mcu.net.sender import Numbers, StreamSender
from mcu.rtp import rtcp
from mcu.rtp.capture import LegClock, LipSync
from mcu.rtp.ntp import NtpClock
from mcu.rtp.packet import RtpPacket
from mcu.rtp.rtcp import GenericNack
from mcu.rtp.srtp_session import SrtpPair
from mcu.worker.channel import Frame
from mcu.worker.messages import AssignAudio, AttachLeg, ConfigureLeg, LegConfigured, Transport
from tests.link import Path
from tests.mcu.net.harness import DTMF, PCMU, Peer, audio_spec, net_process, rtp
from tests.mcu.net.lossy_call import LossyCall
from tests.mcu.net.test_lossy_paths import FAR, FAR_UP, LOSSY

MS = 1_000
OWN, THEIRS = 0xAAAA, 7
KEYS = bytes(range(28)), bytes(range(60, 88))


def listener(*, has_nack: bool = True) -> tuple[StreamReceiver, StreamSender]:
    spec = StreamSpec("0", Kind.AUDIO, (PCMU, DTMF), PCMU, has_nack=has_nack)
    receiver = StreamReceiver(1, spec, LegClock(), LipSync(), max_ssrcs=4, counters=Counter())
    receiver.is_open = True
    return receiver, StreamSender(spec, Numbers(OWN, 0xBBBB, 100, 0, 5), NtpClock(0), Pacer(4_000_000, 5))


def hear(receiver: StreamReceiver, *numbers: int, payload_type: int = 0) -> None:
    for number in numbers:
        packet = RtpPacket(payload_type, False, number & 0xFFFF, number * 160, THEIRS, bytes(160))
        receiver.receive(packet, number * 20 * MS)


@pytest.mark.parametrize(
    ("has_nack", "round_trip_ms", "asked"),
    [(True, 60, [GenericNack(OWN, THEIRS, (11, 12))]), (False, 60, []), (True, 600, []), (True, 0, [])],
)
def test_a_hole_in_sound_is_asked_for_where_its_repeat_can_be_played(
    has_nack: bool, round_trip_ms: int, asked: list[GenericNack]
) -> None:
    receiver, sender = listener(has_nack=has_nack)
    hear(receiver, 9, 10)
    assert not receiver.is_in_need
    hear(receiver, 13)
    assert receiver.is_in_need is has_nack
    assert reports.repair(receiver, sender, round_trip_ms * MS, 270 * MS) == asked
    hear(receiver, 11, 12)
    assert not receiver.is_in_need


def test_digits_between_packets_of_sound_are_no_holes() -> None:
    receiver, _ = listener()
    hear(receiver, 9)
    hear(receiver, 10, 11, payload_type=DTMF.payload_type)
    hear(receiver, 12)
    assert not receiver.is_in_need


def test_what_is_repeated_under_its_number_tells_no_jitter_and_is_not_lost() -> None:
    receiver, _ = listener()
    hear(receiver, *range(10, 20), *range(21, 100))
    source = receiver.source
    assert source is not None
    source.receive_audio(RtpPacket(0, False, 20, 20 * 160, THEIRS, bytes(160)), 2_000 * MS)
    assert source.reception.jitter_ms == 0
    assert source.reception.lost_packets == 0


def test_what_is_repeated_is_told_as_lost_on_the_path_but_not_what_was_merely_overtaken() -> None:
    receiver, sender = listener()
    hear(receiver, 10, 12, 11, 13)
    source = receiver.source
    assert source is not None
    assert source.reception.report(0).cumulative_lost == 0
    hear(receiver, 15)
    assert reports.repair(receiver, sender, 60 * MS, 310 * MS)
    hear(receiver, 14)
    assert source.reception.report(0).cumulative_lost == 1
    assert source.reception.lost_packets == 0


async def test_the_peer_gets_the_very_bytes_that_it_misses_and_a_bounded_number_of_them() -> None:
    peer = Peer()
    async with net_process() as net:
        opened = await net.open(1, Transport.PORTS, Kind.AUDIO)
        keys = SdesKeys("AEAD_AES_128_GCM", *KEYS)
        net.control.send(ConfigureLeg(1, (audio_spec(peer, has_nack=True, sdes=keys),)))
        net.control.send(AttachLeg(1))
        await net.expect(LegConfigured)
        net.neighbours["audio"].send(AssignAudio(1, 7))
        for number in range(100):
            net.neighbours["audio"].send_frame(Frame(7, Codec.PCMU, b"%03d" % number, rtp_timestamp=number * 960))
        sent: list[bytes] = []
        await net.wait(lambda: sent.extend(peer.receive()) or len(sent) >= 100)
        srtp = SrtpPair("AEAD_AES_128_GCM", KEYS[1], KEYS[0])
        clear = srtp.unprotect(sent[0])
        assert clear is not None
        first, ssrc = int.from_bytes(clear[2:4], "big"), int.from_bytes(clear[8:12], "big")
        wanted = tuple(first + number & 0xFFFF for number in (10, 97, 98))
        ask = rtcp.compound(rtcp.ReceiverReport(THEIRS), GenericNack(THEIRS, ssrc, wanted))
        peer.send(srtp.protect(rtp(0, 1, b"a" * 160, ssrc=THEIRS)) or b"", opened.ports["audio"][0])
        peer.send(srtp.protect_rtcp(ask) or b"", opened.ports["audio"][1])
        again: list[bytes] = []
        await net.wait(lambda: again.extend(peer.receive()) or len(again) >= 2)
        assert again[:2] == sent[97:99], "10 is too long ago to be of use"
    peer.close()


def test_over_a_lossy_path_nearly_all_sound_comes_in_time_both_ways() -> None:
    call = LossyCall(LOSSY, LOSSY, repeats_sound=True)
    call.run(30)
    lost, _ = call.sound_lost()
    assert lost < 0.01
    assert 40 < call.sound_asked < 200
    reception = call.room_leg.receivers[Kind.AUDIO].source
    assert reception is not None
    assert reception.reception.lost_packets < 0.01 * 30 * 50


def test_over_a_far_path_no_sound_is_asked_for_and_on_a_clean_one_none_either() -> None:
    for paths in ((FAR, FAR_UP), (Path(delay_ms=20), Path(delay_ms=20))):
        call = LossyCall(*paths, repeats_sound=True)
        call.run(10)
        assert call.sound_asked == 0


def test_what_is_repeated_still_counts_as_lost_where_error_correction_is_chosen() -> None:
    outlet: Any = SimpleNamespace(tell=lambda message: None)
    numbers = {kind: Numbers(number, 99, 1, 1, 1) for number, kind in enumerate(Kind)}
    outbound = Outbound(7, {}, numbers, NetSettings(), NtpClock(0), outlet, Counter())
    outbound.configure(StreamSpec("0", Kind.AUDIO, send=PCMU, has_nack=True))
    sender = outbound.senders[Kind.AUDIO]
    for number in range(50):
        sender.audio_packet(Frame(0, Codec.PCMU, b"", rtp_timestamp=number * 960))
    sender.repeat_protected(range(5), 0)
    assert outbound.listener_loss() == 0.1
    assert sender.statistics is not None
    sender.statistics.remote_loss = 0.3
    assert outbound.listener_loss() == 0.3
