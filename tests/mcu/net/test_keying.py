"""Strangers who speak DTLS to a leg with ports before and while its peer does: the peer gets its keys all the same."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import cast

import pytest

from mcu.media import DtlsPeer, Kind, SdesKeys
from mcu.net.dtls import Certificate, DtlsFailed, DtlsSession
from mcu.net.handshakes import Handshakes
from mcu.net.keying import DtlsKeying
from mcu.rtp.srtp_session import SrtpPair
from mcu.worker.messages import (
    AttachLeg,
    ConfigureLeg,
    LegConfigured,
    LegConnected,
    LegFailed,
    LegOpened,
    OpenLeg,
    Transport,
)
from tests.mcu.net.harness import Harness, Peer, audio_spec, net_process, rtp

FOREIGN = "127.0.0.77"
"""Not the host that SDP and signalling name."""


class DtlsEnd(Peer):
    """A socket with a certificate."""

    def __init__(self, address: str = "127.0.0.1", certificate: Certificate | None = None) -> None:
        super().__init__(address)
        self.certificate = certificate or Certificate()
        self.received = 0
        self._session: DtlsSession | None = None

    async def shake(self, opened: LegOpened, *, is_client: bool) -> SrtpPair:
        """The whole handshake. Raises DtlsFailed."""
        far = DtlsPeer("sha-256", opened.fingerprint, is_client=is_client)
        port = opened.ports["audio"][0]
        self._session = session = DtlsSession(self.certificate, far, lambda data: self.send(data, port))
        async with self._reading():
            keys = await session.handshake(5)
        return SrtpPair(keys.suite, keys.local, keys.remote)

    @contextlib.asynccontextmanager
    async def _reading(self) -> AsyncIterator[None]:
        async def read() -> None:
            while True:
                data = await asyncio.get_running_loop().sock_recv(self.socket, 4096)
                self.received += 1
                assert self._session is not None
                self._session.receive(data)

        reading = asyncio.create_task(read())
        try:
            yield
        finally:
            reading.cancel()


async def greeting(certificate: Certificate) -> bytes:
    """A ClientHello."""
    sent: list[bytes] = []
    session = DtlsSession(certificate, DtlsPeer("sha-256", "00", is_client=True), sent.append)
    with pytest.raises(DtlsFailed):
        await session.handshake(0.05)
    return sent[0]


async def expect(net: Harness, peer: DtlsEnd, *, we_are_client: bool) -> LegOpened:
    opened = await net.open(1, Transport.PORTS, Kind.AUDIO)
    dtls = DtlsPeer("sha-256", peer.certificate.fingerprint, is_client=we_are_client)
    net.control.send(ConfigureLeg(1, (audio_spec(peer, dtls=dtls),)))
    await net.expect(LegConfigured)
    net.control.send(AttachLeg(1))
    return opened


async def is_heard(net: Harness, peer: DtlsEnd, srtp: SrtpPair, opened: LegOpened) -> None:
    await net.expect(LegConnected)
    peer.send(srtp.protect(rtp(0, 1, b"sound")) or b"", opened.ports["audio"][0])
    assert (await net.frame("audio")).payload == b"sound"
    assert not [item for item in net.heard if isinstance(item, LegFailed)]


async def test_strangers_at_the_peers_host_hold_nobody_up() -> None:
    peer, liar, silent = DtlsEnd(), DtlsEnd(), [DtlsEnd() for _ in range(3)]
    hello = await greeting(liar.certificate)
    async with net_process() as net:
        opened = await net.open(1, Transport.PORTS, Kind.AUDIO)
        port = opened.ports["audio"][0]
        for each in silent[:2]:
            each.send(hello, port)  # before anybody is expected
        dtls = DtlsPeer("sha-256", peer.certificate.fingerprint, is_client=False)
        net.control.send(ConfigureLeg(1, (audio_spec(peer, dtls=dtls),)))
        await net.expect(LegConfigured)
        net.control.send(AttachLeg(1))
        with contextlib.suppress(DtlsFailed, TimeoutError):
            await asyncio.wait_for(liar.shake(opened, is_client=True), 0.5)
        silent[2].send(hello, port)
        await is_heard(net, peer, await peer.shake(opened, is_client=True), opened)
        assert liar.received, "it was spoken to, and found out by its certificate"
    for end in (peer, liar, *silent):
        end.close()


async def test_strangers_from_elsewhere_get_no_answer() -> None:
    peer, stranger = DtlsEnd(), DtlsEnd(FOREIGN)
    async with net_process() as net:
        net.control.send(OpenLeg(1, "1001", Transport.PORTS, (Kind.AUDIO,), peer="127.0.0.1"))
        opened = await net.expect(LegOpened)
        dtls = DtlsPeer("sha-256", peer.certificate.fingerprint, is_client=False)
        net.control.send(ConfigureLeg(1, (audio_spec(peer, dtls=dtls),)))
        await net.expect(LegConfigured)
        hello = await greeting(stranger.certificate)
        for _ in range(50):
            stranger.send(hello, opened.ports["audio"][0])
        await net.wait(lambda: net.process.counters["dtls-wrong-source"] == 50)
        net.control.send(AttachLeg(1))
        await is_heard(net, peer, await peer.shake(opened, is_client=True), opened)
        assert stranger.receive() == []
    peer.close()
    stranger.close()


async def test_a_greeting_does_not_end_the_handshake_that_we_began() -> None:
    peer, stranger = DtlsEnd(), DtlsEnd()
    hello = await greeting(stranger.certificate)
    async with net_process() as net:
        opened = await expect(net, peer, we_are_client=True)
        stranger.send(hello, opened.ports["audio"][0])
        await net.wait(lambda: net.process.counters["dtls-wrong-source"])
        await is_heard(net, peer, await peer.shake(opened, is_client=False), opened)
        assert stranger.receive() == []
    peer.close()
    stranger.close()


class LateHandshakes:
    """Their ends come when they are told to, even after they were cancelled."""

    def __init__(self) -> None:
        self.started: list[tuple[Callable[[SdesKeys], None], Callable[[str], None]]] = []
        self.ended = 0

    def session(self, peer: DtlsPeer, send: Callable[[bytes], None]) -> LateSession:
        del peer, send
        return LateSession()

    def start(
        self, session: object, agreed: Callable[[SdesKeys], None], failed: Callable[[str], None]
    ) -> asyncio.Future[None]:
        del session
        self.started.append((agreed, failed))
        return asyncio.get_running_loop().create_future()

    def end(self, session: object) -> None:
        del session
        self.ended += 1


class LateSession:
    def receive(self, data: bytes) -> bool:
        return bool(data)


@pytest.fixture
async def late() -> tuple[DtlsKeying, LateHandshakes, list[object]]:
    handshakes, told = LateHandshakes(), []
    keying = DtlsKeying(
        cast("Handshakes", handshakes), lambda *_: None, lambda keys, remote: told.append((keys, remote)),
        told.append, Counter(),
    )  # fmt: skip
    keying.max_tries, keying.max_associations = 3, 4
    keying.use(DtlsPeer("sha-256", "AA", is_client=False))
    for port in (1, 2, 3):
        keying.receive(b"hello", ("192.0.2.1", port))
    return keying, handshakes, told


KEYS = SdesKeys("AES_CM_128_HMAC_SHA1_80", b"l", b"r")


async def test_ends_that_come_too_late_are_nothing(late: tuple[DtlsKeying, LateHandshakes, list[object]]) -> None:
    keying, handshakes, told = late
    (_, one_fails), (two_agrees, _), (three_agrees, three_fails) = handshakes.started
    two_agrees(KEYS)
    assert told == [(KEYS, ("192.0.2.1", 2))]
    one_fails("dtls-failed")
    three_agrees(KEYS)
    three_fails("dtls-failed")
    assert (len(told), handshakes.ended, keying.is_agreed) == (1, 2, True)
    keying.receive(b"hello again", ("192.0.2.1", 1))
    assert len(handshakes.started) == 3


async def test_strangers_failures_are_not_the_legs(late: tuple[DtlsKeying, LateHandshakes, list[object]]) -> None:
    keying, handshakes, told = late
    keying.receive(b"one too many", ("192.0.2.1", 4))
    assert len(handshakes.started) == 3
    keying.start(("192.0.2.1", 5))
    for number in range(3):
        keying.receive(b"hello", ("192.0.2.1", 5))
        assert len(handshakes.started) == 4 + number, "who is named finds room"
        handshakes.started[-1][1]("dtls-failed")
    assert told == []
    for _, fails in handshakes.started[:2]:
        fails("dtls-timeout")
    handshakes.started[2][0](KEYS)
    assert told == [(KEYS, ("192.0.2.1", 3))]


async def test_a_peer_that_fails_three_times_is_the_legs_failure() -> None:
    handshakes, told = LateHandshakes(), []
    keying = DtlsKeying(
        cast("Handshakes", handshakes), lambda *_: None, lambda *_: None, told.append, Counter()
    )  # fmt: skip
    keying.max_tries, keying.max_associations = 3, 4
    keying.use(DtlsPeer("sha-256", "AA", is_client=False))
    keying.start(("192.0.2.1", 5))
    for _ in range(3):
        assert told == []
        keying.receive(b"hello", ("192.0.2.1", 5))
        handshakes.started[-1][1]("dtls-failed")
    assert told == ["dtls-failed"]
    keying.receive(b"hello", ("192.0.2.1", 5))
    assert len(handshakes.started) == 3


async def test_strangers_have_only_so_many_tries() -> None:
    handshakes, told = LateHandshakes(), []
    keying = DtlsKeying(
        cast("Handshakes", handshakes), lambda *_: None, lambda *_: None, told.append, Counter()
    )  # fmt: skip
    keying.max_associations = 4
    keying.use(DtlsPeer("sha-256", "AA", is_client=False))
    for port in range(1, 100):
        keying.receive(b"hello", ("192.0.2.1", port))
        handshakes.started[-1][1]("dtls-failed")
    assert len(handshakes.started) == 64
