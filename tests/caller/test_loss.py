"""A caller behind a bad network: packets are thrown away on the way out and on the way in."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from caller import sockets
from caller.options import CallOptions, OptionError, check
from caller.sockets import PortPair


async def test_every_other_packet_is_lost_both_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    luck = itertools.cycle((0.2, 0.8))
    monkeypatch.setattr(sockets.random, "random", lambda: next(luck))
    lossy, whole = await PortPair.open("127.0.0.1", 0.5), await PortPair.open("127.0.0.1")
    got: dict[str, list[bytes]] = {"lossy": [], "whole": []}
    whole.listen(got["whole"].append)
    for number in range(10):
        lossy.send(False, bytes([number]), ("127.0.0.1", whole.numbers[0]))
    async with asyncio.timeout(5):
        while len(got["whole"]) < 5:
            await asyncio.sleep(0.01)
    lossy.listen(got["lossy"].append)
    for number in range(10):
        whole.send(False, bytes([number]), ("127.0.0.1", lossy.numbers[0]))
    async with asyncio.timeout(5):
        while len(got["lossy"]) < 5:
            await asyncio.sleep(0.01)
    lossy.close()
    whole.close()
    assert got == {name: [bytes([number]) for number in range(1, 10, 2)] for name in got}


@pytest.mark.parametrize("loss", [-0.1, 1.0])
def test_a_share_is_a_share(loss: float) -> None:
    with pytest.raises(OptionError, match="--loss"):
        check(CallOptions("sip:1001@192.0.2.1", loss=loss))
