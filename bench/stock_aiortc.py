"""Peers as aiortc has them, for comparison, with the codecs left out: `python -m bench.stock_aiortc`.

Pictures and sound are sent as they were encoded before; what arrives is put together and not decoded.
"""

from __future__ import annotations

import asyncio
import json
import sys
from fractions import Fraction
from typing import Any
from unittest.mock import patch

import av
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCRtpSender, RTCSessionDescription, rtcrtpreceiver

from bench import net_media


class _NoDecoder:
    """In the place of libavcodec."""

    def __init__(self, codec: object) -> None:
        del codec

    def decode(self, frame: object) -> list[Any]:
        """Nothing comes out."""
        del frame
        return []


class _Encoded(MediaStreamTrack):
    """Packets that were encoded before, at their rate."""

    def __init__(self, kind: str, payloads: list[bytes], rate: int) -> None:
        super().__init__()
        self.kind = kind
        self._payloads = payloads
        self._rate = rate
        self._number = 0
        self._began = asyncio.get_running_loop().time()

    async def recv(self) -> Any:
        """The next one, when it is due."""
        due = self._began + self._number / self._rate
        await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))
        packet = av.Packet(self._payloads[self._number % len(self._payloads)])
        packet.pts, packet.time_base = self._number, Fraction(1, self._rate)
        self._number += 1
        return packet


def _peer(pictures: list[bytes]) -> RTCPeerConnection:
    peer = RTCPeerConnection()
    peer.addTrack(_Encoded("audio", [bytes(net_media.SOUND_BYTES)], 50))
    peer.addTrack(_Encoded("video", pictures, net_media.RATE))
    return peer


def _prefer_h264(peer: RTCPeerConnection) -> None:
    codecs = RTCRtpSender.getCapabilities("video").codecs
    wanted = [codec for codec in codecs if codec.name in ("H264", "rtx")]
    for each in peer.getTransceivers():
        if each.kind == "video":
            each.setCodecPreferences(wanted)


async def _packets(peers: list[RTCPeerConnection]) -> int:
    total = 0
    for peer in peers:
        for entry in (await peer.getStats()).values():
            if entry.type == "transport":
                total += entry.packetsSent + entry.packetsReceived
    return total


async def _hear() -> Any:
    return json.loads(await asyncio.to_thread(sys.stdin.readline))


def _say(value: object) -> None:
    print(json.dumps(value), flush=True)


async def _serve() -> None:
    pictures = [picture.payload for picture in net_media.pictures()]
    task = await _hear()
    peers = [_peer(pictures) for _ in range(task["peers"])]
    if task["offers"]:
        for peer in peers:
            _prefer_h264(peer)
            await peer.setLocalDescription(await peer.createOffer())
        _say([peer.localDescription.sdp for peer in peers])
        for peer, sdp in zip(peers, await _hear(), strict=True):
            await peer.setRemoteDescription(RTCSessionDescription(sdp, "answer"))
    else:
        for peer, sdp in zip(peers, await _hear(), strict=True):
            await peer.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
            _prefer_h264(peer)
            await peer.setLocalDescription(await peer.createAnswer())
        _say([peer.localDescription.sdp for peer in peers])
    while True:
        await _hear()
        _say({"packets": await _packets(peers), "states": [peer.connectionState for peer in peers]})


if __name__ == "__main__":
    with patch.object(rtcrtpreceiver, "get_decoder", _NoDecoder):
        asyncio.run(_serve())
