from __future__ import annotations

import struct
from pathlib import Path

import pytest

from bench import marks, packets, witness


def _loud(*, quiet: int, loud: int, again: int) -> list[tuple[float, float]]:
    levels = [-90.0] * quiet + [-20.0] * loud + [-90.0] * again + [-20.0]
    return [(index * 0.02, level) for index, level in enumerate(levels)]


@pytest.mark.parametrize(
    ("quiet", "again", "onsets"),
    [(20, 20, [0.4, 0.9]), (20, 3, [0.4]), (0, 20, [0.5])],
)
def test_sound_begins_after_quiet_only(quiet: int, again: int, onsets: list[float]) -> None:
    assert marks.loud(_loud(quiet=quiet, loud=5, again=again)) == pytest.approx(onsets)


def test_a_tile_has_to_be_dark_before_it_is_a_flash() -> None:
    pictures = [
        (0.00, [200.0, 30.0]),
        (0.04, [200.0, 100.0]),  # on its way, as a filter of the encoder may leave it
        (0.08, [200.0, 180.0]),
        (0.12, [200.0, 200.0]),
        (0.16, [40.0, 200.0]),
        (0.20, [160.0, 40.0]),
    ]
    assert marks.bright(pictures) == [0.08, 0.20]


def test_each_mark_is_paired_with_what_follows_it() -> None:
    delays, missed = marks.delays([1.0, 2.0, 3.0], [0.9, 1.05, 1.06, 2.9, 3.03])
    assert delays == pytest.approx([0.05, 0.03])
    assert missed == 1


def test_percentiles() -> None:
    values = [float(n) for n in range(1, 21)]
    assert marks.percentile(values, 0.5) == 11.0
    assert marks.percentile(values, 0.95) == 20.0
    assert marks.percentile([], 0.5) == 0.0


def _dump(path: Path, programme: Path, step: int) -> list[float]:
    """What a listener would have received had the programme been sent to it at real time; when each packet came."""
    data, at, times = programme.read_bytes()[8:], 0, []
    with path.open("wb") as file:
        for sequence in range(10_000):
            if at >= len(data):
                break
            timestamp, size, marker = struct.unpack_from("<IHB", data, at)
            head = struct.pack(">BBHII", 0x80, 96 | marker << 7, sequence, timestamp, 7)
            times.append(timestamp / step)
            file.write(struct.pack("<dI", times[-1], 12 + size) + head + data[at + 7 : at + 7 + size])
            at += 7 + size
    return times


def test_the_packet_of_the_burst_is_the_one_in_which_it_is_heard(tmp_path: Path) -> None:
    made = marks.sound(tmp_path / "sound", 0.7)
    times = _dump(tmp_path / "dump", made.path, packets.OPUS_CLOCK_HZ)
    heard = marks.loud(
        (at_s, float(abs(pcm).max() > 0.05) * 60 - 60) for at_s, pcm in witness.sounds(tmp_path / "dump")
    )
    assert heard == pytest.approx([times[made.packet]])
    assert times[made.packet] == pytest.approx(0.7, abs=0.021)


def test_the_packet_of_the_flash_is_the_first_of_the_bright_picture(tmp_path: Path) -> None:
    made = marks.picture(tmp_path / "picture", 0.6)
    times = _dump(tmp_path / "dump", made.path, packets.VIDEO_CLOCK_HZ)
    shown = marks.bright(
        (seen.first_s, [float(seen.frame.to_ndarray(format="gray").mean())])
        for seen in witness.pictures(tmp_path / "dump")
    )
    assert shown == pytest.approx([times[made.packet]])
    assert times[made.packet] == pytest.approx(0.6)
    assert times[made.packet - 1] < times[made.packet]
