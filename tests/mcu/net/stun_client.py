"""A peer that asks as a full ICE agent would, and does DTLS-SRTP on the same socket."""

from __future__ import annotations

import asyncio
import os
import socket

from aioice import stun

from mcu.media import DtlsPeer, Extensions, Format, Kind, StreamSpec
from mcu.net.dtls import Certificate, DtlsSession
from mcu.net.framing import Deframer, frame
from mcu.rtp.srtp_session import SrtpPair
from mcu.worker.messages import AttachLeg, ConfigureLeg, LegConfigured, LegConnected, LegOpened, Transport
from tests.mcu.net.harness import H264, OPUS, RTX, Harness, Peer

KINDS = (Kind.AUDIO, Kind.VIDEO)
EXTENSIONS = Extensions(mid=1, audio_level=2, transport_cc=3)


def check(opened: LegOpened, *, nominate: bool = True) -> bytes:
    """A connectivity check for the leg."""
    message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    message.attributes["USERNAME"] = f"{opened.ice_ufrag}:far"
    message.attributes["PRIORITY"] = 1
    message.attributes["ICE-CONTROLLING"] = int.from_bytes(os.urandom(8), "big")
    if nominate:
        message.attributes["USE-CANDIDATE"] = None
    message.add_message_integrity(opened.ice_pwd.encode())
    return bytes(message)


class IcePeer(Peer):
    """One browser-like peer."""

    def __init__(self) -> None:
        super().__init__()
        self.certificate = Certificate()
        self.srtp: SrtpPair | None = None
        self.port = 0
        self.media: list[bytes] = []
        self.answers = 0
        self._session: DtlsSession | None = None
        self._reader: asyncio.Task[None] | None = None

    async def connect(self, net: Harness, leg: int, *, audio: Format = OPUS, **video: object) -> LegOpened:
        """Open, configure and attach a leg, check, shake hands."""
        opened = await net.open(leg, Transport.ICE, *KINDS)
        self.port = (opened.tcp_candidates if self.socket.type is socket.SOCK_STREAM else opened.candidates)[0][1]
        dtls = DtlsPeer("sha-256", self.certificate.fingerprint, is_client=False)
        fields: dict[str, object] = {"has_nack": True, "has_pli": True, "has_transport_cc": True} | video
        streams = (
            StreamSpec("0", Kind.AUDIO, (audio,), audio, dtls=dtls, extensions=EXTENSIONS),
            StreamSpec("1", Kind.VIDEO, (H264, RTX), H264, RTX, dtls=dtls, extensions=EXTENSIONS, **fields),  # type: ignore[arg-type]
        )
        net.control.send(ConfigureLeg(leg, streams))
        await net.expect(LegConfigured)
        self.send(check(opened), self.port)
        self._reader = asyncio.create_task(self._read())
        await net.wait(lambda: self.answers)
        await self.shake(opened)
        await net.expect(LegConnected)
        net.control.send(AttachLeg(leg))
        return opened

    async def shake(self, opened: LegOpened) -> None:
        """DTLS as the client."""
        far = DtlsPeer("sha-256", opened.fingerprint, is_client=True)
        self._session = DtlsSession(self.certificate, far, lambda data: self.send(data, self.port))
        self.keys = keys = await self._session.handshake(5)
        self.srtp = SrtpPair(keys.suite, keys.local, keys.remote)

    def send_rtp(self, packet: bytes) -> None:
        """Protected."""
        assert self.srtp is not None
        self.send(self.srtp.protect(packet) or b"", self.port)

    def send_rtcp(self, packet: bytes) -> None:
        """Protected."""
        assert self.srtp is not None
        self.send(self.srtp.protect_rtcp(packet) or b"", self.port)

    def clear(self, *, rtcp: bool = False) -> list[bytes]:
        """What has arrived, unprotected."""
        assert self.srtp is not None
        taken, self.media = self.media, []
        found = []
        for data in taken:
            if rtcp == (192 <= data[1] <= 223):
                clear = self.srtp.unprotect_rtcp(data) if rtcp else self.srtp.unprotect(data)
                assert clear is not None
                found.append(clear)
            else:
                self.media.append(data)
        return found

    async def leave(self) -> None:
        """Stop reading, close."""
        if self._session is not None:
            await self._session.close()
        if self._reader is not None:
            self._reader.cancel()
        self.close()

    async def _read(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            for data in self.packets_in(await loop.sock_recv(self.socket, 4096)):
                self._take(data)

    def packets_in(self, data: bytes) -> list[bytes]:
        """What one read from the socket holds."""
        return [data]

    def _take(self, data: bytes) -> None:
        if data[0] < 4:
            self.answers += 1
        elif data[0] < 64:
            if self._session is not None:
                self._session.receive(data)
        else:
            self.media.append(data)


class TcpIcePeer(IcePeer):
    """The same over ICE-TCP: it connects when it has the first packet to send."""

    def __init__(self) -> None:
        super().__init__()
        self.socket.close()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32_768)  # so that it can soon be too slow
        self._deframer = Deframer()
        self._is_connected = False

    def send(self, data: bytes, port: int) -> None:
        if not self._is_connected:
            self.socket.connect(("127.0.0.1", port))
            self.socket.setblocking(False)
            self._is_connected = True
        self.socket.sendall(frame([data]))

    def packets_in(self, data: bytes) -> list[bytes]:
        """Whatever is complete now."""
        if not data:
            raise ConnectionError
        return self._deframer.receive(data)
