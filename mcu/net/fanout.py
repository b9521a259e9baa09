"""One picture, many legs: renditions cut once, receivers that join at a keyframe, and who hears which mix."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Protocol

from mcu.media import Codec, Format, Kind, stream_id
from mcu.rtp.history import PieceRing, RingFrame
from mcu.rtp.keyframes import KeyframeRequester
from mcu.worker.channel import Frame

_PIECE_BYTES = 1200
_REPLAY_US = 1_000_000
"""A joiner gets the frames since a keyframe no older than this; else a new keyframe is due anyway."""
_SWITCH_REPLAY_US = 100_000
"""Who sees another picture meanwhile is not shown the past again."""
_RATE_WINDOW_US = 1_000_000
_MAX_EARLY = 64
_PAYLOAD_FORMATS = {Codec.H263: (Codec.H263, Codec.H263_1996)}
"""One encoder serves old and newer terminals (RFC 2190, RFC 4629)."""


class PictureReceiver(Protocol):
    """One stream of a leg, or the recorder."""

    def picture_format(self) -> Format | None:
        """What it takes; None when it takes pictures of any kind."""

    def put_rendition(self, picture: Frame, pieces: RingFrame, rate_bps: int, now_us: int) -> bool:
        """Take a picture; False: it needs a keyframe before it can take another."""


class Receiver(PictureReceiver, Protocol):
    """A leg, or the recorder."""

    def put_sound(self, frame: Frame) -> None:
        """Take a packet of a mix."""


class Rendition:
    """One encoded output of the video process and its receivers, by the stream on which each gets it."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.keyframes = KeyframeRequester()
        self.receivers: dict[int, PictureReceiver] = {}
        self.rate_bps = 0
        self._waiting: set[int] = set()
        self._rings: dict[Codec, PieceRing] = {}
        """What came since the last keyframe, cut for each payload format that its codec has."""
        self._codec: Codec | None = None
        self._mode = 1
        self._keyframe_us = 0
        self._window_us = 0
        self._window_bytes = 0

    def is_waiting(self, stream: int) -> bool:
        """Whether `stream` gets nothing before the next keyframe."""
        return stream in self._waiting

    def join(
        self, stream: int, receiver: PictureReceiver, now_us: int, replay_us: int = _REPLAY_US
    ) -> None:  # fmt: skip
        """Begin at the last keyframe when it is fresh, else at the next."""
        self.receivers[stream] = receiver
        form = receiver.picture_format()
        if form is not None and form.codec is Codec.H264 and form.packetization_mode < self._mode:
            self._mode = form.packetization_mode
            self._rings = {}
        self._waiting.add(stream)
        recent = self._recent(form.codec, now_us, replay_us) if form is not None else []
        if not recent:
            self.keyframes.want(now_us)
            return
        self._waiting.discard(stream)
        for pieces in recent:
            if not receiver.put_rendition(_NO_FRAME, pieces, self.rate_bps, now_us):
                self.await_keyframe(stream, now_us)
                return

    def leave(self, stream: int) -> None:
        """Send it on `stream` no more."""
        self.receivers.pop(stream, None)
        self._waiting.discard(stream)

    def await_keyframe(self, stream: int, now_us: int) -> None:
        """`stream` cannot go on without one."""
        self._waiting.add(stream)
        self.keyframes.want(now_us)

    def restart(self, now_us: int) -> None:
        """The video process is a new one: nothing of the old pictures may be built upon."""
        self._rings = {}
        self._waiting.update(self.receivers)
        self.keyframes.arrived()  # what the old process did not answer must not hold back the request to the new one
        if self.receivers:
            self.keyframes.want(now_us)

    def receive(self, frame: Frame, now_us: int) -> None:
        """A picture from the video process, for all receivers."""
        if not self._rings or frame.codec != self._codec:
            formats = _PAYLOAD_FORMATS.get(frame.codec, (frame.codec,))
            self._rings = {codec: PieceRing(codec, _PIECE_BYTES, self._mode) for codec in formats}
            self._codec = frame.codec
        if frame.is_keyframe:
            self._keyframe_us = now_us
            self.keyframes.arrived()
            self._waiting.clear()
        self._measure(len(frame.payload), now_us)
        cut = {
            codec: ring.add(frame.payload, frame.rtp_timestamp, frame.capture_us, frame.is_keyframe)
            for codec, ring in self._rings.items()
        }
        whole = cut[frame.codec]
        for stream, receiver in self.receivers.items():
            if stream in self._waiting:
                continue
            form = receiver.picture_format()
            pieces = whole if form is None or form.codec is frame.codec else cut.get(form.codec)
            if pieces is None:
                continue  # renegotiated; control routes it to another rendition
            if not receiver.put_rendition(frame, pieces, self.rate_bps, now_us):
                self.await_keyframe(stream, now_us)

    def _recent(self, codec: Codec, now_us: int, replay_us: int) -> list[RingFrame]:
        ring = self._rings.get(codec)
        if ring is None or now_us - self._keyframe_us > replay_us:
            return []
        return ring.since_keyframe()

    def _measure(self, size_bytes: int, now_us: int) -> None:
        self._window_bytes += size_bytes
        elapsed_us = now_us - self._window_us
        if elapsed_us >= _RATE_WINDOW_US:
            self.rate_bps = self._window_bytes * 8_000_000 // elapsed_us
            self._window_us, self._window_bytes = now_us, 0


