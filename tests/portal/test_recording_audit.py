"""What the audit is told of recordings that nobody asked anything of."""

import asyncio
from dataclasses import replace

from aiohttp.test_utils import TestClient, TestServer

from audit.event import Event, Outcome
from mcu.conference_event import ConferenceEvent
from portal.app import create_app


class Notebook:
    def __init__(self) -> None:
        self.events: list[Event] = []

    async def record(self, event: Event) -> None:
        if event.reason == "refuse":
            raise OSError("no room")
        self.events.append(event)


async def test_a_disk_that_fills_and_what_it_ended(site, caplog):
    notebook = Notebook()
    services = replace(site.services, audit=notebook)
    async with TestClient(TestServer(create_app(services))):
        for event in (
            ConferenceEvent("recording-started", "1001", {"by": "admin"}),
            ConferenceEvent("recording-disk-low", "1001", {"ends_in_min": 8}),
            ConferenceEvent("recording-ended", "1001", {"reason": "refuse"}),
            ConferenceEvent("recording-ended", "1001", {"reason": "disk-full"}),
            ConferenceEvent("recording-ended", "1001"),
        ):
            services.conferences._happened(event)
        async with asyncio.timeout(5):
            while len(notebook.events) < 2:
                await asyncio.sleep(0)
    told = [(each.action, each.object_id, dict(each.new), each.outcome, each.reason) for each in notebook.events]
    assert told == [
        ("recording.disk-low", "1001", {"ends_in_min": 8}, Outcome.DONE, ""),
        ("recording.ended", "1001", {}, Outcome.FAILED, "disk-full"),
    ]
    assert "the audit was not told" in caplog.text
    site.hasher.close()
