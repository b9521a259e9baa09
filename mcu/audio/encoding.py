"""Encodes the packets of a tick: on one thread as long as that has time for them, on several where many talk.

Where sixty talk and all are mixed, everybody hears a mix of their own, and libopus takes half of a tick for them on one
thread. It runs without the interpreter's lock (cffi lets go of it); G.711 and G.722 take too little to be shared.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from mcu.audio.outputs import Output
from mcu.media import Codec

_MANY = 16
"""So many packets of Opus take 2 ms on one thread; to wake another one takes a twentieth of that."""


class Encoding:
    """Owns the threads beside that of its caller; none is started before there is work for it."""

    def __init__(self, threads: int) -> None:
        """`threads` counts the caller's."""
        self._helpers = threads - 1
        self._pool = ThreadPoolExecutor(max(1, self._helpers), thread_name_prefix="encode")

    def encode(self, outputs: Sequence[Output]) -> None:
        """Make the packets of all `outputs`; each keeps its own, so that their order stays what it is."""
        if len(outputs) < _MANY or not self._helpers:
            for output in outputs:
                output.encode()
        else:
            self._share(outputs)

    def _share(self, outputs: Sequence[Output]) -> None:
        waiting = deque(output for output in outputs if output.codec == Codec.OPUS)
        helpers = [
            self._pool.submit(_encode_from, waiting) for _ in range(self._helpers if len(waiting) >= _MANY else 0)
        ]
        for output in outputs:
            if output.codec != Codec.OPUS:
                output.encode()
        _encode_from(waiting)
        for helper in helpers:
            if not helper.cancel():  # who has not begun by now is not waited for
                helper.result()

    def close(self) -> None:
        """Wait for the threads and end them."""
        self._pool.shutdown()


def _encode_from(waiting: deque[Output]) -> None:
    """Encode what waits until nothing does; several threads may take from the same queue."""
    while True:
        try:
            output = waiting.popleft()
        except IndexError:
            return
        output.encode()
