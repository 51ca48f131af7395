"""Frames tell what they show in the terms of whoever asks."""

import torch

from onestory.memory.showing import (
    SHOWN,
    Cast,
    person_key,
    set_key,
    shown_by,
    stage_key,
    staged_by,
)

SIZE = torch.Size((3, 2))
FIGURES = {
    person_key("JONAS"): torch.full(SIZE, 0.5),
    person_key("MARA"): torch.full(SIZE, 0.25),
    set_key("STREET"): torch.full(SIZE, 0.125),
}


def told(cast: Cast | None) -> list[float]:
    """What every channel says in every cell."""
    shown_OHW = shown_by(FIGURES, cast, SIZE)
    assert shown_OHW.shape == (SHOWN, *SIZE)
    return [float(channel_HW.unique()) for channel_HW in shown_OHW]


def test_people_are_counted_as_the_next_shot_has_them() -> None:
    """Who is first there is first here; who is not there is nobody; so with sets."""
    jonas, mara = person_key("JONAS"), person_key("MARA")

    assert told(Cast(first=jonas, others=(mara,), setting=set_key("STREET"))) == [
        1,
        0.5,
        0.25,
        0.125,
    ]
    assert told(Cast(first=mara, setting=set_key("PARK"))) == [1, 0.25, 0, 0]
    assert told(Cast(first=person_key("STREET"))) == [1, 0, 0, 0]
    assert told(Cast(others=(jonas, mara))) == [1, 0, 0.75, 0]


def test_what_nobody_knows_is_told_to_nobody() -> None:
    """Neither a frame without figures nor a shot without a cast says anything."""
    assert told(None) == [0, 0, 0, 0]
    assert not shown_by(None, Cast(first=person_key("JONAS")), SIZE).any()


def test_where_a_cell_is_hangs_on_nobody() -> None:
    """Channel by channel in their order; frames of which nobody knows say 0, or nothing at all."""
    where = {stage_key(number): torch.full(SIZE, float(number)) for number in (0, 10, 2)}
    staged_KSHW = staged_by([None, {**FIGURES, **where}, FIGURES], SIZE)

    assert staged_KSHW is not None
    assert staged_KSHW.shape == (3, 3, *SIZE)
    assert staged_KSHW[1, :, 0, 0].tolist() == [0, 2, 10]
    assert not staged_KSHW[::2].any()
    assert staged_by([None, FIGURES], SIZE) is None
