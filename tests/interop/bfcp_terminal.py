"""A room system made of raw sockets: SIP by wire.Caller, BFCP, RTP, RTCP and H.224 written from the RFCs alone.

It shows its own colour as its camera, and slides in another colour as a second H.264 stream (packetization-mode 0).
"""

from __future__ import annotations

import asyncio
import itertools
import re
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction

import av
import numpy as np
from numpy.typing import NDArray

from tests.interop import rtp_eyes
from tests.interop.media import Person
from tests.interop.namespace import SERVER
from tests.interop.sniffer import Datagram
from tests.interop.wire import Answer, Caller

FLOOR_REQUEST, FLOOR_RELEASE, FLOOR_REQUEST_STATUS, FLOOR_QUERY, FLOOR_STATUS = 1, 2, 4, 7, 8
HELLO, HELLO_ACK, ERROR, FLOOR_REQUEST_STATUS_ACK, FLOOR_STATUS_ACK = 11, 12, 13, 14, 15
GRANTED, DENIED, RELEASED, REVOKED = 3, 4, 6, 7
_GROUPS = range(14, 19)
_FRAME_RATE = 10
_MAIN, _SLIDES, _CAMERA = "main", "slides", "camera"


@dataclass(frozen=True)
class Bfcp:
    """One message (RFC 8855 5): `attributes` are (type, value, attributes within)."""

    primitive: int
    conference: int
    transaction: int
    user: int
    attributes: list[tuple[int, bytes, list]]
    is_response: bool

    def value(self, *path: int) -> bytes | None:
        """The value of the attribute that is reached by these types."""
        level, found = self.attributes, None
        for kind in path:
            match = next((each for each in level if each[0] == kind), None)
            if match is None:
                return None
            found, level = match[1], match[2]
        return found

    @property
    def status(self) -> int | None:
        """The overall status of the floor request that it tells of."""
        value = self.value(15, 18, 5)
        return None if value is None else value[0]


def read(data: bytes) -> Bfcp:
    """A message of either version."""
    first, primitive, words, conference, transaction, user = struct.unpack_from("!BBHIHH", data)
    assert len(data) == 12 + 4 * words, data.hex()
    assert first >> 5 in (1, 2), data.hex()
    return Bfcp(primitive, conference, transaction, user, _attributes(data[12:]), bool(first & 0x10))


def _attributes(data: bytes) -> list[tuple[int, bytes, list]]:
    found = []
    while data:
        kind, size = data[0] >> 1, data[1]
        body = data[2:size]
        found.append((kind, body[:2], _attributes(body[2:])) if kind in _GROUPS else (kind, body, []))
        data = data[size + -size % 4 :]
    return found


def attribute(kind: int, value: bytes) -> bytes:
    """One attribute with its padding."""
    return bytes((kind << 1 | 1, 2 + len(value))) + value + bytes(-(2 + len(value)) % 4)


