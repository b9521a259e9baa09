"""The shared screen of one call: between the token of H.239 and the floor of its room."""

from __future__ import annotations

from signaling.h323.call_media.call_media import CallMedia
from signaling.h323.h245.control import Control
from signaling.h323.h245.events import ContentState, ContentToken, Effect
from signaling.services import Calls


class SharedScreen:
    """Pure but for the floor that it asks for; what its verbs give is for CallHandle.carry()."""

    def __init__(self, leg: int, control: Control, media: CallMedia, calls: Calls) -> None:
        self.room = ""
        """Where the leg is; before it is in a room it can show nothing."""
        self._leg = leg
        self._control = control
        self._media = media
        self._calls = calls
        self._is_shown = False
        """Whether somebody of the room presents to this terminal, or is about to."""
        self._number = 0
        """Of the content channel that the token was asked for."""

    def floor_changed(self, holder: int, now: float) -> list[Effect]:
        """Somebody of the room presents now, 0: nobody."""
        is_to_be_shown = holder not in (0, self._leg) and self._media.is_content_taken
        if is_to_be_shown == self._is_shown:
            return []
        self._is_shown = is_to_be_shown
        if is_to_be_shown:
            self._number = self._media.content_number()
            return self._control.request_content(self._number, now)
        return [*self._media.close_content(now), *self._control.release_content()]

    def take(self, token: ContentToken, now: float) -> list[Effect]:
        """A step of the token."""
        state = token.state
        if state is ContentState.REQUESTED:
            return self._control.grant_content() if self._has_floor() else self._control.refuse_content()
        if state is ContentState.GRANTED and self._is_shown:
            return self._media.open_content(now)
        if state is ContentState.REFUSED:
            self._is_shown = False
        elif state is ContentState.LOST:
            self._is_shown = False
            return self._media.close_content(now)
        elif state is ContentState.RELEASED and self.room:
            self._calls.release_floor(self.room, self._leg)
        elif state is ContentState.OWNED:
            self._has_floor()
        return []

    def refused(self, number: int) -> list[Effect]:
        """A channel of ours is not taken: where it was content, the token is given back."""
        if not self._is_shown or number != self._number:
            return []
        self._is_shown = False
        return self._control.release_content()

    def _has_floor(self) -> bool:
        return bool(self.room) and self._calls.request_floor(self.room, self._leg)
