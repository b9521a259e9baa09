"""A line that hosts let everybody read in the picture for a while."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

MAX_CHARACTERS = 80
"""As many as one line of the picture has room for."""
SHOWN_S = (5, 600)
"""The shortest and the longest that a line is shown."""


class Notice:
    """The newest line takes the place of the one before; `changed` is called whenever another one is to be seen."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._timer: asyncio.TimerHandle | None = None
        self.text = ""

    def show(self, text: str, seconds: float) -> None:
        """Show a line for so long, both within the bounds above; "" takes it away at once."""
        self.cancel()
        self.text = text[:MAX_CHARACTERS]
        if self.text:
            shown_s = min(max(seconds, SHOWN_S[0]), SHOWN_S[1])
            self._timer = asyncio.get_running_loop().call_later(shown_s, self.show, "", 0)
        self._changed()

    def cancel(self) -> None:
        """Nobody reads it any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
