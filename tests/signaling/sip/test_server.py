"""Whole calls into a server with a fake room, over loopback sockets."""

from __future__ import annotations

import asyncio
import logging
import re
import socket
from contextlib import asynccontextmanager

import pytest

from config.media import External, LocalAddress
from config.sip import SipSettings
from mcu.leg import HangUp
from mcu.media import Grade, Kind
from mcu.policy import MediaEncryption
from mcu.worker.messages import KeyframeWanted, LegFailed, LegSilent, LegStats, PeerWantsKeyframe, StreamStats
from signaling.admission import Refusal
from signaling.network_access import Proof
from signaling.sip.call_handle import CallRefused
from signaling.sip.calls.call import claimed_names
from signaling.sip.calls.media_control import picture_fast_update
from signaling.sip.server import SipServer
from signaling.sip.ua import UserAgent
from signaling.sip.wire.message import Headers, Request
from signaling.sip.wire.uri import Uri
from tests.signaling.fakes import FakeCalls, FakeFleet, FakeGate
from tests.signaling.sip import offers


class World:
    def __init__(self, **changes) -> None:
        self.gate, self.calls, self.fleet = FakeGate(), FakeCalls(), FakeFleet()
        self.worker = self.fleet.worker
        self.server = SipServer(SipSettings(port=0, **changes), self.gate, self.calls, self.fleet)
        self.ua = UserAgent(SipSettings(port=0))

    def uri(self, user: str = "1001", transport: str = "udp") -> str:
        return f"sip:{user}@127.0.0.1:{self.server.local_addresses[0][1]};transport={transport}"

    async def until(self, claim) -> None:
        async with asyncio.timeout(3):
            while not claim():
                await asyncio.sleep(0.005)


@asynccontextmanager
async def world(**changes):
    it = World(**changes)
    await it.server.start()
    await it.ua.start()
    try:
        yield it
    finally:
        await it.ua.stop()
        await it.server.stop()
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        assert left == []
        assert sorted(it.worker.closed) == [
            leg for leg in range(1, it.fleet.legs + 1) if leg in [o.leg for o in it.worker.opened]
        ]
        assert sorted(it.calls.left) == sorted(it.calls.joined)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_call_hold_and_bye(transport, caplog):
    caplog.set_level(logging.DEBUG)
    async with world() as it:
        call = await it.ua.invite(it.uri("1002**2468", transport), offers.BARESIP_SDES, display_name="Ward\u202e 3")
        answer = await call.answered()
        assert b"m=audio 40100 RTP/SAVP" in answer
        leg, name = it.calls.joined[1]
        assert (name, leg.protocol, leg.remote_address, leg.media.grade) == (
            "Ward 3",
            "sip",
            "127.0.0.1",
            Grade.OPPORTUNISTIC,
        )
        assert it.gate.requests[0].passcode == "2468"
        held = await call.reinvite(offers.BARESIP_SDES.replace(b"a=sendrecv", b"a=inactive"))
        assert b"a=inactive" in held
        assert leg.media.stream(Kind.AUDIO).send is None
        with pytest.raises(CallRefused) as caught:
            await call.reinvite(offers.sdp("m=audio 0 RTP/AVP 8", "m=video 0 RTP/AVP 96"))
        assert caught.value.status == 488
        await call.reinvite(offers.BARESIP_SDES)
        assert it.calls.changed == [1, 1]
        await call.bye()
        await it.until(lambda: it.calls.left == [1])
        assert it.server.counters == {}
    assert "2468" not in caplog.text
    assert "inline" not in caplog.text


@pytest.mark.parametrize(
    ("user", "status", "reason"),
    [
        ("9999", 404, "Not Found"),
        ("", 404, "Not Found"),
        ("1002", 403, "Passcode required: dial room**passcode"),
        ("1002**1", 403, "Wrong passcode"),
        ("1002**", 403, "Passcode required: dial room**passcode"),
    ],
)
async def test_refusals(user, status, reason):
    async with world() as it:
        uri = it.uri(user) if user else it.uri().replace("1001@", "")
        call = await it.ua.invite(uri, offers.FAX)
        with pytest.raises(CallRefused) as caught:
            await call.answered()
        assert (caught.value.status, caught.value.reason) == (status, reason)
        assert it.worker.opened == []


