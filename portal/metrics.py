"""The numbers of /metrics, gathered when they are asked for; nothing is kept here but the portal's own."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric

from portal.hub import HUB
from portal.services import SERVICES, Sample, Services

_PREFIX = "drumtower_"
_LOOP_TICK_S = 0.02
_MINUTE = int(60 / _LOOP_TICK_S)
_TEN_SECONDS = int(10 / _LOOP_TICK_S)


class LoopLag:
    """How late the event loop runs a timer; the worst of the last minute is what hurts calls."""

    def __init__(self) -> None:
        self.last_s = 0.0
        self._recent: deque[float] = deque(maxlen=_MINUTE)

    @property
    def worst_s(self) -> float:
        """The largest lag of the last minute."""
        return max(self._recent, default=0.0)

    @property
    def p99_s(self) -> float:
        """99 of 100 timers of the last ten seconds were less late."""
        recent = sorted(list(self._recent)[-_TEN_SECONDS:])
        return recent[len(recent) * 99 // 100] if recent else 0.0

    async def run(self) -> None:
        """Measure until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + _LOOP_TICK_S
            await asyncio.sleep(_LOOP_TICK_S)
            self.last_s = max(0.0, loop.time() - due)
            self._recent.append(self.last_s)


LAG: web.AppKey[LoopLag] = web.AppKey("loop_lag", LoopLag)


async def measure_lag(app: web.Application) -> AsyncIterator[None]:
    """Cleanup context: the loop's lag is measured while the application runs."""
    app[LAG] = LoopLag()
    task = asyncio.create_task(app[LAG].run())
    yield
    task.cancel()


def exposition(app: web.Application) -> bytes:
    """The Prometheus text of this moment, from a registry of its own."""
    registry = CollectorRegistry()
    registry.register(_Gatherer(app))
    return generate_latest(registry)


class _Gatherer:
    def __init__(self, app: web.Application) -> None:
        self._app = app

    def describe(self) -> list[Metric]:
        """Nothing is known before it is collected."""
        return []

    def collect(self) -> Iterator[Metric]:
        """One family a name; a series that two sources give is taken from the first."""
        families: dict[str, Metric] = {}
        seen: set[tuple[str, tuple[tuple[str, str], ...]]] = set()
        for sample in self._samples():
            series = (sample.name, tuple(sorted(sample.labels.items())))
            if series in seen:
                continue
            seen.add(series)
            name = _PREFIX + sample.name
            if sample.name not in families:
                kind = "counter" if sample.is_counter else "gauge"
                families[sample.name] = Metric(name, sample.help or sample.name.replace("_", " "), kind)
            suffix = "_total" if families[sample.name].type == "counter" else ""
            families[sample.name].add_sample(name + suffix, dict(sample.labels), sample.value)
        yield from families.values()

    def _samples(self) -> Iterable[Sample]:
        services = self._app[SERVICES]
        yield from conference_samples(services)
        yield from gate_samples(services)
        lag, hub = self._app[LAG], self._app[HUB]
        yield Sample("loop_lag_seconds", lag.last_s, help="How late the last timer of the control process ran")
        yield Sample("loop_lag_p99_seconds", lag.p99_s, help="99 of 100 timers of the last ten seconds were less late")
        yield Sample("loop_lag_worst_seconds", lag.worst_s, help="The largest lag of the last minute")
        yield Sample("event_clients", len(hub), help="Pages that listen to events")
        for name, value in sorted(hub.counters.items()):
            yield Sample("portal_events", value, {"kind": name}, is_counter=True)
        for source in services.metrics:
            yield from source()


def conference_samples(services: Services) -> Iterator[Sample]:
    """Rooms, people and encoders now, and what has happened since the start."""
    running = services.conferences.running()
    yield Sample("conferences", len(running), help="Conferences that run now")
    by_protocol = {"sip": 0, "webrtc": 0}
    for conference in running:
        for person in conference.participants.values():
            by_protocol[person.protocol] = by_protocol.get(person.protocol, 0) + 1
    for protocol, count in sorted(by_protocol.items()):
        yield Sample("participants", count, {"protocol": protocol}, help="Legs that are in a conference now")
    yield Sample("video_encoders", sum(c.encoder_count for c in running), help="Renditions that are encoded now")
    yield Sample("recordings_running", sum(c.is_recording for c in running), help="Conferences that are recorded now")
    for kind, count in sorted(services.conferences.counters.items()):
        yield Sample("conference_events", count, {"kind": kind}, is_counter=True, help="What happened in conferences")


def gate_samples(services: Services) -> Iterator[Sample]:
    """Admissions and refusals by reason, and the sizes of the gate's tables."""
    for name, count in sorted(services.gate.counters.items()):
        yield Sample("gate_decisions", count, {"outcome": name}, is_counter=True, help="Calls by what the gate decided")
    for name, size in sorted(services.gate.gauges().items()):
        yield Sample("gate_table_size", size, {"table": name}, help="Entries in the tables of the gate")
    yield Sample("passcode_hashes_pending", services.hasher.pending, help="Hashes in progress or waiting")
