"""Pages that name tests, commands and settings name ones that exist."""

import re
from pathlib import Path

import pytest

from config.settings import load
from drumtower.cli import _parser

ROOT = Path(__file__).parents[1]


def test_tests_that_the_architecture_names_exist():
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", (ROOT / "docs/ARCHITECTURE.md").read_text())
    assert len(named) > 10
    missing = [f"{file}::{name}" for file, name in named if f"def {name}(" not in (ROOT / file).read_text()]
    assert missing == []


def test_folders_that_the_architecture_names_exist():
    named = set(
        re.findall(r"`((?:mcu|signaling|portal|recorder)/[\w/]+\.py)`", (ROOT / "docs/ARCHITECTURE.md").read_text())
    )
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_settings_in_the_readme_are_settings(tmp_path):
    block = re.search(r"(    \[server\].*?)\n\n[^ ]", (ROOT / "README.md").read_text(), re.DOTALL)
    assert block
    file = tmp_path / "drumtower.toml"
    file.write_text(re.sub("^    ", "", block[1], flags=re.MULTILINE))
    settings = load(file, {"HOME": str(tmp_path)})
    assert settings.server.is_https
    assert settings.net.addresses[0].advertised("9.9.9.9") == "203.0.113.7"


@pytest.mark.parametrize("command", ["room", "user", "certificate", "doctor", "call", "serve"])
def test_every_command_has_a_help_text(command, capsys):
    with pytest.raises(SystemExit) as ended:
        _parser().parse_args([command, "--help"])
    assert ended.value.code == 0
    assert len(capsys.readouterr().out) > 200
