"""Session timers, PRACK, UPDATE, glare and forks with sipp at the other end; tshark reads what we sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from config.media import LocalAddress
from config.sip import SipSettings
from signaling.sip.call_handle import IncomingCall, OutgoingCall
from signaling.sip.sessions import session_timer
from signaling.sip.sessions.events import Cancelled, Confirmed, Ended, Offered
from signaling.sip.ua import UserAgent
from tests.interop import sipp
from tests.interop.namespace import SERVER, TERMINAL
from tests.interop.sipp import HELD_OFFER, OFFER, Result
from tests.interop.sipp_script import Script, call_of
from tests.interop.sniffer import Sniffer, judged
from tests.interop.waiting import until

PORT, PEER_PORT = 5090, 5091
OURS = OFFER.replace("[local_ip]", SERVER).replace("[media_port]", "30000").replace("\n", "\r\n").encode()
Behaviour = Callable[[IncomingCall], Awaitable[None]]


async def answers(call: IncomingCall) -> None:
    """Take the call and all that is offered in it."""
    call.accept(OURS)


class Callee:
    """Our user agent; each call that comes is dealt with by `behaviour`, then everything offered is taken."""

    def __init__(self, behaviour: Behaviour, settings: SipSettings) -> None:
        self.ua = UserAgent(settings, self._came)
        self.reasons: list[str] = []
        self.confirmed = asyncio.Event()
        self._behaviour = behaviour
        self._tasks: list[asyncio.Task[None]] = []

    def _came(self, call: IncomingCall) -> None:
        self._tasks += [asyncio.create_task(self._behaviour(call)), asyncio.create_task(self._follow(call))]

    async def _follow(self, call: IncomingCall) -> None:
        while True:
            event = await call.next_event()
            if isinstance(event, Offered):
                call.accept(OURS)
            elif isinstance(event, Ended | Cancelled):
                self.reasons.append(event.reason if isinstance(event, Ended) else "cancelled")
                return
            elif isinstance(event, Confirmed):
                self.confirmed.set()

    async def finish(self) -> None:
        """Every task came to its end without an error."""
        async with asyncio.timeout(10):
            await asyncio.gather(*self._tasks)


@asynccontextmanager
async def callee(behaviour: Behaviour = answers, **settings: int) -> AsyncIterator[Callee]:
    """A running one, on the server's address."""
    made = Callee(behaviour, SipSettings(listen=(LocalAddress(SERVER),), port=PORT, tls="off", **settings))
    await made.ua.start()
    try:
        yield made
        await made.finish()
    finally:
        await made.ua.stop()


@pytest.fixture(autouse=True)
def _programs(needs) -> None:
    needs("sipp", "tshark")


@pytest.fixture(autouse=True)
async def wire(tmp_path) -> AsyncIterator[Sniffer]:
    """Every test: what we sent is well-formed in the eyes of tshark."""
    with Sniffer() as sniffer:
        yield sniffer
        await asyncio.sleep(0.15)  # the sniffer wakes every 100 ms
    verdict = await judged(sniffer.write(tmp_path / "wire.pcap"), SERVER, PORT)
    assert verdict.messages >= 2
    assert verdict.wrong == []


async def play(script: Script, folder: Path) -> Result:
    """One call of sipp to our callee."""
    return await sipp.run(script, folder, TERMINAL, f"{SERVER}:{PORT}", "-p", str(PEER_PORT), timeout_s=20)  # type: ignore[arg-type]  # it has the xml() that is needed


# ---- sipp calls us --------------------------------------------------------------------------------------------------


