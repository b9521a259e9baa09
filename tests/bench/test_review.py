"""The benchmarks of recordings, short: they measure what they say, and notice what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import review, sealing
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
    review._record(tmp_path)
    with review.served(tmp_path) as ours, review.served(tmp_path, is_plain=True) as plain:
        assert ours.size == plain.size > 4_000_000
        watched = review._watch(ours.port, 1)
        assert watched.trouble == ""
        assert len(watched.seeks_s) == 3
        assert review._read(ours, 0.2, 1)[0] >= 0
        monkeypatch.setattr(review, "_MEDIA_S", 50)
        assert "plays 40 s" in review._watch(plain.port, 1).trouble
