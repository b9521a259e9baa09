"""Texts of the console: both languages have the same keys, every key is used, every used key exists."""

import json
import re
from pathlib import Path

import pytest

WEB = Path(__file__).parents[2] / "portal" / "web"
LANGUAGES = ("en", "zh-CN")
# Words that are the same in Chinese text.
SAME_IN_BOTH = {"protocol.sip", "protocol.h323", "roster.rate"}

LITERAL = re.compile(r'"([a-z][a-z0-9-]*(?:\.[a-z0-9-]+)*)"')
CALL = re.compile(r'\b(?:t|head)\("([^"]+)"')
CALL_EITHER = re.compile(r'\bt\([^")]*\? "([^"]+)" : "([^"]+)"')
DYNAMIC = re.compile(r"`([a-z-]+(?:\.[a-z-]+)*\.)\$\{[^}]+\}(\.[a-z]+)?`")
VALUES = re.compile(r"\{(\w+)\}")


def texts(language: str) -> dict[str, str]:
    return json.loads((WEB / "i18n" / f"{language}.json").read_text())


@pytest.fixture(scope="module")
def script() -> str:
    return "\n".join(path.read_text() for path in sorted((WEB / "js").rglob("*.js")))


def test_languages_have_the_same_keys():
    assert texts("en").keys() == texts("zh-CN").keys()


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_empty(language):
    assert [key for key, text in texts(language).items() if not text.strip()] == []


def test_chinese_is_translated():
    english, chinese = texts("en"), texts("zh-CN")
    same = {key for key in english if english[key] == chinese[key]} - SAME_IN_BOTH - {"app.name"}
    assert same == set()


def test_both_languages_name_the_same_values():
    english, chinese = texts("en"), texts("zh-CN")
    assert [key for key in english if set(VALUES.findall(english[key])) != set(VALUES.findall(chinese[key]))] == []


def test_every_used_key_exists(script):
    used = set(CALL.findall(script)) | {key for pair in CALL_EITHER.findall(script) for key in pair}
    assert len(used) > 50
    assert used - texts("en").keys() == set()


def test_every_dynamic_family_exists(script):
    keys = texts("en").keys()
    families = set(DYNAMIC.findall(script))
    assert families
    for prefix, suffix in families:
        assert [key for key in keys if key.startswith(prefix) and key.endswith(suffix)], prefix


def test_every_key_is_used(script):
    literals = set(LITERAL.findall(script))
    families = set(DYNAMIC.findall(script))

    def is_used(key: str) -> bool:
        return key in literals or any(key.startswith(prefix) and key.endswith(suffix) for prefix, suffix in families)

    assert [key for key in texts("en") if not is_used(key)] == []
