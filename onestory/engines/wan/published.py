"""
Whose memory was published for a Wan, and does it fit?

    backbone_high_noise.safetensors ──┐ keys ── StoryMem, Memento, or neither
    backbone_low_noise.safetensors ───┘ shapes ── width, blocks, rank

Both are low-rank updates of every linear layer in the blocks of Wan2.2-I2V-A14B, one file for each
expert, under the names of the original Wan and of the tool that trained them. What the files do
not say, and what a loader that knows only the form gets wrong:

* their scale: alpha over the square root of the rank, alpha being the rank. Read in the usual way
  the update would be eleven times too weak at their rank of 128;
* the expert: what diffusers calls `transformer` draws at high noise, `transformer_2` at low noise;
* how a memory is read: `onestory.diffusion.frames`, five latent frames of time apart.

Nothing is loaded: this module reads the heads of files and does without torch.

Reference: Zhang et al., "StoryMem", 2025 (arXiv:2512.19539), and its code for all of the above;
"Memento", 2026 (arXiv:2606.14667), whose code is the only one that says the distance in time.
"""

import json
import math
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from onestory.engines.wan.card import WanCard, WanConfig, usual_config
from onestory.errors import OrderError, WeightsError

Kind = Literal["storymem", "memento"]

NAMES: Mapping[Kind, str] = {"storymem": "StoryMem", "memento": "Memento"}

TIME_STEP = 5.0
"""Latent frames of time from one remembered frame to the next."""

SHIFTS: Mapping[Kind, float] = {"storymem": 4.0, "memento": 5.0}
"""Flow shift with which each of them was sampled."""

EXPERTS = ("high_noise", "low_noise")
"""In the order of `WanModel.transformers`."""

LAYERS = {
    **{
        f"{theirs}.{one}": f"{ours}.{name}"
        for theirs, ours in (("self_attn", "attn1"), ("cross_attn", "attn2"))
        for one, name in (("q", "to_q"), ("k", "to_k"), ("v", "to_v"), ("o", "to_out.0"))
    },
    "ffn.0": "ffn.net.0.proj",
    "ffn.2": "ffn.net.2",
}
"""Linear layers of a block: their name in the original Wan, and in diffusers."""

_KEY = re.compile(
    r"(?:(?P<expert>high_noise|low_noise)_model\.)?base_model\.model\."
    r"(?:blocks\.(?P<block>\d+)\.(?P<layer>[a-z_]+\.\w)\.lora_(?P<half>[AB])(?:\.default)?\.weight"
    r"|keyframe_query\.(?P<query>.+))"
)
_MOST_HEAD_BYTES = 100_000_000

Head = Mapping[str, tuple[int, ...]]
"""Shapes of the tensors in a file, by key."""


@dataclass(frozen=True, slots=True)
class Halves:
    """Where the two halves of the update of one layer lie."""

    path: Path
    down: str
    """Key of what goes down to the rank."""
    up: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Published:
    """A published memory, found and checked."""

    kind: Kind
    files: tuple[Path, ...]
    rank: int
    num_parameters: int
    """Of both experts' updates."""
    layers: tuple[Mapping[str, Halves], ...]
    """For each expert, by the layer's name in diffusers."""
    queries: Mapping[str, tuple[Path, str, tuple[int, ...]]]
    """Memento's queries for keyframes, as the low-noise expert has them: where each lies, its key
    and its shape. Nothing of StoryMem's."""

    @property
    def name(self) -> str:
        """As its authors call it."""
        return NAMES[self.kind]

    @property
    def scale(self) -> float:
        """What the product of the halves is multiplied with."""
        return math.sqrt(self.rank)


def find_published(place: str | Path, folder: Path, card: WanCard) -> Published:
    """
    Find a published memory.

    Args:
        place: A folder that holds a file for each expert, or one file that holds both.
        folder: The model's.
        card: What the model is.

    Returns:
        Whose it is, and which tensor belongs to which layer.

    Raises:
        WeightsError: If there is none, it is of nobody we know, not whole, or of another model.
    """
    where = Path(place).expanduser().absolute()
    files = _files(where)
    if card.num_experts != 2 or card.reads_text_alone:
        raise WeightsError(
            f"published memories are for Wan2.2-I2V-A14B, and the model is {card.name}",
            hint="name Wan2.2-I2V-A14B as the option weights, or leave memory_weights out",
        )
    found: list[dict[str, dict[str, tuple[Path, str, tuple[int, ...]]]]] = [{}, {}]
    queries: list[dict[str, tuple[Path, str, tuple[int, ...]]]] = [{}, {}]
    for file in files:
        for key, shape in read_head(file).items():
            match = _KEY.fullmatch(key)
            layer = match and match["layer"]
            if match is None or (layer is not None and layer not in LAYERS):
                raise WeightsError(
                    f"{file.name} is the memory of nobody we know: it holds {key!r}",
                    hint="memory_weights are those of StoryMem or Memento, as published",
                )
            expert = _expert_of(file, match["expert"])
            if match["query"]:
                queries[expert][match["query"]] = (file, key, shape)
                continue
            name = f"blocks.{match['block']}.{LAYERS[str(layer)]}"
            halves = found[expert].setdefault(name, {})
            if match["half"] in halves:
                raise WeightsError(f"{where.name} holds the update of {name} twice")
            halves[match["half"]] = (file, key, shape)
    kinds: dict[bool, Kind] = {True: "memento", False: "storymem"}
    for name_of, layers in zip(EXPERTS, found, strict=True):
        if not layers:
            raise WeightsError(
                f"{where.name} holds nothing for the {name_of} expert",
                hint="name the folder that holds both backbone_high_noise and backbone_low_noise",
            )
    if bool(queries[0]) != bool(queries[1]):
        raise WeightsError(f"{where.name} is Memento's for one expert and StoryMem's for the other")
    rank = _check_fit(found, folder)
    return Published(
        kind=kinds[bool(queries[0])],
        files=files,
        rank=rank,
        num_parameters=sum(
            math.prod(half[2])
            for layers in found
            for halves in layers.values()
            for half in halves.values()
        ),
        layers=tuple(
            {
                name: Halves(halves["A"][0], halves["A"][1], halves["B"][1])
                for name, halves in layers.items()
            }
            for layers in found
        ),
        # Theirs reads those of this expert, unless it is told to read each one's own.
        queries=queries[EXPERTS.index("low_noise")],
    )


