"""Does the pocket engine keep the promises of an engine?"""

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from onestory.diffusion.blocking import blocking_of
from onestory.diffusion.sampling import sample
from onestory.documents import digest_of
from onestory.engine_server.registry import open_engine
from onestory.engines.latents import frame_digest, pack_latents, unpack_figures, unpack_latents
from onestory.engines.pocket import model as model_module
from onestory.engines.pocket.engine import POLICIES, PocketConfig, PocketEngine
from onestory.engines.previz.reader import read_recipe
from onestory.engines.protocol import EarlierTake, Footage, Frame, RecalledFrame
from onestory.engines.recipe import Recipe, imported_for
from onestory.errors import EngineFaultError, MemoryBudgetError, RenderError
from onestory.memory.bank import read_latents
from onestory.memory.lineage import Remembered, memory_digest
from onestory.memory.policies import LEARNED, UNTRAINED
from onestory.memory.showing import person_key, set_key, stage_key
from onestory.storyworld.standins import StandIns
from onestory.testing.stories import FINGERPRINT

RecipeOf = Callable[..., Recipe]
Filmed = Callable[[Recipe, bytes], EarlierTake]


class Recorder:
    """A control that notes progress and may cancel."""

    has_bigger_device = False

    def __init__(self, cancel_at: float = 2.0) -> None:
        self.shares: list[float] = []
        self.cancel_at = cancel_at

    def progress(self, share: float) -> None:
        """Note a share."""
        self.shares.append(share)

    def check(self) -> None:
        """Cancel when it is time."""
        if self.shares and self.shares[-1] >= self.cancel_at:
            raise EngineFaultError("the take was cancelled")


def frames_of(footage: Footage) -> list[Frame]:
    """All frames of some footage."""
    assert footage.frames is not None
    return list(footage.frames)


def latents_of(footage: Footage) -> bytes:
    """Its latents, which are there."""
    assert footage.latents is not None
    return footage.latents


def recalled(lineage: Sequence[Remembered], takes: Sequence[EarlierTake]) -> list[RecalledFrame]:
    """What the stage hands over for a lineage."""
    contents = {one.take.address: one.read_latents() for one in takes}
    frames = []
    for one in lineage:
        content, index = contents[one.take], one.frame_index
        figures = unpack_figures(content)
        frames.append(
            RecalledFrame(
                source=one,
                latent_CHW=unpack_latents(content)[index],
                figures=None
                if figures is None
                else {name: shown_Fhw[index] for name, shown_Fhw in figures.items()},
            )
        )
    return frames


def test_a_take_has_the_length_and_size_of_its_recipe(
    engine: PocketEngine, recipe_of: RecipeOf
) -> None:
    """Frames are held three times at 24 a second; the latents are those that were needed."""
    footage = engine.render(recipe_of(num_frames=20), keyframe=None, control=Recorder())
    frames = frames_of(footage)

    assert [frame.shape for frame in frames] == [(160, 90, 3)] * 20
    changed = [not np.array_equal(a, b) for a, b in pairwise(frames)]
    assert [number + 1 for number, one in enumerate(changed) if one] == [3, 6, 9, 12, 15, 18]
    stored = read_latents(latents_of(footage))
    assert stored.latents_FCHW.shape == (3, 8, 18, 10)
    assert stored.features_FE is not None
    assert torch.equal(stored.features_FE, engine._model().describe(stored.latents_FCHW))
    assert footage.remarks == ()


def test_a_take_knows_whom_and_what_its_frames_show(
    engine: PocketEngine, recipe_of: RecipeOf
) -> None:
    """As the stand-ins of the same recipe stand, by name, for every latent frame that is kept."""
    recipe = recipe_of(num_frames=20)
    scene = read_recipe(recipe).scene
    footage = engine.render(recipe, keyframe=None, control=Recorder())
    figures = unpack_figures(latents_of(footage))

    assert figures is not None
    people = [person_key(performer.name) for performer in scene.performers]
    everybody = [*people, set_key(recipe.set_name)]
    assert sorted(name for name in figures if not name.startswith("stage:")) == sorted(everybody)
    stand_ins = StandIns(scene, rows=18, columns=10)
    for number, frame in enumerate((0, 9, 18)):
        for name, covered_hw in zip(people, stand_ins.people(frame), strict=True):
            assert np.array_equal(figures[name][number], covered_hw)
        stage_Ghw = stand_ins.guides(frame)[3:]
        assert all(
            np.array_equal(figures[stage_key(channel)][number], where_hw)
            for channel, where_hw in enumerate(stage_Ghw)
        )
    assert np.allclose(sum(figures[name] for name in everybody), 1.0)


