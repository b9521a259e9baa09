"""The announcements, decoded once at start: NAME.LANGUAGE.opus beside this file, or what a hospital put in their place.

They are kept at 24 kHz in 16 bits, a quarter of what the mixer would take.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from mcu.audio.pcm import RATE_HZ, Pcm, from_int16
from mcu.audio.prompts.replacements import MAX_S, find_replacements
from mcu.audio.prompts.texts import TEXTS
from mcu.audio.resample import Upsampler

logger = logging.getLogger(__name__)

STORED_HZ = 24_000
_FOLDER = Path(__file__).parent
_PAUSE_S = 0.3

Stored = NDArray[np.int16]
UNREADABLE = (OSError, av.error.FFmpegError, ValueError, IndexError)
"""What decode() raises for files that are no sound."""


class PromptLibrary:
    """Sounds by name, each spoken in the chosen languages one after the other."""

    def __init__(self, languages: Sequence[str], folder: Path = _FOLDER, replacements: str = "") -> None:
        """`replacements` is a directory of the administrator; what is wrong with its files is logged, not raised."""
        self._sounds: dict[str, Stored] = {}
        files: Mapping[tuple[str, str], Path] = {}
        if replacements:
            found = find_replacements(Path(replacements), languages)
            files = found.files
            for problem in found.problems:
                logger.error("announcement not used: %s", problem)
        pause = np.zeros(int(STORED_HZ * _PAUSE_S), np.int16)
        for name in TEXTS:
            pieces: list[Stored] = []
            for language in languages:
                sound = self._load(files.get((name, language)), folder / f"{name}.{language}.opus")
                if sound is not None:
                    pieces += [pause, sound]
            if pieces:
                self._sounds[name] = np.concatenate(pieces[1:])

    def _load(self, replacement: Path | None, built_in: Path) -> Stored | None:
        if replacement is not None:
            try:
                return decode(replacement)
            except UNREADABLE as error:
                logger.error("announcement not used: %s: %s", replacement.name, error)
        return decode(built_in) if built_in.exists() else None

    @property
    def names(self) -> tuple[str, ...]:
        """What can be played."""
        return tuple(self._sounds)

    def get(self, name: str) -> Stored | None:
        """The sound of a prompt, mono at STORED_HZ; None where there is none of that name."""
        return self._sounds.get(name)

    def pcm(self, name: str) -> Pcm:
        """The same at the mixer's 48 kHz. Raises KeyError."""
        return Upsampler(RATE_HZ // STORED_HZ).process(from_int16(self._sounds[name]))


def decode(path: Path) -> Stored:
    """A sound file, cut after MAX_S. Raises one of UNREADABLE."""
    resampler = av.AudioResampler(format="s16", layout="mono", rate=STORED_HZ)
    pieces: list[Stored] = []
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            pieces += [made.to_ndarray().reshape(-1).astype(np.int16) for made in resampler.resample(frame)]
            if sum(len(piece) for piece in pieces) > STORED_HZ * MAX_S:
                break
    pieces += [made.to_ndarray().reshape(-1).astype(np.int16) for made in resampler.resample(None)]
    joined: Stored = np.concatenate(pieces) if pieces else np.zeros(0, np.int16)
    return joined[: STORED_HZ * MAX_S]
