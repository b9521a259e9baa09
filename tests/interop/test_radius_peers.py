"""Our RADIUS client against pyrad's server, and our server of Disconnect and CoA against radclient."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from auth8021x.errors import NoAnswerError
from auth8021x.radius.dynamic_client import DynamicOrders, Outcome
from auth8021x.radius.dynamic_orders import Order, Selector
from auth8021x.radius.dynamic_udp import DynamicSockets, server
from auth8021x.radius.request import Request
from auth8021x.wire import attribute
from auth8021x.wire.dictionary import AcctStatusType, Code, ErrorCause, Type
from tests.interop import pyrad_server
from tests.interop.process import end
from tests.interop.test_radius_client import asking, described, with_password

DAS_SECRET = "between the server and us"


@pytest.fixture
def pyrad(tmp_path: Path) -> Iterator[None]:
    with (tmp_path / "pyrad.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.interop.pyrad_server", str(tmp_path)], stdout=log, stderr=log,
            cwd=Path(__file__).parents[2],
        )  # fmt: skip
    deadline = time.monotonic() + 10
    while ":0ED7 00000000:0000" not in Path("/proc/net/udp").read_text():
        assert process.poll() is None, (tmp_path / "pyrad.log").read_text()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    yield
    end(process)
    assert "Traceback" not in (tmp_path / "pyrad.log").read_text()


async def test_pyrad_lets_in_refuses_and_takes_accounting(pyrad: None, tmp_path: Path):
    settings = described(tmp_path, secret=pyrad_server.SECRET.decode(), timers={"retransmit_s": 0.2, "max_tries": 2})
    with asking(settings) as client:
        good = await client.ask(with_password("vt1", "vtpass1"))
        assert (good.packet.code, good.is_excused) == (Code.ACCESS_ACCEPT, False)
        assert attribute.first(good.packet.attributes, Type.CLASS) == b"pyrad"
        assert (await client.ask(with_password("vt1", "guess"))).packet.code == Code.ACCESS_REJECT
    with asking(settings, "accounting") as client:
        session = attribute.text(Type.ACCT_SESSION_ID, "bed-7")
        told = (attribute.number(Type.ACCT_STATUS_TYPE, AcctStatusType.START), session)
        assert (await client.ask(Request(Code.ACCOUNTING_REQUEST, told))).packet.code == Code.ACCOUNTING_RESPONSE
    another = described(tmp_path, secret="another", timers={"retransmit_s": 0.1, "max_tries": 2})
    with asking(another) as client, pytest.raises(NoAnswerError):
        await client.ask(with_password("vt1", "vtpass1"))


async def test_pyrad_obeys_our_orders(pyrad: None, tmp_path: Path):
    settings = described(tmp_path, {"authentication_port": 3799}, secret=pyrad_server.SECRET.decode())
    with asking(settings) as client:
        orders = DynamicOrders(client)
        assert await orders.disconnect("r0", (attribute.text(Type.USER_NAME, "vt1"),)) == Outcome(is_done=True)
        refused = await orders.disconnect("r0", (attribute.text(Type.USER_NAME, "vt2"),))
        assert (refused.is_done, refused.error_cause) == (False, 503)


class Sessions:
    """Has one session, of "vt1"."""

    def __init__(self) -> None:
        self.ended: list[Selector] = []
        self.changed: list[Order] = []

    def disconnect(self, selector: Selector) -> ErrorCause | None:
        self.ended.append(selector)
        return None if selector.user_name == "vt1" else ErrorCause.SESSION_CONTEXT_NOT_FOUND

    def change(self, order: Order) -> ErrorCause | None:
        self.changed.append(order)
        return None


@pytest.fixture
def sessions(needs) -> Sessions:
    needs("radclient")
    return Sessions()


@pytest.fixture
async def listening(sessions: Sessions, tmp_path: Path) -> AsyncIterator[DynamicSockets]:
    file = tmp_path / "das"
    file.touch(0o600)
    file.write_text(DAS_SECRET)
    client = {"name": "main", "address": "127.0.0.1", "secret_file": str(file)}
    settings = described(tmp_path, dynamic={"listen": ["127.0.0.1"], "clients": [client]})
    sockets = DynamicSockets(server(settings), sessions, settings)
    yield sockets
    sockets.close()


async def radclient(tmp_path: Path, kind: str, lines: str, secret: str = DAS_SECRET, port: int = 3799) -> str:
    """What radclient says. Its secret stands in a file, as nobody's belongs into a list of processes."""
    (tmp_path / "secret.radclient").write_text(secret)
    process = await asyncio.create_subprocess_exec(
        "radclient", "-x", "-r", "1", "-t", "0.7", "-S", str(tmp_path / "secret.radclient"), f"127.0.0.1:{port}", kind,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    out, _ = await process.communicate(lines.encode())
    return out.decode(errors="replace")


def stamped(lines: str, offset_s: int = 0) -> str:
    stamp = time.strftime("%b %e %Y %H:%M:%S %Z", time.localtime(time.time() + offset_s))
    return f'{lines}\nEvent-Timestamp = "{stamp}"\nMessage-Authenticator = 0x00\n'


async def test_radclient_ends_a_session(listening: DynamicSockets, sessions: Sessions, tmp_path: Path):
    said = await radclient(tmp_path, "disconnect", stamped('User-Name = "vt1"\nCalling-Station-Id = "0200-00AA-0001"'))
    assert "Disconnect-ACK" in said
    assert sessions.ended == [Selector("vt1", bytes.fromhex("020000aa0001"))]


async def test_radclient_is_told_that_there_is_no_such_session(
    listening: DynamicSockets, sessions: Sessions, tmp_path: Path
):
    said = await radclient(tmp_path, "disconnect", stamped('User-Name = "vt2"'))
    assert "Disconnect-NAK" in said
    assert "Error-Cause = Session-Context-Not-Found" in said


async def test_radclient_changes_a_session(listening: DynamicSockets, sessions: Sessions, tmp_path: Path):
    lines = 'User-Name = "vt1"\nSession-Timeout = 60\nTunnel-Type = VLAN\nTunnel-Medium-Type = IEEE-802\n'
    said = await radclient(tmp_path, "coa", stamped(lines + 'Tunnel-Private-Group-Id = "42"'))
    assert "CoA-ACK" in said
    assert (sessions.changed[0].change.session_timeout_s, sessions.changed[0].change.vlan) == (60, "42")
    said = await radclient(tmp_path, "coa", stamped('User-Name = "vt1"\nFramed-MTU = 1400'))
    assert "Error-Cause = Unsupported-Attribute" in said
    assert len(sessions.changed) == 1


@pytest.mark.parametrize(
    ("kind", "lines", "secret", "counter"),
    [
        ("disconnect", stamped('User-Name = "vt1"'), "another secret", "wrong-authenticator"),
        ("coa", stamped('User-Name = "vt1"\nSession-Timeout = 60'), "another secret", "wrong-authenticator"),
        ("disconnect", stamped('User-Name = "vt1"', -1000), DAS_SECRET, "old-event-timestamp"),
        ("disconnect", 'User-Name = "vt1"\nMessage-Authenticator = 0x00\n', DAS_SECRET, "no-event-timestamp"),
        (
            "disconnect",
            stamped('User-Name = "vt1"').replace("Message-Authenticator = 0x00\n", ""),
            DAS_SECRET,
            "no-message",
        ),
    ],
)
async def test_radclient_is_not_answered(
    listening: DynamicSockets, sessions: Sessions, tmp_path: Path, kind: str, lines: str, secret: str, counter: str
):
    said = await radclient(tmp_path, kind, lines, secret)
    assert "ACK" not in said
    assert "NAK" not in said
    assert (sessions.ended, sessions.changed) == ([], [])
    assert sum(count for name, count in listening.core.counters.items() if name.startswith(counter)) >= 1
