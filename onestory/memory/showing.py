"""
Whom and what does a remembered frame show, in the terms of the shot that is being made?

    frame ── figures: how much of each cell shows "person:JONAS", "set:STREET", …
    next shot ── cast: its first person, its others, its set            ──► shown, O H W

The screenplay says who is in a shot, and blocking says where: both are known before anything is
drawn, of every shot. A frame keeps what it shows by name; whoever reads it asks in the terms of
the next shot, in which somebody else may be first, and a place another one.

Shape suffixes, for this module only:
    H, W  latent cells   O  `SHOWN`
"""

from collections.abc import Mapping
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
