"""`make run DEMO=1`: two callers of our own in the demo room, so that a newcomer alone sees a mix."""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import TYPE_CHECKING

from config.environment import environment
from drumtower.welcome import DEMO_ROOM, demo_passcode

if TYPE_CHECKING:
    from drumtower.application import Application

logger = logging.getLogger(__name__)
_CALLERS = (
    ("Dr. Okafor", ("--color", "#2f6f8f", "--tone", "voice:1")),
    ("Ward 3 内科", ("--color", "#7a5a9e", "--tone", "voice:2")),
)
_SECONDS = 12 * 3600
_STOP_S = 4.0


class DemoCallers:
    """Processes of `drumtower call`, as a terminal in another room would be another machine."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._children: list[asyncio.subprocess.Process] = []

    async def start(self) -> None:
        """Let them dial in; without a known passcode the log says why they stay away."""
        passcode = demo_passcode(self._application)
        if passcode is None:
            logger.warning("the demo room's passcode is not known here: no demo callers")
            return
        address = self._application.dial_addresses(DEMO_ROOM)[0]
        variables = {**environment(), "DRUMTOWER_PASSCODE": passcode}
        for name, look in _CALLERS:
            self._children.append(
                await asyncio.create_subprocess_exec(
                    sys.executable, "-m", "drumtower", "call", address, "--play", "test", "--name", name, *look,
                    "--seconds", str(_SECONDS), "--no-decode",
                    env=variables, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
                )
            )  # fmt: skip

    async def stop(self) -> None:
        """Let them hang up."""
        for child in self._children:
            if child.returncode is None:
                child.terminate()
        for child in self._children:
            try:
                await asyncio.wait_for(child.wait(), _STOP_S)
            except TimeoutError:
                child.kill()
                await child.wait()
