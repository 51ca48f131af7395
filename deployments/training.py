"""
What happens between `onestory train` and the weights?

    training file read ── folder locked ── run, followed by log file, MLflow and terminal ── export
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deployments.locks import alone
from deployments.studio.embedded import tracking_of
from deployments.studio.settings import StudioSettings
from onestory.errors import OrderError, WeightsError
from onestory.tracking.training_run import TrainingRun

if TYPE_CHECKING:
    from onestory.training.config import TrainingConfig
    from onestory.training.run import Rhythm

EXPERIMENT = "onestory-training"

READ_BUDGET = 2.0
"""Memory budget of the stories that a validation reads."""

Say = Callable[[str], None]


def train_pocket(
    settings: StudioSettings,
    *,
    config: Path | None,
    out: Path,
    data: Path,
    start: Path | None,
    steps: int | None,
    say: Say,
    rhythm: "Rhythm | None" = None,
) -> dict[str, Any]:
    """
    Train the pocket model, or go on with it.

    Args:
        settings: Which MLflow.
        config: Training file; None for the one whose weights are shipped.
        out: Folder of the run.
        data: Folder of codec and shards, which runs share.
        start: Exported weights to go on from; None to begin with nothing.
        steps: Stop after so many steps of the run; None for all of them.
        say: Tells a person how far it is.
        rhythm: How often it validates; None for the usual.

    Returns:
        Where everything lies, and what the last validation found.

    Raises:
        OrderError: If the training file is none, or somebody else trains in the folder.
    """
    from onestory.bench.readout import read_out_model, validation_cases
    from onestory.engines.pocket.model import PocketModel
    from onestory.engines.pocket.weights import weights_digest
    from onestory.storyworld.stories import Telling
    from onestory.training.run import LOG, Places, Rhythm, train

    chosen = _read(config)
    places = Places(data=data.resolve(), run=out.resolve())
    rhythm = rhythm or Rhythm()
    told = validation_cases(rhythm.read_stories, telling=Telling(num_shots=chosen.num_shots))

    def read_out(model: PocketModel) -> dict[str, float]:
        return read_out_model(model, told, budget=READ_BUDGET, sampling=rhythm.sampling)

    with only_trainer(places.run), _Followed(settings, chosen, places.run, steps, say) as followed:
        measures = [read_out] if told else []
        taken = train(
            chosen, places, followed, start=start, until=steps, rhythm=rhythm, measures=measures
        )
        return {
            "steps": taken,
            "of": chosen.steps,
            "weights": str(places.export),
            "digest": weights_digest(places.export),
            "log": str(places.run / LOG),
            "sheets": [str(path) for path in sorted(places.sheets.glob("*.png"))],
            "held_out": followed.held_out,
            "mlflow_run": followed.run_id,
        }


def training_text(document: dict[str, Any]) -> str:
    """Where the weights lie, and how to film with them."""
    lines = [
        f"{document['steps']} of {document['of']} steps",
        *(f"{name:32}  {value:.4f}" for name, value in document["held_out"].items()),
        *(f"pictures  {path}" for path in document["sheets"][-1:]),
        f"weights   {document['weights']}",
        f"film with them: ONESTORY_ENGINE=pocket ONESTORY_ENGINE_OPTIONS="
        f'\'{{"weights": "{document["weights"]}"}}\' onestory produce SCRIPT',
    ]
    return "\n".join(lines)


class _Followed:
    """Tells MLflow and a person what a run does."""

    def __init__(
        self,
        settings: StudioSettings,
        config: "TrainingConfig",
        folder: Path,
        steps: int | None,
        say: Say,
    ) -> None:
        self._settings, self._config, self._folder = settings, config, folder
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
        from onestory.documents import digest_of_json

        uri, artifacts = tracking_of(self._settings)
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

    def __enter__(self) -> "_Followed":
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if self._run is not None:
            self._run.__exit__(kind, error, trace)


def _read(path: Path | None) -> "TrainingConfig":
    from onestory.training import config as configs

    try:
        return configs.read_config(path or Path(configs.__file__).with_name("pocket.yaml"))
    except WeightsError as error:
        raise OrderError(error.message, hint=error.hint) from error


def only_trainer(folder: Path) -> AbstractContextManager[None]:
    """One process at a time trains in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    busy = OrderError(
        f"another process is training in {folder}",
        hint="wait for it, or train into another --out",
    )
    return alone(folder / "train.lock", busy)
