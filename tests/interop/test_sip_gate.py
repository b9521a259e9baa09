"""The gate as callers meet it: passcodes, slow answers, blocks, locks, and no passcode anywhere it does not belong."""

from __future__ import annotations

import asyncio
import re
import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.interop.namespace import TERMINAL
from tests.interop.server import GUEST_PASSCODE, HOST_PASSCODE, SIP_PORT, Administrator, Server
from tests.interop.sniffer import Sniffer
from tests.interop.waiting import until
from tests.interop.wire import Answer, Caller

pytestmark = pytest.mark.asyncio(loop_scope="module")

SETTINGS = """
[gate]
source_free_failures = 3
source_delay_s = 0.5
source_max_delay_s = 1.0
source_refused_failures = 6
source_pause_s = 3.0
room_failures = 8
"""
ROOMS: dict[str, dict[str, Any]] = {"1001": {}, "1002": {}, "1003": {}, "1004": {"wait_for_host": True}}
STRANGERS = [f"10.77.0.{number}" for number in range(20, 40)]
WRONG, NEW_GUEST, NEW_HOST = "13572468", "80246913", "70135924"
SECRETS = (GUEST_PASSCODE, HOST_PASSCODE, WRONG, NEW_GUEST, NEW_HOST)


@dataclass
class Doors:
    """The server, and callers from as many addresses as wanted."""

    server: Server
    administrator: Administrator
    callers: list[Caller] = field(default_factory=list)
    _addresses: Iterator[str] = field(default_factory=lambda: iter(STRANGERS))

    def stranger(self, address: str = "") -> Caller:
        """A caller from an address that nobody has called from."""
        made = Caller(address or next(self._addresses))
        self.callers.append(made)
        return made

    async def people(self, room: str) -> list[str]:
        """The roles of those who are in."""
        rooms = (await self.administrator.call("GET", "/conferences"))["conferences"]
        return [person["role"] for found in rooms if found["number"] == room for person in found["participants"]]

    async def waiting(self, room: str) -> list[dict[str, Any]]:
        """Who waits outside."""
        found: list[dict[str, Any]] = (await self.administrator.call("GET", f"/rooms/{room}/waiting"))["waiting"]
        return found

    async def is_blocked(self, room: str) -> bool:
        """What the API says."""
        rooms = (await self.administrator.call("GET", "/rooms"))["rooms"]
        return next(bool(found["is_blocked"]) for found in rooms if found["number"] == room)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def doors(tmp_path_factory) -> AsyncIterator[Doors]:
    change_addresses("add")
    server = await Server(tmp_path_factory.mktemp("server"), SETTINGS).start(ROOMS)
    administrator = await server.administrator()
    with Sniffer() as sniffer:
        made = Doors(server, administrator)
        yield made
        await no_passcode_is_anywhere(made, sniffer)
    for caller in made.callers:
        caller.close()
    await administrator.close()
    await server.stop()
    assert "Traceback" not in server.log(), server.log()[-4000:]
    change_addresses("del")


def change_addresses(change: str) -> None:
    lines = "".join(f"addr {change} {address}/24 dev veth0\n" for address in STRANGERS)
    subprocess.run(["ip", "-batch", "-"], input=lines, text=True, check=True)


async def no_passcode_is_anywhere(doors: Doors, sniffer: Sniffer) -> None:
    """Not in the log, the database, process lists, the API, nor in what we answer but for the echoed To."""
    server = doors.server
    texts: dict[str, bytes] = {"log": server.log().encode(), "metrics": (await server.metrics()).encode()}
    for path in ("/rooms", "/conferences"):
        texts[path] = repr(await doors.administrator.call("GET", path)).encode()
    for file in (server.folder / "data").rglob("*"):
        if file.is_file():
            texts[str(file)] = file.read_bytes()
    for number in (server.process.pid, *server.children().values()):
        for name in ("cmdline", "environ"):
            texts[f"{number} {name}"] = Path(f"/proc/{number}/{name}").read_bytes()
    sent = [one.payload for one in sniffer.datagrams() if one.source[1] == SIP_PORT]
    assert len(sent) > 50
    # RFC 3261 8.2.6.2: the To of a response is that of the request.
    texts["answers"] = b"".join(re.sub(rb"(?m)^To: .*$", b"", data) for data in sent)
    assert any("drumtower.db" in name for name in texts)
    found = {name for name, text in texts.items() for secret in SECRETS if secret.encode() in text}
    assert not found


