"""Which frame is seen when."""

from dataclasses import replace
from typing import Any

import pytest

from onestory.cut.timeline import SpokenLine, events, place, total_frames
from onestory.errors import CutError


def test_cuts_lay_shots_end_to_end(room: Any, paper_take: Any) -> None:
    """Without transitions the film is as long as its shots."""
    cut = room.cut(*(room.shot(paper_take(n, 10 * n)) for n in (1, 2, 3)))

    assert [(placed.start_frame, placed.end_frame) for placed in place(cut)] == [
        (0, 10), (10, 30), (30, 60),
    ]  # fmt: skip
    assert total_frames(cut) == 60


def test_a_dissolve_shortens_the_film_by_its_length(room: Any, paper_take: Any) -> None:
    """The overlap is seen once: 40 + 50 + 60 frames less 7 and 9."""
    cut = room.cut(
        room.shot(paper_take(1, 40)),
        room.shot(paper_take(2, 50), transition="dissolve", transition_frames=7),
        room.shot(paper_take(3, 60), transition="dissolve", transition_frames=9),
    )

    assert [placed[1:5] for placed in place(cut)] == [
        (0, 40, 0, 7),
        (33, 83, 7, 9),
        (74, 134, 9, 0),
    ]
    assert total_frames(cut) == 150 - 16


def test_a_fade_shortens_nothing(room: Any, paper_take: Any) -> None:
    """A dip through black takes half from each side, the odd frame from the second."""
    cut = room.cut(
        room.shot(paper_take(1, 40)),
        room.shot(paper_take(2, 50), transition="fade", transition_frames=7),
    )

    first, second = place(cut)
    assert (first.fade_out, second.fade_in, total_frames(cut)) == (3, 4, 90)


@pytest.mark.parametrize("kind", ["dissolve", "fade"])
def test_the_film_may_begin_from_black(room: Any, paper_take: Any, kind: str) -> None:
    """There is nothing before the first shot to mix it with."""
    cut = room.cut(room.shot(paper_take(1, 40), transition=kind, transition_frames=8))

    assert (place(cut)[0].fade_in, place(cut)[0].head, total_frames(cut)) == (8, 0, 40)


def test_a_take_that_is_too_short_is_named(room: Any, paper_take: Any) -> None:
    """The message has the slate and both numbers."""
    cut = room.cut(room.shot(paper_take(7, 40), start_frame=5, num_frames=36))
    with pytest.raises(CutError, match=r"\[s01e01-sc01-sh007-tk01\] .* 40 frames .* uses 41"):
        place(cut)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"fps": "25"}, "runs at 25 frames a second, not 24"),
        ({"width": 92}, "is 92x160 and the cut is 90x160"),
    ],
)
def test_takes_of_another_kind_are_refused(
    room: Any, paper_take: Any, fields: dict[str, Any], message: str
) -> None:
    """Rate and size are the cut's, or the take is named."""
    with pytest.raises(CutError, match=rf"\[s01e01-sc01-sh001-tk01\] the take {message}"):
        place(room.cut(room.shot(paper_take(1, **fields))))


def test_an_imported_take_may_have_any_size(room: Any, paper_take: Any) -> None:
    """Somebody's own clip is fitted in."""
    assert total_frames(room.cut(room.shot(paper_take(width=500, is_imported=True)))) == 100


def test_transitions_must_fit_into_the_shot(room: Any, paper_take: Any) -> None:
    """A shot of 10 frames cannot give 6 to either side."""
    cut = room.cut(
        room.shot(paper_take(1)),
        room.shot(paper_take(2), num_frames=10, transition="dissolve", transition_frames=6),
        room.shot(paper_take(3), transition="dissolve", transition_frames=6),
    )
    with pytest.raises(CutError, match=r"sh002\] transitions of 6 and 6 frames .* shot of 10"):
        place(cut)


@pytest.mark.parametrize(("kind", "length"), [("cut", 3), ("dissolve", 0), ("fade", -1)])
def test_a_transition_has_a_length_or_is_a_cut(
    room: Any, paper_take: Any, kind: str, length: int
) -> None:
    """A dissolve of no frames and a cut of some are refused."""
    cut = room.cut(room.shot(paper_take(1), transition=kind, transition_frames=length))
    with pytest.raises(CutError, match=f"a {kind} of {length} frames is not"):
        place(cut)


@pytest.mark.parametrize(("start", "length"), [(-1, 5), (0, 0)])
def test_no_frames_are_no_shot(room: Any, paper_take: Any, start: int, length: int) -> None:
    """A shot starts within its take and has a frame."""
    with pytest.raises(CutError, match=f"frames {start} to {start + length} are not a shot"):
        place(room.cut(room.shot(paper_take(1), start_frame=start, num_frames=length)))


def test_a_film_needs_a_shot(room: Any) -> None:
    """An empty film is refused."""
    with pytest.raises(CutError, match="at least 1 shot, got 0"):
        place(room.cut())


def test_lines_are_heard_where_their_shot_stands(room: Any, paper_take: Any) -> None:
    """A line's frames count from its shot's place in the film, dissolves included."""
    line = SpokenLine(character="ANNA", text="Go.", start_frame=8, end_frame=20)
    cut = room.cut(
        room.shot(paper_take(1)),
        room.shot(paper_take(2), transition="dissolve", transition_frames=12, lines=(line,)),
    )

    assert [event[2:] for event in events(cut)] == [(96, 108)]


@pytest.mark.parametrize(("start", "end"), [(90, 101), (-1, 5), (7, 7)])
def test_a_line_outside_its_shot_is_refused(
    room: Any, paper_take: Any, start: int, end: int
) -> None:
    """Words that nobody would hear are an error with their numbers."""
    line = SpokenLine(character="ANNA", text="Go.", start_frame=start, end_frame=end)
    shot = replace(room.shot(paper_take(1)), lines=(line,))
    with pytest.raises(CutError, match=f"line of ANNA takes frames {start} to {end} of .* 100"):
        list(events(room.cut(shot)))
