"""The secrets of trunks: from files that nobody else may read, or from the environment."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from config.environment import take_secret
from config.trunks import TrunkSettings
from crypto.keys import KeyFault
from crypto.secret import Secret

_MAX_BYTES = 512


def trunk_secrets(trunks: tuple[TrunkSettings, ...]) -> dict[str, Secret]:
    """By name of the trunk; those without one are left out. Raises KeyFault."""
    found = {trunk.name: secret for trunk in trunks if (secret := _secret(trunk))}
    for trunk in trunks:
        if (trunk.registers or trunk.inbound_digest) and trunk.name not in found:
            raise KeyFault(f"trunk {trunk.name}: no secret; set secret_file or the variable {trunk.secret_variable}")
        if trunk.name in found and not trunk.realm:
            raise KeyFault(f"trunk {trunk.name}: name the realm that the secret is for")
    return found


def _secret(trunk: TrunkSettings) -> Secret | None:
    given = take_secret(trunk.secret_variable)
    if given:
        return Secret(given)
    return _read(Path(trunk.secret_file)) if trunk.secret_file else None


def _read(path: Path) -> Secret:
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            text = file.read(_MAX_BYTES)
    except OSError as error:
        raise KeyFault(f"{path}: the secret of the trunk cannot be read: {error.strerror}") from None
    if mode & 0o077:
        raise KeyFault(f"{path}: others may read the secret of the trunk (mode {mode:04o}); run: chmod 600 {path}")
    try:
        secret = text.decode().split("\n", 1)[0].strip()
    except UnicodeDecodeError:
        raise KeyFault(f"{path}: the secret of the trunk is no text") from None
    if not secret:
        raise KeyFault(f"{path}: the secret of the trunk is empty")
    return Secret(secret)
