"""Announcements: all are there, in both languages, in the order of the setting; and those of an administrator."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from mcu.audio.prompts.library import STORED_HZ, PromptLibrary
from mcu.audio.prompts.replacements import find_replacements
from mcu.audio.prompts.texts import TEXTS

FOLDER = Path(find_replacements.__code__.co_filename).parent


def write_wav(path: Path, seconds: float = 1.0, rate: int = 16_000, value: int = 1234) -> Path:
    with wave.open(str(path), "wb") as made:
        made.setnchannels(1)
        made.setsampwidth(2)
        made.setframerate(rate)
        made.writeframes(np.full(round(seconds * rate), value, "<i2").tobytes())
    return path


@pytest.fixture(scope="module")
def spoken() -> dict[str, PromptLibrary]:
    return {language: PromptLibrary((language,)) for language in ("zh", "en")}


def test_every_announcement_is_there_in_both_languages_and_nothing_else(spoken):
    for language, library in spoken.items():
        assert set(library.names) == set(TEXTS), language
        for name in TEXTS:
            assert 0.4 < len(library.get(name)) / STORED_HZ < 12
            assert np.abs(library.get(name)).max() > 3000
    files = {path.name for path in FOLDER.glob("*.opus")}
    assert files == {f"{name}.{language}.opus" for name, texts in TEXTS.items() for language in texts}
    assert sum(path.stat().st_size for path in FOLDER.glob("*.opus")) < 300_000


def test_languages_follow_each_other_in_the_order_of_the_setting(spoken):
    both = PromptLibrary(("en", "zh")).get("muted")
    english, chinese = (spoken[language].get("muted") for language in ("en", "zh"))
    assert len(both) == len(english) + len(chinese) + 0.3 * STORED_HZ
    assert (both[: len(english)] == english).all() and (both[-len(chinese) :] == chinese).all()


def test_an_administrator_replaces_one_in_one_language(tmp_path, spoken, caplog):
    write_wav(tmp_path / "muted.zh.wav", 0.5)
    library = PromptLibrary(("zh",), replacements=str(tmp_path))
    assert len(library.get("muted")) == pytest.approx(0.5 * STORED_HZ, abs=50)
    assert (library.get("unmuted") == spoken["zh"].get("unmuted")).all()
    assert not caplog.records


def test_a_third_language_can_be_added(tmp_path):
    write_wav(tmp_path / "muted.fr.wav", 0.5)
    library = PromptLibrary(("fr",), replacements=str(tmp_path))
    assert library.names == ("muted",)


def test_bad_files_are_refused_in_words_and_the_built_in_one_is_played(tmp_path, spoken, caplog):
    (tmp_path / "muted.zh.opus").write_bytes(b"no sound at all")
    (tmp_path / "unmuted.zh.wav").write_bytes(b"")
    write_wav(tmp_path / "nonsense.zh.wav")
    write_wav(tmp_path / "muted.de.wav")
    (tmp_path / "menu.zh.mp3").write_bytes(b"x")
    (tmp_path / "menu.zh.wav").mkdir()
    (tmp_path / ".hidden").write_bytes(b"x")
    library = PromptLibrary(("zh",), replacements=str(tmp_path))
    assert set(library.names) == set(TEXTS)
    assert (library.get("muted") == spoken["zh"].get("muted")).all()
    said = "\n".join(record.getMessage() for record in caplog.records)
    for word in ("muted.zh.opus", "unmuted.zh.wav", "'nonsense'", "'de'", "menu.zh.mp3", "menu.zh.wav: not a file"):
        assert word in said
    assert "hidden" not in said


def test_long_files_are_cut_and_large_ones_refused(tmp_path):
    write_wav(tmp_path / "muted.zh.wav", 40, 8000)
    assert len(PromptLibrary(("zh",), replacements=str(tmp_path)).get("muted")) == 30 * STORED_HZ
    with (tmp_path / "muted.zh.wav").open("r+b") as file:
        file.truncate(9 << 20)
    assert find_replacements(tmp_path, ("zh",)).problems


def test_directories_that_cannot_be_read_are_a_problem_not_an_error(tmp_path):
    assert "absolute" in find_replacements(Path("here"), ("zh",)).problems[0]
    assert find_replacements(tmp_path / "none", ("zh",)).problems
    file = write_wav(tmp_path / "x.wav")
    assert find_replacements(file, ("zh",)).problems
    write_wav(tmp_path / "muted.zh.wav")
    (tmp_path / "muted.zh.opus").write_bytes(b"x")
    assert len(find_replacements(tmp_path, ("zh",)).files) == 1
