from __future__ import annotations

import pytest

from bench import h323
from bench.h323_ends import GROUPS, ROOM, TERMINAL, End
from bench.suite import BENCHMARKS


def test_it_is_one_of_the_suite() -> None:
    assert "h323" in BENCHMARKS


@pytest.mark.parametrize("way", ["out", "in"])
def test_packets_are_measured_beside_the_bare_cipher(way: str) -> None:
    pair = h323._packet_pair(160, way, seconds=0.0)
    assert pair.ours > 0
    assert pair.ratio is not None
    assert pair.figures["running_context"] > 0


async def test_the_two_ends_call_each_other_with_all_media_encrypted() -> None:
    called, caller = End(ROOM, GROUPS["1024"], is_mcu=True), End(TERMINAL, GROUPS["1024"], is_mcu=False)
    for end in (called, caller):
        await end.signalling.start()
    try:
        for _ in range(2):
            assert await caller.call(called.signalling.addresses[0])
    finally:
        for end in (caller, called):
            await end.signalling.stop()
    assert called.counters["stood"] == 2
    assert not called.counters["not-stood"]


async def test_a_call_without_a_common_group_counts_as_failed() -> None:
    called, caller = End(ROOM, GROUPS["4096"], is_mcu=True), End(TERMINAL, GROUPS["1024"], is_mcu=False)
    for end in (called, caller):
        await end.signalling.start()
    try:
        with pytest.raises(TimeoutError):
            await caller.call(called.signalling.addresses[0], give_up_s=0.2)
    finally:
        for end in (caller, called):
            await end.signalling.stop()
