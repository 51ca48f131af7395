"""
Which packed weights lie in a GGUF file?

    blocks.0.self_attn.q.weight    Q4_K, Q8_0 …   stays packed, and is unpacked when it computes
    blocks.0.modulation, norms     F32, F16       as the model computes

A GGUF file holds a transformer alone, under the names of the original Wan. Text encoder, VAE and
all configurations are the folder's.

The package gguf reads it, and diffusers computes with it. torch is not needed here.
"""

import importlib.util
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from onestory.engines.wan.card import WanCard, WanConfig
from onestory.engines.wan.folder import experts_files
from onestory.errors import OrderError, WeightsError

MAGIC = b"GGUF"
PLAIN = ("F32", "F16")
"""Types that diffusers reads as tensors of the model's dtype."""
IN_FULL = ("modulation", "time_embedding", "norm3")
"""Layers that a Wan keeps in float32, by their names in the original Wan."""
FULL = 4
"""Bytes of a float32."""


def find_packed(
    place: str | Path | Sequence[str | Path], folder: Path, card: WanCard
) -> tuple[Path, ...]:
    """
    Find GGUF files.

    Args:
        place: A file; or two, for high noise and for low noise.
        folder: The model's.
        card: What the model is.

    Returns:
        A file for each transformer.

    Raises:
        WeightsError: If there is none, it is no GGUF file, or of a model with other blocks.
        OrderError: If the package that reads it is missing.
    """
    files = experts_files(place, card, "gguf", may_share=False)
    for file in files:
        with file.open("rb") as content:
            if content.read(len(MAGIC)) != MAGIC:
                raise WeightsError(f"{file.name} is no GGUF file")
    if importlib.util.find_spec("gguf") is None:
        raise OrderError("GGUF files are read by the package gguf, and it is not installed")
    for number, file in enumerate(files):
        part = folder / ("transformer_2" if number else "transformer")
        blocks = int(json.loads((part / "config.json").read_text("utf-8"))["num_layers"])
        names = [tensor.name.split(".") for tensor in _tensors(file)]
        found = {name[1] for name in names if name[0] == "blocks"}
        # diffusers would pass over what is too much.
        if len(found) != blocks:
            raise WeightsError(
                f"{file.name} holds {len(found)} blocks, and the model has {blocks}",
                hint="name the file of this model, with the names of the original Wan",
            )
    return files


def count_packed(file: Path, *, size: int) -> tuple[int, int]:
    """
    Count the weights in a GGUF file.

    Args:
        file: It.
        size: Bytes of a number in the dtype in which the transformer computes.

    Returns:
        How many there are, and their bytes once loaded.

    Raises:
        WeightsError: If it cannot be read.
    """
    number = num_bytes = 0
    for tensor in _tensors(file):
        elements = int(tensor.n_elements)
        number += elements
        if any(name in tensor.name.split(".") for name in IN_FULL):
            num_bytes += FULL * elements
        elif tensor.tensor_type.name in PLAIN:
            num_bytes += size * elements
        else:
            num_bytes += int(tensor.n_bytes)
    return number, num_bytes


def refuse_packed(config: WanConfig, *, has_memory_weights: bool) -> None:
    """
    Say what packed weights cannot do.

    Args:
        config: How the model is used.
        has_memory_weights: Whether others' memory is to be read with them.

    Raises:
        OrderError: In one sentence.
    """
    if config.storage == "fp8":
        raise OrderError(
            "weights of a GGUF file are packed already, and storage is fp8",
            hint="leave storage out of the config",
        )
    if config.is_compiled:
        raise OrderError(
            "blocks whose weights are unpacked from GGUF are not compiled",
            hint="leave is_compiled out of the config",
        )
    if has_memory_weights:
        raise OrderError(
            "a memory that others published needs weights as they are, and gguf packs them",
            hint="leave gguf or memory_weights out",
        )


def _tensors(file: Path) -> list[Any]:
    from gguf import GGUFReader

    try:
        return list(GGUFReader(file).tensors)
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise WeightsError(f"{file.name} cannot be read: {error}") from error