def config_for(
    card: WanCard,
    published: Published | None,
    changes: Mapping[str, Any] | None = None,
    *,
    usual: Mapping[str, Any] | None = None,
) -> WanConfig:
    """
    Say how a model is used: as its card says, or whoever published its memory.

    Args:
        card: The model.
        published: Its memory; None if it has none of anybody's.
        changes: Choices by name.
        usual: What an adapter asks for, before what card and memory say; None for nothing.

    Returns:
        A whole configuration.

    Raises:
        OrderError: If there is no such choice, or it does not go with that memory.
    """
    kept: dict[str, Any] = {}
    if published:
        kept = {"attention": "frames", "shift": SHIFTS[published.kind]}
    config = usual_config(card, {**kept, **(usual or {}), **(changes or {})})
    if published and config.attention != "frames":
        raise OrderError(
            f"{published.name} reads a memory as frames, and attention is {config.attention}",
            hint="leave attention out of the config",
        )
    if published and config.is_compiled:
        raise OrderError(
            f"the updates of {published.name} are lent to layers, and compiled ones do not see it",
            hint="leave is_compiled out of the config",
        )
    if not published and config.attention == "frames":
        raise OrderError(
            "attention as frames needs the memory_weights that were trained for it",
            hint="choose joint or cached",
        )
    return config


def read_head(file: Path) -> Head:
    """
    Read what tensors a safetensors file holds.

    Args:
        file: The file.

    Returns:
        Their shapes.

    Raises:
        WeightsError: If it is no such file.
    """
    try:
        with file.open("rb") as content:
            (length,) = struct.unpack("<Q", content.read(8))
            if length > _MOST_HEAD_BYTES:
                raise ValueError(f"its head would be {length} bytes long")
            head = json.loads(content.read(length))
        return {
            key: tuple(int(size) for size in tensor["shape"])
            for key, tensor in head.items()
            if key != "__metadata__"
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError, struct.error) as error:
        raise WeightsError(
            f"{file.name} is no safetensors file",
            hint="a .pth file is a pickle, which may run code: convert it to safetensors once",
        ) from error


def _files(where: Path) -> tuple[Path, ...]:
    files = tuple(sorted(where.glob("*.safetensors"))) if where.is_dir() else (where,)
    if not files and any(where.glob("*.pth")):
        # Says what to do about a pickle.
        return (min(where.glob("*.pth")),)
    if not files or not files[0].is_file():
        raise WeightsError(f"there are no memory weights in {where}")
    return files


def _expert_of(file: Path, said: str | None) -> int:
    named = [expert for expert in EXPERTS if expert in file.stem]
    if said is None and len(named) != 1:
        raise WeightsError(
            f"{file.name} does not say whether it is for high or low noise",
            hint="published files are called backbone_high_noise and backbone_low_noise",
        )
    expert = said or named[0]
    if named and expert not in named:
        raise WeightsError(f"{file.name} holds an update of the {expert} expert")
    return EXPERTS.index(expert)


def _check_fit(
    found: list[dict[str, dict[str, tuple[Path, str, tuple[int, ...]]]]], folder: Path
) -> int:
    """See that every layer of the model has its update; its rank."""
    ranks = set()
    for number, (expert, layers) in enumerate(zip(EXPERTS, found, strict=True)):
        part = "transformer_2" if number else "transformer"
        config = json.loads((folder / part / "config.json").read_text("utf-8"))
        width = int(config["num_attention_heads"]) * int(config["attention_head_dim"])
        ffn, blocks = int(config["ffn_dim"]), int(config["num_layers"])
        wanted = {f"blocks.{block}.{name}" for block in range(blocks) for name in LAYERS.values()}
        if strange := sorted(set(layers) ^ wanted):
            word = "has no update of" if strange[0] in wanted else "updates"
            raise WeightsError(
                f"the {expert} expert {word} {strange[0]}, and the model has {blocks} blocks of "
                f"{len(LAYERS)} layers"
            )
        for name, halves in layers.items():
            sizes = (width, ffn) if name.endswith("net.2") else (width, width)
            sizes = (ffn, width) if name.endswith("proj") else sizes
            down, up = (halves[half][2] if half in halves else () for half in "AB")
            if len(down) != 2 or len(up) != 2 or (up[0], down[1]) != sizes or up[1] != down[0]:
                raise WeightsError(
                    f"the update of {name} is {down} and {up}, and the layer is {sizes}",
                    hint="name the model that the memory was trained for",
                )
            ranks.add(down[0])
    if len(ranks) != 1:
        raise WeightsError(f"the updates have ranks {sorted(ranks)}, and one is needed")
    return ranks.pop()
