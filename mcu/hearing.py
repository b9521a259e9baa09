"""What the legs of a conference hear: who is mixed, in which codec, who is muted, and what is announced to whom."""

from __future__ import annotations

from mcu.fleet.worker import Worker
from mcu.media import Codec, Kind, needs_tone_detection
from mcu.participant import Participant
from mcu.worker.messages import AddAudioLeg, MuteLeg, PlayPrompt, RemoveAudioLeg, SetGain, StopPrompts


class Hearing:
    """Keeps the audio process of one room up to date; only what changed is said."""

    def __init__(self, room: str, worker: Worker) -> None:
        self._room = room
        self._worker = worker
        self._legs: dict[int, AddAudioLeg] = {}

    def update(self, person: Participant) -> None:
        """The leg came, or was renegotiated; one that takes no sound hears nothing."""
        stream = person.leg.media.stream(Kind.AUDIO)
        codec = stream.send.codec if stream is not None and stream.send is not None else None
        if codec is None or stream is None:
            self.forget(person.id)
            return
        wanted = AddAudioLeg(
            self._room, person.id, Codec(codec), stream.ptime_ms, listens_for_digits=needs_tone_detection(stream)
        )
        if self._legs.get(person.id) != wanted:
            self._legs[person.id] = wanted
            self._worker.send("audio", wanted)
            if person.is_muted:
                self.mute(person.id, is_muted=True)
            if person.gain_db:
                self.set_gain(person.id, person.gain_db)

    def forget(self, leg: int) -> None:
        """The leg is gone; unknown ones are ignored."""
        if self._legs.pop(leg, None):
            self._worker.send("audio", RemoveAudioLeg(leg))

    def mute(self, leg: int, is_muted: bool) -> None:
        """Stop (or go on) mixing what a leg says."""
        self._worker.send("audio", MuteLeg(leg, is_muted))

    def set_gain(self, leg: int, gain_db: int) -> None:
        """Mix a leg so much louder (or quieter) than it comes."""
        self._worker.send("audio", SetGain(leg, gain_db))

    def announce(self, *prompts: str, leg: int = 0) -> None:
        """Let everybody, or one leg, hear prompts after what still plays."""
        for prompt in prompts:
            self._worker.send("audio", PlayPrompt(self._room, prompt, leg))

    def interrupt(self, leg: int) -> None:
        """Cut short what plays for one leg."""
        self._worker.send("audio", StopPrompts(self._room, leg))
