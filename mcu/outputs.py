"""The encoded outputs of one room: opened for the first who needs one, shared, and closed after the last."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping

from mcu.fleet.worker import Worker
from mcu.media import Kind
from mcu.rendition import MAX_RENDITIONS, RenditionKey, outputs_for
from mcu.worker.messages import CloseRendition, OpenRendition, RouteContent, RouteVideo, UpdateRendition

Seat = tuple[int, Kind]
"""A leg, and which of its pictures."""
RECORDED_KEYFRAME_INTERVAL_S = 4.0
_LINGER_S = 2.5
"""An output that its last viewer leaves for another goes on until that one has surely had its keyframe."""
_rendition_numbers = itertools.count(1)


def next_rendition() -> int:
    """A rendition number that nothing used before."""
    return next(_rendition_numbers)


class Outputs:
    """Tells the worker what changed, and nothing else."""

    def __init__(self, room: str, worker: Worker) -> None:
        self._room = room
        self._worker = worker
        self._renditions: dict[RenditionKey, int] = {}
        self._users: Counter[int] = Counter()
        self._routes: dict[Seat, int] = {}
        self._lingering: dict[int, float] = {}
        """By number: when an output that nobody needs any more is closed."""
        self._recorded: RenditionKey | None = None

    @property
    def open(self) -> dict[RenditionKey, int]:
        """What is encoded now, and how many receive it."""
        return {key: self._users[number] for key, number in self._renditions.items()}

    def shown_to(self, seat: Seat) -> RenditionKey | None:
        """What goes to one seat."""
        number = self._routes.get(seat, 0)
        return next((key for key, each in self._renditions.items() if each == number), None)

    def route_all(
        self,
        wishes: Mapping[Seat, RenditionKey | None],
        thin: Mapping[Seat, RenditionKey],
        private: Mapping[Seat, RenditionKey],
        now_s: float,
    ) -> None:
        """Give each seat what it wishes, as far as that many may be open.

        `thin` are lesser wishes of seats whose downlink has no more. `private` outputs are for one seat each, and count
        for none.
        """
        kept = frozenset(() if self._recorded is None else (self._recorded,))
        whole = [wish for seat, wish in wishes.items() if wish is not None and seat not in thin]
        outputs = outputs_for(whole, kept, thin.values())
        for seat, wish in wishes.items():
            chosen = thin.get(seat, wish)
            self._route(seat, None if chosen is None else outputs[chosen], now_s)
        for seat, key in private.items():
            self._route(seat, key, now_s)
        self._close_idle(now_s, len(private))

    def record(self, key: RenditionKey) -> int:
        """Keep an output open for the recorder, with a keyframe often enough for seeking; its number."""
        self._recorded = key
        rendition = self._open(key)
        self._users[rendition] += 1
        self._worker.send("video", UpdateRendition(rendition, RECORDED_KEYFRAME_INTERVAL_S))
        return rendition

    def end_recording(self, rendition: int) -> None:
        """The recorder needs it no more."""
        self._recorded = None
        self._worker.send("video", UpdateRendition(rendition, 0.0))
        self._release(rendition)

    def forget(self, seat: Seat) -> None:
        """Nobody sits there any more."""
        if rendition := self._routes.pop(seat, 0):
            self._release(rendition)

    def lingers(self, scene: str) -> bool:
        """Whether an output of the scene goes on until another one has begun."""
        return any(key.scene == scene and number in self._lingering for key, number in self._renditions.items())

    def leave_scene(self, scene: str) -> None:
        """The scene is closed: what lingers of it cannot go on."""
        for key, number in list(self._renditions.items()):
            if key.scene == scene and number in self._lingering:
                self._close(number)

    def clear(self) -> None:
        """The room is closed, and the worker knows."""
        self._renditions.clear()
        self._routes.clear()
        self._users.clear()
        self._lingering.clear()

    def _route(self, seat: Seat, key: RenditionKey | None, now_s: float) -> None:
        rendition = self._open(key) if key is not None else 0
        before = self._routes.get(seat, 0)
        if rendition == before:
            return
        if rendition:
            self._users[rendition] += 1
        self._routes[seat] = rendition
        leg, kind = seat
        self._worker.send("net", RouteVideo(leg, rendition) if kind is Kind.VIDEO else RouteContent(leg, rendition))
        if before:
            self._release(before, now_s + _LINGER_S if rendition else None)

    def _open(self, key: RenditionKey) -> int:
        if key in self._renditions:
            self._lingering.pop(self._renditions[key], None)
            return self._renditions[key]
        number = self._renditions[key] = next_rendition()
        rung = key.rung
        self._worker.send(
            "video",
            OpenRendition(
                number, self._room, key.scene, key.codec, rung.width, rung.height, rung.frame_rate, rung.bitrate_bps,
                key.profile_level_id, key.max_slice_bytes,
            ),
        )  # fmt: skip
        return number

    def _release(self, rendition: int, until_s: float | None = None) -> None:
        self._users[rendition] -= 1
        if self._users[rendition] > 0:
            return
        if until_s is None:
            self._close(rendition)
        else:
            self._lingering[rendition] = until_s

    def _close_idle(self, now_s: float, private: int) -> None:
        """The oldest first, where too many would be open."""
        for number, until_s in list(self._lingering.items()):
            if now_s >= until_s or len(self._renditions) - private > MAX_RENDITIONS:
                self._close(number)

    def _close(self, rendition: int) -> None:
        del self._users[rendition]
        self._lingering.pop(rendition, None)
        self._renditions = {key: number for key, number in self._renditions.items() if number != rendition}
        self._worker.send("video", CloseRendition(rendition))
