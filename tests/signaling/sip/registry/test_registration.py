"""The registrar at work: answers that wait, what outlives a restart, who is revoked, what the audit says."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from config.gate import GateSettings
from config.media import LocalAddress
from config.registrar import RegistrarSettings
from config.sip import SipSettings
from crypto.secret import Secret
from signaling.sip.authentication.authenticator import Outcome
from signaling.sip.authentication.digest import Credentials
from signaling.sip.registry.identity import Challenge, Identity
from signaling.sip.registry.registrar import Failure
from signaling.sip.registry.registration import Registration, RegistrationSettings
from signaling.sip.registry.registration_audit import RegistrationAudit
from signaling.sip.server_request import ServerRequest
from signaling.sip.transactions.transaction import Flow
from signaling.sip.transactions.transaction_server import ServerTransaction
from signaling.sip.wire.message import Headers, Request, Response
from store.bindings import KeptBinding
from store.database import Database
from tests.signaling.sip.network import Network
from tests.signaling.sip.registry.registering import Terminal, Terminals, tcp, udp

SIP = SipSettings(listen=(LocalAddress("10.0.0.1"),), domains=("Hospital.Example",))


class Directory(Terminals):
    """Terminals that may be revoked."""

    def __init__(self, *aliases: str) -> None:
        super().__init__(*aliases)
        self.observers: list[Callable[[frozenset[str]], None]] = []

    def observe(self, callback: Callable[[frozenset[str]], None]) -> Callable[[], None]:
        self.observers.append(callback)
        return lambda: self.observers.remove(callback)


class Agent:
    """What Registration.serve() needs of a user agent."""

    def __init__(self) -> None:
        self.transports = self
        self.lost: Callable[[Flow], None] = lambda flow: None
        self.handler: Callable[[ServerRequest], None] = lambda request: None
        self.remembers = True
        self.vouched: list[Flow] = []

    def serve(self, method: str, handler: Callable[[ServerRequest], None], *, remembers: bool) -> None:
        assert method == "REGISTER"
        self.handler, self.remembers = handler, remembers

    def vouch(self, flow: Flow) -> None:
        self.vouched.append(flow)

    def observe_lost(self, lost: Callable[[Flow], None]) -> None:
        self.lost = lost

    def ask(self, request: Request, flow: Flow) -> list[Response]:
        """The answers so far; later ones are appended."""
        answers: list[Response] = []

        def answer(status: int, reason: str, headers: tuple[tuple[str, str], ...], _body: bytes) -> None:
            answers.append(Response(status, reason, Headers(headers)))

        self.handler(ServerRequest(request, flow, None, "tag", answer))
        return answers


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = Database(f"sqlite:///{tmp_path / 'drumtower.db'}")
    await opened.open()
    yield opened
    await opened.close()


class Desk:
    """One registration with its directory and agent."""

    def __init__(self, database: Database, **gate: Any) -> None:
        self.directory, self.agent = Directory("ward", "theatre"), Agent()
        settings = RegistrationSettings(
            SIP, RegistrarSettings(), GateSettings(**gate), lambda purpose: purpose.encode()
        )
        self.registration = Registration(settings, self.directory, database.bindings)
        self.registration.serve(self.agent)  # type: ignore[arg-type]  # as much of one as is needed

    def register(self, alias: str = "ward", flow: Flow | None = None, secret: str | None = None) -> list[Response]:
        """A challenge and its answer; the answers to that."""
        flow = flow or udp()
        terminal = Terminal(None, alias, flow)  # type: ignore[arg-type]  # only its requests are used
        contact = ("Contact", f"<sip:{alias}@10.0.0.7>")
        [challenge] = self.agent.ask(terminal.request(contact), flow)
        assert challenge.status == 401
        request = terminal.request(contact)
        credentials = Credentials(alias, Secret(secret or alias * 2)).authorize("drumtower")(challenge, request)
        assert credentials is not None
        request.headers.add(*credentials)
        return self.agent.ask(request, flow)


async def test_what_is_registered_outlives_a_restart(database: Database) -> None:
    first = Desk(database)
    await first.registration.start()
    assert [first.register(alias)[0].status for alias in ("ward", "theatre")] == [200, 200]
    assert first.register("ward", tcp(3))[0].status == 200
    await first.registration.stop()
    database.bindings.put(KeptBinding("unreadable", "ward", 1e12, "{}"))
    await database.bindings.close()
    again = Desk(database)
    del again.directory.secrets["theatre"]  # deleted while the server was off
    await again.registration.start()
    kept = again.registration.registrations.all()
    assert [(binding.alias, binding.flow.transport, binding.flow.connection) for binding in kept] == [
        ("ward", "tcp", 0)
    ]
    assert again.registration.gauges["contacts"] == 1
    await again.registration.stop()


async def test_revoked_terminals_and_lost_connections_are_forgotten_at_once(database: Database) -> None:
    desk = Desk(database)
    await desk.registration.start()
    desk.register("ward")
    desk.register("theatre", tcp(5))
    desk.directory.observers[0](frozenset({"ward"}))
    assert [binding.alias for binding in desk.registration.registrations.all()] == ["theatre"]
    desk.agent.lost(tcp(5))
    assert desk.registration.registrations.all() == []
    assert desk.registration.counters["binding-revoked"] == desk.registration.counters["binding-flow-lost"] == 1
    await desk.registration.stop()
    await database.bindings.close()
    assert await database.bindings.load(0.0) == []


async def test_answers_to_who_keeps_failing_wait_and_are_dropped_by_the_end(database: Database) -> None:
    desk = Desk(
        database, source_free_failures=1, source_delay_s=0.02, source_max_delay_s=30.0, source_refused_failures=9
    )
    await desk.registration.start()
    assert [len(desk.register(secret="wrong")) for _ in range(2)] == [1, 1]
    late = desk.register(secret="wrong")
    assert late == []
    async with asyncio.timeout(5):
        while not late:
            await asyncio.sleep(0.005)
    assert late[0].status == 401
    for _ in range(5):
        desk.register(secret="wrong")
    await desk.registration.stop()
    assert desk.registration._delayed == set()


async def test_the_names_of_the_server_are_its_domains(database: Database) -> None:
    desk = Desk(database)
    terminal = Terminal(None)  # type: ignore[arg-type]  # only its requests are used
    for host in ("hospital.example", "10.0.0.1", "drumtower"):
        request = terminal.request(method="INVITE", sender=f"sip:ward@{host}")
        assert isinstance(desk.registration.identify(request, udp()), Challenge)
    await desk.registration.start()
    desk.register(flow=tcp(3))
    request = terminal.request(method="INVITE", sender="sip:ward@10.0.0.1")
    assert desk.registration.identify(request, tcp(3)) == Identity("ward", "Room of ward")
    await desk.registration.stop()


def test_answers_that_are_not_remembered_leave_nothing_behind() -> None:
    """RFC 3261 8.2.7: a flood of REGISTER costs no memory; the same request again is a new one."""
    network = Network()
    client, server = network.peer("10.0.0.1"), network.peer("10.0.0.2")
    came = []

    def served(transaction: ServerTransaction, request: Request, session: object, flow: Flow, now: float) -> None:
        came.append(request)
        server.agent.reply(transaction, request, 401, now)

    server.agent.serve("REGISTER", served, remembers=False)
    data = Terminal(None).request().serialize()  # type: ignore[arg-type]  # only its requests are used
    for _ in range(2):
        server.agent.receive(data, Flow("udp", server.address, client.address), 0.0)
        assert server.agent.endpoint.transactions == 0
    assert len(came) == 2
    assert [outgoing.data[:11] for outgoing in server.agent.messages_to_send()] == [b"SIP/2.0 401"] * 2


def test_a_repeated_request_that_waits_for_its_answer_is_the_same_one() -> None:
    network = Network()
    client, server = network.peer("10.0.0.1"), network.peer("10.0.0.2")
    came: list[tuple[ServerTransaction, Request]] = []
    server.agent.serve(
        "REGISTER", lambda transaction, request, *_: came.append((transaction, request)), remembers=False
    )
    data = Terminal(None).request().serialize()  # type: ignore[arg-type]  # only its requests are used
    for _ in range(3):
        server.agent.receive(data, Flow("udp", server.address, client.address), 0.0)
    ((transaction, request),) = came
    assert server.agent.endpoint.transactions == 1
    server.agent.reply(transaction, request, 401, 1.0)
    assert server.agent.endpoint.transactions == 0
    assert [outgoing.data[:11] for outgoing in server.agent.messages_to_send()] == [b"SIP/2.0 401"]


def test_failures_are_audited_up_to_a_bound(caplog: pytest.LogCaptureFixture) -> None:
    now = 0.0
    audit = RegistrationAudit(2, lambda: now)
    failure = Failure("ward\n2026 forged line", "REGISTER", udp(), Outcome.WRONG)
    with caplog.at_level(logging.INFO, "audit.sip"):
        for _ in range(5):
            audit.failed(failure)
        now = 61.0
        audit.failed(failure)
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 4
    assert (
        lines[0] == "terminal='ward?2026 forged line' not proven method=REGISTER from=udp:10.0.0.7:5070 outcome=wrong"
    )
    assert lines[2] == "3 further failures in the last 61 s"
    assert audit.suppressed == 3


async def test_changes_are_audited_but_not_what_only_goes_on(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    desk = Desk(database)
    await desk.registration.start()
    with caplog.at_level(logging.INFO, "audit.sip"):
        desk.register()
        desk.register()
        desk.register(flow=udp("10.0.0.8"))
    await desk.registration.stop()
    lines = [record.getMessage() for record in caplog.records if record.name == "audit.sip"]
    assert [line.split()[:3] for line in lines] == [
        ["terminal=ward", "added", "from=udp:10.0.0.7:5070"],
        ["terminal=ward", "moved", "from=udp:10.0.0.8:5070"],
    ]
    assert "wardward" not in caplog.text
