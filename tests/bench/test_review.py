"""The benchmarks of recordings, short: they measure what they say, and notice what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import review, sealing
from bench.long_recording import Packets
from bench.plain_chunks import plain_chunks
from bench.suite import BENCHMARKS


def test_they_are_in_the_suite() -> None:
    assert {"review", "sealing"} <= set(BENCHMARKS)


def test_sealing_compares_the_same_packets() -> None:
    (result,) = sealing.run(0.2, 2)
    assert result.void == ""
    assert result.gated == "ratio"
    assert all(pair.ours > 0 and pair.baseline and pair.figures["index"] > 0 for pair in result.pairs)


def test_both_servers_serve_the_same_and_a_player_finds_its_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(review, "_MEDIA_S", 40)
    monkeypatch.setattr(review, "_SEEKS", 3)
    packets = Packets()
    review._record(tmp_path, packets)
    with plain_chunks():
        review._record(tmp_path / "chunks", packets)
    assert b"moov" in (tmp_path / "chunks" / "bench.dtr").read_bytes()
    assert b"moov" not in (tmp_path / "bench.dtr").read_bytes()
    with review.served(tmp_path) as ours, review.served(tmp_path / "chunks", "--chunks") as chunks:
        monkeypatch.setattr(review, "_DIFFERS_WITHIN", 4_000_000)
        assert review._difference(ours.port, chunks.port, 1) == ""
    with review.served(tmp_path) as ours, review.served(tmp_path, "--plain") as plain:
        assert ours.size == plain.size > 4_000_000
        watched = review._watch(ours.port, 1)
        assert watched.trouble == ""
        assert len(watched.seeks_s) == 3
        assert review._read(ours, 0.2, 1)[0] >= 0
        monkeypatch.setattr(review, "_MEDIA_S", 50)
        assert "plays 40 s" in review._watch(plain.port, 1).trouble
