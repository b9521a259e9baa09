"""The decoding threads: everybody has a turn, slow sources share one thread, the end is clean."""

from __future__ import annotations

import threading
import time

from mcu.video.pool import DecodePool
from mcu.worker.inflight import InFlight


class FakeSource:
    """Stands in for Source: `count` frames wait; each takes until `gate` opens."""

    def __init__(self, stream: int, count: int, is_slow: bool = False) -> None:
        self.stream, self.is_slow = stream, is_slow
        self.left = count
        self.done = 0
        self.gate = threading.Event()
        self.entered = threading.Event()
        self.concurrent = 0
        self.cost_us = 500.0

    def is_ready(self, now_us: int) -> bool:
        return self.left > 0

    def decode_next(self, now_us: int) -> None:
        self.concurrent += 1
        assert self.concurrent == 1, "one thread at a time"
        self.entered.set()
        if self.is_slow:
            self.gate.wait(5)
        self.left -= 1
        self.done += 1
        self.concurrent -= 1


def wait_for(condition: object) -> None:
    deadline = time.monotonic() + 5
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_two_stuck_sources_leave_a_thread_for_the_others() -> None:
    record = InFlight.create()
    pool = DecodePool(2, lambda: 0, record)
    stuck = [FakeSource(4, 10, is_slow=True), FakeSource(8, 10, is_slow=True)]
    for source in stuck:
        pool.submit([source])  # type: ignore[list-item]
    stuck[0].entered.wait(5)
    assert 4 in record._words.tolist()
    quick = FakeSource(12, 200)
    pool.submit([quick])  # type: ignore[list-item]
    wait_for(lambda: quick.done == 200)
    assert stuck[0].done == stuck[1].done == 0
    for source in stuck:
        source.gate.set()
    wait_for(lambda: all(source.done == 10 for source in stuck))
    pool.close()
    assert record.take() == ()
    record.close()


def test_a_source_that_raises_costs_only_its_frame() -> None:
    pool = DecodePool(1, lambda: 0)
    broken, fine = FakeSource(4, 1), FakeSource(8, 3)

    def fails(now_us: int) -> None:
        broken.left = 0
        raise RuntimeError("a fault of ours")

    broken.decode_next = fails  # type: ignore[method-assign]
    pool.submit([broken, fine])  # type: ignore[list-item]
    wait_for(lambda: fine.done == 3)
    pool.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("decode-")]


def test_without_threads_all_is_done_here() -> None:
    pool = DecodePool(0, lambda: 0)
    source = FakeSource(4, 5)
    pool.submit([source])  # type: ignore[list-item]
    pool.run(0)
    assert source.done == 5
    pool.close()


def test_a_source_that_nobody_knew_to_be_slow_holds_the_others_up_to_the_next_call_only() -> None:
    pool = DecodePool(2, lambda: 0)
    stuck, quick = FakeSource(4, 1), FakeSource(8, 5)
    stuck.decode_next = lambda now_us: stuck.gate.wait(5) and setattr(stuck, "left", 0)  # type: ignore[method-assign,assign]
    pool.submit([stuck, quick])  # type: ignore[list-item]
    pool.submit([quick])  # type: ignore[list-item]
    wait_for(lambda: quick.done == 5)
    stuck.gate.set()
    pool.close()
