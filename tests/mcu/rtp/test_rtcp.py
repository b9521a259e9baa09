"""RTCP: round trips, truncation, hostile bytes, and aiortc as an independent reader and writer."""

import pytest
from aiortc import rtp as aiortc_rtp
from hypothesis import given, settings
from hypothesis import strategies as st

from mcu.rtp import rtcp
from mcu.rtp.transport_cc import MAX_ARRIVALS, ArrivalLog, TransportFeedback

BLOCK = rtcp.ReportBlock(7, 25, -3, 70_000, 12, 0x12345678, 65536)
PACKETS = [
    rtcp.SenderReport(1, 0x0102030405060708, 90_000, 5, 600, (BLOCK,)),
    rtcp.SenderReport(1, 1 << 63, 0, 0, 0),
    rtcp.ReceiverReport(2, (BLOCK, BLOCK)),
    rtcp.ReceiverReport(2),
    rtcp.SourceDescription(((3, "a@b"), (4, "four"), (5, ""))),
    rtcp.Goodbye((1, 2), "bye now"),
    rtcp.Goodbye((1,)),
    rtcp.GenericNack(1, 2, (65534, 65535, 0, 14, 15, 900)),
    rtcp.PictureLoss(1, 2),
    rtcp.FullIntraRequest(1, ((2, 255), (3, 0))),
    rtcp.ReceiverEstimate(1, 262_143, (2, 3)),
    rtcp.ReceiverEstimate(1, 1 << 40, ()),
    TransportFeedback(1, 2, 65534, 7, (64_000, None, None, 64_500, 61_000, 200_000)),
]


@pytest.mark.parametrize("packet", PACKETS)
def test_round_trip(packet) -> None:
    assert rtcp.parse_compound(packet.serialize()) == ([packet], 0)


def test_compound_round_trip() -> None:
    assert rtcp.parse_compound(rtcp.compound(*PACKETS)) == (PACKETS, 0)


@pytest.mark.parametrize("packet", PACKETS)
def test_truncation_at_every_length_is_counted(packet) -> None:
    data = packet.serialize()
    for size in range(1, len(data)):
        assert rtcp.parse_compound(data[:size]) == ([], 1)


@pytest.mark.parametrize("packet", PACKETS)
def test_shortened_body_with_a_matching_length_field_never_raises(packet) -> None:
    data = packet.serialize()
    for words in range(len(data) // 4 - 1):
        shorter = data[:2] + words.to_bytes(2, "big") + data[4 : 4 + 4 * words]
        packets, errors = rtcp.parse_compound(shorter + rtcp.PictureLoss(8, 9).serialize())
        assert packets[-1] == rtcp.PictureLoss(8, 9)
        assert len(packets) + errors <= 2


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60), st.integers(0, 31), st.sampled_from([200, 201, 202, 203, 204, 205, 206, 207]))
def test_any_body_is_safe(noise, count, packet_type) -> None:
    body = noise[: len(noise) // 4 * 4]
    for first in (0x80, 0xA0):
        head = bytes((first | count, packet_type)) + (len(body) // 4).to_bytes(2, "big")
        packets, errors = rtcp.parse_compound(head + body)
        assert len(packets) + errors <= 1


def test_a_flood_of_tiny_packets_is_bounded() -> None:
    packets, errors = rtcp.parse_compound(rtcp.ReceiverReport(1).serialize() * 1000)
    assert (len(packets), errors) == (rtcp.MAX_PACKETS, 1)


def test_a_nack_is_bounded() -> None:
    nack = rtcp.GenericNack(1, 2, tuple(range(5000))).serialize()
    assert len(rtcp.parse_compound(nack)[0][0].lost) == rtcp.MAX_LOST


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 65535), st.lists(st.integers(1, 30), max_size=40))
def test_nack_round_trip_over_the_wrap(start, steps) -> None:
    lost = [start]
    for step in steps:
        lost.append((lost[-1] + step) & 0xFFFF)
    nack = rtcp.GenericNack(1, 2, tuple(lost))
    assert rtcp.parse_compound(nack.serialize())[0] == [nack]


def test_aiortc_reads_ours() -> None:
    theirs = aiortc_rtp.RtcpPacket.parse(
        rtcp.compound(*PACKETS[:4], rtcp.SourceDescription(((3, "a@b"),)), *PACKETS[5:8])
    )
    assert theirs[0].sender_info.rtp_timestamp == 90_000
    assert theirs[0].reports[0].packets_lost == -3
    assert theirs[4].chunks[0].items == [(1, b"a@b")]
    assert theirs[5].sources == [1, 2]
    assert [number & 0xFFFF for number in theirs[7].lost] == [65534, 65535, 0, 14, 15, 900]
    assert aiortc_rtp.unpack_remb_fci(rtcp.ReceiverEstimate(1, 262_143, (2, 3)).serialize()[12:]) == (262_143, [2, 3])


def test_we_read_aiortcs() -> None:
    nack = aiortc_rtp.RtcpRtpfbPacket(fmt=1, ssrc=1, media_ssrc=2, lost=[10, 12, 40])
    pli = aiortc_rtp.RtcpPsfbPacket(fmt=1, ssrc=1, media_ssrc=2)
    remb = aiortc_rtp.RtcpPsfbPacket(fmt=15, ssrc=1, media_ssrc=0, fci=aiortc_rtp.pack_remb_fci(500_000, [9]))
    data = bytes(nack) + bytes(pli) + bytes(remb)
    packets, errors = rtcp.parse_compound(data)
    assert errors == 0
    assert packets[:2] == [rtcp.GenericNack(1, 2, (10, 12, 40)), rtcp.PictureLoss(1, 2)]
    assert (packets[2].bitrate_bps, packets[2].ssrcs) == (500_000, (9,))


def test_arrivals_become_feedback_after_100_ms() -> None:
    log = ArrivalLog()
    for index, sequence in enumerate([65534, 65535, 2, 1]):
        log.receive(sequence, 1_000_000 + 250 * index)
    assert log.feedback(1, 2, 1_050_000) == []
    (message,) = log.feedback(1, 2, 1_100_000)
    assert message.base_sequence == 65534
    assert message.arrivals_us == (1_000_000, 1_000_250, None, 1_000_750, 1_000_500)
    parsed, _ = rtcp.parse_compound(message.serialize())
    assert parsed == [message]
    log.receive(4, 2_000_000)
    (message,) = log.feedback(1, 2, 2_100_000)
    assert (message.base_sequence, message.count, message.arrivals_us) == (3, 1, (None, 2_000_000))
    assert log.next_timeout() is None


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=300), st.integers(0, 65535), st.integers(-9000, 200_000))
def test_any_loss_pattern_survives_the_wire(steps, start, spacing) -> None:
    log, sequence, now, sent = ArrivalLog(), start, 50_000_000, {}
    for step in steps:
        sequence = (sequence + step) & 0xFFFF
        now += abs(spacing) // len(steps)
        log.receive(sequence, now)
        sent[sequence] = now // 250 * 250
    told = {}
    for message in log.feedback(1, 2, now + 200_000):
        (parsed,), errors = rtcp.parse_compound(message.serialize())
        assert errors == 0
        for offset, arrival in enumerate(parsed.arrivals_us):
            if arrival is not None:
                told[(parsed.base_sequence + offset) & 0xFFFF] = arrival
    assert told == sent


def test_arrivals_are_bounded() -> None:
    log = ArrivalLog()
    for sequence in range(MAX_ARRIVALS + 10):
        log.receive(sequence & 0xFFFF, 0)
    assert log.dropped == 10
    assert len(log.feedback(1, 2, 200_000)) == 2
