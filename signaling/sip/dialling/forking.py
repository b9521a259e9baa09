"""Calls one party at several addresses at once: who answers first is talked to, the others are told that it is over."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from signaling.errors import SipError, TransportError
from signaling.placed import DialRefused, Outcome
from signaling.sip.call_handle import CallRefused, OutgoingCall
from signaling.sip.client_request import Authorize
from signaling.sip.dialling.fork import Fork
from signaling.sip.transactions.transaction import Flow

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Branch:
    """One address at which a party may be."""

    uri: str
    flow: Flow | None = None
    """The way there, where it is known."""
    route: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, as the called party sees it."""

    user: str
    display_name: str
    headers: tuple[tuple[str, str], ...] = ()
    authorize: Authorize | None = None
    focus: str = ""
    """The room whose conference calls."""


class Inviter(Protocol):
    """What is needed of ua.UserAgent."""

    async def invite(
        self,
        uri: str,
        offer: bytes,
        *,
        display_name: str = "",
        user: str = "caller",
        headers: tuple[tuple[str, str], ...] = (),
        flow: Flow | None = None,
        route: tuple[str, ...] = (),
        authorize: Authorize | None = None,
        focus: str = "",
    ) -> OutgoingCall:
        """Send an INVITE. Raises SipError, TransportError."""


Redirect = Callable[[str], Awaitable[Branch | None]]
"""Where a 3xx leads: the branch for one of its contacts, None where that may not be called."""


class ForkedCall:
    """One offer to several branches."""

    def __init__(self, inviter: Inviter, caller: Caller, redirect: Redirect, on_ringing: Callable[[], None]) -> None:
        self._inviter = inviter
        self._caller = caller
        self._redirect = redirect
        self._on_ringing = on_ringing
        self._fork = Fork(0)
        self._calls: dict[int, OutgoingCall] = {}
        self._changed = asyncio.Event()

    async def place(self, branches: Sequence[Branch], offer: bytes, timeout_s: float) -> OutgoingCall:
        """The call that was answered first; `call.answer` is its SDP. Raises DialRefused.

        All others are cancelled, and those that answer all the same get a BYE; also when this is cancelled itself.
        """
        self._fork = Fork(len(branches))
        tasks = [asyncio.ensure_future(self._try(number, branch, offer)) for number, branch in enumerate(branches)]
        winner: OutgoingCall | None = None
        try:
            async with asyncio.timeout(timeout_s):
                while not self._fork.is_over:
                    await self._changed.wait()
                    self._changed.clear()
        except TimeoutError:
            raise DialRefused(Outcome.NO_ANSWER) from None
        else:
            if self._fork.winner is None:
                raise DialRefused(self._fork.result)
            winner = self._calls[self._fork.winner]
            return winner
        finally:
            for task in tasks:
                task.cancel()
            for call in self._calls.values():
                if call is not winner:
                    call.hang_up()

    async def _try(self, number: int, branch: Branch, offer: bytes) -> None:
        try:
            await self._ask(number, branch, offer)
        except CallRefused as refused:
            other = await self._elsewhere(refused)
            if other is None:
                self._refused(number, refused.status)
            else:
                await self._try_elsewhere(number, other, offer)
        except (SipError, TransportError) as error:
            logger.info("branch=%d not called: %s", number, error)
            self._refused(number, 503)
        except Exception:
            logger.exception("branch=%d failed", number)
            self._refused(number, 500)

    async def _try_elsewhere(self, number: int, branch: Branch, offer: bytes) -> None:
        """A redirection is followed once (RFC 3261 8.1.3.4): whoever sends on again is not believed."""
        try:
            await self._ask(number, branch, offer)
        except CallRefused as refused:
            self._refused(number, 404 if 300 <= refused.status < 400 else refused.status)
        except (SipError, TransportError):
            self._refused(number, 503)

    async def _ask(self, number: int, branch: Branch, offer: bytes) -> None:
        caller = self._caller
        call = await self._inviter.invite(
            branch.uri, offer, display_name=caller.display_name, user=caller.user, headers=caller.headers,
            flow=branch.flow, route=branch.route, authorize=caller.authorize, focus=caller.focus,
        )  # fmt: skip
        call.is_followed = True
        call.on_progress = lambda status: self._progressed(number, status)
        self._calls[number] = call
        await call.answered()
        if self._fork.answered(number):
            self._changed.set()
        else:
            call.hang_up()

    async def _elsewhere(self, refused: CallRefused) -> Branch | None:
        if 300 <= refused.status < 400:
            for contact in refused.contacts[:4]:
                if (branch := await self._redirect(contact)) is not None:
                    return branch
        return None

    def _progressed(self, number: int, status: int) -> None:
        if status > 100 and self._fork.rings(number):
            self._on_ringing()

    def _refused(self, number: int, status: int) -> None:
        self._fork.refused(number, status)
        self._changed.set()
