"""Where the command line reaches the running server: a socket in the data directory, for its user and root alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

NAME: Final = "control.sock"
_MODE: Final = 0o600


@contextmanager
def reachable(folder: Path) -> Iterator[str]:
    """A path to the socket in `folder` that is short enough for unix(7) (108 bytes), however deep the folder lies.

    Raises OSError where there is no such folder.
    """
    descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{descriptor}/{NAME}"
    finally:
        os.close(descriptor)


def restrict(path: str) -> None:
    """For the user of the server (and root) alone; who connects is looked at once more (portal.local)."""
    Path(path).chmod(_MODE)


def remove(folder: Path) -> None:
    """Nobody listens any more."""
    (folder / NAME).unlink(missing_ok=True)
