"""What the attendant needs of the server, and how many callers it serves at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from config.attendant import AttendantSettings
from mcu.conference import Conference
from mcu.media import Codec, Grade, Kind, LegMedia, needs_tone_detection
from signaling.call_request import Admission, CallRequest
from signaling.refusal import Refusal, Refused, WaitReason
from signaling.tries import source_key
from signaling.waiting import Waiting


class Gate(Protocol):
    """What the attendant asks of signaling.admission.Gate."""

    async def admit(self, request: CallRequest) -> Admission:
        """Check room and passcode. Raises Refused."""

    async def wait_for_host(self, admission: Admission, told: Callable[[WaitReason], None]) -> Admission:
        """Return when the caller may join; `told` hears what is waited for. Raises Refused."""

    def check_media(self, admission: Admission, grade: Grade) -> None:
        """Raises Refused where the room asks for a better lock."""

    async def promote(self, admission: Admission, passcode: str) -> None:
        """Check the host passcode of somebody inside. Raises Refused."""

    def waiting(self, room: str) -> list[Waiting]:
        """Who waits outside this room."""

    def let_in(self, room: str, waiting: int) -> bool:
        """A host lets one in who waits."""


class Conferences(Protocol):
    """Running conferences (mcu.conferences.Conferences)."""

    def get(self, number: str) -> Conference | None:
        """The conference that runs in this room."""


@dataclass(slots=True)
class Desk:
    """One for the whole server: all protocols share its places."""

    settings: AttendantSettings
    gate: Gate
    conferences: Conferences
    counters: Counter[str] = field(default_factory=Counter)
    """Cumulative: "asked", "waited", "entered", "goodbyes", "tests", "full"."""
    tested: int = 0
    _sources: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def place(self, address: str) -> Iterator[None]:
        """One of the attendant's places, for a caller from `address`. Raises Refused where all are taken."""
        source, settings = source_key(address), self.settings
        if self._sources.total() >= settings.max_calls or self._sources[source] >= settings.max_calls_per_source:
            self.counters["full"] += 1
            raise Refused(Refusal.CAPACITY)
        self._sources[source] += 1
        try:
            yield
        finally:
            self._sources[source] -= 1
            if not self._sources[source]:
                del self._sources[source]

    @contextmanager
    def test(self) -> Iterator[None]:
        """One of the places in the test room. Raises Refused where all are taken."""
        if self.tested >= self.settings.test_max_calls:
            self.counters["full"] += 1
            raise Refused(Refusal.FULL)
        self.tested += 1
        self.counters["tests"] += 1
        try:
            yield
        finally:
            self.tested -= 1

    def gauges(self) -> dict[str, int]:
        """Who is served now, for the metrics."""
        return {"attended": self._sources.total(), "tested": self.tested}


def can_be_told(media: LegMedia) -> bool:
    """Whether the caller hears or sees anything of us."""
    return any(stream is not None and stream.send is not None for stream in map(media.stream, (Kind.AUDIO, Kind.VIDEO)))


def can_send_digits(media: LegMedia, *, has_messages: bool) -> bool:
    """Whether digits may come: in RTP (RFC 4733), as tones, or (`has_messages`) by the signalling protocol."""
    audio = media.stream(Kind.AUDIO)
    if has_messages or audio is None:
        return has_messages
    has_events = audio.send_dtmf is not None or Codec.TELEPHONE_EVENT in [form.codec for form in audio.receive]
    return bool(audio.receive) and (has_events or needs_tone_detection(audio))
