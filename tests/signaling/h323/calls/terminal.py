"""A terminal of H.323 for tests of whole calls: real connections on loopback, media that is only negotiated."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from config.h323 import H323Settings
from mcu.media import Kind
from signaling.h323.call.endpoint import LocalEndpoint
from signaling.h323.call.events import Connected, Released
from signaling.h323.call.setup import SetupRequest
from signaling.h323.call_handle import CallHandle, Event
from signaling.h323.call_media.call_media import CallMedia
from signaling.h323.call_media.traversal import MediaTraversing, SharedPlace
from signaling.h323.call_media.wishes import Wishes
from signaling.h323.capabilities.fast_start import Ports
from signaling.h323.capabilities.own import OwnMedia
from signaling.h323.h245 import events as h245
from signaling.h323.media_security import MediaSecurity
from signaling.h323.ras.address import Address
from signaling.h323.ras.alias import Alias, AliasKind
from signaling.h323.signatures import Signatures
from signaling.h323.transport.call_signalling import CallSignalling
from signaling.h323.traversal import MediaFeature

T = TypeVar("T")
HOST = "127.0.0.1"
SETTINGS = H323Settings(signalling_port=0, ras_port=0)
SHARED = Ports((HOST, 50_100), (HOST, 50_101))
PORTS = {kind: Ports((HOST, 50_000 + 2 * index), (HOST, 50_001 + 2 * index)) for index, kind in enumerate(Kind)}


class TerminalCall:
    """One call; what happens is noted."""

    def __init__(
        self, handle: CallHandle, security: MediaSecurity | None, traversal: MediaFeature | None = None
    ) -> None:
        self.handle = handle
        traversing = None
        if traversal is not None:
            numbered = enumerate(Kind, 70) if traversal.multiplexes else ()
            shared = {kind: SharedPlace(SHARED, number) for number, kind in numbered}
            traversing = MediaTraversing(traversal, shared, peer=handle.peer_traversal)
        self.media = CallMedia(handle.control, Wishes(OwnMedia()), PORTS, security, traversing)
        handle.control.prepare(self.media.capability_set())
        self.events: list[Event] = []
        self.password = ""
        """What is answered to enterH243Password."""
        self._follower = asyncio.ensure_future(self._follow())

    async def until(self, is_true: Callable[[], object]) -> None:
        """Until something is so, for 3 s."""
        async with asyncio.timeout(3):
            while not is_true():
                await asyncio.sleep(0.005)

    async def settled(self) -> None:
        """Both ends have their channels."""
        await self.until(lambda: self.media.is_settled)

    async def connected(self) -> Connected:
        """The answer."""
        await self.until(lambda: self.of(Connected))
        return self.of(Connected)[0]

    async def released(self) -> Released:
        """The end."""
        await self.until(lambda: self.of(Released))
        return self.of(Released)[0]

    def of(self, kind: type[T]) -> list[T]:
        """What has happened of one kind."""
        return [event for event in self.events if isinstance(event, kind)]

    def keys(self, digits: str) -> None:
        """Keys of the remote control, as one string."""
        self.handle.carry(self.handle.control.user_input(digits))

    async def hang_up(self) -> None:
        """End it from this side."""
        self.handle.release()
        await self._follower

    async def _follow(self) -> None:
        while True:
            event = await self.handle.next_event()
            self.events.append(event)
            if isinstance(event, Released):
                return
            if isinstance(event, h245.PasswordWanted) and self.password:
                self.handle.carry(self.handle.control.answer_password(self.password.encode()))
            self.handle.carry(self.media.handle(event, self.handle.now()))


class Terminal:
    """Calls, and is called."""

    def __init__(self, alias: str = "theatre", traversal: MediaFeature | None = None) -> None:
        self.traversal = traversal
        own = LocalEndpoint(
            (Alias(AliasKind.H323_ID, alias),), "Theatre 3", "Terminal", "1.0", is_mcu=False, traversal=traversal
        )  # fmt: skip
        self.signalling = CallSignalling(SETTINGS, self._came, own)
        self.calls: list[TerminalCall] = []
        self.is_answering = True
        self.is_ringing_only = False
        self.takes_fast_start = False

    def sign(self, signatures: Signatures | None) -> None:
        """Sign calls from now on, or no longer."""
        self.signalling._signatures = signatures

    async def call(self, to: Address, *aliases: Alias, is_encrypting: bool = False) -> TerminalCall:
        """Call a server."""
        security = MediaSecurity() if is_encrypting else None
        handle = await self.signalling.connect(to)
        made = TerminalCall(handle, security, self.traversal)
        self.calls.append(made)
        tokens = tuple(security.offer()) if security is not None else ()
        request = SetupRequest(called=aliases, called_address=to, tokens=tokens)
        handle.place(request, self.signalling.new_identity())
        return made

    def _came(self, handle: CallHandle) -> None:
        assert handle.setup is not None
        if not self.is_answering:
            handle.release(reason="inConf")
            return
        if self.is_ringing_only:
            handle.alert()
            return
        security = MediaSecurity()
        tokens = security.answer(handle.setup.tokens)
        made = TerminalCall(handle, security if tokens else None, self.traversal)
        self.calls.append(made)
        fast_start = made.media.answer_fast_start(handle.setup.fast_start) if self.takes_fast_start else []
        handle.alert()
        handle.accept(conference_id=handle.setup.identity.conference_id, fast_start=fast_start, tokens=tokens)


def number(digits: str) -> Alias:
    """As a remote control dials."""
    return Alias(AliasKind.DIALLED_DIGITS, digits)


def name(text: str) -> Alias:
    """As an address book dials."""
    return Alias(AliasKind.H323_ID, text)
