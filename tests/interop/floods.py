"""Floods of SIP, bounded in number: from one address, under invented ones, and connections that only hold on."""

from __future__ import annotations

import random
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from typing import Self

from tests.interop.hostile import Forger
from tests.interop.namespace import SERVER, TERMINAL
from tests.interop.server import SIP_PORT

SIP, TLS = (SERVER, SIP_PORT), (SERVER, 5061)
INVENTED = "198.18.0.0/15"
"""RFC 2544: nobody is there."""
_MOST_S = 12.0
_METHODS = ("INVITE", "REGISTER", "OPTIONS", "INVITE", "SUBSCRIBE")
_SDP = "v=0\r\no=- 1 1 IN IP4 {0}\r\ns=-\r\nc=IN IP4 {0}\r\nt=0 0\r\nm=audio 9000 RTP/AVP 8\r\n"


def message(number: int, source: tuple[str, int]) -> bytes:
    """A request that is answered, or a call that is taken: the bare host leads to the attendant."""
    method, (address, port) = _METHODS[number % len(_METHODS)], source
    body = _SDP.format(address) if method == "INVITE" else ""
    target = SERVER if number % 2 else f"{number % 9000}@{SERVER}"
    more = {"REGISTER": "Expires: 60\r\n", "SUBSCRIBE": "Event: conference\r\nExpires: 60\r\n"}.get(method, "")
    return (
        f"{method} sip:{target} SIP/2.0\r\nVia: SIP/2.0/UDP {address}:{port};branch=z9hG4bKf{number}-{port};rport\r\n"
        f"Max-Forwards: 70\r\nFrom: <sip:f{number}@{address}>;tag=f{number}\r\nTo: <sip:{target}>\r\n"
        f"Call-ID: f{number}-{port}@{address}\r\nCSeq: 1 {method}\r\nContact: <sip:f@{address}:{port}>\r\n{more}"
        f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


class Flood:
    """Sends in a thread until its messages are spent or the block ends; `sent` counts them."""

    def __init__(self, send: Callable[[int], None], count: int, per_s: float) -> None:
        self.sent = 0
        self._send = send
        self._count = count
        self._per_s = per_s
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    @property
    def is_going_on(self) -> bool:
        """Whether it still sends."""
        return self._thread.is_alive()

    def _run(self) -> None:
        began = time.monotonic()
        while self.sent < self._count and not self._is_over.is_set():
            elapsed = time.monotonic() - began
            if elapsed > _MOST_S:
                return
            if self.sent >= elapsed * self._per_s:
                time.sleep(0.002)
                continue
            self._send(self.sent)
            self.sent += 1


def from_one_address(count: int, per_s: float) -> Flood:
    """Everything from one socket."""
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind((TERMINAL, 0))
    source = made.getsockname()
    return Flood(lambda number: made.sendto(message(number, source), SIP) and None, count, per_s)


def under_invented_addresses(forger: Forger, count: int, per_s: float) -> Flood:
    """Every message from somebody else, out of INVENTED."""
    dice = random.Random(1)

    def send(number: int) -> None:
        address = f"198.{dice.randrange(18, 20)}.{dice.randrange(256)}.{dice.randrange(1, 255)}"
        source = (address, dice.randrange(1024, 60_000))
        forger.send(message(number, source), source, SIP)

    return Flood(send, count, per_s)


class HeldConnections:
    """Connections that say nothing, half a TLS handshake, or headers without an end."""

    def __init__(self, addresses: Iterator[str]) -> None:
        self._addresses = addresses
        self._open: list[socket.socket] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for one in self._open:
            one.close()

    def hold(self, count: int, target: tuple[str, int], data: bytes = b"") -> None:
        """Open so many, say `data` on each, and hold on."""
        for _ in range(count):
            made = socket.create_connection(target, 5, source_address=(next(self._addresses), 0))
            made.setblocking(False)
            self._open.append(made)
            if data:
                made.send(data)

    @property
    def alive(self) -> int:
        """How many the server has not closed."""
        return sum(_is_alive(one) for one in self._open)


def half_a_hello() -> bytes:
    """The beginning of a TLS handshake."""
    context = ssl.create_default_context()
    there, here = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        context.wrap_bio(there, here, server_hostname=SERVER).do_handshake()
    except ssl.SSLWantReadError:
        pass
    return here.read()[:100]


def _is_alive(made: socket.socket) -> bool:
    try:
        return made.recv(1, socket.MSG_PEEK) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False