async def test_ringing_is_repeated_until_a_caller_that_insists_acknowledges_it(tmp_path, wire):
    async def rings(call: IncomingCall) -> None:
        call.ring()
        await at.ua.wait_until(lambda: not call.session.server._reliable.is_waiting, 10)
        call.accept(OURS)

    script = call_of("Require: 100rel").gets(180, "Require: 100rel", keep=("RSeq", "rseq")).pause(700)
    script.request("PRACK", 2, "RAck: [$rseq] 1 INVITE").gets(200, "2 PRACK").gets(200, "1 INVITE")
    script.request("ACK", 1).request("PRACK", 3, "RAck: [$rseq] 1 INVITE").gets(481)
    script.request("BYE", 4).gets(200)
    async with callee(rings) as at:
        (await play(script, tmp_path)).is_clean()
    assert at.reasons == ["bye"]
    rung = [packet for packet in wire.datagrams(source=SERVER) if packet.payload.startswith(b"SIP/2.0 180")]
    assert len(rung) >= 2


async def test_an_interval_too_small_is_named_and_tried_again(tmp_path):
    script = call_of("Supported: timer", "Session-Expires: 60").gets(422, keep=("Min-SE", "minimum"))
    script.request("ACK", 1, branch_of="invite")
    script.request(
        "INVITE", 2, "Supported: timer", "Session-Expires: [$minimum]", "Min-SE: [$minimum]", body=OFFER
    ).gets(100, may=True)
    script.gets(200, "Session-Expires: 90;refresher=uac", "Require: timer").request("ACK", 2)
    script.request("BYE", 3).gets(200)
    async with callee() as at:
        (await play(script, tmp_path)).is_clean()
    assert at.reasons == ["bye"]


async def test_we_refresh_where_the_caller_cannot(tmp_path):
    """A proxy asked for 4 s; the callers know no timers, the first one UPDATE, the second one not even that."""
    script = call_of("Session-Expires: 4", "Allow: INVITE, ACK, BYE, UPDATE").gets(
        200, "Session-Expires: 4;refresher=uas"
    )
    script.request("ACK", 1).gets("UPDATE", "Session-Expires:").reply("200 OK")
    script.request("BYE", 2).gets(200)
    plain = call_of("Session-Expires: 4", "Allow: INVITE, ACK, BYE").gets(200).request("ACK", 1)
    plain.gets("INVITE", "Session-Expires:", "m=audio").reply("200 OK", body=OFFER).gets("ACK")
    plain.request("BYE", 2).gets(200)
    async with callee() as at:
        (await play(script, tmp_path)).is_clean()
        (await play(plain, tmp_path)).is_clean()
    assert at.reasons == ["bye", "bye"]


async def test_who_does_not_refresh_is_hung_up_on(tmp_path, monkeypatch):
    monkeypatch.setattr(session_timer, "LEAST_S", 3)
    script = call_of("Supported: timer", "Session-Expires: 3;refresher=uac").gets(200, "refresher=uac")
    script.request("ACK", 1).gets("BYE").reply("200 OK")
    async with callee(min_session_expires_s=3) as at:
        (await play(script, tmp_path)).is_clean()
    assert at.reasons == ["expired"]


async def test_update_within_the_call(tmp_path):
    script = call_of().gets(200, "Allow: .*UPDATE").request("ACK", 1)
    script.request("UPDATE", 2, "Supported: timer", "Session-Expires: 120").gets(
        200, "Session-Expires: 120;refresher=uac"
    )
    script.request("UPDATE", 3, body=HELD_OFFER).gets(200, "m=audio")
    script.request("UPDATE", 4, "Require: flying").gets(420, "Unsupported: flying")
    script.request("BYE", 5).gets(200)
    async with callee() as at:
        (await play(script, tmp_path)).is_clean()
    assert at.reasons == ["bye"]


async def test_glare_is_settled_by_waiting(tmp_path):
    found: list[bytes] = []

    async def offers_too(call: IncomingCall) -> None:
        call.accept(OURS)
        await at.confirmed.wait()
        found.append(await call.reinvite(OURS))

    script = call_of().gets(200).request("ACK", 1).keeps("INVITE")
    script.request("INVITE", 2, body=HELD_OFFER, name="glare").gets(100, may=True).gets(491)
    script.request("ACK", 2, branch_of="glare").reply("491 Request Pending", to_kept=True).gets("ACK")
    script.gets("INVITE").reply("200 OK", body=OFFER).gets("ACK").request("BYE", 3).gets(200)
    async with callee(offers_too) as at:
        (await play(script, tmp_path)).is_clean()
    assert at.reasons == ["bye"]
    assert b"m=audio" in found[0]


