"""The far end of a WebRTC leg on one UDP socket: connectivity checks (RFC 8445) and the DTLS handshake (RFC 5764)."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass

from aioice import stun

from mcu.media import DtlsPeer, SdesKeys
from mcu.net.dtls import Certificate, DtlsSession

NAME = "far0"
"""Its own ICE user name; four characters are the least (RFC 8839 5.4)."""
_CHECK_AGAIN_S = 0.1
_PATIENCE_S = 15.0
_STUN_BELOW, _DTLS_BELOW = 4, 64
"""First bytes (RFC 7983); what is above is RTP or RTCP."""


@dataclass(frozen=True)
class Near:
    """What our server said of itself: where it listens, its ICE user name and password, its certificate."""

    address: tuple[str, int]
    ice_ufrag: str
    ice_pwd: str
    dtls: DtlsPeer


def connectivity_check(ice_ufrag: str, ice_pwd: str) -> bytes:
    """A check that nominates, as a controlling agent sends it (RFC 8445 7.1.1)."""
    message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    message.attributes["USERNAME"] = f"{ice_ufrag}:{NAME}"
    message.attributes["PRIORITY"] = 1
    message.attributes["ICE-CONTROLLING"] = int.from_bytes(os.urandom(8), "big")
    message.attributes["USE-CANDIDATE"] = None
    message.add_message_integrity(ice_pwd.encode())
    return bytes(message)


class FarEnd:
    """One peer on a bound socket that does not block; the socket stays its maker's."""

    def __init__(
        self, sock: socket.socket, certificate: Certificate, on_media: Callable[[], None] | None = None
    ) -> None:
        """`on_media` is called for each packet of media that comes."""
        self._socket = sock
        self._certificate = certificate
        self._on_media = on_media
        self._near: Near | None = None
        self._session: DtlsSession | None = None
        self._answered = asyncio.Event()

    async def connect(self, near: Near) -> SdesKeys:
        """Check until an answer comes, then shake hands; from here on the socket is read until read_no_more().

        Raises TimeoutError, mcu.net.dtls.DtlsFailed.
        """
        self._near = near
        asyncio.get_running_loop().add_reader(self._socket.fileno(), self._read)
        async with asyncio.timeout(_PATIENCE_S):
            while not self._answered.is_set():
                self.check()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._answered.wait(), _CHECK_AGAIN_S)
        self._session = DtlsSession(self._certificate, near.dtls, self.send)
        return await self._session.handshake(_PATIENCE_S)

    def check(self) -> None:
        """Send a check: who sends none any more is sent nothing (RFC 7675)."""
        if self._near is not None:
            self.send(connectivity_check(self._near.ice_ufrag, self._near.ice_pwd))

    def send(self, data: bytes) -> None:
        """Send a datagram; one that finds no room is lost, as on a network."""
        if self._near is not None:
            with contextlib.suppress(BlockingIOError):
                self._socket.sendto(data, self._near.address)

    def read_no_more(self) -> None:
        """Leave the socket to others."""
        asyncio.get_running_loop().remove_reader(self._socket.fileno())

    async def close(self) -> None:
        """End the association."""
        if self._session is not None:
            await self._session.close()
        self.read_no_more()

    def _read(self) -> None:
        while True:
            try:
                data = self._socket.recv(4096)
            except (BlockingIOError, ConnectionRefusedError):
                return
            if data[0] < _STUN_BELOW:
                self._answered.set()
            elif data[0] < _DTLS_BELOW and self._session is not None:
                self._session.receive(data)
            elif data[0] >= _DTLS_BELOW and self._on_media is not None:
                self._on_media()
