"""The audio plane of a worker without its channels: messages and packets in, messages and frames out, by ticks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count

import msgspec

from config.media import AudioSettings
from mcu.audio.codecs import AUDIO_CODECS, Encoder, make_encoder
from mcu.audio.encoding import Encoding
from mcu.audio.loudness import measure
from mcu.audio.outputs import Output
from mcu.audio.pcm import TICK_US
from mcu.audio.place import AudioPlace
from mcu.audio.prompts.library import PromptLibrary
from mcu.audio.room import AudioRoom
from mcu.media import Codec, Kind, is_place, kind_of, leg_of, place_of
from mcu.worker.channel import NO_LEVEL, Frame
from mcu.worker.messages import (
    AddAudioLeg,
    AnyMessage,
    AssignAudio,
    CloseRoom,
    Dtmf,
    Levels,
    ListenerLoss,
    Message,
    MuteLeg,
    Playout,
    PlayPrompt,
    RemoveAudioLeg,
    RemoveSource,
    SetGain,
    StopPrompts,
)  # fmt: skip

_TICKS_A_LEVEL_REPORT = 10


@dataclass(slots=True)
class Produced:
    """What one tick made: for the net process in this order (messages, then frames), and for control."""

    messages: list[AssignAudio | Playout] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)
    levels: list[Levels] = field(default_factory=list)
    digits: list[Dtmf] = field(default_factory=list)


class AudioPlane:
    """All rooms of a worker. The caller brings the clock and calls tick() every 20 ms."""

    def __init__(self, settings: AudioSettings, prompts: PromptLibrary) -> None:
        self._settings = settings
        self._prompts = prompts
        self._rooms: dict[str, AudioRoom | AudioPlace] = {}
        self._room_of: dict[int, AudioRoom | AudioPlace] = {}
        self._encoding = Encoding(settings.encode_threads)
        self._numbers = count(1)
        self._waiting: list[AssignAudio | Playout] = []
        self._ticks = 0
        self.counters: Counter[str] = Counter()
        self._handlers: dict[type[Message], Callable[..., None]] = {
            AddAudioLeg: self._add_leg,
            RemoveAudioLeg: self._remove_leg,
            RemoveSource: self._remove_source,
            MuteLeg: self._mute,
            SetGain: self._set_gain,
            PlayPrompt: self._play,
            StopPrompts: self._stop,
            ListenerLoss: self._lose,
            CloseRoom: self._close_room,
        }

    def handle(self, message: AnyMessage) -> None:
        """Do what control says; a message for others is counted."""
        handler = self._handlers.get(type(message))
        if handler is None:
            self.counters["unexpected-message"] += 1
            return
        handler(message)

    def feed(self, frames: Sequence[Frame], now_us: int) -> None:
        """Take packets from the net process; those that do not tell when they arrived did so at `now_us`."""
        measured = measure(frames)
        for index, frame in enumerate(frames):
            self._feed(frame, frame.arrival_us or now_us, measured.get(index, NO_LEVEL))

    def _feed(self, frame: Frame, now_us: int, measured: int) -> None:
        if frame.codec not in AUDIO_CODECS or kind_of_or_none(frame.stream) != Kind.AUDIO:
            self.counters["not-audio"] += 1
            return
        leg = leg_of(frame.stream)
        room = self._room_of.get(leg)
        if room is None:
            self.counters["unknown-leg"] += 1
            return
        room.feed(leg, frame, now_us, measured)

    def tick(self, now_us: int) -> Produced:
        """Mix 20 ms of every room; `now_us` lies on the grid of ticks."""
        produced = Produced(messages=self._waiting)
        self._waiting = []
        self._ticks += 1
        outputs: list[Output] = []
        for room in self._rooms.values():
            messages, heard = room.tick(now_us)
            produced.messages += messages
            outputs += heard
            produced.digits += room.take_digits()
            if self._ticks % _TICKS_A_LEVEL_REPORT == 0 and (levels := room.levels()) is not None:
                produced.levels.append(levels)
        produced.frames = self._frames(outputs, now_us // TICK_US)
        return produced

    def _frames(self, outputs: list[Output], tick: int) -> list[Frame]:
        """The packets of all rooms; who gets none since its encoder failed conceals it."""
        self._encoding.encode(outputs)
        frames = [output.frame(tick) for output in outputs if output.payload]
        if len(frames) < len(outputs):
            self.counters["not-encoded"] += len(outputs) - len(frames)
        return frames

    def close(self) -> None:
        """End its threads; it mixes no more."""
        self._encoding.close()

    def neighbour_restarted(self) -> None:
        """The net process is new: tell it with the next tick who is fed by what."""
        self._waiting = [message for room in self._rooms.values() for message in room.repeat_reports()]

    @property
    def gauges(self) -> dict[str, float]:
        """What is running now."""
        sources = [source for room in self._rooms.values() for source in room.sources]
        return {
            "audio_rooms": float(sum(isinstance(room, AudioRoom) for room in self._rooms.values())),
            "audio_places": float(sum(isinstance(room, AudioPlace) for room in self._rooms.values())),
            "audio_legs": float(len(self._room_of)),
            "audio_sources": float(len(sources)),
            "audio_encoders": float(sum(room.encoders for room in self._rooms.values())),
            "audio_delay_max_ms": max((source.desired_delay_us / 1000 for source in sources), default=0.0),
        }

    def totals(self) -> Counter[str]:
        """Cumulative counts of everything that went past."""
        totals = Counter(self.counters)
        for room in self._rooms.values():
            totals.update(room.counters)
            for source in room.sources:
                if source.counters:
                    totals.update(source.counters)
        return totals

    def _add_leg(self, message: AddAudioLeg) -> None:
        known = self._room_of.get(message.leg)
        room = self._rooms.get(message.room)
        if known is None and len(self._room_of) >= self._settings.max_legs:
            self.counters["too-many-legs"] += 1
            return
        if is_place(message.room) and message.room != place_of(message.leg):
            self.counters["foreign-place"] += 1
            return
        if known is not None and known is not room:
            self._remove_leg(RemoveAudioLeg(message.leg))
            room = self._rooms.get(message.room)
        if room is None:
            kind = AudioPlace if is_place(message.room) else AudioRoom
            room = kind(message.room, self._settings, self._make_encoder, lambda: next(self._numbers))
            self._rooms[message.room] = room
        room.add_leg(self._bounded(message, room))
        self._room_of[message.leg] = room

    def _bounded(self, message: AddAudioLeg, room: AudioRoom | AudioPlace) -> AddAudioLeg:
        """An echo keeps seconds of sound: only so many callers get one."""
        echoes = sum(
            isinstance(each, AudioPlace) and each.has_echo for each in self._rooms.values() if each is not room
        )
        if not message.echo_ms or echoes < self._settings.max_echoes:
            return message
        self.counters["too-many-echoes"] += 1
        return msgspec.structs.replace(message, echo_ms=0)

    def _remove_leg(self, message: RemoveAudioLeg) -> None:
        room = self._room_of.pop(message.leg, None)
        if room is None:
            return
        self._waiting += room.remove_leg(message.leg)
        if not room.legs:
            self._forget(room)

    def _remove_source(self, message: RemoveSource) -> None:
        room = self._room_of.get(leg_of(message.stream))
        if room is not None and kind_of_or_none(message.stream) == Kind.AUDIO:
            room.remove_source(leg_of(message.stream))

    def _set_gain(self, message: SetGain) -> None:
        room = self._room_of.get(message.leg)
        if room is not None:
            room.set_gain(message.leg, message.gain_db)

    def _mute(self, message: MuteLeg) -> None:
        room = self._room_of.get(message.leg)
        if room is not None:
            room.mute(message.leg, message.is_muted)

    def _lose(self, message: ListenerLoss) -> None:
        room = self._room_of.get(message.leg)
        if room is not None:
            room.expect_loss(message.leg, min(self._settings.max_loss_percent, round(100 * message.fraction)))

    def _play(self, message: PlayPrompt) -> None:
        room = self._rooms.get(message.room)
        sound = self._prompts.get(message.prompt)
        if sound is None:
            self.counters["unknown-prompt"] += 1
        elif room is not None:
            room.play(message.leg, sound)

    def _stop(self, message: StopPrompts) -> None:
        if room := self._rooms.get(message.room):
            room.stop(message.leg)

    def _close_room(self, message: CloseRoom) -> None:
        room = self._rooms.get(message.room)
        if room is None:
            return
        for leg in room.legs:
            self._remove_leg(RemoveAudioLeg(leg))

    def _forget(self, room: AudioRoom | AudioPlace) -> None:
        self.counters.update(room.counters)
        self._rooms = {name: known for name, known in self._rooms.items() if known is not room}

    def _make_encoder(self, codec: Codec) -> Encoder:
        settings = self._settings
        return make_encoder(codec, settings.opus_bitrate_bps, settings.opus_complexity, settings.expected_loss_percent)


def kind_of_or_none(stream: int) -> Kind | None:
    """The role of `stream`; None for numbers that no leg has."""
    try:
        return kind_of(stream)
    except KeyError:
        return None
