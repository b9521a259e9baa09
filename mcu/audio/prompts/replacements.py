"""An administrator's own announcements: NAME.LANGUAGE.opus or .wav in one directory, checked before they are used."""

from __future__ import annotations

import re
import stat
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mcu.audio.prompts.texts import TEXTS

MAX_S = 30
MAX_BYTES = 8 << 20
"""30 s of stereo at 48 kHz and 16 bits, and some."""
_MAX_FILES = 500
_NAME = re.compile(r"([a-z-]+)\.([a-z]{2,3}(?:-[A-Za-z]{2,4})?)\.(opus|wav)")


@dataclass(slots=True)
class Replacements:
    """Files by (name, language), and what is wrong with the others, in words for logs and doctor."""

    files: dict[tuple[str, str], Path] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def find_replacements(directory: Path, languages: Collection[str]) -> Replacements:
    """What `directory` holds for announcements in `languages`. Never raises; contents are not looked at yet."""
    found = Replacements()
    try:
        if not directory.is_absolute():
            found.problems.append(f"{directory}: the path must be absolute")
            return found
        paths = sorted(path for path in directory.iterdir() if not path.name.startswith("."))
    except OSError as error:
        found.problems.append(f"{directory}: {error.strerror or error}")
        return found
    if len(paths) > _MAX_FILES:
        found.problems.append(f"{directory}: more than {_MAX_FILES} files, the rest is left out")
    for path in paths[:_MAX_FILES]:
        problems = list(_problems(path, languages, found))
        if problems:
            found.problems += [f"{path.name}: {problem}" for problem in problems]
        elif match := _NAME.fullmatch(path.name):
            found.files[match[1], match[2]] = path
    return found


def _problems(path: Path, languages: Collection[str], found: Replacements) -> Iterator[str]:
    match = _NAME.fullmatch(path.name)
    if match is None:
        yield "the name must be ANNOUNCEMENT.LANGUAGE.opus or ANNOUNCEMENT.LANGUAGE.wav"
        return
    if match[1] not in TEXTS:
        yield f"there is no announcement {match[1]!r}"
    if match[2] not in languages:
        yield f"{match[2]!r} is not among the languages of [audio] prompt_languages"
    if (match[1], match[2]) in found.files:
        yield f"there is {found.files[match[1], match[2]].name} already"
    try:
        status = path.stat()
    except OSError as error:
        yield error.strerror or str(error)
        return
    if not stat.S_ISREG(status.st_mode):
        yield "not a file"
    elif not 0 < status.st_size <= MAX_BYTES:
        yield f"{status.st_size} bytes; at most {MAX_BYTES}"
