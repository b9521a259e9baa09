"""The master key: made once, kept apart, wraps and derives."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.keys import KeyFault, MasterKey, from_passphrase, generate, key_id_of, make_file, obtain, read_file

MASTER = MasterKey(bytes(range(32)))


def test_wrap_and_unwrap() -> None:
    wrapped = MASTER.wrap(b"k" * 32, "recording/7")
    assert MASTER.unwrap(wrapped, "recording/7") == b"k" * 32
    assert wrapped != MASTER.wrap(b"k" * 32, "recording/7")
    assert key_id_of(wrapped) == MASTER.id
    assert b"kkkk" not in wrapped


@pytest.mark.parametrize("position", [0, 1, 8, 9, 20, 21, 40, -1])
def test_changed_bytes_are_noticed(position: int) -> None:
    wrapped = bytearray(MASTER.wrap(b"k" * 32, "c"))
    wrapped[position] ^= 1
    with pytest.raises(KeyFault):
        MASTER.unwrap(bytes(wrapped), "c")


def test_other_context_other_key_and_truncation() -> None:
    wrapped = MASTER.wrap(b"k" * 32, "c")
    with pytest.raises(KeyFault, match="changed"):
        MASTER.unwrap(wrapped, "d")
    with pytest.raises(KeyFault, match="is in use"):
        generate().unwrap(wrapped, "c")
    for length in range(len(wrapped)):
        with pytest.raises(KeyFault):
            MASTER.unwrap(wrapped[:length], "c")
    with pytest.raises(ValueError, match="at most"):
        MASTER.wrap(bytes(1 << 17), "c")


@given(st.binary(max_size=200))
@settings(max_examples=100, deadline=None)
def test_unwrap_takes_any_bytes(data: bytes) -> None:
    with pytest.raises(KeyFault):
        MASTER.unwrap(data, "c")


def test_derived_keys_are_stable_and_apart() -> None:
    assert MASTER.derive("pepper") == MasterKey(bytes(range(32))).derive("pepper")
    assert len({MASTER.derive("pepper"), MASTER.derive("cookie"), generate().derive("pepper")}) == 3
    assert len(MASTER.derive("cookie", 64)) == 64


def test_no_key_in_repr() -> None:
    assert bytes(range(32)).hex() not in repr(MASTER)
    assert "x00" not in repr(MASTER)
    with pytest.raises(KeyFault):
        MasterKey(b"short")


def test_file_is_made_once_with_mode_0600(tmp_path: Path) -> None:
    path = tmp_path / "config" / "master.key"
    master = obtain(data=tmp_path / "data", file=path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert obtain(data=tmp_path / "data", file=path) == master
    assert make_file(path) == master
    assert [entry.name for entry in path.parent.iterdir()] == ["master.key"]


def test_file_under_data_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyFault, match="data directory"):
        obtain(data=tmp_path, file=tmp_path / "keys" / "master.key")
    (tmp_path / "elsewhere").symlink_to(tmp_path / "data")
    (tmp_path / "data").mkdir()
    with pytest.raises(KeyFault, match="data directory"):
        obtain(data=tmp_path / "data", file=tmp_path / "elsewhere" / "master.key")
    assert not list((tmp_path / "data").iterdir())


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_file_that_others_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "master.key"
    make_file(path)
    path.chmod(mode)
    with pytest.raises(KeyFault, match="chmod 600"):
        read_file(path)
    # The directory protects a credential.
    assert read_file(path, is_credential=True)


@pytest.mark.parametrize("content", [b"", b"x", base64.b64encode(bytes(31)), base64.b64encode(bytes(33)), b"\xff" * 44])
def test_bad_files(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "master.key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(KeyFault, match="not a master key"):
        read_file(path)
    with pytest.raises(KeyFault, match="cannot be read"):
        read_file(tmp_path / "missing")


def test_credential_comes_before_the_file(tmp_path: Path) -> None:
    credential = tmp_path / "credential"
    credential.write_bytes(base64.b64encode(bytes(range(32))))
    assert obtain(data=tmp_path / "data", file=tmp_path / "master.key", credential=credential) == MASTER
    assert not (tmp_path / "master.key").exists()


def test_passphrase_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crypto.keys._PASSPHRASE_MEMORY_KIB", 1024)
    data, file = tmp_path / "data", tmp_path / "master.key"
    first = obtain(data=data, file=file, passphrase="correct horse battery")
    assert obtain(data=data, file=file, passphrase="correct horse battery") == first
    assert obtain(data=data, file=file, passphrase="correct horse batterx") != first
    secret = tmp_path / "passphrase"
    secret.write_text("correct horse battery\n")
    secret.chmod(0o600)
    assert obtain(data=data, file=file, passphrase_file=secret) == first
    secret.chmod(0o644)
    with pytest.raises(KeyFault, match="chmod 600"):
        obtain(data=data, file=file, passphrase_file=secret)
    assert not file.exists()
    with pytest.raises(KeyFault, match="12 or more"):
        from_passphrase("short", b"s" * 16)
