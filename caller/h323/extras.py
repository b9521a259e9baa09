"""What a call over H.323 does beside media: the passcode, slides (H.239), new keys (H.235.6 8.6.2)."""

from __future__ import annotations

from caller.h323.options import PasscodeWay
from caller.h323.passcode import KEY_MS, Keys, PasscodeEntry
from caller.options import CallOptions
from caller.report import H323Report
from signaling.h323.call import events
from signaling.h323.call_handle import CallHandle
from signaling.h323.call_media.call_media import CallMedia
from signaling.h323.h245 import events as h245
from signaling.h323.h245.events import ContentState

ASK_AGAIN_S = 3.0
"""Who was refused the presentation token asks again after so long."""


class Extras:
    """Of one call. `step()` comes every 5 to 20 ms once the call is answered."""

    def __init__(self, options: CallOptions, call: CallHandle, media: CallMedia, report: H323Report) -> None:
        self._options = options.h323
        self._call = call
        self._media = media
        self._report = report
        self._passcode = PasscodeEntry(options.passcode, options.h323.passcode_way)
        self._ask_s: float | None = 0.0 if options.h323.slides else None
        """When to ask for the token; None while there is nothing to ask for."""
        self._renew_s: float | None = None

    def step(self, now: float) -> None:
        """Do what is due."""
        if not self._media.is_settled:
            return
        self._passcode.media_stand(now)
        if (keys := self._passcode.due(now)) is not None:
            self._key_in(keys)
        if self._ask_s is not None and now >= self._ask_s and self._media.is_content_taken:
            self._ask_s = None
            self._call.carry(self._call.control.request_content(self._media.content_number(), now))
        if self._options.renew_keys_s:
            self._renew(now)

    def heard(self, event: h245.Event | events.Event, now: float) -> None:
        """An event of the call."""
        if isinstance(event, h245.PasswordWanted):
            self._report.password_requests += 1
            if answer := self._passcode.answer():
                self._call.carry(self._call.control.answer_password(answer))
        elif isinstance(event, h245.TerminalLabel):
            self._report.terminal = f"{event.mcu}.{event.terminal}"
        elif isinstance(event, h245.ContentToken):
            self._token(event.state, now)

    def _key_in(self, keys: Keys) -> None:
        control = self._call.control
        if keys.way is PasscodeWay.KEYPAD:
            self._call.keypad(keys.digits)
        elif keys.way is PasscodeWay.SIGNAL:
            self._call.carry(control.signal(keys.digits, KEY_MS))
        else:
            self._call.carry(control.user_input(keys.digits))

    def _renew(self, now: float) -> None:
        if self._renew_s is not None and now >= self._renew_s:
            self._call.carry(self._media.renew_keys(now))
            self._renew_s = None
        if self._renew_s is None:
            self._renew_s = now + self._options.renew_keys_s

    def _token(self, state: ContentState, now: float) -> None:
        """Everybody may present to us; we present until somebody else does."""
        if state is ContentState.GRANTED:
            self._report.has_presented = True
            self._call.carry(self._media.open_content(now))
        elif state is ContentState.LOST:
            self._call.carry(self._media.close_content(now))
        elif state is ContentState.REFUSED:
            self._ask_s = now + ASK_AGAIN_S
        elif state is ContentState.REQUESTED:
            self._report.saw_presentation = True
            self._call.carry(self._call.control.grant_content())
        elif state is ContentState.OWNED:
            self._report.saw_presentation = True
