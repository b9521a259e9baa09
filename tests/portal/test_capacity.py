"""What the machine carries, over the API and in the pages."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.portal.fakes import Site

_WEB = Path(__file__).parents[2] / "portal" / "web"


@pytest.fixture
def site() -> Site:
    site = Site()
    site.services = replace(site.services, capacity=lambda: {"newcomers_get": "small", "load": 0.75})
    return site


async def test_strangers_are_not_told(stranger):
    assert (await stranger.call("GET", "/capacity")).status == 401


async def test_who_sees_rooms_sees_the_load(admin):
    assert await (await admin.call("GET", "/capacity")).json() == {"newcomers_get": "small", "load": 0.75}


_WORDS = {
    "i18n": ("js/parts/capacity.js", {f"capacity.get.{word}" for word in ("small", "sound", "none")}),
    "join/i18n": (
        "join/stage.js",
        {f"stage.less.{word}{end}" for word in ("small", "sound") for end in ("", ".hint")},
    ),
}
"""By folder of the texts: the script, and what it makes of an allowance."""


@pytest.mark.parametrize("folder", _WORDS)
def test_the_pages_have_words_in_both_languages(folder: str) -> None:
    script, made = _WORDS[folder]
    written = set(re.findall(r'"(capacity\.[\w.-]+)"', (_WEB / script).read_text("utf-8")))
    for language in ("en", "zh-CN"):
        known = json.loads((_WEB / folder / f"{language}.json").read_text("utf-8"))
        assert made | written <= known.keys(), language
