"""One caller's private place on a worker, before and beside rooms: a picture with words, prompts, an echo.

Its media room never meets another leg, so nothing of a room reaches who is still outside, nor the other way round.
"""

from __future__ import annotations

from dataclasses import dataclass

from mcu.fleet.worker import Worker
from mcu.media import Codec, Kind, LegMedia, needs_tone_detection, place_of, stream_id
from mcu.outputs import next_rendition
from mcu.rendition import LADDER, RenditionKey, rendition_for
from mcu.worker.messages import (
    AddAudioLeg,
    AttachLeg,
    CloseRendition,
    CloseRoom,
    MoveLeg,
    OpenRendition,
    Panel,
    PlayPrompt,
    RemoveAudioLeg,
    RemoveSource,
    RouteVideo,
    SetScene,
    StopPrompts,
    Tile,
)

SCENE = "place"
MAX_ECHO_S = 10.0
_LADDER = LADDER[1:]
"""640x360 at the most: words are legible, and many may wait."""
_STILL_RATE = 5
_KEYFRAME_INTERVAL_S = 10.0
"""Terminals without feedback get a whole picture now and then; of a still one that costs little."""


@dataclass(frozen=True, slots=True)
class _Picture:
    key: RenditionKey
    frame_rate: int
    number: int


class Place:
    """Opened by enter(), closed by leave(); a leg may come back to it. Everything else does nothing while closed."""

    def __init__(self, worker: Worker, leg: int) -> None:
        self.leg = leg
        self.room = place_of(leg)
        self._worker = worker
        self._media: LegMedia | None = None
        self._picture: _Picture | None = None
        self._sound: AddAudioLeg | None = None
        self._admitted: tuple[Kind, ...] | None = None
        self._panel = Panel("")
        self._echo_ms = 0

    @property
    def is_entered(self) -> bool:
        """Whether the leg is here now."""
        return self._media is not None

    @property
    def has_picture(self) -> bool:
        """Whether the caller sees what show() shows."""
        return self._picture is not None

    def enter(self, media: LegMedia) -> None:
        """Let the configured leg in; call it again when the leg was renegotiated."""
        is_new = self._media is None
        self._media = media
        if is_new:
            self._admitted = None
            self._worker.send("net", MoveLeg(self.leg, self.room))
        self._set_scene()
        self._update_picture(media)
        self._update_sound(media)
        self._update_gate()

    def show(self, panel: Panel) -> None:
        """Show these words, in the languages in which they are given."""
        if panel != self._panel:
            self._panel = panel
            if self._media is not None:
                self._set_scene()

    def say(self, *prompts: str, interrupt: bool = False) -> None:
        """Play prompts after what still plays; with `interrupt` (a digit was pressed) that is cut short."""
        if self._sound is None:
            return
        if interrupt:
            self._worker.send("audio", StopPrompts(self.room, self.leg))
        for prompt in prompts:
            self._worker.send("audio", PlayPrompt(self.room, prompt, self.leg))

    def echo(self, delay_s: float) -> None:
        """Give back the caller's own sound and picture after `delay_s` (up to MAX_ECHO_S); 0 ends that."""
        self._echo_ms = round(min(max(delay_s, 0.0), MAX_ECHO_S) * 1000)
        if self._media is not None:
            self.enter(self._media)

    def leave(self, room: str = "") -> None:
        """Close the gate and free everything; the leg stays open, as one of `room` where its conference is known."""
        if self._media is None:
            return
        self._worker.send("net", MoveLeg(self.leg, room))
        if self._sound is not None:
            self._worker.send("audio", RemoveAudioLeg(self.leg))
        self._worker.send("video", CloseRoom(self.room))
        self._worker.send("video", RemoveSource(stream_id(self.leg, Kind.VIDEO)))
        self._media = self._picture = self._sound = None
        self._panel = Panel("")
        self._echo_ms = 0

    # ---- bringing the worker up to date

    def _set_scene(self) -> None:
        tiles = (Tile(0, 0, 1, 1, stream_id(self.leg, Kind.VIDEO)),) if self._echo_ms else ()
        self._worker.send("video", SetScene(self.room, SCENE, tiles, panel=self._panel, delay_ms=self._echo_ms))

    def _update_picture(self, media: LegMedia) -> None:
        stream = media.stream(Kind.VIDEO)
        key = rendition_for(stream, SCENE, _LADDER) if stream is not None else None
        before = self._picture
        if key is None:
            self._picture = None
            if before is not None:
                self._worker.send("net", RouteVideo(self.leg, 0))
        else:
            rate = key.rung.frame_rate if self._echo_ms else min(key.rung.frame_rate, _STILL_RATE)
            if before is not None and (before.key, before.frame_rate) == (key, rate):
                return
            self._picture = _Picture(key, rate, next_rendition())
            self._worker.send("video", self._order(self._picture))
            self._worker.send("net", RouteVideo(self.leg, self._picture.number))
        if before is not None:
            self._worker.send("video", CloseRendition(before.number))

    def _order(self, picture: _Picture) -> OpenRendition:
        rung = picture.key.rung
        return OpenRendition(
            picture.number, self.room, SCENE, picture.key.codec, rung.width, rung.height, picture.frame_rate,
            rung.bitrate_bps, picture.key.profile_level_id, picture.key.max_slice_bytes, _KEYFRAME_INTERVAL_S,
        )  # fmt: skip

    def _update_sound(self, media: LegMedia) -> None:
        stream = media.stream(Kind.AUDIO)
        wanted = None
        if stream is not None and stream.send is not None:
            wanted = AddAudioLeg(
                self.room, self.leg, Codec(stream.send.codec), stream.ptime_ms,
                listens_for_digits=needs_tone_detection(stream), echo_ms=self._echo_ms,
            )  # fmt: skip
        if wanted == self._sound:
            return
        self._worker.send("audio", wanted if wanted is not None else RemoveAudioLeg(self.leg))
        self._sound = wanted

    def _update_gate(self) -> None:
        """Let in what is of use: everything for the echo, sound where digits may be in it, else nothing."""
        kinds: tuple[Kind, ...] = ()
        if self._echo_ms:
            kinds = (Kind.AUDIO, Kind.VIDEO)
        elif self._sound is not None and self._sound.listens_for_digits:
            kinds = (Kind.AUDIO,)
        if kinds != self._admitted:
            self._admitted = kinds
            self._worker.send("net", AttachLeg(self.leg, kinds))
