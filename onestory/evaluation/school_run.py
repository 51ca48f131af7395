"""
How far is a run in which the gates' encoders are schooled? So far as it was last written down.

    folder ─┬─ tokenizer/ ─────────────────────────────────┐
            └─ run.safetensors ── pupils, Muon, AdamW, ────┴── run ── run.safetensors
                                  who was seen last
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch.optim import AdamW

from onestory.errors import WeightsError
from onestory.evaluation.contrast import ContrastMemory
from onestory.evaluation.curriculum import Schooling
from onestory.evaluation.optimizer import KernelMuon
from onestory.evaluation.pupils import Pupils, make_tokenizer
from onestory.storyworld.stories import tell_story

RUN = "run.safetensors"
"""A run as it was last written down, in its folder."""

_MEMORIES = ("people", "places")
_ROWS = ("embedding", "label", "light")


@dataclass(kw_only=True)
class Run:
    """A run so far."""

    pupils: Pupils
    tokenizer: Any
    muon: KernelMuon
    optimizer: AdamW
    people: ContrastMemory
    places: ContrastMemory
    step: int = 0


def begin(folder: Path, choices: Schooling, start: Path | None = None) -> Run:
    """
    Begin a run, or take it up where it was last written down.

    Args:
        folder: Keeps it: `tokenizer/` and `run.safetensors`.
        choices: Of the run.
        start: Folder of another run, from whose state a new one begins; None to begin with nothing.

    Raises:
        WeightsError: If there is no run at `start`.
    """
    tokenizer = _tokenizer(folder / "tokenizer", choices)
    with torch.random.fork_rng():
        torch.manual_seed(choices.seed)
        pupils = Pupils(choices.sizes, len(tokenizer))
    kernels = list(pupils.kernels())
    moved = {id(one) for one in kernels}
    plain = [one for one in pupils.parameters() if id(one) not in moved]
    run = Run(
        pupils=pupils.train(),
        tokenizer=tokenizer,
        muon=KernelMuon(kernels),
        optimizer=AdamW(plain, lr=0.0, betas=(0.9, 0.98), weight_decay=1e-2),
        people=ContrastMemory(choices.queue),
        places=ContrastMemory(choices.queue),
    )
    if (folder / RUN).exists():
        _resume(folder / RUN, run)
    elif start is not None:
        if not (start / RUN).is_file():
            raise WeightsError(f"{start} holds no run", hint=f"name a folder with {RUN}")
        _resume(start / RUN, run)
        run.step = 0
    return run


def _tokenizer(folder: Path, choices: Schooling) -> Any:
    from transformers import AutoTokenizer

    if not folder.exists():
        seeds = range(choices.first_seed, choices.first_seed + 600)
        captions = [shot.caption for seed in seeds for shot in tell_story(seed).shots]
        made = make_tokenizer(captions, choices.sizes.words, choices.sizes.caption_tokens)
        hidden = folder.with_suffix(".part")
        made.save_pretrained(hidden)
        hidden.rename(folder)
    return AutoTokenizer.from_pretrained(folder)


def keep(path: Path, run: Run) -> None:
    """Write a run down; it is never there by half."""
    tensors = {f"model.{name}": value for name, value in run.pupils.state_dict().items()}
    for number, momentum in enumerate(run.muon.momenta):
        tensors[f"momentum.{number}"] = momentum
    for number, parameter in enumerate(run.optimizer.param_groups[0]["params"]):
        for moment, value in run.optimizer.state[parameter].items():
            tensors[f"{moment}.{number}"] = value
    for name in _MEMORIES:
        rows = getattr(run, name).rows
        if rows is not None:
            tensors |= {f"{name}.{row}": value for row, value in zip(_ROWS, rows, strict=True)}
    path.parent.mkdir(parents=True, exist_ok=True)
    hidden = path.with_suffix(".part")
    save_file(
        {name: value.detach().contiguous().clone() for name, value in tensors.items()},
        hidden,
        metadata={"step": str(run.step)},
    )
    hidden.replace(path)


def _resume(path: Path, run: Run) -> None:
    with safe_open(path, framework="pt") as file:
        names = set(file.keys())
        run.pupils.load_state_dict(
            {name: file.get_tensor(f"model.{name}") for name in run.pupils.state_dict()}
        )
        for number, momentum in enumerate(run.muon.momenta):
            momentum.copy_(file.get_tensor(f"momentum.{number}"))
        for number, parameter in enumerate(run.optimizer.param_groups[0]["params"]):
            run.optimizer.state[parameter] = {
                moment: file.get_tensor(f"{moment}.{number}")
                for moment in ("step", "exp_avg", "exp_avg_sq")
                if f"{moment}.{number}" in names
            }
        for name in _MEMORIES:
            if f"{name}.label" in names:
                embedding, label, light = (file.get_tensor(f"{name}.{row}") for row in _ROWS)
                getattr(run, name).rows = (embedding, label, light)
        run.step = int(file.metadata()["step"])
