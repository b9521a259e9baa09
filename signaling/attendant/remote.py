"""The remote control of one leg inside a room: carries out what its menu wants, as far as the caller may."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from mcu.conference import Conference
from mcu.participant import Role
from signaling.attendant.actions import HangUp, Say, Show
from signaling.attendant.desk import Desk
from signaling.attendant.menu import (
    BecomeHost,
    Facts,
    LetIn,
    Menu,
    MenuAction,
    Mute,
    NextLayout,
    NextOwnLayout,
    RaiseHand,
)
from signaling.call_request import Admission
from signaling.refusal import Refusal, Refused

logger = logging.getLogger(__name__)


class RemoteControl:
    """Digits of one participant; close() it when the participant has left."""

    def __init__(self, desk: Desk, admission: Admission, leg: int, hang_up: Callable[[], None]) -> None:
        self._desk = desk
        self._admission = admission
        self._leg = leg
        self._hang_up = hang_up
        self._menu = Menu(desk.settings)
        self._timer: asyncio.TimerHandle | None = None
        self._asking: asyncio.Task[None] | None = None

    @property
    def _conference(self) -> Conference | None:
        conference = self._desk.conferences.get(self._admission.policy.number)
        return conference if conference is not None and self._leg in conference.participants else None

    def receive_digit(self, digit: str) -> None:
        """The participant pressed a key, whatever way it came."""
        if self._conference is not None:
            self._menu.receive_digit(digit, self._facts(self._conference), self._now())
            self._carry_out()

    def close(self) -> None:
        """The participant has left."""
        if self._timer is not None:
            self._timer.cancel()
        if self._asking is not None:
            self._asking.cancel()

    def _facts(self, conference: Conference) -> Facts:
        person = conference.participants[self._leg]
        waiting = self._desk.gate.waiting(self._admission.policy.number)
        first = waiting[0] if waiting else None
        return Facts(
            is_host=person.role is Role.HOST,
            is_muted=person.is_muted,
            has_hand_raised=person.has_hand_raised,
            waiting=first.id if first is not None else 0,
            waiting_name=f"{first.name} ({first.identity or first.address})" if first is not None else "",
        )

    def _carry_out(self) -> None:
        while (action := self._menu.next_action()) is not None:
            if (conference := self._conference) is not None:
                self._do(action, conference)
        if self._timer is not None:
            self._timer.cancel()
        deadline = self._menu.next_timeout()
        self._timer = asyncio.get_running_loop().call_at(deadline, self._timed_out) if deadline is not None else None

    def _do(self, action: MenuAction, conference: Conference) -> None:
        match action:
            case Show():
                conference.show_panel(self._leg, action.panel)
            case Say():
                conference.speak_to(self._leg, *action.prompts, interrupt=action.is_interrupting)
            case Mute():
                conference.mute(self._leg, action.is_muted)
            case NextLayout():
                conference.next_layout()
            case NextOwnLayout():
                conference.next_own_layout(self._leg)
            case RaiseHand():
                conference.raise_hand(self._leg, action.is_raised)
            case LetIn():
                self._desk.gate.let_in(self._admission.policy.number, action.waiting)
            case BecomeHost():
                self._asking = asyncio.ensure_future(self._become_host(action.passcode))
            case HangUp():
                logger.info("leg=%d left by remote control", self._leg)
                self._hang_up()

    async def _become_host(self, passcode: str) -> None:
        try:
            await self._desk.gate.promote(self._admission, passcode)
        except Refused as refused:
            self._menu.refused(refused.reason, self._now())
        except Exception:
            logger.exception("leg=%d asking for host rights failed", self._leg)
            self._menu.refused(Refusal.CAPACITY, self._now())
        else:
            if self._conference is not None:
                self._conference.set_role(self._leg, Role.HOST)
            self._menu.promoted(self._now())
        self._carry_out()

    def _timed_out(self) -> None:
        self._timer = None
        self._menu.handle_timeout(self._now())
        self._carry_out()

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
