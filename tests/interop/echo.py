"""A UDP echo (RFC 862) through a port: whether a terminal's packets pass, and the answers to them."""

from __future__ import annotations

import asyncio
import os
import socket
import time

PORT = 7
_PATIENCE_S = 0.15


def udp(address: str) -> socket.socket:
    """One end of it, where its maker is."""
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind((address, PORT))
    made.settimeout(_PATIENCE_S)
    return made


class Echo:
    """Asks from the terminal's end, answers from the other. Close it."""

    def __init__(self, asking: socket.socket, answering: socket.socket) -> None:
        self._asking = asking
        self._answering = answering

    async def passes(self) -> bool:
        """Whether one goes there and back."""
        return await asyncio.to_thread(self._try)

    async def until_passes(self, wanted: bool, within_s: float = 1.0) -> None:
        """Wait for it. A line that has just been plugged in takes the kernel up to a second more."""
        began = time.monotonic()
        while await self.passes() != wanted:
            assert time.monotonic() - began < within_s + wanted, f"passes: {not wanted}"

    def close(self) -> None:
        """Close both ends."""
        self._asking.close()
        self._answering.close()

    def _try(self) -> bool:
        nonce = os.urandom(8)
        try:
            self._asking.sendto(nonce, self._answering.getsockname())
            while True:
                data, source = self._answering.recvfrom(64)
                if data == nonce:
                    break
            self._answering.sendto(nonce, source)
            while self._asking.recv(64) != nonce:
                pass
        except OSError:  # a time-out, or a line that is down
            return False
        return True
