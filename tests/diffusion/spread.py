"""
One of two processes over which the tokens of a tiny Wan are spread; a script of `test_spread`.

    spread.py RANK MEETING RESULT
"""

import sys
from pathlib import Path

import diffusers
import torch
from conftest import build, places
from torch import distributed

from onestory.diffusion.inject import joint

PROCESSES = 2
KINDS = ("t2v", "ti2v")


@torch.no_grad()
def spread(rank: int, meeting: Path, result: Path) -> None:
    """Draw alone and then together, and keep both."""
    distributed.init_process_group(
        "gloo", init_method=meeting.as_uri(), rank=rank, world_size=PROCESSES
    )
    # diffusers counts devices to find its own, and on the CPU there are none.
    torch.accelerator.device_count = lambda: 1
    drawn = {}
    for kind in KINDS:
        wan = build(kind)
        memory, positions = wan.tokens(wan.remembered(1)), places(1, start=-5)
        alone = [wan()]
        with joint(wan.model, memory, positions, timestep=0.0):
            alone.append(wan())
        wan.model.enable_parallelism(config=diffusers.ContextParallelConfig(ulysses_degree=2))
        with joint(wan.model, memory, positions, timestep=0.0):
            remembering = wan()
        # Once more without: nothing stays behind.
        drawn[kind] = (alone, [wan(), remembering])
    torch.save(drawn, result)
    distributed.destroy_process_group()


if __name__ == "__main__":
    spread(int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
