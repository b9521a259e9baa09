"""A switch that checks orders by hand, word for word from RFC 5176 2.3 and 3.4, with none of our own code."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import socket

SECRET = b"9Lk2-between-us-and-the-switch"
DISCONNECT, ACK, NAK = 40, 41, 42
COA, COA_ACK, COA_NAK = 43, 44, 45
MESSAGE_AUTHENTICATOR, EVENT_TIMESTAMP, ERROR_CAUSE = 80, 55, 101
UNSUPPORTED_ATTRIBUTE = bytes((ERROR_CAUSE, 6)) + (401).to_bytes(4, "big")
CONTEXT_NOT_FOUND = bytes((ERROR_CAUSE, 6)) + (503).to_bytes(4, "big")
_ZEROS = bytes(16)


class HandmadeSwitch:
    """Gives these answers, each a code and attributes, one after the other; then none. Close it."""

    def __init__(self, *answers: tuple[int, bytes]) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[int, dict[int, bytes]]] = []
        """Codes and attributes of the requests that were right."""
        self.came = asyncio.Event()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind(("127.0.0.1", 0))
        asyncio.get_running_loop().add_reader(self._socket, self._read)

    @property
    def port(self) -> int:
        found: int = self._socket.getsockname()[1]
        return found

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()

    def _read(self) -> None:
        data, source = self._socket.recvfrom(4096)
        authenticator, attributes = data[4:20], _split(data[20:])
        assert authenticator == hashlib.md5(data[:4] + _ZEROS + data[20:] + SECRET).digest()
        unsigned = data[20:].replace(attributes[MESSAGE_AUTHENTICATOR], _ZEROS)
        proof = hmac.digest(SECRET, data[:4] + _ZEROS + unsigned, "md5")
        assert attributes[MESSAGE_AUTHENTICATOR] == proof
        self.asked.append((data[0], attributes))
        self.came.set()
        if self.answers:
            code, body = self.answers.pop(0)
            head = bytes((code, data[1])) + (20 + len(body)).to_bytes(2, "big")
            self._socket.sendto(head + hashlib.md5(head + authenticator + body + SECRET).digest() + body, source)


def _split(data: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    while data:
        assert data[0] not in found
        found[data[0]] = data[2 : data[1]]
        data = data[data[1] :]
    return found
