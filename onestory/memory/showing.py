"""
Whom and what does a remembered frame show, in the terms of the shot that is being made?

    frame ─┬─ figures: how much of each cell shows "person:JONAS", "set:STREET", … ─┐
           └─ "stage:00", …: where on the stage each cell is ──► staged, S H W      │
    next shot ── cast: its first person, its others, its set ───────────────────────┴─► shown, O H W

The screenplay says who is in a shot, and blocking says where: both are known before anything is
drawn, of every shot. A frame keeps what it shows by name; whoever reads it asks in the terms of
the next shot, in which somebody else may be first, and a place another one. Where on the stage a
cell is hangs on nobody: a head, a knee, the same corner of a set are known again by it.

Shape suffixes, for this module only:
    H, W  latent cells   O  `SHOWN`   K  frames
    S  channels that say where on the stage a cell is
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

OWNERS = 3
"""Whom a word or a cell can be about: the first person, other people, the set."""

SHOWN = 1 + OWNERS
"""Channels that say what a cell shows: whether it is known at all, and how much of each owner."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cast:
    """Who and what is in a shot, as `person_key` and `set_key` name them."""

    first: str = ""
    """The first person; nothing if there is nobody."""
    others: tuple[str, ...] = ()
    setting: str = ""


def person_key(name: str) -> str:
    """Name a person among figures."""
    return f"person:{name}"


def set_key(name: str) -> str:
    """Name a set among figures."""
    return f"set:{name}"


def stage_key(number: int) -> str:
    """Name a channel that says where on the stage cells are, among figures."""
    return f"stage:{number:02d}"


def staged_by(frames_K: Sequence[Mapping[str, Tensor] | None], size: torch.Size) -> Tensor | None:
    """
    Say where on the stage the cells of frames are.

    Args:
        frames_K: Figures of every frame; None if nobody knows.
        size: H and W.

    Returns:
        `K S H W`, float32, 0 for frames of which nobody knows; None if nobody does of any.
    """
    keys = sorted(
        {key for figures in frames_K for key in figures or () if key.startswith("stage:")}
    )
    if not keys:
        return None
    nowhere_HW = torch.zeros(size)
    return torch.stack(
        [
            torch.stack([(figures or {}).get(key, nowhere_HW) for key in keys])
            for figures in frames_K
        ]
    )


def shown_by(figures: Mapping[str, Tensor] | None, cast: Cast | None, size: torch.Size) -> Tensor:
    """
    Say what a frame shows.

    Args:
        figures: How much of each cell shows whom or what, `H W` in [0, 1]; None if nobody knows.
        cast: Of the shot that is being made; None if nobody knows.
        size: H and W.

    Returns:
        `O H W`: known, first, others, set; in [0, 1], float32.
    """
    shown_OHW = torch.zeros(SHOWN, *size)
    if figures is None or cast is None:
        return shown_OHW
    shown_OHW[0] = 1.0
    for owner, names in enumerate(((cast.first,), cast.others, (cast.setting,)), start=1):
        for name in names:
            if name in figures:
                shown_OHW[owner] += figures[name]
    return shown_OHW
