"""Takes become one picture, frame by frame."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from onestory.cut.conform import Look, conform, pieces_of
from onestory.errors import CutError


def test_pieces_cover_the_film_without_gap_or_overlap(room: Any, paper_take: Any) -> None:
    """Bodies and mixes follow each other and add up to the film."""
    cut = room.cut(
        room.shot(paper_take(1), start_frame=2, num_frames=40),
        room.shot(paper_take(2), num_frames=20, transition="dissolve", transition_frames=8),
        room.shot(paper_take(3), num_frames=30, transition="dissolve", transition_frames=12),
        room.shot(paper_take(4), num_frames=10),
    )
    pieces = pieces_of(cut)

    assert [(p.start_frame, p.num_frames, p.source_frame) for p in pieces] == [
        (0, 32, 2), (32, 8, 0), (40, 12, 0), (52, 18, 12), (70, 10, 0),
    ]  # fmt: skip
    assert [p.outgoing and p.outgoing[1] for p in pieces] == [None, 34, 8, None, None]


def test_only_whole_takes_may_be_copied(room: Any, paper_take: Any) -> None:
    """A trimmed, faded or mixed shot is encoded again."""
    whole = room.shot(paper_take(1))
    changed = (
        replace(whole, num_frames=99),
        replace(whole, start_frame=1, num_frames=99),
        replace(whole, transition="fade", transition_frames=4),
    )

    assert pieces_of(room.cut(whole))[0].is_whole_take
    assert not any(pieces_of(room.cut(shot))[0].is_whole_take for shot in changed)


def test_a_piece_is_counted(room: Any, tmp_path: Path) -> None:
    """A piece that comes out shorter than planned is named, whatever its document said."""
    take = replace(room.take(num_frames=12), num_frames=20)
    desk = tmp_path / "desk"
    desk.mkdir()
    cut = room.cut(room.shot(take, num_frames=15))
    with pytest.raises(CutError, match=r"tk01\] a piece has 12 frames instead of 15"):
        conform(cut, Look(width=90, height=160, fps="24", crf=18), desk)
