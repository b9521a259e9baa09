"""A small machine fills up: callers get full pictures, small ones, sound only, and then a clear refusal."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from config.server import ServerSettings
from config.settings import Settings
from drumtower import measurement
from mcu.capacity import HD, SMALL, Costs
from tests.interop.namespace import TERMINAL
from tests.interop.server import Administrator, Server
from tests.interop.wire import Answer, Caller

_MS = 0.001
# So cheap that what the processes of the test really use corrects nothing, and eight calls fill the machine.
_COSTS = Costs(
    decode={"H264": ((HD.width * HD.height, 1.6 * _MS), (640 * 360, 0.4 * _MS), (320 * 180, 0.1 * _MS))},
    encode={"H264": ((HD.width * HD.height, 0.0),)},
    compose=((HD.width * HD.height, 0.0),),
    sound_decode=0.0,
    sound_encode=0.0,
    packet=0.003 * _MS,
)
_CAPACITY = {"ENABLED": "true", "PARTICIPANTS": "1", "SMALL_LOAD": "0.9", "SOUND_LOAD": "0.95"}
_OFFER = (
    "v=0\r\no=- 1 1 IN IP4 {address}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\nm=audio {port} RTP/AVP 8\r\n"
    "a=rtpmap:8 PCMA/8000\r\na=sendrecv\r\nm=video 40000 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
    "a=fmtp:96 profile-level-id=42e01f;packetization-mode=1;level-asymmetry-allowed=1\r\na=sendrecv\r\n"
)
_MOST_CALLS = 20
_OPEN = {"passcodes": False, "no_guest_passcode": True, "no_host_passcode": True}


@pytest.fixture
async def administrator(tmp_path: Path) -> AsyncIterator[Administrator]:
    folder = tmp_path / "server"
    (folder / "data").mkdir(parents=True)
    measurement.keep(Settings(server=ServerSettings(data=str(folder / "data"))), _COSTS)
    environment = {f"DRUMTOWER_CAPACITY_{name}": value for name, value in _CAPACITY.items()}
    server = await Server(folder, environment=environment).start({"1001": dict(_OPEN)})
    administrator = await server.administrator()
    yield administrator
    await administrator.close()
    await server.stop()


def kind_of(answer: Answer) -> str:
    """What a caller was given, by what its terminal reads."""
    if answer.status != 200:
        assert (answer.status, int(answer.header("Retry-After")) > 0) == (503, True)
        return "refused"
    video = answer.body.partition("m=video ")[2]
    if "a=inactive\r\n" in video:
        return "sound"
    return "small" if f"b=AS:{SMALL.bitrate_bps // 1000}\r\n" in video else "full"


async def test_less_and_less_then_refused_and_room_again(administrator: Administrator) -> None:
    async with asyncio.timeout(20):
        while not (known := await administrator.call("GET", "/capacity"))["is_measured"]:
            await asyncio.sleep(0.05)
    assert known["participants_720p"] == 1
    callers: list[Caller] = []
    given: list[str] = []
    while "refused" not in given and len(given) < _MOST_CALLS:
        callers.append(caller := Caller(TERMINAL))
        given.append(kind_of(await caller.finish(caller.begin("1001", _OFFER))))
    assert given == sorted(given, key=["full", "small", "sound", "refused"].index), given
    assert set(given) == {"full", "small", "sound", "refused"}, given
    state = await administrator.call("GET", "/capacity")
    assert state["load"] > state["full_load"]
    people = (await administrator.conference("1001"))["participants"]
    assert [person["allowance"] for person in people] == given[:-1]
    assert [person["has_video"] for person in people] == [word != "sound" for word in given[:-1]]
    for caller, word in zip(callers, given, strict=True):
        if word != "refused":
            await caller.hang_up()
    again = callers[0]
    assert kind_of(await again.finish(again.begin("1001", _OFFER))) == "full"
    await again.hang_up()
    for caller in callers:
        caller.close()
