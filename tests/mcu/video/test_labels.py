"""Labels: clean text, short text, initials, fonts, a cache that is bounded."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcu.video import labels as labels_module
from mcu.video.box import Box
from mcu.video.fonts import SIZES, Fonts
from mcu.video.labels import Labels, clean, initials_of, shortened
from mcu.video.surface import Surface, yuv

FONTS = Fonts()
LABELS = Labels(FONTS)


@pytest.mark.parametrize(
    ("text", "initials"),
    [
        ("Anna Schmidt", "AS"), ("anna", "A"), ("李娜", "李娜"), ("欧阳小明", "小明"), ("张伟 主任", "张"),
        ("北京协和医院", "北京"), ("+86 138 0013 8000", "00"), ("Dr. Anna Li", "DA"), ("", "?"), ("(x) Ward", "W"),
        ("7", "7"),
    ],
)  # fmt: skip
def test_initials(text: str, initials: str) -> None:
    assert initials_of(text) == initials


def test_text_is_one_clean_line() -> None:
    assert clean("a\nb\x00\u202e c\u200b  d") == "ab c d"
    assert len(clean("长" * 10_000)) == 80


@given(st.text(max_size=60), st.integers(0, 60))
@settings(max_examples=100, deadline=None)
def test_short_text_fits(text: str, width: int) -> None:
    short = shortened(text, width, len)
    assert len(short) <= width or not short
    assert short in (text, "") or short.endswith("…")


@given(st.text(max_size=100))
@settings(max_examples=40, deadline=None)
def test_any_name_can_be_drawn(text: str) -> None:
    sprite = LABELS.name(text, False, 320, 180)
    assert sprite is None or (sprite.width <= 320 and sprite.height <= 60)
    assert LABELS.card(text, 320, 180).width == 320


def test_long_names_stay_inside_their_tile() -> None:
    for width, height in ((1280, 720), (426, 240), (213, 120)):
        sprite = LABELS.name("北京协和医院远程会诊中心（东单院区）第三会议室，二楼东侧", True, width, height)
        assert sprite is not None
        assert sprite.width <= width
        assert sprite.height <= height / 4


def test_chinese_has_glyphs_where_the_font_is_there() -> None:
    if not FONTS.has_chinese:
        pytest.skip("no Chinese font here")
    drawn = {bytes(FONTS.at(24).getmask(character)) for character in "张伟李娜"}
    assert len(drawn) == 4, "four pictures, not four empty boxes"


def test_without_any_font_labels_still_appear() -> None:
    fonts = Fonts(candidates=[("/nowhere.ttf", 0)])
    assert fonts.path == ""
    assert not fonts.has_chinese
    assert Labels(fonts).name("Anna 张", False, 320, 180) is not None


def test_a_broken_font_file_is_passed_over(tmp_path: object) -> None:
    path = f"{tmp_path}/broken.ttf"
    with open(path, "wb") as file:
        file.write(b"no font")
    assert Fonts(candidates=[(path, 0)]).path == ""


def test_sizes_are_rounded_down() -> None:
    assert FONTS.at(1) is FONTS.at(SIZES[0])
    assert FONTS.at(19.9) is FONTS.at(18)
    assert FONTS.at(5000) is FONTS.at(SIZES[-1])


def test_the_cache_is_used_and_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labels_module, "_MAX_CACHED", 5)
    labels = Labels(FONTS)
    first = labels.name("a", False, 320, 180)
    assert labels.name("a", False, 320, 180) is first
    for number in range(20):
        labels.name(str(number), False, 320, 180)
    assert len(labels._cache) == 5
    assert labels._cached_bytes == sum(sprite.bytes for sprite in labels._cache.values())


def test_drawing_beyond_the_edge_is_cut() -> None:
    surface = Surface.blank(64, 64, (0, 0, 0))
    surface.blend(LABELS.card("a", 100, 100), 32, 32)
    surface.fill(Box(60, 60, 100, 100), (255, 255, 255))
    assert surface.planes[0][63, 63] == yuv((255, 255, 255))[0]
    assert surface.planes[0][10, 10] == yuv((0, 0, 0))[0]
    assert np.all(surface.planes[0][34:40, 34:40] == yuv(labels_module.TILE)[0])
