"""Orders on their way, each on a socket of its own: in which words, how often, and what is left behind."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import pytest

from auth8021x.directory.events import EndCause, Ended
from auth8021x.switches.courier import SwitchCourier
from auth8021x.switches.orders import Settled
from config.dot1x import Dot1xSettings, RadiusTimers
from config.dot1x_sites import SiteSettings
from tests.auth8021x.switches.handmade_switch import (
    ACK,
    DISCONNECT,
    EVENT_TIMESTAMP,
    MESSAGE_AUTHENTICATOR,
    NAK,
    SECRET,
    UNSUPPORTED_ATTRIBUTE,
    HandmadeSwitch,
)
from tests.auth8021x.switches.sessions import NOW, session, switch

OVER = Ended(session(source="127.0.0.1"), EndCause.ORDERED)


class Ending:
    """Waits until orders are settled."""

    def __init__(self) -> None:
        self.results: list[str] = []
        self.settled = asyncio.Event()

    def __call__(self, settled: Settled) -> None:
        self.results.append(settled.result.value)
        self.settled.set()


@contextmanager
def courier(port: int, ending: Ending, **timers: float) -> Iterator[SwitchCourier]:
    settings = Dot1xSettings(
        sites=(SiteSettings("north", ("10.0.0.0/8",)),),
        switches=(switch(port=port, networks=["127.0.0.1"]),),
        timers=RadiusTimers(**timers),  # type: ignore[arg-type]
    )
    made = SwitchCourier(settings, {"ward": SECRET}, ending, lambda: NOW)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
async def there() -> AsyncIterator[HandmadeSwitch]:
    before = len(os.listdir("/proc/self/fd"))
    made = HandmadeSwitch()
    yield made
    made.close()
    await asyncio.sleep(0)
    assert len(os.listdir("/proc/self/fd")) == before
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_switch_is_told_in_its_words_and_then_in_fewer(
    there: HandmadeSwitch, caplog: pytest.LogCaptureFixture
):  # fmt: skip
    caplog.set_level("INFO", "audit.dot1x")
    there.answers, ending = [(NAK, UNSUPPORTED_ATTRIBUTE), (ACK, b"")], Ending()
    with courier(there.port, ending) as made:
        made.happened(OVER)
        async with asyncio.timeout(5):
            await ending.settled.wait()
    (code, first), (_, second) = there.asked
    assert code == DISCONNECT
    assert (first[1], first[31], first[44]) == (b"vt1", b"2cfd.a140.5663", b"0000002A")
    assert (first[5], first[4]) == ((50_101).to_bytes(4, "big"), socket.inet_aton("10.0.0.2"))
    assert first[EVENT_TIMESTAMP] == int(NOW).to_bytes(4, "big")
    assert second.keys() == {31, 44, EVENT_TIMESTAMP, MESSAGE_AUTHENTICATOR}
    assert ending.results == ["done"]
    assert "identity='vt1' disconnect at switch ward (127.0.0.1): done" in caplog.text


async def test_a_switch_that_is_silent_is_told_again(there: HandmadeSwitch, caplog: pytest.LogCaptureFixture):
    ending = Ending()
    with courier(there.port, ending, retransmit_s=0.02, max_tries=3) as made:
        made.happened(OVER)
        async with asyncio.timeout(5):
            await ending.settled.wait()
        assert made.core.next_timeout() is not None, "and later once more"
    assert len(there.asked) == 3
    assert ending.results == ["no-answer"]
    assert "no-answer" in caplog.text


async def test_closing_leaves_nothing_behind(there: HandmadeSwitch):
    ending = Ending()
    with courier(there.port, ending) as made:
        made.happened(OVER)
        async with asyncio.timeout(5):
            await there.came.wait()
    assert ending.results == []


async def test_an_order_that_cannot_be_carried_out_takes_no_place_of_others(
    there: HandmadeSwitch, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def broken(*_words: object) -> None:
        raise RuntimeError("words that are none")

    ending = Ending()
    with courier(there.port, ending) as made:
        monkeypatch.setattr(made, "_client", broken)
        made.happened(OVER)
        await asyncio.wait_for(ending.settled.wait(), 10)
        assert (ending.results, made.core.next_timeout() is not None) == (["no-answer"], True), "it is tried again"
    assert "words that are none" in caplog.text