async def test_the_right_passcode_opens_in_any_spelling(doors: Doors):
    caller = doors.stranger()
    for user in (f"1001**{GUEST_PASSCODE}", f"1001%2A%2a{GUEST_PASSCODE}", f"site##1001**{GUEST_PASSCODE}#"):
        answer = await caller.dial(user)
        assert (answer.status, await doors.people("1001")) == (200, ["guest"])
        assert (await caller.hang_up()).status == 200
    assert (await caller.dial(f"1001**{HOST_PASSCODE}")).status == 200
    assert await doors.people("1001") == ["host"]
    await caller.hang_up()


async def test_a_source_that_keeps_failing_is_slowed_down_and_then_sent_away(doors: Doors):
    guesser, other = doors.stranger(), doors.stranger()
    answers = [await guesser.dial(f"1001**{WRONG}") for _ in range(7)]
    assert [answer.status for answer in answers] == [403] * 6 + [480]
    assert {answer.reason for answer in answers[:6]} == {"Wrong passcode"}
    assert min(answer.after_s for answer in answers[:4]) < 0.45  # three failures cost nothing
    assert answers[4].after_s >= 0.5
    assert answers[5].after_s >= 1.0 > answers[6].after_s
    assert 1 <= int(answers[6].header("Retry-After")) <= 3
    # Who sits elsewhere is not concerned; and the pause ends.
    assert (await other.dial(f"1001**{GUEST_PASSCODE}")).status == 200
    await other.hang_up()
    await asyncio.sleep(3.1)
    assert (await guesser.dial(f"1001**{GUEST_PASSCODE}")).status == 200
    await guesser.hang_up()


async def test_a_blocked_room_is_an_unknown_number_for_strangers(doors: Doors):
    inside = doors.stranger(TERMINAL)
    assert (await inside.dial(f"1002**{GUEST_PASSCODE}")).status == 200
    for _ in range(5):
        guesser = doors.stranger()
        for _ in range(2):
            answer = await guesser.dial(f"1002**{WRONG}")
    assert await doors.is_blocked("1002")
    assert answer.status == 404  # the tenth guess; the ninth has blocked the room

    stranger = doors.stranger()
    for blocked_user, unknown_user, status in (
        (f"1002**{GUEST_PASSCODE}", f"4711**{GUEST_PASSCODE}", "404 Not Found"),
        (f"1002**{WRONG}", f"4711**{WRONG}", "404 Not Found"),
        # The attendant answers both, and says the same to both.
        ("1002", "4711", "200 OK"),
    ):
        other = doors.stranger()
        blocked = await seen_by(stranger, blocked_user)
        assert blocked == await seen_by(other, unknown_user)
        assert blocked[-1].startswith(f"SIP/2.0 {status}\r\n")
    for caller in (stranger, other):
        await caller.hang_up()
    # Who is inside stays, and may still renegotiate.
    assert await doors.people("1002") == ["guest"]
    assert inside.received() == []
    assert (await inside.reinvite()).status == 200

    await doors.administrator.call("POST", "/rooms/1002/unblock")
    assert not await doors.is_blocked("1002")
    assert (await doors.stranger().dial(f"1002**{GUEST_PASSCODE}")).status == 200
    assert await doors.people("1002") == ["guest", "guest"]


async def seen_by(caller: Caller, user: str) -> list[str]:
    """All answers to a call without what differs from call to call: tags, branches, the number that was dialled.

    100 Trying tells nothing: on a busy machine an answer takes longer than 200 ms (RFC 3261 17.2.1).
    """
    await caller.dial(user)
    return [without_particulars(answer, user, caller) for answer in caller.answers if answer.status != 100]


