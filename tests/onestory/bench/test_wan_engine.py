"""Is a Wan held against what was counted of it, and against diffusers alone?"""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from onestory.bench.engine import check_engine
from onestory.bench.looking import NAMES, Check, State
from onestory.bench.wan_engine import _drawing_bytes
from onestory.bench.wan_shot import (
    estimate_words,
    full_shot,
    load_words,
    remembering_words,
    shot_words,
)
from onestory.engines.protocol import Control
from onestory.engines.wan.card import read_card, usual_config
from onestory.engines.wan.engine import WanEngine
from onestory.engines.wan.estimate import Need, Part, estimate
from onestory.engines.wan.picture import drawn_size
from onestory.testing.tiny_wan import Kind, write_tiny_wan

CONFIG = {"dtype": "float32", "steps": 2, "stretch_frames": 9, "area": 64 * 96}


@pytest.fixture(scope="module", name="folders")
def _folders(tmp_path_factory: pytest.TempPathFactory) -> dict[Kind, Path]:
    place = tmp_path_factory.mktemp("wan")
    kinds: tuple[Kind, ...] = ("ti2v", "a14b-i2v")
    return {kind: write_tiny_wan(place / kind, kind) for kind in kinds}


def checks_of(folder: Path, *, is_quick: bool = False, **config: Any) -> Mapping[str, Check]:
    """All checks of a tiny Wan, by name."""
    options = {"weights": str(folder), "device": "cpu", "config": {**CONFIG, **config}}
    return {check.name: check for check in check_engine("wan", options, is_quick=is_quick)}


@pytest.mark.parametrize("kind", ["ti2v", "a14b-i2v"])
def test_a_wan_does_what_was_counted(kind: Kind, folders: Mapping[Kind, Path]) -> None:
    """Weights, tokens and remembered tokens are those of the true model; so is the stock take."""
    folder = folders[kind]
    card = read_card(folder)
    config = usual_config(card, CONFIG)
    width, height = drawn_size(720, 1280, multiple_of=card.multiple_of, area=config.area)
    need = estimate(
        folder, card, config, width=width, height=height, num_frames=9, memory_budget=1.0
    )

    checks = checks_of(folder)

    assert [*checks] == [*NAMES]
    assert {check.name: check.found for check in checks.values() if check.state != State.OK} == {}
    frame = width * height // card.multiple_of**2
    assert need.num_tokens == 3 * frame
    assert checks["estimate"].found.startswith(
        estimate_words(full_shot(config), need.num_tokens, need.total_bytes)
    )
    assert checks["load"].found.startswith(load_words(need.weight_bytes))
    assert checks["load"].numbers["weight_bytes"] == need.weight_bytes
    assert checks["shot"].found.startswith(shot_words(need.num_tokens))
    assert checks["remembering"].found.startswith(remembering_words(frame, 1, frame))
    assert checks["stock pipeline"].found.startswith("5 frames are equal to the bit")
    digests = {checks[name].numbers["digest"] for name in ("stock pipeline", "same seed")}
    assert len(digests) == 1
    assert checks["memory is read"].numbers["digest"] not in digests


def test_weights_that_are_not_as_counted_are_found(
    folders: Mapping[Kind, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A take that is not the stock pipeline's fails, and so do weights too many."""
    whole = WanEngine.model

    def spoilt(engine: WanEngine, control: Control | None = None) -> Any:
        """The engine's model, whose transformer forgets some of what it learnt."""
        model = whole(engine, control)
        with torch.no_grad():
            model.transformers[0].proj_out.bias.add_(0.5)
        model.transformers[0].register_parameter("extra", torch.nn.Parameter(torch.zeros(3)))
        return model

    monkeypatch.setattr(WanEngine, "model", spoilt)
    checks = checks_of(folders["ti2v"], is_quick=True)

    assert checks["load"].state is State.FAILS
    assert "were counted" in checks["load"].found
    assert checks["stock pipeline"].state is State.FAILS
    assert "differ" in checks["stock pipeline"].found


def test_weights_that_cannot_be_loaded_are_found(
    folders: Mapping[Kind, Path], tmp_path: Path
) -> None:
    """A download that broke off fails when it is loaded, and what comes after waits for it."""
    folder = shutil.copytree(folders["ti2v"], tmp_path / "broken")
    (place,) = (folder / "transformer").glob("*.safetensors")
    place.write_bytes(place.read_bytes()[:100])

    checks = checks_of(folder, is_quick=True)

    assert checks["estimate"].state is State.OK
    assert checks["load"].state is State.FAILS
    assert "cannot be loaded" in checks["load"].found
    assert {checks[name].found for name in [*NAMES][3:]} == {"needs load"}


def test_what_is_on_a_device_while_a_shot_is_drawn() -> None:
    """Everything and a step; offloaded the largest of parts and of what beside they take."""
    parts = [("text_encoder", 50), ("transformer", 20), ("transformer_2", 25), ("vae", 2)]
    need = Need(
        parts=tuple(Part(name=name, num_parameters=size, num_bytes=size) for name, size in parts),
        num_tokens=1,
        step_bytes=10,
        memory_bytes=1,
        decode_bytes=60,
    )

    def drawing(has_first: bool, is_offloaded: bool) -> int:
        return _drawing_bytes(need, has_first=has_first, is_offloaded=is_offloaded)

    assert drawing(False, False) == 97 + 10
    assert drawing(True, False) == 97 + 60
    assert drawing(False, True) == 50
    assert drawing(True, True) == 2 + 60


def test_what_changes_the_last_digits_is_not_compared(folders: Mapping[Kind, Path]) -> None:
    """Skipped steps are no mistake of the engine."""
    checks = checks_of(folders["ti2v"], is_quick=True, step_cache="first-block")

    assert checks["stock pipeline"].state is State.NOT_ASKED
    assert "step_cache is first-block" in checks["stock pipeline"].found


def test_weights_in_8_bits_are_counted_and_not_compared(folders: Mapping[Kind, Path]) -> None:
    """They are not the folder's, and take the bytes that were counted."""
    checks = checks_of(folders["ti2v"], is_quick=True, storage="fp8")

    assert checks["stock pipeline"].state is State.NOT_ASKED
    assert "8-bit weights" in checks["stock pipeline"].found
    assert checks["load"].state is State.OK, checks["load"]
