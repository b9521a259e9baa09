"""The other end of a call in tests: answers an INVITE, plays a programme, counts."""

from __future__ import annotations

import asyncio
import secrets
import time
from typing import Self

from caller.media import Programme
from caller.sockets import PortPair
from caller.stream import Identity, Stream
from config.media import LocalAddress
from config.sip import SipSettings
from mcu.media import Kind
from mcu.rtp.capture import LegClock
from mcu.rtp.ntp import NtpClock
from mcu.rtp.srtp_session import PROFILES
from signaling.sip.call_handle import IncomingCall
from signaling.sip.sdp import session as sdp
from signaling.sip.sdp.answer import make_answer
from signaling.sip.sdp.local import LocalMedia
from signaling.sip.sdp.session import Origin
from signaling.sip.sessions.events import Ended
from signaling.sip.ua import UserAgent
from signaling.sip.wire.message import Request


class Peer:
    """`async with Peer(...) as peer`; `peer.uri` can be dialled."""

    def __init__(
        self, programme: Programme | None = None, refuse: tuple[int, str] | None = None, sends=True, address="127.0.0.1"
    ) -> None:
        self.address = address

        self.programme, self.refuse, self.sends = programme, refuse, sends
        self.requests: list[Request] = []
        self.streams: list[dict[Kind, Stream]] = []
        self.received: dict[Kind, list[bytes]] = {Kind.AUDIO: [], Kind.VIDEO: []}
        self.hang_up_after_s: float | None = None
        self.rings = 0
        """So many 180s instead of an answer."""
        self.is_cut_off = False
        """Nothing of its media leaves it any more."""
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._ua = UserAgent(SipSettings(listen=(LocalAddress(self.address),), port=0), self._incoming)
        await self._ua.start()
        host, port = self._ua.local_addresses[0]
        self.uri = f"sip:1001@[{host}]:{port}" if ":" in host else f"sip:1001@{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._ua.stop()

    def _incoming(self, call: IncomingCall) -> None:
        self.requests.append(call.request)
        if self.refuse is not None:
            call.reject(*self.refuse)
            return
        for _ in range(self.rings):
            call.ring()
        if self.rings:
            return
        task = asyncio.get_running_loop().create_task(self._serve(call))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, call: IncomingCall) -> None:
        pairs = {kind: await PortPair.open(self.address) for kind in (Kind.AUDIO, Kind.VIDEO)}
        local = LocalMedia(self.address, {kind: pair.numbers for kind, pair in pairs.items()}, secrets.token_bytes)

        def keys(_: int):
            return lambda suite, _: secrets.token_bytes(PROFILES[suite][1])

        answer, media = make_answer(sdp.parse(call.request.body), local, Origin("-", "1", "1", self.address), keys)
        streams, leg, start = {}, LegClock(), time.monotonic_ns() // 1000
        clock = NtpClock(1_700_000_000_000_000)
        for index, spec in enumerate(media.streams):
            streams[spec.kind] = Stream(spec, Identity(1000 + index, "peer", 32_000, 7), clock, leg)
            stream = streams[spec.kind]
            pairs[spec.kind].listen(lambda data, s=stream: s.receive(data, time.monotonic_ns() // 1000))
        self.streams.append(streams)
        call.accept(answer.serialize())
        ended = asyncio.ensure_future(self._wait_for_end(call))
        tick = picture = 0
        try:
            while not ended.done():
                now = time.monotonic_ns() // 1000
                if self.hang_up_after_s is not None and now - start > self.hang_up_after_s * 1e6:
                    await call.bye()
                    return
                while self.sends and tick * 20_000 <= now - start:
                    if Kind.AUDIO in streams and (packet := self.programme.audio_at(tick)):
                        streams[Kind.AUDIO].send(packet, tick * 960, start + tick * 20_000)
                    tick += 1
                while self.sends and picture * 40_000 <= now - start:
                    if Kind.VIDEO in streams and (unit := self.programme.video_at(picture)):
                        streams[Kind.VIDEO].send(unit.payload, picture * 3600, start + picture * 40_000)
                    picture += 1
                self._move(streams, pairs, now)
                await asyncio.sleep(0.005)
        finally:
            ended.cancel()
            for pair in pairs.values():
                pair.close()

    async def _wait_for_end(self, call: IncomingCall) -> None:
        while not isinstance(await call.next_event(), Ended):
            pass

    def _move(self, streams, pairs, now) -> None:
        for kind, stream in streams.items():
            stream.handle_timeout(now)
            self.received[kind] += [frame.payload for frame in stream.frames_received()]
            for is_rtcp, data in stream.packets_to_send():
                if self.is_cut_off:
                    continue
                spec = stream.spec
                pairs[kind].send(is_rtcp, data, (is_rtcp and spec.remote_rtcp) or spec.remote)