class Fanout:
    """Which leg gets which rendition and which mix. `ask(rendition)` asks the video process for a keyframe."""

    def __init__(self, ask: Callable[[int], None], counters: Counter[str]) -> None:
        self._ask = ask
        self._counters = counters
        self._renditions: dict[int, Rendition] = {}
        self._rendition_of: dict[int, Rendition] = {}
        self._left: dict[int, Rendition] = {}
        """By stream: what it is still sent until the keyframe of what it is to be sent."""
        self._outputs: dict[int, dict[int, Receiver]] = {}
        self._output_of: dict[int, int] = {}
        self._early: dict[int, int] = {}

    def admit(self, leg: int, receiver: Receiver) -> None:
        """The leg is open now; the audio process may have spoken of it before control's word reached us."""
        output = self._early.pop(leg, 0)
        if output:
            self.assign(leg, receiver, output)

    def route(self, leg: int, receiver: PictureReceiver, rendition: int, now_us: int, kind: Kind = Kind.VIDEO) -> None:
        """Send `rendition` (0: none) to `leg` as its stream `kind`, from its next keyframe on; until then the former.

        So a switch leaves no gap, and pictures are never decoded without what they build upon.
        """
        stream = stream_id(leg, kind)
        current = self._rendition_of.pop(stream, None)
        if current is not None and current.number == rendition:
            self._rendition_of[stream] = current
            return
        shown = self._shown(stream, current)
        if not rendition:
            self._leave(stream, shown)
            return
        chosen = self._rendition_of[stream] = self._renditions.setdefault(rendition, Rendition(rendition))
        if chosen is shown:  # back, before anything else was seen
            return
        chosen.join(stream, receiver, now_us, _REPLAY_US if shown is None else _SWITCH_REPLAY_US)
        self._request(chosen, now_us)
        if shown is not None and chosen.is_waiting(stream):
            self._left[stream] = shown
        else:
            self._leave(stream, shown)

    def _shown(self, stream: int, current: Rendition | None) -> Rendition | None:
        """What `stream` goes on with while it waits; a rendition from which it had got nothing yet is left."""
        left = self._left.pop(stream, None)
        if left is not None:
            self._leave(stream, current)
            return left
        return current

    def _leave(self, stream: int, rendition: Rendition | None) -> None:
        if rendition is not None:
            rendition.leave(stream)
            if not rendition.receivers:
                self._renditions.pop(rendition.number, None)

    def _leave_former(self, rendition: Rendition) -> None:
        """A keyframe is here: those who waited for it get nothing else any more."""
        for stream in [stream for stream in self._left if stream in rendition.receivers]:
            if self._rendition_of.get(stream) is rendition:
                self._leave(stream, self._left.pop(stream))

    def assign(self, leg: int, receiver: Receiver | None, output: int) -> None:
        """Feed `leg` from mix `output` (0: none) from now on, or from when it is open."""
        if receiver is None:
            if len(self._early) >= _MAX_EARLY:
                del self._early[next(iter(self._early))]
            self._early[leg] = output
            return
        old = self._output_of.pop(leg, 0)
        if old:
            listeners = self._outputs[old]
            listeners.pop(leg, None)
            if not listeners:
                del self._outputs[old]
        if output:
            self._output_of[leg] = output
            self._outputs.setdefault(output, {})[leg] = receiver

    def remove(self, leg: int, receiver: Receiver, now_us: int) -> None:
        """The leg is closed."""
        for kind in (Kind.VIDEO, Kind.CONTENT):
            self.route(leg, receiver, 0, now_us, kind)
        self.assign(leg, receiver, 0)

    def want_keyframe(self, leg: int, now_us: int, kind: Kind = Kind.VIDEO) -> None:
        """The peer of `leg` asks for one of what it gets as its stream `kind`."""
        rendition = self._rendition_of.get(stream_id(leg, kind))
        if rendition is not None:
            rendition.keyframes.want(now_us)
            self._request(rendition, now_us)

    def receive_picture(self, frame: Frame, now_us: int) -> None:
        """From the video process."""
        rendition = self._renditions.get(frame.stream)
        if rendition is None:
            self._counters["rendition-unwatched"] += 1
            return
        if frame.is_keyframe and self._left:
            self._leave_former(rendition)
        rendition.receive(frame, now_us)

    def receive_sound(self, frame: Frame) -> None:
        """From the audio process."""
        listeners = self._outputs.get(frame.stream)
        if listeners is None:
            self._counters["mix-unheard"] += 1
            return
        for receiver in listeners.values():
            receiver.put_sound(frame)

    def forget_outputs(self) -> None:
        """The audio process is a new one and will number anew."""
        self._outputs.clear()
        self._output_of.clear()
        self._early.clear()

    def restart_pictures(self, now_us: int) -> None:
        """The video process is a new one."""
        for rendition in self._renditions.values():
            rendition.restart(now_us)

    def handle_timeout(self, now_us: int) -> None:
        """Repeat requests for keyframes that have not come."""
        for rendition in self._renditions.values():
            self._request(rendition, now_us)

    def _request(self, rendition: Rendition, now_us: int) -> None:
        if rendition.keyframes.due(now_us):
            self._ask(rendition.number)


_NO_FRAME = Frame(0, Codec.H264, b"")
