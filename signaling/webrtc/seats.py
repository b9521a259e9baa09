"""All seats taken by browsers: found again by their token, given up when nobody comes back."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import secrets
import time
from collections import Counter
from collections.abc import Callable

from mcu.conference import ConferenceEvent
from mcu.leg import HangUp
from signaling.webrtc.seat import Seat
from signaling.webrtc.services import Services

logger = logging.getLogger(__name__)


class Seats:
    """The registry of seats, and the one task that watches over them."""

    def __init__(self, services: Services, now: Callable[[], float] = time.monotonic) -> None:
        self.services = services
        self.counters: Counter[str] = Counter()
        self.now = now
        self._by_leg: dict[int, Seat] = {}
        self._by_token: dict[bytes, Seat] = {}
        self._sockets: Counter[str] = Counter()
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        return len(self._by_leg)

    # ---- WebSockets

    def open_socket(self, source: str) -> bool:
        """Count a WebSocket; False when there are too many, of this source or of all."""
        settings = self.services.settings
        if self._sockets.total() >= settings.max_sockets or self._sockets[source] >= settings.max_sockets_per_source:
            self.counters["too-many-sockets"] += 1
            return False
        self._sockets[source] += 1
        return True

    def close_socket(self, source: str) -> None:
        """A counted WebSocket is gone."""
        self._sockets[source] -= 1
        if self._sockets[source] <= 0:
            del self._sockets[source]

    # ---- seats

    def add(self, seat: Seat) -> str:
        """Keep a seat; the result is the token that takes it back, of which only a hash is kept."""
        token = secrets.token_hex(16)
        self._by_leg[seat.leg.id] = seat
        self._by_token[_hash(token)] = seat
        seat.leg.on_hang_up = lambda reason: self._hung_up(seat, reason)
        seat.on_failure = self._changed.set
        return token

    def find(self, token: str) -> Seat | None:
        """The seat of this token, None when it is unknown or was given up."""
        seat = self._by_token.get(_hash(token))
        return None if seat is None or seat.has_failed or seat.patience.is_over(self.now()) else seat

    def detached(self) -> None:
        """A seat lost its WebSocket: look when it has to be given up."""
        self._changed.set()

    async def give_up(self, seat: Seat, reason: str) -> None:
        """The participant leaves: by their own wish, or because they did not come back."""
        if self._forget(seat):
            self.counters[f"left-{reason}"] += 1
            await self.services.calls.leave(seat.room, seat.leg.id)
            seat.worker.close_leg(seat.leg.id)
        await seat.dismiss(reason)

    async def run(self) -> None:
        """Watch over the seats until cancelled."""
        stops = (
            self.services.conferences.observe(self._observe),
            self.services.gate.observe_waiting(self._refresh),
            *([dialer.observe(lambda placed: self._refresh(placed.room))] if (dialer := self.services.dialer) else []),
        )
        try:
            while True:
                await self._give_up_what_is_over()
                await self._sleep()
        finally:
            for stop in stops:
                stop()

    async def close(self) -> None:
        """The server stops: goodbye to every page."""
        await asyncio.gather(*(self.give_up(seat, HangUp.SHUTDOWN) for seat in list(self._by_leg.values())))

    async def _give_up_what_is_over(self) -> None:
        now = self.now()
        for seat in list(self._by_leg.values()):
            if seat.has_failed:
                await self.give_up(seat, HangUp.MEDIA_FAILED)
            elif seat.patience.is_over(now):
                logger.info("room=%s leg=%d seat given up", seat.room, seat.leg.id)
                await self.give_up(seat, HangUp.SILENT)

    async def _sleep(self) -> None:
        deadlines = [deadline for seat in self._by_leg.values() if (deadline := seat.patience.next_timeout())]
        delay = max(0.05, min(deadlines) - self.now()) if deadlines else None
        self._changed.clear()
        try:
            async with asyncio.timeout(delay):
                await self._changed.wait()
        except TimeoutError:
            pass

    async def _hung_up(self, seat: Seat, reason: HangUp) -> None:
        """The conference ended the leg, which is already out of it."""
        if self._forget(seat):
            self.counters[f"left-{reason}"] += 1
            seat.worker.close_leg(seat.leg.id)
        await seat.dismiss(reason)

    def _forget(self, seat: Seat) -> bool:
        if self._by_leg.pop(seat.leg.id, None) is None:
            return False
        self._by_token = {key: other for key, other in self._by_token.items() if other is not seat}
        return True

    def _observe(self, event: ConferenceEvent) -> None:
        """Levels come faster than the roster changes: pages see who speaks at once."""
        if event.kind == "levels":
            self._refresh(event.room)

    def _refresh(self, room: str) -> None:
        """Pages of this room are told what they may see of it, soon."""
        for seat in self._by_leg.values():
            if seat.room == room:
                seat.roster_due.set()


def _hash(token: str) -> bytes:
    # 128 random bits need no slow hash.
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
