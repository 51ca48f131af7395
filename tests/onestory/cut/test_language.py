"""What is said aloud, and in which language."""

import pytest

from onestory.cut.language import language_of, spoken_words


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Hello", "en-us"), ("你好", "cmn"), ("東京へ行く", "ja"), ("안녕", "ko"), ("Привет", "ru"),
        ("Привіт, її", "uk"), ("مرحبا", "ar"), ("چطوری", "fa"), ("שלום", "he"), ("Γεια", "el"),
        ("123 …", "en-us"), ("OK，我们走吧", "cmn"),
    ],
)  # fmt: skip
def test_letters_tell_the_language(text: str, language: str) -> None:
    """A script names no language; its letters do."""
    assert language_of(text) == language


def test_only_words_are_said() -> None:
    """Markup goes without a trace, and figures and money stay."""
    assert spoken_words("un*believ*able,\n_50%_ of $3 ❤️\x01") == "unbelievable, 50% of $3"
