"""The leg of a browser: its media on a worker, and the way to tell the page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from mcu.leg import HangUp
from mcu.media import Kind, LegMedia


class WebrtcLeg:
    """A WebRTC peer connection as the conference sees it (mcu.leg.Leg)."""

    def __init__(self, leg: int, remote_address: str, media: LegMedia) -> None:
        self._id = leg
        self._remote_address = remote_address
        self._agreed = media
        self.is_camera_on = True
        self.on_roster: Callable[[], None] = _nothing
        self.on_pictures: Callable[[], None] = _nothing
        self.on_floor: Callable[[int], None] = _ignore
        self.on_hang_up: Callable[[HangUp], Awaitable[None]] | None = None

    @property
    def id(self) -> int:
        """Its number in the fleet."""
        return self._id

    @property
    def protocol(self) -> str:
        """The word for the roster."""
        return "webrtc"

    @property
    def remote_address(self) -> str:
        """Where its signalling comes from."""
        return self._remote_address

    @property
    def media(self) -> LegMedia:
        """What is agreed; a camera that is switched off counts as no picture, so that a card is shown."""
        if self.is_camera_on:
            return self._agreed
        streams = tuple(
            msgspec.structs.replace(stream, receive=()) if stream.kind is Kind.VIDEO else stream
            for stream in self._agreed.streams
        )
        return msgspec.structs.replace(self._agreed, streams=streams)

    def renegotiated(self, media: LegMedia) -> None:
        """A new answer took effect."""
        self._agreed = media

    def request_keyframe(self, kind: Kind) -> None:
        """Browsers take PLI by RTCP; there is nothing to signal."""

    def roster_changed(self) -> None:
        """Tell the page, soon."""
        self.on_roster()

    def pictures_allowed(self) -> None:
        """Offer them."""
        self.on_pictures()

    @property
    def camera(self) -> None:
        """Nobody moves somebody's webcam."""
        return None

    def floor_changed(self, holder: int, name: str) -> None:
        """Tell the page when it has to stop sharing."""
        del name
        self.on_floor(holder)

    async def hang_up(self, reason: HangUp) -> None:
        """Say goodbye to the page and free the worker. Never raises."""
        if self.on_hang_up is not None:
            await self.on_hang_up(reason)


def _ignore(_holder: int) -> None:
    """Nobody listens yet."""


def _nothing() -> None:
    """Nobody listens yet."""
