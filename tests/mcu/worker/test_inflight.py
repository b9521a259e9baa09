"""The record of sources in decoders, across a fork and a crash."""

from __future__ import annotations

import os
import signal

import pytest

from mcu.worker.inflight import MAX_THREADS, InFlight


def test_take_gives_what_was_entered_and_not_left() -> None:
    record = InFlight.create()
    record.enter(0, 5)
    record.enter(1, 9)
    record.enter(2, 9)
    record.enter(3, 13)
    record.leave(3)
    assert record.take() == (5, 9)
    assert record.take() == ()
    record.close()


def test_it_outlives_the_process_that_wrote_it() -> None:
    record = InFlight.create()
    child = os.fork()
    if child == 0:
        InFlight.attach(os.dup(record.fileno())).enter(MAX_THREADS - 1, 1 << 40)
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    assert record.take() == (1 << 40,)
    record.close()


def test_a_wrong_descriptor_is_an_error() -> None:
    with pytest.raises((OSError, ValueError)):
        InFlight.attach(1 << 20)
