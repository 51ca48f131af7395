"""Where a caption may be broken."""

import pytest

from onestory.cut.wrapping import fold, letters_of, text_width


def test_rows_are_even() -> None:
    """Two rows of like length read better than a long one and a stub."""
    assert fold("I will not go home before it rains") == ["I will not go home", "before it rains"]


@pytest.mark.parametrize("row_width", range(9, 33))
def test_chinese_is_broken_between_characters_but_not_before_a_stop(row_width: int) -> None:
    """At no width does a full stop begin a row, or an opening quote end one."""
    rows = fold("我等了。你一整夜，“一直”等到天亮了。“可是”", row_width)

    assert "".join(rows) == "我等了。你一整夜，“一直”等到天亮了。“可是”"
    assert len(rows) > 1
    assert not any(row[0] in "。，”" or row[-1] == "“" for row in rows)


def test_korean_is_broken_at_spaces_only() -> None:
    """Korean words stay whole."""
    assert set(" ".join(fold("어젯밤에 도대체 어디에 있었던 거야", 20)).split()) == {
        "어젯밤에", "도대체", "어디에", "있었던", "거야",
    }  # fmt: skip


def test_a_word_wider_than_the_row_is_chopped() -> None:
    """Even a scream fits."""
    rows = fold("A" * 70)
    assert "".join(rows) == "A" * 70
    assert all(text_width(row) <= 32 for row in rows)


@pytest.mark.parametrize("cluster", ["e\u0301", "👍🏽", "👨\u200d👩\u200d👧", "❤\ufe0f"])
def test_marks_stay_with_their_letter(cluster: str) -> None:
    """What a reader sees as one letter is never torn."""
    assert letters_of(cluster * 2) == [cluster, cluster]


def test_nothing_is_no_row() -> None:
    """White space folds to nothing."""
    assert fold(" \n ") == []
