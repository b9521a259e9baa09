"""The secrets of trunks."""

import pytest

from config.trunks import TrunkSettings
from crypto.keys import KeyFault
from drumtower.trunk_secrets import trunk_secrets

VARIABLE = "DRUMTOWER_TRUNK_PSTN_2_SECRET"


def trunk(**settings) -> TrunkSettings:
    return TrunkSettings(**{"name": "pstn-2", "hosts": ("h",), "user": "u", "realm": "r", "registers": True} | settings)


def test_from_a_file(tmp_path):
    file = tmp_path / "secret"
    file.write_text("amber signal \nsecond line\n")
    file.chmod(0o600)
    found = trunk_secrets((trunk(secret_file=str(file)),))
    assert found["pstn-2"].reveal() == "amber signal"
    assert "amber" not in repr(found)


def test_the_environment_comes_first_and_is_emptied(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, "from-the-environment")
    found = trunk_secrets((trunk(secret_file=str(tmp_path / "none")),))
    assert found["pstn-2"].reveal() == "from-the-environment"
    with pytest.raises(KeyFault, match=VARIABLE):
        trunk_secrets((trunk(),))


@pytest.mark.parametrize(
    ("mode", "content", "why"), [(0o644, b"x", "others may read"), (0o600, b"\n", "empty"), (0o600, b"\xff", "no text")]
)
def test_files_that_will_not_do(tmp_path, mode, content, why):
    file = tmp_path / "secret"
    file.write_bytes(content)
    file.chmod(mode)
    with pytest.raises(KeyFault, match=why):
        trunk_secrets((trunk(secret_file=str(file)),))


def test_a_missing_file(tmp_path):
    with pytest.raises(KeyFault, match="cannot be read"):
        trunk_secrets((trunk(secret_file=str(tmp_path / "none")),))


def test_trunks_known_by_their_address_need_none():
    assert trunk_secrets((TrunkSettings(name="a", hosts=("h",)),)) == {}
