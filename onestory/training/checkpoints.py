"""
How does a run go on after its machine was switched off? From one file that is whole or absent.

Weights, their moving average and the optimizers' state lie in one safetensors file, written
under another name and renamed. Nothing is pickled.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn
from torch.optim import Optimizer

from onestory.errors import WeightsError

NAME = "checkpoint.safetensors"


def write_checkpoint(
    folder: Path,
    step: int,
    modules: Mapping[str, nn.Module],
    optimizers: Mapping[str, Optimizer],
) -> None:
    """
    Keep a run.

    Args:
        folder: Where; made if it is not there.
        step: Steps that were taken.
        modules: By name, parameters and buffers.
        optimizers: By name.
    """
    tensors: dict[str, torch.Tensor] = {}
    for name, module in modules.items():
        for key, value in module.state_dict().items():
            tensors[f"{name}/{key}"] = value.contiguous()
    for name, optimizer in optimizers.items():
        for index, state in optimizer.state_dict()["state"].items():
            for key, value in state.items():
                tensors[f"{name}/{index}/{key}"] = torch.as_tensor(value).contiguous()
    folder.mkdir(parents=True, exist_ok=True)
    hidden = folder / f"{NAME}.part"
    save_file(tensors, hidden, metadata={"step": json.dumps(step)})
    hidden.replace(folder / NAME)


def read_checkpoint(
    folder: Path,
    modules: Mapping[str, nn.Module],
    optimizers: Mapping[str, Optimizer],
) -> int:
    """
    Take a run up again.

    Args:
        folder: Where it was kept.
        modules: Filled in place.
        optimizers: Filled in place.

    Returns:
        Steps that were taken; 0 if nothing was kept.

    Raises:
        WeightsError: If what was kept is of other modules.
    """
    path = folder / NAME
    if not path.exists():
        return 0
    with safe_open(path, framework="pt") as file:
        step = int(json.loads(file.metadata()["step"]))
        keys = list(file.keys())
        try:
            for name, module in modules.items():
                module.load_state_dict(
                    {
                        key.removeprefix(f"{name}/"): file.get_tensor(key)
                        for key in keys
                        if key.startswith(f"{name}/")
                    }
                )
        except RuntimeError as error:
            raise WeightsError(f"{path} is of another model: {error}") from error
        for name, optimizer in optimizers.items():
            states: dict[int, dict[str, torch.Tensor]] = {}
            for key in keys:
                if key.startswith(f"{name}/"):
                    _, index, field = key.split("/")
                    states.setdefault(int(index), {})[field] = file.get_tensor(key)
            packed = optimizer.state_dict()
            optimizer.load_state_dict({**packed, "state": states})
    return step
