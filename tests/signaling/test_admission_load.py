"""The gate of a busy machine: less and less, then a refusal; by one rule for all protocols."""

from __future__ import annotations

import pytest

from mcu.capacity import Allowance
from signaling.admission import Gate, Refusal, Refused
from signaling.sip.calls.refusals import answer_to
from tests.signaling.test_admission import GUEST, WRONG, Bench, refusal


class Load:
    def __init__(self) -> None:
        self.given = Allowance.FULL
        self.asked: list[tuple[str, str]] = []

    def allowance(self, room: str, call: str) -> Allowance:
        self.asked.append((room, call))
        return self.given


class Busy(Bench):
    def __init__(self) -> None:
        super().__init__()
        self.load = Load()
        self.gate = Gate(self.rooms, self.running, self.verifier, None, self.clock, self.load)


@pytest.mark.parametrize("protocol", ["sip", "webrtc"])
async def test_less_and_less_then_nothing(protocol: str) -> None:
    bench = Busy()
    for bench.load.given in (Allowance.FULL, Allowance.SMALL, Allowance.SOUND):
        assert (await bench.admit(GUEST, protocol=protocol)).allowance is bench.load.given
    bench.load.given = Allowance.NONE
    assert await refusal(bench.admit(GUEST, protocol=protocol)) is Refusal.CAPACITY
    assert bench.gate.counters == {
        "admitted-guest": 3, "admitted-small-pictures": 1, "admitted-sound-only": 1, "refused-capacity": 1,
    }  # fmt: skip


async def test_strangers_learn_nothing_of_the_load() -> None:
    bench = Busy()
    bench.load.given = Allowance.NONE
    assert await refusal(bench.admit(WRONG)) is Refusal.PASSCODE_WRONG
    assert await refusal(bench.admit(GUEST, room="9999")) is Refusal.UNKNOWN_ROOM
    assert not bench.load.asked


async def test_who_waited_gets_what_is_left_then_and_never_more_than_agreed() -> None:
    bench = Busy()
    bench.load.given = Allowance.SMALL
    admission = await bench.admit(GUEST)
    bench.load.given = Allowance.FULL
    assert (await bench.gate.wait_for_host(admission)).allowance is Allowance.SMALL
    bench.load.given = Allowance.SOUND
    assert (await bench.gate.wait_for_host(admission)).allowance is Allowance.SOUND
    bench.load.given = Allowance.NONE
    with pytest.raises(Refused) as caught:
        await bench.gate.wait_for_host(admission)
    assert caught.value.reason is Refusal.CAPACITY
    assert bench.gate.counters["refused-capacity"] == 1


async def test_a_terminal_is_told_when_to_try_again() -> None:
    bench = Busy()
    bench.load.given = Allowance.NONE
    with pytest.raises(Refused) as caught:
        await bench.admit(GUEST)
    error = answer_to(caught.value)
    assert (error.status, error.headers) == (503, (("Retry-After", "30"),))
