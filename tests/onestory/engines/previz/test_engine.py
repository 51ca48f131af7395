"""Does the previz engine keep the promises of an engine?"""

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from onestory.engines.previz.engine import PrevizConfig, PrevizEngine
from onestory.engines.protocol import Engine, Footage, Frame
from onestory.engines.recipe import Recipe, Subject
from onestory.errors import EngineFaultError, RenderError

MARA = Subject(name="MARA", phrase="the same woman", look="a woman with a bob and a red coat")


class Recorder:
    """A control that notes progress and may cancel."""

    has_bigger_device = False

    def __init__(self, cancel_at: int | None = None) -> None:
        self.shares: list[float] = []
        self.num_checks = 0
        self.cancel_at = cancel_at

    def progress(self, share: float) -> None:
        """Note a share."""
        self.shares.append(share)

    def check(self) -> None:
        """Count, and cancel when it is time."""
        self.num_checks += 1
        if self.cancel_at is not None and self.num_checks > self.cancel_at:
            raise EngineFaultError("the take was cancelled")


@pytest.fixture(name="engine")
def _engine() -> Engine:
    return PrevizEngine()


def recipe_of(engine: Engine, **fields: Any) -> Recipe:
    """A small recipe of a woman who walks."""
    usual: dict[str, Any] = {
        "caption": "Wide shot: in the street, the same woman walks.",
        "subjects": (MARA,),
        "seed": 3,
        "width": 90,
        "height": 160,
        "num_frames": 5,
        "fps": "24",
    }
    return Recipe(engine=engine.fingerprint(), **(usual | fields))


def frames_of(footage: Footage) -> list[Frame]:
    """All frames of some footage."""
    assert footage.frames is not None
    return list(footage.frames)


def test_a_take_has_the_length_and_size_of_its_recipe(engine: Engine) -> None:
    """Every frame is uint8 RGB at the recipe's size."""
    frames = frames_of(engine.render(recipe_of(engine), keyframe=None, control=Recorder()))
    assert [frame.shape for frame in frames] == [(160, 90, 3)] * 5
    assert {frame.dtype for frame in frames} == {np.dtype(np.uint8)}
    assert np.ptp(frames[0]) > 100


def test_equal_recipes_give_equal_bytes(engine: Engine) -> None:
    """A take can be made again, by another engine of the same kind."""
    recipe = recipe_of(engine)
    first = frames_of(engine.render(recipe, keyframe=None, control=Recorder()))
    again = frames_of(PrevizEngine().render(recipe, keyframe=None, control=Recorder()))
    np.testing.assert_array_equal(first, again)


def test_a_retake_changes_pixels(engine: Engine) -> None:
    """Another seed is another take."""
    takes = [
        frames_of(engine.render(recipe_of(engine, seed=seed), keyframe=None, control=Recorder()))
        for seed in (3, 4)
    ]
    assert (np.asarray(takes[0]) != np.asarray(takes[1])).any()


def test_the_keyframe_is_the_takes_first_frame(engine: Engine) -> None:
    """An engine's keyframe and its take show the same picture."""
    recipe = recipe_of(engine)
    keyframe = engine.keyframe(recipe, control=Recorder())
    frames = frames_of(engine.render(recipe, keyframe=keyframe, control=Recorder()))
    np.testing.assert_array_equal(keyframe, frames[0])


def test_progress_and_cancelling_reach_every_frame(engine: Engine) -> None:
    """Frames are lazy: a cancelled take stops in the middle."""
    control = Recorder(cancel_at=3)
    footage = engine.render(recipe_of(engine), keyframe=None, control=control)
    assert control.num_checks == 0
    with pytest.raises(EngineFaultError, match="cancelled"):
        frames_of(footage)
    assert control.shares == pytest.approx([0.2, 0.4, 0.6])


def test_a_persons_keyframe_becomes_an_animatic(engine: Engine) -> None:
    """The given picture fills the first frame and is moved into; a remark says so."""
    picture = np.zeros((320, 180, 3), np.uint8)
    picture[100:220, 60:120] = (200, 40, 40)
    recipe = recipe_of(engine, keyframe_by="user", keyframe="sha256:" + "0" * 64)
    footage = engine.render(recipe, keyframe=picture, control=Recorder())
    frames = frames_of(footage)
    red = [(frame[..., 0] > 100).mean() for frame in frames]
    assert red[0] == pytest.approx((picture[..., 0] > 100).mean(), abs=0.01)
    assert red == sorted(red)
    assert red[-1] > red[0] * 1.1
    assert any("animatic" in remark for remark in footage.remarks)


def test_a_promised_keyframe_that_is_missing_is_refused(engine: Engine) -> None:
    """No silent substitute for a person's picture."""
    recipe = recipe_of(engine, keyframe_by="user", keyframe="sha256:" + "0" * 64)
    with pytest.raises(RenderError, match="none was handed over"):
        engine.render(recipe, keyframe=None, control=Recorder())


def test_impossible_recipes_are_refused_with_their_numbers() -> None:
    """Too long and odd sizes are said before a frame is drawn."""
    engine = PrevizEngine(PrevizConfig(max_frames=4))
    with pytest.raises(RenderError, match="5 frames, more than 4"):
        engine.render(recipe_of(engine), keyframe=None, control=Recorder())
    with pytest.raises(RenderError, match="91x160"):
        engine.keyframe(recipe_of(engine, num_frames=2, width=91), control=Recorder())


def test_a_choice_that_changes_pixels_changes_the_fingerprint() -> None:
    """Takes drawn at another size are other takes."""
    half = PrevizEngine(PrevizConfig(draw_scale=0.5))
    assert half.fingerprint() != PrevizEngine().fingerprint()
    frames = frames_of(half.render(recipe_of(half), keyframe=None, control=Recorder()))
    assert frames[0].shape == (160, 90, 3)


def test_it_remembers_nothing_and_says_so(engine: Engine) -> None:
    """Capabilities, budget and recall agree."""
    recipe = recipe_of(engine)
    assert not engine.capabilities().remembers
    assert engine.token_budget(recipe) == 0
    assert engine.recall(recipe, ()) == ()


def test_importing_the_engine_loads_no_drawing_library() -> None:
    """The engine server starts fast."""
    code = "import sys, onestory.engines.previz.engine; print('skia' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=300
    )
    assert done.stdout.strip() == "False"
