"""What was measured is kept for the next start, and only for the machine, versions and settings that it holds for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from config.capacity import CapacitySettings
from config.media import VideoSettings
from config.server import ServerSettings
from config.settings import Settings
from drumtower import measurement
from drumtower.capacity import CapacityOffice
from drumtower.checks.capacity import check_capacity
from drumtower.checks.finding import Level
from mcu import self_test
from mcu.capacity import HD
from mcu.rendition import LADDER
from tests.mcu.test_capacity import COSTS


@dataclass
class NoRooms:
    workers = ()

    def demands(self) -> dict[str, object]:
        return {}


def settings_of(folder: Path, **capacity: object) -> Settings:
    return Settings(server=ServerSettings(data=str(folder)), capacity=CapacitySettings(**capacity))  # type: ignore[arg-type]


def test_it_is_kept_for_this_machine_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_of(tmp_path)
    assert measurement.kept(settings) is None
    measurement.keep(settings, COSTS)
    assert measurement.kept(settings) == COSTS
    assert [path.name for path in tmp_path.iterdir()] == [measurement.FILE]
    other = msgspec.structs.replace(settings, video=VideoSettings(x264_preset="veryfast"))
    assert measurement.kept(other) is None
    monkeypatch.setattr(measurement, "cores", lambda: 64.0)
    assert measurement.kept(settings) is None


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff" * 100, b'{"machine": 1, "costs": []}'])
def test_a_file_that_is_no_use_is_measured_again(tmp_path: Path, content: bytes) -> None:
    (tmp_path / measurement.FILE).write_bytes(content)
    assert measurement.kept(settings_of(tmp_path)) is None


def test_the_number_of_the_settings_counts_more(tmp_path: Path) -> None:
    measured = measurement.capacity_of(settings_of(tmp_path), COSTS)
    by_hand = measurement.capacity_of(settings_of(tmp_path, participants=123), COSTS)
    assert by_hand.about(HD) == 123 != measured.about(HD)


def test_the_doctor_says_how_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_of(tmp_path)
    measurement.keep(settings, COSTS)
    findings = list(check_capacity(settings))
    people = measurement.capacity_of(settings, COSTS).about(HD)
    assert f"about {people} participants at 720p" in findings[0].text
    assert f"{people} 路 720p" in findings[0].text
    assert "decode 2.00/0.50/0.20" in findings[1].text

    def fail(_settings: Settings) -> None:
        raise measurement.NotMeasured("no codec")

    monkeypatch.setattr(measurement, "measure", fail)
    (finding,) = check_capacity(settings_of(tmp_path / "elsewhere"))
    assert (finding.level, "no codec" in finding.text) == (Level.WARN, True)


async def test_a_start_after_the_first_measures_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def count(_settings: Settings) -> object:
        tries.append(1)
        return COSTS

    tries: list[int] = []
    monkeypatch.setattr(measurement, "measure_beside", count)
    for _ in range(2):
        office = CapacityOffice(settings_of(tmp_path), NoRooms(), NoRooms())  # type: ignore[arg-type]
        assert office.status() == {
            "is_measured": False, "newcomers_get": "full", "full_frame_rate": 25, "frame_rates": [],
        }  # fmt: skip
        await office._find_out()
        assert office.status()["participants_720p"] == office.load.capacity.about(HD)  # type: ignore[union-attr]
        await office.stop()
    assert len(tries) == 1


async def test_switched_off_nobody_asks(tmp_path: Path) -> None:
    office = CapacityOffice(settings_of(tmp_path, enabled=False), NoRooms(), NoRooms())  # type: ignore[arg-type]
    office.start()
    assert (office.gate_load, office.status(), office._tasks) == (None, {}, [])


def test_the_self_test_measures_what_grows_with_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(self_test, "_RUNGS", LADDER[1:3])
    monkeypatch.setattr(self_test, "_PICTURES", 8)
    costs = self_test.measure()
    for curve in (*costs.decode.values(), *costs.encode.values()):
        by_size = [seconds for _, seconds in sorted(curve)]
        assert 0 < by_size[0] < by_size[-1] < 1
    assert 0 < costs.sound_decode < costs.sound_encode < 0.02
    assert 0 < costs.packet < 0.001
