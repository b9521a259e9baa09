from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench import load, media, packets, witness


def _voices(*numbers: int) -> Any:
    time = np.arange(48_000 * 3) / 48_000
    noise = np.random.default_rng(1).normal(0, 0.002, len(time))
    spoken = sum(
        np.sin(2 * np.pi * media.pitch_hz(n) * k * time)
        / k
        * 0.1
        * np.clip(np.sin(2 * np.pi * (2.5 + 0.2 * n) * time), 0.05, 1)
        for n in numbers
        for k in range(1, 12)
    )
    return (spoken + noise).astype(np.float32)


@pytest.mark.parametrize("heard", [(0, 1, 2, 3), (0, 1, 3), (2,), (1, 3)])
def test_each_voice_is_told_from_the_others(heard: tuple[int, ...]) -> None:
    sound = _voices(*heard)
    assert tuple(n for n in range(4) if witness.is_heard(sound, n, range(4))) == heard


_GRIDS = {2: (2, 2), 4: (2, 2), 9: (3, 3), 18: (5, 5), 36: (6, 6)}
"""So many people, and how many tiles of the shape of the picture lie side by side and would lie one above the other."""


@pytest.mark.parametrize("count", _GRIDS)
def test_tiles_are_known_by_their_colours(count: int) -> None:
    columns, rows = _GRIDS[count]
    height, width = 720 // rows, 1280 // columns
    filled = -(-count // columns)
    above = (720 - filled * height) // 2
    order = list(np.random.default_rng(2).permutation(count))
    picture = np.zeros((720, 1280, 3), np.uint8)
    for tile, number in enumerate(order):
        in_row = min(columns, count - tile // columns * columns)
        top, left = above + tile // columns * height, (1280 - in_row * width) // 2 + tile % columns * width
        picture[top : top + height, left : left + width] = media.colour(number)
    assert list(witness.tiles(picture, count)) == order
    left = (1280 - min(columns, count) * width) // 2
    picture[above : above + height, left : left + width] = media.colour(order[1])
    assert len(set(witness.tiles(picture, count))) == count - 1


def test_a_programme_holds_what_was_written_and_a_dump_what_came(tmp_path: Path) -> None:
    sent = [packets.Payload(0, False, b"one"), packets.Payload(960, True, b"two")]
    data = packets.write(tmp_path / "p", sent, 1920).read_bytes()
    assert data[:8] == (2).to_bytes(4, "little") + (1920).to_bytes(4, "little")
    assert data[8:] == b"\0\0\0\0\x03\0\0one" + b"\xc0\x03\0\0\x03\0\x01two"
    dump = tmp_path / "d"
    rtp = bytes.fromhex("80e0000a000003c000000007") + b"x"
    dump.write_bytes(b"\0" * 8 + len(rtp).to_bytes(4, "little") + rtp)
    (came,) = packets.received(dump)
    assert (came.packet.sequence, came.packet.timestamp, came.packet.marker) == (10, 960, True)
    assert packets.rendition([came], 25) == ([packets.Payload(0, True, b"x")], 3600)


def _counted(**changes: float) -> dict[str, Any]:
    streams = [
        {"id": 0, "received": 250, "frames": 0, "lost": 0, "bad": 0},
        {"id": 1, "received": 700, "frames": 125, "lost": 0, "bad": 0} | changes,
    ]
    return {"seconds": 5.0, "late_ms": 1.0, "streams": streams}


@pytest.mark.parametrize(
    ("changes", "word"),
    [({}, ""), ({"frames": 120}, "24.0 frames/s"), ({"lost": 1}, "lost 1"), ({"bad": 2}, "2 were bad")],
)
def test_who_falls_behind_makes_the_run_void(changes: dict[str, float], word: str) -> None:
    assert word in load.trouble(_counted(**changes))
    assert bool(load.trouble(_counted(**changes))) == bool(word)


def test_a_late_load_generator_makes_the_run_void() -> None:
    assert load.trouble(_counted() | {"late_ms": 200.0})
