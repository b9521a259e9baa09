"""The audit of our own ports: who was refused, where and why; and what a stranger cannot make of it."""

from __future__ import annotations

import logging

import pytest

from auth8021x.ports import audit
from auth8021x.ports.audit import LINES_PER_MINUTE, REPEAT_S, PortAudit

MAC = bytes.fromhex("020000aa0001")


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def port(clock: Clock, caplog: pytest.LogCaptureFixture) -> PortAudit:
    caplog.set_level(logging.INFO, "audit.dot1x")
    return PortAudit("ward", "enp3s0", clock)


def stranger(number: int) -> bytes:
    return b"\x02\0" + number.to_bytes(4, "big")


def test_a_line_has_who_where_and_why(port: PortAudit, caplog: pytest.LogCaptureFixture) -> None:
    port.refused(MAC, "vt\n1", "rejected")
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("audit.dot1x", logging.WARNING)
    assert record.getMessage() == "site=ward port=enp3s0 mac=02:00:00:aa:00:01 identity='vt?1' refused: rejected"


def test_who_asks_again_and_again_has_a_line_now_and_then(
    port: PortAudit, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    for minute in range(11):
        clock.now = 60.0 * minute
        port.refused(MAC, "vt1", "rejected")
    assert [line.endswith("(9 times more since)") for line in caplog.messages] == [False, True]
    port.refused(MAC, "vt2", "rejected")
    port.refused(MAC, "vt2", "no-server")
    assert len(caplog.records) == 4, "another name and another reason are news"
    clock.now += REPEAT_S
    port.refused(MAC, "vt2", "no-server")
    assert caplog.messages[-1].endswith("refused: no-server")


def test_a_stranger_with_many_addresses_fills_neither_the_audit_nor_memory(
    port: PortAudit, clock: Clock, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "MAX_REMEMBERED", 50)
    other = PortAudit("ward", "enp4s0", clock)
    for number in range(1000):
        port.refused(stranger(number), "", "no-server")
    assert len(caplog.records) == LINES_PER_MINUTE
    assert port.suppressed == 1000 - LINES_PER_MINUTE
    other.refused(MAC, "vt1", "rejected")
    assert "port=enp4s0" in caplog.messages[-1], "the next port has lines of its own"
    clock.now = 61.0
    port.refused(stranger(1), "", "no-server")
    assert caplog.messages[-2] == "940 further refusals at port enp3s0 in the last 61 s"
    assert caplog.messages[-1].endswith("refused: no-server"), (
        "it was forgotten, and no more than others are remembered"
    )
