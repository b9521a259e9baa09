"""Keeps the load of the server known: measures the machine where that is new, reads the gauges once a second."""

from __future__ import annotations

import asyncio
import logging

from config.settings import Settings
from drumtower import measurement
from mcu.capacity import HD, ROOM_SIZE, Curve
from mcu.conferences import Conferences
from mcu.fleet.local import LocalFleet
from mcu.fleet.local_worker import LocalWorker
from mcu.load import Load
from mcu.media import Codec
from mcu.recovery import Recovery

logger = logging.getLogger(__name__)
_INTERVAL_S = 1.0


class CapacityOffice:
    """Owns the load of the server; the gate asks it, portal and metrics show it."""

    def __init__(self, settings: Settings, conferences: Conferences, fleet: LocalFleet) -> None:
        self._settings = settings
        self._fleet = fleet
        self._conferences = conferences
        self._tasks: list[asyncio.Task[None]] = []
        self.load = Load(conferences.demands, lambda: asyncio.get_running_loop().time(), settings.video.tick_rate)
        self._recovery = Recovery(self.load.better)

    @property
    def gate_load(self) -> Load | None:
        """For the gate; None where the settings switch admission by capacity off."""
        return self.load if self._settings.capacity.enabled else None

    def start(self) -> None:
        """Take what was measured before, or measure in the background; calls are served meanwhile."""
        if not self._settings.capacity.enabled:
            return
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._find_out()), loop.create_task(self._watch())]

    async def stop(self) -> None:
        """End what runs."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def status(self) -> dict[str, object]:
        """For the portal; {} where admission by capacity is switched off."""
        if not self._settings.capacity.enabled:
            return {}
        load, capacity = self.load, self.load.capacity
        status: dict[str, object] = {
            "is_measured": capacity is not None,
            "newcomers_get": load.newcomers_get().name.lower(),
            "full_frame_rate": self._settings.video.tick_rate,
            "frame_rates": [
                rate for worker in self._fleet.workers if (rate := _gauge(worker, "video", "frame_rate")) is not None
            ],
        }
        if capacity is None:
            return status
        costs, h264 = capacity.costs, Codec.H264.name
        return status | {
            "participants_720p": capacity.about(HD),
            "participants_sound": capacity.about_sound(),
            "room_size": ROOM_SIZE,
            "is_set_by_hand": bool(self._settings.capacity.participants),
            "cores": round(capacity.cores, 2),
            "cores_used": round(load.used(), 2),
            "load": round(load.used() / capacity.cores, 3),
            "full_load": capacity.limits.full,
            "decode_ms": _milliseconds(costs.decode[h264]),
            "compose_ms": _milliseconds(costs.compose),
            "encode_ms": _milliseconds(costs.encode[h264]),
            "sound_ms": round((costs.sound_decode + costs.sound_encode) * 1000, 3),
        }

    async def _find_out(self) -> None:
        costs = await asyncio.to_thread(measurement.kept, self._settings)
        if costs is None:
            try:
                costs = await measurement.measure_beside(self._settings)
            except measurement.NotMeasured as error:
                logger.error(
                    "this machine could not be measured, newcomers are counted only when it is late: %s", error
                )
                return
            await asyncio.to_thread(measurement.keep, self._settings, costs)
        self.load.capacity = capacity = measurement.capacity_of(self._settings, costs)
        logger.info("room for about %d participants at 720p on %.1f cores", capacity.about(HD), capacity.cores)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_INTERVAL_S)
            self.load.take(
                {
                    f"{process}/{worker.number}": stats.gauges
                    for worker in self._fleet.workers
                    for process, stats in worker.stats.items()
                }
            )
            self._give_back()

    def _give_back(self) -> None:
        """Who came while the machine was busy gets its picture when it is not."""
        raised = self._recovery.pick(self._conferences.waiting_for_more(), asyncio.get_running_loop().time())
        if raised is not None and (conference := self._conferences.get(raised.room)):
            conference.raise_allowance(raised.participant, raised.allowance)


def _gauge(worker: LocalWorker, process: str, name: str) -> float | None:
    stats = worker.stats.get(process)
    return None if stats is None else stats.gauges.get(name)


def _milliseconds(curve: Curve) -> float:
    """Of the largest size that was measured, 720p."""
    return round(max(curve)[1] * 1000, 2)
