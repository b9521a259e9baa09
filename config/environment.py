"""The environment as the command line sees it: only this package reads it."""

from __future__ import annotations

import os
from collections.abc import Mapping

from config.settings import Settings, load

_SECRETS = ("DRUMTOWER_SECRETS_PASSPHRASE", "DRUMTOWER_STORE_URL")


def environment() -> Mapping[str, str]:
    """A copy of the process's environment."""
    return dict(os.environ)


def load_settings(path: str | None = None) -> Settings:
    """Settings of this process: file, then environment. Raises config.settings.SettingsError.

    Secrets are taken out of the environment, so that processes that decode what strangers send do not inherit them.
    """
    found = environment()
    for variable in found:
        if variable.upper() in _SECRETS:
            del os.environ[variable]
    return load(path, found)


def log_level() -> str:
    """DRUMTOWER_LOG: DEBUG, INFO, WARNING or ERROR; INFO where it is missing or something else."""
    wanted = os.environ.get("DRUMTOWER_LOG", "").upper()
    return wanted if wanted in ("DEBUG", "INFO", "WARNING", "ERROR") else "INFO"


def take_secret(variable: str) -> str | None:
    """The value of a variable that holds a passcode or password, removed so that no child process inherits it."""
    return os.environ.pop(variable, None)
