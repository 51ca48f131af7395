"""
How do pocket weights come about? Step after step, each a function of (seed, step, data).

    Stories ── batch ── losses ── Muon on the blocks' matrices ── weights ── EMA
                                  AdamW on the rest                 │
    checkpoint every few steps ◄────────────────────────────────────┘

A step draws its own random numbers from its own number, so a run that was killed repeats the steps
since its last checkpoint and then goes on as if nothing had happened.
"""

import copy
import json
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.optim import AdamW, Muon, Optimizer

from onestory.diffusion.plain_attention import PlainAttention
from onestory.diffusion.pocket import (
    PocketModules,
    PocketSize,
    load_modules,
    new_modules,
    save_modules,
)
from onestory.errors import WeightsError
from onestory.training.batches import Kind, Stories
from onestory.training.checkpoints import read_checkpoint, write_checkpoint
from onestory.training.config import Phase, TrainingConfig
from onestory.training.critic import Critic
from onestory.training.objective import Teacher, losses

Report = Callable[[int, Mapping[str, float]], None]
"""Is told the step and what it came to."""

CLIP = 1.0
"""Largest norm of a gradient."""

EXPORTED = "training.json"
"""Says beside exported weights how many steps were taken."""

DATA, DRAWS = 0, 1
"""What a step's random numbers are for."""