# ---- we call sipp ---------------------------------------------------------------------------------------------------


async def call_sipp(script: Script, folder: Path, talk: Callable[[OutgoingCall], Awaitable[None]]) -> UserAgent:
    """Our call to a callee that follows a script."""
    ua = UserAgent(SipSettings(listen=(LocalAddress(SERVER),), port=PORT, tls="off"))
    await ua.start()
    running = asyncio.create_task(play(script, folder))
    try:

        async def listens() -> bool:
            return f"{PEER_PORT:04X} " in Path("/proc/net/udp").read_text() or running.done()

        await until("sipp listens", listens)
        call = await ua.invite(f"sip:1001@{TERMINAL}:{PEER_PORT}", OURS)
        await talk(call)
        (await running).is_clean()
    finally:
        await ua.stop()
    return ua


async def test_of_two_forks_that_answer_one_is_hung_up_on(tmp_path):
    script = Script().keeps("INVITE", "Supported: .*100rel", "Session-Expires: 1800").reply("180 Ringing", tag="a")
    for tag in ("b", "a"):
        script.reply("180 Ringing", tag=tag, to_kept=True)
    for tag in ("b", "a"):
        script.reply("200 OK", tag=tag, to_kept=True, body=OFFER).gets("ACK", f"tag={tag}")
    script.gets("BYE", "tag=a").reply("200 OK")
    script.gets("BYE", "tag=b").reply("200 OK")

    async def talks(call: OutgoingCall) -> None:
        await call.answered()
        assert call.session.dialog.remote.tag == "b"
        await ua_counts(call, "fork-ended")
        await call.bye()

    ua = await call_sipp(script, tmp_path, talks)
    assert ua.counters["fork-ended"] == 1


async def ua_counts(call: OutgoingCall, event: str) -> None:
    """Wait for a counter."""
    await call._ua.wait_until(lambda: call._ua.counters[event] > 0, 10)


async def test_a_trunk_that_answers_early_and_changes_its_mind(tmp_path):
    """183 with SDP, reliably; an offer by UPDATE before the 200; then the 200 without any."""
    script = Script().keeps("INVITE").reply(
        "183 Session Progress", "Require: 100rel", "RSeq: 7", "Allow: INVITE, ACK, BYE, PRACK, UPDATE",
        tag="t", to_kept=True, body=OFFER,
    )  # fmt: skip
    script.gets("PRACK", "RAck: 7 1 INVITE").reply("200 OK")
    script.callee_request("UPDATE", 1, "t", body=HELD_OFFER).gets(200, "m=audio")
    script.reply("200 OK", tag="t", to_kept=True).gets("ACK").gets("BYE").reply("200 OK")
    offered: list[bytes] = []

    async def talks(call: OutgoingCall) -> None:
        def on_offer(body: bytes) -> bytes:
            offered.append(body)
            return OURS

        call.on_offer = on_offer
        assert b"a=sendonly" in await call.answered()  # what holds is what was said last
        await call.bye()

    await call_sipp(script, tmp_path, talks)
    assert len(offered) == 1


async def test_our_interval_is_raised_where_the_callee_asks(tmp_path):
    script = Script().gets("INVITE").reply("422 Session Interval Too Small", "Min-SE: 3600", tag="t").gets("ACK")
    script.gets("INVITE", "Session-Expires: 3600", "Min-SE: 3600", "CSeq: 2 INVITE")
    script.reply("200 OK", "Session-Expires: 3600;refresher=uas", "Require: timer", tag="u", body=OFFER).gets("ACK")
    script.gets("BYE").reply("200 OK")

    async def talks(call: OutgoingCall) -> None:
        await call.answered()
        assert (call.session.timer.expires_s, call.session.timer.is_refresher) == (3600, False)
        await call.bye()

    await call_sipp(script, tmp_path, talks)
