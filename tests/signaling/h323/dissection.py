"""What tshark makes of our octets: packets by hand in a file (pcap, linktype 101: raw IP). No network is needed."""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.peers import needs_programs

Address = tuple[str, int]
PORT = 30_245
_LINKTYPE_RAW = 101
_UDP, _TCP = 17, 6
_PUSH_ACK = 0x18
_ENDS = ("192.0.2.1", 40_000), ("192.0.2.2", PORT)


def udp(source: Address, destination: Address, octets: bytes) -> bytes:
    """A datagram in IPv4."""
    header = struct.pack("!HHHH", source[1], destination[1], 8 + len(octets), 0)
    return _ip(_UDP, source[0], destination[0], header + octets)


def tcp(source: Address, destination: Address, octets: bytes, sequence: int = 1, acknowledged: int = 1) -> bytes:
    """A segment in IPv4."""
    ports = source[1], destination[1]
    header = struct.pack("!HHIIBBHHH", *ports, sequence, acknowledged, 5 << 4, _PUSH_ACK, 65_535, 0, 0)
    return _ip(_TCP, source[0], destination[0], header + octets)


def pcap(packets: Iterable[bytes], began_s: int = 0) -> bytes:
    """A file of them, a microsecond apart."""
    head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, _LINKTYPE_RAW)
    return head + b"".join(
        struct.pack("<IIII", began_s, place, len(packet), len(packet)) + packet for place, packet in enumerate(packets)
    )


def dissect(packets: Sequence[bytes], directory: Path, began_s: int = 0) -> list[str]:
    """The tree of each packet, in none of which anything is malformed."""
    needs_programs("tshark")
    file = directory / "packets.pcap"
    file.write_bytes(pcap(packets, began_s))
    frames = tshark(file, "-V").split("\nFrame ")
    assert len(frames) == len(packets)
    for frame in frames:
        for fault in ("Malformed", "Exception occurred", "[Expert Info (Error"):
            assert fault not in frame, frame
    return frames


def tshark(file: Path, *arguments: str) -> str:
    """What it prints of a file."""
    command = ["tshark", "-n", "-r", str(file), *arguments]
    return subprocess.run(command, capture_output=True, check=True, timeout=50, text=True).stdout


class Dissection:
    """tshark's view of units of H.245, each in a TPKT and a TCP segment of its own."""

    def __init__(self, units: Sequence[bytes], directory: Path) -> None:
        packets, sequence = [], 1
        for unit in units:
            framed = struct.pack("!BBH", 3, 0, len(unit) + 4) + unit
            packets.append(tcp(*_ENDS, framed, sequence))
            sequence += len(framed)
        self._path = directory / "h245.pcap"
        self._path.write_bytes(pcap(packets))

    def text(self) -> str:
        """Everything, as a tree of lines."""
        return self._run("-V")

    def summaries(self) -> list[str]:
        """One line a unit: what kind of message it is."""
        return self._run("-T", "fields", "-e", "_ws.col.Info").splitlines()

    def _run(self, *arguments: str) -> str:
        return tshark(self._path, "-d", f"tcp.port=={PORT},h245", *arguments)


def _ip(protocol: int, source: str, destination: str, payload: bytes) -> bytes:
    ends = bytes(int(part) for host in (source, destination) for part in host.split("."))
    return struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 0, 0, 64, protocol, 0) + ends + payload
