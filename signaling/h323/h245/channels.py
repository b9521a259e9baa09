"""All logical channels of a call: who has which number, and which machine a message is for (H.245 C.4, C.5, C.8)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

from signaling.h323.h245 import incoming_channel, open_channel, outgoing_channel
from signaling.h323.h245.events import ChannelClosed, Effect, response
from signaling.h323.h245.incoming_channel import IncomingChannel
from signaling.h323.h245.logical_channel import MOST_NUMBER, ChannelAnswer, LogicalChannel
from signaling.h323.h245.outgoing_channel import OutgoingChannel

MOST_CHANNELS = 24
"""Of the peer at a time; a terminal with content, camera and data needs six."""
FIRST_FREE_SESSION = 32
"""Sessions that the master allots begin here; 1 to 3 have their meaning, and terminals use the next few themselves."""
LAST_SESSION = 255


class Channels:
    """The channels of both directions."""

    def __init__(self) -> None:
        self.outgoing: dict[int, OutgoingChannel] = {}
        """Of ours, by number, until they are released."""
        self.incoming: dict[int, IncomingChannel] = {}
        """Of the peer."""
        self._last_number = 0
        self._last_session = FIRST_FREE_SESSION - 1

    @property
    def deadline(self) -> float | None:
        """The first of their timers."""
        deadlines = [each.deadline for each in self.outgoing.values()]
        deadlines += [each.deadline for each in self.incoming.values()]
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def new_number(self) -> int:
        """A number that no channel of ours has."""
        while True:
            self._last_number = self._last_number % MOST_NUMBER + 1
            if self._last_number not in self.outgoing:
                return self._last_number

    def new_session_id(self) -> int:
        """The next that the master may allot."""
        self._last_session += 1
        if self._last_session > LAST_SESSION:
            self._last_session = FIRST_FREE_SESSION
        return self._last_session

    # ---- the owner's wishes

    def open(self, channel: LogicalChannel, now: float) -> list[Effect]:
        """Open a channel of ours. Raises ValueError when its number is taken: a fault of the caller."""
        if channel.number in self.outgoing:
            raise ValueError(f"channel {channel.number} is open")
        machine = self.outgoing[channel.number] = OutgoingChannel(channel)
        return machine.open(now)

    def adopt(self, channel: LogicalChannel, is_ours: bool) -> None:
        """Fast start has opened it."""
        if is_ours:
            self.outgoing[channel.number] = OutgoingChannel(channel)
            self.outgoing[channel.number].adopt()
        else:
            self.incoming[channel.number] = IncomingChannel(channel)
            self.incoming[channel.number].adopt()

    def accept(self, number: int, answer: ChannelAnswer, is_master: bool, now: float) -> list[Effect]:
        """Take an offered channel; as master give it a session where the peer leaves that to us."""
        machine = self.incoming.get(number)
        if machine is None:
            return []
        if is_master and not machine.channel.session_id and answer.session_id is None:
            answer = replace(answer, session_id=self.new_session_id())
        if answer.session_id is not None:
            machine.channel = replace(machine.channel, session_id=answer.session_id)
        reverse_number = None if machine.channel.reverse is None else self.new_number()
        return machine.accept(answer, reverse_number, now)

    def reject(self, number: int, cause: str) -> list[Effect]:
        """Refuse an offered channel."""
        machine = self.incoming.get(number)
        return [] if machine is None else self._sweep(machine.reject(cause))

    def close(self, number: int, now: float) -> list[Effect]:
        """Close a channel of ours."""
        machine = self.outgoing.get(number)
        return [] if machine is None else machine.close(now)

    def close_all(self, now: float) -> list[Effect]:
        """Close all channels of ours: the peer holds us (H.323 8.4.6)."""
        return [effect for machine in self.outgoing.values() for effect in machine.close(now)]

    def ask_close(self, number: int, reason: str, now: float) -> list[Effect]:
        """Ask for the end of a channel of the peer."""
        machine = self.incoming.get(number)
        return [] if machine is None else machine.ask_close(reason, now)

    # ---- what comes

    def receive(self, name: str, body: Any, now: float) -> list[Effect]:
        """A message about channels."""
        return self._sweep(self._INPUTS[name](self, name, body, now))

    def expire(self, now: float) -> list[Effect]:
        """Timers of channels that have run out."""
        effects: list[Effect] = []
        for outgoing in list(self.outgoing.values()):
            if outgoing.deadline is not None and outgoing.deadline <= now:
                effects += outgoing.expire(now)
        for incoming in list(self.incoming.values()):
            if incoming.deadline is not None and incoming.deadline <= now:
                effects += incoming.expire()
        return self._sweep(effects)

    def _offered(self, _name: str, body: Any, _now: float) -> list[Effect]:
        number = body["forwardLogicalChannelNumber"]
        channel = open_channel.read_open(body)
        if channel is None:
            return _refusal(number, "unknownDataType")
        before: list[Effect] = []
        if self.incoming.pop(number, None) is not None:  # opened again without a close: C.4.5.2, RELEASE.indication
            before = [ChannelClosed(number, is_ours=False)]
        if len(self.incoming) >= MOST_CHANNELS:
            return [*before, *_refusal(number, "unspecified")]
        machine = self.incoming[number] = IncomingChannel(channel)
        return [*before, *machine.offer()]

    def _to_outgoing(self, name: str, body: Any, now: float) -> list[Effect]:
        machine = self.outgoing.get(body["forwardLogicalChannelNumber"])
        return [] if machine is None else machine.receive(name, body, now)

    def _to_incoming(self, name: str, body: Any, _now: float) -> list[Effect]:
        machine = self.incoming.get(body["forwardLogicalChannelNumber"])
        return [] if machine is None else machine.receive(name)

    def _closed(self, name: str, body: Any, now: float) -> list[Effect]:
        """What is not there is closed as well (C.4.5.2, RELEASED)."""
        number = body["forwardLogicalChannelNumber"]
        if number not in self.incoming:
            return [response("closeLogicalChannelAck", {"forwardLogicalChannelNumber": number})]
        return self._to_incoming(name, body, now)

    def _close_asked(self, _name: str, body: Any, now: float) -> list[Effect]:
        """The peer wants the end of a channel of ours: it gets it."""
        number = body["forwardLogicalChannelNumber"]
        machine = self.outgoing.get(number)
        if machine is None:
            cause = {"forwardLogicalChannelNumber": number, "cause": ("unspecified", 0)}
            return [response("requestChannelCloseReject", cause)]
        must_reopen = body.get("reason", ("unknown", 0))[0] == "reopen"
        acknowledgement = response("requestChannelCloseAck", {"forwardLogicalChannelNumber": number})
        return [acknowledgement, *machine.close(now, must_reopen)]

    def _passed_over(self, _name: str, _body: Any, _now: float) -> list[Effect]:
        """After requestChannelCloseRelease: our answer was late, what it said holds."""
        return []

    def _sweep(self, effects: list[Effect]) -> list[Effect]:
        """Forget what is released."""
        for number, outgoing in list(self.outgoing.items()):
            if outgoing.state is outgoing_channel.State.RELEASED:
                del self.outgoing[number]
        for number, incoming in list(self.incoming.items()):
            if incoming.state is incoming_channel.State.RELEASED:
                del self.incoming[number]
        return effects

    _INPUTS: ClassVar[dict[str, Callable[[Channels, str, Any, float], list[Effect]]]] = {
        "openLogicalChannel": _offered,
        "openLogicalChannelAck": _to_outgoing,
        "openLogicalChannelReject": _to_outgoing,
        "openLogicalChannelConfirm": _to_incoming,
        "closeLogicalChannel": _closed,
        "closeLogicalChannelAck": _to_outgoing,
        "requestChannelClose": _close_asked,
        "requestChannelCloseAck": _to_incoming,
        "requestChannelCloseReject": _to_incoming,
        "requestChannelCloseRelease": _passed_over,
    }


def _refusal(number: int, cause: str) -> list[Effect]:
    body = {"forwardLogicalChannelNumber": number, "cause": (cause, 0)}
    return [response("openLogicalChannelReject", body)]
