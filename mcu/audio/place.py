"""The sound of one caller's place: prompts, an echo, digits in tones; nobody else is ever in it."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from config.media import AudioSettings
from mcu.audio.codecs import TAPPED_HZ
from mcu.audio.errors import BadPacketError
from mcu.audio.listener import Listener
from mcu.audio.mixer import EVERYBODY, Limiters, mix
from mcu.audio.outputs import PRIMING_FRAMES, Feed, MakeEncoder, Output, Outputs
from mcu.audio.pcm import TICK_US, Pcm, from_int16, silence, to_int16
from mcu.audio.prompts.library import Stored
from mcu.audio.prompts.player import Player
from mcu.audio.source import Source
from mcu.media import Codec, Kind, stream_id
from mcu.worker.channel import NO_LEVEL, Frame
from mcu.worker.messages import AddAudioLeg, AssignAudio, Dtmf, Levels, Playout

MAX_ECHO_MS = 10_000
_ECHO_GAIN = 0.8
"""A loudspeaker beside a microphone must not howl."""
_MAX_PACKETS_A_TICK = 64
_PLAYOUT_STEP_US = 5_000


class AudioPlace:
    """What AudioRoom is for many, for one leg; what it sends is decoded only where it is of use."""

    def __init__(
        self, name: str, settings: AudioSettings, make_encoder: MakeEncoder, next_output: Callable[[], int]
    ) -> None:
        self.name = name
        self._outputs = Outputs(make_encoder, next_output)
        self._leg: AddAudioLeg | None = None
        self._source: Source | None = None
        self._listener: Listener | None = None
        self._codec: Codec | None = None
        self._next_codec: Codec | None = None
        self._arrived = 0
        self._player = Player(settings.prompt_gain_db)
        self._limiters = Limiters()
        self._recent: deque[Pcm] = deque(maxlen=PRIMING_FRAMES)
        self._echo: deque[NDArray[np.int16]] = deque()
        self._reported_playout_us = 0
        self._digits: list[Dtmf] = []
        self.counters: Counter[str] = Counter()

    # ---- who is in it -------------------------------------------------------------------------------------------

    @property
    def legs(self) -> tuple[int, ...]:
        """The caller."""
        return (self._leg.leg,) if self._leg is not None else ()

    @property
    def encoders(self) -> int:
        """How many encoders run for it."""
        return len(self._outputs)

    @property
    def has_echo(self) -> bool:
        """Whether the caller hears itself."""
        return self._leg is not None and self._leg.echo_ms > 0

    @property
    def sources(self) -> Iterator[Source]:
        """What the caller sends."""
        return iter(() if self._source is None else (self._source,))

    def add_leg(self, leg: AddAudioLeg) -> None:
        """Let the caller in, or change what it hears."""
        self._leg = leg
        if not leg.echo_ms:
            self.remove_source(leg.leg)
        elif self._source is not None:
            self._source.listen(leg.listens_for_digits)
        if leg.echo_ms or not leg.listens_for_digits:
            self._listener = None

    def remove_leg(self, leg: int) -> list[AssignAudio]:
        """The caller goes to a room, or is gone."""
        self.remove_source(leg)
        self._leg = None
        return self._outputs.assign({}, lambda _: [silence()])

    def remove_source(self, leg: int) -> None:
        """Forget what the caller sent."""
        del leg
        if self._source is not None:
            self.counters.update(self._source.stats)
        self._source = None
        self._echo.clear()
        self._reported_playout_us = 0

    def set_gain(self, leg: int, gain_db: int) -> None:
        """Nobody is mixed here."""

    def mute(self, leg: int, is_muted: bool) -> None:
        """Nobody else hears this leg, muted or not."""

    def play(self, leg: int, sound: Stored) -> None:
        """Let the caller hear a prompt after those that wait."""
        del leg
        self._player.add(sound)

    def stop(self, leg: int) -> None:
        """Cut what plays."""
        del leg
        self._player.cut()

    def expect_loss(self, leg: int, percent: int) -> None:
        """The caller misses so many packets of what it is sent."""
        self._outputs.expect_loss(leg, percent)

    def feed(self, leg: int, frame: Frame, now_us: int, measured: int = NO_LEVEL) -> None:
        """Take a packet of the caller; how loud it is does not matter."""
        del measured
        self._arrived += 1
        if self._leg is None or not self._is_heard(self._leg, frame.codec) or self._arrived > _MAX_PACKETS_A_TICK:
            self.counters["unexpected"] += 1
            return
        try:
            if self._leg.echo_ms:
                self._source_for(leg, frame.codec, self._leg).put(frame, now_us)
            else:
                self._listen(leg, frame)
        except BadPacketError:
            self.counters["bad"] += 1

    def _listen(self, leg: int, frame: Frame) -> None:
        """Where there is no echo nobody plays this sound."""
        self._follow_codec(frame.codec)
        if self._listener is None or self._listener.codec != frame.codec:
            self._listener = Listener(frame.codec)
        self._digits += [Dtmf(leg, digit) for digit in self._listener.hear(frame)]

    def _is_heard(self, leg: AddAudioLeg, codec: Codec) -> bool:
        return leg.echo_ms > 0 or (leg.listens_for_digits and codec in TAPPED_HZ)

    def _follow_codec(self, codec: Codec) -> None:
        """Another codec needs two packets in a row, so that nobody makes us build decoders."""
        if self._codec not in (None, codec) and self._next_codec != codec:
            self._next_codec = codec
            raise BadPacketError("another codec")
        self._codec, self._next_codec = codec, None

    def _source_for(self, number: int, codec: Codec, leg: AddAudioLeg) -> Source:
        self._follow_codec(codec)
        if self._source is None or self._source.codec != codec:
            self.remove_source(number)
            self._source = Source(codec)
            self._source.listen(leg.listens_for_digits)
        return self._source

    # ---- one tick -----------------------------------------------------------------------------------------------

    def tick(self, now_us: int) -> tuple[list[AssignAudio | Playout], Iterable[Output]]:
        """Make 20 ms of what the caller hears; the output that is to be encoded now."""
        self._arrived = 0
        leg = self._leg
        if leg is None:
            return [], []
        mixes = self._limiters.process(mix({}, self._sound(leg, now_us)))
        messages: list[AssignAudio | Playout] = [
            *self._outputs.assign({leg.leg: Feed(leg.codec, EVERYBODY)}, self._history)
        ]
        self._recent.append(mixes[EVERYBODY])
        return [*messages, *self._playouts(leg)], self._outputs.hear(mixes)

    def _sound(self, leg: AddAudioLeg, now_us: int) -> Pcm:
        pcm = silence()
        if leg.echo_ms:
            self._echo.append(to_int16(self._own(leg, now_us)))
            waiting = min(leg.echo_ms, MAX_ECHO_MS) * 1000 // TICK_US
            while len(self._echo) > waiting:
                pcm = from_int16(self._echo.popleft()) * np.float32(_ECHO_GAIN)
        prompt = self._player.next_frame()
        return pcm if prompt is None else pcm + prompt

    def _own(self, leg: AddAudioLeg, now_us: int) -> Pcm:
        if self._source is None:
            return silence()
        pcm = self._source.pull(now_us, is_decoded=True).pcm
        self._digits += [Dtmf(leg.leg, digit) for digit in self._source.take_digits()]
        return pcm

    def _history(self, key: int) -> Sequence[Pcm]:
        del key
        return list(self._recent) or [silence()]

    def take_digits(self) -> list[Dtmf]:
        """What was keyed in since the last call."""
        digits, self._digits = self._digits, []
        return digits

    # ---- reports ------------------------------------------------------------------------------------------------

    def _playouts(self, leg: AddAudioLeg) -> Iterator[Playout]:
        """The own picture waits for the own sound, as in a room; both come back later by the same time."""
        late_us = 0 if self._source is None or not leg.echo_ms else self._source.playout_us
        if late_us and abs(late_us - self._reported_playout_us) > _PLAYOUT_STEP_US:
            self._reported_playout_us = late_us
            yield Playout(stream_id(leg.leg, Kind.AUDIO), late_us)

    def repeat_reports(self) -> list[AssignAudio | Playout]:
        """Everything that a restarted neighbour has to know."""
        self._reported_playout_us = 0
        return [*self._outputs.assignments(), *(self._playouts(self._leg) if self._leg is not None else ())]

    def levels(self) -> Levels | None:
        """Nobody asks how loud somebody in a place is."""
        return None
