"""
Which few-step adapter lies in a file, and does it fit the model?

    diffusion_model.blocks.0.self_attn.q.lora_down.weight ─┐
    diffusion_model.blocks.0.self_attn.q.lora_A.weight ────┼── blocks.0.attn1.to_q ── down
    lora_unet_blocks_0_self_attn_q.lora_down.weight ───────┘

Adapters that draw in few steps (lightx2v, CausVid, Wan2.2-Lightning) are published as low-rank
updates of linear layers, under the names of the original Wan or of kohya's trainer. An update
counts by alpha over its rank; where no alpha stands, by 1. Beside them stand whole differences,
which are added to what the model has: `diff` to a weight, `diff_b` to a bias, `diff_m` to the
modulation of a block.

Those of lightx2v for Wan2.2-I2V-A14B also hold layers for image tokens, which only Wan2.1-I2V has:
they are passed over where the model has none.

Nothing is loaded: this module reads the heads of files and does without torch.

References: the names and the meaning of alpha, diff and diff_b as diffusers' Wan loader reads
them; https://huggingface.co/lightx2v. diff_m, which diffusers passes over, as in
https://github.com/kijai/ComfyUI-WanVideoWrapper/issues/807; image layers,
https://github.com/ModelTC/LightX2V/issues/1246.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from onestory.engines.wan.card import WanCard
from onestory.engines.wan.folder import experts_files
from onestory.engines.wan.published import LAYERS, read_head
from onestory.errors import WeightsError

FEW_STEPS: Mapping[str, Any] = {"steps": 4, "guidance": 1.0, "guidance_low": 1.0, "shift": 5.0}
"""Choices with an adapter, unless others are made. No file says them: those of lightx2v and
Wan2.2-Lightning."""

IN_BLOCKS: Mapping[str, str] = {
    **LAYERS,
    "cross_attn.k_img": "attn2.add_k_proj",
    "cross_attn.v_img": "attn2.add_v_proj",
    "self_attn.norm_q": "attn1.norm_q",
    "self_attn.norm_k": "attn1.norm_k",
    "cross_attn.norm_q": "attn2.norm_q",
    "cross_attn.norm_k": "attn2.norm_k",
    "cross_attn.norm_k_img": "attn2.norm_added_k",
    "norm3": "norm2",
}
"""Layers of a block: their name in the original Wan, and in diffusers."""

ELSEWHERE: Mapping[str, str] = {
    "patch_embedding": "patch_embedding",
    "text_embedding.0": "condition_embedder.text_embedder.linear_1",
    "text_embedding.2": "condition_embedder.text_embedder.linear_2",
    "time_embedding.0": "condition_embedder.time_embedder.linear_1",
    "time_embedding.2": "condition_embedder.time_embedder.linear_2",
    "time_projection.1": "condition_embedder.time_proj",
    "img_emb.proj.0": "condition_embedder.image_embedder.norm1",
    "img_emb.proj.1": "condition_embedder.image_embedder.ff.net.0.proj",
    "img_emb.proj.3": "condition_embedder.image_embedder.ff.net.2",
    "img_emb.proj.4": "condition_embedder.image_embedder.norm2",
    "head.head": "proj_out",
}

_KEY = re.compile(
    r"(?P<prefix>diffusion_model\.|lora_unet__?)(?P<layer>.+?)\."
    r"(?:(?P<half>lora_down|lora_up|lora_A|lora_B)(?:\.default)?\.weight"
    r"|(?P<whole>alpha|diff|diff_b|diff_m|lora_B\.bias))"
)
_PIECES = {
    "lora_A": "down",
    "lora_down": "down",
    "lora_B": "up",
    "lora_up": "up",
    "diff_b": "bias",
    "lora_B.bias": "bias",
    "diff_m": "modulation",
}
_FOR_IMAGES = ("add_k_proj", "add_v_proj", "norm_added_k", "image_embedder")
_BLOCK = re.compile(r"blocks\.(\d+)(?:\.(.+))?")
_KOHYAS = re.compile(r"blocks_(\d+)_(self_attn|cross_attn|ffn)_(.+)")


@dataclass(frozen=True, slots=True)
class Piece:
    """A tensor of an update."""

    key: str
    shape: tuple[int, ...]


Change = Mapping[str, Piece]
"""What is known of a layer's update: `down`, `up`, `alpha`, `bias`, `diff`; or of a block's, or the
whole model's: `modulation`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Adapter:
    """An adapter, found and checked."""

    files: tuple[Path, ...]
    """One, or one for each expert."""
    changes: tuple[Mapping[str, Change], ...]
    """For each file, by the layer's name in diffusers."""

    @property
    def num_parameters(self) -> int:
        """Of the updates that stay beside the model."""
        return sum(
            math.prod(change[half].shape)
            for layers in self.changes
            for change in layers.values()
            for half in ("down", "up")
            if half in change
        )


