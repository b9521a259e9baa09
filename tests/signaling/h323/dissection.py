"""What tshark makes of our octets: captures of H.245 over TCP by hand (pcap linktype 101, raw IP)."""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Sequence
from pathlib import Path

PORT = 30_245
_LINKTYPE_RAW = 101
_PUSH_ACK = 0x18
_HOSTS = bytes([192, 0, 2, 1, 192, 0, 2, 2])


def capture(units: Sequence[bytes]) -> bytes:
    """A pcap file in which each unit travels as one TPKT in a TCP segment of its own."""
    packets = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, _LINKTYPE_RAW)]
    sequence = 1
    for index, unit in enumerate(units):
        tpkt = struct.pack("!BBH", 3, 0, len(unit) + 4) + unit
        tcp = struct.pack("!HHIIBBHHH", 40_000, PORT, sequence, 1, 5 << 4, _PUSH_ACK, 65_535, 0, 0) + tpkt
        ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), index, 0, 64, 6, 0) + _HOSTS
        packets.append(struct.pack("<IIII", index, 0, len(ip + tcp), len(ip + tcp)) + ip + tcp)
        sequence += len(tpkt)
    return b"".join(packets)


class Dissection:
    """tshark's view of units of H.245."""

    def __init__(self, units: Sequence[bytes], directory: Path) -> None:
        self._path = directory / "h245.pcap"
        self._path.write_bytes(capture(units))

    def text(self) -> str:
        """Everything, as a tree of lines."""
        return self._run("-V")

    def summaries(self) -> list[str]:
        """One line a unit: what kind of message it is."""
        return self._run("-T", "fields", "-e", "_ws.col.Info").splitlines()

    def _run(self, *arguments: str) -> str:
        command = ["tshark", "-n", "-r", str(self._path), "-d", f"tcp.port=={PORT},h245", *arguments]
        return subprocess.run(command, capture_output=True, check=True, timeout=60, text=True).stdout
