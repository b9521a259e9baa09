"""The client on a running loop: what one who asked makes of an answer is nobody else's trouble."""

from __future__ import annotations

import asyncio

import pytest

from auth8021x.errors import NoAnswerError
from auth8021x.radius.client import Lanes, RadiusClient
from auth8021x.radius.client_core import ClientCore
from auth8021x.radius.request import Answered, Server
from config.dot1x import RadiusTimers
from tests.auth8021x.radius.fakes import ASK, SECRET, Dice


class Void:
    """Lanes on which everything is lost."""

    def send(self, lane: int, octets: bytes) -> None: ...

    def close(self) -> None: ...


async def test_one_who_fails_keeps_no_other_from_its_answer(caplog: pytest.LogCaptureFixture):
    def broken(_outcome: Answered | NoAnswerError) -> None:
        raise RuntimeError("a port")

    def void(_client: RadiusClient, _server: int) -> Lanes:
        return Void()

    told: asyncio.Future[Answered | NoAnswerError] = asyncio.get_running_loop().create_future()
    timers = RadiusTimers(retransmit_s=0.01, max_tries=1)
    client = RadiusClient(ClientCore([Server("r0", SECRET)], timers, Dice(), "ward"), void)
    client.begin(ASK, broken)
    client.begin(ASK, told.set_result)
    assert isinstance(await asyncio.wait_for(told, 10), NoAnswerError)
    assert "a port" in caplog.text
    client.close()