async def test_required_encryption():
    async with world() as it:
        it.gate.required = Grade.OPPORTUNISTIC
        call = await it.ua.invite(it.uri(), offers.LINPHONE)
        with pytest.raises(CallRefused) as caught:
            await call.answered()
        assert caught.value.status == 488
        assert "this room requires encryption" in caught.value.warning
        assert it.worker.configured == []


async def test_a_room_without_encryption_takes_keys_only_of_who_insists():
    async with world() as it:
        it.gate.encryption = MediaEncryption.OFF
        grades = []
        for offer in (offers.BARESIP_SDES.replace(b"RTP/SAVP", b"RTP/AVP"), offers.BARESIP_SDES):
            call = await it.ua.invite(it.uri(), offer)
            answer = await call.answered()
            await it.until(lambda: len(it.calls.joined) > len(grades))
            grade = it.calls.joined[it.fleet.legs][0].media.grade
            grades.append((grade, b"a=crypto" in answer))
            await call.bye()
            await it.until(lambda: len(it.calls.left) == len(grades))
        assert grades == [(Grade.CLEAR, False), (Grade.OPPORTUNISTIC, True)]


async def test_waiting_for_the_host_rings_and_can_be_cancelled():
    async with world() as it:
        it.gate.host_came = asyncio.Event()
        first = await it.ua.invite(it.uri(), offers.LINPHONE)
        second = await it.ua.invite(it.uri(), offers.LINPHONE)
        await it.until(lambda: first.ringing_status == second.ringing_status == 180)
        second.cancel()
        with pytest.raises(CallRefused) as caught:
            await second.answered()
        assert caught.value.status == 487
        assert it.calls.joined == {}
        it.gate.host_came.set()
        await first.answered()
        assert list(it.calls.joined) == [1]


async def test_refused_after_waiting():
    async with world() as it:
        it.gate.refusal_after_waiting = Refusal.LOCKED
        call = await it.ua.invite(it.uri(), offers.LINPHONE)
        with pytest.raises(CallRefused, match="Room is locked"):
            await call.answered()


async def test_late_offer():
    async with world() as it:
        call = await it.ua.invite(it.uri(), b"")
        offer = await call.answered()
        assert b"m=audio 40100 RTP/AVP 96 9 8 0 101 102" in offer
        assert it.calls.joined == {}
        # Our own agent's ACK has no answer, so the server has to end the call.
        await call.ended()
        assert it.calls.joined == {}


async def test_a_late_answer_meets_the_lock_that_came_meanwhile():
    async with world() as it:
        host, port = it.server.local_addresses[0]
        answer_sdp = offers.sdp("m=audio 4002 RTP/AVP 0", "m=video 0 RTP/AVP 97")
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            peer.setblocking(False)
            peer.bind(("127.0.0.1", 0))
            via = f"SIP/2.0/UDP 127.0.0.1:{peer.getsockname()[1]}"
            contact = f"<sip:k@127.0.0.1:{peer.getsockname()[1]}>"

            def request(method: str, branch: str, to_tag: str, body: bytes) -> bytes:
                headers = [
                    f"{method} sip:1001@127.0.0.1 SIP/2.0", f"Via: {via};branch=z9hG4bK{branch}", "Max-Forwards: 70",
                    "From: <sip:k@127.0.0.1>;tag=a", f"To: <sip:1001@127.0.0.1>{to_tag}", "Call-ID: late",
                    f"CSeq: 1 {method}", f"Contact: {contact}", f"Content-Length: {len(body)}", "", "",
                ]  # fmt: skip
                return "\r\n".join(headers).encode() + body

            async def next_message() -> bytes:
                async with asyncio.timeout(3):
                    return await loop.sock_recv(peer, 65_535)

            await loop.sock_sendto(peer, request("INVITE", "1", "", b""), (host, port))
            while not (answer := await next_message()).startswith(b"SIP/2.0 200"):
                pass
            tag = re.search(rb"To: [^\r]*(;tag=[^\r;]+)", answer)
            assert tag is not None
            it.gate.refusal_after_waiting = Refusal.LOCKED
            await loop.sock_sendto(peer, request("ACK", "2", tag[1].decode(), answer_sdp), (host, port))
            while not (await next_message()).startswith(b"BYE"):
                pass
        assert it.calls.joined == {}


