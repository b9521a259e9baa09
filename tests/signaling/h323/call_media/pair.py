"""Two ends of a call's media that talk H.245 in octets over a perfect line, on a clock of their own."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any

from mcu.media import Kind
from signaling.h323 import per
from signaling.h323.call_media.call_media import CallMedia
from signaling.h323.call_media.wishes import Wishes
from signaling.h323.capabilities.fast_start import Ports
from signaling.h323.capabilities.own import OwnMedia
from signaling.h323.h245.events import ChannelOffered, Effect, Event, Send
from signaling.h323.h245.logical_channel import ChannelAnswer
from signaling.h323.media_security import MediaSecurity
from tests.signaling.h323.h245.talk import control

MCU, TERMINAL = 240, 50
LEFT, RIGHT = "192.0.2.1", "192.0.2.2"
EVERY = tuple(Kind)


def ports(host: str, kinds: Iterable[Kind] = EVERY) -> dict[Kind, Ports]:
    """Pairs from 5000 on, in the order of Kind."""
    first = {kind: 5_000 + 10 * number for number, kind in enumerate(Kind)}
    return {kind: Ports((host, first[kind]), (host, first[kind] + 1)) for kind in kinds}


def agreed(*groups: Any) -> tuple[MediaSecurity, MediaSecurity]:
    """Both ends of one agreement on keys."""
    caller, called = MediaSecurity(groups), MediaSecurity(groups)
    assert caller.accept(called.answer(caller.offer()))
    return caller, called


class End:
    """One of ours."""

    def __init__(
        self,
        host: str,
        terminal_type: int = TERMINAL,
        *,
        wishes: Wishes | None = None,
        security: MediaSecurity | None = None,
        kinds: Iterable[Kind] = EVERY,
    ) -> None:
        self.control = control(7 if host == LEFT else 9, terminal_type=terminal_type)
        self.media = CallMedia(self.control, wishes or Wishes(OwnMedia()), ports(host, kinds), security)
        self.control.prepare(self.media.capability_set())
        self.events: list[Event] = []

    def hear(self, event: Event, now: float) -> list[Effect]:
        """An event of Control."""
        self.events.append(event)
        return self.media.handle(event, now)

    def stream(self, kind: Kind) -> Any:
        """What holds of one kind."""
        return self.media.media.stream(kind)

    def numbers(self, kind: Kind) -> tuple[list[int], list[int]]:
        """Its channels and those of the peer that stand, by number."""
        channels = self.control.machines.channels
        ours = [number for number in channels.outgoing if self.media.kind_of(number, is_ours=True) is kind]
        theirs = [number for number in channels.incoming if self.media.kind_of(number, is_ours=False) is kind]
        return ours, theirs


class Scripted:
    """A peer whose owner is the test. What is offered to it is taken, unless `refuses` names a cause for it."""

    def __init__(self, capability_set: dict[str, Any], terminal_type: int = TERMINAL, host: str = RIGHT) -> None:
        self.control = control(9, terminal_type=terminal_type, capability_set=capability_set)
        self.host = host
        self.refuses: deque[str] = deque()
        self.answer: dict[str, Any] = {}
        """More of its answers."""
        self.is_silent = False
        self.events: list[Event] = []
        self.offers: list[Any] = []

    def hear(self, event: Event, now: float) -> list[Effect]:
        self.events.append(event)
        if not isinstance(event, ChannelOffered):
            return []
        self.offers.append(event.channel)
        if self.is_silent:
            return []
        if self.refuses:
            return self.control.reject(event.channel.number, self.refuses.popleft())
        media = self.answer.get("media", (self.host, 7_000))
        answer = ChannelAnswer(**{"media": media, "media_control": (media[0], 7_001), **self.answer})
        return self.control.accept(event.channel.number, answer, now)


class Pair:
    """Runs what both have to say until they are silent."""

    def __init__(self, left: Any, right: Any) -> None:
        self.left, self.right = left, right
        self.now = 0.0
        self.said: list[tuple[Any, str, Any]] = []
        """Who said what, and its body, in order."""
        self.line: list[tuple[Any, bytes]] = []
        """The same in octets."""

    def start(self) -> Pair:
        """Both begin at once."""
        self._run([(end, end.control.start(self.now)) for end in (self.left, self.right)])
        return self

    def say(self, end: Any, effects: list[Effect]) -> None:
        """What a verb of `end` gave, and all that follows from it."""
        self._run([(end, effects)])

    def wait(self, seconds: float) -> None:
        """Time passes; the timers of both run."""
        self.now += seconds
        for end in (self.left, self.right):
            self.say(end, end.control.on_timeout(self.now))

    def bodies(self, name: str, end: Any = None) -> list[Any]:
        """All messages of a name, of one end perhaps."""
        return [body for who, each, body in self.said if each == name and end in (None, who)]

    def _run(self, waiting: list[tuple[Any, list[Effect]]]) -> None:
        queue = deque((end, each) for end, effects in waiting for each in effects)
        while queue:
            end, each = queue.popleft()
            if not isinstance(each, Send):
                queue.extend((end, effect) for effect in end.hear(each, self.now))
                continue
            other = self.right if end is self.left else self.left
            octets = per.encode(per.Type.H245, each.message)
            message = per.decode(per.Type.H245, octets)
            self.line.append((end, octets))
            self.said.append((end, *message[1]))
            queue.extend((other, effect) for effect in other.control.receive(message, self.now))
            assert len(self.said) < 2_000, "they never come to an end"


def flows(sender: End, receiver: End, kind: Kind) -> Any:
    """What `sender` sends is what `receiver` expects, where it expects it; gives the format."""
    sent, expected = sender.stream(kind), receiver.stream(kind)
    assert sent.send is not None
    formats = {each.payload_type: each for each in expected.receive}
    assert formats[sent.send.payload_type] == sent.send
    own = receiver.media._negotiation.ports[kind]
    assert (sent.remote, sent.remote_rtcp) == (own.media, own.media_control)
    if sent.h235 is None:
        assert expected.h235 is None
    else:
        assert dict(expected.h235.remote)[sent.send.payload_type] == sent.h235.local
    return sent.send
