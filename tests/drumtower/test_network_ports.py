"""Our own ports, put together: who proves itself to the embedded server is in, known, told about, and out by order."""

from __future__ import annotations

import asyncio
import errno
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from auth8021x.directory.report import OwnPort
from auth8021x.directory.session import Entry, Source
from auth8021x.eapserver.stored_book import SupplicantOffice
from auth8021x.errors import PortError
from auth8021x.gate.verdict import Question, Reason
from auth8021x.pae.grant import By, Grant
from auth8021x.ports.status import Standing
from auth8021x.snooping.sighting import Sighting
from auth8021x.wire import attribute, authenticity, eap, packet
from auth8021x.wire.dictionary import AcctStatusType, Code, Type
from auth8021x.wire.packet import Packet
from config.dot1x import Dot1xSettings
from crypto.keys import generate
from crypto.network_certificates import NetworkCertificates, key_password
from crypto.secret import Secret
from crypto.secret_file import SecretFault
from drumtower.dot1x import AccessOffice
from drumtower.eap_server import EmbeddedRadius
from drumtower.network_ports import NetworkPorts
from store.database import Database
from tests.drumtower.ports_world import MAC, PORT, SECRET, AccountingServer, Driver, Line, Terminal, described
from tests.drumtower.test_dot1x import Calls

MASTER = generate()
ADDRESS = "10.1.2.3"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, now = tmp_path_factory.mktemp("data"), datetime.now(UTC)
    made = NetworkCertificates(folder / "dot1x", key_password(MASTER))
    made.ensure_authority(now)
    made.ensure_server("radius.ward.example", now)
    return folder


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    made = Database(f"sqlite:///{tmp_path}/drumtower.db")
    await made.open()
    office = SupplicantOffice(made.supplicants, MASTER)
    await office.add("vt1", "", None, Secret("vtpass-1"), may_bypass=False, has_md5=True)
    yield made
    await made.close()


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> Line:
    return Line(monkeypatch, Terminal())


class Ward:
    """What `drumtower serve` makes of the settings."""

    def __init__(self, settings: Dot1xSettings, data: Path, folder: Path, database: Database, driver: Driver) -> None:
        self.driver = driver
        self.calls = Calls()
        self.access = AccessOffice(settings, database)
        self.radius = EmbeddedRadius(settings, data, database, MASTER)
        self.ports = NetworkPorts(settings, folder, self.access.directory, lambda _settings: [driver])

    async def start(self) -> None:
        await self.access.start(self.calls)
        await self.radius.start()
        await self.ports.start()

    async def stop(self) -> None:
        await self.ports.stop()
        await self.radius.stop()
        self.access.stop()


@asynccontextmanager
async def ward(data: Path, folder: Path, database: Database, port: int = 0, **others: Any) -> AsyncIterator[Ward]:
    made = Ward(described(folder, free_port(), port, **others), data, folder, database, Driver())
    await made.start()
    try:
        yield made
    finally:
        await made.stop()


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])


