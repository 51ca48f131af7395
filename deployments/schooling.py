"""
What happens between `onestory train encoders` and the encoders that look at takes?

    folder locked ── stories drawn and coded, then steps, followed by MLflow and terminal ── export

The encoders that are shipped learnt in two runs, `SHIPPED_RUNS`: the second goes on from the first.
"""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from deployments.studio.embedded import tracking_of
from deployments.studio.settings import StudioSettings
from onestory.documents import digest_of_json
from onestory.tracking.training_run import TrainingRun

EVERY = 25
"""Steps after which a person is told."""

Say = Callable[[str], None]


def train_encoders(
    settings: StudioSettings, *, out: Path, start: Path | None, steps: int | None, say: Say
) -> dict[str, Any]:
    """
    School the encoders that look at takes, or go on with it.

    Args:
        settings: Which MLflow.
        out: Folder of the run: the stories that it learns from, and the encoders in the end.
        start: Folder of an earlier run, from whose end the second of `SHIPPED_RUNS` goes on; None
            for the first.
        steps: Stop after so many steps of the run; None for all of them.
        say: Tells a person how far it is.

    Returns:
        Where the encoders lie.

    Raises:
        OrderError: If somebody else trains in the folder.
        WeightsError: If there is no earlier run at `start`.
    """
    from onestory.bench.schooling import EXPERIMENT, only_trainer
    from onestory.diffusion.codec import load_codec
    from onestory.engines.pocket.weights import find_weights
    from onestory.evaluation.curriculum import SHIPPED_RUNS
    from onestory.evaluation.school_run import begin
    from onestory.evaluation.schooling import export, learn

    choices = SHIPPED_RUNS[0 if start is None else 1]
    last = choices.steps if steps is None else min(steps, choices.steps)
    with only_trainer(out):
        run = begin(out, choices, start)
        uri, artifacts = tracking_of(settings)
        fields = asdict(choices)
        with TrainingRun.start(
            uri,
            EXPERIMENT,
            out.name,
            resume_key=f"{out.resolve()} {digest_of_json(fields)}",
            is_resumed=run.step > 0,
            artifact_root=artifacts,
            params={name: str(value) for name, value in fields.items()},
        ) as followed:
            codec = load_codec(find_weights(None) / "vae")
            for step, told in learn(run, codec, out, choices, until=last):
                followed.log(step, told)
                if step % EVERY == 0 or step == last:
                    parts = "  ".join(f"{name} {part:.3f}" for name, part in told.items())
                    say(f"step {step} of {last}  {parts}")
        encoders = out / "encoders"
        export(run, encoders, choices)
    return {
        "steps": run.step,
        "of": choices.steps,
        "encoders": str(encoders),
        "mlflow_run": followed.run_id,
    }


def schooling_text(document: dict[str, Any]) -> str:
    """Where the encoders lie, and how to have them look."""
    return (
        f"{document['steps']} of {document['of']} steps\n"
        f"encoders  {document['encoders']}\n"
        f"draw their limits: onestory bench gates --encoders {document['encoders']} --ship\n"
        f"film with them:    ONESTORY_ENCODERS={document['encoders']} onestory produce SCRIPT"
    )
