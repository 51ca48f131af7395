"""
One of two processes over which the tokens of a tiny Wan are spread; a script of `test_spread`.

    spread.py RANK MEETING RESULT
"""

import sys
from pathlib import Path

import torch
from conftest import build, places

from onestory.diffusion import spreading
from onestory.diffusion.inject import joint

PROCESSES = 2
KINDS = ("t2v", "ti2v")


@torch.no_grad()
def spread(rank: int, meeting: Path, result: Path) -> None:
    """Draw alone and then together, and keep both."""
    parallel = spreading.meet(meeting, rank=rank, cards=PROCESSES, device=torch.device("cpu"))
    drawn = {}
    for kind in KINDS:
        wan = build(kind)
        memory, positions = wan.tokens(wan.remembered(1)), places(1, start=-5)
        alone = [wan()]
        with joint(wan.model, memory, positions, timestep=0.0):
            alone.append(wan())
        with spreading.spread([wan.model], parallel):
            with joint(wan.model, memory, positions, timestep=0.0):
                remembering = wan()
            # Once more without: nothing stays behind.
            together = [wan(), remembering]
        drawn[kind] = (alone, together, wan())
    torch.save(drawn, result)
    spreading.part()


if __name__ == "__main__":
    spread(int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
