"""Steps are functions of their numbers, so no kill leaves a trace in the weights."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from onestory.diffusion.pocket import load_modules
from onestory.errors import WeightsError
from onestory.training.batches import Stories
from onestory.training.checkpoints import NAME
from onestory.training.config import TrainingConfig
from onestory.training.trainer import CLIP, Trainer, log_to

PROGRAM = """
import sys
from pathlib import Path
from onestory.training.batches import Stories
from onestory.training.config import TrainingConfig
from onestory.training.trainer import Trainer, log_to

config, folder, *shards = sys.argv[1:]
trainer = Trainer(
    TrainingConfig.model_validate_json(config),
    Stories([Path(shard) for shard in shards], num_shots=3),
    Path(folder),
)
for _ in trainer.run(keep_every=2, report=log_to(Path(folder) / "log.jsonl")):
    pass
"""

Curve = dict[int, dict[str, float]]


@pytest.fixture(scope="module", name="longer")
def _longer(config: TrainingConfig) -> TrainingConfig:
    """Four steps of pictures, then twelve of everything."""
    first, second = config.phases
    phases = (
        first.model_copy(update={"steps": 4, "warm_up": True}),
        second.model_copy(update={"steps": 12, "budgets": (0.5, 1.0, 2.0)}),
    )
    return config.model_copy(update={"phases": phases})


@pytest.fixture(name="trainer")
def _trainer(longer: TrainingConfig, stories: Stories, tmp_path: Path) -> Trainer:
    return Trainer(longer, stories, tmp_path)


def steps_of(trainer: Trainer, until: int | None = None, *, keep_every: int = 100) -> Curve:
    """Take steps and note what each came to."""
    curve: Curve = {}
    for _ in trainer.run(
        keep_every=keep_every,
        report=lambda step, told: curve.update({step: dict(told)}),
        until=until,
    ):
        pass
    return curve


def without_time(curve: Curve) -> Curve:
    """All but how long it took."""
    return {
        step: {name: value for name, value in told.items() if name != "seconds"}
        for step, told in curve.items()
    }


def equal(one: Trainer, other: Trainer) -> bool:
    """Whether weights, heads and averages are equal to the bit."""
    pairs = zip(one._parts().values(), other._parts().values(), strict=True)
    return all(
        torch.equal(value, b.state_dict()[name])
        for a, b in pairs
        for name, value in a.state_dict().items()
    )


@pytest.fixture(scope="module", name="whole")
def _whole(
    longer: TrainingConfig, stories: Stories, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Trainer, Curve]:
    """A run that nobody interrupted."""
    trainer = Trainer(longer, stories, tmp_path_factory.mktemp("whole"))
    return trainer, steps_of(trainer)


def test_a_killed_run_ends_as_if_never_killed(
    whole: tuple[Trainer, Curve],
    longer: TrainingConfig,
    stories: Stories,
    shards: list[Path],
    tmp_path: Path,
) -> None:
    """SIGKILL at any moment, taken up again: every loss and every weight to the bit."""
    trainer, curve = whole
    log = tmp_path / "log.jsonl"
    command = [sys.executable, "-c", PROGRAM, longer.model_dump_json(), tmp_path, *shards]
    environment = os.environ | {"OMP_NUM_THREADS": str(torch.get_num_threads())}
    process = subprocess.Popen([str(part) for part in command], env=environment)
    wanted, pause = random.randint(1, longer.steps - 2), random.uniform(0, 0.2)
    deadline = time.monotonic() + 300
    while not (log.exists() and log.read_bytes().count(b"\n") >= wanted):
        # Between two looks it may have taken all of its steps.
        assert process.poll() in (None, 0)
        assert time.monotonic() < deadline
        time.sleep(0.005)
    time.sleep(pause)
    process.send_signal(signal.SIGKILL)
    process.wait()
    told = [
        json.loads(line) for line in log.read_text().splitlines(keepends=True) if line[-1] == "\n"
    ]
    before = without_time({one.pop("step"): one for one in told})

    again = Trainer(longer, stories, tmp_path)
    started = again.step
    after = without_time(steps_of(again))

    moment = f"killed {pause:.3f} s after step {wanted}, taken up at {started}"
    assert started <= len(before) <= started + 2, moment
    assert started % 2 == 0, moment
    assert (before | after) == without_time(curve), moment
    assert after.keys() | before.keys() == set(range(1, longer.steps + 1)), moment
    assert equal(again, trainer), moment


def test_stops_at_any_step_leave_no_trace(
    whole: tuple[Trainer, Curve], longer: TrainingConfig, stories: Stories, tmp_path: Path
) -> None:
    """Stopped before, at and behind the change of phase, a run is one run."""
    trainer, curve = whole
    taken: Curve = {}
    for until in (3, 4, 5, None):
        again = Trainer(longer, stories, tmp_path)
        taken |= steps_of(again, until)

    assert without_time(taken) == without_time(curve)
    assert equal(again, trainer)


def test_another_seed_is_another_run(
    whole: tuple[Trainer, Curve], longer: TrainingConfig, stories: Stories, tmp_path: Path
) -> None:
    """Weights and samples follow the seed of the file."""
    other = Trainer(longer.model_copy(update={"seed": 6}), stories, tmp_path)
    first = steps_of(other, 1)[1]

    assert first["flow"] != whole[1][1]["flow"]
    assert not equal(other, whole[0])


def test_a_new_phase_brings_its_kinds_and_rates(
    whole: tuple[Trainer, Curve], longer: TrainingConfig, stories: Stories, tmp_path: Path
) -> None:
    """Pictures alone at first, then everything the second phase asks for, at its own rates."""
    _, curve = whole
    kinds = {
        step: next(name for name in told if name.startswith("flow of ")).removeprefix("flow of ")
        for step, told in curve.items()
    }

    assert {kinds[step] for step in range(1, 5)} == {"picture"}
    assert {kinds[step] for step in range(5, 17)} == {"picture", "recalled picture", "shot"}
    assert all(("selector" in told) == (kinds[step] != "picture") for step, told in curve.items())

    trainer = Trainer(longer, stories, tmp_path)
    rates = []
    for step in range(16):
        trainer.step = step
        trainer._set_rates(*longer.at(step))
        groups = [trainer.optimizers[name].param_groups for name in ("muon", "adamw")]
        rates.append(tuple(group[0]["lr"] * 50 / (step + 1) for group in groups))
    assert rates[3] == pytest.approx((0.02, 0.002))
    assert rates[4] == pytest.approx((0.02, 0.002))
    assert rates[10] == pytest.approx((0.015, 0.0015))


@pytest.mark.parametrize("as_drawn", [True, False])
def test_memory_can_begin_in_tokens_of_what_is_drawn(
    longer: TrainingConfig, stories: Stories, tmp_path: Path, as_drawn: bool
) -> None:
    """Where a phase asks for it, its first step finds patchifiers that are the patch embedding."""
    first, second = longer.phases
    asked = longer.model_copy(
        update={"phases": (first, second.model_copy(update={"memory_as_drawn": as_drawn}))}
    )
    trainer = Trainer(asked, stories, tmp_path)
    steps_of(trainer, 4)
    embeddings = [
        modules.transformer.patch_embedding.weight.clone()
        for modules in (trainer.modules, trainer.average)
    ]
    found = []

    def look(*_: object) -> None:
        for modules, embedding in zip((trainer.modules, trainer.average), embeddings, strict=True):
            weight = modules.conditioner.patchifiers[0].weight
            found.append(torch.equal(weight, embedding[:, : weight.shape[1]]))

    trainer._set_rates = look  # type: ignore[method-assign]
    steps_of(trainer, 5)

    assert found == [as_drawn, as_drawn]


def test_the_average_follows_the_weights(trainer: Trainer) -> None:
    """After each step it moves towards the weights, by what the file says at most."""
    shares = [min(trainer.config.ema, (1 + step) / (10 + step)) for step in range(3)]
    expected = {name: value.clone() for name, value in trainer.modules.named_parameters()}
    for step in range(3):
        steps_of(trainer, step + 1)
        for name, value in trainer.modules.named_parameters():
            expected[name] = torch.lerp(expected[name], value.detach(), 1 - shares[step])

    averaged = dict(trainer.average.named_parameters())
    assert all(torch.allclose(averaged[name], expected[name], atol=1e-6) for name in expected)
    assert any(
        not torch.equal(averaged[name], value) for name, value in trainer.modules.named_parameters()
    )
    assert not any(value.requires_grad for value in averaged.values())


def test_every_part_learns(
    whole: tuple[Trainer, Curve], longer: TrainingConfig, stories: Stories, tmp_path: Path
) -> None:
    """Transformer, conditioner, selector and heads all move within a run."""
    begun = Trainer(longer, stories, tmp_path)
    for part in ("transformer", "conditioner", "selector"):
        before, after = (getattr(one.modules, part).state_dict() for one in (begun, whole[0]))
        still = [name for name, value in before.items() if torch.equal(value, after[name])]
        assert len(still) < 0.2 * len(before), (part, still)
    assert not torch.equal(begun.teacher.parts.weight, whole[0].teacher.parts.weight)


def test_a_checkpoint_is_kept_every_few_steps(trainer: Trainer, tmp_path: Path) -> None:
    """Every third step and at the end, each time it is said how far the run is."""
    kept = list(trainer.run(keep_every=3, report=lambda step, told: None, until=5))

    assert kept == [3, 5]
    assert (tmp_path / NAME).is_file()
    assert list(trainer.run(keep_every=3, report=lambda step, told: None, until=5)) == []


def test_what_a_step_came_to_is_told(whole: tuple[Trainer, Curve]) -> None:
    """Losses, the size of the gradient and the time, all of them numbers."""
    _, curve = whole

    assert list(curve) == list(range(1, 17))
    for told in curve.values():
        assert {"flow", "parts", "memory", "norm", "seconds"} <= told.keys()
        assert all(value == value and abs(value) < 1e9 for value in told.values())
        assert told["norm"] > 0
    assert CLIP == 1.0


def test_the_log_holds_a_line_for_every_step(tmp_path: Path) -> None:
    """Lines are appended, each a document of its own."""
    report: Callable[[int, Any], None] = log_to(tmp_path / "run" / "log.jsonl")
    report(1, {"flow": 0.5})
    log_to(tmp_path / "run" / "log.jsonl")(2, {"flow": 0.25})

    lines = (tmp_path / "run" / "log.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [
        {"step": 1, "flow": 0.5},
        {"step": 2, "flow": 0.25},
    ]


@pytest.fixture(scope="module", name="afresh")
def _afresh(longer: TrainingConfig) -> TrainingConfig:
    """A run that begins afresh after its first phase."""
    first, second = longer.phases
    return longer.model_copy(
        update={"phases": (first, second.model_copy(update={"afresh": True, "steps": 3}))}
    )


def test_whoever_has_the_weights_alone_goes_on_as_the_run_itself(
    afresh: TrainingConfig, stories: Stories, tmp_path: Path
) -> None:
    """Where a phase begins afresh, exported weights are all that the rest of a run depends on."""
    whole = Trainer(afresh, stories, tmp_path / "whole")
    steps_of(whole, 4)
    whole.export(tmp_path / "export")
    expected = steps_of(whole)
    other = Trainer(afresh, stories, tmp_path / "other")
    other.go_on_from(tmp_path / "export")

    assert other.step == 4
    assert without_time(steps_of(other)) == without_time(expected)
    assert equal(other, whole)


def test_weights_are_gone_on_from_only_where_a_phase_begins_afresh(
    longer: TrainingConfig, afresh: TrainingConfig, stories: Stories, tmp_path: Path
) -> None:
    """Elsewhere the run would be another one, and so it would with weights of another size."""
    trainer = Trainer(afresh, stories, tmp_path / "run")
    steps_of(trainer, 3)
    trainer.export(tmp_path / "early")
    steps_of(trainer, 4)
    trainer.export(tmp_path / "export")
    small = afresh.size.model_copy(update={"layers": 1})
    small_config = afresh.model_copy(update={"size": small})

    for config, weights in (
        (afresh, "early"),
        (afresh, "nowhere"),
        (longer, "export"),
        (small_config, "export"),
    ):
        other = Trainer(config, stories, tmp_path / "other")
        with pytest.raises(WeightsError):
            other.go_on_from(tmp_path / weights)


def test_the_average_is_what_is_shipped(whole: tuple[Trainer, Curve], tmp_path: Path) -> None:
    """Exported weights are the averaged ones, rounded to bfloat16, and the run goes on in full."""
    trainer, _ = whole
    trainer.export(tmp_path)
    shipped = load_modules(tmp_path).state_dict()

    for name, value in trainer.average.state_dict().items():
        assert torch.equal(shipped[name], value.to(torch.bfloat16).float()), name
    assert next(trainer.average.parameters()).dtype == torch.float32
