"""
Where do the weights lie, and what are they called?

    weights/  model_index.json
              transformer/   WanTransformer3DModel    memory/conditioner/   patchifiers
              vae/           BlockCodec               memory/selector/      frame selection
              scheduler/     UniPC, flow matching

A diffusers folder, safetensors only. Trained modules are in it as `save_modules` writes them;
`write_rest` adds what else belongs there. The text encoder comes with its own package.
"""

import hashlib
import json
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from onestory.errors import WeightsError

if TYPE_CHECKING:
    from onestory.diffusion.codec import BlockCodec
    from onestory.diffusion.sampling import Sampling

PACKAGED = Path(__file__).parent / "weights"
"""The weights that are shipped."""

PARTS = ("transformer", "vae", "memory/conditioner", "memory/selector", "preconditioner")
"""Folders that hold weights."""

TEXT_ENCODER = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""sha256 of the text encoder's weights, as `onestory.diffusion.text` checks it: written down here
too, so that an engine is named without loading torch."""

_INDEX = {
    "_class_name": "OneStoryPocket",
    "transformer": ["diffusers", "WanTransformer3DModel"],
    "vae": ["onestory.diffusion.codec", "BlockCodec"],
    "scheduler": ["diffusers", "UniPCMultistepScheduler"],
    "memory/conditioner": ["onestory.memory.conditioner", "AdaptiveConditioner"],
    "memory/selector": ["onestory.memory.selector", "FrameSelector"],
    "preconditioner": ["onestory.diffusion.preconditioning", "Preconditioner"],
    "text_encoder": ["onestory.diffusion.text", "MiniLmText"],
}


def find_weights(folder: str | Path | None = None) -> Path:
    """
    Find a whole folder of weights.

    Args:
        folder: Where they lie; None for the ones that are shipped.

    Returns:
        The folder, absolute.

    Raises:
        WeightsError: If one of its parts is not there.
    """
    place = Path(folder).expanduser().absolute() if folder else PACKAGED
    missing = [part for part in PARTS if not list((place / part).glob("*.safetensors"))]
    if missing:
        raise WeightsError(
            f"{len(missing)} of {len(PARTS)} parts of the pocket weights are missing in {place}: "
            + ", ".join(missing),
            hint="train them with: onestory train pocket",
        )
    return place


def weights_digest(folder: Path) -> str:
    """
    Name the weights of a folder: sha256 over the sha256 of every safetensors file in it.

    The text encoder's are among them. Read once, as long as no file changes.
    """
    files = sorted(folder.rglob("*.safetensors"))
    stamps = tuple((path, path.stat().st_size, path.stat().st_mtime_ns) for path in files)
    return _digest(folder, stamps)


@lru_cache(maxsize=8)
def _digest(folder: Path, stamps: tuple[tuple[Path, int, int], ...]) -> str:
    whole = hashlib.sha256()
    for path, _, _ in stamps:
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        whole.update(f"{path.relative_to(folder).as_posix()} {content}\n".encode())
    whole.update(f"text_encoder {TEXT_ENCODER}\n".encode())
    return f"sha256:{whole.hexdigest()}"


def write_rest(folder: Path, codec: "BlockCodec", sampling: "Sampling") -> None:
    """
    Complete a folder of trained modules.

    Args:
        folder: What `save_modules` has written.
        codec: Makes frames of latents.
        sampling: The sampler that goes with the weights.
    """
    from diffusers.schedulers.scheduling_unipc_multistep import UniPCMultistepScheduler

    codec.save_pretrained(folder / "vae")
    UniPCMultistepScheduler(
        prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=sampling.shift
    ).save_pretrained(folder / "scheduler")
    (folder / "model_index.json").write_text(json.dumps(_INDEX, indent=2) + "\n", "utf-8")
