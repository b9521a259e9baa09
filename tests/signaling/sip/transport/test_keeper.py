"""Pings from our side: who answers stays, who does not is told of once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from config.sip import SipSettings
from signaling.sip.transactions.transaction import Flow
from signaling.sip.transport import keeper, stun
from signaling.sip.ua import UserAgent

FAST = SipSettings(port=0, stream_ping_s=0.02, udp_ping_s=0.02)


@pytest_asyncio.fixture
async def ua(monkeypatch) -> AsyncIterator[UserAgent]:
    monkeypatch.setattr(keeper, "_ANSWER_S", 0.08)
    agent = UserAgent(FAST)
    await agent.start()
    yield agent
    await agent.stop()


async def until(claim) -> None:
    async with asyncio.timeout(3):
        while not claim():
            await asyncio.sleep(0.005)


class Peer(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.answers = True

    def connection_made(self, transport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, source) -> None:
        self.heard.append(data)
        answer = stun.binding_answer(data, source) if stun.is_stun(data) else None
        if self.answers and answer is not None:
            self.transport.sendto(answer, source)


async def udp_flow(ua: UserAgent) -> tuple[Peer, Flow]:
    transport, peer = await asyncio.get_running_loop().create_datagram_endpoint(Peer, local_addr=("127.0.0.1", 0))
    return peer, Flow("udp", ua.local_addresses[0], transport.get_extra_info("sockname"))


async def test_stun_until_nobody_answers(ua: UserAgent):
    peer, flow = await udp_flow(ua)
    lost: list[str] = []
    ua.transports.keep(flow, lost=lambda: lost.append("lost"))
    await until(lambda: len(peer.heard) >= 3)
    assert lost == []
    assert len(set(peer.heard)) >= 3  # each ping is a transaction of its own
    peer.answers = False
    await until(lambda: lost)
    heard = len(peer.heard)
    await asyncio.sleep(0.1)
    assert (lost, len(peer.heard)) == (["lost"], heard)
    peer.transport.close()


async def test_who_knows_no_stun_gets_crlf_and_is_never_lost(ua: UserAgent):
    peer, flow = await udp_flow(ua)
    stop = ua.transports.keep(flow, has_answers=False)
    await until(lambda: len(peer.heard) >= 3)
    assert set(peer.heard) == {b"\r\n\r\n"}
    stop()
    for _ in range(20):  # what was sent before is read, one a round of the loop
        await asyncio.sleep(0)
    heard = len(peer.heard)
    await asyncio.sleep(0.06)
    assert len(peer.heard) == heard
    peer.transport.close()


@pytest.mark.parametrize("answers", [True, False])
async def test_streams_are_asked_and_lost_without_an_answer(ua: UserAgent, answers: bool):
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            heard.append(data)
            if answers and data == b"\r\n\r\n":
                writer.write(b"\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    remote = server.sockets[0].getsockname()
    ua.transports.send(b"X sip:a@b SIP/2.0\r\nl:0\r\n\r\n", Flow("tcp", ua.local_addresses[0], remote), lambda: None)
    await until(lambda: heard)
    (connection,) = ua.transports.connections
    lost: list[str] = []
    stop = ua.transports.keep(connection.flow, lost=lambda: lost.append("lost"))
    if answers:
        await until(lambda: len(heard) >= 3)
        assert lost == []
        assert heard[1:] == [b"\r\n\r\n"] * (len(heard) - 1)  # its pongs were not taken for pings
        stop()
    else:
        await until(lambda: lost)
        assert len(heard) == 2
    gone: list[Flow] = []
    ua.transports.observe_lost(gone.append)
    assert ua.transports.is_open(connection.flow)
    connection.close()
    await until(lambda: gone)
    assert (gone, ua.transports.is_open(connection.flow)) == ([connection.flow], False)
    server.close()


async def test_binding_requests_on_the_sip_port_are_answered(ua: UserAgent):
    peer, flow = await udp_flow(ua)
    peer.transport.sendto(stun.binding_request(bytes(12)), flow.local)
    await until(lambda: peer.heard)
    assert stun.answered_transaction(peer.heard[0]) == bytes(12)
    peer.transport.close()