@pytest.mark.parametrize(
    ("display_name", "user", "shown"),
    [
        ("", "1001**2468", "1001"),
        ("1001**2468", "k", "1001"),
        ("", "**2468", "127.0.0.1"),
        ("Ward * 3", "k", "Ward * 3"),
    ],
)
async def test_a_passcode_in_the_name_of_the_caller_is_not_shown(display_name, user, shown):
    async with world() as it:
        call = await it.ua.invite(it.uri(), offers.LINPHONE, display_name=display_name, user=user)
        await call.answered()
        assert it.calls.joined[1][1] == shown


@pytest.mark.parametrize(("feedback", "sent"), [((), [("net", PeerWantsKeyframe(1))]), (("a=rtcp-fb:* nack pli",), [])])
async def test_a_terminal_that_cannot_ask_gets_a_keyframe_after_its_answer(feedback, sent):
    async with world() as it:
        video = ("m=video 4002 RTP/AVP 97", "a=rtpmap:97 H264/90000", *feedback)
        call = await it.ua.invite(it.uri(), offers.sdp("m=audio 4000 RTP/AVP 8", *video))
        await call.answered()
        call.info("application/dtmf-relay", b"Signal=5\r\n")  # comes after the ACK
        await it.until(lambda: it.server.counters["digit-info"])
        assert it.worker.sent == sent


async def test_info_both_ways():
    async with world() as it:
        call = await it.ua.invite(it.uri(), offers.LINPHONE)
        got: list[tuple[str, bytes]] = []
        call.on_info = lambda *info: got.append(info)
        await call.answered()
        call.info("application/dtmf-relay", b"Signal=5\r\nDuration=160\r\n")
        call.info("application/media_control+xml", picture_fast_update())
        await it.until(lambda: it.worker.sent)
        assert it.server.counters["digit-info"] == 1
        assert it.worker.sent == [("net", PeerWantsKeyframe(1))]
        it.worker.observers[1](KeyframeWanted(1, Kind.VIDEO))  # the conference hears it too, and asks the leg: once
        leg, _ = it.calls.joined[1]
        leg.request_keyframe(Kind.VIDEO)
        leg.request_keyframe(Kind.CONTENT)
        await it.until(lambda: got)
        await asyncio.sleep(0.05)
        assert got == [("application/media_control+xml", picture_fast_update())]


async def test_silence_ends_a_call_unless_it_recovers_or_is_held():
    async with world(silent_s=0.1) as it:
        call = await it.ua.invite(it.uri(), offers.LINPHONE)
        await call.answered()
        it.worker.observers[1](LegSilent(1, 0.05))
        it.worker.observers[1](LegStats(1, (StreamStats(Kind.AUDIO),), is_silent=True))
        it.worker.observers[1](LegStats(1, (StreamStats(Kind.AUDIO),)))  # a muted terminal: reports, but no sound
        await call.reinvite(offers.LINPHONE.replace(b"t=0 0", b"t=0 0\r\na=recvonly"))
        it.worker.observers[1](LegSilent(1, 5))
        await asyncio.sleep(0.15)
        assert not call.is_ended
        await call.reinvite(offers.LINPHONE)
        async with asyncio.timeout(1):
            await call.ended()


@pytest.mark.parametrize("how", ["conference", "failed", "stop"])
async def test_ended_by_us(how):
    async with world() as it:
        call = await it.ua.invite(it.uri(transport="tcp"), offers.LINPHONE)
        reasons: list[str] = []
        call.on_ended = reasons.append
        await call.answered()
        await it.until(lambda: 1 in it.calls.joined)
        if how == "conference":
            await it.calls.joined[1][0].hang_up(HangUp.REMOVED)
        elif how == "failed":
            it.worker.observers[1](LegFailed(1, "ports"))
        else:
            await it.server.stop()
        async with asyncio.timeout(2):
            await call.ended()
        assert reasons == ["bye"]


async def test_garbage_on_udp_and_tcp_leaves_the_server_well():
    async with world(max_connections_per_source=3) as it:
        port = it.server.local_addresses[0][1]
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, remote_addr=("127.0.0.1", port))
        for data in (b"x", b"\xff" * 2000, b"INVITE sip:a@b SIP/2.0\r\nVia: x\r\n\r\n", b"\r\n\r\n"):
            transport.sendto(data)
        transport.close()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"\r\n\r\n")
        assert await reader.readexactly(2) == b"\r\n"
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert await reader.read() == b""
        writer.close()
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(4)]
        assert await held[3][0].read() == b""
        for _, open_writer in held:
            open_writer.close()
        await it.until(lambda: it.server.gauges["connections"] == 0)
        call = await it.ua.invite(it.uri(), offers.LINPHONE)
        await call.answered()
        counters = it.server.counters
        streams = (counters["stream-unreadable"], counters["stream-too-many-of-source"])
        assert (counters["malformed"], streams) == (3, (1, 1))


