"""Is a memory read the same where a shot's tokens are spread over two processes?"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

TOLERANCE = 1e-5
"""Largest difference that may come of heads that are computed apart, in float32."""


@pytest.mark.slow
def test_a_memory_is_spread_with_the_shot(tmp_path: Path) -> None:
    """Two real processes draw what one draws, with a memory and without; where tokens have times
    of their own as well; and each of them alone again afterwards."""
    script = Path(__file__).parent / "spread.py"
    results = [tmp_path / f"{rank}.pt" for rank in range(2)]
    processes = [
        subprocess.Popen(
            [sys.executable, script, str(rank), tmp_path / "meeting", result],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank, result in enumerate(results)
    ]
    said = [process.communicate(timeout=500)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said

    for result in results:
        for (plain, remembering), (spread, both), after in torch.load(result).values():
            assert (spread - plain).abs().max() < TOLERANCE
            assert (both - remembering).abs().max() < TOLERANCE
            assert (remembering - plain).abs().max() > 0.001
            assert torch.equal(after, plain)
