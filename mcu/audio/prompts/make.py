"""Speaks the announcements with espeak-ng and stores them as small Ogg Opus files: `make prompts`.

The files are committed, so that only who changes a text needs espeak-ng. Names given as arguments are made alone.
"""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import av

from mcu.audio.prompts.texts import TEXTS

_VOICES = {"en": "en-us", "zh": "cmn"}
_WORDS_A_MINUTE = {"en": "150", "zh": "240"}
_RATE_HZ = 16_000
_OPTIONS = {"application": "voip", "frame_duration": "60", "vbr": "on"}
_BITRATE_BPS = 12_000
"""A synthetic voice of one speaker; long packets save the container's headers."""


def speak(text: str, language: str) -> bytes:
    """The text as a WAV file."""
    command = ["espeak-ng", "-v", _VOICES[language], "-s", _WORDS_A_MINUTE[language], "--stdout", text]
    return subprocess.run(command, check=True, capture_output=True).stdout


def store(wav: bytes, path: Path) -> None:
    """Encode a WAV file as Ogg Opus."""
    with av.open(io.BytesIO(wav), "r") as source, av.open(str(path), "w", format="ogg") as target:
        stream = target.add_stream("libopus", rate=_RATE_HZ, layout="mono", bit_rate=_BITRATE_BPS, options=_OPTIONS)
        resampler = av.AudioResampler(format="s16", layout="mono", rate=_RATE_HZ, frame_size=_RATE_HZ * 60 // 1000)
        for frame in source.decode(audio=0):
            for made in resampler.resample(frame):
                target.mux(stream.encode(made))
        for made in resampler.resample(None):
            target.mux(stream.encode(made))
        target.mux(stream.encode(None))


def main(names: Sequence[str] = ()) -> None:
    """Make every file anew, or those of `names`."""
    total = 0
    for name in names or TEXTS:
        for language, text in TEXTS[name].items():
            path = Path(__file__).with_name(f"{name}.{language}.opus")
            store(speak(text, language), path)
            total += path.stat().st_size
            print(f"{path.name}: {path.stat().st_size} bytes")
    print(f"{total} bytes")


if __name__ == "__main__":
    main(sys.argv[1:])
