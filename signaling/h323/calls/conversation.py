"""An H.323 call until its end, whoever called: its channels, digits, pictures, screen and camera.

Whoever sets the call up gives it a worker and a CallMedia, then says what follows from media and digits:

    talk = H323Conversation(call, number, services)
    talk.watch(worker)                   # before the leg is opened there
    talk.start(media)                    # before the call is accepted
    await talk.settled()                 # while follow() runs, until the call is over
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping

from mcu.fleet.worker import WorkerError
from mcu.media import Grade, Kind, LegMedia
from mcu.participant import Participant
from mcu.tile_rates import Need
from mcu.worker.messages import PeerWantsKeyframe
from signaling.admission import Refused
from signaling.conversation import Conversation, ignore
from signaling.far_camera import FarCamera
from signaling.h323.call import events as call_events
from signaling.h323.call.causes import Cause
from signaling.h323.call_handle import CallHandle
from signaling.h323.call_media.call_media import CallMedia
from signaling.h323.calls.leg import H323Leg
from signaling.h323.calls.refusals import release_for
from signaling.h323.calls.screen import SharedScreen
from signaling.h323.calls.services import Services
from signaling.h323.h245 import events as h245

logger = logging.getLogger(__name__)

CallEvent = call_events.Event | h245.Event


class H323Conversation(Conversation[H323Leg]):
    """Follows one call; the media plane of its leg is kept in step with its logical channels."""

    def __init__(self, call: CallHandle, number: int, services: Services) -> None:
        super().__init__(H323Leg(number, call), services.gate, services.settings.silent_s)
        self.on_password: Callable[[str], None] = ignore
        """Called with what the terminal answered to the question for a password (H.243)."""
        self._call = call
        self._services = services
        self._media: CallMedia | None = None
        self._screen: SharedScreen | None = None
        self._camera = FarCamera(number, self._count, services.calls)
        self._generation = -1
        self._in_step = asyncio.Lock()
        self._is_settled = asyncio.Event()
        self._has_new_deadline = asyncio.Event()
        self._probe: asyncio.TimerHandle | None = None

    def start(self, media: CallMedia) -> None:
        """The leg is open, and these are its channels."""
        self._media = media
        self._screen = SharedScreen(self.leg.id, self._call.control, media, self._services.calls)
        self.leg.on_keyframe = lambda kind: self._call.carry(media.fast_update(kind))
        self.leg.on_floor = self._floor_changed
        self._has_new_deadline.set()

    def vouched_for(self) -> None:
        """An answer has come: where its half keys are signed (H.235.1), whatever is encrypted is authenticated."""
        if self._call.account and self._media is not None:
            self._media.grade = Grade.AUTHENTICATED

    def close(self) -> None:
        """Watch no more and free the leg, once."""
        self._camera.close()
        if self._probe is not None:
            self._probe.cancel()
        super().close()

    async def configure(self, media: LegMedia) -> None:
        """See Conversation."""
        await super().configure(media)
        if self._worker is not None:
            self._camera.apply(media, self._worker)
        self.leg.camera = self._camera.camera

    async def settled(self) -> None:
        """Return when both ends know what they send, or the time for that is over: then it is what there is."""
        await self._keep_in_step()  # fast start has opened channels without an event
        try:
            async with asyncio.timeout(self._services.settings.media_s):
                await self._is_settled.wait()
        except TimeoutError:
            logger.info("leg=%d room=%s channels are not complete", self.leg.id, self.room)

    def entered(self, room: str, person: Participant) -> None:
        """See Conversation. From now on the terminal is asked for no more than the room shows of it."""
        if self._screen is not None:
            self._screen.room = room
        self._camera.entered(room)
        self.leg.on_needs = lambda: self._ask_pictures(person.needs)
        self.leg.on_needs()

    def hang_up(self) -> None:
        """End the call whatever its state."""
        self._call.release(cause=Cause.NORMAL_CLEARING)

    # ---- the peer

    async def follow(self) -> None:
        """Until the call is over."""
        async with asyncio.TaskGroup() as group:
            clock = group.create_task(self._keep_time())
            await self._listen()
            clock.cancel()

    async def _listen(self) -> None:
        while True:
            event = await self._call.next_event()
            self.take(event)
            if isinstance(event, call_events.Released):
                by = "peer" if event.is_by_peer else "us"
                logger.info("leg=%d room=%s h323 call ended by %s: %s", self.leg.id, self.room, by, event.reason)
                return
            if self._media is not None:
                self._call.carry(self._media.handle(event, self._call.now()))
                self._has_new_deadline.set()
                await self._keep_in_step()

    async def _keep_time(self) -> None:
        """What media do by the clock. The media plane knows new keys before the peer does."""
        while True:
            media = self._media
            try:
                async with asyncio.timeout_at(None if media is None else media.next_timeout()):
                    await self._has_new_deadline.wait()
                self._has_new_deadline.clear()
            except TimeoutError:
                assert media is not None
                effects = media.on_timeout(self._call.now())
                await self._keep_in_step()
                self._call.carry(effects)

    def take(self, event: CallEvent) -> None:
        """One event of the call, in the order in which they happened."""
        match event:
            case h245.UserInput(digits):
                self._keys(digits, "h245")
            case call_events.KeypadDigits(digits):
                self._keys(digits, "q931")
            case h245.FastUpdate(number, request) if request is not h245.PictureRequest.FREEZE:
                self._wants_keyframe(number)
            case h245.ContentToken() if self._screen is not None:
                self._call.carry(self._screen.take(event, self._call.now()))
            case h245.ChannelRefused(number) if self._screen is not None:
                self._call.carry(self._screen.refused(number))
            case h245.Password(octets):
                self.on_password(octets.decode("ascii", "replace"))
            case h245.Ready():
                self._ask_round_trip()
            case h245.RoundTrip(None):
                self._went_silent()
            case _:
                pass

    async def _keep_in_step(self) -> None:
        """Put what the channels have come to into effect."""
        media = self._media
        if media is None:
            return
        async with self._in_step:
            if media.generation != self._generation:
                self._generation = media.generation
                await self._change(media.media)
        if media.is_settled:
            self._is_settled.set()

    async def _change(self, media: LegMedia) -> None:
        """A call whose lock is not good enough for its room ends."""
        try:
            await self.configure(media)
        except (Refused, WorkerError) as error:
            logger.info("leg=%d room=%s ended: %s", self.leg.id, self.room, error)
            release = release_for(error)
            self._call.release(cause=release.cause, reason=release.reason)
        else:
            self.on_media()

    def _wants_keyframe(self, number: int) -> None:
        assert self._media is not None
        kind = self._media.kind_of(number, is_ours=True)
        if self._worker is not None and kind in (Kind.VIDEO, Kind.CONTENT):
            self._worker.send("net", PeerWantsKeyframe(self.leg.id, kind))

    def _ask_pictures(self, needs: Mapping[Kind, Need]) -> None:
        assert self._media is not None
        for kind, need in needs.items():
            self._call.carry(self._media.need(kind, need.bitrate_bps, self._call.now()))
        self._has_new_deadline.set()

    def _floor_changed(self, holder: int, _name: str) -> None:
        if self._screen is not None:
            self._call.carry(self._screen.floor_changed(holder, self._call.now()))

    def _ask_round_trip(self) -> None:
        """A terminal that lost its power closes no connection: it is asked from time to time (H.245 C.8)."""
        if self._probe is not None:
            self._call.carry(self._call.control.measure_round_trip(self._call.now()))
            self._probe.cancel()
        loop = asyncio.get_running_loop()
        self._probe = loop.call_later(self._services.settings.round_trip_interval_s, self._ask_round_trip)

    # ---- what all conversations have

    def _camera_frame(self, data: bytes) -> None:
        self._camera.receive(data)
        self.leg.camera = self._camera.camera

    def _count(self, event: str) -> None:
        self._call.counters[event] += 1
