"""What the soak makes of the terminal at its wall socket."""

from __future__ import annotations

import pytest

from bench.growth import Held
from bench.soak import _Moment, _Port, _Soak, markdown, problems

HELD = {"control": Held(100_000, 40, 20, 7)}


def soak(port: _Port | None, without_port: str = "") -> _Soak:
    moments = [_Moment(float(at_s), HELD, at_s * 25.0, 25.0, 5.0) for at_s in range(0, 120, 10)]
    return _Soak(120.0, moments, port=port, without_port=without_port)


@pytest.mark.parametrize(
    ("port", "trouble"),
    [
        (_Port(logins=60, orders=59, done=59, is_in=True), []),
        (_Port(logins=60, orders=59, done=57, is_in=True), ["802.1X: 2 of 59 orders were not carried out"]),
        (_Port(logins=30, orders=59, done=59, is_in=True), ["802.1X: 30 logins, in at the end"]),
        (_Port(logins=60, orders=59, done=59, is_in=False), ["802.1X: 60 logins, out at the end"]),
        (None, []),
    ],
)
def test_what_is_wrong_at_the_port(port: _Port | None, trouble: list[str]):
    assert problems(soak(port)) == trouble


def test_what_the_report_says_of_it():
    assert "802.1X: left out, it takes root" in markdown(soak(None, "it takes root"), [])
    text = markdown(soak(_Port(60, 59, 59, is_in=True)), [])
    assert "802.1X: 60 logins by PEAP at a port of ours, 59 of 59 orders were carried out" in text
