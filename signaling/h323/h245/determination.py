"""Master and slave of an H.245 session: the MSDSE (H.245 C.2), which settles who decides in conflicts."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
from typing import Any, ClassVar

from signaling.h323.h245.events import Effect, Failed, indication, request, response

T106_S = 30.0
"""For the answer to a masterSlaveDetermination (H.245 C.2.3; the value is that of the trade)."""
N100 = 10
"""Attempts while the numbers are alike (H.245 C.2.3)."""
MCU_TERMINAL_TYPE = 240
"""An active MC in an MCU: master of all but another one (H.323 6.2.8.1)."""
_MODULUS = 1 << 24
_HALF = 1 << 23


class State(Enum):
    """States of the MSDSE."""

    IDLE = auto()
    OUTGOING_AWAITING_RESPONSE = auto()
    INCOMING_AWAITING_RESPONSE = auto()


class Determination:
    """The MSDSE of one end. `random_number` gives 24 bits nobody can foresee."""

    def __init__(self, terminal_type: int, random_number: Callable[[], int]) -> None:
        self.terminal_type = terminal_type
        self.state = State.IDLE
        self.is_master: bool | None = None
        """None until it is determined; while it is determined again the last result."""
        self.deadline: float | None = None
        self._random_number = random_number
        self._number = random_number() % _MODULUS
        self._attempts = 0
        self._is_settled = False
        """It has been determined before."""

    def start(self, now: float) -> list[Effect]:
        """DETERMINE.request; nothing while a determination is under way."""
        if self.state is not State.IDLE:
            return []
        self._attempts = 0
        return self._ask(now)

    def receive(self, name: str, body: Any, now: float) -> list[Effect]:
        """One of the four messages of the MSDSE."""
        return self._INPUTS[name](self, body, now)

    def expire(self, _now: float) -> list[Effect]:
        """T106: nobody answers (C.2.5.2, error A).

        Of a later determination the last result holds: terminals that do none after a hold keep their call.
        """
        was_asking = self.state is State.OUTGOING_AWAITING_RESPONSE
        self._rest()
        release: list[Effect] = [indication("masterSlaveDeterminationRelease", {})] if was_asking else []
        return release if self._is_settled else [*release, Failed("master-slave determination: no answer")]

    def _ask(self, now: float) -> list[Effect]:
        self.state = State.OUTGOING_AWAITING_RESPONSE
        self.deadline = now + T106_S
        body = {"terminalType": self.terminal_type, "statusDeterminationNumber": self._number}
        return [request("masterSlaveDetermination", body)]

    def _rest(self) -> None:
        self.state = State.IDLE
        self.deadline = None

    def _compare(self, body: Any) -> bool | None:
        """Whether we are master; None when the numbers do not tell (C.2.4, Figure C.3)."""
        theirs: int = body["terminalType"]
        if theirs != self.terminal_type:
            return theirs < self.terminal_type
        difference = (body["statusDeterminationNumber"] - self._number) % _MODULUS
        return None if difference in (0, _HALF) else difference < _HALF

    def _asked(self, body: Any, now: float) -> list[Effect]:
        """Also while our acknowledgement is under way: the standard gives up there (error C), a repeat harms none."""
        is_master = self._compare(body)
        if is_master is None:
            if self.state is State.OUTGOING_AWAITING_RESPONSE:
                return self._try_again(now)
            return [response("masterSlaveDeterminationReject", {"cause": ("identicalNumbers", 0)})]
        self.is_master = is_master
        self.state = State.INCOMING_AWAITING_RESPONSE
        self.deadline = now + T106_S
        return [_acknowledgement(is_master)]

    def _acknowledged(self, body: Any, _now: float) -> list[Effect]:
        is_master = body["decision"][0] == "master"
        if self.state is State.IDLE:
            return []
        was_asking = self.state is State.OUTGOING_AWAITING_RESPONSE
        self._rest()
        if was_asking:
            self.is_master, self._is_settled = is_master, True
            return [_acknowledgement(is_master)]
        if is_master != self.is_master:
            return [Failed("master-slave determination: the decisions differ")]
        self._is_settled = True
        return []

    def _rejected(self, _body: Any, now: float) -> list[Effect]:
        if self.state is State.OUTGOING_AWAITING_RESPONSE:
            return self._try_again(now)
        return self._given_up(_body, now)

    def _given_up(self, _body: Any, _now: float) -> list[Effect]:
        if self.state is State.IDLE:
            return []
        self._rest()
        return [Failed("master-slave determination: given up by the peer")]

    def _try_again(self, now: float) -> list[Effect]:
        self._attempts += 1
        if self._attempts >= N100:
            self._rest()
            return [Failed("master-slave determination: identical numbers")]
        self._number = self._random_number() % _MODULUS
        return self._ask(now)

    _INPUTS: ClassVar[dict[str, Callable[[Determination, Any, float], list[Effect]]]] = {
        "masterSlaveDetermination": _asked,
        "masterSlaveDeterminationAck": _acknowledged,
        "masterSlaveDeterminationReject": _rejected,
        "masterSlaveDeterminationRelease": _given_up,
    }


def _acknowledgement(is_master: bool) -> Effect:
    """It tells the peer what the peer is."""
    return response("masterSlaveDeterminationAck", {"decision": ("slave" if is_master else "master", 0)})
