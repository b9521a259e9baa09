"""The floor of `transport`: recvfrom, unprotect, protect, sendto, for each datagram: `python -m bench.bare_loop`."""

from __future__ import annotations

import json
import socket
import sys

from pylibsrtp import Policy, Session

from mcu.rtp.srtp_session import PROFILES


def main() -> None:
    """Say the port, read the keys of each address, serve until killed."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    sock.bind(("127.0.0.1", 0))
    print(json.dumps({"port": sock.getsockname()[1]}), flush=True)
    sessions = {}
    for entry in json.loads(sys.stdin.readline()):
        profile, _ = PROFILES[entry["suite"]]
        keys = ((entry["remote"], Policy.SSRC_ANY_INBOUND), (entry["local"], Policy.SSRC_ANY_OUTBOUND))
        inbound, outbound = (
            Session(Policy(key=bytes.fromhex(key), ssrc_type=direction, srtp_profile=profile))
            for key, direction in keys
        )
        sessions[tuple(entry["address"])] = inbound.unprotect, outbound.protect
    print(json.dumps({"ready": True}), flush=True)
    while True:
        data, source = sock.recvfrom(2048)
        unprotect, protect = sessions[source]
        sock.sendto(protect(unprotect(data)), source)


if __name__ == "__main__":
    main()
