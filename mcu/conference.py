"""A running room: who is in it, what they see and hear, and who may change that."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType

from mcu.camera import CameraMove
from mcu.cameras import Cameras, Steering
from mcu.capacity import Allowance, Demand
from mcu.conference_event import ConferenceEvent
from mcu.conference_snapshot import snapshot_of
from mcu.demand import demand_of
from mcu.fleet.worker import Worker
from mcu.floor import Floor
from mcu.full_hd import FullHd
from mcu.hearing import Hearing
from mcu.leg import HangUp, Leg
from mcu.media import Kind, leg_of, stream_id
from mcu.notice import Notice
from mcu.participant import Participant, Role
from mcu.policy import LayoutMode, RecordPolicy, RoomPolicy
from mcu.recording_notice import RecordingNotice
from mcu.room_recording import RoomRecording
from mcu.stage import MAX_OWN_LAYOUTS, Stage, View
from mcu.taping import RecordingRegister
from mcu.worker.messages import (
    AnyMessage,
    AttachLeg,
    BanSource,
    CloseRoom,
    KeyframeWanted,
    LegBandwidth,
    LegStats,
    Levels,
    MoveLeg,
    Panel,
    PeerLimit,
    RecordingEnded,
    RecordingProgress,
    RemoveSource,
    RouteContent,
    RouteVideo,
)

__all__ = ["Conference", "ConferenceEvent", "LayoutMode", "Participant", "RecordPolicy", "Role", "RoomPolicy"]

logger = logging.getLogger(__name__)

_SPEAKING_LEVEL = 50
"""Talkers louder than this many -dBov get the border."""
GAINS_DB = (-24, 12)
"""The least and the most by which somebody is made louder."""
_WITHOUT_BIG_TILE = (LayoutMode.AUTO, LayoutMode.GRID)
"""Where somebody is in the spotlight these give way to SPEAKER."""


class Conference:
    """One room while somebody is in it, on one worker."""

    def __init__(
        self,
        policy: RoomPolicy,
        worker: Worker,
        register: RecordingRegister,
        next_leg_id: Callable[[], int],
        tell: Callable[[ConferenceEvent], None],
        spare: Callable[[], Allowance] = lambda: Allowance.FULL,
    ) -> None:
        """`spare` tells what the machine has left for another participant."""
        self.policy = policy
        self.layout = policy.layout
        self.is_locked = policy.is_locked
        self.started_at = datetime.now(UTC)
        self.speaker = 0
        self.spotlight = 0
        """Who has the big tile, whoever speaks; 0 for nobody."""
        self._worker = worker
        self._tell = tell
        self._people: dict[int, Participant] = {}
        self._hearing = Hearing(policy.number, worker)
        self._floor = Floor(self._people, worker, lambda: not self.policy.keeps_presenter, self._refresh)
        self._cameras = Cameras(policy.number, self._people)
        self._banned: set[int] = set()
        self._panels: dict[int, Panel] = {}
        self._notice = Notice(self._refresh)
        self._stage = Stage(policy.number, worker)
        self._full_hd = FullHd(spare)
        self._recording = RoomRecording(self, worker, self._stage, self._hearing, register, next_leg_id)
        self._is_refresh_due = False
        self._closing: asyncio.Task[None] | None = None

    # ---- what it is

    @property
    def participants(self) -> Mapping[int, Participant]:
        """By number, in the order in which they came."""
        return MappingProxyType(self._people)

    @property
    def is_closed(self) -> bool:
        """Whether it has ended, or is ending; nobody comes in any more."""
        return self._closing is not None

    @property
    def is_recording(self) -> bool:
        """Whether it is being recorded now."""
        return self._recording.is_running

    @property
    def recording_notice(self) -> RecordingNotice | None:
        """What all are told of a disk that fills."""
        return self._recording.notice

    @property
    def host_is_in(self) -> bool:
        """Whether somebody with host rights takes part."""
        return any(person.role is Role.HOST for person in self._people.values())

    @property
    def encoder_count(self) -> int:
        """How many video encoders the room needs."""
        return self._stage.rendition_count

    @property
    def message(self) -> str:
        """What everybody reads in the picture now."""
        return self._notice.text

    def demand(self) -> Demand:
        """What the room needs of the machine now."""
        return demand_of(self._people.values(), self._stage.outputs)

    def snapshot(self) -> dict[str, object]:
        """JSON-ready picture of the conference for the portal and the roster."""
        return snapshot_of(self, self._banned)

    # ---- who comes and goes

    async def join(
        self, leg: Leg, name: str, role: Role, identity: str = "", allowance: Allowance = Allowance.FULL,
        network_identity: str = "",
    ) -> Participant:  # fmt: skip
        """Open the gate for a configured leg: from now on it is seen, heard, and sees and hears."""
        person = Participant(leg, name, role, identity, allowance, network_identity)
        self._take_in(person)
        return person

    def _take_in(self, person: Participant) -> None:
        leg = person.leg
        self._people[leg.id] = person
        self._worker.observe_leg(leg.id, lambda message: self._heard_of(person, message))
        self._worker.send("net", AttachLeg(leg.id))
        self._hearing.update(person)
        self._floor.welcome(person)
        self._refresh_now()
        logger.info("room=%s leg=%d joined protocol=%s role=%s", self.policy.number, leg.id, leg.protocol, person.role)
        self._say("joined", participant=person.id, name=person.name, protocol=leg.protocol)
        self._recording.welcome(person)

    async def leave(self, participant: int) -> None:
        """The leg is gone: it is taken out of the room and of its worker; unknown participants are ignored."""
        if participant not in self._people:
            return
        self._worker.close_leg(participant)
        self._take_out(participant)
        if not self._people:
            await self.close()

    def can_hand_over_to(self, other: Conference) -> bool:
        """Whether its legs can go there: they are bound to the worker that has their ports."""
        return other is not self and other._worker is self._worker and not (self.is_closed or other.is_closed)

    def hand_over(self, participant: int, other: Conference) -> Participant:
        """Somebody goes to another room, see can_hand_over_to(); the call goes on. Raises KeyError for who is not here.

        Nothing of this room reaches the leg after that, and nothing of the other before. Who calls this ends a room
        that is empty now.
        """
        person = self._people[participant]
        self._worker.send("net", MoveLeg(participant, other.policy.number))
        for route in (RouteVideo(participant, 0), RouteContent(participant, 0)):
            self._worker.send("net", route)
        self._take_out(participant)
        person.settle()
        other._take_in(person)
        return person

    def _take_out(self, participant: int) -> None:
        person = self._people.pop(participant)
        self._panels.pop(participant, None)
        self._stage.forget(participant)
        self._hearing.forget(participant)
        for process, kind in (("audio", Kind.AUDIO), ("video", Kind.VIDEO), ("video", Kind.CONTENT)):
            self._worker.send(process, RemoveSource(stream_id(participant, kind)))
        self._cameras.leave(participant)
        self._floor.end(participant)
        if self.speaker == participant:
            self.speaker = 0
        if self.spotlight == participant:
            self.spotlight = 0
        logger.info("room=%s leg=%d left", self.policy.number, participant)
        self._say("left", participant=participant, name=person.name)
        if self._people:
            self._refresh_now()

    async def remove(self, participant: int, reason: HangUp = HangUp.REMOVED) -> None:
        """Show somebody the door; unknown participants are ignored."""
        if person := self._people.get(participant):
            await self.leave(participant)
            await person.leg.hang_up(reason)

    def raise_allowance(self, participant: int, allowance: Allowance) -> None:
        """The machine has room again: somebody who came with less may have this now. Others are ignored."""
        person = self._people.get(participant)
        if person is None or person.allowance >= allowance:
            return
        had_pictures, person.allowance = person.allowance.has_pictures, allowance
        logger.info("room=%s leg=%d may have %s now", self.policy.number, participant, allowance.name.lower())
        if not had_pictures:
            person.leg.pictures_allowed()
        self._refresh()

    def leg_changed(self, participant: int) -> None:
        """The leg was renegotiated: hold, another codec, content added or taken away."""
        if person := self._people.get(participant):
            self._hearing.update(person)
            if person.is_sharing and not person.has_content:
                self._floor.end(participant)
            self._refresh()

    # ---- what hosts do

    def mute(self, participant: int, is_muted: bool) -> None:
        """Stop (or go on) mixing what somebody says. Raises KeyError for somebody who is not here."""
        person = self._people[participant]
        if person.is_muted != is_muted:
            person.is_muted = is_muted
            self._hearing.mute(participant, is_muted)
            self._refresh()

    def mute_all(self) -> None:
        """Mute everybody but the hosts."""
        for person in self._people.values():
            if person.role is not Role.HOST:
                self.mute(person.id, is_muted=True)

    def set_gain(self, participant: int, gain_db: int) -> None:
        """Let the others hear somebody louder or quieter, within GAINS_DB. Raises KeyError for who is not here."""
        person = self._people[participant]
        person.gain_db = min(max(gain_db, GAINS_DB[0]), GAINS_DB[1])
        self._hearing.set_gain(participant, person.gain_db)
        self._refresh()

    def set_spotlight(self, participant: int) -> None:
        """Give somebody the big tile, whoever speaks; 0: nobody any more. Raises KeyError for who is not here."""
        if participant and participant not in self._people:
            raise KeyError(participant)
        self.spotlight = participant
        self._cameras.spoke(participant)
        self._refresh()

    def set_layout(self, layout: LayoutMode) -> None:
        """Arrange the picture otherwise."""
        self.layout = layout
        self._refresh()

    def set_own_layout(self, participant: int, layout: LayoutMode | None) -> bool:
        """Arrange the picture of one participant otherwise; None: as all others see it.

        False where the room shows too many layouts already. Raises KeyError for somebody who is not here.
        """
        person = self._people[participant]
        chosen = {each.layout for each in self._people.values() if each is not person} | {layout}
        if len(chosen - {None, self.layout}) > MAX_OWN_LAYOUTS:
            return False
        person.layout = layout
        self._refresh()
        return True

    def next_layout(self) -> None:
        """Arrange the picture in the next way, for remote controls that have one key for it."""
        self.set_layout(_after(self.layout))

    def next_own_layout(self, participant: int) -> None:
        """The same for the picture of one participant alone. Raises KeyError for somebody who is not here."""
        layout = _after(self._people[participant].layout or self.layout)
        while not self.set_own_layout(participant, None if layout is self.layout else layout):
            layout = _after(layout)

    def set_role(self, participant: int, role: Role) -> None:
        """Give somebody the rights of a host, or take them away. Raises KeyError for somebody who is not here."""
        person = self._people[participant]
        if person.role is role:
            return
        person.role = role
        logger.info("room=%s leg=%d is %s now", self.policy.number, participant, role)
        self._say("role", participant=participant, name=person.name, role=str(role))
        self._refresh()

    def raise_hand(self, participant: int, is_raised: bool) -> None:
        """Ask for the floor, or no longer; hosts lower hands too. Raises KeyError for somebody who is not here."""
        person = self._people[participant]
        if person.has_hand_raised != is_raised:
            person.has_hand_raised = is_raised
            self._refresh()

    def show_message(self, text: str, seconds: float) -> None:
        """Let everybody read a line in the picture (see mcu.notice); "" takes it away."""
        self._notice.show(text, seconds)

    def lock(self, is_locked: bool) -> None:
        """Let nobody else in, or let people in again."""
        self.is_locked = is_locked
        self._refresh()

    @property
    def presenter(self) -> int:
        """The participant who has the floor: may show a screen, or shows one; 0 for nobody."""
        return self._floor.holder

    def request_floor(self, participant: int) -> bool:
        """Somebody wants to show a screen; whether it may, by the policy of the room."""
        return not self.is_closed and self._floor.request(participant)

    def release_floor(self, participant: int) -> None:
        """Somebody's screen is shared no more."""
        self._floor.release(participant)

    def take_floor(self) -> None:
        """A host ends what is presented, whoever does; who did may ask again."""
        self._floor.release(self._floor.holder)

    def move_camera(self, participant: int, move: CameraMove) -> bool:
        """Turn the camera of a terminal; False where it has none that can be turned from here."""
        return self._cameras.move(participant, move)

    def steer_camera(self, by: int, move: CameraMove, hold_s: float, *, is_start: bool) -> Steering:
        """The remote control of a participant turns the camera of whom it sees large, where it may."""
        return self._cameras.steer(by, move, hold_s, is_start=is_start)

    def allow_video(self, participant: int) -> None:
        """Decode a picture again that was banned because the decoder crashed on it twice."""
        for kind in (Kind.VIDEO, Kind.CONTENT):
            stream = stream_id(participant, kind)
            if stream in self._banned:
                self._banned.discard(stream)
                self._worker.send("video", BanSource(stream, is_banned=False))
        self._refresh()

    async def start_recording(self, by: str) -> None:
        """Record from now on; all are told. Does nothing while it records or where the policy forbids it.

        Raises RegisterError where nothing can be recorded.
        """
        await self._recording.start(by)

    async def stop_recording(self) -> None:
        """Finish the recording; all are told."""
        await self._recording.stop()

    def recording_changed(self, kind: str, **data: object) -> None:
        """See mcu.room_recording."""
        if kind != "changed":
            self._say(kind, **data)
        self._refresh_now()

    # ---- what one leg sees and hears alone

    def show_panel(self, participant: int, panel: Panel | None) -> None:
        """Show words to one participant, over the picture; None takes them away."""
        if panel is not None and participant in self._people:
            self._panels[participant] = panel
        else:
            self._panels.pop(participant, None)
        self._refresh()

    def speak_to(self, participant: int, *prompts: str, interrupt: bool = False) -> None:
        """Let one participant hear prompts after what still plays; with `interrupt` that is cut short."""
        if interrupt:
            self._hearing.interrupt(participant)
        self._hearing.announce(*prompts, leg=participant)

    # ---- its end, and its policy

    async def close(self, reason: HangUp = HangUp.CONFERENCE_ENDED) -> None:
        """End it for everybody; returns when it has ended, whoever asked first."""
        if self._closing is None:
            people, self._people = list(self._people.values()), {}
            self._recording.forget()
            self._notice.cancel()
            self._closing = asyncio.get_running_loop().create_task(self._end(people, reason))
        # Who waits may be cancelled, as a call is whose server stops; the end goes on.
        await asyncio.shield(self._closing)

    async def _end(self, people: Sequence[Participant], reason: HangUp) -> None:
        if await self._recording.finish():
            self._say("recording-ended")
        for person in people:
            self._worker.close_leg(person.id)
        self._stage.close()
        self._worker.send("audio", CloseRoom(self.policy.number))
        self._say("closed")
        await asyncio.gather(*(person.leg.hang_up(reason) for person in people))

    def policy_changed(self, policy: RoomPolicy) -> None:
        """The administrator changed the room; what runs follows where it can."""
        if policy.layout is not self.policy.layout:
            self.layout = policy.layout
        if policy.is_locked is not self.policy.is_locked:
            self.is_locked = policy.is_locked
        if policy.record is not self.policy.record:
            self._recording.policy_changed(policy.record)
        self.policy = policy
        self._refresh()

    # ---- what the worker says

    def heard(self, message: AnyMessage) -> None:
        """An event of the worker that concerns this room."""
        match message:
            case Levels():
                self._take_levels(message)
            case BanSource():
                self._banned.add(message.stream)
                self._refresh()
            case RecordingProgress() | RecordingEnded():
                self._recording.heard(message)
            case _:
                pass

    def owns(self, stream: int) -> bool:
        """Whether a source belongs to somebody in this room."""
        return leg_of(stream) in self._people

    def _heard_of(self, person: Participant, message: AnyMessage) -> None:
        if self._people.get(person.id) is not person:
            return  # in another room meanwhile
        match message:
            case LegStats():
                person.take_stats(message)
                self._floor.watch(person, message)
                self._refresh()
            case KeyframeWanted():
                person.leg.request_keyframe(message.kind)
            case PeerLimit():
                person.limits[message.kind] = message.bitrate_bps
                self._refresh()
            case LegBandwidth():
                person.bandwidth[message.kind] = message.bitrate_bps
                self._refresh()
            case _:
                pass

    def _take_levels(self, message: Levels) -> None:
        for leg, level in message.levels.items():
            if person := self._people.get(leg):
                person.level = level
        for person in self._people.values():
            person.is_speaking = person.id in message.talkers and person.level < _SPEAKING_LEVEL
        self.speaker = message.speaker if message.speaker in self._people else self.speaker
        self._cameras.spoke(self.spotlight or self.speaker)
        self._show()
        self._say("levels", levels=message.levels, speaker=self.speaker)

    # ---- bringing the worker up to date

    def _refresh(self) -> None:
        """Show what changed, once for all changes of this turn of the loop."""
        if not self._is_refresh_due:
            self._is_refresh_due = True
            asyncio.get_running_loop().call_soon(self._refresh_now)

    def _refresh_now(self) -> None:
        self._is_refresh_due = False
        if self.is_closed:
            return
        self._show()
        for person in self._people.values():
            person.leg.roster_changed()
        self._say("changed")

    def _show(self) -> None:
        sizes = self._full_hd.sizes(self.policy.has_full_hd, self.is_recording, time.monotonic())
        layout = LayoutMode.SPEAKER if self.spotlight and self.layout in _WITHOUT_BIG_TILE else self.layout
        seen = self.spotlight or self.speaker
        own = {person.id: person.layout for person in self._people.values() if person.layout is not None}
        notice = self._recording.notice
        caption = self.message or (notice.caption if notice is not None else "")
        view = View(layout, seen, self.is_recording, caption, self._panels, own, sizes)
        self._stage.show(list(self._people.values()), view)

    def _say(self, kind: str, **data: object) -> None:
        self._tell(ConferenceEvent(kind, self.policy.number, data))


def _after(layout: LayoutMode) -> LayoutMode:
    modes = list(LayoutMode)
    return modes[(modes.index(layout) + 1) % len(modes)]
