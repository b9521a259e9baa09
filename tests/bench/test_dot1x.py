from __future__ import annotations

import shutil
from collections import deque
from pathlib import Path

import pytest

from auth8021x.eapserver.md5 import proof
from auth8021x.pae.actions import Ask, SendFrame
from auth8021x.pae.port import Port
from auth8021x.radius.request import Answered, Request
from auth8021x.wire import eap, eap_message
from auth8021x.wire.dictionary import Code
from auth8021x.wire.eap import Eap, Method
from auth8021x.wire.packet import Packet
from bench import dot1x
from bench.dot1x_load import Terminals, peers
from bench.dot1x_site import Load
from bench.suite import BENCHMARKS
from config.dot1x import PaeSettings
from crypto.secret import Secret
from tests.auth8021x.pae.world import NAS, reply
from tests.auth8021x.radius.fakes import Dice

PASSWORD = "of the load"
CHALLENGE = bytes(range(16))


def server(request: Request) -> Packet:
    """Knows EAP-MD5 and one password."""
    packet = eap_message.join(request.attributes)
    assert packet is not None
    if packet.type == Method.IDENTITY:
        following = (packet.identifier + 1) % 256
        return reply(Code.ACCESS_CHALLENGE, Eap(1, following, Method.MD5_CHALLENGE, b"\x10" + CHALLENGE))
    if packet.data == b"\x10" + proof(packet.identifier, Secret(PASSWORD), CHALLENGE):
        return reply(Code.ACCESS_ACCEPT, eap.success(packet.identifier))
    return reply(Code.ACCESS_REJECT, eap.failure(packet.identifier))


class Line:
    """Terminals and a port of ours, and a clock that runs on with each frame."""

    def __init__(self, count: int, ends_at: float, password: str = PASSWORD) -> None:
        self.now = 0.0
        self.terminals = Terminals(peers("md5", password, Path("nowhere")), count, ends_at)
        settings = PaeSettings(start_interval_s=0, max_supplicants_per_port=count)
        self.port = Port(NAS, settings, Dice())
        self.port.carrier(True, 0)
        self._sent = deque(self.terminals.begin(self.now))

    def run(self) -> None:
        while self._sent:
            self.now += 0.001
            self.port.receive(self._sent.popleft(), self.now)
            self._act()

    def _act(self) -> None:
        while actions := self.port.actions():
            for action in actions:
                if isinstance(action, Ask):
                    self.port.answered(
                        action.ticket, Answered(action.ticket, "r0", server(action.request), 0), self.now
                    )
                elif isinstance(action, SendFrame) and (heard := self.terminals.receive(action.frame, self.now)):
                    self._sent.append(heard)


def test_it_is_one_of_the_suite() -> None:
    assert "dot1x" in BENCHMARKS


def test_terminals_come_in_again_and_again_until_the_end() -> None:
    line = Line(8, ends_at=0.2)
    line.run()
    counters = line.terminals.counters
    assert counters["succeeded"] == sum(each.authenticator.renewals for each in line.port.terminals.values())
    assert counters["succeeded"] > 3 * 8
    assert not counters["failed"] + counters["stalled"]
    assert line.terminals.is_over


def test_who_is_refused_counts_as_failed() -> None:
    line = Line(2, ends_at=0, password="guessed")
    line.run()
    assert dict(line.terminals.counters) == {"failed": 2}


def test_who_hears_nothing_says_start_again() -> None:
    terminals = Terminals(peers("md5", PASSWORD, Path("nowhere")), 3, ends_at=10)
    first = terminals.begin(0)
    assert list(terminals.overdue(1.9)) == []
    assert list(terminals.overdue(2.0)) == first
    assert terminals.counters["stalled"] == 3
    assert not terminals.is_over


@pytest.mark.parametrize(
    ("load", "trouble"),
    [
        (Load(6400, 0, 64, 10), ""),
        (Load(6400, 0, 65, 10), "65 stalled"),
        (Load(6400, 1, 0, 10), "6400 succeeded, 1 failed"),
        (Load(23, 0, 0, 10), "23 succeeded, 0 failed"),
    ],
)
def test_what_fails_or_stalls_makes_it_void(load: Load, trouble: str) -> None:
    assert dot1x.Measured(1.0, load).trouble == trouble


def test_the_cost_is_for_one_authentication() -> None:
    assert dot1x.Measured(2.0, Load(4000, 0, 0, 10)).cost_ms == 0.5


def test_without_the_others_it_is_void(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None if name == "hostapd" else name)
    results = list(dot1x.run(1, 1))
    assert [(result.gate, result.void) for result in results[:2]] == [
        (1.5, "missing: hostapd"),
        (1.8, "missing: hostapd"),
    ]
    assert {result.gate for result in results[2:]} == {1.2}
