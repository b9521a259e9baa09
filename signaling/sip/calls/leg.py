"""A SIP call as a leg of a conference (mcu.leg.Leg)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

import msgspec

from mcu.camera import Camera
from mcu.leg import HangUp
from mcu.media import Grade, Kind, LegMedia
from signaling.sip.call_handle import CallHandle, IncomingCall
from signaling.sip.calls.media_control import CONTENT_TYPE, picture_fast_update
from signaling.sip.sessions.session import Session
from signaling.sip.wire.uri import Uri

logger = logging.getLogger(__name__)


class Floor(Protocol):
    """Floor control with one terminal (signaling.bfcp.session)."""

    @property
    def may_show(self) -> bool:
        """Whether the terminal takes a shared screen now."""

    def show(self, holder: int, name: str) -> None:
        """Somebody presents now, 0: nobody."""


class SipLeg:
    """What the conference sees of a SIP call. `media` follows each negotiation."""

    protocol = "sip"

    def __init__(self, number: int, call: CallHandle) -> None:
        self.id = number
        self.agreed = LegMedia((), is_encrypted=False, grade=Grade.CLEAR)
        """What was negotiated last."""
        self.floor: Floor | None = None
        """Its floor control (BFCP), where that was negotiated; see use_floor()."""
        self._presenter = (0, "")
        self.on_pictures: Callable[[], None] = _nothing
        """Called when the machine has room for pictures that were held."""
        self.camera: Camera | None = None
        self._call = call

    @property
    def remote_address(self) -> str:
        """Where the call came from; never what a header claims."""
        return self._call.flow.remote[0]

    @property
    def has_dialled_in(self) -> bool:
        """Whether the peer called us."""
        return isinstance(self._call, IncomingCall)

    @property
    def session(self) -> Session:
        """The session of the call."""
        return self._call.session

    @property
    def peer(self) -> Uri | None:
        """What the peer calls itself; None before there is a dialog."""
        dialog = self._call.session.dialog
        return None if dialog is None else dialog.remote.uri

    @property
    def media(self) -> LegMedia:
        """What is agreed; a terminal that has the say over its floor gets a shared screen when it has granted that."""
        if self.floor is None or self.floor.may_show:
            return self.agreed
        streams = tuple(
            msgspec.structs.replace(stream, send=None) if stream.kind is Kind.CONTENT else stream
            for stream in self.agreed.streams
        )
        return msgspec.structs.replace(self.agreed, streams=streams)

    @media.setter
    def media(self, media: LegMedia) -> None:
        self.agreed = media

    def request_keyframe(self, kind: Kind) -> None:
        """RFC 5168 7.1, for the one stream where the peer has named its streams (RFC 4574)."""
        stream = self.agreed.stream(kind)
        if kind is not Kind.AUDIO and stream is not None:
            self._call.info(CONTENT_TYPE, picture_fast_update(stream.label))

    def use_floor(self, floor: Floor | None) -> None:
        """Floor control was negotiated, or is no more; a terminal that comes to it late is told who presents."""
        is_new, self.floor = floor is not self.floor, floor
        if floor is not None and is_new:
            floor.show(*self._presenter)

    def floor_changed(self, holder: int, name: str) -> None:
        """Tell the terminal by BFCP."""
        self._presenter = (holder, name)
        if self.floor is not None:
            self.floor.show(holder, name)

    def pictures_allowed(self) -> None:
        """Offer what was held, by a re-INVITE."""
        self.on_pictures()

    def roster_changed(self) -> None:
        """SIP terminals see names in the picture; the conference package (RFC 4575) has no subscribers yet."""

    async def hang_up(self, reason: HangUp) -> None:
        """BYE, without waiting for its answer."""
        logger.info("leg=%d hung up: %s", self.id, reason)
        self._call.hang_up()


def _nothing() -> None:
    """Nobody has to know."""
