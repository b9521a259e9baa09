"""Settings of sites, listener and gate: the example of the guide, safe defaults, and what cannot be told apart."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from config.settings import Settings, SettingsError, load

ROOT = Path(__file__).parents[2]
SITE = '[[dot1x.sites]]\nname = "{name}"\nnetworks = ["{network}"]\n'
CLIENT = '[[dot1x.listener.clients]]\nname = "{name}"\nnetworks = ["10.0.0.1"]\nsite = "{site}"\n'


def from_text(tmp_path: Path, text: str, **environ: str) -> Settings:
    path = tmp_path / "drumtower.toml"
    path.write_text(text, "utf-8")
    return load(path, {"HOME": "/home/someone", **environ})


def test_nothing_listens_and_nobody_is_asked_by_default():
    found = load(None, {"HOME": "/home/someone"}).dot1x
    assert (found.sites, found.listener.listen, found.gate.elsewhere, found.gate.answer_s) == ((), (), "off", 0.05)


def test_the_example_of_the_guide(tmp_path: Path):
    blocks = re.findall(r"```toml\n(.*?)```", (ROOT / "docs/dot1x.md").read_text(), re.DOTALL)
    found = from_text(tmp_path, "\n".join(blocks)).dot1x
    assert [site.name for site in found.sites] == ["north", "south"]
    assert found.sites[0].devices[0].aliases == ("7007",)
    assert found.listener.clients[0].site == "north"


def test_the_secret_of_a_switch_comes_from_a_credential(tmp_path: Path):
    (tmp_path / "drumtower-radius-core").touch()
    text = SITE.format(name="a", network="10.0.0.0/8") + CLIENT.format(name="core", site="a")
    found = from_text(tmp_path, text, CREDENTIALS_DIRECTORY=str(tmp_path)).dot1x
    assert found.listener.clients[0].secret_file == str(tmp_path / "drumtower-radius-core")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (SITE.format(name="a", network="10.0.0.1/8"), "host bits"),
        (SITE.format(name="a", network="ward"), "ward"),
        (SITE.format(name="A", network="10.0.0.0/8"), "sites[0].name"),
        (SITE.format(name="a", network="10.0.0.0/8") * 2, "a name of its own"),
        (SITE.format(name="a", network="10.0.0.0/8") + SITE.format(name="b", network="10.0.0.0/8"), "arrives_at"),
        (SITE.format(name="a", network="10.0.0.0/8") + 'mode = "on"\n', "sites[0].mode"),
        (SITE.format(name="a", network="10.0.0.0/8") + 'exempt = ["x"]\n', "x"),
        (SITE.format(name="a", network="10.0.0.0/8") + 'arrives_at = ["x"]\n', "x"),
        (SITE.format(name="a", network="10.0.0.0/8") + '[[dot1x.sites.devices]]\naliases = ["1"]\n', "mac or identity"),
        (SITE.format(name="a", network="10.0.0.0/8") + '[[dot1x.sites.devices]]\nmac = "0200.5e00.5301"\n', "write it"),
        (
            SITE.format(name="a", network="10.0.0.0/8")
            + '[[dot1x.sites.devices]]\nidentity = "a"\naddresses = ["10.0.0.1"]\n',
            "need the mac",
        ),
        (CLIENT.format(name="core", site="a"), "there is no site a"),
        (
            SITE.format(name="a", network="10.0.0.0/8") + CLIENT.format(name="c", site="a")
            + CLIENT.format(name="d", site="a"),
            "the same network",
        ),
        (
            SITE.format(name="a", network="10.0.0.0/8") + CLIENT.format(name="c", site="a")
            + '[[dot1x.servers]]\nname = "c"\naddress = "10.0.0.1"\n',
            "a name of its own",
        ),
        ("[dot1x.gate]\nanswer_s = 2\n", "answer_s"),
        ('[dot1x.gate]\nexempt = ["x"]\n', "x"),
    ],
)  # fmt: skip
def test_errors_say_what_is_wrong(tmp_path: Path, text: str, words: str):
    with pytest.raises(SettingsError) as error:
        from_text(tmp_path, text)
    assert words in str(error.value)


def test_a_narrower_network_inside_and_the_same_one_elsewhere_are_fine(tmp_path: Path):
    text = SITE.format(name="a", network="10.0.0.0/8") + SITE.format(name="b", network="10.1.0.0/16")
    text += SITE.format(name="c", network="10.0.0.0/8") + 'arrives_at = ["192.0.2.1"]\n'
    assert len(from_text(tmp_path, text).dot1x.sites) == 3
