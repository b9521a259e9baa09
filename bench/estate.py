"""The terminals of a hospital group as `scale` calls with them: room systems, desk terminals, old ones, telephones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bench import media, packets
from bench.load import Part
from caller.media import SoundEncoder
from caller.voice import voice
from mcu.media import Codec

_CLIP_S = 3
_KINDS = (
    ("1080p", 6, (1920, 1080), 3_000_000),
    ("720p", 18, (1280, 720), 1_500_000),
    ("cif", 8, (352, 288), 384_000),
)
_PHONES = 4
_TALKERS = 4
_G711_STEP = 160
"""20 ms at 8 kHz (RFC 3551 4.5.14)."""


def parts(folder: Path) -> list[Part]:
    """What each of them sends: the first four talk, those of one kind send one picture, telephones are silent."""
    found: list[Part] = []
    for name, count, size, bitrate_bps in _KINDS:
        pictures = media.clip(
            folder / f"{name}.mp4", len(found), is_talker=False, seconds=_CLIP_S, size=size, bitrate_bps=bitrate_bps
        )  # fmt: skip
        quiet, picture = packets.of_clip(pictures)
        for _ in range(count):
            is_talker = len(found) < _TALKERS
            sound = _voice(folder, len(found)) if is_talker else quiet
            found.append(Part(sound, picture, is_browser=name == "720p" and len(found) % 2 == 0))
    sharer = next(index for index, part in enumerate(found) if part.is_browser)
    found[sharer] = replace(found[sharer], screen=found[sharer].picture)
    telephones = [Part(_telephone(folder), audio=Codec.PCMA, has_video=False)] * _PHONES
    return [*found[:-1], *telephones, found[-1]]


def _voice(folder: Path, number: int) -> Path:
    clip = media.clip(folder / f"voice-{number}.mp4", number, is_talker=True, seconds=_CLIP_S, size=(64, 48))
    return packets.of_clip(clip)[0]


def _telephone(folder: Path) -> Path:
    """A line on which somebody breathes: far below speech."""
    encoded = SoundEncoder(Codec.PCMA).encode(voice(1, _CLIP_S * 48_000) * 0.002)
    path = folder / "telephone.sound"
    return packets.write(path, packets.of_sounds(encoded, _G711_STEP), len(encoded) * _G711_STEP)
