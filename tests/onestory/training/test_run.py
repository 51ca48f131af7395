"""Does a training file become weights, however often the run was interrupted?"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from onestory.diffusion.codec import load_codec
from onestory.diffusion.sampling import Sampling
from onestory.engines.pocket.engine import PocketConfig, PocketEngine
from onestory.engines.pocket.model import PocketModel, load_model
from onestory.engines.pocket.picture import Grid
from onestory.engines.pocket.weights import weights_digest
from onestory.engines.recipe import Recipe
from onestory.errors import WeightsError
from onestory.storyworld.stories import Telling, tell_story
from onestory.testing.tiny_pocket import TINY_TRAINING, write_tiny_data, write_tiny_weights
from onestory.training import run
from onestory.training.config import TrainingConfig
from onestory.training.refining import Refining
from onestory.training.run import Places, Rhythm, prepare_codec, train
from onestory.training.validation import draw_story, story_sheet

CONFIG = TrainingConfig.model_validate(yaml.safe_load(TINY_TRAINING))
OFTEN = Rhythm(keep_every=2, validate_every=4, sheet_stories=1, sampling=Sampling(steps=2))


class Notebook:
    """A watcher that writes everything down."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self.starts: list[int] = []
        self.steps: list[int] = []
        self.validations: dict[int, Mapping[str, float]] = {}
        self.sheets: list[Path] = []

    def prepared(self, what: str) -> None:
        """Write down what was made."""
        self.made.append(what)

    def started(self, step: int) -> None:
        """Write down where the run began."""
        self.starts.append(step)

    def stepped(self, step: int, told: Mapping[str, float]) -> None:
        """Write down a step."""
        self.steps.append(step)

    def validated(self, step: int, told: Mapping[str, float], sheet: Path) -> None:
        """Write down a validation."""
        self.validations[step] = told
        self.sheets.append(sheet)


