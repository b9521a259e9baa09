"""The whole video plane of a worker without its channels: frames and messages in, one call a tick, coded frames out."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from config.media import VideoSettings
from mcu.video.delay import DelayLines
from mcu.video.fonts import Fonts
from mcu.video.labels import Labels
from mcu.video.panel import Panels
from mcu.video.pixel_budget import PixelBudget
from mcu.video.pool import DecodePool
from mcu.video.scene import Pictures, Shown
from mcu.video.source import Source
from mcu.video.stages import Stages, Work
from mcu.worker.channel import Frame
from mcu.worker.inflight import MAX_THREADS, InFlight
from mcu.worker.messages import (
    AnyMessage,
    BanSource,
    CloseRendition,
    CloseRoom,
    CloseScene,
    OpenRendition,
    RemoveSource,
    RequestKeyframe,
    SetScene,
    UpdateRendition,
)

logger = logging.getLogger(__name__)
_MAX_COMMANDS = 10_000
_STILL = 0.05


def monotonic_us() -> int:
    """The clock of all processes of this machine."""
    return time.monotonic_ns() // 1000


class VideoPlane:
    """Sources, scenes and renditions. feed() and apply() may be called by one thread while another one ticks."""

    def __init__(
        self,
        settings: VideoSettings,
        fonts: Fonts | None = None,
        in_flight: InFlight | None = None,
        clock_us: Callable[[], int] = monotonic_us,
    ) -> None:
        """With settings.decode_threads = 0 tick() decodes by itself, and time is only what it is told."""
        self._settings = settings
        self._in_flight = in_flight
        self._counters: Counter[str] = Counter()
        self._drops: Counter[str] = Counter()
        self._commands: deque[AnyMessage] = deque(maxlen=_MAX_COMMANDS)
        self._sources: dict[int, Source] = {}
        self._banned: set[int] = set()
        self._budget = PixelBudget(settings.max_pixels)
        self._delays = DelayLines(settings, self._drops)
        fonts = fonts or Fonts()
        self._stages = Stages(settings, Labels(fonts), Panels(fonts), self._counters)
        self._pool = DecodePool(settings.decode_threads, clock_us, in_flight)
        self._workers = ThreadPoolExecutor(max(1, settings.encode_threads), thread_name_prefix="encode")
        self._slots = threading.local()
        self._next_slot = settings.decode_threads
        self._compose_ms = 0.0
        self._encode_ms = 0.0

    def apply(self, message: AnyMessage) -> None:
        """Take a command; it holds from the next tick on."""
        self._commands.append(message)

    @property
    def decoding_us(self) -> float:
        """How long the next picture of every source takes to decode, as far as the last ones tell."""
        return sum(source.cost_us for source in list(self._sources.values()))

    def feed(self, frame: Frame, now_us: int) -> None:
        """A frame of a source arrived, for decode(); what no scene shows is dropped."""
        source = self._sources.get(frame.stream)
        if not frame.codec.is_video:
            self._drops["not_video"] += 1
            return
        if source is None:
            self._drops["banned" if frame.stream in self._banned else "not_shown"] += 1
            return
        if self._delays.push(frame, now_us):
            return
        source.feed(frame, now_us)

    def decode(self, now_us: int) -> None:
        """Let the decoders have what waits for them."""
        self._pool.submit([source for source in list(self._sources.values()) if source.is_ready(now_us)])

    def tick(self, now_us: int) -> list[Frame]:
        """Compose and encode what is due at `now_us`, the nominal time of the tick."""
        self._counters["ticks"] += 1
        while self._commands:
            self._obey(self._commands.popleft())
        self._follow_scenes(now_us)
        self._release_delayed(now_us)
        if not self._settings.decode_threads:
            self.decode(now_us)
            self._pool.run(now_us)
        pictures = {
            stream: Shown(source.show(now_us), source.is_stale(now_us)) for stream, source in self._sources.items()
        }
        work = self._stages.due(now_us)
        if len(work) == 1:
            done = [self._perform(work[0], pictures, now_us)]
        else:
            done = list(self._workers.map(lambda each: self._perform(each, pictures, now_us), work))
        self._measure(done)
        frames = [frame for _, _, encoded in done for frame in encoded]
        self._counters["frames_encoded"] += len(frames)
        self._counters["keyframes_encoded"] += sum(frame.is_keyframe for frame in frames)
        return frames

    def keyframe_requests(self, now_us: int) -> list[int]:
        """Sources whose senders are to be asked for a keyframe, each once."""
        wanted = [stream for stream, source in list(self._sources.items()) if source.take_keyframe_request(now_us)]
        self._counters["keyframe_requests"] += len(wanted)
        return wanted

    def ask_all(self) -> None:
        """The way to the senders is new: every source needs a keyframe."""
        for source in list(self._sources.values()):
            source.lose_thread()

    def request_keyframe(self, rendition: int) -> None:
        """A receiver of this rendition needs a keyframe."""
        self.apply(RequestKeyframe(rendition))

    def statistics(self) -> tuple[dict[str, int], dict[str, float]]:
        """Counters since the start and gauges, by name."""
        drops, totals = self._drops.copy(), self._counters.copy()
        for source in list(self._sources.values()):
            drops.update(source.drops)
            totals.update(source.counters)
        counters = dict(totals) | {f"frames_dropped_{reason}": count for reason, count in drops.items()}
        gauges = {
            "encoders": float(self._stages.encoders),
            "canvases": float(self._stages.canvases),
            "sources": float(len(self._sources)),
            "compose_ms": round(self._compose_ms, 3),
            "encode_ms": round(self._encode_ms, 3),
        }
        return counters, gauges

    def close(self) -> None:
        """End all threads."""
        self._pool.close()
        self._workers.shutdown()

    def _obey(self, message: AnyMessage) -> None:
        match message:
            case SetScene():
                self._stages.set_scene(message)
            case OpenRendition():
                self._stages.open(message)
            case CloseScene():
                self._stages.close_scene(message)
            case UpdateRendition():
                self._stages.update(message)
            case CloseRendition():
                self._stages.close(message.rendition)
            case CloseRoom():
                self._stages.close_room(message.room)
            case RequestKeyframe():
                self._stages.request_keyframe(message.stream)
            case BanSource():
                self._ban(message)
            case RemoveSource():
                self._forget(message.stream)
                self._banned.discard(message.stream)
            case _:
                self._counters["unknown_messages"] += 1

    def _ban(self, message: BanSource) -> None:
        if not message.is_banned:
            self._banned.discard(message.stream)
        elif len(self._banned) < self._settings.max_sources:
            self._banned.add(message.stream)

    def _follow_scenes(self, now_us: int) -> None:
        """Decode what some rendition shows, and nothing else."""
        delays = self._stages.visible_streams()
        visible = delays.keys() - self._banned
        for stream in self._sources.keys() - visible:
            self._forget(stream)
        for stream in visible - self._sources.keys():
            if len(self._sources) >= self._settings.max_sources:
                break
            self._sources[stream] = Source(stream, self._settings, now_us, self._budget)
        self._delays.follow({stream: delays[stream] for stream in visible if delays[stream]})

    def _release_delayed(self, now_us: int) -> None:
        """What was held back for an echo goes to its decoder."""
        for stream, frames in self._delays.take(now_us).items():
            if source := self._sources.get(stream):
                for frame in frames:
                    source.feed(frame, now_us)

    def _forget(self, stream: int) -> None:
        if source := self._sources.pop(stream, None):
            source.close()
            self._drops.update(source.drops)
            self._counters.update(source.counters)

    def _perform(self, work: Work, pictures: Pictures, now_us: int) -> tuple[float, float, list[Frame]]:
        return self._stages.perform(work, pictures, now_us, self._watch)

    def _watch(self, stream: int) -> None:
        """Scaling touches pictures of peers too: say whose, in the words of this thread behind the decoders'."""
        if self._in_flight is None:
            return
        if not hasattr(self._slots, "number"):
            self._slots.number = min(self._next_slot, MAX_THREADS - 1)
            self._next_slot += 1
        self._in_flight.enter(self._slots.number, stream)

    def _measure(self, done: list[tuple[float, float, list[Frame]]]) -> None:
        """Running means over about a second of ticks."""
        self._compose_ms += (sum(compose for compose, _, _ in done) - self._compose_ms) * _STILL
        self._encode_ms += (sum(encode for _, encode, _ in done) - self._encode_ms) * _STILL
