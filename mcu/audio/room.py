"""The sound of one room: its legs, their sources, who is mixed, and what each leg is given to hear."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from config.media import AudioSettings
from mcu.audio.errors import BadPacketError
from mcu.audio.mixer import EVERYBODY, Limiters, mix
from mcu.audio.outputs import PRIMING_FRAMES, Feed, MakeEncoder, Output, Outputs
from mcu.audio.pcm import Pcm, ramp, silence, to_gain
from mcu.audio.prompts.library import Stored
from mcu.audio.prompts.player import Player
from mcu.audio.source import QUIET, Source, SourceFrame
from mcu.audio.talkers import AUDIBLE_DB, ActiveSpeaker, Change, TalkerSelection
from mcu.media import Codec, Kind, stream_id
from mcu.rtp.silence import SilenceGate
from mcu.worker.channel import NO_LEVEL, Frame
from mcu.worker.messages import AddAudioLeg, AssignAudio, Dtmf, Levels, Playout

_ENTER_SAMPLES = 240
"""5 ms: long enough not to click, short enough not to swallow the beginning of a word."""
_PLAYOUT_STEP_US = 5_000
_MAX_PACKETS_A_TICK = 64
"""More than a jitter buffer holds: nobody needs to send so many at once."""


@dataclass(slots=True)
class _Leg:
    codec: Codec
    source: Source | None = None
    is_muted: bool = False
    gain: float = 1.0
    """By which it is mixed, as hosts wish."""
    mixed_gain: float = 1.0
    """By which it was mixed at the last tick."""
    is_recorder: bool = False
    has_ear: bool = False
    """Whether digits are looked for in what it sends."""
    next_codec: Codec | None = None
    reported_playout_us: int = 0
    level: int = 127
    is_measured: bool = False
    """Whether its level was measured here, since it tells none."""
    silence: SilenceGate = field(default_factory=SilenceGate)
    """Does here with measured levels what the net process does with those that are told."""


class AudioRoom:
    """Mixes one room, tick by tick."""

    def __init__(
        self, name: str, settings: AudioSettings, make_encoder: MakeEncoder, next_output: Callable[[], int]
    ) -> None:
        self._name = name
        self._settings = settings
        self._legs: dict[int, _Leg] = {}
        self._awake: dict[int, Source] = {}
        """Legs that may be heard: nobody else takes any time at a tick."""
        self._arrived: Counter[int] = Counter()
        """Packets of each leg since the last tick."""
        self._available: frozenset[int] | None = None
        """The mixes that legs were last assigned from; None: legs have changed since."""
        self._outputs = Outputs(make_encoder, next_output)
        self._selection = TalkerSelection(settings.max_talkers)
        self._speaker = ActiveSpeaker()
        self._limiters = Limiters()
        self._history: dict[int, deque[Pcm]] = {}
        self._prompts: dict[int, Player] = {}
        self._reported_levels: dict[int, int] = {}
        self._digits: list[Dtmf] = []
        self.counters: Counter[str] = Counter()

    # ---- who is in it -------------------------------------------------------------------------------------------

    @property
    def legs(self) -> tuple[int, ...]:
        """Everybody who hears the room."""
        return tuple(self._legs)

    @property
    def encoders(self) -> int:
        """How many encoders run for it."""
        return len(self._outputs)

    @property
    def sources(self) -> Iterator[Source]:
        """Those who send."""
        return (leg.source for leg in self._legs.values() if leg.source is not None)

    def add_leg(self, leg: AddAudioLeg) -> None:
        """Let a leg hear the room, or change its codec."""
        known = self._legs.setdefault(leg.leg, _Leg(leg.codec))
        known.codec, known.is_recorder, known.has_ear = leg.codec, leg.is_recorder, leg.listens_for_digits
        self._available = None
        if known.source is not None:
            known.source.listen(known.has_ear)

    def remove_leg(self, leg: int) -> list[AssignAudio]:
        """Forget a leg and its source."""
        self.remove_source(leg)
        self._prompts.pop(leg, None)
        if self._legs.pop(leg, None) is None:
            return []
        self._available = None
        return self._outputs.assign(self._feeds(frozenset(self._selection.talkers)), self._recent)

    def remove_source(self, leg: int) -> None:
        """Forget what a leg sends; it goes on hearing."""
        known = self._legs.get(leg)
        if known is not None and known.source is not None:
            self.counters.update(known.source.stats)
            known.source = None
            known.level = 127
            self._awake.pop(leg, None)

    def mute(self, leg: int, is_muted: bool) -> None:
        """Mix a leg or not."""
        if leg in self._legs:
            self._legs[leg].is_muted = is_muted

    def set_gain(self, leg: int, gain_db: int) -> None:
        """Mix a leg by so many dB louder (or quieter) than it comes."""
        if leg in self._legs:
            self._legs[leg].gain = to_gain(gain_db)

    def stop(self, leg: int) -> None:
        """Cut what plays for the room (leg 0) or one leg."""
        if leg in self._prompts:
            self._prompts[leg].cut()

    def play(self, leg: int, sound: Stored) -> None:
        """Let the room (leg 0) or one leg hear a prompt after those that it already waits for."""
        if leg == 0 or leg in self._legs:
            self._prompts.setdefault(leg, Player(self._settings.prompt_gain_db)).add(sound)

    def expect_loss(self, leg: int, percent: int) -> None:
        """A leg misses so many packets of what it is sent."""
        self._outputs.expect_loss(leg, percent)

    def feed(self, leg: int, frame: Frame, now_us: int, measured: int = NO_LEVEL) -> None:
        """Take a packet of a leg, whose level may have been `measured`; a change of its codec starts a new source."""
        known = self._legs[leg]
        self._arrived[leg] += 1
        if known.is_recorder or self._arrived[leg] > _MAX_PACKETS_A_TICK:
            self.counters["unexpected"] += 1
            return
        known.is_measured = measured != NO_LEVEL
        if known.is_measured:
            frame.level = measured
            is_known = known.source is not None and known.source.codec == frame.codec
            if not known.silence.passes(measured, now_us) and is_known:
                return
        try:
            source = self._source_for(leg, known, frame.codec)
            source.put(frame, now_us)
        except BadPacketError:
            self.counters["bad"] += 1
            return
        if not source.is_resting:
            self._awake[leg] = source
        elif leg not in self._awake:
            known.level = round(-source.resting_level_db)

    def _source_for(self, leg: int, known: _Leg, codec: Codec) -> Source:
        """The source of a leg; another codec needs two packets in a row, so that nobody makes us build decoders."""
        if known.source is not None and known.source.codec != codec:
            if known.next_codec != codec:
                known.next_codec = codec
                raise BadPacketError("another codec")
            self.remove_source(leg)
        known.next_codec = codec
        if known.source is None:
            known.source = Source(codec)
            known.source.listen(known.has_ear)
        return known.source

    # ---- one tick -----------------------------------------------------------------------------------------------

    def tick(self, now_us: int) -> tuple[list[AssignAudio | Playout], Iterable[Output]]:
        """Mix 20 ms; the outputs that are to be encoded now."""
        heard = self._listen(now_us)
        voices = {leg: frame.voice for leg, frame in heard.items()}
        change = self._selection.update(voices, now_us)
        self._speaker.update(voices, now_us, self._rests)
        mixes = self._mix(heard, change)
        messages: list[AssignAudio | Playout] = [*self._assign(frozenset(mixes))]
        outputs = self._outputs.hear(mixes)
        for key, pcm in mixes.items():
            self._history.setdefault(key, deque(maxlen=PRIMING_FRAMES)).append(pcm)
        self._forget_mixes(mixes)
        messages += self._playouts(self._awake)
        self._let_rest()
        return messages, outputs

    def _listen(self, now_us: int) -> dict[int, SourceFrame]:
        """The frame of every leg that may be mixed; the others' time passes too."""
        decoded = self._worth_decoding()
        heard: dict[int, SourceFrame] = {}
        self._arrived.clear()
        for leg, source in self._awake.items():
            known = self._legs[leg]
            frame = source.pull(now_us, leg in decoded)
            if known.has_ear:
                self._digits += [Dtmf(leg, digit) for digit in source.take_digits()]
            if known.is_muted:
                frame = QUIET
            else:
                heard[leg] = frame if known.gain == known.mixed_gain == 1.0 else _turned(frame, known)
            known.level = round(-frame.voice.level_db)
        return heard

    def _worth_decoding(self) -> set[int]:
        """Talkers, sources that tell no level and are not silent, and the loudest of those that do."""
        legs = self._legs
        claims = {leg: source.claimed_level_db() for leg, source in self._awake.items() if not legs[leg].is_muted}
        talkers = set(self._selection.talkers)
        always = {leg for leg, level in claims.items() if level is None or leg in talkers}
        audible = {leg: level for leg, level in claims.items() if level is not None and level > AUDIBLE_DB}
        always |= {leg for leg in audible if legs[leg].is_measured}
        loud = sorted(audible.keys() - always, key=lambda leg: -audible[leg])
        always |= {leg for leg in self._awake if legs[leg].has_ear}
        return always | set(loud[: self._settings.max_decoded])

    def _mix(self, heard: dict[int, SourceFrame], change: Change) -> dict[int, Pcm]:
        frames = {leg: heard[leg].pcm for leg in self._selection.talkers}
        for leg in change.entering & frames.keys():
            frames[leg] = frames[leg].copy()
            frames[leg][:_ENTER_SAMPLES] *= ramp(0.0, 1.0, _ENTER_SAMPLES)
        for leg in change.leaving & heard.keys():
            frames[leg] = heard[leg].pcm * ramp(1.0, 0.0)
        prompts = {leg: pcm for leg in list(self._prompts) if (pcm := self._prompt(leg)) is not None}
        to_all = prompts.pop(0, None)
        return self._limiters.process(mix(frames, to_all, prompts))

    def _prompt(self, leg: int) -> Pcm | None:
        """20 ms of what plays for the leg; the key of the mix with it is the negative leg."""
        player = self._prompts.get(leg)
        if player is None:
            return None
        pcm = player.next_frame()
        if pcm is None:
            del self._prompts[leg]
        return pcm

    def _assign(self, available: frozenset[int]) -> list[AssignAudio]:
        if available == self._available:
            return []
        self._available = available
        return self._outputs.assign(self._feeds(available), self._recent)

    def _feeds(self, available: frozenset[int]) -> dict[int, Feed]:
        return {leg: Feed(known.codec, _mix_of(leg, available)) for leg, known in self._legs.items()}

    def _recent(self, key: int) -> Sequence[Pcm]:
        """The last frames of a mix; one that is new sounded like the mix of everybody until now."""
        return list(self._history.get(key) or self._history.get(EVERYBODY) or [silence()])

    def _forget_mixes(self, mixes: dict[int, Pcm]) -> None:
        for key in self._history.keys() - mixes.keys():
            del self._history[key]

    def _rests(self, leg: int) -> bool:
        """Whether the leg is here and silent."""
        known = self._legs.get(leg)
        return known is not None and known.source is not None and not known.is_muted and leg not in self._awake

    def _let_rest(self) -> None:
        """Who is silent and was not mixed any more needs no further ticks."""
        talkers = self._selection.talkers
        for leg in [leg for leg, source in self._awake.items() if source.is_resting and leg not in talkers]:
            source = self._awake.pop(leg)
            self._legs[leg].level = round(-source.resting_level_db)

    # ---- reports ------------------------------------------------------------------------------------------------

    def take_digits(self) -> list[Dtmf]:
        """What was keyed in since the last call."""
        digits, self._digits = self._digits, []
        return digits

    def _playouts(self, legs: Iterable[int]) -> Iterator[Playout]:
        for leg in legs:
            known = self._legs[leg]
            if known.source is None or not known.source.playout_us:
                continue
            if abs(known.source.playout_us - known.reported_playout_us) > _PLAYOUT_STEP_US:
                known.reported_playout_us = known.source.playout_us
                yield Playout(stream_id(leg, Kind.AUDIO), known.source.playout_us)

    def repeat_reports(self) -> list[AssignAudio | Playout]:
        """Everything that a restarted neighbour has to know."""
        for known in self._legs.values():
            known.reported_playout_us = 0
        return [*self._outputs.assignments(), *self._playouts(self._legs)]

    def levels(self) -> Levels:
        """Levels that changed since the last call, the talkers, and the active speaker."""
        now = {
            leg: 127 if known.is_muted else known.level for leg, known in self._legs.items() if not known.is_recorder
        }
        changed = {leg: level for leg, level in now.items() if self._reported_levels.get(leg) != level}
        self._reported_levels = now
        return Levels(self._name, changed, self._selection.talkers, self._speaker.leg)


def _turned(frame: SourceFrame, leg: _Leg) -> SourceFrame:
    """The frame at the volume that hosts wish, without a step from that of before; who speaks stays who speaks."""
    before, leg.mixed_gain = leg.mixed_gain, leg.gain
    return frame._replace(pcm=frame.pcm * ramp(before, leg.gain))


def _mix_of(leg: int, available: frozenset[int]) -> int:
    """The key of the mix that the leg hears: with its own prompt, without itself, or that of everybody."""
    return next((key for key in (-leg, leg) if key in available), EVERYBODY)
