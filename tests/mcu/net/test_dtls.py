"""The adapter around aiortc's DTLS: the private names it needs, keys on both sides, and who is refused."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable

import pytest
from aiortc import RTCDtlsTransport, rtcdtlstransport

from mcu.media import DtlsPeer, SdesKeys
from mcu.net.dtls import Certificate, DtlsFailed, DtlsSession
from mcu.net.handshakes import Handshakes
from mcu.rtp.srtp_session import SrtpPair


def test_the_private_names_that_we_use_are_there() -> None:
    source = inspect.getsource(RTCDtlsTransport)
    assert "self.transport._recv()" in source
    assert "self.transport._send(data)" in source
    assert "self._ssl" in source
    assert "self._srtp_profiles" in source
    assert inspect.iscoroutinefunction(RTCDtlsTransport.stop)
    assert list(inspect.signature(RTCDtlsTransport._set_role).parameters) == ["self", "role"]
    names = {profile.openssl_profile for profile in rtcdtlstransport.SRTP_PROFILES}
    assert names == {b"SRTP_AEAD_AES_256_GCM", b"SRTP_AEAD_AES_128_GCM", b"SRTP_AES128_CM_SHA1_80"}
    for profile in rtcdtlstransport.SRTP_PROFILES:
        assert profile.key_length and profile.salt_length
        assert callable(profile.get_key_and_salt)


def pair(server_sees: str = "", loses: Callable[[int], bool] = lambda _: False) -> tuple[DtlsSession, DtlsSession]:
    near, far = Certificate(), Certificate()
    sessions: list[DtlsSession] = []
    sent = 0

    def link(index: int) -> Callable[[bytes], None]:
        def send(data: bytes) -> None:
            nonlocal sent
            sent += 1
            if not loses(sent):
                sessions[index].receive(data)

        return send

    server = DtlsPeer("SHA-256", server_sees or far.fingerprint.lower(), is_client=False)
    client = DtlsPeer("sha-256", near.fingerprint, is_client=True)
    sessions.append(DtlsSession(near, server, link(1)))
    sessions.append(DtlsSession(far, client, link(0)))
    return sessions[0], sessions[1]


async def shake(one: DtlsSession, two: DtlsSession, timeout_s: float = 5) -> list[SdesKeys | BaseException]:
    return await asyncio.gather(one.handshake(timeout_s), two.handshake(timeout_s), return_exceptions=True)


async def test_both_sides_get_matching_keys_that_protect() -> None:
    server, client = pair()
    ours, theirs = await shake(server, client)
    assert isinstance(ours, SdesKeys)
    assert isinstance(theirs, SdesKeys)
    assert (ours.suite, ours.local, ours.remote) == (theirs.suite, theirs.remote, theirs.local)
    near = SrtpPair(ours.suite, ours.local, ours.remote)
    far = SrtpPair(theirs.suite, theirs.local, theirs.remote)
    packet = bytes.fromhex("800000010000000000000001") + b"sound"
    protected = near.protect(packet)
    assert protected is not None
    assert far.unprotect(protected) == packet
    await client.close()
    await asyncio.sleep(0.01)
    assert server.is_closed  # it was told
    await server.close()


async def test_lost_datagram_is_sent_again() -> None:
    server, client = pair(loses=lambda number: number == 2)
    ours, theirs = await shake(server, client)
    assert isinstance(ours, SdesKeys)
    assert isinstance(theirs, SdesKeys)
    await server.close()
    await client.close()


async def test_wrong_fingerprint_gives_no_keys() -> None:
    server, client = pair(server_sees=":".join(["AA"] * 32))
    ours, _ = await shake(server, client)
    assert isinstance(ours, DtlsFailed)
    assert ours.reason == "dtls-failed"
    await server.close()
    await client.close()


async def test_silence_ends_in_time() -> None:
    server, _ = pair()
    with pytest.raises(DtlsFailed, match="dtls-timeout"):
        await server.handshake(0.05)
    await server.close()


async def test_waiting_datagrams_are_bounded() -> None:
    server, _ = pair()
    assert sum(server.receive(b"\x16" * 20) for _ in range(1000)) == 32


async def test_rubbish_does_not_end_a_handshake() -> None:
    server, client = pair()
    for data in (b"\x16", b"\x16\xfe\xfd" + bytes(40), b"\x17" * 100, b"\x3f"):
        server.receive(data)
    ours, theirs = await shake(server, client)
    assert isinstance(ours, SdesKeys)
    assert isinstance(theirs, SdesKeys)
    await server.close()
    await client.close()


async def test_what_breaks_in_one_association_ends_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """All handshakes are tasks of one group: an exception that left one of them would end the process."""
    failures: list[str] = []

    def break_down(_keys: SdesKeys) -> None:
        raise RuntimeError("a held packet that nobody foresaw")

    async def refuse_to_close(_session: DtlsSession) -> None:
        raise RuntimeError("OpenSSL")

    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        handshakes = Handshakes(Certificate(), tasks, max_handshakes=2, timeout_s=3)
        server, client = pair()
        handshakes.start(server, break_down, failures.append)
        await client.handshake(3)
        await client.close()
        monkeypatch.setattr(DtlsSession, "close", refuse_to_close)
        handshakes.end(server)
    assert failures == ["dtls-failed"]
