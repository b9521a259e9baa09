"""All machines of one H.245 session, and which of them a message of the peer is for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from signaling.h323.h245 import commands, user_input
from signaling.h323.h245.capability_exchange import CapabilityExchange
from signaling.h323.h245.channels import Channels
from signaling.h323.h245.conference import Conference
from signaling.h323.h245.content import Content
from signaling.h323.h245.determination import Determination
from signaling.h323.h245.events import Effect, EndSession, GenericReceived, Held, Resumed, indication
from signaling.h323.h245.mode_request import ModeRequests
from signaling.h323.h245.round_trip import RoundTripDelay

_MOST_REPEATED = 8_192
"""Of a message that is not understood, as Python writes it, which is never shorter than its octets."""

_Handler = Callable[[Any, str, Any, float], list[Effect]]


def _of(kind: str, handler: _Handler, *names: str) -> dict[str, tuple[str, _Handler]]:
    return dict.fromkeys(names, (kind, handler))


def _has_unknown(value: Any) -> bool:
    """Whether an alternative within is one that our version of H.245 has no name for."""
    if isinstance(value, tuple) and value and isinstance(value[0], str):
        return value[0].startswith("_") or _has_unknown(value[1])
    if isinstance(value, dict):
        return any(_has_unknown(part) for part in value.values())
    return isinstance(value, list) and any(_has_unknown(part) for part in value)


class Machines:
    """The machines; Control gives them to its owner's verbs, receive() to the peer's messages."""

    def __init__(self, own: dict[str, Any], terminal_type: int, random_number: Callable[[], int]) -> None:
        self.determination = Determination(terminal_type, random_number)
        self.exchange = CapabilityExchange(own)
        self.channels = Channels()
        self.modes = ModeRequests()
        self.delay = RoundTripDelay()
        self.conference = Conference()
        self.content = Content(random_number)
        self.ignored = 0
        """Messages that asked for nothing, or came at the wrong time."""
        self.timed = (self.determination, self.exchange, self.channels, self.modes, self.delay, self.content)
        """Those with a timer."""

    @property
    def is_ready(self) -> bool:
        """Whether channels may be opened."""
        is_determined = self.determination.is_master is not None and self.determination.deadline is None
        return is_determined and self.exchange.is_complete

    def receive(self, message: Any, now: float) -> list[Effect]:
        """A decoded MultimediaSystemControlMessage of the peer."""
        kind, content = message
        if not isinstance(content, tuple):
            return self._not_supported()
        name, body = content
        expected, handler = self._HANDLERS.get(name, ("", None))
        if handler is None or expected not in (kind, "any"):
            return self._not_understood(kind, content)
        return handler(self, name, body, now)

    def _on_determination(self, name: str, body: Any, now: float) -> list[Effect]:
        return self.determination.receive(name, body, now)

    def _on_capabilities(self, name: str, body: Any, now: float) -> list[Effect]:
        """The end of a hold begins everything anew but the channels (H.323 8.4.6)."""
        effects = self.exchange.receive(name, body, now)
        if any(isinstance(effect, Held) for effect in effects):
            effects += self.channels.close_all(now)
        if any(isinstance(effect, Resumed) for effect in effects):
            effects += [*self.exchange.send(now), *self.determination.start(now)]
        return effects

    def _on_channel(self, name: str, body: Any, now: float) -> list[Effect]:
        return self.channels.receive(name, body, now)

    def _on_mode(self, name: str, body: Any, now: float) -> list[Effect]:
        return self.modes.receive(name, body, now)

    def _on_round_trip(self, name: str, body: Any, now: float) -> list[Effect]:
        return self.delay.receive(name, body, now)

    def _on_send_capabilities(self, _name: str, _body: Any, now: float) -> list[Effect]:
        return self.exchange.send(now)

    def _on_flow_control(self, _name: str, body: Any, _now: float) -> list[Effect]:
        return commands.read_flow_control(body)

    def _on_miscellaneous(self, _name: str, body: Any, _now: float) -> list[Effect]:
        return self._counted(commands.read_miscellaneous(body, bool(self.determination.is_master)))

    def _on_user_input(self, _name: str, body: Any, _now: float) -> list[Effect]:
        return self._counted(user_input.read(body))

    def _on_conference_request(self, name: str, body: Any, _now: float) -> list[Effect]:
        effects = self.conference.receive_request(body)
        return self._not_understood("request", (name, body)) if effects is None else effects

    def _on_conference_response(self, _name: str, body: Any, _now: float) -> list[Effect]:
        return self._counted(self.conference.receive_response(body))

    def _on_conference_indication(self, _name: str, body: Any, _now: float) -> list[Effect]:
        effects = self._counted(self.conference.receive_indication(body))
        if self.conference.own is not None:
            self.content.terminal_label = self.conference.own.mcu * 256 + self.conference.own.terminal
        return effects

    def _on_generic(self, name: str, body: Any, _now: float) -> list[Effect]:
        kind = name.removeprefix("generic").lower()
        effects = self.content.receive(kind, body)
        if effects is not None:
            return self._counted(effects)
        if kind == "request":
            return self._not_understood(kind, (name, body))
        return [GenericReceived(kind, body)]

    def _on_end(self, _name: str, _body: Any, _now: float) -> list[Effect]:
        """Control answers with our own, since both ends say it (H.323 8.5)."""
        return [EndSession()]

    def _on_nothing(self, _name: str, _body: Any, _now: float) -> list[Effect]:
        self.ignored += 1
        return []

    def _counted(self, effects: list[Effect]) -> list[Effect]:
        self.ignored += not effects
        return effects

    def _not_understood(self, kind: str, content: Any) -> list[Effect]:
        """A functionNotUnderstood, which can name all but indications (H.245 7.12.1)."""
        self.ignored += 1
        if kind == "indication":
            return []
        if _has_unknown(content) or len(repr(content)) > _MOST_REPEATED:
            return self._not_supported()
        return [indication("functionNotUnderstood", (kind, content))]

    def _not_supported(self) -> list[Effect]:
        """What our version of H.245 has no name for cannot be repeated (7.12.2)."""
        self.ignored += 1
        return [indication("functionNotSupported", {"cause": ("unknownFunction", 0)})]

    _HANDLERS: ClassVar[dict[str, tuple[str, _Handler]]] = {
        **_of("request", _on_determination, "masterSlaveDetermination"),
        **_of("response", _on_determination, "masterSlaveDeterminationAck", "masterSlaveDeterminationReject"),
        **_of("indication", _on_determination, "masterSlaveDeterminationRelease"),
        **_of("request", _on_capabilities, "terminalCapabilitySet"),
        **_of("response", _on_capabilities, "terminalCapabilitySetAck", "terminalCapabilitySetReject"),
        **_of("indication", _on_capabilities, "terminalCapabilitySetRelease"),
        **_of("request", _on_channel, "openLogicalChannel", "closeLogicalChannel", "requestChannelClose"),
        **_of("response", _on_channel, "openLogicalChannelAck", "openLogicalChannelReject"),
        **_of("response", _on_channel, "closeLogicalChannelAck"),
        **_of("response", _on_channel, "requestChannelCloseAck", "requestChannelCloseReject"),
        **_of("indication", _on_channel, "openLogicalChannelConfirm", "requestChannelCloseRelease"),
        **_of("request", _on_mode, "requestMode"),
        **_of("response", _on_mode, "requestModeAck", "requestModeReject"),
        **_of("indication", _on_mode, "requestModeRelease"),
        **_of("request", _on_round_trip, "roundTripDelayRequest"),
        **_of("response", _on_round_trip, "roundTripDelayResponse"),
        **_of("command", _on_send_capabilities, "sendTerminalCapabilitySet"),
        **_of("command", _on_flow_control, "flowControlCommand"),
        **_of("command", _on_miscellaneous, "miscellaneousCommand"),
        **_of("command", _on_end, "endSessionCommand"),
        **_of("command", _on_nothing, "conferenceCommand", "communicationModeCommand"),
        **_of("indication", _on_user_input, "userInput"),
        **_of("request", _on_conference_request, "conferenceRequest"),
        **_of("response", _on_conference_response, "conferenceResponse"),
        **_of("indication", _on_conference_indication, "conferenceIndication"),
        **_of("request", _on_generic, "genericRequest"),
        **_of("response", _on_generic, "genericResponse"),
        **_of("command", _on_generic, "genericCommand"),
        **_of("indication", _on_generic, "genericIndication"),
        **_of("any", _on_nothing, "nonStandard"),
        **_of("indication", _on_nothing, "functionNotUnderstood", "functionNotSupported", "vendorIdentification"),
        **_of("indication", _on_nothing, "jitterIndication", "h2250MaximumSkewIndication"),
        **_of("indication", _on_nothing, "miscellaneousIndication", "flowControlIndication", "mcLocationIndication"),
    }
    """Whatever is missing here is not understood, and told so where it is no indication."""
