"""Calls out of rooms: to registered terminals, addresses and numbers, by hosts and by REFER; trunks, both ways."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.interop import callees, exchange, sipp
from tests.interop.baresip import Baresip
from tests.interop.callees import Callee
from tests.interop.kamailio import PORT as EXCHANGE_PORT
from tests.interop.kamailio import Kamailio
from tests.interop.media import BLUE, GREEN, RED, Person
from tests.interop.namespace import OTHER_TERMINAL, TERMINAL
from tests.interop.namespace import SERVER as ADDRESS
from tests.interop.server import GUEST_PASSCODE, HOST_PASSCODE, SIP_PORT, Administrator, Server
from tests.interop.server import TERMINAL_SECRET as SECRET
from tests.interop.sipp import Scenario
from tests.interop.sniffer import Sniffer, judged
from tests.interop.waiting import until
from tests.peers import needs_programs

pytestmark = pytest.mark.asyncio(loop_scope="module")

REMOTE = f"{ADDRESS}:{SIP_PORT}"
FOREIGN_PORT, CALLEE_PORT, PHONE_PORT = 5088, 5091, 15_460
SETTINGS = f"""
[dialing]
networks = ["10.77.0.0/24"]
ring_timeout_s = 3
result_shown_s = 60

[[sip.trunks]]
name = "exchange"
hosts = ["{OTHER_TERMINAL}:{EXCHANGE_PORT}"]
domain = "{exchange.REALM}"
registers = true
user = "{exchange.USER}"
realm = "{exchange.REALM}"
secret_file = "{{folder}}/trunk-secret"
numbers = {{{{ "5551001" = "1001" }}}}
allowed = ['555\\d{{{{4}}}}']
max_calls = 2

