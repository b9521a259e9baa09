"""The terminals of bench.register: `prepare` creates them in the database, `run SECONDS CASE` registers them."""

from __future__ import annotations

import asyncio
import heapq
import json
import random
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

from bench.register import RATE, REALM, SECRET, TERMINALS, WARM_UP_S
from config.environment import load_settings
from config.settings import Settings
from crypto.ha1 import Ha1
from crypto.secret import Secret
from drumtower.keyring import master_key
from signaling.sip.authentication.digest import Answer, compute, parse_challenge
from signaling.terminals import TerminalBook
from store.database import Database

_TICK_S = 0.01
_PATIENCE_S = 3.0
_T1_S, _T2_S = 0.5, 4.0
_MAX_BURST = 40
_SOCKETS = 8


def main() -> int:
    """See the module."""
    settings = load_settings()
    if sys.argv[1] == "prepare":
        asyncio.run(_prepare(settings))
    else:
        asyncio.run(_run(settings, float(sys.argv[2]), keeps_nonce=sys.argv[3] == "kept"))
    return 0


async def _prepare(settings: Settings) -> None:
    Path(settings.data).mkdir(parents=True, exist_ok=True)
    database = Database(settings.database_url, settings.store)
    await database.open()
    book = TerminalBook(database.terminals, master_key(settings), settings.sip.realm)
    for number in range(TERMINALS):
        await book.add(f"t{number}", f"Terminal {number}", "", Secret(SECRET))
    await database.close()


@dataclass
class _Nonce:
    text: str
    algorithm: str
    count: int = 0


class Terminals(asyncio.DatagramProtocol):
    """All terminals, behind a few sockets in turn: each REGISTER comes from another address than the last one."""

    def __init__(self, target: str, *, keeps_nonce: bool) -> None:
        self._uri = f"sip:{target}"
        self._keeps_nonce = keeps_nonce
        self._hashes = [Ha1.of(f"t{number}", REALM, SECRET) for number in range(TERMINALS)]
        self._nonces: dict[int, _Nonce] = {}
        self._serial = self._begun = 0
        self._waiting: dict[int, float] = {}
        self._current: dict[int, bytes] = {}
        self._due: list[tuple[float, float, int, bytes]] = []
        self._sockets: list[asyncio.DatagramTransport] = []
        self.registered = 0
        self.requests = 0
        self.repeated = 0
        self.times: list[float] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """One more socket."""
        self._sockets.append(transport)  # type: ignore[arg-type]  # selector transports are datagram ones all the same

    def begin(self) -> None:
        """Count from here on."""
        self._begun = self._serial
        self.registered = self.requests = self.repeated = 0
        self.times.clear()

    def register(self) -> None:
        """Begin one."""
        self._serial += 1
        self._waiting[self._serial] = time.perf_counter()
        self._send(self._serial, 1)

    def datagram_received(self, data: bytes, _address: object) -> None:
        """A challenge, or the end of one REGISTER."""
        serial = int(data.partition(b"Call-ID: c")[2].partition(b"\r\n")[0])
        if data.startswith(b"SIP/2.0 401") and b"CSeq: 1 " in data:
            challenge = parse_challenge(data.partition(b"WWW-Authenticate: ")[2].partition(b"\r\n")[0].decode())
            self._nonces[serial % TERMINALS] = _Nonce(challenge.nonce, challenge.algorithm)
            self._send(serial, 2)
        elif data.startswith(b"SIP/2.0 200") and (began := self._waiting.pop(serial, None)) is not None:
            self._current.pop(serial, None)
            self.registered += serial > self._begun
            self.times.append(time.perf_counter() - began)

    def repeat(self) -> None:
        """Send again what nobody answered (RFC 3261 17.1.2.2), as any terminal does."""
        now = time.perf_counter()
        while self._due and self._due[0][0] <= now:
            _, interval_s, serial, data = heapq.heappop(self._due)
            if serial in self._waiting and self._current.get(serial) == data:
                self.repeated += 1
                self._transmit(serial, data, min(2 * interval_s, _T2_S))

    @property
    def unanswered(self) -> int:
        """How many wait, or were refused."""
        return self._serial - self._begun - self.registered

    def _authorization(self, number: int, *, is_answer: bool) -> str:
        nonce = self._nonces.get(number)
        if nonce is None or not (is_answer or self._keeps_nonce):
            return ""
        nonce.count += 1
        draft = Answer(
            f"t{number}", REALM, nonce.text, self._uri, "", nonce.algorithm, "c0ffee", "", "auth", nonce.count
        )
        response = compute(self._hashes[number].hash_of(nonce.algorithm), draft, "REGISTER")
        return f"Authorization: {replace(draft, response=response).serialize()}\r\n"

    def _send(self, serial: int, cseq: int) -> None:
        number = serial % TERMINALS
        target = self._uri.removeprefix("sip:")
        text = (
            f"REGISTER {self._uri} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP 10.0.0.7:5060;rport;branch=z9hG4bK{serial}x{cseq}\r\nMax-Forwards: 70\r\n"
            f"From: <sip:t{number}@{target}>;tag=a{serial}\r\nTo: <sip:t{number}@{target}>\r\n"
            f"Call-ID: c{serial}\r\nCSeq: {cseq} REGISTER\r\nUser-Agent: bench\r\n"
            f"Contact: <sip:t{number}@10.0.0.7:5060>;expires=600\r\n{self._authorization(number, is_answer=cseq == 2)}"
            "Supported: path\r\nAllow: INVITE, ACK, BYE, CANCEL, OPTIONS, INFO\r\nContent-Length: 0\r\n\r\n"
        )
        self.requests += 1
        self._transmit(serial, text.encode())

    def _transmit(self, serial: int, data: bytes, interval_s: float = _T1_S) -> None:
        self._current[serial] = data
        heapq.heappush(self._due, (time.perf_counter() + interval_s, interval_s, serial, data))
        self._sockets[serial // TERMINALS % _SOCKETS].sendto(data)


async def _run(settings: Settings, seconds: float, *, keeps_nonce: bool) -> None:
    loop = asyncio.get_running_loop()
    terminals = Terminals("127.0.0.1", keeps_nonce=keeps_nonce)
    for _ in range(_SOCKETS):
        await loop.create_datagram_endpoint(lambda: terminals, remote_addr=("127.0.0.1", settings.sip.port))
    # Everybody once, slowly: the nonces of the first case, and no storm before the measurement.
    for _ in range(TERMINALS):
        terminals.register()
        await asyncio.sleep(WARM_UP_S / TERMINALS * random.random() * 1.6)
    terminals.begin()
    began, sent = loop.time(), 0
    while (now := loop.time()) - began < seconds:
        for _ in range(min(int((now - began) * RATE) - sent, _MAX_BURST)):
            terminals.register()
            sent += 1
        terminals.repeat()
        await asyncio.sleep(_TICK_S * random.random())
    for _ in range(int(_PATIENCE_S / _T1_S)):
        await asyncio.sleep(_T1_S)
        terminals.repeat()
    times = sorted(terminals.times)
    report = {
        "registered": terminals.registered,
        "requests": terminals.requests,
        "seconds": seconds,
        "repeated": terminals.repeated,
        "unanswered": terminals.unanswered,
        "answer_p99_ms": times[len(times) * 99 // 100] * 1000 if times else 0.0,
    }
    print(json.dumps(report))


if __name__ == "__main__":
    sys.exit(main())
