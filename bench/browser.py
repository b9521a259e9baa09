"""A browser's side of a call without the browser: WebSocket, answer, connectivity checks and the DTLS handshake.

What follows (SRTP and RTCP on the one socket of the BUNDLE) is done by bench/native/load.c with the keys found here.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import socket
from typing import Any

import aiohttp

from bench.far_end import NAME, FarEnd, Near
from mcu.media import Codec, DtlsPeer, Format, Kind, StreamSpec
from mcu.net.dtls import Certificate

_CHECK_S = 2.5
_TIMEOUT_S = 10.0
_H264 = "packetization-mode=1;profile-level-id=42e01f"
_Media = tuple[str, Kind, Format, str, str]
_MEDIA: tuple[_Media, ...] = (
    ("audio", Kind.AUDIO, Format(Codec.OPUS, 111, 48_000), "opus/48000/2", ""),
    ("video", Kind.VIDEO, Format(Codec.H264, 96, 90_000), "H264/90000", _H264),
    ("content", Kind.CONTENT, Format(Codec.H264, 102, 90_000), "H264/90000", _H264),
)


class Browser:
    """One participant; `call` joins it, `leave` ends it."""

    def __init__(self, page: str, sock: socket.socket) -> None:
        """`page` is the WebSocket of the join page, `sock` a bound UDP socket that does not block."""
        self._page = page
        self._certificate = Certificate()
        self._end = FarEnd(sock, self._certificate)
        self._tasks: list[asyncio.Task[None]] = []
        self._client: aiohttp.ClientSession | None = None

    async def call(self, room: str, name: str, *, shares: bool = False) -> list[StreamSpec]:
        """Join, and share a screen; what may be sent and received now, and its keys.

        Raises TimeoutError, DtlsFailed, OSError.
        """
        self._client = aiohttp.ClientSession()
        link = await self._client.ws_connect(self._page)
        await link.send_json({"type": "join", "room": room, "name": name})
        offer = await asyncio.wait_for(self._told(link, "offer"), _TIMEOUT_S)
        lines = offer["sdp"].splitlines()
        known = [media for media in _MEDIA if shares or media[1] is not Kind.CONTENT]
        fingerprint, password = self._certificate.fingerprint, secrets.token_hex(16)
        text = _answer(lines, fingerprint, password, [media for media in known if media[1] is not Kind.CONTENT])
        await link.send_json({"type": "answer", "id": offer["id"], "sdp": text})
        near = _near(lines)
        keys = await self._end.connect(near)
        self._end.read_no_more()
        if shares:
            await asyncio.wait_for(self._told(link, "joined"), _TIMEOUT_S)
            await link.send_json({"type": "share", "is_on": True})
            again = await asyncio.wait_for(self._told(link, "offer"), _TIMEOUT_S)
            text = _answer(again["sdp"].splitlines(), fingerprint, password, known)
            await link.send_json({"type": "answer", "id": again["id"], "sdp": text})
        self._tasks.append(asyncio.create_task(self._listen(link)))
        self._tasks.append(asyncio.create_task(self._go_on_checking()))
        return [StreamSpec(mid, kind, send=form, remote=near.address, sdes=keys) for mid, kind, form, *_ in known]

    async def leave(self) -> None:
        """End the DTLS association, close the WebSocket."""
        await self._end.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._client is not None:
            await self._client.close()

    async def _told(self, link: aiohttp.ClientWebSocketResponse, wanted: str) -> dict[str, Any]:
        async for message in link:
            told: dict[str, Any] = json.loads(message.data)
            if told["type"] == wanted:
                return told
            if told["type"] in ("refused", "bye"):
                raise OSError(f"not let in: {told}")
        raise OSError("the page was closed")

    async def _listen(self, link: aiohttp.ClientWebSocketResponse) -> None:
        async for _ in link:
            pass

    async def _go_on_checking(self) -> None:
        """RFC 7675: who does not ask any more is sent nothing."""
        while True:
            await asyncio.sleep(_CHECK_S)
            self._end.check()


def _near(offer: list[str]) -> Near:
    """What an offer says of our server."""
    candidates = [line.split() for line in offer if line.startswith("a=candidate:")]
    udp = next(words for words in candidates if words[2].lower() == "udp")
    algorithm, _, fingerprint = _value(offer, "fingerprint").partition(" ")
    peer = DtlsPeer(algorithm, fingerprint, is_client=True)
    return Near((udp[4], int(udp[5])), _value(offer, "ice-ufrag"), _value(offer, "ice-pwd"), peer)


def _value(lines: list[str], name: str) -> str:
    return next(line.partition(":")[2] for line in lines if line.startswith(f"a={name}:"))


def _answer(offer: list[str], fingerprint: str, password: str, used: list[_Media]) -> str:
    """What is `used` flows both ways with one codec each, a screen to the server alone (RFC 3264 6)."""
    lines = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE audio video content"]
    media = {each[0]: each for each in _MEDIA}
    kind = ""
    for line in offer:
        if line.startswith("m="):
            kind = line[2:].partition(" ")[0]
        elif line.startswith("a=mid:"):
            mid, role, form, encoding, fmtp = media[line[6:]]
            flow = "inactive" if media[mid] not in used else "sendonly" if role is Kind.CONTENT else "sendrecv"
            lines += [
                f"m={kind} 9 UDP/TLS/RTP/SAVPF {form.payload_type}", "c=IN IP4 0.0.0.0", f"a=mid:{mid}",
                f"a=ice-ufrag:{NAME}", f"a=ice-pwd:{password}", f"a=fingerprint:sha-256 {fingerprint}",
                "a=setup:active", f"a={flow}", "a=rtcp-mux", f"a=rtpmap:{form.payload_type} {encoding}",
                *([f"a=fmtp:{form.payload_type} {fmtp}", f"a=rtcp-fb:{form.payload_type} nack pli"] if fmtp else ()),
            ]  # fmt: skip
    return "\r\n".join(lines) + "\r\n"
