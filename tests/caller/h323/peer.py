"""The other end of a call over H.323 in tests: a terminal or conference that answers, plays a programme, counts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

from caller.h323.options import Encryption, H323Options
from caller.h323.terminal import H323Terminal
from caller.media import Programme, make_slides
from caller.options import CallOptions, check
from caller.report import CallReport
from caller.session import MediaSession, now_us
from caller.stream import Stream
from config.h323 import H323Settings
from config.media import LocalAddress
from crypto.h235.password_key import PasswordKey
from mcu.media import Codec, Kind, LegMedia
from signaling.h323.call import events
from signaling.h323.call.endpoint import LocalEndpoint
from signaling.h323.call_handle import CallHandle
from signaling.h323.call_media.call_media import CallMedia
from signaling.h323.call_media.wishes import Wishes
from signaling.h323.capabilities.fast_start import Ports
from signaling.h323.capabilities.own import OwnMedia
from signaling.h323.h245 import events as h245
from signaling.h323.h245.events import ContentState
from signaling.h323.media_security import MediaSecurity
from signaling.h323.ras.admission import Account
from signaling.h323.ras.alias import Alias, AliasKind
from signaling.h323.signatures import Signatures
from signaling.h323.transport.call_signalling import CallSignalling

KINDS = (Kind.AUDIO, Kind.VIDEO, Kind.CONTENT)
CONFERENCE = b"the room's own ID"[:16]
_PATIENCE_S = 30.0


class Counted(MediaSession):
    """Media of our terminal of which it is known, while they come, how many have come."""

    def frames(self, kind: Kind) -> int:
        """Whole pictures, or packets of sound."""
        return self._streams[kind].frames if kind in self._streams else 0

    def stream(self, kind: Kind) -> Stream:
        """What plays and listens now."""
        return self._streams[kind]


class Keeping(Counted):
    """Media that keep what was agreed, and what came."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.agreed: list[LegMedia] = []
        self.received: dict[Kind, list[bytes]] = {kind: [] for kind in Kind}

    def cut_off(self) -> None:
        """Nothing leaves it any more."""
        for pair in self._ports.values():
            pair.send = lambda *_: None  # type: ignore[method-assign]

    def update(self, media):
        self.agreed.append(media)
        super().update(media)

    def _take(self, kind, stream, now):
        for received in stream.frames_received():
            self.received[kind].append(received.payload)


@dataclass
class Wants:
    """What the peer does beside answering."""

    encryption: Encryption = Encryption.OPTIONAL
    own: OwnMedia = field(default_factory=lambda: OwnMedia(has_camera=False))
    is_tunnelling: bool = True
    refuses: str = ""
    password: str = ""
    """Asked for by H.243, three times; whoever does not know it is let go."""
    hangs_up_after_s: float | None = None
    presents: bool = False
    renews_keys_s: float = 0.0
    asks_keyframe: bool = False
    secrets: dict[str, str] = field(default_factory=dict)
    """Passwords by alias, for calls that are signed (H.235.1); the answers are signed likewise."""

    def account_of(self, alias: str) -> Account | None:
        """As Accounts wants it."""
        return Account(alias, PasswordKey.of(self.secrets[alias])) if alias in self.secrets else None


class Peer:
    """`async with Peer(...) as peer`; `peer.uri` can be dialled."""

    def __init__(self, programme: Programme | None = None, wants: Wants | None = None, sends: bool = True) -> None:
        self.programme = programme if sends and programme is not None else _silence()
        self.wants = wants or Wants()
        self.calls: list[CallHandle] = []
        self.sessions: list[Keeping] = []
        self.told: list[Any] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        own = LocalEndpoint(
            (Alias(AliasKind.H323_ID, "peer"),), "The peer", offers_tunnelling=self.wants.is_tunnelling
        )  # fmt: skip
        settings = H323Settings(listen=(LocalAddress("127.0.0.1"),), signalling_port=0)
        signatures = Signatures(settings, self.wants) if self.wants.secrets else None
        self._signalling = CallSignalling(settings, self._take, own, signatures)
        await self._signalling.start()
        self.uri = f"h323:1001@127.0.0.1:{self._signalling.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        results = await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._signalling.stop()
        for result in results:
            if isinstance(result, Exception):
                raise result

    def events(self, kind: type) -> list[Any]:
        """What was told of one kind."""
        return [event for event in self.told if isinstance(event, kind)]

    def has_heard_and_seen(self, session: Counted) -> bool:
        """Whether both ends have got a second of sound and half a second of pictures."""
        ends = (session, *self.sessions[:1])
        return len(ends) == 2 and all(end.frames(Kind.AUDIO) >= 50 and end.frames(Kind.VIDEO) >= 12 for end in ends)

    def has_got(self, kind: Kind, count: int) -> bool:
        """Whether so many pictures or packets have come to the peer."""
        return any(session.frames(kind) >= count for session in self.sessions[:1])

    def _take(self, call: CallHandle) -> None:
        self.calls.append(call)
        if self.wants.refuses:
            call.release(reason=self.wants.refuses)
            return
        self._tasks.add(asyncio.get_running_loop().create_task(self._serve(call)))

    async def _serve(self, call: CallHandle) -> None:
        options = CallOptions("h323:1@h", audio=Codec.G722, decodes=False, h323=H323Options())
        session = Keeping(options, self.programme, "127.0.0.1", self.programme)
        self.sessions.append(session)
        await session.open(KINDS)
        ports = {kind: Ports(*(("127.0.0.1", port) for port in pair)) for kind, pair in session.ports.items()}
        security = None if self.wants.encryption is Encryption.OFF else MediaSecurity()
        tokens = [] if security is None else security.answer(call.setup.tokens)
        wishes = Wishes(
            self.wants.own,
            must_encrypt=self.wants.encryption is Encryption.REQUIRED,
            sends=frozenset({Kind.AUDIO, Kind.VIDEO}),
        )
        media = CallMedia(call.control, wishes, ports, security if tokens else None)
        call.control.prepare(media.capability_set())
        fast_start = media.answer_fast_start(call.setup.fast_start) if call.setup.fast_start else []
        call.accept(conference_id=CONFERENCE, fast_start=fast_start, tokens=tokens)
        session.begin(KINDS)
        conversation = asyncio.ensure_future(_Conversation(self, call, media, session).run())
        try:
            while not conversation.done():
                session.step(now_us())
                await asyncio.sleep(0.005)
            await conversation
        finally:
            conversation.cancel()
            session.goodbye()
            await session.close(CallReport())


