"""Every letter has a font, or an error with its name."""

import pytest
from fontTools.ttLib import TTFont

from onestory.cut.lettering import FONT_FOLDER, letter_runs, shipped_fonts
from onestory.errors import CutError


@pytest.mark.parametrize("font", shipped_fonts(), ids=lambda font: font.family)
def test_the_list_of_letters_is_the_fonts_own(font: object) -> None:
    """What `coverage.json` promises, the font file has, under the family's name, and no more."""
    file = TTFont(font.file)  # type: ignore[attr-defined]

    assert file["name"].getDebugName(1) == font.family  # type: ignore[attr-defined]
    promised = {
        point
        for first, last in zip(font.starts, font.ends, strict=True)  # type: ignore[attr-defined]
        for point in range(first, last + 1)
    }
    assert promised == set(file.getBestCmap())


def test_the_fonts_are_small_and_come_with_their_licences() -> None:
    """All fonts together are under 8 MB, and both licence texts lie beside them."""
    size = sum(file.stat().st_size for file in FONT_FOLDER.iterdir() if file.is_file())

    assert size < 8_000_000
    assert "SIL Open Font License" in (FONT_FOLDER / "LICENSE-OFL.txt").read_text()
    assert "DejaVu" in (FONT_FOLDER / "LICENSE-DejaVu.txt").read_text()


@pytest.mark.parametrize(
    ("text", "family"),
    [
        ("Where, Ångström?", "OneStory Sans"), ("Где ты, Аня", "OneStory Sans"),
        ("你昨晚在哪里？", "OneStory CJK"), ("你 and I", "OneStory CJK"),
        ("어디", "OneStory CJK"), ("どこにいたの", "OneStory CJK"), ("مرحبا", "OneStory Arabic"),
        ("שלום", "OneStory Hebrew"), ("नमस्ते", "OneStory Devanagari"), ("สวัสดี", "OneStory Thai"),
        ("😀 ❤️", "OneStory Signs"),
    ],
)  # fmt: skip
def test_one_font_is_enough_for_one_script(text: str, family: str) -> None:
    """A line in one script is a single run in the font that has all of it."""
    assert letter_runs(text) == ((text, family),)


def test_mixed_scripts_are_divided_and_nothing_is_lost() -> None:
    """Arabic beside Chinese takes two fonts, and the runs are the text."""
    runs = letter_runs("你好 مرحبا")

    assert [run.family for run in runs] == ["OneStory CJK", "OneStory Arabic"]
    assert "".join(run.text for run in runs) == "你好 مرحبا"


@pytest.mark.parametrize("text", ["Hello \U00012000", "你好\U00012000"])
def test_a_letter_without_a_font_is_named(text: str) -> None:
    """A cuneiform sign is an error with its name and the line's slate, never an empty box."""
    with pytest.raises(CutError, match=r"\[sh007\] no shipped font .*U\+12000, CUNEIFORM SIGN A"):
        letter_runs(text, slate="sh007")


def test_common_chinese_is_complete() -> None:
    """Every character of GB 2312, the Chinese newspapers' set, can be drawn."""
    cjk = next(font for font in shipped_fonts() if font.family == "OneStory CJK")
    missing = [
        letter
        for row in range(0xB0, 0xF8)
        for cell in range(0xA1, 0xFF)
        if (letter := bytes((row, cell)).decode("gb2312", errors="ignore")) and not cjk.has(letter)
    ]

    assert missing == []
