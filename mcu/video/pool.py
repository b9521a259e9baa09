"""The threads that decode: one frame of each source in turn, slow sources on one thread only."""

from __future__ import annotations

import logging
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable

from mcu.video.source import Source
from mcu.worker.inflight import InFlight

logger = logging.getLogger(__name__)
_NICENESS = 5
"""Two more than the thread that ticks."""
_THREAD_US = 8_000
"""A thread more is woken for so much work."""


class DecodePool:
    """Decodes what is ready. Without threads run() does the same on the calling thread."""

    def __init__(self, threads: int, clock_us: Callable[[], int], in_flight: InFlight | None = None) -> None:
        self._clock_us = clock_us
        self._in_flight = in_flight
        self._condition = threading.Condition()
        self._ready: deque[Source] = deque()
        self._running: set[int] = set()
        self._slow_running = 0
        self._max_slow = max(1, threads - 1)
        self._is_closed = False
        self._threads = [
            threading.Thread(target=self._work, args=(number,), name=f"decode-{number}", daemon=True)
            for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, sources: Iterable[Source]) -> None:
        """These have something to decode; a source that already has its turn coming is not added twice."""
        with self._condition:
            is_behind = bool(self._ready)
            self._ready.extend([source for source in sources if source not in self._ready])
            if self._ready:
                self._condition.notify(self._idle_wanted(is_behind))

    def run(self, now_us: int) -> None:
        """Decode everything that is ready, here and now."""
        while self._ready:
            source = self._ready.popleft()
            self._decode(0, source, now_us)
            if source.is_ready(now_us):
                self._ready.append(source)

    def close(self) -> None:
        """End the threads after the frames that they are at."""
        with self._condition:
            self._is_closed = True
            self._condition.notify_all()
        for thread in self._threads:
            thread.join()

    def _work(self, number: int) -> None:
        _step_back()
        while True:
            with self._condition:
                while (source := self._pick()) is None and not self._is_closed:
                    self._condition.wait()
                if source is None:
                    return
                is_slow = source.is_slow
                self._slow_running += is_slow
                self._running.add(source.stream)
            try:
                self._decode(number, source, self._clock_us())
            except Exception:
                logger.exception("stream=%d decoding failed", source.stream)
            with self._condition:
                self._slow_running -= is_slow
                self._running.discard(source.stream)
                if source.is_ready(self._clock_us()) and source not in self._ready:
                    self._ready.append(source)

    def _idle_wanted(self, is_behind: bool) -> int:
        """How many more threads are worth waking: one that works and is warm decodes for less than two."""
        work_us = sum(source.cost_us for source in self._ready)
        return max(0, 1 + is_behind + self._slow_running + int(work_us // _THREAD_US) - len(self._running))

    def _pick(self) -> Source | None:
        """The first source in turn that no thread is at, and that is not one slow source too many."""
        if self._is_closed:
            return None
        for source in self._ready:
            if source.stream in self._running or (source.is_slow and self._slow_running >= self._max_slow):
                continue
            self._ready.remove(source)
            return source
        return None

    def _decode(self, number: int, source: Source, now_us: int) -> None:
        if self._in_flight is None:
            source.decode_next(now_us)
            return
        self._in_flight.enter(number, source.stream)
        try:
            source.decode_next(now_us)
        finally:
            self._in_flight.leave(number)


def _step_back() -> None:
    """Let the thread that ticks go first where processors are short; Linux has a priority for each thread."""
    try:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
    except OSError:
        logger.info("decoding threads keep their priority")
