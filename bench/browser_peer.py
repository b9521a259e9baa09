"""The far end of a WebRTC leg as a load: ICE checks (RFC 8445), DTLS-SRTP (RFC 5764) and packets, no codecs."""

from __future__ import annotations

import asyncio
import os
import socket
import time

from aioice import stun

from mcu.media import Codec, DtlsPeer, Format, Grade, Kind, LegMedia, StreamSpec
from mcu.net.dtls import Certificate, DtlsSession
from mcu.rtp.packet import RtpPacket
from mcu.rtp.srtp_session import SrtpPair
from mcu.worker.messages import LegOpened

_OPUS = Format(Codec.OPUS, 111, 48_000)
_H264 = Format(Codec.H264, 96, 90_000, profile_level_id="42e01f", packetization_mode=1)
_SILENCE = b"\xf8\xff\xfe"
_CHECK_AGAIN_S = 0.2
_PATIENCE_S = 15.0


class BrowserPeer:
    """One peer with a socket of its own."""

    def __init__(self, certificate: Certificate) -> None:
        self._certificate = certificate
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind(("127.0.0.1", 0))
        self._loop = asyncio.get_running_loop()
        self._answered = asyncio.Event()
        self._session: DtlsSession | None = None
        self._srtp: SrtpPair | None = None
        self._server = ("127.0.0.1", 0)
        self._media = asyncio.Event()
        self._loop.add_reader(self._socket.fileno(), self._read)

    @property
    def media(self) -> LegMedia:
        """What it would have answered to our offer."""
        dtls = DtlsPeer("sha-256", self._certificate.fingerprint, is_client=False)
        streams = (
            StreamSpec("audio", Kind.AUDIO, (_OPUS,), _OPUS, dtls=dtls),
            StreamSpec("video", Kind.VIDEO, (_H264,), _H264, dtls=dtls, has_nack=True, has_pli=True),
        )
        return LegMedia(streams, is_encrypted=True, grade=Grade.AUTHENTICATED)

    async def connect(self, opened: LegOpened) -> None:
        """Check and shake hands. Raises TimeoutError, mcu.net.dtls.DtlsFailed."""
        self._server = ("127.0.0.1", opened.candidates[0][1])
        deadline = time.monotonic() + _PATIENCE_S
        while not self._answered.is_set():
            if time.monotonic() > deadline:
                raise TimeoutError("no answer to a connectivity check")
            self._send(_check(opened))
            try:
                await asyncio.wait_for(self._answered.wait(), _CHECK_AGAIN_S)
            except TimeoutError:
                continue
        far = DtlsPeer("sha-256", opened.fingerprint, is_client=True)
        self._session = DtlsSession(self._certificate, far, self._send)
        keys = await self._session.handshake(_PATIENCE_S)
        self._srtp = SrtpPair(keys.suite, keys.local, keys.remote)

    def speak(self, packets: int) -> None:
        """Send so many packets of silence."""
        assert self._srtp is not None
        for number in range(packets):
            packet = RtpPacket(_OPUS.payload_type, not number, number, 960 * number, 7, _SILENCE).serialize()
            self._send(self._srtp.protect(packet) or b"")

    async def has_received(self, patience_s: float) -> bool:
        """Whether media comes, as soon as it does."""
        try:
            await asyncio.wait_for(self._media.wait(), patience_s)
        except TimeoutError:
            return False
        return True

    async def close(self) -> None:
        """End the association and free the socket."""
        if self._session is not None:
            await self._session.close()
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()

    def _send(self, data: bytes) -> None:
        try:
            self._socket.sendto(data, self._server)
        except BlockingIOError:
            return

    def _read(self) -> None:
        while True:
            try:
                data = self._socket.recv(4096)
            except (BlockingIOError, ConnectionRefusedError):
                return
            # RFC 7983: STUN, DTLS, else RTP and RTCP
            if data[0] < 4:
                self._answered.set()
            elif data[0] < 64 and self._session is not None:
                self._session.receive(data)
            else:
                self._media.set()


def _check(opened: LegOpened) -> bytes:
    """A connectivity check that nominates."""
    message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    message.attributes["USERNAME"] = f"{opened.ice_ufrag}:far"
    message.attributes["PRIORITY"] = 1
    message.attributes["ICE-CONTROLLING"] = int.from_bytes(os.urandom(8), "big")
    message.attributes["USE-CANDIDATE"] = None
    message.add_message_integrity(opened.ice_pwd.encode())
    return bytes(message)
