"""Every language has every text, and the English feedback is the paper's."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.mimicry.texts import FOLDER, languages, read_texts


def test_the_feedback_is_that_of_the_paper() -> None:
    assert read_texts("en").feedback == {
        "no_press": "Do not forget to press",
        "wrong_key": "Wrong button (only arrow up)",
        "repeated_press": "Please press only once",
    }


@pytest.mark.parametrize("code", sorted(languages()))
def test_every_language_is_complete(code: str) -> None:
    texts = read_texts(code)
    assert texts.code == code
    assert set(texts.pages) == set(read_texts("en").pages)
    assert all(texts.pages.values()) and all(texts.feedback.values())


def test_a_language_may_be_named_or_be_a_file(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text((FOLDER / "german.toml").read_text(encoding="utf-8"), encoding="utf-8")
    assert read_texts("german") == read_texts("de") == read_texts(str(own))


def test_wrong_languages_and_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="choose de, en"):
        read_texts("klingon")
    with pytest.raises(FileNotFoundError, match="no file of texts"):
        read_texts(str(tmp_path / "none.toml"))
    short = tmp_path / "short.toml"
    short.write_text('code = "xx"\n[feedback]\nno_press = "?"\n', encoding="utf-8")
    with pytest.raises(ValueError, match=r"\[feedback\] lacks wrong_key, repeated_press"):
        read_texts(str(short))
    short.write_text('code = "xx"\nfeedback = 1\n', encoding="utf-8")
    with pytest.raises(ValueError, match=r"a section \[feedback\]"):
        read_texts(str(short))
    (tmp_path / "folder.toml").mkdir()
    with pytest.raises(FileNotFoundError, match="no file of texts"):
        read_texts(str(tmp_path / "folder.toml"))
    short.write_text("code = ", encoding="utf-8")
    with pytest.raises(ValueError, match="not a file of texts"):
        read_texts(str(short))