class _Conversation:
    """Follows the events of one call."""

    def __init__(self, peer: Peer, call: CallHandle, media: CallMedia, session: Keeping) -> None:
        self._peer, self._call, self._media, self._session = peer, call, media, session
        self._wants = peer.wants
        self._generation = -1
        self._passwords = 0

    async def run(self) -> None:
        self._refresh()
        loop, began = asyncio.get_running_loop(), asyncio.get_running_loop().time()
        renewed = began
        has_asked = False
        while True:
            try:
                event = await asyncio.wait_for(self._call.next_event(), 0.02)
            except TimeoutError:
                event = None
            if event is not None:
                self._peer.told.append(event)
                self._heard(event)
                self._call.carry(self._media.handle(event, loop.time()))
            self._refresh()
            if isinstance(event, events.Released):
                return
            now = loop.time()
            if self._wants.hangs_up_after_s is not None and now - began > self._wants.hangs_up_after_s:
                self._call.release()
            if not self._media.is_settled:
                continue
            if self._wants.renews_keys_s and now - renewed > self._wants.renews_keys_s:
                renewed = now
                self._call.carry(self._media.renew_keys(now))
            if not has_asked and self._wants.presents and self._media.is_content_taken:
                has_asked = True
                self._call.carry(self._call.control.request_content(self._media.content_number(), now))

    def _heard(self, event: Any) -> None:
        control, now = self._call.control, self._call.now()
        if isinstance(event, h245.Ready):
            if self._wants.password:
                self._call.carry(control.assign_terminal(7, 3))
                self._call.carry(control.ask_password())
            if self._wants.asks_keyframe:
                asyncio.get_running_loop().call_later(0.3, self._ask_keyframe)
        elif isinstance(event, h245.Password):
            self._passwords += 1
            if event.octets.decode() != self._wants.password:
                if self._passwords == 3:
                    self._call.release(reason="securityDenied")
                else:
                    self._call.carry(control.ask_password())
        elif isinstance(event, h245.ContentToken):
            if event.state is ContentState.REQUESTED:
                self._call.carry(control.grant_content())
            elif event.state is ContentState.GRANTED:
                self._call.carry(self._media.open_content(now))
            elif event.state is ContentState.LOST:
                self._call.carry(self._media.close_content(now))

    def _ask_keyframe(self) -> None:
        self._call.carry(self._media.fast_update(Kind.VIDEO))

    def _refresh(self) -> None:
        if self._generation != self._media.generation:
            self._generation = self._media.generation
            self._session.update(self._media.media)


def _silence() -> Programme:
    programme = Programme(25)
    programme.finish()
    return programme


async def talk(
    peer: Peer, options: CallOptions, programme: Programme, claim: Callable[[Counted], object] | None = None
) -> CallReport:
    """A call of our terminal that lasts until `claim` holds, however long that takes on a busy machine.

    Without one until both ends have got a second of sound and half a second of pictures.
    """
    check(options)
    enough, stop = claim or peer.has_heard_and_seen, asyncio.Event()
    slides = await asyncio.to_thread(make_slides, options) if options.h323.slides else None
    session = Counted(options, programme, "127.0.0.1", slides)
    call = asyncio.create_task(H323Terminal(options, session, "127.0.0.1").run(stop))
    try:
        async with asyncio.timeout(_PATIENCE_S):
            while not call.done() and not enough(session):
                await asyncio.sleep(0.01)
    finally:
        stop.set()
        report = await call
    return report
