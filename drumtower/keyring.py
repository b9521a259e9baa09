"""The master key and the hasher as the settings describe them; shared by the server and the other commands."""

from __future__ import annotations

from pathlib import Path

from config.settings import Settings
from crypto.keys import MasterKey, obtain
from crypto.passcode import PasscodeHasher


def master_key(settings: Settings) -> MasterKey:
    """The master key, from where the settings say; made at the first call. Raises crypto.keys.KeyFault."""
    secrets = settings.secrets
    return obtain(
        data=settings.data,
        file=Path(secrets.master_key_file).expanduser(),
        credential=Path(secrets.credential_file) if secrets.credential_file else None,
        passphrase=secrets.passphrase,
        passphrase_file=Path(secrets.passphrase_file) if secrets.passphrase_file else None,
    )


def passcode_hasher(settings: Settings, master: MasterKey) -> PasscodeHasher:
    """The hasher of passcodes and passwords; its pepper is derived from the master key, so it is in no database."""
    gate = settings.gate
    return PasscodeHasher(
        master.derive("pepper"),
        memory_kib=gate.hash_memory_kib,
        iterations=gate.hash_iterations,
        at_once=gate.hashes_at_once,
        max_waiting=gate.max_hashes_waiting,
    )
