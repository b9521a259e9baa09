"""The announcements, decoded once at start: NAME.LANGUAGE.opus beside this file (Ogg Opus, made by make.py)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import av
import numpy as np

from mcu.audio.pcm import RATE_HZ, Pcm, silence

_FOLDER = Path(__file__).parent
_PAUSE_S = 0.3
_MAX_S = 30


class PromptLibrary:
    """Sounds by name, each spoken in the chosen languages one after the other."""

    def __init__(self, languages: Sequence[str], folder: Path = _FOLDER) -> None:
        self._sounds: dict[str, Pcm] = {}
        pause = silence(int(RATE_HZ * _PAUSE_S))
        for name in sorted({path.name.split(".")[0] for path in folder.glob("*.opus")}):
            pieces: list[Pcm] = []
            for path in (folder / f"{name}.{language}.opus" for language in languages):
                if path.exists():
                    pieces += [pause, load(path)]
            if pieces:
                self._sounds[name] = np.concatenate(pieces[1:])

    @property
    def names(self) -> tuple[str, ...]:
        """What can be played."""
        return tuple(self._sounds)

    def get(self, name: str) -> Pcm | None:
        """The sound of a prompt, mono at 48 kHz; None where there is none of that name."""
        return self._sounds.get(name)


def load(path: Path) -> Pcm:
    """A sound file as mono 48 kHz, cut after 30 s. Raises OSError or av.error.FFmpegError."""
    resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE_HZ)
    with av.open(str(path)) as container:
        frames = [made for frame in container.decode(audio=0) for made in resampler.resample(frame)]
    frames += resampler.resample(None)
    pieces = [frame.to_ndarray().reshape(-1) for frame in frames]
    joined = np.concatenate(pieces) if pieces else silence(0)
    return np.ascontiguousarray(joined[: RATE_HZ * _MAX_S], np.float32)