def test_figures_come_back_from_the_vault() -> None:
    """Equal figures give equal bytes; of another grid they are refused; none are none."""
    latents = np.ones((3, 8, 2, 2), np.float32)
    figures = {"person:B": np.full((3, 2, 2), 0.5, np.float32), "set:A": np.zeros((3, 2, 2), "<f4")}
    content = pack_latents(latents, figures=figures)

    assert content == pack_latents(latents, figures=dict(reversed(figures.items())))
    found = unpack_figures(content)
    assert found is not None
    assert {name: shown.tolist() for name, shown in found.items()} == {
        name: shown.tolist() for name, shown in figures.items()
    }
    assert np.array_equal(unpack_latents(content), latents)
    assert unpack_figures(pack_latents(latents)) is None
    with pytest.raises(ValueError, match="set:A"):
        pack_latents(latents, figures={"set:A": np.zeros((3, 2, 4), np.float32)})


def test_features_that_fit_no_frames_are_refused() -> None:
    """One embedding per frame, or the take could not be read again."""
    with pytest.raises(ValueError, match="2 embeddings do not fit 3 latent frames"):
        pack_latents(np.ones((3, 8, 2, 2), np.float32), np.ones((2, 4), np.float32))


def test_what_can_be_remembered_of_a_long_shot_stays_bounded(
    engine: PocketEngine, recipe_of: RecipeOf
) -> None:
    """All frames are drawn, stretch after stretch, and latents are kept from start to end."""
    long = recipe_of(num_frames=40, fps="8")
    footage = engine.render(long, keyframe=None, control=Recorder())
    whole = PocketEngine(PocketConfig(steps=3, most_kept=99), weights=engine.folder).render(
        long, keyframe=None, control=Recorder()
    )
    kept, everything = unpack_latents(latents_of(footage)), unpack_latents(latents_of(whole))

    assert len(frames_of(footage)) == 40
    assert len(everything) == 5 + 4 + 2
    assert len(kept) == engine.config.most_kept == 9
    assert np.array_equal(kept[[0, -1]], everything[[0, -1]])


