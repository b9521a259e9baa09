"""Shared pieces, own numbers: continuity, repeats, bounds."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcu.media import Codec
from mcu.rtp import history
from mcu.rtp.cutting import cut
from mcu.rtp.frames import unwrap_rtx
from mcu.rtp.history import PieceRing, Repeater, RtxStream, SentPackets, SequenceMap
from mcu.rtp.pieces import Piece, equal_runs
from tests.mcu.rtp.media_samples import encoded


def ring_of(count=10, keyframe_at=(0,), size=3000, ring=None, start=0):
    ring = ring or PieceRing(Codec.VP8)
    for index in range(start, start + count):
        ring.add(bytes([index % 256]) * size, index * 3600, index * 40_000, index in keyframe_at)
    return ring


def test_audio_is_one_piece_without_a_marker() -> None:
    assert cut(Codec.OPUS, b"frame") == [Piece(b"frame", False)]


def test_ring_keeps_what_followed_the_last_keyframe() -> None:
    ring = ring_of(10, (0, 6))
    assert [frame.number for frame in ring.since_keyframe()] == [6, 7, 8, 9]
    assert [frame.number for frame in ring.after(8)] == [8, 9]
    assert [frame.number for frame in ring.after(3)] == [6, 7, 8, 9]
    assert ring.after(10) == []
    assert [len(piece.payload) for piece in ring.since_keyframe()[0].pieces] == [1200, 1200, 612]


def test_ring_is_bounded_in_frames_and_bytes() -> None:
    assert ring_of(history.MAX_FRAMES + 1).since_keyframe() == []
    assert ring_of(20, size=history.MAX_RING_BYTES // 10).since_keyframe() == []
    ring = ring_of(20, (0, 19), size=history.MAX_RING_BYTES // 10)
    assert [frame.number for frame in ring.since_keyframe()] == [19]


def test_numbers_go_on_through_a_change_of_rendition() -> None:
    one, other = ring_of(5), ring_of(10, size=5000)
    leg = SequenceMap(7, 90_000, 90_000, 100, 0xFFFF_FF00)
    first = [leg.send(frame) for frame in one.since_keyframe()]
    then = [leg.send(frame) for frame in other.since_keyframe()[5:]]
    assert [sequence for sequence, _ in first] == [100, 103, 106, 109, 112]
    assert [sequence for sequence, _ in then] == [115, 120, 125, 130, 135]
    stamps = [timestamp for _, timestamp in first + then]
    assert {(b - a) & 0xFFFFFFFF for a, b in pairwise(stamps)} == {3600}
    assert stamps[0] == 0xFFFF_FF00


def test_a_replay_of_older_frames_never_goes_back_in_time() -> None:
    ring = ring_of(10)
    leg = SequenceMap(7, 90_000, 90_000, 0, 0)
    leg.send(ring.since_keyframe()[8])
    stamps = [leg.send(frame)[1] for frame in ring.since_keyframe()]
    assert stamps == [*range(90, 900, 90), 3600]
    assert leg.place(8 * 3600 + 3600 * 5, 1)[1] == 5 * 3600


def test_audio_is_scaled_to_its_codec_and_a_tick_goes_out_once() -> None:
    leg = SequenceMap(7, 8000, 48_000, 5, 1000, step=0)
    assert [leg.place((0xFFFF_FC40 + 960 * n) & 0xFFFFFFFF, 1) for n in range(3)] == [(5, 1000), (6, 1160), (7, 1320)]
    assert leg.place((0xFFFF_FC40 + 960 * 2) & 0xFFFFFFFF, 1) is None
    assert leg.place((0xFFFF_FC40 + 960 * 5) & 0xFFFFFFFF, 1) == (8, 1800)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(-20_000, 100_000), st.integers(1, 50)), max_size=60))
def test_timestamps_only_grow_and_numbers_have_no_gap(steps) -> None:
    leg = SequenceMap(7, 90_000, 90_000, 32_000, 5)
    media, expected, last = 0xFFFF_0000, 32_000, None
    for step, packets in steps:
        media = (media + step) & 0xFFFFFFFF
        sequence, timestamp = leg.place(media, packets)
        assert sequence == expected & 0xFFFF
        expected += packets
        if last is not None:
            assert 0 < (timestamp - last) & 0xFFFFFFFF < 1 << 31
        last = timestamp


def test_a_nack_finds_piece_and_timestamp() -> None:
    ring = PieceRing(Codec.H264)
    leg = SequenceMap(7, 90_000, 90_000, 32_767, 10)
    sent = {}
    for index, frame in enumerate(encoded("libx264")):
        entry = ring.add(frame, index * 3600, 0, index % 20 == 0)
        sequence, timestamp = leg.send(entry)
        for offset, piece in enumerate(entry.pieces):
            sent[(sequence + offset) & 0xFFFF] = (piece, timestamp)
    for sequence, (piece, timestamp) in sent.items():
        found = leg.find(sequence)
        assert found.piece is piece
        assert (found.sequence, found.rtp_timestamp) == (sequence, timestamp)
    assert leg.find(32_766) is None
    assert leg.find(leg.next_sequence) is None


def test_what_is_kept_for_repeats_is_bounded() -> None:
    leg = SequenceMap(7, 90_000, 90_000, 0, 0)
    ring = ring_of(1)
    for index in range(2000):
        leg.send(ring.add(bytes(3000), index * 3600, 0, True))
    assert sum(len(frame.pieces) for _, frame, _ in leg._sent) <= history.MAX_SENT_PACKETS
    assert leg.find(leg.next_sequence - 1) is not None
    assert leg.find(leg.next_sequence - history.MAX_SENT_PACKETS - 3) is None


@pytest.mark.parametrize("first", [-1, 1 << 15])
def test_first_numbers_are_below_half(first) -> None:
    with pytest.raises(ValueError, match="2\\^15"):
        SequenceMap(7, 90_000, 90_000, first, 0)
    with pytest.raises(ValueError, match="2\\^15"):
        RtxStream(8, 97, first)


def test_stored_ciphertext_is_bounded() -> None:
    store = SentPackets(max_packets=3, max_bytes=100)
    for sequence in (65534, 65535, 0, 1):
        store.store(sequence, bytes([sequence % 256]) * 20)
    assert [store.get(sequence) is not None for sequence in (65534, 65535, 0, 1)] == [False, True, True, True]
    store.store(1, bytes(90))
    assert store.get(0) is None
    assert store.get(1) == bytes(90)
    assert store._bytes == 90


def test_a_storm_of_nacks_is_answered_in_bounds() -> None:
    repeater = Repeater()
    repeater.round_trip_us = 50_000
    assert repeater.select([1, 2, 3], 0) == [1, 2, 3]
    assert repeater.select([1, 2, 3], 49_000) == []
    assert repeater.select([3, 4], 51_000) == [3, 4]
    total = sum(len(repeater.select(range(1000), now)) for now in range(100_000, 1_100_000, 1000))
    assert total <= history._REPEAT_BURST + history._REPEATS_PER_S
    assert repeater.refused > 900_000
    assert len(repeater._last) <= history.MAX_SENT_PACKETS


def test_rtx_round_trip_with_its_own_numbers() -> None:
    rtx = RtxStream(8, 97, 32_767)
    numbers = [rtx.wrap(5, b"media")[0] for _ in range(3)]
    assert numbers == [32_767, 32_768, 32_769]
    assert unwrap_rtx(rtx.wrap(65_535, b"media")[1]) == (65_535, b"media")


@pytest.mark.parametrize(("sizes", "runs"), [
    ([], []),
    ([1200, 1200, 300], [(0, 3)]),
    ([30, 1200, 1200, 300], [(0, 1), (1, 4)]),
    ([300, 1200, 300, 300, 200, 200], [(0, 1), (1, 3), (3, 5), (5, 6)]),
    ([1200] * 60, [(0, 54), (54, 60)]),
    ([10] * 65, [(0, 64), (64, 65)]),
])  # fmt: skip
def test_runs_for_one_send(sizes, runs) -> None:
    assert equal_runs(sizes) == runs
