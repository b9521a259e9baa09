"""Who is told what a worker says: about one leg, or about its rooms."""

from __future__ import annotations

import logging

from mcu.fleet.worker import LegObserver
from mcu.worker.messages import AnyMessage

logger = logging.getLogger(__name__)


class Observers:
    """An observer that fails is logged, and keeps nobody else from hearing."""

    def __init__(self) -> None:
        self._of_legs: dict[int, list[LegObserver]] = {}
        self._of_rooms: list[LegObserver] = []

    @property
    def legs(self) -> list[int]:
        """Those that somebody observes."""
        return list(self._of_legs)

    def observe_leg(self, leg: int, observer: LegObserver) -> None:
        """Call it with the events of this leg until it is forgotten."""
        self._of_legs.setdefault(leg, []).append(observer)

    def forget(self, leg: int) -> None:
        """Nobody observes this leg any more."""
        self._of_legs.pop(leg, None)

    def observe(self, observer: LegObserver) -> None:
        """Call it with what concerns rooms."""
        self._of_rooms.append(observer)

    def tell_leg(self, leg: int, message: AnyMessage) -> None:
        """Something happened to a leg."""
        for observer in list(self._of_legs.get(leg, ())):
            _call(observer, message)

    def tell(self, message: AnyMessage) -> None:
        """Something happened to a room."""
        for observer in list(self._of_rooms):
            _call(observer, message)


def _call(observer: LegObserver, message: AnyMessage) -> None:
    try:
        observer(message)
    except Exception:
        logger.exception("an observer failed on %s", type(message).__name__)