def find_adapter(place: str | Path | Sequence[str | Path], folder: Path, card: WanCard) -> Adapter:
    """
    Find an adapter.

    Args:
        place: A safetensors file; or two, for high noise and for low noise.
        folder: The model's.
        card: What the model is.

    Returns:
        Which tensor belongs to which layer.

    Raises:
        WeightsError: If there is none, it is of a form that we do not know, or of another model.
    """
    files = experts_files(place, card, "adapter", may_share=True)
    changes = []
    for number, file in enumerate(files):
        part = folder / ("transformer_2" if number else "transformer")
        config = json.loads((part / "config.json").read_text("utf-8"))
        layers = _read(file, has_images=config.get("image_dim") is not None)
        _check_fit(file, layers, config)
        changes.append(layers)
    return Adapter(files=files, changes=tuple(changes))


def _read(file: Path, *, has_images: bool) -> Mapping[str, Change]:
    """Sort the tensors of a file by the layers that they change."""
    found: dict[str, dict[str, Piece]] = {}
    for key, shape in read_head(file).items():
        match = _KEY.fullmatch(key)
        layer = match and _named(match["layer"], match["prefix"], match["whole"] or "")
        if match is None or layer is None:
            raise WeightsError(
                f"{file.name} is no adapter of a form that we know: it holds {key!r}",
                hint="an adapter is a low-rank update (LoRA) of a Wan, as safetensors",
            )
        if not has_images and any(name in layer for name in _FOR_IMAGES):
            continue
        said = match["half"] or match["whole"]
        found.setdefault(layer, {})[_PIECES.get(said, said)] = Piece(key, shape)
    if not found:
        raise WeightsError(f"{file.name} holds no update of any layer")
    return found


def _named(layer: str, prefix: str, whole: str) -> str | None:
    """The name that a layer has in diffusers; None if we know no such layer."""
    if whole == "diff_m":
        # Modulation is a block's own, or the whole model's.
        return "" if layer == "head" else layer if re.fullmatch(r"blocks\.\d+", layer) else None
    if prefix != "diffusion_model.":
        kohyas = _KOHYAS.fullmatch(layer)
        layer = f"blocks.{kohyas[1]}.{kohyas[2]}.{kohyas[3]}" if kohyas else layer
    block = _BLOCK.fullmatch(layer)
    if block is None:
        return ELSEWHERE.get(layer)
    ours = IN_BLOCKS.get(block[2] or "")
    return ours and f"blocks.{block[1]}.{ours}"


def _check_fit(file: Path, layers: Mapping[str, Change], config: Mapping[str, Any]) -> None:
    """See that updates are whole, and as large as the layers of the model's blocks."""
    width = int(config["num_attention_heads"]) * int(config["attention_head_dim"])
    ffn, blocks = int(config["ffn_dim"]), int(config["num_layers"])
    for name, change in layers.items():
        block = _BLOCK.fullmatch(name)
        if block and int(block[1]) >= blocks:
            raise WeightsError(
                f"{file.name} updates {name}, and the model has {blocks} blocks",
                hint="name the adapter that was trained for this model",
            )
        down, up = (change[half].shape if half in change else () for half in ("down", "up"))
        if not down and not up:
            continue
        if len(down) != 2 or len(up) != 2 or down[0] != up[1]:
            raise WeightsError(f"the update of {name} in {file.name} is not whole: {down}, {up}")
        sizes = (width, ffn) if name.endswith("ffn.net.2") else (width, width)
        sizes = (ffn, width) if name.endswith("ffn.net.0.proj") else sizes
        if block and (up[0], down[1]) != sizes:
            raise WeightsError(
                f"the update of {name} is for {(up[0], down[1])}, and the layer is {sizes}",
                hint="name the adapter that was trained for this model",
            )
