"""Where the master key comes from. It is never kept under the data directory."""

from __future__ import annotations

import msgspec


class SecretsSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One source of the master key: a passphrase where one is given, else a credential, else the file."""

    master_key_file: str = ""
    """32 random bytes in base64, mode 0600, made at the first start; "" is drumtower/master.key in the user's
    configuration directory ($XDG_CONFIG_HOME or ~/.config)."""
    credential_file: str = ""
    """A systemd credential (LoadCredential=drumtower-master-key:...); found in $CREDENTIALS_DIRECTORY by itself."""
    passphrase_file: str = ""
    """A file (mode 0600) whose first line is a passphrase that the master key is derived from."""
    passphrase: str = ""
    """The passphrase itself: only from the environment, DRUMTOWER_SECRETS_PASSPHRASE."""

    def __repr__(self) -> str:
        shown = "'***'" if self.passphrase else "''"
        return f"SecretsSettings(master_key_file={self.master_key_file!r}, passphrase={shown})"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        return [("master_key_file", self.master_key_file)]
