"""Announcements: does every language have them all, and can those of the administrator be used."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from config.settings import Settings
from drumtower.checks.finding import Finding, ok, warn
from mcu.audio.prompts.library import UNREADABLE, decode
from mcu.audio.prompts.replacements import Replacements, find_replacements
from mcu.audio.prompts.texts import TEXTS

_CHECK = "prompts"


def check_announcements(settings: Settings) -> Iterator[Finding]:
    """Look at [audio] prompt_directory and prompt_languages."""
    audio, found = settings.audio, Replacements()
    if audio.prompt_directory:
        directory = Path(audio.prompt_directory)
        found = find_replacements(directory, audio.prompt_languages)
        yield from _check_files(directory, found)
    for language in audio.prompt_languages:
        missing = sum(language not in texts and (name, language) not in found.files for name, texts in TEXTS.items())
        if missing:
            yield warn(
                _CHECK, f"{missing} of {len(TEXTS)} announcements are missing in {language!r}",
                "put them into [audio] prompt_directory, or take the language out of [audio] prompt_languages",
            )  # fmt: skip
    yield ok(_CHECK, f"announcements are spoken in {', '.join(audio.prompt_languages) or 'no language'}")


def _check_files(directory: Path, found: Replacements) -> Iterator[Finding]:
    problems, usable = list(found.problems), 0
    for path in found.files.values():
        try:
            usable += len(decode(path)) > 0
        except UNREADABLE as error:
            problems.append(f"{path.name}: {error}")
    for problem in problems:
        yield warn(
            _CHECK, f"not used: {problem}",
            "name files of [audio] prompt_directory like waiting-for-host.zh.opus or waiting-for-host.zh.wav",
        )  # fmt: skip
    yield ok(_CHECK, f"{usable} announcements come from {directory}")