[[sip.trunks]]
name = "foreign"
hosts = ["{OTHER_TERMINAL}:{FOREIGN_PORT}"]
domain = "right.example"
registers = true
user = "hospital"
realm = "right.example"
secret_file = "{{folder}}/trunk-secret"
"""


@dataclass
class Clinic:
    server: Server
    administrator: Administrator
    exchange: Kamailio
    told_foreigner: list[bytes] = field(default_factory=list)
    """What we said to the trunk that asks for another realm."""

    async def dial(self, target: str, role: str = "guest", room: str = "1001") -> int:
        body = {"target": target, "role": role}
        answer = await self.administrator.call("POST", f"/conferences/{room}/calls", body, expect=201)
        return int(answer["id"])

    async def refused(self, target: str) -> str:
        body = {"target": target}
        answer = await self.administrator.call("POST", "/conferences/1001/calls", body, expect=409)
        return str(answer["errors"][0]["code"])

    async def calls(self, room: str = "1001") -> dict[int, dict[str, Any]]:
        found = await self.administrator.call("GET", f"/conferences/{room}/calls")
        return {one["id"]: one for one in found["calls"]}

    async def ended(self, leg: int) -> str:
        """Wait for the outcome of a call."""

        async def is_over() -> object:
            call = (await self.calls())[leg]
            return call["state"] == "ended" or call

        await until("the call ended", is_over)
        return str((await self.calls())[leg]["outcome"])

    async def people(self, room: str = "1001") -> dict[str, dict[str, Any]]:
        rooms = (await self.administrator.call("GET", "/conferences"))["conferences"]
        return {one["name"]: one for found in rooms if found["number"] == room for one in found["participants"]}

    async def comes(self, name: str, what: str = "", room: str = "1001") -> dict[str, Any]:
        """Wait until somebody of this name is in the room."""

        async def is_in() -> object:
            people = await self.people(room)
            return name in people or (people, await self.calls(room), what)

        await until(f"{name} is in the room", is_in)
        return (await self.people(room))[name]

    async def empty(self, room: str = "1001") -> None:
        async def is_empty() -> object:
            return await self.people(room) == {}

        await until("the room is empty", is_empty)

    async def counted(self, metric: str) -> int:
        found = re.search(rf"{re.escape(metric)} (\d+)", await self.server.metrics())
        return int(found[1]) if found else 0


@pytest.fixture(scope="module")
def needs_both() -> None:
    needs_programs("kamailio", "sipp")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def clinic(tmp_path_factory, needs_both) -> AsyncIterator[Clinic]:
    folder = tmp_path_factory.mktemp("server")
    kamailio = exchange.exchange(folder / "exchange", OTHER_TERMINAL, f"red@{TERMINAL}:{PHONE_PORT}")
    foreign = callees.foreign_registrar("wrong.example")
    registrar = await Callee(folder / "foreign", OTHER_TERMINAL, FOREIGN_PORT, foreign).start()
    server = Server(folder, SETTINGS.format(folder=folder), {"DRUMTOWER_SIP_DIGEST_ALGORITHMS": "MD5"})
    (folder / "trunk-secret").write_text(exchange.SECRET + "\n")
    (folder / "trunk-secret").chmod(0o600)
    with Sniffer() as wire:
        await server.start(
            {"1001": {"passcodes": False, "no_guest_passcode": True, "no_host_passcode": True}, "1002": {}},
            {"ward-3": "Ward 3", "absent": "Absent"},
        )
        made = Clinic(server, await server.administrator(), kamailio)

        async def is_counted() -> object:
            return await made.counted('drumtower_sip_total{event="trunk-foreign-realm"}') > 0

        await until("the foreign realm was counted", is_counted)
        made.told_foreigner = [one.payload for one in wire.datagrams(source=ADDRESS, ports={FOREIGN_PORT})]
    await made.administrator.call("PATCH", "/terminals/ward-3", {"site": "North building"})  # known at once
    yield made
    await made.administrator.close()
    await server.stop()
    await registrar.stop()
    kamailio.stop()
    log = server.log()
    assert "Traceback" not in log, log[-6000:]
    assert not [secret for secret in (SECRET, exchange.SECRET, HOST_PASSCODE) if secret in log]


@pytest_asyncio.fixture(loop_scope="module")
async def cleaning() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


async def terminal(cleaning: AsyncExitStack, person: Person, folder: Path, account: str = "", **wishes: Any) -> Baresip:
    number = [RED, GREEN, BLUE].index(person)
    made = await Baresip(
        person, folder / person.name, TERMINAL, PHONE_PORT + 10 * number, 14_861 + number, 26_000 + 500 * number,
        account=account, **wishes,
    ).start()  # fmt: skip
    cleaning.push_async_callback(made.stop)
    return made


async def hears(who: Baresip, *people: Person) -> None:
    async def does() -> object:
        heard = await who.hears(0.6)
        return heard == {person.name for person in people} or heard

    await until(f"{who.person.name} hears", does)


async def test_a_registered_terminal_and_an_address_are_called_into_a_room(
    clinic: Clinic, cleaning: AsyncExitStack, tmp_path: Path, needs
):
    needs("baresip", "tshark")
    with Sniffer() as wire:
        account = f"<sip:ward-3@{ADDRESS}>;auth_pass={SECRET};regint=60"
        ward = await terminal(cleaning, RED, tmp_path, account, encryption="srtp")

        async def is_registered() -> object:
            found = await clinic.administrator.call("GET", "/dialable")
            return found["terminals"] == [{"alias": "ward-3", "name": "Ward 3"}] or ward.log()[-1000:]

        await until("the terminal is registered", is_registered)
        leg = await clinic.dial("ward-3", "host")
        found = await clinic.comes("Ward 3", ward.log()[-3000:])
        assert (found["id"], found["role"], found["has_video"], found["is_encrypted"]) == (leg, "host", True, True)
        assert await clinic.calls() == {}

        mandatory = await terminal(cleaning, GREEN, tmp_path, encryption="srtp-mand")
        plain = await terminal(cleaning, BLUE, tmp_path, encryption="", audio="PCMA/8000/1", video="")
        await clinic.dial(f"sip:green@{TERMINAL}:{mandatory.sip_port}")
        await clinic.dial(f"sip:blue@{TERMINAL}:{plain.sip_port};transport=tcp")
        green, blue = await clinic.comes("green", mandatory.log()[-3000:]), await clinic.comes("blue")
        assert (green["is_encrypted"], blue["is_encrypted"]) == (True, False)
        await hears(ward, GREEN, BLUE)
        await hears(plain, RED, GREEN)

        async def sees() -> object:
            return (await mandatory.pictures())[0] > 0

        await until("the called terminal sees the room", sees)
        for one in (ward, mandatory, plain):
            await one.command("hangup")
        await clinic.empty()
    phones = [one.sip_port for one in (ward, mandatory, plain)]
    verdict = await judged(wire.write(tmp_path / "calls.pcap"), ADDRESS, SIP_PORT, phones)
    assert verdict.messages > 8
    assert verdict.with_sdp >= 3
    assert verdict.wrong == []


@pytest.mark.parametrize(
    ("steps", "outcome"),
    [
        (callees.refusing("486 Busy Here"), "busy"),
        (callees.refusing("603 Decline"), "declined"),
        (callees.refusing("302 Moved", "Contact: <sip:x@192.0.2.9>\n"), "unreachable"),
        (callees.silent(), "no-answer"),
    ],
    ids=["busy", "declined", "redirected", "silent"],
)
async def test_why_somebody_did_not_come(
    clinic: Clinic, cleaning: AsyncExitStack, tmp_path: Path, needs, steps: str, outcome: str
):
    needs("sipp")
    callee = await Callee(tmp_path, TERMINAL, CALLEE_PORT, steps).start()
    cleaning.push_async_callback(callee.stop)
    leg = await clinic.dial(f"sip:somebody@{TERMINAL}:{CALLEE_PORT}")
    assert await clinic.ended(leg) == outcome
    assert not callee.errors.exists() or callee.errors.read_text() == ""


async def test_a_call_that_rings_is_shown_and_cancelled(
    clinic: Clinic, cleaning: AsyncExitStack, tmp_path: Path, needs
):
    needs("sipp")
    callee = await Callee(tmp_path, TERMINAL, CALLEE_PORT, callees.silent()).start()
    cleaning.push_async_callback(callee.stop)
    leg = await clinic.dial(f"sip:somebody@{TERMINAL}:{CALLEE_PORT}")

    async def rings() -> object:
        return (await clinic.calls())[leg]["state"] == "ringing"

    await until("it rings", rings, every_s=0.05)
    await clinic.administrator.call("DELETE", f"/conferences/1001/calls/{leg}", expect=204)

    async def is_gone() -> object:
        return leg not in await clinic.calls()

    await until("it is off the list", is_gone)
    assert not callee.errors.exists() or callee.errors.read_text() == ""


async def test_what_may_not_be_called_never_leaves(clinic: Clinic):
    with Sniffer() as wire:
        for target, code in {
            "sip:x@192.0.2.7": "not-allowed",
            "sip:x@elsewhere.example": "not-allowed",
            f"sip:00441234567890@{OTHER_TERMINAL}:{EXCHANGE_PORT}": "not-allowed",
            "00441234567890": "not-allowed",
            "absent": "not-registered",
            f"sip:1001@{ADDRESS}": "unknown-target",
            "no such thing": "unknown-target",
        }.items():
            assert await clinic.refused(target) == code, target
        assert [one for one in wire.datagrams(source=ADDRESS) if one.payload.startswith(b"INVITE")] == []


async def test_a_trunk_that_wants_digest(clinic: Clinic, cleaning: AsyncExitStack, tmp_path: Path, needs):
    needs("baresip")
    phone = await terminal(cleaning, RED, tmp_path, encryption="", audio="PCMA/8000/1", video="")
    assert phone.sip_port == PHONE_PORT
    kamailio = clinic.exchange

    async def is_registered() -> object:
        [trunk, _] = (await clinic.administrator.call("GET", "/trunks"))["trunks"]
        return trunk["state"] == "registered" or (trunk, kamailio.log()[-1000:])

    await until("we are registered", is_registered)
    with Sniffer() as wire:
        # Out: the number that matches, with credentials; and from the telephone's side a call to our number.
        await clinic.dial("555-2000")
        out = await clinic.comes("5552000", kamailio.log()[-2000:])
        assert (out["has_video"], out["codecs"]) == (False, ["PCMA"])
        assert "called 5552000" in kamailio.log()
        caller = await terminal(cleaning, GREEN, tmp_path, encryption="", audio="PCMA/8000/1", video="")
        event = await caller.dial(f"sip:5551001@{OTHER_TERMINAL}:{EXCHANGE_PORT}")
        assert event["type"] == "CALL_ESTABLISHED", caller.log()[-2000:] + kamailio.log()[-2000:]
        await clinic.comes("green", clinic.server.log()[-2500:])
        await hears(phone, GREEN)
        await hears(caller, RED)
        await phone.command("hangup")
        await caller.command("hangup")
        await clinic.empty()
    verdict = await judged(wire.write(tmp_path / "trunk.pcap"), ADDRESS, SIP_PORT)
    assert verdict.messages > 4
    assert verdict.wrong == []


async def test_a_foreign_realm_is_never_answered(clinic: Clinic):
    asked = clinic.told_foreigner
    assert asked
    assert all(payload.startswith(b"REGISTER") for payload in asked)
    assert not [payload for payload in asked if b"Authorization" in payload]
    [_, foreign] = (await clinic.administrator.call("GET", "/trunks"))["trunks"]
    assert (foreign["state"], foreign["trouble"]) == ("failed", "401 Unauthorized")


class Referrer(Scenario):
    """A participant who has us call somebody."""

    def refer(self, target: str, status: int, more: str = "") -> Referrer:
        """REFER within the call, and its answer."""
        self._cseq += 1
        self._request("REFER", self._cseq, "", is_repeated=True)
        added = f"Refer-To: <{target}>\nReferred-By: <sip:sipp@[local_ip]>\n{more}Content-Length"
        self._steps[-1] = self._steps[-1].replace("Content-Length", added)
        self.expect(status)
        return self

    def is_told(self, fragment: str) -> Referrer:
        """A NOTIFY with this status in its body."""
        found = f'<ereg regexp="{fragment}" search_in="body" check_it="true" assign_to="found"/>'
        self._steps.append(
            f'<recv request="NOTIFY"><action>{found}<log message="[$found]"/></action></recv>'
            "<send><![CDATA[\n\nSIP/2.0 200 OK\n[last_Via:]\n[last_From:]\n[last_To:]\n[last_Call-ID:]\n[last_CSeq:]\n"
            "Content-Length: 0\n\n]]></send>"
        )
        return self


def calling(passcode: str) -> Referrer:
    scenario = Referrer(f"1002**{passcode}")
    scenario.invite().provisional().expect(200).ack()
    return scenario


async def test_hosts_refer_guests_do_not(clinic: Clinic, cleaning: AsyncExitStack, tmp_path: Path, needs):
    needs("sipp", "baresip")
    ward = await terminal(cleaning, BLUE, tmp_path, encryption="srtp")
    target = f"sip:blue@{TERMINAL}:{ward.sip_port}"
    guest = calling(GUEST_PASSCODE).refer(target, 403).pause(200).bye()
    (await sipp.run(guest, tmp_path / "guest", TERMINAL, REMOTE)).is_clean()
    assert await clinic.people("1002") == {}
    host = calling(HOST_PASSCODE).refer(target, 202).is_told("SIP/2.0 100").is_told("SIP/2.0 (180|200)")
    host.refer("sip:x@192.0.2.7", 403).refer(f"{target}?Replaces=a", 603).refer(
        f"{target};method=BYE", 202, "Refer-Sub: false\n"
    )
    host.pause(300).bye()
    with Sniffer() as wire:
        await sipp.run(host, tmp_path / "host", TERMINAL, REMOTE)
    verdict = await judged(wire.write(tmp_path / "refer.pcap"), ADDRESS, SIP_PORT)
    assert verdict.wrong == []
