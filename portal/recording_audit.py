"""What becomes of recordings by itself, told to the audit: a disk that fills, and recordings that it ended."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

from aiohttp import web

from audit.event import Event, Outcome, Value
from mcu.conference import ConferenceEvent
from portal.services import SERVICES, Services

logger = logging.getLogger(__name__)
_SERVER = "server"
"""Who did it, where nobody did."""


class RecordingAudit:
    """Watches all conferences; what people do by the API the audit knows from their requests."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._tasks: set[asyncio.Task[None]] = set()

    def happened(self, event: ConferenceEvent) -> None:
        """Something happened in a room."""
        if event.kind == "recording-disk-low":
            self._tell("recording.disk-low", event, Outcome.DONE)
        elif event.kind == "recording-ended" and event.data.get("reason"):
            self._tell("recording.ended", event, Outcome.FAILED)

    def _tell(self, action: str, event: ConferenceEvent, outcome: Outcome) -> None:
        minutes, reason = event.data.get("ends_in_min"), event.data.get("reason")
        new: dict[str, Value] = {"ends_in_min": minutes} if isinstance(minutes, int) else {}
        told = Event(
            self._services.now(), _SERVER, "", action, event.room, new=new, outcome=outcome,
            reason=reason if isinstance(reason, str) else "",
        )  # fmt: skip
        task = asyncio.get_running_loop().create_task(self._services.audit.record(told))
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            logger.error("the audit was not told of a recording: %s", error)


async def run_recording_audit(app: web.Application) -> AsyncIterator[None]:
    """For as long as the application runs."""
    services = app[SERVICES]
    stop = services.conferences.observe(RecordingAudit(services).happened)
    yield
    stop()