@dataclass
class RoomTerminal:
    """Dial with `call()`; everything that arrives is kept."""

    person: Person
    slides: Person
    address: str
    is_tcp: bool = False
    is_floor_server: bool = False
    floor: list[Bfcp] = field(default_factory=list)
    """Messages of the server, in order."""
    floor_data: list[bytes] = field(default_factory=list)
    is_presenting: bool = False
    grants: bool = True
    """As floor server: whether requests are granted."""

    def __post_init__(self) -> None:
        self.caller = Caller(self.address)
        self._sockets = {name: self._bind(socket.SOCK_DGRAM) for name in (_MAIN, _SLIDES, _CAMERA)}
        self._floor_socket = self._bind(socket.SOCK_STREAM if self.is_tcp else socket.SOCK_DGRAM)
        self._received: dict[str, list[Datagram]] = {name: [] for name in self._sockets}
        self._remote: dict[str, int] = {}
        self._transactions = itertools.count(1)
        self._tasks: list[asyncio.Task[None]] = []
        self._names = (0, 0)
        self.floor_port = 0
        """Of the server."""
        self._numbers = {name: itertools.count(100) for name in self._sockets}
        self.ssrcs = {_MAIN: 0x1111, _SLIDES: 0x2222, _CAMERA: 0x3333}

    def _bind(self, kind: int) -> socket.socket:
        made = socket.socket(socket.AF_INET, kind)
        made.setblocking(False)
        made.bind((self.address, 0))
        return made

    # ---- the call

    def offer(self) -> str:
        """What a room system offers; wire.Caller fills in where it listens for sound."""
        port = {name: each.getsockname()[1] for name, each in self._sockets.items()}
        floor = self._floor_socket.getsockname()[1]
        h264 = "a=rtpmap:97 H264/90000\r\na=fmtp:97 profile-level-id=42e01f;level-asymmetry-allowed=1\r\n"
        feedback = "a=rtcp-fb:97 nack pli\r\na=rtcp-fb:97 ccm fir\r\na=rtcp-fb:97 ccm tmmbr\r\na=rtcp-mux\r\n"
        transport = "TCP/BFCP" if self.is_tcp else "UDP/BFCP"
        role = "a=floorctrl:s-only\r\na=confid:77\r\na=userid:5\r\na=floorid:3 mstrm:21\r\n"
        client = "a=floorctrl:c-only\r\n"
        tcp = "a=setup:active\r\na=connection:new\r\n" if self.is_tcp else ""
        return (
            "v=0\r\no=- 1 1 IN IP4 {address}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\n"
            "m=audio {port} RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n"
            f"m=video {port[_MAIN]} RTP/AVP 97\r\n{h264}{feedback}a=content:main\r\na=label:20\r\n"
            f"m=video {port[_SLIDES]} RTP/AVP 97\r\n{h264}{feedback}a=content:slides\r\na=label:21\r\n"
            f"m=application {floor} {transport} *\r\n{role if self.is_floor_server else client}{tcp}"
            f"m=application {port[_CAMERA]} RTP/AVP 100\r\na=rtpmap:100 H224/4800\r\na=rtcp-mux\r\n"
        )

    async def call(self, user: str) -> Answer:
        """Dial in, then show the camera and speak BFCP."""
        answer = await self.caller.finish(self.caller.begin(user, self.offer()))
        assert answer.status == 200, answer.raw
        lines = [line for line in answer.body.split("\r\n") if line.startswith("m=")]
        ports = [int(line.split()[1]) for line in lines]
        assert all(ports), answer.body
        self._remote = dict(zip((_MAIN, _SLIDES, "floor", _CAMERA), ports[1:], strict=True))
        self.floor_port = self._remote["floor"]
        if not self.is_floor_server:
            self._names = int(_sdp(answer.body, "confid")), int(_sdp(answer.body, "userid"))
        loop = asyncio.get_running_loop()
        for name, each in self._sockets.items():
            loop.add_reader(each, self._read, name)
        self._tasks.append(loop.create_task(self._show(_MAIN, self.person, lambda: True)))
        self._tasks.append(loop.create_task(self._show(_SLIDES, self.slides, lambda: self.is_presenting)))
        if self.is_tcp:
            await loop.sock_connect(self._floor_socket, (SERVER, self._remote["floor"]))
            self._tasks.append(loop.create_task(self._read_stream()))
        else:
            loop.add_reader(self._floor_socket, self._read_floor)
        return answer

    def close(self) -> None:
        """Hang up without a word."""
        loop = asyncio.get_running_loop()
        for task in self._tasks:
            task.cancel()
        for each in (*self._sockets.values(), self._floor_socket):
            loop.remove_reader(each)
            each.close()
        self.caller.close()

    # ---- floor control

    def tell(self, primitive: int, *attributes: bytes, transaction: int = 0, is_response: bool = False) -> int:
        """Send one message; its transaction."""
        body = b"".join(attributes)
        transaction = transaction or next(self._transactions)
        first = 0x20 if self.is_tcp else 0x40 | (0x10 if is_response else 0)
        conference, user = (77, 5) if self.is_floor_server else self._names
        data = struct.pack("!BBHIHH", first, primitive, len(body) // 4, conference, transaction, user) + body
        if self.is_tcp:
            self._floor_socket.send(data)
        else:
            self._floor_socket.sendto(data, (SERVER, self._remote["floor"]))
        return transaction

    async def ask(self, primitive: int, *attributes: bytes) -> Bfcp:
        """Send a request; what answers it."""
        transaction = self.tell(primitive, *attributes)
        return await self.heard(
            lambda each: each.transaction == transaction and (self.is_tcp or each.is_response), f"answer to {primitive}"
        )

    async def heard(self, match: Callable[[Bfcp], bool], what: str, timeout_s: float = 10.0) -> Bfcp:
        """The first message of the server that fits, waited for."""
        deadline = asyncio.get_running_loop().time() + timeout_s
        while asyncio.get_running_loop().time() < deadline:
            if (found := next((each for each in self.floor if match(each)), None)) is not None:
                return found
            await asyncio.sleep(0.05)
        raise AssertionError(f"{what}: {self.floor[-5:]}")

    def _read_floor(self) -> None:
        try:
            while True:
                self._take(self._floor_socket.recv(65_535))
        except (BlockingIOError, ConnectionError):
            return

    async def _read_stream(self) -> None:
        loop, buffer = asyncio.get_running_loop(), b""
        while data := await loop.sock_recv(self._floor_socket, 4096):
            buffer += data
            while len(buffer) >= 12 and len(buffer) >= (size := 12 + 4 * int.from_bytes(buffer[2:4], "big")):
                self._take(buffer[:size])
                buffer = buffer[size:]

    def _take(self, data: bytes) -> None:
        message = read(data)
        self.floor.append(message)
        self.floor_data.append(data)
        if message.status == REVOKED:
            self.is_presenting = False
        if message.is_response or self.is_tcp:
            return
        acknowledgement = {FLOOR_STATUS: FLOOR_STATUS_ACK, FLOOR_REQUEST_STATUS: FLOOR_REQUEST_STATUS_ACK}
        if message.primitive in acknowledgement:
            self.tell(acknowledgement[message.primitive], transaction=message.transaction, is_response=True)
        elif self.is_floor_server:
            self._serve(message)

    def _serve(self, asked: Bfcp) -> None:
        """As a floor control server: everything is granted, or nothing."""
        answer = {"transaction": asked.transaction, "is_response": True}
        if asked.primitive == HELLO:
            self.tell(
                HELLO_ACK, attribute(11, bytes((1, 2, 4, 7, 8, 11, 12))), attribute(10, bytes((2 << 1,))), **answer
            )
        elif asked.primitive == FLOOR_QUERY:
            self.tell(FLOOR_STATUS, attribute(2, b"\0\3"), **answer)
        elif asked.primitive in (FLOOR_REQUEST, FLOOR_RELEASE):
            status = RELEASED if asked.primitive == FLOOR_RELEASE else GRANTED if self.grants else DENIED
            overall = attribute(18, b"\0\x09" + attribute(5, bytes((status, 0))))
            self.tell(FLOOR_REQUEST_STATUS, attribute(15, b"\0\x09" + overall), **answer)

    # ---- media

    def rtcp(self, name: str, packet: bytes) -> None:
        """Send one RTCP packet behind an empty receiver report (RFC 4585 3.1)."""
        report = struct.pack("!BBHI", 0x80, 201, 1, self.ssrcs[name])
        self._sockets[name].sendto(report + packet, (SERVER, self._remote[name]))

    def camera(self, data: bytes) -> None:
        """Send one H.224 frame (RFC 4573)."""
        self._send(_CAMERA, 100, data, 0, True)

    def datagrams(self, name: str) -> list[bytes]:
        """All that has come for one stream: main, slides, camera."""
        return [each.payload for each in self._received[name]]

    def rtp(self, name: str) -> list[rtp_eyes.Rtp]:
        """The RTP packets of one stream."""
        return rtp_eyes.packets(self._received[name])

    def rtcp_of(self, name: str, packet_type: int, form: int) -> list[bytes]:
        """RTCP packets of a type and format (RFC 3550 6.1) that have come on one stream."""
        found = []
        for data in self.datagrams(name):
            while len(data) >= 8 and 192 <= data[1] <= 223:
                size = 4 + 4 * int.from_bytes(data[2:4], "big")
                if data[1] == packet_type and data[0] & 0x1F == form:
                    found.append(data[:size])
                data = data[size:]
        return found

    def picture(self, name: str) -> NDArray[np.uint8] | None:
        """The last picture of a stream since the last keyframe, decoded by FFmpeg alone."""
        packets = self.rtp(name)
        starts = [index for index, each in enumerate(packets) if each.payload[:1] and each.payload[0] & 0x1F == 7]
        found = rtp_eyes.pictures(packets[starts[-1] :]) if starts else []
        return found[-1] if found else None

    def forget(self, name: str) -> None:
        """Look only at what comes from now on."""
        self._received[name].clear()

    def _read(self, name: str) -> None:
        now = asyncio.get_running_loop().time()
        try:
            while True:
                data, source = self._sockets[name].recvfrom(65_535)
                self._received[name].append(Datagram(now, source, (self.address, 0), data))
        except (BlockingIOError, ConnectionError):
            return

    async def _show(self, name: str, person: Person, is_on: Callable[[], bool]) -> None:
        """A second of still pictures, again and again, beginning with a keyframe each time."""
        units, timestamp = await asyncio.to_thread(_encoded, person), 0
        while True:
            for picture in units:
                timestamp += 90_000 // _FRAME_RATE
                for index, unit in enumerate(picture if is_on() else ()):
                    self._send(name, 97, unit, timestamp, index == len(picture) - 1)
                await asyncio.sleep(1 / _FRAME_RATE)

    def _send(self, name: str, payload_type: int, payload: bytes, timestamp: int, is_last: bool) -> None:
        number = next(self._numbers[name]) & 0xFFFF
        head = struct.pack("!BBHII", 0x80, payload_type | is_last << 7, number, timestamp, self.ssrcs[name])
        self._sockets[name].sendto(head + payload, (SERVER, self._remote[name]))


def _encoded(person: Person) -> list[list[bytes]]:
    """NAL units that fit into a packet, for each picture of a second."""
    context = av.VideoCodecContext.create("libx264", "w")
    context.width, context.height, context.pix_fmt = 640, 360, "yuv420p"
    context.framerate, context.time_base = Fraction(_FRAME_RATE), Fraction(1, _FRAME_RATE)
    context.options = {
        "preset": "ultrafast", "tune": "zerolatency", "profile": "baseline", "g": str(_FRAME_RATE),
        "x264-params": "slice-max-size=1100",
    }  # fmt: skip
    picture = av.VideoFrame.from_ndarray(np.full((360, 640, 3), person.colour, np.uint8), format="rgb24")
    found = []
    for number in range(_FRAME_RATE):
        picture.pts = number
        data = b"".join(bytes(packet) for packet in context.encode(picture))
        found.append([unit for unit in re.split(rb"\x00\x00\x00?\x01", data) if unit])
    return found


def _sdp(body: str, name: str) -> str:
    return body.partition(f"a={name}:")[2].split("\r\n")[0]
