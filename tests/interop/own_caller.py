"""`drumtower call`, a terminal of ours, as its users run it; what it recorded is read with FFmpeg."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from tests.interop.media import Person
from tests.interop.namespace import SERVER
from tests.interop.process import said_by
from tests.interop.server import TERMINAL_SECRET


@dataclass(frozen=True)
class Call:
    """One finished call."""

    status: int
    report: dict[str, Any]
    recording: Path

    @property
    def streams(self) -> dict[str, Any]:
        """Figures by "audio" and "video"."""
        streams: dict[str, Any] = self.report["streams"]
        return streams

    def pictures(self) -> list[NDArray[np.uint8]]:
        """What it saw, RGB."""
        with av.open(str(self.recording)) as container:
            return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]

    def sound(self) -> NDArray[np.int16]:
        """What it heard, mono at 48 kHz."""
        resampler = av.AudioResampler("s16", "mono", 48_000)
        with av.open(str(self.recording)) as container:
            blocks = [out.to_ndarray()[0] for block in container.decode(audio=0) for out in resampler.resample(block)]
        return np.concatenate(blocks) if blocks else np.zeros(0, np.int16)


async def call(
    person: Person,
    folder: Path,
    *options: str,
    room: str = "1001",
    passcode: str = "",
    seconds: float = 5.0,
    scheme: str = "sip",
    before: Sequence[str] = (),
    account: str = "",
) -> Call:
    """Dial in as this person, play colour and tone, record; returns after the call. `scheme`: sip, sips, h323.

    `before` goes before the command, to run it elsewhere; `account` signs (H.235.1), with the secret of all terminals.
    """
    folder.mkdir(parents=True, exist_ok=True)
    recording = folder / f"{person.name}.seen.mp4"
    colour = "#{:02x}{:02x}{:02x}".format(*person.colour)
    if account:
        options = (*options, "--account", account)
    secret = {"DRUMTOWER_TERMINAL_PASSWORD": TERMINAL_SECRET} if account else {}
    process = await asyncio.create_subprocess_exec(
        *before, sys.executable, "-m", "drumtower", "call", f"{scheme}:{room}@{SERVER}",
        "--json", "--seconds", str(seconds), "--record", str(recording),
        "--name", person.name, "--tone", str(person.tone_hz), "--color", colour, *options,
        env=dict(os.environ, DRUMTOWER_PASSCODE=passcode, **secret), stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        output, errors = await said_by(process, seconds + 60)
    finally:
        if process.returncode is None:  # the test is over before the call
            process.kill()
            await process.wait()
    assert output, errors.decode(errors="replace")
    return Call(process.returncode or 0, json.loads(output)["calls"][0], recording)
