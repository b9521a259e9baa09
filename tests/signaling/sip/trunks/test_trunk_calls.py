"""Calls that come by a trunk, into a server with a fake room, over loopback sockets."""

from __future__ import annotations

import asyncio

import pytest

from config.sip import SipSettings
from config.trunks import TrunkSettings
from signaling.sip.call_handle import CallRefused
from signaling.sip.server import SipServer
from signaling.sip.trunks.arrivals import Arrivals
from signaling.sip.trunks.trunk import Trunks
from signaling.sip.ua import UserAgent
from tests.signaling.fakes import FakeCalls, FakeFleet, FakeGate
from tests.signaling.sip import offers

PHONE = offers.sdp("m=audio 7078 RTP/AVP 8 0", "a=rtpmap:8 PCMA/8000", "a=rtpmap:0 PCMU/8000")


@pytest.mark.parametrize(
    ("user", "room"),
    [("5551001", "1001"), ("+555-1001", None), ("5559999", None), ("1001", None)],
)
async def test_the_number_says_which_room(user, room):
    gate, calls = FakeGate(), FakeCalls()
    trunk = TrunkSettings(name="pstn", hosts=("127.0.0.1:5099",), numbers={"5551001": "1001"}, other_numbers="refuse")
    arrivals = Arrivals(Trunks([trunk]), lambda *_: pytest.fail("nobody has to prove anything"), lambda: 0.0)
    server = SipServer(SipSettings(port=0), gate, calls, FakeFleet(), arrivals=arrivals)
    ua = UserAgent(SipSettings(port=0))
    await server.start()
    await ua.start()
    try:
        uri = f"sip:{user}@127.0.0.1:{server.local_addresses[0][1]}"
        call = await ua.invite(uri, PHONE)
        if room is None:
            with pytest.raises(CallRefused) as refused:
                await call.answered()
            assert refused.value.status == 404
            assert gate.requests == []
        else:
            await call.answered()
            assert [request.room for request in gate.requests] == [room]
            assert len(calls.joined) == 1
            await call.bye()
    finally:
        await ua.stop()
        await server.stop()
    assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []
