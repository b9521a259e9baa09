"""What late processes mean for newcomers, on a virtual clock, and the correction of the estimate."""

from __future__ import annotations

import pytest

from mcu.capacity import Allowance
from mcu.strain import Correction, Strain, sign_of


@pytest.mark.parametrize(
    ("process", "gauges", "given"),
    [
        ("video", {}, Allowance.FULL),
        ("video", {"frame_rate": 25.0, "tick_lateness_p99_ms": 12.0}, Allowance.FULL),
        ("video", {"tick_lateness_p99_ms": 55.0}, Allowance.SMALL),
        ("video", {"frame_rate": 12.5, "tick_lateness_p99_ms": 12.0}, Allowance.SOUND),
        ("audio", {"tick_lateness_p99_ms": 35.0}, Allowance.FULL),
        ("audio", {"tick_lateness_p99_ms": 45.0}, Allowance.NONE),
        ("net", {"loop_lag_p99_ms": 50.0}, Allowance.FULL),
        ("net", {"loop_lag_p99_ms": 65.0}, Allowance.NONE),
    ],
)
def test_signs(process: str, gauges: dict[str, float], given: Allowance) -> None:
    assert sign_of(process, gauges) is given


def test_a_slower_rate_of_the_settings_is_no_sign() -> None:
    assert sign_of("video", {"frame_rate": 15.0}, pictures_per_s=15) is Allowance.FULL
    assert sign_of("video", {"frame_rate": 7.5}, pictures_per_s=15) is Allowance.SOUND


def test_a_moment_does_not_count_and_calm_has_to_last() -> None:
    strain, slow, well = Strain(), {"frame_rate": 12.5}, {"frame_rate": 25.0}
    strain.take("video/1", slow, 0.0)
    strain.take("video/1", slow, 2.0)
    assert strain.cap(2.0) is Allowance.FULL
    strain.take("video/1", well, 2.5)
    strain.take("video/1", slow, 3.0)
    strain.take("video/1", slow, 5.0)
    assert strain.cap(5.0) is Allowance.FULL, "it had recovered in between"
    strain.take("video/1", slow, 6.0)
    assert strain.cap(6.0) is Allowance.SOUND
    strain.take("video/1", well, 7.0)
    assert strain.cap(15.9) is Allowance.SOUND
    assert strain.cap(16.0) is Allowance.FULL


def test_the_worst_of_all_processes_counts() -> None:
    strain = Strain()
    for now in (0.0, 3.0):
        strain.take("video/1", {"frame_rate": 12.5}, now)
        strain.take("video/2", {"frame_rate": 25.0}, now)
        strain.take("audio/2", {"tick_lateness_p99_ms": 50.0}, now)
    assert strain.cap(3.0) is Allowance.NONE


def test_the_estimate_follows_what_is_used_slowly_and_within_bounds() -> None:
    correction = Correction()
    correction.take(0.1, 5.0)
    assert correction.factor == 1.0, "what idles says nothing"
    correction.take(1.0, 1.5)
    assert 1.0 < correction.factor < 1.1
    for _ in range(100):
        correction.take(1.0, 1.5)
    assert correction.factor == pytest.approx(1.5, abs=0.01)
    for _ in range(200):
        correction.take(1.0, 50.0)
    assert correction.factor == pytest.approx(Correction.MOST, abs=0.01)