def without_particulars(answer: Answer, user: str, caller: Caller) -> str:
    # Random first: a session number may hold the digits of the number that was dialled.
    text = re.sub(r"tag=\w+(-\w+)?", "tag=TAG", answer.raw.decode())
    text = re.sub(r"branch=\w+|Call-ID: [\w-]+", "ID", text)
    # The ports and the session of each SDP are its own.
    particular = r"Content-Length: \d+|m=audio \d+|a=rtcp:\d+|o=- \d+ \d+|a=ssrc:\d+ .*|a=candidate:.*|a=ice-.*"
    text = re.sub(particular, "SDP", text)
    return text.replace(user, "USER").replace(caller.address, "ADDRESS").replace(str(caller.port), "PORT")


async def test_guests_wait_outside_a_locked_room_and_hosts_do_not(doors: Doors):
    first, second, host = doors.stranger(TERMINAL), doors.stranger(TERMINAL), doors.stranger(TERMINAL)
    assert (await first.dial(f"1003**{GUEST_PASSCODE}")).status == 200
    await doors.administrator.call("POST", "/conferences/1003/lock", {"is_locked": True})
    assert (await second.dial(f"1003**{GUEST_PASSCODE}")).status == 200
    assert [one["reason"] for one in await doors.waiting("1003")] == ["locked"]
    assert (await host.dial(f"1003**{HOST_PASSCODE}")).status == 200
    assert await doors.people("1003") == ["guest", "host"]
    await doors.administrator.call("POST", "/conferences/1003/lock", {"is_locked": False})

    async def are_in() -> object:
        people = await doors.people("1003")
        return people == ["guest", "host", "guest"] or people

    await until("the guest is in", are_in)


async def test_new_passcodes_and_a_lock_hold_for_those_who_wait(doors: Doors):
    waiting, late, host = doors.stranger(TERMINAL), doors.stranger(TERMINAL), doors.stranger(TERMINAL)
    assert (await waiting.dial(f"1004**{GUEST_PASSCODE}")).status == 200
    assert [one["reason"] for one in await doors.waiting("1004")] == ["host"]
    wish = {"guest_kind": "given", "guest_passcode": NEW_GUEST, "host_kind": "given", "host_passcode": NEW_HOST}
    await doors.administrator.call("POST", "/rooms/1004/passcodes", wish)
    await until("nobody waits with the old passcode", lambda: is_nobody_waiting(doors, "1004"))
    await waiting.hang_up()
    assert (await waiting.dial(f"1004**{GUEST_PASSCODE}")).status == 403

    assert (await waiting.dial(f"1004**{NEW_GUEST}")).status == 200
    assert (await late.dial(f"1004**{NEW_GUEST}")).status == 200
    assert await doors.people("1004") == []
    assert (await host.dial(f"1004**{NEW_HOST}")).status == 200

    async def are_in() -> object:
        people = sorted(await doors.people("1004"))
        return people == ["guest", "guest", "host"] or people

    await until("all are in", are_in)
    await host.hang_up()

    # The host has left: one more waits, and the lock of the administrator holds for who comes in later.
    again = doors.stranger(TERMINAL)
    assert (await again.dial(f"1004**{NEW_GUEST}")).status == 200
    await doors.administrator.call("PATCH", "/rooms/1004", {"is_locked": True})
    assert (await host.dial(f"1004**{NEW_HOST}")).status == 200

    async def is_outside() -> object:
        reasons = [one["reason"] for one in await doors.waiting("1004")]
        return reasons == ["locked"] or reasons

    await until("the lock keeps one outside", is_outside)
    await host.hang_up()

    async def are_left() -> object:
        people = await doors.people("1004")
        return people == ["guest", "guest"] or people

    await until("those inside stay", are_left)


async def is_nobody_waiting(doors: Doors, room: str) -> object:
    waiting = await doors.waiting(room)
    return waiting == [] or waiting
