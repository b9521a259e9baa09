"""The presentation token of H.239 (8.5, 11.2): who of the two ends may show content."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import Any, ClassVar

from signaling.h323.h245 import generic_message
from signaling.h323.h245.events import ContentState, ContentToken, Effect, Send

MESSAGE_OID = (0, 0, 8, 239, 2)
RESPONSE_S = 10.0
"""For the answer to presentationTokenRequest; H.239 sets no timer."""


class SubMessage(IntEnum):
    """subMessageIdentifier (H.239 8.2)."""

    FLOW_CONTROL_RELEASE_REQUEST = 1
    FLOW_CONTROL_RELEASE_RESPONSE = 2
    PRESENTATION_TOKEN_REQUEST = 3
    PRESENTATION_TOKEN_RESPONSE = 4
    PRESENTATION_TOKEN_RELEASE = 5
    PRESENTATION_TOKEN_INDICATE_OWNER = 6


class Parameter(IntEnum):
    """Generic parameters (H.239 8.3)."""

    BIT_RATE = 41
    CHANNEL_ID = 42
    SYMMETRY_BREAKING = 43
    TERMINAL_LABEL = 44
    ACKNOWLEDGE = 126
    REJECT = 127


_KINDS = {1: "request", 2: "response", 3: "request", 4: "response", 5: "command", 6: "indication"}
_SYMMETRY_NUMBERS = 127


class Content:
    """The token as one end sees it. `random_number` breaks the tie when both ask at once."""

    def __init__(self, random_number: Callable[[], int]) -> None:
        self.is_owner = False
        """We may present."""
        self.is_peers = False
        """The peer does."""
        self.limited: set[int | None] = set()
        """Channels of the peer that our flow control holds back; None: all together."""
        self.terminal_label = 0
        """The peer's number for us where it is an MCU: its own number times 256 and the terminal's (H.239 8.3)."""
        self.deadline: float | None = None
        self._random_number = random_number
        self._symmetry = 0
        self._channel = 0
        self._waiting: int | None = None
        """The channel of the peer's request that waits for our answer."""

    # ---- the owner's wishes

    def request(self, number: int, now: float) -> list[Effect]:
        """We want to present on channel `number` of ours."""
        if self.is_owner or self.deadline is not None:
            return []
        self._channel = number
        self.deadline = now + RESPONSE_S
        self._symmetry = self._random_number() % _SYMMETRY_NUMBERS + 1
        tie = (Parameter.SYMMETRY_BREAKING, self._symmetry)
        return [self._message(SubMessage.PRESENTATION_TOKEN_REQUEST, number, tie)]

    def grant(self) -> list[Effect]:
        """The peer's request is granted; what we present ends."""
        if self._waiting is None:
            return []
        was_owner = self._yield()
        number, self._waiting = self._waiting, None
        self.is_peers = True
        answer = self._message(SubMessage.PRESENTATION_TOKEN_RESPONSE, number, (Parameter.ACKNOWLEDGE, None))
        return [answer, ContentToken(ContentState.LOST)] if was_owner else [answer]

    def refuse(self) -> list[Effect]:
        """It is not."""
        if self._waiting is None:
            return []
        number, self._waiting = self._waiting, None
        return [self._message(SubMessage.PRESENTATION_TOKEN_RESPONSE, number, (Parameter.REJECT, None))]

    def release(self) -> list[Effect]:
        """We present no longer, or do not want to any more."""
        was_asking = self.deadline is not None
        if not self._yield() and not was_asking:
            return []
        return [self._message(SubMessage.PRESENTATION_TOKEN_RELEASE, self._channel)]

    def indicate(self) -> list[Effect]:
        """We present."""
        return [self._message(SubMessage.PRESENTATION_TOKEN_INDICATE_OWNER, self._channel)] if self.is_owner else []

    def expire(self, _now: float) -> list[Effect]:
        """No answer to our request: as good as a refusal."""
        return [*self.release(), ContentToken(ContentState.REFUSED)]

    # ---- what comes

    def receive(self, kind: str, message: Any) -> list[Effect] | None:
        """A generic message; None when it is none of H.239."""
        if generic_message.oid_of(message["messageIdentifier"]) != MESSAGE_OID:
            return None
        number = message.get("subMessageIdentifier", 0)
        handler = self._INPUTS.get(number)
        if handler is None or _KINDS[number] != kind:
            return []
        return handler(self, generic_message.numbers(message.get("messageContent", ())))

    def _requested(self, parameters: dict[int, int]) -> list[Effect]:
        """When requests cross, the greater number wins; equal ones are both refused (H.239 11.2)."""
        self._waiting = parameters.get(Parameter.CHANNEL_ID, 0)
        if self.deadline is None:
            return [ContentToken(ContentState.REQUESTED)]
        theirs = parameters.get(Parameter.SYMMETRY_BREAKING, 0)
        if theirs <= self._symmetry:
            return self.refuse()
        self._yield()
        return [ContentToken(ContentState.REFUSED), ContentToken(ContentState.REQUESTED)]

    def _answered(self, parameters: dict[int, int]) -> list[Effect]:
        """An answer to what we no longer want is passed over."""
        if self.deadline is None:
            return []
        self.deadline = None
        if Parameter.ACKNOWLEDGE not in parameters:
            return [ContentToken(ContentState.REFUSED)]
        self.is_owner, self.is_peers = True, False
        return [*self.indicate(), ContentToken(ContentState.GRANTED)]

    def _released(self, _parameters: dict[int, int]) -> list[Effect]:
        was_peers, self.is_peers = self.is_peers or self._waiting is not None, False
        self._waiting = None
        return [ContentToken(ContentState.RELEASED)] if was_peers else []

    def _owned(self, _parameters: dict[int, int]) -> list[Effect]:
        was_owner = self._yield()
        was_peers, self.is_peers = self.is_peers, True
        if was_owner:
            return [ContentToken(ContentState.LOST), ContentToken(ContentState.OWNED)]
        return [] if was_peers else [ContentToken(ContentState.OWNED)]

    def _rate_wanted(self, parameters: dict[int, int]) -> list[Effect]:
        """Nothing holds the channel back unless we said so ourselves (H.239 8.4)."""
        number = parameters.get(Parameter.CHANNEL_ID, 0)
        verdict = Parameter.REJECT if self.limited & {number, None} else Parameter.ACKNOWLEDGE
        return [self._message(SubMessage.FLOW_CONTROL_RELEASE_RESPONSE, number, (verdict, None), has_label=False)]

    def _yield(self) -> bool:
        """Whether the token was ours; it is not any more, and no request waits."""
        was_owner, self.is_owner = self.is_owner, False
        self.deadline = None
        return was_owner

    def _message(
        self,
        number: SubMessage,
        channel: int,
        extra: tuple[Parameter, int | None] | None = None,
        has_label: bool = True,
    ) -> Send:
        content = []
        if extra is not None and extra[1] is None:
            content.append(generic_message.parameter(extra[0], "logical", 0))
        if has_label:
            content.append(generic_message.parameter(Parameter.TERMINAL_LABEL, "unsignedMin", self.terminal_label))
        content.append(generic_message.parameter(Parameter.CHANNEL_ID, "unsignedMin", channel))
        if extra is not None and extra[1] is not None:
            content.append(generic_message.parameter(extra[0], "unsignedMin", extra[1]))
        kind = _KINDS[number]
        body = {
            "messageIdentifier": generic_message.identifier(MESSAGE_OID),
            "subMessageIdentifier": int(number),
            "messageContent": content,
        }
        return Send((kind, (f"generic{kind.capitalize()}", body)))

    _INPUTS: ClassVar[dict[int, Callable[[Content, dict[int, int]], list[Effect]]]] = {
        SubMessage.FLOW_CONTROL_RELEASE_REQUEST: _rate_wanted,
        SubMessage.PRESENTATION_TOKEN_REQUEST: _requested,
        SubMessage.PRESENTATION_TOKEN_RESPONSE: _answered,
        SubMessage.PRESENTATION_TOKEN_RELEASE: _released,
        SubMessage.PRESENTATION_TOKEN_INDICATE_OWNER: _owned,
    }
