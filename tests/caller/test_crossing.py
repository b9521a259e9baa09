"""How packets of our terminal pass a firewall (H.460.19)."""

from __future__ import annotations

import asyncio

from caller.crossing import Crossing
from caller.sockets import PortPair
from mcu.media import Kind, StreamSpec, Traversal
from mcu.rtp import packet as rtp

SERVER = ("127.0.0.1", 5000)
S = 1_000_000


class Pair:
    """Keeps what is sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[bool, bytes, tuple[str, int]]] = []
        self.receiver = None

    def send(self, is_rtcp, data, remote):
        self.sent.append((is_rtcp, data, remote))

    def listen(self, receiver):
        self.receiver = receiver


def spec(**fields) -> StreamSpec:
    return StreamSpec("", Kind.AUDIO, traversal=Traversal(**fields))


def test_empty_packets_go_out_as_often_as_the_server_wants():
    own, crossing = Pair(), Crossing()
    for now_us in range(0, 21 * S, S):
        crossing.keep_open(spec(keep_alive=SERVER, keep_alive_s=10), own, 0x77, now_us)
    assert crossing.kept_alive == len(own.sent) == 3
    is_rtcp, data, remote = own.sent[0]
    packet = rtp.parse(data)
    assert (is_rtcp, remote, len(data)) == (False, SERVER, 12)
    assert (packet.payload_type, packet.ssrc, packet.payload) == (127, 0x77, b"")
    assert rtp.parse(own.sent[1][1]).sequence == packet.sequence + 1


def test_who_asks_for_none_is_sent_none():
    own, crossing = Pair(), Crossing()
    crossing.keep_open(spec(), own, 1, 0)
    crossing.keep_open(StreamSpec("", Kind.AUDIO), own, 1, 0)
    assert own.sent == []


def test_numbers_go_in_front_on_the_shared_pair():
    own, shared, heard = Pair(), Pair(), []
    crossing = Crossing(shared, {Kind.AUDIO: 5})
    crossing.listen(Kind.AUDIO, heard.append)
    crossing.way(spec(is_multiplexed=True, multiplex_id=7), own)(True, b"report", SERVER)
    crossing.keep_open(spec(is_multiplexed=True, multiplex_id=7, keep_alive=SERVER), own, 1, 0)
    assert shared.sent[0] == (True, b"\0\0\0\7report", SERVER)
    assert shared.sent[1][1][:4] == b"\0\0\0\7"
    assert own.sent == []
    for data in (b"\0\0\0\5sound", b"\0\0\0\6sound", b"\0\0\0\5", b""):
        shared.receiver(data)
    assert heard == [b"sound"]


def test_each_direction_may_be_shared_alone():
    own, shared = Pair(), Pair()
    crossing = Crossing(shared, {Kind.AUDIO: 5})
    crossing.way(spec(multiplex_id=7), own)(False, b"a", SERVER)
    crossing.way(spec(is_multiplexed=True), own)(False, b"b", SERVER)
    crossing.way(StreamSpec("", Kind.AUDIO), own)(False, b"c", SERVER)
    assert own.sent == [(False, b"\0\0\0\7a", SERVER), (False, b"c", SERVER)]
    assert shared.sent == [(False, b"b", SERVER)]


async def test_real_ports_are_given_back():
    pair = await PortPair.open("127.0.0.1")
    Crossing(pair, {Kind.AUDIO: 5}).close()
    await asyncio.sleep(0)
    again = await PortPair.open("127.0.0.1")
    again.close()
    Crossing().close()