async def until(wanted: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not wanted():
            await asyncio.sleep(0.005)


async def test_who_proves_itself_is_in_and_may_call(data: Path, tmp_path: Path, database: Database, line: Line):
    async with ward(data, tmp_path, database) as made:
        assert made.driver.inside == (), "closed before anybody is asked"
        line.sight(Sighting(MAC, ADDRESS, Source.ARP))
        line.plug()
        await until(lambda: made.driver.inside == (MAC,))
        (port,) = made.ports.statuses()
        (terminal,) = port.terminals
        assert (port.name, port.number, port.site, port.bridge, port.is_up) == (PORT, 1, "ward", "br0", True)
        assert (terminal.standing, terminal.why, terminal.identity, terminal.by) == (Standing.IN, "eap", "vt1", By.EAP)
        (session,) = made.access.sessions()
        assert (session.mac, session.identity, session.port, session.entry) == (MAC, "vt1", PORT, Entry.EAP)
        assert made.access.gate.decide_now(Question(ADDRESS, "sip", ("vt1",))).is_allowed, "seen before it was in"
        gauges = made.ports.gauges()
        assert (gauges["ports-up"], gauges["terminals-in"], gauges["terminals-out"], gauges["servers-up"]) == (
            1,
            1,
            0,
            1,
        )
        line.plug(False)
        await until(lambda: made.driver.inside == ())
        assert made.ports.statuses()[0].terminals == ()
        assert made.access.gate.decide_now(Question(ADDRESS, "sip", ("vt1",))).reason is Reason.NO_SESSION


async def test_a_terminal_that_plays_the_dhcp_server_gives_nobody_an_address(
    data: Path, tmp_path: Path, database: Database, line: Line
):
    async with ward(data, tmp_path, database) as made:
        line.plug()
        await until(lambda: made.driver.inside == (MAC,))
        line.sight(Sighting(MAC, "10.6.6.6", Source.DHCP, MAC))
        assert made.access.gate.decide_now(Question("10.6.6.6", "sip", ("vt1",))).reason is Reason.NO_SESSION
        assert made.ports.counters()["port-snooping-terminal-as-server"] == 1
        line.sight(Sighting(MAC, ADDRESS, Source.DHCP, bytes.fromhex("02005e0053fe")))
        assert made.access.gate.decide_now(Question(ADDRESS, "sip", ("vt1",))).is_allowed


async def test_who_has_lost_its_address_to_another_cannot_send_from_it(
    data: Path, tmp_path: Path, database: Database, line: Line
):
    """Or two could send from one address, and the gate would take each for the one that had it last."""
    async with ward(data, tmp_path, database) as made:
        line.plug()
        await until(made.access.sessions)
        line.sight(Sighting(MAC, ADDRESS, Source.ARP))
        await until(lambda: made.driver.plan[0].addresses == ((MAC, ADDRESS),))
        other = bytes.fromhex("020000aa0009")
        made.access.directory.report(OwnPort("ward", "ward-ports", "p9").admitted(other, "s9", Grant("vt9")))
        made.access.directory.sighted("ward", other, ADDRESS, Source.ARP)
        await until(lambda: made.driver.plan[0].addresses == ())
        line.sight(Sighting(MAC, ADDRESS, Source.ARP))
        await until(lambda: made.driver.plan[0].addresses == ((MAC, ADDRESS),))


async def test_who_does_not_stays_out_and_people_see_why(
    data: Path, tmp_path: Path, database: Database, line: Line, caplog: pytest.LogCaptureFixture
):
    line.terminal.password = "guess"
    async with ward(data, tmp_path, database) as made:
        line.plug()
        await until(lambda: line.terminal.failures)
        (terminal,) = made.ports.statuses()[0].terminals
        assert (terminal.standing, terminal.why, terminal.identity) == (Standing.REFUSED, "rejected", "vt1")
        assert made.driver.inside == ()
        assert made.ports.counters()["port-rejected"] == 1
        lines = [record.getMessage() for record in caplog.records if record.name == "audit.dot1x"]
        wanted = f"site=ward port={PORT} mac=02:00:00:aa:00:01 identity='vt1' refused: rejected"
        assert [line for line in lines if "port=" in line and "radius" not in line] == [wanted]
        (refused,) = made.radius.refused()
        assert (refused.identity, refused.reason, refused.port, refused.switch) == (
            "vt1", "wrong-password", PORT, "ward-ports",
        )  # fmt: skip
        assert made.ports.gauges()["terminals-out"] == 1


async def disconnect_request(port: int) -> int:
    """The code of the answer to a Disconnect-Request for the terminal."""
    stamp = attribute.number(Type.EVENT_TIMESTAMP, int(time.time()))
    station = attribute.text(Type.CALLING_STATION_ID, "02-00-00-AA-00-01")
    asked = authenticity.seal_request(Packet(Code.DISCONNECT_REQUEST, 1, attributes=(stamp, station)), SECRET)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.settimeout(5)
        made.connect(("127.0.0.1", port))
        made.send(asked.serialize())
        return packet.parse(await asyncio.to_thread(made.recv, 4096)).code


async def by_command(made: Ward) -> None:
    assert made.ports.disconnect(MAC)
    assert not made.ports.disconnect(b"\2" * 6)


async def by_directory(made: Ward) -> None:
    assert made.access.directory.end("ward", MAC)


async def by_radius(made: Ward) -> None:
    assert await disconnect_request(made.ports.order_ports[0]) == Code.DISCONNECT_ACK


@pytest.mark.parametrize("order", [by_command, by_directory, by_radius])
async def test_orders_end_the_session_wherever_they_come_from(
    data: Path, tmp_path: Path, database: Database, line: Line, order: Any
):
    async with ward(data, tmp_path, database) as made:
        line.plug()
        await until(lambda: made.driver.inside)
        (before,) = made.access.sessions()
        line.sight(Sighting(MAC, ADDRESS, Source.ARP))
        await order(made)
        await until(lambda: line.terminal.failures)
        assert f"unregister {ADDRESS}" in made.calls.orders
        await until(lambda: made.access.sessions() and made.driver.inside == (MAC,))
        (after,) = made.access.sessions()
        assert after.session_id != before.session_id, "it was asked anew"
        assert [held.address for held in after.addresses] == [ADDRESS], "nobody has to wait for the next ARP"
        assert line.terminal.failures == 1


async def test_servers_are_told_of_machine_and_sessions(data: Path, tmp_path: Path, database: Database, line: Line):
    server = await AccountingServer.listening()
    async with ward(data, tmp_path, database, server.port) as made:
        line.plug()
        await until(lambda: AcctStatusType.START in server.told)
        await until(lambda: made.ports.gauges()["records"] == 0)
    assert server.told == [
        AcctStatusType.ACCOUNTING_ON, AcctStatusType.START, AcctStatusType.STOP, AcctStatusType.ACCOUNTING_OFF,
    ]  # fmt: skip
    server.close()


async def test_what_no_server_heard_is_told_after_the_next_start(
    data: Path, tmp_path: Path, database: Database, line: Line
):
    port = free_port()
    async with ward(data, tmp_path, database, port) as made:
        line.plug()
        await until(lambda: made.driver.inside)
    server = await AccountingServer.listening(port)
    async with ward(data, tmp_path, database, port, accounting={"retry_s": 0.1}):
        await until(lambda: len(server.told) >= 5)
    assert server.told.count(AcctStatusType.ACCOUNTING_ON) == 2
    assert (server.told.count(AcctStatusType.START), server.told.count(AcctStatusType.STOP)) == (1, 1)
    server.close()


async def test_after_a_restart_who_is_back_is_known_at_once(data: Path, tmp_path: Path, database: Database, line: Line):
    before = Database(f"sqlite:///{tmp_path}/drumtower.db")
    await before.open()
    async with ward(data, tmp_path, before) as made:
        line.plug()
        await until(lambda: made.driver.inside)
        line.sight(Sighting(MAC, ADDRESS, Source.ARP))
    await before.close()
    assert made.calls.orders == [], "its registration stays"
    line.terminal.heard.clear()
    async with ward(data, tmp_path, database) as made:
        assert made.access.sessions() == [], "a port that was closed has no session"
        assert made.access.gate.decide_now(Question(ADDRESS, "sip", ("vt1",))).reason is Reason.NO_SESSION
        line.plug()
        await until(made.access.sessions)
        assert made.access.gate.decide_now(Question(ADDRESS, "sip", ("vt1",))).is_allowed
        await until(lambda: made.driver.plan[0].addresses == ((MAC, ADDRESS),))
        assert made.calls.orders == []


async def test_the_end_closes_everything(data: Path, tmp_path: Path, database: Database, line: Line):
    tasks = asyncio.all_tasks()
    async with ward(data, tmp_path, database) as made:
        line.plug()
        await until(lambda: made.driver.inside)
    assert made.driver.inside == ()
    assert line.terminal.failures == 1, "the terminal is told"
    assert (line.open, made.ports.order_ports) == (0, [])
    await asyncio.sleep(0)  # what was cancelled last ends
    left = asyncio.all_tasks() - tasks
    assert [each for each in left if "Batch" not in repr(each)] == [], "the store writes until it is closed"


async def test_a_card_that_was_pulled_out_and_put_in_again(data: Path, tmp_path: Path, database: Database, line: Line):
    async with ward(data, tmp_path, database) as made:
        line.plug()
        await until(lambda: made.driver.inside)
        before = line.receivers["EapolSocket"]
        line.plug(False)
        await until(lambda: made.driver.inside == ())
        line.index += 1
        line.plug()
        await until(lambda: made.driver.inside == (MAC,))
        assert line.receivers["EapolSocket"] != before
        assert line.open == 3


@pytest.mark.parametrize(
    ("number", "words"),
    [(errno.EPERM, "run as root, or give the service CAP_NET_ADMIN"), (errno.ENODEV, "there is no such interface")],
)
async def test_a_port_that_cannot_be_had(
    data: Path, tmp_path: Path, database: Database, line: Line, number: int, words: str
):
    line.refuses = OSError(number, "no")
    made = Ward(described(tmp_path, free_port()), data, tmp_path, database, Driver())
    await made.access.start(made.calls)
    tasks = asyncio.all_tasks()
    with pytest.raises(PortError, match=f"port {PORT}: .*{words}"):
        await made.ports.start()
    assert (made.driver.plan[0].terminals, line.open) == ((), 0)
    assert asyncio.all_tasks() == tasks
    made.access.stop()


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        ("nft: not installed", "install nftables"), ("ip: RTNETLINK answers: Operation not permitted", "run as root"),
        ("ip: Cannot find device", "drumtower doctor"),
    ],
)  # fmt: skip
async def test_ports_that_cannot_be_closed_are_not_served(
    data: Path, tmp_path: Path, database: Database, line: Line, trouble: str, words: str
):
    made = Ward(described(tmp_path, free_port()), data, tmp_path, database, Driver(trouble=trouble))
    await made.access.start(made.calls)
    with pytest.raises(PortError, match=words):
        await made.ports.start()
    assert line.open == 0
    made.access.stop()


