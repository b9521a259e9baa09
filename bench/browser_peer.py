"""A browser that is told everything by its caller instead of a page, and has no codecs."""

from __future__ import annotations

import asyncio
import socket

from bench.far_end import FarEnd, Near
from mcu.media import Codec, DtlsPeer, Format, Grade, Kind, LegMedia, StreamSpec
from mcu.net.dtls import Certificate
from mcu.rtp.packet import RtpPacket
from mcu.rtp.srtp_session import SrtpPair
from mcu.worker.messages import LegOpened

_OPUS = Format(Codec.OPUS, 111, 48_000)
_H264 = Format(Codec.H264, 96, 90_000, profile_level_id="42e01f", packetization_mode=1)
_SILENCE = b"\xf8\xff\xfe"


class BrowserPeer:
    """One peer with a socket of its own."""

    def __init__(self, certificate: Certificate) -> None:
        self._fingerprint = certificate.fingerprint
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind(("127.0.0.1", 0))
        self._media = asyncio.Event()
        self._end = FarEnd(self._socket, certificate, self._media.set)
        self._srtp: SrtpPair | None = None

    @property
    def media(self) -> LegMedia:
        """What it would have answered to our offer."""
        dtls = DtlsPeer("sha-256", self._fingerprint, is_client=False)
        streams = (
            StreamSpec("audio", Kind.AUDIO, (_OPUS,), _OPUS, dtls=dtls),
            StreamSpec("video", Kind.VIDEO, (_H264,), _H264, dtls=dtls, has_nack=True, has_pli=True),
        )
        return LegMedia(streams, is_encrypted=True, grade=Grade.AUTHENTICATED)

    async def connect(self, opened: LegOpened) -> None:
        """Check and shake hands. Raises TimeoutError, mcu.net.dtls.DtlsFailed."""
        address = ("127.0.0.1", opened.candidates[0][1])
        dtls = DtlsPeer("sha-256", opened.fingerprint, is_client=True)
        keys = await self._end.connect(Near(address, opened.ice_ufrag, opened.ice_pwd, dtls))
        self._srtp = SrtpPair(keys.suite, keys.local, keys.remote)

    def speak(self, packets: int) -> None:
        """Send so many packets of silence."""
        assert self._srtp is not None
        for number in range(packets):
            packet = RtpPacket(_OPUS.payload_type, not number, number, 960 * number, 7, _SILENCE).serialize()
            self._end.send(self._srtp.protect(packet) or b"")

    async def has_received(self, patience_s: float) -> bool:
        """Whether media comes, as soon as it does."""
        try:
            await asyncio.wait_for(self._media.wait(), patience_s)
        except TimeoutError:
            return False
        return True

    async def close(self) -> None:
        """End the association and free the socket."""
        await self._end.close()
        self._socket.close()
