"""Settings of the hospital's own switches."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.settings import SettingsError
from tests.config.test_dot1x_sites import from_text

SITES = "".join(
    f'[[dot1x.sites]]\nname = "{name}"\nnetworks = ["{network}"]\n'
    for name, network in (("north", "10.0.0.0/8"), ("south", "10.1.0.0/16"))
)
SWITCH = '[[dot1x.switches]]\nname = "{name}"\nsite = "{site}"\nnetworks = ["{network}"]\n'


def test_defaults(tmp_path: Path):
    (tmp_path / "drumtower-radius-ward").touch()
    text = SITES + SWITCH.format(name="ward", site="north", network="10.0.0.0/24")
    (found,) = from_text(tmp_path, text, CREDENTIALS_DIRECTORY=str(tmp_path)).dot1x.switches
    assert (found.port, found.changes, found.secret_file) == (
        3799,
        "disconnect",
        str(tmp_path / "drumtower-radius-ward"),
    )
    assert found.named_by == ("user-name", "calling-station-id", "acct-session-id", "nas-port")


def test_sites_may_have_the_same_addresses(tmp_path: Path):
    two = [SWITCH.format(name=site, site=site, network="10.0.0.0/24") for site in ("north", "south")]
    assert len(from_text(tmp_path, SITES + "".join(two)).dot1x.switches) == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (SWITCH.format(name="a", site="west", network="10.0.0.1"), "there is no site west"),
        (SWITCH.format(name="a", site="north", network="10.0.0.1/8"), "host bits"),
        (SWITCH.format(name="a", site="north", network="10.0.0.1") * 2, "a name of its own"),
        (
            SWITCH.format(name="a", site="north", network="10.0.0.1")
            + SWITCH.format(name="b", site="north", network="10.0.0.1/32"),
            "same network",
        ),
        (SWITCH.format(name="a", site="north", network="10.0.0.1") + 'named_by = ["user-name"]\n', "acct-session-id"),
        (SWITCH.format(name="a", site="north", network="10.0.0.1") + 'changes = "bounce"\n', "changes"),
    ],
)
def test_what_is_refused(tmp_path: Path, text: str, words: str):
    with pytest.raises(SettingsError) as caught:
        from_text(tmp_path, SITES + text)
    assert words in str(caught.value)
