"""Conference events for the pages: changes are merged to a few a second, slow pages are cut off."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator

import msgspec
from aiohttp import web

from mcu.conference import ConferenceEvent
from portal.port_watch import watch_ports
from portal.principal import Principal
from portal.rights import Access, may
from portal.services import SERVICES, Services
from signaling.placed import PlacedCall

logger = logging.getLogger(__name__)


class TooManyClients(Exception):
    """No further page can be told of events."""


class Client:
    """One page that listens; at most `limit` messages wait for it."""

    def __init__(self, principal: Principal, limit: int) -> None:
        self.principal = principal
        self._queue: asyncio.Queue[str | None] = asyncio.Queue(limit)
        self.is_cut_off = False

    def offer(self, text: str) -> None:
        """Queue a message; when the page does not keep up it is cut off instead."""
        if self.is_cut_off:
            return
        try:
            self._queue.put_nowait(text)
        except asyncio.QueueFull:
            self.cut_off()

    def cut_off(self) -> None:
        """Let the page go: what waits is thrown away, as it will get a fresh snapshot."""
        self.is_cut_off = True
        while not self._queue.empty():
            self._queue.get_nowait()
        self._queue.put_nowait(None)

    async def next(self) -> str | None:
        """The next message; None when it was cut off."""
        return await self._queue.get()


class EventHub:
    """Watches all conferences once, whatever the number of pages."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._clients: set[Client] = set()
        self._changed: set[str] = set()
        self._changed_outside: set[str] = set()
        self._news: set[str] = set()
        """What pages load again: names of messages."""
        self._timer: asyncio.TimerHandle | None = None
        self._stops: list[Callable[[], object]] = []
        self.counters: Counter[str] = Counter()

    def start(self) -> None:
        """Begin to watch."""
        self._stops = [
            self._services.conferences.observe(self._happened),
            self._services.gate.observe(lambda block: self.tell_room(block.room)),
            *([self._services.dialer.observe(self._called)] if self._services.dialer is not None else []),
            self._services.gate.observe_waiting(self._waiting_changed),
        ]
        if (terminals := self._services.terminals) is not None:
            self._stops.append(terminals.registrations.observe(lambda _: self.tell_terminals()))
            if terminals.endpoints is not None:
                self._stops.append(terminals.endpoints.observe(self.tell_terminals))
        if (network := self._services.network) is not None:
            self._stops.append(network.observe(self.tell_network))
        if (radius := self._services.radius) is not None:
            self._stops.append(radius.observe_logins(self.tell_network))
        if (ports := self._services.ports) is not None:
            self._stops.append(asyncio.create_task(watch_ports(ports, self.is_watched, self.tell_network)).cancel)

    def stop(self) -> None:
        """Stop watching and let all pages go."""
        for stop in self._stops:
            stop()
        self._stops = []
        if self._timer:
            self._timer.cancel()
        self._cut_off(list(self._clients))

    @contextlib.contextmanager
    def subscribed(self, principal: Principal) -> Iterator[Client]:
        """A client that gets a snapshot and then every change. Raises TooManyClients."""
        settings = self._services.settings
        if len(self._clients) >= settings.max_event_clients:
            raise TooManyClients
        client = Client(principal, settings.event_queue)
        self._clients.add(client)
        running = self._services.conferences.running()
        waiting = {room: self._waiting(room) for room in self._services.gate.waiting_rooms()}
        conferences = [conference.snapshot() for conference in running]
        calls = {room: self._calls(room) for room in self._dialer_rooms()}
        client.offer(_text(type="snapshot", conferences=conferences, waiting=waiting, calls=calls))
        try:
            yield client
        finally:
            self._clients.discard(client)

    def end_session(self, session_id: int) -> None:
        """Let the pages of a session go that was signed out."""
        self._cut_off([client for client in self._clients if client.principal.session_id == session_id])

    def end_user(self, user_id: int) -> None:
        """Let all pages of a user go, because all sessions of the user ended."""
        self._cut_off([client for client in self._clients if client.principal.user_id == user_id])

    def tell_room(self, room: str) -> None:
        """Something about the room itself changed (settings, block): pages load it again."""
        self._send(_text(type="room", room=room))

    def tell_terminals(self) -> None:
        """A terminal was changed, or its registration: pages load the list again."""
        self._tell("terminals")

    def tell_network(self) -> None:
        """A session, a port, a login or an answer of the gate changed: pages load them again."""
        self._tell("network")

    def __len__(self) -> int:
        return len(self._clients)

    def _happened(self, event: ConferenceEvent) -> None:
        if not self._clients:
            return
        if event.kind == "levels":
            # These come five times a second and say all that they have to say.
            self._send(_text(type="levels", room=event.room, levels=event.data.get("levels", {})))
            return
        self._changed.add(event.room)
        self._arm()

    def is_watched(self) -> bool:
        """Whether a page listens that may show the network."""
        return any(may(client.principal, Access.CONTROL_NETWORK) for client in self._clients)

    def _tell(self, name: str) -> None:
        if self._clients:
            self._news.add(name)
            self._arm()

    def _waiting_changed(self, room: str) -> None:
        if self._clients:
            self._changed_outside.add(room)
            self._arm()

    def _waiting(self, room: str) -> list[dict[str, object]]:
        return [one.snapshot() for one in self._services.gate.waiting(room)]

    def _arm(self) -> None:
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._services.settings.event_interval_s, self._flush)

    def _called(self, placed: PlacedCall) -> None:
        """Somebody is called, rings, did not come, or came: the pages of hosts show it."""
        if self._clients:
            self._send(_text(type="calls", room=placed.room, calls=self._calls(placed.room)))

    def _calls(self, room: str) -> list[dict[str, object]]:
        dialer = self._services.dialer
        return [] if dialer is None else [call.snapshot() for call in dialer.calls(room)]

    def _dialer_rooms(self) -> set[str]:
        return set() if self._services.dialer is None else self._services.dialer.rooms()

    def _flush(self) -> None:
        self._timer = None
        outside, self._changed_outside = self._changed_outside, set()
        for room in sorted(outside):
            self._send(_text(type="waiting", room=room, waiting=self._waiting(room)))
        changed, self._changed = self._changed, set()
        news, self._news = self._news, set()
        for name in sorted(news):
            self._send(_text(type=name))
        for room in sorted(changed):
            conference = self._services.conferences.get(room)
            self._send(_text(type="conference", room=room, conference=conference.snapshot() if conference else None))

    def _send(self, text: str) -> None:
        self.counters["events"] += 1
        for client in list(self._clients):
            client.offer(text)
            if client.is_cut_off:
                self.counters["slow-clients"] += 1
                self._clients.discard(client)

    def _cut_off(self, clients: list[Client]) -> None:
        for client in clients:
            client.cut_off()


HUB: web.AppKey[EventHub] = web.AppKey("event_hub", EventHub)


async def run_hub(app: web.Application) -> AsyncIterator[None]:
    """Cleanup context: the hub watches while the application runs."""
    hub = app[HUB] = EventHub(app[SERVICES])
    hub.start()
    yield
    hub.stop()


async def let_pages_go(app: web.Application) -> None:
    """Shutdown signal: the server waits for its handlers, so those of the WebSockets end first."""
    app[HUB].stop()


def _text(**message: object) -> str:
    return msgspec.json.encode(message).decode()
