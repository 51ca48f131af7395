"""Captions are the script's own words, exactly in time."""

from itertools import pairwise
from typing import Any

import pytest
import srt
from hypothesis import given, settings
from hypothesis import strategies as st

from onestory.cut.captions import Cue, cues_for, milliseconds, to_srt, to_vtt
from onestory.cut.timeline import Cut, CutShot, CutTake, SpokenLine
from onestory.cut.wrapping import text_width

LONG = (
    "I told you once, I told you twice, and I will tell you for as long as it takes: "
    "nobody leaves this kitchen before the kettle has boiled."
)


def _line(text: str, start: int, end: int, *, dual: bool = False, who: str = "ANNA") -> SpokenLine:
    return SpokenLine(character=who, text=text, start_frame=start, end_frame=end, is_dual=dual)


@pytest.mark.parametrize("text", [LONG, "你" * 61, "你昨晚在哪里？我等了你一整夜，一直等到天亮。"])
def test_long_lines_become_pages_of_two_rows(room: Any, paper_take: Any, text: str) -> None:
    """Words are verbatim, rows fit a vertical picture, and pages follow without a gap."""
    shot = room.shot(paper_take(1), lines=(_line(text, 6, 90),))
    cues = cues_for(room.cut(shot))

    assert "".join(cue.text for cue in cues).replace("\n", "").replace(" ", "") == text.replace(
        " ", ""
    )
    assert " ".join(cue.text for cue in cues).split() == text.split() or " " not in text
    assert all(len(cue.text.split("\n")) <= 2 for cue in cues)
    assert max(text_width(row) for cue in cues for row in cue.text.split("\n")) <= 32
    edges = [edge for cue in cues for edge in (cue.start_frame, cue.end_frame)]
    assert (edges[0], edges[-1], edges[1:-1:2]) == (6, 90, edges[2::2])


def test_times_are_exact_at_broadcast_rates(room: Any, paper_take: Any) -> None:
    """Frame 100 000 at 24000/1001 begins at 4170.833 s: rounding errors never add up."""
    assert milliseconds(100_000, "24000/1001") == 4_170_833
    cue = Cue(24, 48, "Go.", "ANNA")

    assert to_srt([cue], fps="24") == "1\n00:00:01,000 --> 00:00:02,000\nGo.\n"
    assert "00:00:01.001 --> 00:00:02.002" in to_vtt([cue], fps="24000/1001")


def test_dual_dialogue_overlaps_and_nothing_else_does(room: Any, paper_take: Any) -> None:
    """Two who speak at once are read at once; the next line waits until they are gone."""
    lines = (_line("You!", 6, 30), _line("Me?", 8, 60, dual=True, who="BEN"), _line("Us.", 50, 80))
    cues = cues_for(room.cut(room.shot(paper_take(1), lines=lines)))

    assert [cue[:3] for cue in cues] == [(6, 30, "You!"), (8, 50, "Me?"), (50, 80, "Us.")]


def test_srt_is_read_back_the_same(room: Any, paper_take: Any) -> None:
    """Quotes, percent, colons, backslashes and arrows survive another program's parser."""
    text = '"It\'s" 100%: C:\\new --> {x}'
    cues = cues_for(room.cut(room.shot(paper_take(1), lines=(_line(text, 6, 90),))))

    back = list(srt.parse(to_srt(cues, fps="24")))
    assert [item.content for item in back] == [cue.text for cue in cues]
    assert back[0].start.total_seconds() == 0.25


def test_vtt_escapes_words_and_names() -> None:
    """Markup in a name or a line is shown, never obeyed."""
    cue = Cue(0, 24, "<b>2 > 1</b> & so --> on", "R&D <BOSS>\nX")

    assert to_vtt([cue], fps="24").splitlines()[3] == (
        "<v R&amp;D &lt;BOSS&gt; X>&lt;b&gt;2 &gt; 1&lt;/b&gt; &amp; so --&gt; on"
    )


def test_an_empty_line_is_no_cue(room: Any, paper_take: Any) -> None:
    """Blank speech shows nothing."""
    assert cues_for(room.cut(room.shot(paper_take(1), lines=(_line(" \n ", 6, 90),)))) == ()


def test_words_are_kept_even_if_there_is_no_time(room: Any, paper_take: Any) -> None:
    """A long line in two frames crowds the screen, but loses no word."""
    cues = cues_for(room.cut(room.shot(paper_take(1), lines=(_line(LONG, 6, 8),))))

    assert " ".join(cue.text for cue in cues).split() == LONG.split()
    assert [cue[:2] for cue in cues] == [(6, 7), (7, 8)]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=120), st.integers(1, 40)), min_size=1, max_size=5))
def test_any_words_make_legal_captions(speeches: list[tuple[str, int]]) -> None:
    """Whatever is said: same letters, in order, never of no length, never two at once."""
    start, lines = 0, []
    for text, length in speeches:
        lines.append(_line(text, start, start + length))
        start += length
    take = CutTake(slate="s", video=None, num_frames=300, width=90, height=160, fps="24")  # type: ignore[arg-type]
    shot = CutShot(slate="s", take=take, num_frames=300, lines=tuple(lines))
    cues = cues_for(Cut(episode="e", title="t", fps="24", width=90, height=160, shots=(shot,)))

    said = "".join("".join(text.split()) for text, _ in speeches)
    assert "".join("".join(cue.text.split()) for cue in cues) == said
    assert all(cue.start_frame < cue.end_frame for cue in cues)
    assert all(a.end_frame <= b.start_frame for a, b in pairwise(cues))
