"""Terminals for `bench dot1x`: many MAC addresses on one line, each authenticates again as soon as it is let in.

`python -m bench.dot1x_load METHOD SECONDS INTERFACE CERTIFICATES` prints what became of them; the password comes by
standard input.
"""

from __future__ import annotations

import json
import secrets
import select
import socket
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from auth8021x.supplicant.contexts import peer_context
from auth8021x.supplicant.methods import Credentials, make_method
from auth8021x.supplicant.peer import Peer
from auth8021x.wire import eap, eapol
from auth8021x.wire.eap import Eap
from auth8021x.wire.eapol import PAE_GROUP_ADDRESS, Eapol, Frame
from config.dot1x_server import EapMethod
from crypto.secret import Secret

IDENTITY = "load"
TERMINALS = 24
"""hostapd keeps no more than 30 requests that wait for a RADIUS server."""
_PATIENCE_S = 2.0
"""After which a terminal that hears nothing says Start again."""
_DRAIN_S = 3.0
_TICK_S = 0.25
_MAX_BYTES = 2048
_BUFFER_BYTES = 1 << 22


@dataclass
class _Terminal:
    mac: bytes
    peer: Peer | None = None
    heard_at: float = 0.0
    is_busy: bool = False


class Terminals:
    """Pure: frames and times in, frames out. They begin at once, and again until `ends_at`."""

    def __init__(self, make: Callable[[], Peer], count: int, ends_at: float) -> None:
        self.counters: Counter[str] = Counter()
        self._make = make
        self._ends_at = ends_at
        self._terminals = {mac: _Terminal(mac) for mac in map(_mac, range(count))}

    @property
    def is_over(self) -> bool:
        """Whether nobody waits for anything any more."""
        return not any(terminal.is_busy for terminal in self._terminals.values())

    def begin(self, now: float) -> list[bytes]:
        """Everybody says Start."""
        return [self._start(terminal, now) for terminal in self._terminals.values()]

    def overdue(self, now: float) -> Iterator[bytes]:
        """Who has heard nothing for too long says Start again."""
        for terminal in self._terminals.values():
            if terminal.is_busy and now - terminal.heard_at >= _PATIENCE_S:
                self.counters["stalled"] += 1
                yield self._start(terminal, now)

    def receive(self, data: bytes, now: float) -> bytes | None:
        """A frame; the answer to it."""
        frame = eapol.parse_frame(data)
        terminal = self._terminals.get(frame.destination)
        if terminal is None or frame.packet.type != eapol.Type.EAP or not terminal.is_busy:
            return None
        terminal.heard_at = now
        packet = eap.parse(frame.packet.body)
        if packet.code == eap.Code.REQUEST:
            return self._respond(terminal, packet)
        self.counters["succeeded" if packet.code == eap.Code.SUCCESS else "failed"] += 1
        terminal.is_busy = False
        return self._start(terminal, now) if now < self._ends_at else None

    def _respond(self, terminal: _Terminal, request: Eap) -> bytes:
        if terminal.peer is None or request.type == eap.Method.IDENTITY:
            terminal.peer = self._make()
        return _framed(terminal.mac, Eapol(eapol.Type.EAP, terminal.peer.respond(request).serialize()))

    def _start(self, terminal: _Terminal, now: float) -> bytes:
        terminal.heard_at, terminal.is_busy, terminal.peer = now, True, None
        return _framed(terminal.mac, Eapol(eapol.Type.START))


def run(interface: str, make: Callable[[], Peer], seconds: float) -> dict[str, float]:
    """Load for so long; what came of it."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(eapol.ETHERTYPE)) as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
        line.bind((interface, eapol.ETHERTYPE))
        line.setblocking(False)
        began = time.monotonic()
        terminals = Terminals(make, TERMINALS, began + seconds)
        for frame in terminals.begin(began):
            line.send(frame)
        ticked = began
        while not terminals.is_over and (now := time.monotonic()) < began + seconds + _DRAIN_S:
            if select.select([line], [], [], _TICK_S)[0]:
                _drain(line, terminals, now)
            if now - ticked >= _TICK_S:
                ticked = now
                for frame in terminals.overdue(now):
                    line.send(frame)
        counters = terminals.counters
        names = ("succeeded", "failed", "stalled")
        return {**{name: counters[name] for name in names}, "elapsed_s": time.monotonic() - began}


def _drain(line: socket.socket, terminals: Terminals, now: float) -> None:
    while True:
        try:
            data = line.recv(_MAX_BYTES)
        except BlockingIOError:
            return
        answer = terminals.receive(data, now)
        if answer is not None:
            line.send(answer)


def _framed(source: bytes, packet: Eapol) -> bytes:
    return Frame(PAE_GROUP_ADDRESS, source, packet).serialize()


def _mac(number: int) -> bytes:
    return bytes.fromhex("0200000b") + number.to_bytes(2, "big")


def peers(method: EapMethod, password: str, certificates: Path) -> Callable[[], Peer]:
    """Makes one for each authentication; in the folder are ca and that of IDENTITY."""
    own = (certificates / f"{IDENTITY}.pem", certificates / f"{IDENTITY}.key") if method == "tls" else (None, None)
    context = peer_context(certificates / "ca.pem", "", *own) if method != "md5" else None
    who = Credentials(IDENTITY, Secret(password), context)
    outer = "anonymous" if method in ("peap", "ttls") else IDENTITY
    return lambda: Peer(outer, make_method(method, who, secrets.token_bytes))


def main() -> int:
    """See above."""
    wanted, seconds, interface, certificates = sys.argv[1:]
    method = next(name for name in get_args(EapMethod) if name == wanted)
    made = peers(method, sys.stdin.readline().strip(), Path(certificates))
    print(json.dumps(run(interface, made, float(seconds))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