@pytest.mark.parametrize("trouble", ["", "ip: Cannot find device"])
async def test_an_interface_that_is_not_there_is_named(
    data: Path, tmp_path: Path, database: Database, line: Line, trouble: str
):
    line.index = 0
    made = Ward(described(tmp_path, free_port()), data, tmp_path, database, Driver(trouble=trouble))
    await made.access.start(made.calls)
    with pytest.raises(PortError, match=r"lo: .*there is no such interface"):
        await made.ports.start()
    made.access.stop()


async def is_kept_out(made: Ward, line: Line, reason: str) -> None:
    """No session, the terminal was told, and people see why, on the page and in the audit."""
    await until(lambda: [each.why for each in made.ports.statuses()[0].terminals] == [reason])
    await until(lambda: made.ports.statuses()[0].terminals[0].standing is Standing.REFUSED)
    assert made.access.sessions() == []
    assert line.terminal.failures
    line.sight(Sighting(MAC, ADDRESS, Source.ARP))
    assert made.access.gate.decide_now(Question(ADDRESS, "sip", ("vt1",))).reason is Reason.NO_SESSION
    assert made.driver.inside == ()


async def test_a_vlan_that_the_port_does_not_have_is_a_refusal(
    data: Path, tmp_path: Path, database: Database, line: Line, caplog: pytest.LogCaptureFixture
):
    caplog.set_level("INFO", "audit.dot1x")
    await SupplicantOffice(database.supplicants, MASTER).set_group("vt1", "far")
    async with ward(data, tmp_path, database, vlan="4095") as made:
        line.plug()
        await is_kept_out(made, line, "unknown-vlan")
        assert [each.code for each in line.terminal.heard if each.code != eap.Code.REQUEST] == [eap.Code.FAILURE]
    text = caplog.text
    assert f"site=ward port={PORT} mac=02:00:00:aa:00:01 identity='vt1' refused: unknown-vlan" in text
    assert " opened nas=" not in text, "not for a moment"


