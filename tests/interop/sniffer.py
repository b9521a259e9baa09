"""What is on the wire of the namespace: every packet with its time, for our own eyes and as a file for tshark."""

from __future__ import annotations

import asyncio
import select
import socket
import struct
import threading
import time
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.interop.process import said_by

Address = tuple[str, int]

_ETH_P_ALL = 3
_UDP = 17
_SO_RCVBUFFORCE = 33  # beyond net.core.rmem_max, with which a busy machine would lose packets that were there
_MAX_PACKETS = 200_000
_EXPERT_ERROR = 0x800000  # epan/proto.h: PI_ERROR


@dataclass(frozen=True)
class Datagram:
    """One UDP datagram; `time` is time.monotonic()."""

    time: float
    source: Address
    destination: Address
    payload: bytes


class Sniffer:
    """Listens on the loopback interface, over which all addresses of the namespace reach each other, or on another."""

    def __init__(self, device: str = "lo") -> None:
        self._is_loopback = device == "lo"
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, 8 << 20)
        self._socket.bind((device, 0))
        self._packets: list[tuple[float, bytes]] = []
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()
        self._socket.close()

    def datagrams(
        self, *, source: str = "", ports: Container[int] = range(1 << 16), since: float = 0.0
    ) -> Iterator[Datagram]:
        """UDP datagrams from an address to some ports, since a time."""
        for moment, packet in list(self._packets):
            found = _udp(moment, packet) if moment >= since else None
            if found and source in ("", found.source[0]) and found.destination[1] in ports:
                yield found

    def packets(self) -> list[bytes]:
        """All of them, with their Ethernet headers."""
        return [packet for _, packet in list(self._packets)]

    def write(self, path: Path, change: Callable[[bytes], bytes] = bytes) -> Path:
        """A pcap file, each packet as `change` makes it."""
        offset = time.time() - time.monotonic()
        with path.open("wb") as file:
            file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 1 << 18, 1))
            for moment, packet in list(self._packets):
                seconds, rest = divmod(moment + offset, 1)
                data = change(packet)
                file.write(struct.pack("<IIII", int(seconds), int(rest * 1e6), len(data), len(data)) + data)
        return path

    def _run(self) -> None:
        while not self._is_over.is_set():
            if select.select([self._socket], [], [], 0.1)[0]:
                packet, (_, _, kind, *_) = self._socket.recvfrom(1 << 17)
                is_once = kind == socket.PACKET_OUTGOING or not self._is_loopback  # each passes lo twice
                if is_once and len(self._packets) < _MAX_PACKETS:
                    self._packets.append((time.monotonic(), packet))


def _udp(moment: float, packet: bytes) -> Datagram | None:
    if packet[12:14] != b"\x08\x00" or packet[23] != _UDP:
        return None
    start = 14 + (packet[14] & 15) * 4
    source_port, destination_port = struct.unpack_from("!HH", packet, start)
    source, destination = socket.inet_ntoa(packet[26:30]), socket.inet_ntoa(packet[30:34])
    return Datagram(moment, (source, source_port), (destination, destination_port), packet[start + 8 :])


@dataclass(frozen=True)
class Verdict:
    """What tshark makes of the SIP messages of one side."""

    messages: int
    with_sdp: int
    wrong: list[str]
    """Its words on those that are malformed, in error, or lack what it expects to find."""


_ALWAYS = ("sip.Call-ID", "sip.CSeq.seq", "sip.CSeq.method", "sip.Via.branch", "sip.from.tag", "sip.to.host")
_IN_SDP = ("sdp.version", "sdp.owner.sessionid", "sdp.connection_info.address", "sdp.media.port", "sdp.media.format")


async def judged(pcap: Path, address: str, port: int, called: Sequence[int] = ()) -> Verdict:
    """Let tshark, which shares no code with us, read all SIP that came from a port, over UDP and TCP.

    `called` are ports that the address connects to over TCP, from a port of no meaning.
    """
    fields = ("_ws.malformed", "_ws.expert.severity", "_ws.expert.message", "sip.Content-Type", *_ALWAYS, *_IN_SDP)
    out = "".join(f" || tcp.dstport == {one}" for one in called)
    own = f"sip && ip.src == {address} && (udp.srcport == {port} || tcp.srcport == {port}{out})"
    process = await asyncio.create_subprocess_exec(
        "tshark", "-r", str(pcap), "-Y", own, "-d", f"udp.port=={port},sip",
        *(word for one in (port, *called) for word in ("-d", f"tcp.port=={one},sip")),
        "-T", "fields", "-E", "separator=/t", *(word for name in fields for word in ("-e", name)),
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, errors = await said_by(process)
    assert process.returncode == 0, errors.decode(errors="replace")
    rows = [dict(zip(fields, line.split("\t"), strict=True)) for line in output.decode(errors="replace").splitlines()]
    with_sdp = [row for row in rows if row["sip.Content-Type"] == "application/sdp"]
    return Verdict(len(rows), len(with_sdp), [str(row) for row in rows if _is_wrong(row, row in with_sdp)])


def _is_wrong(row: dict[str, str], has_sdp: bool) -> bool:
    severities = [int(number, 0) for number in row["_ws.expert.severity"].split(",") if number]
    expected = _ALWAYS + (_IN_SDP if has_sdp else ())
    is_error = bool(row["_ws.malformed"]) or max(severities, default=0) >= _EXPERT_ERROR
    return is_error or not all(row[name] for name in expected)
