"""Signalling against sipp: many calls, loss, late offers, re-INVITE, CANCEL, refusals; and nothing is left behind."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.interop import sipp
from tests.interop.namespace import SERVER as ADDRESS
from tests.interop.namespace import TERMINAL
from tests.interop.server import GUEST_PASSCODE, HOST_PASSCODE, HTTP_PORT, SIP_PORT, Administrator, Server
from tests.interop.sipp import Scenario, a_call, a_refused_call
from tests.interop.sniffer import Sniffer, judged
from tests.interop.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

REMOTE = f"{ADDRESS}:{SIP_PORT}"
GUEST, HOST = f"1001**{GUEST_PASSCODE}", f"1002**{HOST_PASSCODE}"
WAITING = f"1002**{GUEST_PASSCODE}"
ROOMS: dict[str, dict[str, Any]] = {"1001": {"max_participants": 100}, "1002": {"wait_for_host": True}}
TRANSPORTS = pytest.mark.parametrize("transport", ["u1", "t1"], ids=["udp", "tcp"])


@dataclass
class Exchange:
    """The server under test and what is open in it."""

    server: Server
    administrator: Administrator

    async def gauges(self) -> dict[str, float]:
        """What must go back to nothing when all calls are over."""
        names = r"(?:drumtower_(?:legs|audio_legs|audio_sources|sources|canvases|encoders|participants|conferences)|"
        names += r"drumtower_sip_open|drumtower_gate_table_size)"
        found = re.findall(rf"^({names}(?:\{{[^}}]*\}})?) (\S+)$", await self.server.metrics(), re.MULTILINE)
        passing = ('kind="transactions"', 'kind="sources"', 'table="sources"', 'table="rooms"', 'table="calls"')
        return {name: float(value) for name, value in found if not any(word in name for word in passing)}

    def descriptors(self) -> dict[str, int]:
        """Open files and sockets of the media processes; of the control process the sockets of SIP."""
        found = {
            name: len(list(Path(f"/proc/{number}/fd").iterdir())) for name, number in self.server.children().items()
        }
        lines = [
            line.split() for table in ("tcp", "udp") for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]
        ]
        ours = {f"socket:[{line[9]}]" for line in lines if int(line[1].rpartition(":")[2], 16) != HTTP_PORT}
        links = [link.readlink() for link in Path(f"/proc/{self.server.process.pid}/fd").iterdir() if link.is_symlink()]
        return found | {"control": sum(str(link) in ours for link in links)}

    async def people(self, room: str = "1001") -> list[dict[str, Any]]:
        """The roster."""
        rooms = (await self.administrator.call("GET", "/conferences"))["conferences"]
        return [person for found in rooms if found["number"] == room for person in found["participants"]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def exchange(tmp_path_factory) -> AsyncIterator[Exchange]:
    server = await Server(tmp_path_factory.mktemp("server")).start(ROOMS)
    administrator = await server.administrator()
    exchange = Exchange(server, administrator)

    async def is_ready() -> object:
        gauges = await exchange.gauges()
        return any("audio_legs" in name for name in gauges) and any("canvases" in name for name in gauges)

    await until("all processes have begun", is_ready)
    yield exchange
    await administrator.close()
    await server.stop()
    for word in ("Traceback", GUEST_PASSCODE, HOST_PASSCODE):
        assert word not in server.log(), server.log()[-4000:]


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def _nothing_is_left(exchange: Exchange, needs) -> AsyncIterator[None]:
    needs("sipp")
    before = exchange.descriptors()
    yield

    async def is_empty() -> object:
        open_now = {name: value for name, value in (await exchange.gauges()).items() if value}
        return open_now or True

    async def is_closed() -> object:
        now = exchange.descriptors()
        return all(now[name] <= before[name] for name in before) or (before, now)

    assert await exchange.gauges(), "nothing is measured"
    await until("no leg, call or participant is left", is_empty)
    await until("no socket is left", is_closed)


async def test_fifty_calls_with_loss_all_succeed(exchange: Exchange, tmp_path: Path):
    # sipp loses 5 % of what it sends and of what it receives; both sides repeat.
    result = await sipp.run(
        a_call(GUEST, 1000), tmp_path, TERMINAL, REMOTE, "-r", "10", "-lost", "5", "-timeout_error", calls=50
    )  # fmt: skip
    result.is_clean()
    assert result.repeated > 0, result.output[-3000:]


@TRANSPORTS
async def test_late_offer(exchange: Exchange, tmp_path: Path, transport: str):
    calling = asyncio.create_task(
        sipp.run(a_call(GUEST, 1500, has_late_offer=True), tmp_path, TERMINAL, REMOTE, "-t", transport)
    )

    async def is_in() -> object:
        return [person["codecs"] for person in await exchange.people()] == [["PCMA"]] or await exchange.people()

    await until("the caller is in with what it answered", is_in)
    (await calling).is_clean()


@TRANSPORTS
async def test_a_reinvite_holds_and_resumes(exchange: Exchange, tmp_path: Path, transport: str):
    scenario = Scenario(GUEST).invite().provisional().expect(200).ack().pause(1200)
    scenario.invite(sipp.HELD_OFFER).provisional().expect(200).ack().pause(1200)
    scenario.invite("").provisional().expect(200).ack(sipp.OFFER).pause(1200).bye()
    calling = asyncio.create_task(sipp.run(scenario, tmp_path, TERMINAL, REMOTE, "-t", transport))
    for codecs in (["PCMA"], [], ["PCMA"]):

        async def are_agreed(codecs: list[str] = codecs) -> object:
            people = await exchange.people()
            return [person["codecs"] for person in people] == [codecs] or people

        await until(f"the roster says {codecs}", are_agreed, every_s=0.05)
    (await calling).is_clean()


@TRANSPORTS
async def test_waiting_for_the_host_can_be_given_up(exchange: Exchange, tmp_path: Path, transport: str):
    scenario = Scenario(WAITING).invite(sipp.SILENT_OFFER).expect(100, is_optional=True).expect(180).pause(300)
    scenario.cancel().expect(200).expect(487).ack()
    (await sipp.run(scenario, tmp_path, TERMINAL, REMOTE, "-t", transport)).is_clean()
    assert await exchange.people("1002") == []


async def test_who_waits_is_let_in_when_the_host_comes(exchange: Exchange, tmp_path: Path):
    waiting = a_call(WAITING, 2500)
    guest = asyncio.create_task(sipp.run(waiting, tmp_path / "guest", TERMINAL, REMOTE))

    async def is_waiting() -> object:
        return 'drumtower_gate_table_size{table="waiting-for-host"} 1.0' in await exchange.server.metrics()

    await until("the guest waits", is_waiting)
    assert await exchange.people("1002") == []
    host = asyncio.create_task(sipp.run(a_call(HOST, 1500), tmp_path / "host", TERMINAL, REMOTE))

    async def are_in() -> object:
        roles = sorted(person["role"] for person in await exchange.people("1002"))
        return roles == ["guest", "host"] or roles

    await until("both are in", are_in, every_s=0.1)
    for calling in (guest, host):
        (await calling).is_clean()


@pytest.mark.parametrize(
    ("user", "status"),
    [("nobody", 404), (f"4711**{GUEST_PASSCODE}", 404), ("1001**11112222", 403)],
    ids=["unknown-word", "unknown-with-passcode", "wrong-passcode"],
)
async def test_refusals(exchange: Exchange, tmp_path: Path, user: str, status: int):
    (await sipp.run(a_refused_call(user, status), tmp_path, TERMINAL, REMOTE)).is_clean()


@pytest.mark.parametrize("user", ["4711", "1001", "1001**"], ids=["unknown", "no-passcode", "empty-passcode"])
async def test_the_attendant_answers(exchange: Exchange, tmp_path: Path, user: str):
    (await sipp.run(a_call(user, 300), tmp_path, TERMINAL, REMOTE)).is_clean()
    assert await exchange.people() == []


@TRANSPORTS
async def test_options_and_our_bye_to_a_contact_that_cannot_be_reached(
    exchange: Exchange, tmp_path: Path, transport: str
):
    # linphone is known to write an IPv6 Contact into a call over IPv4: requests of ours follow its packets.
    scenario = Scenario(GUEST, "[contact]").options()
    scenario.invite().provisional().expect(200).ack().is_hung_up_on()
    key = ("-key", "contact", "sipp@[fd00:77::9]:5062")
    calling = asyncio.create_task(sipp.run(scenario, tmp_path, TERMINAL, REMOTE, "-t", transport, *key))

    async def is_in() -> object:
        people = await exchange.people()
        return len(people) == 1 or people

    await until("the caller is in", is_in)
    (person,) = await exchange.people()
    await exchange.administrator.call("DELETE", f"/conferences/1001/participants/{person['id']}")
    (await calling).is_clean()


async def test_tshark_understands_all_that_we_say(exchange: Exchange, tmp_path: Path, needs):
    needs("tshark")
    reinvited = Scenario(GUEST).options().invite().provisional().expect(200).ack()
    reinvited.invite(sipp.HELD_OFFER).provisional().expect(200).ack().bye()
    given_up = (
        Scenario(WAITING)
        .invite(sipp.SILENT_OFFER)
        .expect(100, is_optional=True)
        .expect(180)
        .cancel()
        .expect(200)
        .expect(487)
        .ack()
    )
    late = a_call(GUEST, 0, has_late_offer=True)
    with Sniffer() as sniffer:
        for transport in ("u1", "t1"):
            for scenario in (reinvited, given_up, late, a_refused_call("nobody", 404)):
                (await sipp.run(scenario, tmp_path, TERMINAL, REMOTE, "-t", transport)).is_clean()
    verdict = await judged(sniffer.write(tmp_path / "calls.pcap"), ADDRESS, SIP_PORT)
    assert verdict.wrong == []
    # Four answers of ours in the first call, then three, two and one, and a 100 where one took its time; TCP may put
    # two into one segment.
    assert 18 <= verdict.messages <= 2 * (5 + 4 + 3 + 2)
    assert verdict.with_sdp == 2 * 3
