"""Speaks the announcements with espeak-ng and stores them as small Ogg Opus files: `make prompts`.

The files are committed, so that only who changes a text needs espeak-ng.
"""

from __future__ import annotations

import io
import subprocess
from pathlib import Path

import av

_VOICES = {"en": "en-us", "zh": "cmn"}
_WORDS_A_MINUTE = {"en": "150", "zh": "170"}
_BITRATE_BPS = 24_000
_TEXTS = {
    "recording-started": {"en": "This conference is now being recorded.", "zh": "本次会议现在开始录制。"},
    "recording-stopped": {"en": "The recording has stopped.", "zh": "录制已经停止。"},
}


def speak(text: str, language: str) -> bytes:
    """The text as a WAV file."""
    command = ["espeak-ng", "-v", _VOICES[language], "-s", _WORDS_A_MINUTE[language], "--stdout", text]
    return subprocess.run(command, check=True, capture_output=True).stdout


def store(wav: bytes, path: Path) -> None:
    """Encode a WAV file as Ogg Opus."""
    with av.open(io.BytesIO(wav), "r") as source, av.open(str(path), "w", format="ogg") as target:
        stream = target.add_stream("libopus", rate=48_000, layout="mono", bit_rate=_BITRATE_BPS)
        resampler = av.AudioResampler(format="s16", layout="mono", rate=48_000, frame_size=960)
        for frame in source.decode(audio=0):
            for made in resampler.resample(frame):
                target.mux(stream.encode(made))
        for made in resampler.resample(None):
            target.mux(stream.encode(made))
        target.mux(stream.encode(None))


def main() -> None:
    """Make every file anew."""
    for name, texts in _TEXTS.items():
        for language, text in texts.items():
            path = Path(__file__).with_name(f"{name}.{language}.opus")
            store(speak(text, language), path)
            print(f"{path.name}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
