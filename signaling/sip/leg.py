"""A SIP call as a leg of a conference (mcu.leg.Leg)."""

from __future__ import annotations

import logging

from mcu.leg import HangUp
from mcu.media import Grade, Kind, LegMedia
from signaling.sip.call_handle import CallHandle, IncomingCall
from signaling.sip.media_control import CONTENT_TYPE, PICTURE_FAST_UPDATE
from signaling.sip.session import Session
from signaling.sip.uri import Uri

logger = logging.getLogger(__name__)


class SipLeg:
    """What the conference sees of a SIP call. `media` follows each negotiation."""

    protocol = "sip"

    def __init__(self, number: int, call: CallHandle) -> None:
        self.id = number
        self.media = LegMedia((), is_encrypted=False, grade=Grade.CLEAR)
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

    def request_keyframe(self, kind: Kind) -> None:
        """RFC 5168; it has no way to tell streams apart, so content without feedback is asked for too."""
        if kind is not Kind.AUDIO and self.media.stream(kind) is not None:
            self._call.info(CONTENT_TYPE, PICTURE_FAST_UPDATE)

    def roster_changed(self) -> None:
        """SIP terminals see names in the picture; the conference package (RFC 4575) has no subscribers yet."""

    async def hang_up(self, reason: HangUp) -> None:
        """BYE, without waiting for its answer."""
        logger.info("leg=%d hung up: %s", self.id, reason)
        self._call.hang_up()
