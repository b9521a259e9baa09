"""The DTLS handshake of DTLS-SRTP (RFC 5764) by aiortc's RTCDtlsTransport; the only file that touches aiortc.

It uses these private names of aiortc 1.16, pinned by a test: what it calls on its transport (`role`, `state`, `_recv`,
`_send`), `_set_role`, `_ssl` after the handshake, and `_srtp_profiles`. The keys go to our own SRTP sessions.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from aiortc import RTCCertificate, RTCDtlsFingerprint, RTCDtlsParameters, RTCDtlsTransport

from mcu.media import DtlsPeer, SdesKeys

logger = logging.getLogger(__name__)

_MAX_WAITING = 32
_SUITES = {
    b"SRTP_AEAD_AES_256_GCM": "AEAD_AES_256_GCM",
    b"SRTP_AEAD_AES_128_GCM": "AEAD_AES_128_GCM",
    b"SRTP_AES128_CM_SHA1_80": "AES_CM_128_HMAC_SHA1_80",
}
_EXPORTER_LABEL = b"EXTRACTOR-dtls_srtp"  # RFC 5764 4.2


class DtlsFailed(Exception):
    """The handshake did not lead to keys; `reason` is a word for logs and counters."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Certificate:
    """Our self-signed ECDSA P-256 certificate, one a process, valid for 30 days."""

    def __init__(self) -> None:
        self.certificate = RTCCertificate.generateCertificate()

    @property
    def fingerprint(self) -> str:
        """SHA-256, upper-case hex with colons (RFC 8122 5)."""
        prints = self.certificate.getFingerprints()
        return next(each.value for each in prints if each.algorithm == "sha-256")


class _Pipe:
    """What RTCDtlsTransport needs of an ICE transport."""

    role = "controlled"
    state = "completed"

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self._write = send
        self.waiting: asyncio.Queue[bytes] = asyncio.Queue(_MAX_WAITING)
        self.is_closed = False

    def close(self) -> None:
        """Let go of the leg, which knows us.

        In a cycle OpenSSL's memory would wait for the garbage collector, which is not told how much it is.
        """
        self.is_closed = True
        self._write = _nowhere

    async def _recv(self) -> bytes:
        data = await self.waiting.get()
        if self.is_closed:
            raise ConnectionError
        return data

    async def _send(self, data: bytes) -> None:
        if self.is_closed:
            raise ConnectionError
        self._write(data)


class DtlsSession:
    """One association with one peer. `send` is called with each datagram for it."""

    def __init__(self, certificate: Certificate, peer: DtlsPeer, send: Callable[[bytes], None]) -> None:
        self.peer = peer
        self._pipe = _Pipe(send)
        transport: Any = self._pipe
        self._transport = RTCDtlsTransport(transport, [certificate.certificate])
        self._transport._set_role("client" if peer.is_client else "server")  # noqa: SLF001 - pinned above

    def receive(self, data: bytes) -> bool:
        """Take a datagram from the peer; False when too many wait already."""
        try:
            self._pipe.waiting.put_nowait(data)
        except asyncio.QueueFull:
            return False
        return True

    async def handshake(self, timeout_s: float) -> SdesKeys:
        """The keys both sides agreed on. Raises DtlsFailed."""
        fingerprint = RTCDtlsFingerprint(self.peer.fingerprint_algorithm.lower(), self.peer.fingerprint)
        try:
            await asyncio.wait_for(self._transport.start(RTCDtlsParameters([fingerprint])), timeout_s)
        except TimeoutError:
            raise DtlsFailed("dtls-timeout") from None
        if self._transport.state != "connected":
            raise DtlsFailed("dtls-failed")
        return _export_keys(self._transport, self.peer.is_client)

    @property
    def is_closed(self) -> bool:
        """Whether the peer has ended the association, or we have."""
        return bool(self._transport.state in ("closed", "failed"))

    async def close(self) -> None:
        """Tell the peer, stop aiortc's task."""
        try:
            await self._transport.stop()
        finally:
            self._pipe.close()


def _nowhere(_data: bytes) -> None:
    """The association is over."""


def _export_keys(transport: Any, is_client: bool) -> SdesKeys:
    chosen = transport._ssl.get_selected_srtp_profile()  # noqa: SLF001 - pinned above
    profile = next(each for each in transport._srtp_profiles if each.openssl_profile == chosen)  # noqa: SLF001
    size = 2 * (profile.key_length + profile.salt_length)
    material = transport._ssl.export_keying_material(_EXPORTER_LABEL, size)  # noqa: SLF001
    client, server = profile.get_key_and_salt(material, 0), profile.get_key_and_salt(material, 1)
    local, remote = (client, server) if is_client else (server, client)
    return SdesKeys(_SUITES[chosen], local, remote)
