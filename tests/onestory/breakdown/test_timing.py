"""A shot is as long as its words are spoken and its actions done."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onestory.breakdown.timing import (
    action_seconds,
    num_frames_of,
    shot_seconds,
    speech_seconds,
    split_action,
    split_speech,
)


@given(st.text(max_size=400))
def test_pieces_of_a_speech_are_the_speech(text: str) -> None:
    """Whatever is said, the pieces joined are it, and each fits a shot."""
    pieces = split_speech(text)

    assert "".join(pieces) == text
    assert all(speech_seconds(piece) <= 6.0 + 1e-9 for piece in pieces)


def test_speech_takes_fourteen_characters_a_second() -> None:
    """Latin letters take a fourteenth of a second, Chinese ones longer, a beat three quarters."""
    assert speech_seconds("x" * 28) == pytest.approx(2.6)
    assert speech_seconds("雨" * 28) == pytest.approx(5.8)
    assert speech_seconds("x" * 28, "beat") == pytest.approx(3.35)


def test_shots_are_two_to_six_seconds() -> None:
    """Lengths are rounded up to quarters and kept within the limits."""
    assert [shot_seconds(s) for s in (0.3, 2.01, 3.25, 9.0)] == [2.0, 2.25, 3.25, 6.0]


def test_slow_verbs_take_longer() -> None:
    """A dance takes longer than a nod."""
    assert action_seconds("She dances.") > action_seconds("She nods.") + 1


def test_paragraphs_are_split_only_when_long() -> None:
    """Short sentences share a shot; six seconds are the limit."""
    assert split_action("He nods. He goes.") == ["He nods. He goes."]
    long = "He walks across the wide square with his old dog. " * 3
    assert len(split_action(long.strip())) == 2


def test_frames_are_exact_at_odd_rates() -> None:
    """Two seconds at 24000/1001 are 48 frames."""
    assert (num_frames_of(2.0, "24000/1001"), num_frames_of(2.5, "24")) == (48, 60)
