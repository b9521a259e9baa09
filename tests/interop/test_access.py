"""From a switch's accounting to the gate, with radclient as the switch: in, moved, out, and what follows."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from auth8021x.gate.aftermath import Order
from auth8021x.gate.verdict import Question, Reason, Verdict
from config.dot1x import Dot1xSettings
from config.dot1x_sites import (
    AccountingClientSettings,
    Dot1xGateSettings,
    ListenerSettings,
    SiteSettings,
)
from drumtower.dot1x import AccessOffice
from store.database import Database

SECRET = "between us and the switch"
HUAWEI = """Acct-Status-Type = {kind}
Acct-Session-Id = "{session}"
User-Name = "vt1"
NAS-Identifier = "HUAWEI"
NAS-IP-Address = 10.0.0.1
NAS-Port-Id = "slot=0;subslot=0;port=1;vlanid=42"
Framed-IP-Address = 0.0.0.0
Calling-Station-Id = "2CFD-A140-5663"
Huawei-IPHost-Addr = "10.1.2.3 2c:fd:a1:40:56:63"
"""
CISCO = """Acct-Status-Type = {kind}
Acct-Session-Id = "{session}"
User-Name = "vt2"
NAS-IP-Address = 10.0.0.2
NAS-Port-Id = "GigabitEthernet1/0/1"
Framed-IP-Address = 10.1.2.3
Calling-Station-Id = "2cfd.a140.5664"
"""
RESTARTED = "Acct-Status-Type = Accounting-On\nNAS-IP-Address = 10.0.0.{switch}\n"


class Calls:
    def __init__(self) -> None:
        self.unregistered: list[str] = []
        self.dropped: list[str] = []
        self.changed = asyncio.Event()

    def unregister(self, order: Order) -> None:
        self.unregistered.append(order.session.identity)

    def drop_calls(self, order: Order) -> None:
        self.dropped.append(order.session.identity)
        self.changed.set()


class Bed:
    def __init__(self, office: AccessOffice, calls: Calls, folder: Path) -> None:
        self.office = office
        self.calls = calls
        self._folder = folder

    async def told(self, lines: str, secret: str = SECRET) -> bool:
        """Whether radclient had an answer that it believed."""
        (self._folder / "radclient").write_text(secret)
        process = await asyncio.create_subprocess_exec(
            "radclient", "-x", "-r", "1", "-t", "0.7", "-S", str(self._folder / "radclient"),
            f"127.0.0.1:{self.office.ports[0]}", "acct",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        out, _ = await process.communicate(lines.encode())
        return b"Accounting-Response" in out

    async def asked(self, alias: str, source: str = "10.1.2.3") -> Verdict:
        return await self.office.gate.decide(Question(source, "sip", (alias,), "1001", operation="call"))


@pytest.fixture
async def bed(needs, tmp_path: Path) -> AsyncIterator[Bed]:
    needs("radclient")
    file = tmp_path / "secret"
    file.touch(0o600)
    file.write_text(SECRET)
    settings = Dot1xSettings(
        sites=(SiteSettings("north", ("10.0.0.0/8",), mode="enforce"),),
        listener=ListenerSettings(
            ("127.0.0.1",), 0, (AccountingClientSettings("core", ("127.0.0.1",), "north", str(file)),)
        ),
        gate=Dot1xGateSettings(drop_after_s=0.05),
    )
    database = Database(f"sqlite:///{tmp_path / 'kept.db'}")
    await database.open()
    office, calls = AccessOffice(settings, database), Calls()
    await office.start(calls)
    yield Bed(office, calls, tmp_path)
    office.stop()
    await database.close()


@pytest.mark.interop
async def test_a_terminal_may_call_while_its_switch_says_so(bed: Bed, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO, "audit.dot1x")
    assert (await bed.asked("vt1")).reason is Reason.NO_SESSION
    assert await bed.told(HUAWEI.format(kind="Start", session="s1"))
    assert (await bed.asked("vt1")).is_allowed
    assert (await bed.asked("vt2")).reason is Reason.OTHER_IDENTITY
    assert await bed.told(HUAWEI.format(kind="Stop", session="s1"))
    assert (await bed.asked("vt1")).reason is Reason.NO_SESSION
    assert bed.calls.unregistered == ["vt1"]
    async with asyncio.timeout(5):
        await bed.calls.changed.wait()
    assert bed.calls.dropped == ["vt1"]
    assert await bed.told(HUAWEI.format(kind="Interim-Update", session="s1"))
    assert (await bed.asked("vt1")).reason is Reason.NO_SESSION
    written = "\n".join(caplog.messages)
    for words in ("refused: no-session", "allowed: session", "refused: other-identity", "has 10.1.2.3 (accounting)"):
        assert words in written


@pytest.mark.interop
async def test_the_newest_device_has_the_address_and_a_switch_that_restarts_ends_its_own(bed: Bed):
    assert await bed.told(HUAWEI.format(kind="Start", session="s1"))
    assert await bed.told(CISCO.format(kind="Start", session="0000002A"))
    assert (await bed.asked("vt2")).is_allowed
    assert (await bed.asked("vt1")).reason is Reason.OTHER_IDENTITY
    assert bed.calls.unregistered == ["vt1"]
    assert await bed.told(RESTARTED.format(switch=1))
    assert (await bed.asked("vt2")).is_allowed
    assert await bed.told(RESTARTED.format(switch=2))
    assert (await bed.asked("vt2")).reason is Reason.NO_SESSION


@pytest.mark.interop
async def test_who_does_not_know_the_secret_opens_nothing(bed: Bed):
    assert not await bed.told(HUAWEI.format(kind="Start", session="s1"), "another secret")
    assert bed.office.counters()["accounting-wrong-authenticator"] >= 1
    assert (await bed.asked("vt1")).reason is Reason.NO_SESSION
