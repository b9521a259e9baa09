"""RADIUS servers that hang or are gone: the second one lets in within 5 s, without any nobody gets in."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from auth8021x.wire import eap
from auth8021x.wire.eap import Eap, Method
from config.dot1x import Dot1xSettings
from tests.interop import freeradius
from tests.interop.freeradius import SERVER_NAME, FreeRadius
from tests.interop.supplicant import Trust, password_network
from tests.interop.test_ward_ends import SEEN_FOR_S, user
from tests.interop.waiting import until_holds
from tests.interop.ward_network import (
    FAILURE,
    SUCCESS,
    hearing,
    logged_in,
    port_settings,
    served,
    terminal,
)
from tests.interop.ward_ports import WardPorts

LIMIT_S = 5.0
IMPATIENT = {
    "retransmit_s": 0.1, "max_tries": 3, "tries_per_server": 1, "probe_interval_s": 0.2, "probe_timeout_s": 0.2
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Pair:
    """Two servers that know the same users."""

    first: FreeRadius
    second: FreeRadius

    @property
    def trust(self) -> Trust:
        return Trust(self.first.folder / "ca.pem", SERVER_NAME)


@pytest.fixture(autouse=True)
def _programs(needs) -> None:
    needs("freeradius", "wpa_supplicant", "ip", "bridge", "nft")


@pytest.fixture(scope="module")
def radius(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder = tmp_path_factory.mktemp("radius")
    one, two = folder / "one", folder / "two"
    one.mkdir()
    freeradius.make_certificates(one)
    shutil.copytree(one, two)
    pair = Pair(FreeRadius(one).start(), FreeRadius(two, auth_port=1912, acct_port=1913, coa_port=3899).start())
    yield pair
    pair.first.stop()
    pair.second.stop()


@pytest.fixture
def port(radius: Pair) -> Iterator[WardPorts]:
    with closing(WardPorts()) as made:
        yield made


@contextmanager
def hanging(*servers: FreeRadius) -> Iterator[None]:
    for each in servers:
        each.pause()
    try:
        yield
    finally:
        for each in servers:
            each.pause(False)


@contextmanager
def gone(server: FreeRadius) -> Iterator[None]:
    """The kernel says that nobody listens there."""
    server.stop()
    try:
        yield
    finally:
        server.start()


def settings(folder: Path, **more: object) -> Dot1xSettings:
    """The timers are those of every installation, unless `more` says otherwise."""
    return port_settings(folder, {}, {"authentication_port": 1912, "accounting_port": 1913}, **more)


@pytest.mark.parametrize("down", [hanging, gone])
async def test_the_second_server_lets_in(port: WardPorts, radius: Pair, tmp_path: Path, down):
    with down(radius.first):
        async with terminal(port, tmp_path / "terminal", user("load")) as made:
            began = time.monotonic()
            async with served(settings(tmp_path), tmp_path) as ports:
                await until_holds(lambda: SUCCESS in made.log(), LIMIT_S)
                port.announce()
                await port.until_passes(True)
                assert time.monotonic() - began < LIMIT_S
                assert [(each.name, each.is_up) for each in ports.servers()] == [("r0", False), ("r1", True)]


async def test_a_conversation_that_loses_its_server_begins_anew_at_the_second(
    port: WardPorts, radius: Pair, tmp_path: Path
):
    rounds: list[float] = []

    def told(packet: Eap) -> None:
        """In the middle of the handshake of TLS the server falls silent."""
        if packet.code == eap.Code.REQUEST and packet.type == Method.PEAP:
            rounds.append(time.monotonic())
            if len(rounds) == 2:
                radius.first.pause()

    try:
        async with terminal(port, tmp_path / "terminal", password_network("PEAP", "vtpass1", radius.trust)) as made:
            with hearing(port, told):
                async with served(settings(tmp_path), tmp_path):
                    await until_holds(lambda: SUCCESS in made.log())
                    assert time.monotonic() - rounds[1] < LIMIT_S
                    assert "Received Access-Request" in radius.second.log()
    finally:
        radius.first.pause(False)


async def test_without_any_server_nobody_gets_in_until_one_is_back(port: WardPorts, radius: Pair, tmp_path: Path):
    patient = settings(tmp_path, timers=IMPATIENT, pae={"quiet_period_s": 0.5, "without_server": "keep"})
    async with terminal(port, tmp_path / "terminal", user("load")) as made, served(patient, tmp_path):
        with hanging(radius.first, radius.second):
            await until_holds(lambda: made.log().count(FAILURE) >= 2)
            port.announce()
            assert not await port.passes()
            assert SUCCESS not in made.log()
        await until_holds(lambda: SUCCESS in made.log())
        port.announce()
        await port.until_passes(True)


async def test_a_running_session_goes_on_without_servers_where_that_is_the_policy(
    port: WardPorts, radius: Pair, tmp_path: Path
):
    kept = settings(tmp_path, timers=IMPATIENT, pae={"without_server": "keep", "server_retry_s": 1})
    async with logged_in(port, tmp_path, user("renewed"), kept) as stay:
        with hanging(radius.first, radius.second):
            ends_at = time.monotonic() + SEEN_FOR_S
            while time.monotonic() < ends_at:
                assert await port.passes()
            assert not any(each.is_up for each in stay.ports.servers()), "it was due, and they were asked"
            assert stay.count(eap.Code.FAILURE) == 0
        successes = stay.count(eap.Code.SUCCESS)
        await until_holds(lambda: stay.count(eap.Code.SUCCESS) > successes)
        assert await port.passes()


async def test_and_ends_with_its_renewal_where_it_is_not(port: WardPorts, radius: Pair, tmp_path: Path):
    ends = settings(tmp_path, timers=IMPATIENT)
    async with logged_in(port, tmp_path, user("renewed"), ends) as stay:
        with hanging(radius.first, radius.second):
            await port.until_passes(False, within_s=3)
            await until_holds(lambda: stay.count(eap.Code.FAILURE))