@pytest.fixture(scope="module", name="data")
def _data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_data(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module", name="whole")
def _whole(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Places, Notebook]:
    """A run from nothing to its end."""
    places, notebook = Places(data=data, run=tmp_path_factory.mktemp("whole")), Notebook()
    train(CONFIG, places, notebook, rhythm=OFTEN)
    return places, notebook


def test_a_run_makes_what_is_missing_and_no_more(
    whole: tuple[Places, Notebook], tmp_path: Path
) -> None:
    """Stories are drawn once, and the critic learns once; the next run finds them."""
    places, notebook = whole
    second = Notebook()

    train(CONFIG, replace(places, run=tmp_path), second, until=1, rhythm=OFTEN)

    assert notebook.made == [
        "stories-0000000000000.safetensors",
        "stories-1099511627776.safetensors",
        "glimpses of stories 4096 to 4097",
        "critic of looks",
    ]
    assert second.made == []
    assert second.steps == [1]


def test_every_step_is_told_and_validated_in_time(whole: tuple[Places, Notebook]) -> None:
    """Steps count from 1, each is one line of the log, the last is validated in any case."""
    places, notebook = whole
    lines = [json.loads(line) for line in (places.run / "log.jsonl").read_text().splitlines()]

    assert notebook.starts == [0]
    assert notebook.steps == [1, 2, 3, 4, 5, 6]
    assert [line["step"] for line in lines] == notebook.steps
    assert all(np.isfinite(line["flow"]) for line in lines)
    assert ["looks" in line for line in lines] == [False] * 3 + [True] * 3
    assert list(notebook.validations) == [4, 6]
    assert {f"held out flow of {kind}" for kind in CONFIG.phases[1].kinds} <= set(
        notebook.validations[6]
    )
    assert all(np.isfinite(value) for value in notebook.validations[6].values())
    with Image.open(notebook.sheets[-1]) as sheet:
        assert sheet.size == (3 * 160, 2 * 288)


def test_the_engine_films_with_what_was_trained(whole: tuple[Places, Notebook]) -> None:
    """The exported folder is an engine's, with nothing to be added by hand."""
    places, _ = whole
    engine = PocketEngine(PocketConfig(steps=2), weights=places.export)

    class Quiet:
        def progress(self, share: float) -> None:
            """Say nothing."""

        def check(self) -> None:
            """Never stop."""

    recipe = Recipe(
        engine=engine.fingerprint(),
        caption="Wide shot, day: in a park, a man walks.",
        seed=1,
        width=90,
        height=160,
        num_frames=4,
        fps="24",
    )
    footage = engine.render(recipe, keyframe=None, control=Quiet())

    assert footage.frames is not None
    assert len(list(footage.frames)) == 4


def test_an_interrupted_run_ends_with_the_same_weights(
    whole: tuple[Places, Notebook], tmp_path: Path
) -> None:
    """Stopped after three steps and killed in the fifth: to the bit what it would have been."""
    places, _ = whole
    again, notebook = replace(places, run=tmp_path), Notebook()

    train(CONFIG, again, notebook, until=3, rhythm=OFTEN)
    with (tmp_path / "log.jsonl").open("a") as log:
        log.write('{"step": 4, "flow": 1.0}\n{"step": 5, "fl')
    taken = train(CONFIG, again, notebook, rhythm=OFTEN)

    assert taken == 6
    assert notebook.starts == [0, 3]
    assert notebook.steps == [1, 2, 3, 4, 5, 6]
    lines = [json.loads(line)["step"] for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert lines == [1, 2, 3, 4, 5, 6]
    assert weights_digest(again.export) == weights_digest(places.export)


def test_a_run_goes_on_from_weights_alone(
    whole: tuple[Places, Notebook], data: Path, tmp_path: Path
) -> None:
    """On another machine, with the codec that the weights were trained with."""
    first, second = CONFIG.phases
    config = CONFIG.model_copy(
        update={"phases": (first, second.model_copy(update={"afresh": True}))}
    )
    places, notebook = Places(data=tmp_path / "data", run=tmp_path / "run"), Notebook()
    train(config, Places(data=data, run=tmp_path / "early"), notebook, until=3, rhythm=OFTEN)
    weights = tmp_path / "early" / "export"

    train(config, places, notebook, start=weights, until=4, rhythm=OFTEN)

    assert notebook.starts == [0, 3]
    assert notebook.steps == [1, 2, 3, 4]
    assert "codec" not in notebook.made
    shipped = load_codec(weights / "vae")
    assert load_codec(places.codec).coding == shipped.coding
    assert shipped.coding == load_codec(data / "codec").coding


def test_a_finished_run_is_not_trained_further(whole: tuple[Places, Notebook]) -> None:
    """Started once more, it exports what is there."""
    places, _ = whole
    before, notebook = weights_digest(places.export), Notebook()

    assert train(CONFIG, places, notebook, rhythm=OFTEN) == 6
    assert notebook.steps == []
    assert weights_digest(places.export) == before


def test_a_measure_sees_the_model_and_is_told(
    whole: tuple[Places, Notebook], tmp_path: Path
) -> None:
    """Whatever else is to be known at a validation stands beside its losses."""
    places, _ = whole
    notebook = Notebook()

    def count(model: PocketModel) -> Mapping[str, float]:
        return {"parameters": float(sum(p.numel() for p in model.modules.parameters()))}

    train(CONFIG, replace(places, run=tmp_path), notebook, until=1, rhythm=OFTEN, measures=[count])

    assert notebook.validations[1]["parameters"] > 1000


def test_what_earlier_phases_learnt_is_still_validated(
    whole: tuple[Places, Notebook], tmp_path: Path
) -> None:
    """A last phase for the selector alone does not hide what became of the pictures."""
    places, _ = whole
    told = yaml.safe_load(TINY_TRAINING)
    rates = {"matrix_rate": [0.001, 0.001], "other_rate": [0.001, 0.0]}
    told["phases"].append({"steps": 1, "kinds": {"selection": {"weight": 1, "batch": 4}}} | rates)
    notebook = Notebook()

    config = TrainingConfig.model_validate(told)
    train(config, replace(places, run=tmp_path), notebook, until=1, rhythm=OFTEN)

    kinds = {kind for phase in config.phases for kind in phase.kinds}
    assert len(kinds) == 4
    for kind in kinds:
        part = "selector" if kind == "selection" else "flow"
        assert np.isfinite(notebook.validations[1][f"held out {part} of {kind}"])


def test_a_codec_of_another_model_is_refused(data: Path) -> None:
    """Latents that mean something else are not trained on."""
    with pytest.raises(WeightsError, match="has 8 channels, the training file asks for 12"):
        prepare_codec(data / "codec", 12, Notebook())


@pytest.mark.slow
def test_a_missing_codec_is_fitted_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is learnt from stories that nobody trains on, and knows a picture again."""
    monkeypatch.setattr(run, "CODEC_STORIES", range(1 << 30, (1 << 30) + 2))
    monkeypatch.setattr(run, "CODEC_BLOCKS", 2000)
    notebook = Notebook()

    fitted = prepare_codec(tmp_path / "codec", 24, notebook)
    kept = prepare_codec(tmp_path / "codec", 24, notebook)

    assert notebook.made == ["codec"]
    assert torch.equal(fitted.basis_CN, kept.basis_CN)
    frames = torch.from_numpy(run._clips(range(1 << 30, (1 << 30) + 1))[:1])
    error = (fitted.decode(fitted.encode(frames)) - frames.float()).square().mean().sqrt()
    assert error < 20


def test_a_story_is_drawn_with_what_it_remembers(tmp_path: Path) -> None:
    """Later shots of a story follow from earlier ones: without a budget they are others."""
    model = load_model(write_tiny_weights(tmp_path / "weights"))
    story = tell_story(1 << 40, telling=Telling(num_shots=2))
    grid, sampling = Grid(18, 10), Sampling(steps=2)

    told = list(draw_story(model, story, grid=grid, num_frames=5, sampling=sampling))
    blind = list(draw_story(model, story, grid=grid, num_frames=5, budget=0, sampling=sampling))
    sheet = story_sheet(model, [1 << 40], num_shots=2, sampling=sampling)

    assert [shot.shape for shot in told] == [(5, 288, 160, 3)] * 2
    assert np.array_equal(told[0], blind[0])
    assert not np.array_equal(told[1], blind[1])
    assert sheet.size == (2 * 160, 2 * 288)


def test_the_decoder_learns_from_the_truth_and_then_from_what_was_trained(
    whole: tuple[Places, Notebook], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that is not at its end keeps the decoder that it began with; codes never change."""
    small = partial(Refining, pool=1, crops=1, cells=4, keep_every=1)
    monkeypatch.setattr(run, "Refining", small)
    config = CONFIG.model_copy(update={"refining": 1, "mending": 1})
    places = Places(data=tmp_path / "data", run=tmp_path / "run")
    shutil.copytree(whole[0].data, places.data)
    half, rest = Notebook(), Notebook()

    train(config, places, half, until=2, rhythm=OFTEN)
    early = load_codec(places.export / "vae")
    train(config, places, rest, rhythm=OFTEN)
    late = load_codec(places.export / "vae")

    assert half.made == ["decoder of the codec"]
    assert rest.made == ["decoder of what the weights draw"]
    first = load_codec(places.refined_codec)
    assert first.refine is not None
    assert late.refine is not None
    assert early.refine is not None
    assert torch.equal(early.refine.leave.weight, first.refine.leave.weight)
    assert not torch.equal(late.refine.leave.weight, first.refine.leave.weight)
    assert late.is_guided
    assert late.coding == first.coding
