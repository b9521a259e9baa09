"""Two ends of H.245 that talk in octets over a perfect line, on a clock of their own."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from signaling.h323 import per
from signaling.h323.h245.control import Control, OwnCapabilities
from signaling.h323.h245.events import Effect, Event, Send

SOUND = {
    "capabilityTable": [
        {"capabilityTableEntryNumber": 1, "capability": ("receiveAudioCapability", ("g711Alaw64k", 20))}
    ],
    "capabilityDescriptors": [{"capabilityDescriptorNumber": 0, "simultaneousCapabilities": [[1]]}],
}


def numbers(*first: int) -> Callable[[], int]:
    """A source of the numbers of master and slave: these, then the last one counted up."""
    waiting = deque(first)
    state = [first[-1]]

    def draw() -> int:
        if waiting:
            return waiting.popleft()
        state[0] += 1
        return state[0]

    return draw


def control(*first: int, terminal_type: int = 240, capability_set: dict[str, Any] | None = None) -> Control:
    """One end."""
    return Control(OwnCapabilities(capability_set or SOUND, terminal_type), numbers(*(first or (1,))))


def names(effects: Iterable[Effect]) -> list[str]:
    """What was sent by name, what was told by type."""
    return [each.message[1][0] if isinstance(each, Send) else type(each).__name__ for each in effects]


def told(effects: Iterable[Effect]) -> list[Event]:
    """The events alone."""
    return [each for each in effects if not isinstance(each, Send)]


class Talk:
    """Runs what `left` and `right` have to say until both are silent."""

    def __init__(self, left: Control, right: Control) -> None:
        self.left, self.right = left, right
        self.now = 0.0
        self.line: list[bytes] = []
        """All octets, of both ends, in order."""
        self.told: dict[Control, list[Event]] = {left: [], right: []}

    def start(self) -> Talk:
        """Both ends begin at once."""
        both = [(self.left, self.left.start(self.now)), (self.right, self.right.start(self.now))]
        self._run(both)
        return self

    def say(self, end: Control, effects: list[Effect]) -> None:
        """What a verb of `end` gave, and all that follows from it."""
        self._run([(end, effects)])

    def events(self, end: Control) -> list[Event]:
        """What `end` was told since the last question."""
        events, self.told[end] = self.told[end], []
        return events

    def _run(self, waiting: list[tuple[Control, list[Effect]]]) -> None:
        queue = deque((end, each) for end, effects in waiting for each in effects)
        while queue:
            end, each = queue.popleft()
            if not isinstance(each, Send):
                self.told[end].append(each)
                continue
            octets = per.encode(per.Type.H245, each.message)
            self.line.append(octets)
            other = self.right if end is self.left else self.left
            queue.extend((other, effect) for effect in other.receive(per.decode(per.Type.H245, octets), self.now))
