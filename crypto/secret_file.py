"""Secrets that an administrator puts into files: one line, read by nobody else."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from crypto.secret import Secret

_MAX_CHARACTERS = 1024


class SecretFault(Exception):
    """The file is no use; the text says why and what to do, without what is in it."""


def read_secret(path: Path) -> Secret:
    """The first line of a file that only its owner may read. Raises SecretFault."""
    try:
        with path.open("r", encoding="utf-8") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            line = file.readline(_MAX_CHARACTERS).strip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise SecretFault(f"{path}: the secret cannot be read: {type(error).__name__}") from None
    if mode & 0o077:
        raise SecretFault(f"{path}: others may read the secret (mode {mode:04o}); run: chmod 600 {path}")
    if not line:
        raise SecretFault(f"{path}: the first line is empty; the secret belongs there")
    return Secret(line)
