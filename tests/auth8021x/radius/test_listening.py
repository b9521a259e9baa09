"""Sockets that requests come in on: whoever asks much, or what takes long, keeps nobody else waiting for long."""

import asyncio
import socket
import time
from collections import Counter

import pytest

from auth8021x.radius import listening
from auth8021x.radius.listening import ListeningSockets
from auth8021x.radius.replies import Source


class Slow(ListeningSockets):
    """Answers nothing; each request takes as long as `takes_s`. Others want a turn from the first one on."""

    def __init__(self, takes_s: float, batch: int) -> None:
        self.counters: Counter[str] = Counter()
        self.seen: list[bytes] = []
        self.seen_before_others: int | None = None
        self._takes_s = takes_s
        super().__init__(["127.0.0.1"], 0, self, batch, 4096)

    def answer(self, octets: bytes, source: Source, now: float) -> bytes | None:
        if not self.seen:
            asyncio.get_running_loop().call_soon(self._others)
        self.seen.append(octets)
        time.sleep(self._takes_s)
        return None

    def _others(self) -> None:
        self.seen_before_others = len(self.seen)


@pytest.mark.parametrize(
    ("takes_s", "batch", "before"),
    [(0.0, 64, 6), (0.0, 4, 4), (2 * listening._TURN_S, 64, 2)],
    ids=["all at once", "so many", "so long"],
)
async def test_others_get_their_turn(takes_s: float, batch: int, before: int, monkeypatch: pytest.MonkeyPatch):
    if not takes_s:
        monkeypatch.setattr(listening, "_TURN_S", 60.0)  # however slow this machine is
    sockets = Slow(takes_s, batch)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        for number in range(6):
            client.sendto(bytes((number,)), ("127.0.0.1", sockets.ports[0]))
    async with asyncio.timeout(5):
        while len(sockets.seen) < 6 or sockets.seen_before_others is None:
            await asyncio.sleep(0)
    sockets.close()
    assert sockets.seen == [bytes((number,)) for number in range(6)]
    assert sockets.seen_before_others == before
