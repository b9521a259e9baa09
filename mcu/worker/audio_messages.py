"""Commands to the audio process, and what it tells the net and the control process."""

from __future__ import annotations

from mcu.media import Codec
from mcu.worker.message import Message


class AddAudioLeg(Message, frozen=True):
    """A leg that hears the room, in `codec`; what it sends, if anything, comes as stream_id(leg, AUDIO)."""

    room: str
    leg: int
    codec: Codec
    ptime_ms: int = 20
    is_recorder: bool = False
    listens_for_digits: bool = False
    """Find DTMF in the sound of the leg (G.711 and G.722), and tell Dtmf."""
    echo_ms: int = 0
    """In a place: let the leg hear itself after so long; 0: not."""


class RemoveAudioLeg(Message, frozen=True):
    """The leg hears nothing any more and is not mixed."""

    leg: int


class MuteLeg(Message, frozen=True):
    """The leg is (not) mixed; it goes on hearing."""

    leg: int
    is_muted: bool


class SetGain(Message, frozen=True):
    """How much louder (or quieter) the leg is mixed than it came; of what it hears nothing changes."""

    leg: int
    gain_db: int


class PlayPrompt(Message, frozen=True):
    """Mix a prompt file into what the room (leg 0) or one leg hears, after those that it still waits for."""

    room: str
    prompt: str
    leg: int = 0


class StopPrompts(Message, frozen=True):
    """Cut short what plays for the room (leg 0) or one leg, and what waits to be played."""

    room: str
    leg: int = 0


class ListenerLoss(Message, frozen=True):
    """From net: this share (0..1) of what the leg is sent gets lost on the way; at most once a second."""

    leg: int
    fraction: float


class AssignAudio(Message, frozen=True):
    """From the next frame on the leg is fed by `output` (0: by none). Outputs are numbered by the audio process."""

    leg: int
    output: int


class Playout(Message, frozen=True):
    """The audio process plays this stream `delay_us` after its capture; video of the same leg is held to match."""

    stream: int
    delay_us: int


class Levels(Message, frozen=True):
    """Five times a second for each room: who is how loud, who speaks."""

    room: str
    levels: dict[int, int]
    """leg -> level in -dBov (0 loudest, 127 silence), for legs whose level changed."""
    talkers: tuple[int, ...]
    """Legs that are mixed now, loudest first."""
    speaker: int = 0
    """The active speaker, with hysteresis; 0 when nobody ever spoke."""