async def test_mute_connections_are_closed(monkeypatch):
    monkeypatch.setattr("signaling.sip.transport.connections._SWEEP_S", 0.02)
    async with world(first_message_s=0.05) as it:
        reader, writer = await asyncio.open_connection("127.0.0.1", it.server.local_addresses[0][1])
        async with asyncio.timeout(2):
            assert await reader.read() == b""
        writer.close()
        assert it.server.counters["stream-mute"] == 1


async def test_a_large_invite_goes_by_tcp_and_by_udp_where_tcp_is_refused():
    for has_tcp in (True, False):
        async with world(has_tcp=has_tcp) as it:
            call = await it.ua.invite(it.uri(), offers.ROOM_SYSTEM + b"a=x-filler:" + b"x" * 900 + b"\r\n")
            await call.answered()
            assert it.server.gauges["connections"] == (1 if has_tcp else 0)
            assert it.ua.counters["tcp-refused"] == (0 if has_tcp else 1)


async def test_nobody_listens():
    async with world() as it:
        call = await it.ua.invite("sip:1@127.0.0.1:1;transport=tcp", offers.FAX)
        with pytest.raises(CallRefused) as caught:
            await call.answered()
        assert caught.value.status == 503


async def test_a_wildcard_and_a_taken_port_are_refused():
    ua = UserAgent(SipSettings(listen=(LocalAddress("0.0.0.0"),), port=0))
    with pytest.raises(OSError, match="wildcard"):
        await ua.start()
    async with world() as it:
        other = UserAgent(SipSettings(port=it.server.local_addresses[0][1]))
        with pytest.raises(OSError, match="in use"):
            await other.start()
        assert other.local_addresses == []


@pytest.mark.parametrize(("network", "seen"), [("127.0.0.0/8", "203.0.113.9"), ("192.0.2.0/24", "127.0.0.1")])
async def test_the_contact_is_the_external_address_for_peers_behind_a_nat(network, seen):
    async with world(listen=(LocalAddress("127.0.0.1", (External("203.0.113.9", (network,)),)),)) as it:
        call = await it.ua.invite(it.uri(), offers.LINPHONE)
        await call.answered()
        assert it.worker.opened[0].peer == "127.0.0.1"
        assert call.session.dialog.remote_target.host == seen
        call.session.dialog.remote_target = Uri("sip", "x", "127.0.0.1", it.server.local_addresses[0][1])
        await call.bye()


async def test_the_gate_hears_where_a_call_came_in_and_what_it_calls_itself():
    async with world() as it:
        call = await it.ua.invite(it.uri(), offers.BARESIP_SDES)
        await call.answered()
        (request,) = it.gate.requests
        assert (request.source, request.local, request.proof) == ("127.0.0.1", "127.0.0.1", Proof.NONE)
        assert request.claimed == ("caller",)
        await call.bye()
        await it.until(lambda: it.calls.left == [1])


async def test_whom_the_network_does_not_know_gets_403():
    async with world() as it:
        it.gate.rooms = {}
        it.gate.unknown_room = Refusal.NETWORK
        call = await it.ua.invite(it.uri(), offers.BARESIP_SDES)
        with pytest.raises(CallRefused) as caught:
            await call.answered()
        assert (caught.value.status, caught.value.reason) == (403, "Not authenticated on the network")


@pytest.mark.parametrize(
    ("sender", "claimed"),
    [
        ("<sip:vt1@ward.example>;tag=a", ("vt1",)),
        ("Ward <sip:7001**2468@ward.example>;tag=a", ("7001",)),
        ("<sip:anonymous@anonymous.invalid>;tag=a", ()),
        ("<sip:ward.example>;tag=a", ()),
    ],
)
def test_what_a_caller_calls_itself(sender, claimed):
    assert claimed_names(Request("INVITE", "sip:1001@h", Headers([("From", sender)]))) == claimed
