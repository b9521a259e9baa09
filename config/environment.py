"""The environment as the command line sees it: only this package reads it."""

from __future__ import annotations

import os
from collections.abc import Mapping

from config.settings import Settings, load


def environment() -> Mapping[str, str]:
    """A copy of the process's environment."""
    return dict(os.environ)


def load_settings(path: str | None = None) -> Settings:
    """Settings of this process: file, then environment. Raises config.settings.SettingsError."""
    return load(path, environment())


def log_level() -> str:
    """DRUMTOWER_LOG: DEBUG, INFO, WARNING or ERROR; INFO where it is missing or something else."""
    wanted = os.environ.get("DRUMTOWER_LOG", "").upper()
    return wanted if wanted in ("DEBUG", "INFO", "WARNING", "ERROR") else "INFO"


def take_secret(variable: str) -> str | None:
    """The value of a variable that holds a passcode or password, removed so that no child process inherits it."""
    return os.environ.pop(variable, None)
