"""
What happens between an order to train and the weights?

    training file read ── folder locked ── run, followed by log file, MLflow and a person ── export

What the model draws of stories that it never saw is read meanwhile, as `onestory bench memory`
reads it.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from onestory.bench.readout import read_out_model, validation_cases
from onestory.documents import Frozen, digest_of_json
from onestory.engines.pocket.model import PocketModel
from onestory.engines.pocket.weights import weights_digest
from onestory.errors import OrderError, WeightsError
from onestory.locks import alone
from onestory.storyworld.stories import Telling
from onestory.tracking.training_run import TrainingRun
from onestory.training import config as configs
from onestory.training.config import TrainingConfig
from onestory.training.order import TrainingOrder
from onestory.training.run import LOG, Places, Rhythm, train

EXPERIMENT = "onestory-training"

READ_BUDGET = 2.0
"""Memory budget of the stories that a validation reads."""

Say = Callable[[str], object]


class Trained(Frozen):
    """Where everything of a run lies, and what its last validation found."""

    steps: int
    """Taken by now."""
    of: int
    """Of the whole run."""
    weights: str
    digest: str
    log: str
    sheets: tuple[str, ...]
    """Pictures of held-out stories, the oldest first."""
    held_out: dict[str, float]
    mlflow_run: str | None

    def in_words(self) -> str:
        """How far it is, where the weights lie, and how to film with them."""
        lines = [
            f"{self.steps} of {self.of} steps",
            *(f"{name:32}  {value:.4f}" for name, value in self.held_out.items()),
            *(f"pictures  {path}" for path in self.sheets[-1:]),
            f"weights   {self.weights}",
            f"film with them: ONESTORY_ENGINE=pocket ONESTORY_ENGINE_OPTIONS="
            f'\'{{"weights": "{self.weights}"}}\' onestory produce SCRIPT',
        ]
        return "\n".join(lines)


def train_pocket(
    order: TrainingOrder,
    *,
    tracking_uri: str,
    artifact_root: str | None,
    say: Say,
    rhythm: Rhythm | None = None,
) -> Trained:
    """
    Train the pocket model, or go on with it.

    Args:
        order: What, and where.
        tracking_uri: Which MLflow.
        artifact_root: Where that keeps files; None leaves it to its server.
        say: Tells a person how far it is.
        rhythm: How often it validates; None for the usual.

    Raises:
        OrderError: If the training file is none, or somebody else trains in the folder.
    """
    chosen = _read(order.config)
    places = Places(data=Path(order.data).resolve(), run=Path(order.out).resolve())
    rhythm = rhythm or Rhythm()
    told = validation_cases(rhythm.read_stories, telling=Telling(num_shots=chosen.num_shots))

    def read_out(model: PocketModel) -> dict[str, float]:
        return read_out_model(model, told, budget=READ_BUDGET, sampling=rhythm.sampling)

    follower = _Follower(chosen, places.run, (tracking_uri, artifact_root), order.steps, say)
    with only_trainer(places.run), follower as followed:
        measures = [read_out] if told else []
        start = None if order.start is None else Path(order.start)
        taken = train(
            chosen,
            places,
            followed,
            start=start,
            until=order.steps,
            rhythm=rhythm,
            measures=measures,
        )
        return Trained(
            steps=taken,
            of=chosen.steps,
            weights=str(places.export),
            digest=weights_digest(places.export),
            log=str(places.run / LOG),
            sheets=tuple(str(path) for path in sorted(places.sheets.glob("*.png"))),
            held_out=followed.held_out,
            mlflow_run=followed.run_id,
        )


class _Follower:
    """Tells MLflow and a person what a run does."""

    def __init__(
        self,
        config: TrainingConfig,
        folder: Path,
        tracking: tuple[str, str | None],
        steps: int | None,
        say: Say,
    ) -> None:
        self._config, self._folder, self._tracking = config, folder, tracking
        self._end = config.steps if steps is None else min(steps, config.steps)
        self._say = say
        self._run: TrainingRun | None = None
        self.held_out: dict[str, float] = {}
        self.run_id: str | None = None

    def prepared(self, what: str) -> None:
        """Something was made before the first step."""
        self._say(f"made {what}")

    def started(self, step: int) -> None:
        """The run goes on from a step."""
        uri, artifacts = self._tracking
        fields = self._config.model_dump(mode="json")
        self._run = TrainingRun.start(
            uri,
            EXPERIMENT,
            self._folder.name,
            resume_key=f"{self._folder} {digest_of_json(fields)}",
            is_resumed=step > 0,
            artifact_root=artifacts,
            params={name: str(value) for name, value in fields.items()},
        )
        self.run_id = self._run.run_id
        self._say(f"from step {step} to {self._end}")

    def stepped(self, step: int, told: Mapping[str, float]) -> None:
        """A step was taken."""
        assert self._run is not None
        self._run.log(step, told)
        if step % 50 == 0 or step == self._end:
            self._say(
                f"step {step} of {self._end}  loss {told['loss']:.4f}  "
                f"{told['seconds']:.1f} s a step"
            )

    def validated(self, step: int, told: Mapping[str, float], sheet: Path) -> None:
        """A validation was made."""
        assert self._run is not None
        self.held_out = dict(told)
        self._run.log_validation(step, told)
        self._run.log_file(sheet, "sheets")
        self._say(f"validated at {step}  {sheet}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if self._run is not None:
            self._run.__exit__(kind, error, trace)


def _read(path: str | None) -> TrainingConfig:
    shipped = Path(configs.__file__).with_name("pocket.yaml")
    try:
        return configs.read_config(Path(path) if path else shipped)
    except WeightsError as error:
        raise OrderError(error.message, hint=error.hint) from error


@contextmanager
def only_trainer(folder: Path) -> Iterator[None]:
    """
    Be the only process that trains in a folder; the lock dies with it.

    Raises:
        OrderError: If another one does.
    """
    folder.mkdir(parents=True, exist_ok=True)
    busy = OrderError(
        f"another process is training in {folder}",
        hint="wait for it, or train into another folder",
    )
    with alone(folder / "train.lock", busy):
        yield
