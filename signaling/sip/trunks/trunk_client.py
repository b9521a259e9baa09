"""Keeps us registered with the trunks that ask for it, and the way to them open (RFC 3261 10.2, RFC 5626 3.5)."""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Protocol

from signaling.errors import SipError, TransportError
from signaling.sip.call_handle import CallRefused
from signaling.sip.client_request import Authorize
from signaling.sip.dialling.out_plan import trunk_authorize
from signaling.sip.transactions.transaction import Flow
from signaling.sip.trunks.trunk import Trunk, Trunks
from signaling.sip.trunks.trunk_registration import Registration, RegistrationState
from signaling.sip.wire.message import Response
from signaling.sip.wire.uri import NameAddr, Uri, parse_uri

logger = logging.getLogger(__name__)

_REQUEST_TIMEOUT_S = 32.0
_CSEQ_STEP = 4
"""A REGISTER may be sent three times, with credentials: each has a number of its own."""
_GOODBYE_S = 2.0


class Agent(Protocol):
    """What is needed of ua.UserAgent."""

    @property
    def counters(self) -> Counter[str]:
        """Where failures are counted."""

    async def request(
        self,
        method: str,
        uri: str,
        headers: tuple[tuple[str, str], ...] = (),
        body: bytes = b"",
        *,
        flow: Flow | None = None,
        route: tuple[str, ...] = (),
        authorize: Authorize | None = None,
        timeout_s: float = 32.0,
    ) -> Response:
        """Send a request out of dialog. Raises CallRefused, SipError, TransportError."""

    async def flow_to(self, uri: Uri, route: tuple[str, ...] = ()) -> Flow:
        """How it travels. Raises SipError, TransportError."""

    def contact(self, flow: Flow) -> Uri:
        """Our address for this peer."""

    def now(self) -> float:
        """The loop's clock."""


class TrunkClient:
    """One trunk that we register with; run() until it is cancelled, then leave()."""

    def __init__(self, trunk: Trunk, agent: Agent) -> None:
        self._trunk = trunk
        self._agent = agent
        self._registration = Registration(trunk.settings.expires_s, random.random)
        self._call_id = secrets.token_hex(10)
        self._tag = secrets.token_hex(8)
        self._cseq = 1
        self._host = 0
        self._next_ping = 0.0

    async def run(self) -> None:
        """Register, renew, try again; never returns."""
        self._registration.start()
        while True:
            for expires_s in self._registration.requests_to_send():
                await self._register(expires_s)
            self._show()
            await self._pause()
            self._registration.handle_timeout(self._agent.now())

    async def leave(self) -> None:
        """Take our binding away, where there is one; the answer is waited for shortly."""
        self._registration.stop()
        for expires_s in self._registration.requests_to_send():
            await self._register(expires_s, _GOODBYE_S)
        self._show()

    async def _pause(self) -> None:
        """Until the registration wants something; meanwhile the way is kept open."""
        registration, agent = self._registration, self._agent
        self._next_ping = agent.now() + self._trunk.settings.keep_alive_s
        while (deadline := registration.next_timeout()) is not None and (now := agent.now()) < deadline:
            has_pings = self._trunk.settings.keep_alive_s > 0 and registration.is_registered
            if has_pings and now >= self._next_ping:
                await self._ping()
                self._next_ping = agent.now() + self._trunk.settings.keep_alive_s
            else:
                await asyncio.sleep(min(deadline, self._next_ping if has_pings else deadline) - now)

    async def _ping(self) -> None:
        """OPTIONS: any answer holds NAT mappings open and says that the trunk is there, none that it is not."""
        try:
            uri = self._trunk.uris("")[self._host]
            await self._agent.request("OPTIONS", uri, timeout_s=_REQUEST_TIMEOUT_S)
        except (SipError, TransportError):
            self._agent.counters["trunk-lost"] += 1
            logger.warning("trunk=%s does not answer", self._trunk.name)
            self._registration.path_lost(self._agent.now())

    async def _register(self, expires_s: int, timeout_s: float = _REQUEST_TIMEOUT_S) -> None:
        trunk = self._trunk
        hosts = trunk.uris("")
        where = parse_uri(hosts[self._host % len(hosts)])
        try:
            flow = await self._agent.flow_to(where)
            trunk.learn(flow.remote[0])
            contact = replace(self._agent.contact(flow), user=f"trunk-{trunk.name}")
            response = await self._agent.request(
                "REGISTER", Uri("sip", "", trunk.domain).serialize(), self._headers(contact, expires_s), flow=flow,
                authorize=trunk_authorize(trunk, self._agent.counters), timeout_s=timeout_s,
            )  # fmt: skip
        except CallRefused as refused:
            self._failed(str(refused))
        except (SipError, TransportError) as error:
            self._failed(str(error))
        else:
            self._answered(response, contact.host)

    def _headers(self, contact: Uri, expires_s: int) -> tuple[tuple[str, str], ...]:
        own = NameAddr(Uri("sip", self._trunk.settings.user, self._trunk.domain))
        cseq, self._cseq = self._cseq, self._cseq + _CSEQ_STEP
        return (
            ("From", own.with_tag(self._tag).serialize()),
            ("To", own.serialize()),
            ("Call-ID", self._call_id),
            ("CSeq", f"{cseq} REGISTER"),
            ("Contact", f"<{contact.serialize()}>;expires={expires_s}"),
            ("Expires", str(expires_s)),
        )

    def _answered(self, response: Response, host: str) -> None:
        self._agent.counters[f"trunk-register-{response.status}"] += 1
        self._registration.receive_response(response, host, self._agent.now())
        if self._registration.is_registered and response.status < 300:
            self._trunk.trouble = ""
        else:
            self._trouble(f"{response.status} {response.reason}".strip())

    def _failed(self, why: str) -> None:
        """Next time the next host is tried."""
        self._agent.counters["trunk-register-failed"] += 1
        self._host = (self._host + 1) % len(self._trunk.settings.hosts)
        self._registration.no_answer(self._agent.now())
        self._trouble(why)

    def _trouble(self, why: str) -> None:
        if self._registration.state is RegistrationState.ENDED:
            return
        self._trunk.trouble = why[:128]
        logger.warning("trunk=%s not registered: %s", self._trunk.name, self._trunk.trouble)

    def _show(self) -> None:
        state = self._registration.state
        before = self._trunk.state
        if self._registration.is_registered:
            self._trunk.state = "registered"
        elif state in (RegistrationState.FAILED, RegistrationState.REGISTERING):
            self._trunk.state = "failed" if self._registration.failures else "registering"
        else:
            self._trunk.state = "unregistered"
        if self._trunk.state != before:
            logger.info("trunk=%s is %s", self._trunk.name, self._trunk.state)


class TrunkClients:
    """All trunks that we register with."""

    def __init__(self, trunks: Trunks, agent: Agent) -> None:
        self._clients = [TrunkClient(trunk, agent) for trunk in _registering(trunks)]
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Register with all; needs the user agent to be up."""
        self._tasks = [asyncio.get_running_loop().create_task(client.run()) for client in self._clients]

    async def stop(self) -> None:
        """Say goodbye to all, before the user agent stops."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(client.leave() for client in self._clients), return_exceptions=True)


def _registering(trunks: Trunks) -> Iterable[Trunk]:
    return [trunk for trunk in trunks if trunk.settings.registers]
