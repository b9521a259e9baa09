"""How one participant is connected: a SIP dialog, a WebRTC peer connection, later an H.323 call."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

from mcu.camera import Camera
from mcu.media import Kind, LegMedia


class HangUp(StrEnum):
    """Why the conference ends a leg; each protocol maps it to its own words."""

    REMOVED = "removed"
    CONFERENCE_ENDED = "conference-ended"
    SILENT = "silent"
    MEDIA_FAILED = "media-failed"
    SHUTDOWN = "shutdown"


class Leg(Protocol):
    """What a conference knows of a leg. Implementations live in signaling."""

    @property
    def id(self) -> int:
        """Unique while the server runs, from Fleet.next_leg_id()."""

    @property
    def protocol(self) -> str:
        """The signalling protocol in lower case: sip, webrtc."""

    @property
    def remote_address(self) -> str:
        """Transport address of the peer, for the roster and the audit."""

    @property
    def media(self) -> LegMedia:
        """What is agreed now; it changes with a re-INVITE."""

    def request_keyframe(self, kind: Kind) -> None:
        """Ask by signalling (RFC 5168), because this leg has no RTCP feedback."""

    def roster_changed(self) -> None:
        """Something that a participant may see changed; called at most a few times a second."""

    def pictures_allowed(self) -> None:
        """The machine has room for its pictures now: agree on them with the peer where they were left out."""

    @property
    def camera(self) -> Camera | None:
        """The camera at the far end, where it lets itself be moved."""

    def floor_changed(self, holder: int, name: str) -> None:
        """Somebody else presents now (0: nobody); a leg that presented until now has to stop."""

    async def hang_up(self, reason: HangUp) -> None:
        """End the leg; it is already out of the conference. Never raises."""
