"""What do pocket weights look like where it does not matter what they draw? Tiny and untrained."""

from pathlib import Path

import torch
from torch import nn

from onestory.diffusion.codec import BlockCodec
from onestory.diffusion.pocket import PocketSize, new_modules, save_modules
from onestory.diffusion.sampling import Sampling
from onestory.engines.pocket.weights import write_rest

CHANNELS = 8


def tiny_codec() -> BlockCodec:
    """A codec with a basis drawn by lot; what it codes comes back blurred."""
    generator = torch.Generator().manual_seed(7)
    codec: BlockCodec = BlockCodec(channels=CHANNELS, refine_width=0, upscale=1)
    basis_CN = torch.randn(codec.basis_CN.shape, generator=generator)
    # The first direction is grey, so that light and dark survive.
    basis_CN[0] = 1.0
    basis_NC, _ = torch.linalg.qr(basis_CN.T)
    codec.basis_CN.copy_(basis_NC.T)
    codec.scale.fill_(0.04)
    codec.eval()
    return codec


def write_tiny_weights(folder: Path, *, seed: int = 0) -> Path:
    """
    Write a whole folder of pocket weights, a tenth of a megabyte.

    Args:
        folder: Where; made if it is not there.
        seed: Other seeds, other weights.

    Returns:
        The folder.
    """
    size = PocketSize(channels=CHANNELS, heads=2, head_dim=24, layers=2, ffn=48, selector_width=16)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        modules = new_modules(size)
        # Untrained they would draw nothing but what is given.
        nn.init.normal_(modules.transformer.proj_out.weight, std=0.2)
        with torch.no_grad():
            modules.transformer.patch_embedding.weight[:, -modules.blocking_channels :].normal_(
                std=0.2
            )
            modules.remember_as_drawn()
    save_modules(modules.to(torch.bfloat16), folder)
    write_rest(folder, tiny_codec(), Sampling())
    return folder


TINY_TRAINING = f"""
seed: 5
num_shots: 3
stories:
  - {{first: 0, count: 2}}
held_out: {{first: 1099511627776, count: 1}}
critic: {{stories: {{first: 4096, count: 2}}, steps: 2}}
size: {{channels: {CHANNELS}, heads: 2, head_dim: 24, layers: 2, ffn: 48, selector_width: 16}}
phases:
  - steps: 3
    kinds:
      picture: {{weight: 1, batch: 4}}
    matrix_rate: [0.02, 0.02]
    other_rate: [0.002, 0.002]
  - steps: 3
    kinds:
      picture: {{weight: 1, batch: 4}}
      recalled picture: {{weight: 1, batch: 4}}
      shot: {{weight: 1, batch: 2}}
    looks: 0.05
    matrix_rate: [0.02, 0.01]
    other_rate: [0.002, 0.001]
"""
"""A training file that takes seconds."""


def write_tiny_data(folder: Path) -> Path:
    """
    Put a codec into a data folder, so that none need be fitted.

    Args:
        folder: Where runs share codec and shards.

    Returns:
        The folder.
    """
    tiny_codec().save_pretrained(folder / "codec")
    return folder
