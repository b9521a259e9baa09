"""An H.323 call as a leg of a conference (mcu.leg.Leg)."""

from __future__ import annotations

import logging
from collections.abc import Callable

from mcu.camera import Camera
from mcu.leg import HangUp
from mcu.media import Grade, Kind, LegMedia
from signaling.h323.call.causes import Cause
from signaling.h323.call_handle import CallHandle

logger = logging.getLogger(__name__)


class H323Leg:
    """What the conference sees of an H.323 call. `media` follows its logical channels."""

    protocol = "h323"

    def __init__(self, number: int, call: CallHandle) -> None:
        self.id = number
        self.media = LegMedia((), is_encrypted=False, grade=Grade.CLEAR)
        self.camera: Camera | None = None
        self.on_keyframe: Callable[[Kind], None] = _ignore
        """Called when the peer's picture is to start afresh."""
        self.on_floor: Callable[[int, str], None] = _ignore_floor
        """Called with who presents now."""
        self.on_needs: Callable[[], None] = _nothing
        """Called when the room needs more or less of its pictures."""
        self._call = call

    @property
    def remote_address(self) -> str:
        """Where the call comes from; never what an alias claims."""
        return self._call.remote[0]

    def request_keyframe(self, kind: Kind) -> None:
        """VideoFastUpdatePicture."""
        self.on_keyframe(kind)

    def floor_changed(self, holder: int, name: str) -> None:
        """Tell the terminal by H.239."""
        self.on_floor(holder, name)

    def pictures_allowed(self) -> None:
        """Channels that were refused are not offered again by terminals: its next call has a picture."""

    def roster_changed(self) -> None:
        """Terminals see names in the picture; what is needed of theirs may be other than before."""
        self.on_needs()

    async def hang_up(self, reason: HangUp) -> None:
        """EndSessionCommand and ReleaseComplete, without waiting for an answer."""
        logger.info("leg=%d hung up: %s", self.id, reason)
        self._call.release(cause=Cause.NORMAL_CLEARING)


def _ignore(_kind: Kind) -> None:
    """There is no channel yet."""


def _nothing() -> None:
    """It is in no room yet."""


def _ignore_floor(_holder: int, _name: str) -> None:
    """There is no channel yet."""
