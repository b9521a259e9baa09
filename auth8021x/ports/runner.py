"""One port at work: frames in and out, questions to RADIUS servers, what is let in, accounting."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import Protocol

from auth8021x.errors import NoAnswerError, QueueFullError
from auth8021x.pae.actions import Account, Action, Admit, Ask, Expel, Refuse, SendFrame
from auth8021x.pae.grant import Grant
from auth8021x.pae.port import Port
from auth8021x.radius.client import Done
from auth8021x.radius.dynamic_orders import Order, Selector
from auth8021x.radius.request import Answered, Request
from auth8021x.wire import mac_address
from auth8021x.wire.attribute import Attribute
from auth8021x.wire.dictionary import AcctStatusType, ErrorCause, TerminateCause

logger = logging.getLogger(__name__)


class Link(Protocol):
    """What a port needs of its socket."""

    def send(self, frame: bytes) -> None:
        """One Ethernet frame."""


class Servers(Protocol):
    """What asks RADIUS servers: RadiusClient."""

    def begin(self, request: Request, done: Done) -> None:
        """`done` is told what came of it, once."""


class Enforcement(Protocol):
    """What lets the traffic of terminals through: a driver of the bridge. Neither method blocks."""

    def admit(self, port: str, mac: bytes, grant: Grant, session: str) -> None:
        """Let in, or move to another network without losing a packet that need not be lost."""

    def expel(self, port: str, mac: bytes, session: str, cause: TerminateCause) -> None:
        """Let in no longer, at once."""


class Accounting(Protocol):
    """What is told about sessions: AccountingClient."""

    def put(self, session: str, status: AcctStatusType, attributes: tuple[Attribute, ...]) -> None:
        """Raises QueueFullError."""


Refused = Callable[[bytes, str, str], None]
"""Is told MAC, identity as given and reason (auth8021x.ports.audit.PortAudit.refused)."""


class PortRunner:
    """Runs a port until it is closed."""

    def __init__(
        self, port: Port, servers: Servers, enforcement: Enforcement, accounting: Accounting | None = None,
        refused: Refused | None = None,
    ) -> None:  # fmt: skip
        """`refused` is told of terminals that are refused."""
        self.port = port
        self._refused = refused
        self.link: Link | None = None
        self._servers = servers
        self._enforcement = enforcement
        self._accounting = accounting
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None

    def carrier(self, is_up: bool) -> None:
        """The line came up, or is gone."""
        self.port.carrier(is_up, self._loop.time())
        self._work()

    def receive(self, frame: bytes) -> None:
        """An EAPOL frame."""
        self.port.receive(frame, self._loop.time())
        self._work()

    def seen(self, mac: bytes) -> None:
        """A terminal that is kept out has sent something."""
        self.port.seen(mac, self._loop.time())
        self._work()

    def count(self, selector: Selector) -> int:
        """How many sessions fit."""
        return self.port.count(selector)

    def disconnect(self, selector: Selector) -> ErrorCause | None:
        """End the sessions that fit."""
        cause = self.port.disconnect(selector, self._loop.time())
        self._work()
        return cause

    def keep_out(self, mac: bytes, reason: str) -> None:
        """A terminal was let in and is not."""
        self.port.keep_out(mac, reason, self._loop.time())
        self._work()

    def change(self, order: Order) -> ErrorCause | None:
        """Change the session that fits."""
        cause = self.port.change(order, self._loop.time())
        self._work()
        return cause

    def close(self) -> None:
        """Let nobody in any more, and tell of it."""
        self.carrier(False)
        if self._timer is not None:
            self._timer.cancel()

    def _work(self) -> None:
        for action in self.port.actions():
            try:
                self._do(action)
            except Exception:
                # Whatever it is: behind it others may be waiting to be thrown out.
                logger.exception("port=%s %s", self.port.name, type(action).__name__)
        due = self.port.next_timeout()
        if due is None or (self._timer is not None and self._timer.when() <= due):
            return  # a timer that rings too early is cheaper than a new one for each frame
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(due, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self.port.handle_timeout(self._loop.time())
        self._work()

    def _do(self, action: Action) -> None:
        name = self.port.name
        if isinstance(action, SendFrame):
            if self.link is not None:
                self.link.send(action.frame)
        elif isinstance(action, Ask):
            self._servers.begin(action.request, partial(self._answered, action.ticket))
        elif isinstance(action, Admit):
            logger.info("port=%s mac=%s in by %s", name, mac_address.plain(action.mac), action.grant.by.value)
            self._enforcement.admit(name, action.mac, action.grant, action.session)
        elif isinstance(action, Expel):
            logger.info("port=%s mac=%s out: %s", name, mac_address.plain(action.mac), action.cause.name)
            self._enforcement.expel(name, action.mac, action.session, action.cause)
        elif isinstance(action, Refuse):
            if self._refused is not None:
                self._refused(action.mac, action.identity, action.reason)
        else:
            self._account(action)

    def _account(self, action: Account) -> None:
        try:
            if self._accounting is not None:
                self._accounting.put(action.session, action.status, action.attributes)
        except QueueFullError as error:
            logger.error("port=%s %s", self.port.name, error)

    def _answered(self, ticket: int, outcome: Answered | NoAnswerError) -> None:
        """Also after close(): then it is for nobody."""
        if isinstance(outcome, Answered):
            self.port.answered(ticket, outcome, self._loop.time())
        else:
            self.port.no_answer(ticket, self._loop.time())
        self._work()