def test_people_stand_where_the_previsualisation_has_them(
    engine: PocketEngine, recipe_of: RecipeOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stand-ins of a take are those of the same recipe, read as `previz` reads it."""
    told: list[torch.Tensor] = []

    def keep(*args: Any, **given: Any) -> torch.Tensor:
        told.append(given["blocking_BPFhw"])
        return sample(*args, **given)

    monkeypatch.setattr(model_module, "sample", keep)
    recipe = recipe_of(num_frames=60)
    engine.render(recipe, keyframe=None, control=Recorder())

    stand_ins = StandIns(read_recipe(recipe).scene, rows=18, columns=10)
    for blocking_1PFhw, frames in zip(
        told, ([0, 9, 21, 33, 45], [48, 57, 57, 57, 57]), strict=True
    ):
        expected = blocking_of(stand_ins, engine._model().codec, frames)
        assert torch.equal(blocking_1PFhw[0], expected)
    assert told[0][0, 1].any()


def test_equal_recipes_give_equal_bytes_in_every_process(
    engine: PocketEngine, recipe_of: RecipeOf, tiny_weights: Path
) -> None:
    """Twice here and once elsewhere, on as many threads, the same take comes out."""
    recipe = recipe_of(num_frames=9)
    code = (
        "import sys, hashlib\n"
        "from onestory.engines.pocket.engine import POLICIES, PocketConfig, PocketEngine\n"
        "from onestory.engines.recipe import Recipe\n"
        "class Quiet:\n"
        "    has_bigger_device = False\n"
        "    def progress(self, share): pass\n"
        "    def check(self): pass\n"
        f"engine = PocketEngine(PocketConfig(steps=3), weights={str(tiny_weights)!r})\n"
        "recipe = Recipe.from_json(sys.stdin.buffer.read())\n"
        "assert engine.fingerprint() == recipe.engine\n"
        "footage = engine.render(recipe, keyframe=None, control=Quiet())\n"
        "print(hashlib.sha256(footage.latents + b''.join(f.tobytes() for f in footage.frames))"
        ".hexdigest())"
    )

    here = []
    for _ in range(2):
        footage = engine.render(recipe, keyframe=None, control=Recorder())
        content = latents_of(footage) + b"".join(frame.tobytes() for frame in frames_of(footage))
        here.append(hashlib.sha256(content).hexdigest())
    elsewhere = subprocess.run(
        [sys.executable, "-c", code],
        input=recipe.to_json(),
        capture_output=True,
        check=True,
        env={
            "PATH": "/usr/bin:/bin",
            "OMP_NUM_THREADS": str(torch.get_num_threads()),
            "OMP_WAIT_POLICY": "PASSIVE",
        },
    )

    assert here[0] == here[1] == elsewhere.stdout.decode().split()[-1]


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 4},
        {"guidance": 1.5},
        {"caption": "Wide shot, day: in a park, a man runs.", "subjects": ()},
        {"set_look": "a wide street with red doors"},
    ],
)
def test_what_stands_in_a_recipe_changes_pixels(
    engine: PocketEngine, recipe_of: RecipeOf, change: dict[str, object]
) -> None:
    """Seed, guidance, words and, where nothing is remembered, looks all have their effect."""
    one = engine.render(recipe_of(), keyframe=None, control=Recorder())
    other = engine.render(recipe_of(**change), keyframe=None, control=Recorder())

    assert one.latents != other.latents


def test_a_shot_starts_from_its_keyframe(engine: PocketEngine, recipe_of: RecipeOf) -> None:
    """The first frame shown is the given one, as the codec sees it, and it moves from there."""
    dark = np.full((160, 90, 3), 30, np.uint8)
    light = np.full((160, 90, 3), 220, np.uint8)
    recipe = recipe_of(keyframe="sha256:" + "2" * 64, keyframe_by="user")

    starts = [
        frames_of(engine.render(recipe, keyframe=keyframe, control=Recorder()))[0].mean()
        for keyframe in (dark, light)
    ]

    assert abs(starts[0] - 30) < 12
    assert abs(starts[1] - 220) < 12


def test_a_promised_keyframe_that_is_missing_is_refused(
    engine: PocketEngine, recipe_of: RecipeOf
) -> None:
    """A take is not quietly made without the frame that its recipe names."""
    recipe = recipe_of(keyframe="sha256:" + "2" * 64, keyframe_by="previous")

    with pytest.raises(RenderError, match="none was handed over"):
        engine.render(recipe, keyframe=None, control=Recorder())


def test_a_keyframe_is_a_shot_of_one_frame(engine: PocketEngine, recipe_of: RecipeOf) -> None:
    """The same weights draw it, at the recipe's size and by the recipe's seed."""
    one = engine.keyframe(recipe_of(num_frames=1), control=Recorder())
    again = engine.keyframe(recipe_of(num_frames=1), control=Recorder())
    other = engine.keyframe(recipe_of(num_frames=1, seed=9), control=Recorder())

    assert one.shape == (160, 90, 3)
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


def test_progress_rises_and_cancelling_is_heard_at_every_step(
    engine: PocketEngine, recipe_of: RecipeOf
) -> None:
    """A watcher sees a take grow to its end; one who has seen enough can stop it in between."""
    watching = Recorder()
    frames_of(engine.render(recipe_of(), keyframe=None, control=watching))

    assert watching.shares == sorted(watching.shares)
    assert watching.shares[-1] == 1.0
    assert len(watching.shares) == 3 + 7
    with pytest.raises(EngineFaultError, match="cancelled"):
        engine.render(recipe_of(), keyframe=None, control=Recorder(cancel_at=0.2))
    footage = engine.render(recipe_of(), keyframe=None, control=Recorder(cancel_at=0.92))
    with pytest.raises(EngineFaultError, match="cancelled"):
        frames_of(footage)


def test_recall_fills_the_budget_best_first(
    engine: PocketEngine, recipe_of: RecipeOf, filmed: Filmed
) -> None:
    """A lineage names frames by content, finest first, and more budget keeps what less kept."""
    takes = []
    for seed in (1, 2):
        recipe = recipe_of(seed=seed, num_frames=20)
        footage = engine.render(recipe, keyframe=None, control=Recorder())
        takes.append(filmed(recipe, latents_of(footage)))

    small = engine.recall(recipe_of(memory_budget=1.0), takes)
    large = engine.recall(recipe_of(memory_budget=2.0), takes)

    assert len(small) == 4
    assert [one.position for one in large] == list(range(len(large)))
    assert [one.level for one in large] == sorted(one.level for one in large)
    assert [one.latent for one in small] == [one.latent for one in large][: len(small)]
    stored = unpack_latents(takes[0].read_latents()), unpack_latents(takes[1].read_latents())
    by_address = {take.take.address: latent for take, latent in zip(takes, stored, strict=True)}
    for one in large:
        assert frame_digest(by_address[one.take][one.frame_index]) == one.latent
    assert engine.token_budget(recipe_of(memory_budget=2.0)) == 90


def test_what_a_gate_marked_bad_is_not_remembered(
    engine: PocketEngine, recipe_of: RecipeOf, filmed: Filmed
) -> None:
    """Latent frames that hold a marked frame are passed over; of a bad take nothing is left."""
    recipe = recipe_of(seed=1, num_frames=20)
    take = filmed(recipe, latents_of(engine.render(recipe, keyframe=None, control=Recorder())))
    num = len(unpack_latents(take.read_latents()))
    spoilt = [replace(take, spoilt=frames) for frames in ((), (0,), (10,), tuple(range(20)))]

    chosen = [
        {one.frame_index for one in engine.recall(recipe_of(memory_budget=9.0), [one])}
        for one in spoilt
    ]

    assert chosen[0] == set(range(num))
    assert chosen[1] == set(range(1, num))
    assert num == 3
    assert chosen[2] == {0}, "frame 10 of 20 lies between the second and the last"
    assert chosen[3] == set()


def test_what_is_remembered_changes_the_take(
    engine: PocketEngine, recipe_of: RecipeOf, filmed: Filmed
) -> None:
    """The same words and the same seed draw something else once there is a memory."""
    earlier_recipe = recipe_of(seed=1, num_frames=20)
    footage = engine.render(earlier_recipe, keyframe=None, control=Recorder())
    takes = [filmed(earlier_recipe, latents_of(footage))]
    lineage = engine.recall(recipe_of(), takes)
    recipe = recipe_of(memory=memory_digest(lineage))
    memory = recalled(lineage, takes)

    one = engine.render(recipe, keyframe=None, memory=memory, control=Recorder())
    same = engine.render(recipe, keyframe=None, memory=memory, control=Recorder())
    less = engine.render(recipe, keyframe=None, memory=memory[:1], control=Recorder())
    picture = engine.keyframe(recipe_of(num_frames=1), memory=memory, control=Recorder())

    coarse = [
        replace(frame, source=frame.source.model_copy(update={"level": 2})) for frame in memory
    ]
    coarser = engine.render(recipe, keyframe=None, memory=coarse, control=Recorder())

    assert one.latents == same.latents
    assert len({one.latents, less.latents, coarser.latents}) == 3
    assert not np.array_equal(picture, engine.keyframe(recipe_of(num_frames=1), control=Recorder()))


def test_takes_that_mean_something_else_are_passed_over(
    engine: PocketEngine, recipe_of: RecipeOf, filmed: Filmed
) -> None:
    """Latents of another engine or another size are no memory, and no reason to fail."""
    foreign = recipe_of(seed=1)
    foreign = foreign.model_copy(
        update={"engine": foreign.engine.model_copy(update={"name": "remembering"})}
    )
    wide = recipe_of(seed=2, width=160, height=90)
    latents = pack_latents(np.ones((2, 8, 18, 10), np.float32))
    turned = pack_latents(np.ones((2, 8, 10, 18), np.float32))

    takes = [filmed(foreign, latents), filmed(wide, turned)]

    assert engine.recall(recipe_of(), takes) == ()
    assert engine.recall(recipe_of(), ()) == ()
    assert len(engine.recall(recipe_of(width=160, height=90), takes)) == 2


def test_footage_that_a_person_brought_is_remembered(
    engine: PocketEngine, recipe_of: RecipeOf, filmed: Filmed
) -> None:
    """It is coded as first frames are, spread over its length; brought for others it is not."""
    clip = digest_of(b"a clip")
    own, foreign = (
        recipe_of(num_frames=30, engine=imported_for(fingerprint, clip))
        for fingerprint in (engine.fingerprint(), FINGERPRINT)
    )
    frames = [np.full((160, 90, 3), 8 * index, np.uint8) for index in range(30)]

    latents = engine.latents_of(own, iter(frames))
    stored = read_latents(latents)
    lineage = engine.recall(recipe_of(), [filmed(own, latents)])

    assert stored.latents_FCHW.shape == (9, 8, 18, 10)
    assert stored.features_FE is not None
    brightness_F = stored.latents_FCHW[:, 0].mean((1, 2)).abs()
    assert len(set(brightness_F.tolist())) == 9, "they are nine frames, not one"
    for place in (0, -1):
        alone = own.model_copy(update={"num_frames": 1})
        (coded_CHW,) = read_latents(engine.latents_of(alone, [frames[place]])).latents_FCHW
        assert torch.equal(stored.latents_FCHW[place], coded_CHW), "from the first to the last"
    assert {one.take for one in lineage} == {own.digest}
    assert engine.recall(recipe_of(), [filmed(foreign, latents)]) == ()


def test_a_budget_is_a_limit(engine: PocketEngine, recipe_of: RecipeOf, filmed: Filmed) -> None:
    """Nothing remembers nothing, and too little for the coarsest frame is said to be too little."""
    takes = [filmed(recipe_of(seed=1), pack_latents(np.ones((2, 8, 18, 10), np.float32)))]

    assert engine.recall(recipe_of(memory_budget=0.0), takes) == ()
    with pytest.raises(MemoryBudgetError, match="4 tokens, the coarsest frame needs 6"):
        engine.recall(recipe_of(memory_budget=0.1), takes)


def test_impossible_recipes_are_refused_with_their_numbers(
    engine: PocketEngine, recipe_of: RecipeOf
) -> None:
    """Too long, or of an odd size: said before anything is drawn."""
    with pytest.raises(RenderError, match="1441 frames, more than 1440"):
        engine.render(recipe_of(num_frames=1441), keyframe=None, control=Recorder())
    with pytest.raises(RenderError, match="91x160"):
        engine.keyframe(recipe_of(width=91), control=Recorder())


def test_what_is_not_read_is_said(engine: PocketEngine, recipe_of: RecipeOf) -> None:
    """A caption beyond the encoder's length and a negative caption each leave a remark."""
    recipe = recipe_of(caption="a man walks and " * 60, negative_caption="blurred")

    footage = engine.render(recipe, keyframe=None, control=Recorder())

    assert footage.remarks == (
        "The caption is longer than the 128 tokens that are read.",
        "The negative caption is not read.",
    )


def test_choices_and_weights_stand_in_the_fingerprint(tiny_weights: Path) -> None:
    """Whatever decides pixels changes the engine's name, and nothing else does."""
    usual = PocketEngine(weights=tiny_weights).fingerprint()
    fewer = PocketEngine(PocketConfig(steps=8), weights=tiny_weights).fingerprint()
    richer = PocketEngine(weights=tiny_weights, memory_budget=2.0).fingerprint()

    assert usual.config != fewer.config
    assert usual == richer
    assert usual.weights == fewer.weights != "none"
    with pytest.raises(ValueError, match="steps must be at least 1, got 0"):
        PocketConfig(steps=0)


def test_it_is_opened_by_name_with_options_of_plain_json(tiny_weights: Path) -> None:
    """A studio's settings choose weights and sampler without touching code."""
    options = json.loads(json.dumps({"weights": str(tiny_weights), "config": {"steps": 2}}))

    engine = open_engine("pocket", options)

    assert isinstance(engine, PocketEngine)
    assert engine.config == PocketConfig(steps=2)
    able = engine.capabilities()
    assert able.remembers
    assert able.continues
    assert able.draws_keyframes
    assert able.accepts_keyframes


def test_opening_the_engine_loads_no_torch(tiny_weights: Path) -> None:
    """Weights and libraries are loaded with the first take, not with the first import."""
    code = (
        "import sys\n"
        "from onestory.engines.pocket.engine import PocketEngine\n"
        f"engine = PocketEngine(weights={str(tiny_weights)!r})\n"
        "engine.fingerprint(), engine.capabilities()\n"
        "print('torch' in sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["False"]


def test_policies_are_those_of_the_memory() -> None:
    """The engine names them without loading torch; an unknown one is refused at once."""
    assert (LEARNED, *UNTRAINED) == POLICIES
    with pytest.raises(ValueError, match="policy must be one of learned, last_frame"):
        PocketEngine(memory_policy="by lot")