async def test_a_bridge_that_cannot_be_had_is_one_too(
    data: Path, tmp_path: Path, database: Database, line: Line, caplog: pytest.LogCaptureFixture
):
    caplog.set_level("INFO", "audit.dot1x")
    async with ward(data, tmp_path, database) as made:
        made.driver.kept_out = {(PORT, MAC): "no-network"}
        line.plug()
        await is_kept_out(made, line, "no-network")
        assert f"unregister {ADDRESS}" not in made.calls.orders, "it had no address yet"
    assert "ended: stopped nas-request" in caplog.text
    assert f"port={PORT} mac=02:00:00:aa:00:01 identity='vt1' refused: no-network" in caplog.text


async def test_a_card_that_is_gone_lets_nobody_in_until_it_is_back(
    data: Path, tmp_path: Path, database: Database, line: Line
):
    async with ward(data, tmp_path, database) as made:
        line.plug()
        await until(lambda: made.driver.inside)
        line.plug(False)
        line.index = 0
        line.plug()
        assert made.ports.counters()["port-interface-lost"] == 1
        assert (made.ports.statuses()[0].terminals, line.open) == ((), 0)
        assert not made.ports.disconnect(MAC)
        line.plug(False)
        line.index = 7
        line.plug()
        await until(made.access.sessions)


async def test_a_secret_that_cannot_be_read(data: Path, tmp_path: Path, database: Database, line: Line):
    settings = described(tmp_path, free_port())
    made = Ward(settings, data, tmp_path, database, Driver())
    (tmp_path / "ports.secret").unlink()
    with pytest.raises(SecretFault, match=r"ports\.secret"):
        await made.ports.start()


async def test_without_drivers_nobody_is_kept_out_and_all_is_watched(
    data: Path, tmp_path: Path, database: Database, line: Line
):
    enforcement = {"ports": [{"interface": PORT, "bridge": "br0"}]}
    async with ward(data, tmp_path, database, enforcement=enforcement) as made:
        line.plug()
        await until(made.access.sessions)
        (port,) = made.ports.statuses()
        assert (port.bridge, port.terminals[0].standing) == ("br0", Standing.IN)
        assert made.driver.plan == ()


async def test_without_ports_nothing_is_started(tmp_path: Path):
    made = NetworkPorts(Dot1xSettings(), tmp_path, None)
    tasks = asyncio.all_tasks()
    await made.start()
    assert (made.statuses(), made.servers(), made.gauges(), made.counters()) == ((), (), {}, {})
    assert not made.disconnect(MAC)
    assert asyncio.all_tasks() == tasks
    await made.stop()
    assert list(tmp_path.iterdir()) == []
