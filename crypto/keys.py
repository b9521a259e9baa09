"""The master key and what hangs on it: wrapped keys (AES-256-GCM) and derived ones (HKDF-SHA256, RFC 5869)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import secrets
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from argon2.low_level import Type, hash_secret_raw
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from crypto.secret_file import SecretFault, read_secret

KEY_BYTES: Final = 32
MAX_WRAPPED_BYTES: Final = 1 << 16
_VERSION: Final = b"\x01"
_ID_BYTES: Final = 8
_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16
_SALT_BYTES: Final = 16
# RFC 9106 4, second recommended option: 3 passes over 64 MiB.
_PASSPHRASE_ITERATIONS: Final = 3
_PASSPHRASE_MEMORY_KIB: Final = 64 * 1024
_PASSPHRASE_LANES: Final = 4
MIN_PASSPHRASE_CHARACTERS: Final = 12


class KeyFault(Exception):
    """A key is missing, unreadable or not the one that something was wrapped with; the text never holds key bytes."""


@dataclass(frozen=True, slots=True)
class MasterKey:
    """32 bytes from which every other secret of the server is derived or under which it is wrapped."""

    _key: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self._key) != KEY_BYTES:
            raise KeyFault(f"a master key has {KEY_BYTES} bytes")

    @property
    def id(self) -> str:
        """16 hex digits that tell master keys apart without saying anything about them."""
        return self.derive("key-id", _ID_BYTES).hex()

    def derive(self, purpose: str, length: int = KEY_BYTES) -> bytes:
        """The key for one purpose ("pepper", "cookie", ...): always the same for one master key."""
        return HKDF(SHA256(), length, salt=None, info=b"drumtower/" + purpose.encode()).derive(self._key)

    def wrap(self, key: bytes, context: str) -> bytes:
        """Seal `key` for `context`: version, id of the master key, nonce, ciphertext and tag."""
        if len(key) > MAX_WRAPPED_BYTES:
            raise ValueError(f"at most {MAX_WRAPPED_BYTES} bytes can be wrapped")
        head = _VERSION + bytes.fromhex(self.id)
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return head + nonce + AESGCM(self.derive("wrap")).encrypt(nonce, key, head + context.encode())

    def unwrap(self, wrapped: bytes, context: str) -> bytes:
        """What was wrapped for `context`. Raises KeyFault when key, context or data do not fit."""
        head, rest = wrapped[: 1 + _ID_BYTES], wrapped[1 + _ID_BYTES :]
        if len(rest) < _NONCE_BYTES + _TAG_BYTES or len(wrapped) > MAX_WRAPPED_BYTES + 64 or head[:1] != _VERSION:
            raise KeyFault("this is not a wrapped key")
        if head[1:].hex() != self.id:
            raise KeyFault(f"wrapped under the master key {head[1:].hex()}, but {self.id} is in use")
        try:
            return AESGCM(self.derive("wrap")).decrypt(
                rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], head + context.encode()
            )
        except InvalidTag:
            raise KeyFault("a wrapped key was changed, or belongs to something else") from None


def key_id_of(wrapped: bytes) -> str:
    """The id of the master key that `wrapped` needs."""
    return wrapped[1 : 1 + _ID_BYTES].hex()


def generate() -> MasterKey:
    """A fresh random master key."""
    return MasterKey(secrets.token_bytes(KEY_BYTES))


def read_file(path: Path, *, is_credential: bool = False) -> MasterKey:
    """The key in a file of base64 text. Raises KeyFault, also when others may read the file.

    A systemd credential is protected by its directory, so its mode is not looked at.
    """
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            text = file.read(4 * KEY_BYTES)
    except OSError as error:
        raise KeyFault(f"{path}: the master key cannot be read: {error.strerror}") from None
    if mode & 0o077 and not is_credential:
        raise KeyFault(f"{path}: others may read the master key (mode {mode:04o}); run: chmod 600 {path}")
    try:
        return MasterKey(base64.b64decode(text.strip(), validate=True))
    except (binascii.Error, KeyFault):
        raise KeyFault(f"{path}: this is not a master key ({KEY_BYTES} bytes in base64)") from None


def make_file(path: Path) -> MasterKey:
    """Write a fresh key to `path` with mode 0600; where one is there already, that one is read. Raises KeyFault."""
    raw = secrets.token_bytes(KEY_BYTES)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(base64.b64encode(raw) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            # A link never replaces what another process made at the same moment.
            os.link(draft, path)
        except FileExistsError:
            return read_file(path)
        finally:
            draft.unlink()
    except OSError as error:
        raise KeyFault(f"{path}: the master key cannot be written: {error.strerror}") from None
    return MasterKey(raw)


def from_passphrase(passphrase: str, salt: bytes) -> MasterKey:
    """The key that belongs to a passphrase (argon2id, about a quarter of a second). Raises KeyFault for short ones."""
    if len(passphrase) < MIN_PASSPHRASE_CHARACTERS:
        raise KeyFault(f"the passphrase of the master key needs {MIN_PASSPHRASE_CHARACTERS} or more characters")
    return MasterKey(
        hash_secret_raw(
            passphrase.encode(), hashlib.sha256(b"drumtower/passphrase" + salt).digest(),
            time_cost=_PASSPHRASE_ITERATIONS, memory_cost=_PASSPHRASE_MEMORY_KIB, parallelism=_PASSPHRASE_LANES,
            hash_len=KEY_BYTES, type=Type.ID,
        )
    )  # fmt: skip


def salt_in(path: Path) -> bytes:
    """The salt of the passphrase in `path`, made at the first call; it is no secret. Raises KeyFault."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            with path.open("xb") as file:
                file.write(secrets.token_bytes(_SALT_BYTES))
        except FileExistsError:
            pass
        salt = path.read_bytes()
    except OSError as error:
        raise KeyFault(f"{path}: the salt cannot be kept: {error.strerror}") from None
    if len(salt) != _SALT_BYTES:
        raise KeyFault(f"{path}: this is not a salt of {_SALT_BYTES} bytes")
    return salt


def obtain(
    *, data: Path, file: Path, credential: Path | None = None, passphrase: str = "", passphrase_file: Path | None = None
) -> MasterKey:
    """The master key from a passphrase, else a credential, else the file, which is made where it is missing.

    Raises KeyFault: also when the file lies under the data directory, because a copy of that directory must not
    carry its own key.
    """
    if passphrase_file is not None and not passphrase:
        passphrase = _passphrase_of(passphrase_file)
    if passphrase:
        return from_passphrase(passphrase, salt_in(data / "master.salt"))
    if credential is not None:
        return read_file(credential, is_credential=True)
    if is_under(file, data):
        raise KeyFault(f"{file}: the master key must not lie under the data directory {data}")
    return read_file(file) if file.exists() else make_file(file)


def is_under(path: Path, directory: Path) -> bool:
    """Whether `path` lies in `directory`, links resolved."""
    return path.resolve().is_relative_to(directory.resolve())


def _passphrase_of(path: Path) -> str:
    try:
        return read_secret(path).reveal()
    except SecretFault as fault:
        raise KeyFault(str(fault)) from None
