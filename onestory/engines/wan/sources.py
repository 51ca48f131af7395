"""
What of a Wan is on this machine, how is it used, and what is it called?

    folder ── card ──┐
    memory ──────────┤
    memory_weights ──┼── do they go together? ── config ── digest
    adapter ─────────┤
    gguf ────────────┤
    keyframes ───────┘

Only heads of files are read, without torch, so that an order is refused before anything is loaded.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from onestory.engines.wan.adapter import FEW_STEPS, Adapter, find_adapter
from onestory.engines.wan.card import WanCard, WanConfig, read_card
from onestory.engines.wan.folder import find_folder, find_memory, weights_digest
from onestory.engines.wan.packed import find_packed, refuse_packed
from onestory.engines.wan.painter import Painter, find_painter
from onestory.engines.wan.published import Published, config_for, find_published
from onestory.errors import OrderError

Place = str | Path
Places = Place | Sequence[Place]


@dataclass(frozen=True, kw_only=True, slots=True)
class Sources:
    """All of a model, and how it is used."""

    folder: Path
    card: WanCard
    config: WanConfig
    memory: Path | None
    """OneStory modules, if there are any."""
    published: Published | None
    """A memory that others published, if there is one."""
    adapter: Adapter | None
    """A few-step adapter, if there is one."""
    packed: tuple[Path, ...]
    """A GGUF file for each transformer; none for the folder's own weights."""
    painter: Painter | None
    """Who paints first frames, if there is somebody."""

    def digest(self) -> str:
        """Name all weights that film by their content; a painter has a name of its own."""
        own = self.folder / "memory"
        return weights_digest(
            self.folder,
            None if self.memory in (None, own) else self.memory,
            self.published.files if self.published else (),
            self.adapter.files if self.adapter else (),
            self.packed,
        )


def find_sources(
    config: Mapping[str, Any] | None = None,
    *,
    weights: Place | None = None,
    may_download: bool = False,
    memory: Place | None = None,
    memory_weights: Place | None = None,
    adapter: Places | None = None,
    gguf: Places | None = None,
    keyframes: Place | None = None,
    keyframe_config: Mapping[str, Any] | None = None,
) -> Sources:
    """
    Find what an engine films with; see `WanEngine` for the options.

    Raises:
        OrderError: If there is no such choice, or choices exclude each other.
        WeightsError: If there are no such weights, or they do not fit each other.
    """
    folder = find_folder(weights, may_download=may_download)
    modules = find_memory(folder, memory)
    card = read_card(folder)
    published = None
    if memory_weights is not None:
        if modules is not None:
            raise OrderError(
                "a model has one memory: OneStory modules or memory_weights, and it has both",
                hint=f"leave memory_weights out, or move {modules} away",
            )
        published = find_published(memory_weights, folder, card)
    found = find_adapter(adapter, folder, card) if adapter else None
    chosen = config_for(card, published, config, usual=FEW_STEPS if found else None)
    if found is None and chosen.adapter_weight != 1:
        raise OrderError("adapter_weight is that of an adapter, and there is none")
    packed = find_packed(gguf, folder, card) if gguf else ()
    if packed:
        refuse_packed(chosen, has_memory_weights=published is not None)
    return Sources(
        folder=folder,
        card=card,
        config=chosen,
        memory=modules,
        published=published,
        adapter=found,
        packed=packed,
        painter=find_painter(keyframes, keyframe_config, card, may_download=may_download),
    )