class Trainer:
    """One run."""

    def __init__(
        self,
        config: TrainingConfig,
        stories: Stories,
        folder: Path,
        *,
        critic: Critic | None = None,
    ) -> None:
        """
        Start a run, or take it up again.

        Args:
            config: What it depends on.
            stories: What it reads.
            folder: Holds its checkpoint and its log.
            critic: Reads looks off what is drawn, where a phase asks for it; stays as it is.

        Raises:
            WeightsError: If the folder holds a run of another model.
        """
        torch.manual_seed(config.seed)
        self.config = config
        self.stories = stories
        self.folder = folder
        self.critic = None if critic is None else critic.eval().requires_grad_(False)
        self.modules = new_modules(PocketSize(**config.size.model_dump()))
        self.modules.expect(stories.std_C)
        self.teacher = Teacher(config.size.heads * config.size.head_dim)
        self.average = copy.deepcopy(self.modules).requires_grad_(False)
        matrices, others = _split(self.modules, self.teacher)
        self.optimizers: dict[str, Optimizer] = {
            "muon": Muon(matrices, lr=0.0, weight_decay=0.0),
            "adamw": AdamW(others, lr=0.0, betas=(0.9, 0.99), weight_decay=0.0),
        }
        self.step = read_checkpoint(folder, self._parts(), self.optimizers)

    def _parts(self) -> dict[str, nn.Module]:
        return {"model": self.modules, "teacher": self.teacher, "average": self.average}

    def go_on_from(self, folder: Path) -> None:
        """
        Go on from exported weights, if a phase begins afresh where they were exported.

        Args:
            folder: What `export` has written.

        Raises:
            WeightsError: If no phase does, or the weights are of another model.
        """
        try:
            step = int(json.loads((folder / EXPORTED).read_text("utf-8"))["steps"])
            self._begin_afresh(load_modules(folder).state_dict())
        except (OSError, ValueError, LookupError, RuntimeError) as error:
            raise WeightsError(f"{folder} holds no weights of this model: {error}") from error
        phase, progress = self.config.at(min(step, self.config.steps - 1))
        if progress or not phase.afresh:
            raise WeightsError(
                f"the weights in {folder} are of step {step}, where no phase begins afresh"
            )
        self.step = step

    def _begin_afresh(self, weights: Mapping[str, torch.Tensor]) -> None:
        shipped = {name: value.to(torch.bfloat16) for name, value in weights.items()}
        for modules in (self.modules, self.average):
            modules.load_state_dict(shipped)
        self.teacher.load_state_dict(_new_teacher(self.config).state_dict())
        for optimizer in self.optimizers.values():
            optimizer.state.clear()

    def run(self, *, keep_every: int, report: Report, until: int | None = None) -> Iterator[int]:
        """
        Take the steps that are left.

        Args:
            keep_every: Steps between two checkpoints.
            report: Is told every step.
            until: Stop after so many steps of the run; None for all of them.

        Yields:
            The number of steps taken, after each checkpoint.
        """
        end = self.config.steps if until is None else min(until, self.config.steps)
        while self.step < end:
            started = time.monotonic()
            told = self._take_step()
            self.step += 1
            report(self.step, {**told, "seconds": time.monotonic() - started})
            if self.step % keep_every == 0 or self.step == end:
                write_checkpoint(self.folder, self.step, self._parts(), self.optimizers)
                yield self.step

    def _take_step(self) -> dict[str, float]:
        phase, progress = self.config.at(self.step)
        if progress == 0 and phase.afresh:
            self._begin_afresh(self.average.state_dict())
        if progress == 0 and phase.text_gain != 1:
            for modules in (self.modules, self.average):
                modules.make_captions_louder(phase.text_gain)
        if progress == 0 and phase.memory_as_drawn:
            for modules in (self.modules, self.average):
                modules.remember_as_drawn()
        rng = np.random.default_rng([self.config.seed, self.step, DRAWS])
        kind = _draw_kind(phase, rng)
        batch = self.stories.batch(
            kind,
            phase.kinds[kind].batch,
            (self.config.seed, self.step, DATA),
            named=phase.named,
        )
        self._set_rates(phase, progress)
        with PlainAttention(), torch.autocast("cpu", torch.bfloat16):
            loss = losses(self.modules, self.teacher, batch, self.config, phase, rng, self.critic)
        for optimizer in self.optimizers.values():
            optimizer.zero_grad(set_to_none=True)
        loss.total.backward()  # type: ignore[no-untyped-call]
        trained = [*self.modules.parameters(), *self.teacher.parameters()]
        for parameter in trained:
            # What a step happens not to use (memory, dropped) takes part with a gradient of zero.
            # A step that is about the selector alone leaves everything else as it is.
            if parameter.grad is None and kind != "selection":
                parameter.grad = torch.zeros_like(parameter)
        norm = nn.utils.clip_grad_norm_([p for p in trained if p.grad is not None], CLIP)
        for optimizer in self.optimizers.values():
            optimizer.step()
        self._average()
        told = {**loss.told, "loss": float(loss.total.detach()), "norm": float(norm)}
        return told if kind == "selection" else {**told, f"flow of {kind}": told["flow"]}

    def _set_rates(self, phase: Phase, progress: float) -> None:
        rise = min(1.0, (self.step + 1) / 50)
        for name, (start, end) in (("muon", phase.matrix_rate), ("adamw", phase.other_rate)):
            for group in self.optimizers[name].param_groups:
                group["lr"] = rise * (start + (end - start) * progress)

    @torch.no_grad()
    def _average(self) -> None:
        share = min(self.config.ema, (1 + self.step) / (10 + self.step))
        torch._foreach_lerp_(
            list(self.average.parameters()), list(self.modules.parameters()), 1.0 - share
        )

    def export(self, folder: Path) -> None:
        """Write the averaged weights, bfloat16, as the engine reads them, and of which step."""
        averaged = copy.deepcopy(self.average).to(torch.bfloat16)
        save_modules(averaged, folder)
        (folder / EXPORTED).write_text(json.dumps({"steps": self.step}) + "\n", "utf-8")


def _new_teacher(config: TrainingConfig) -> Teacher:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        return Teacher(config.size.heads * config.size.head_dim)


def _draw_kind(phase: Phase, rng: np.random.Generator) -> Kind:
    names = list(phase.kinds)
    weights = np.array([phase.kinds[name].weight for name in names])
    return names[int(rng.choice(len(names), p=weights / weights.sum()))]


def _split(
    modules: PocketModules, teacher: Teacher
) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """Matrices of the blocks, and everything else."""
    matrices = [p for p in modules.transformer.blocks.parameters() if p.ndim == 2]
    chosen = {id(parameter) for parameter in matrices}
    others = [
        parameter
        for parameter in [*modules.parameters(), *teacher.parameters()]
        if id(parameter) not in chosen
    ]
    return matrices, others


def log_to(path: Path) -> Report:
    """Append every step to a file, one JSON document a line."""
    path.parent.mkdir(parents=True, exist_ok=True)

    def report(step: int, told: Mapping[str, float]) -> None:
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"step": step, **told}) + "\n")

    return report
