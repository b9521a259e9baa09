"""The floor of `fanout`: each picture protected for each viewer and sent by one call: `python -m bench.bare_fanout`."""

from __future__ import annotations

import json
import socket
import struct
import sys
import time

from pylibsrtp import Policy, Session

from bench import net_media
from mcu.media import Codec
from mcu.rtp.cutting import cut
from mcu.rtp.packet import header
from mcu.rtp.pieces import equal_runs
from mcu.rtp.srtp_session import PROFILES

_UDP_SEGMENT = 103  # linux/udp.h
_SSRC = 77


def main() -> None:
    """Read the viewers and when to begin, send 25 pictures a second until killed."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20)
    task = json.loads(sys.stdin.readline())
    viewers = []
    for entry in task["viewers"]:
        policy = Policy(
            key=bytes.fromhex(entry["local"]),
            ssrc_type=Policy.SSRC_ANY_OUTBOUND,
            srtp_profile=PROFILES[entry["suite"]][0],
        )
        viewers.append((Session(policy).protect, tuple(entry["address"])))
    pictures = [cut(Codec.H264, picture.payload) for picture in net_media.pictures()]
    print(json.dumps({"ready": True}), flush=True)
    start = json.loads(sys.stdin.readline())["start"]
    tick = sequence = 0
    while True:
        time.sleep(max(0.0, start + tick / net_media.RATE - time.monotonic()))
        packets = []
        for payload, marker in pictures[tick % len(pictures)]:
            head = header(net_media.VIDEO_TYPE, marker, sequence & 0xFFFF, 3600 * tick & 0xFFFFFFFF, _SSRC)
            packets.append(head + payload)
            sequence += 1
        tick += 1
        runs = equal_runs([len(packet) for packet in packets])
        for protect, address in viewers:
            protected = [protect(packet) for packet in packets]
            for first, end in runs:
                segment = [(socket.IPPROTO_UDP, _UDP_SEGMENT, struct.pack("=H", len(protected[first])))]
                sock.sendmsg(protected[first:end], segment, 0, address)


if __name__ == "__main__":
    main()
