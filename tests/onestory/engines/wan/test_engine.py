"""Does the engine wan keep the promises of an engine, with every architecture?"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from PIL import Image

from onestory.documents import digest_of
from onestory.engine_server.registry import open_engine
from onestory.engines.latents import frame_digest, pack_latents, unpack_latents
from onestory.engines.protocol import EarlierTake, Footage, Frame, RecalledFrame
from onestory.engines.recipe import Recipe, Subject, imported_for
from onestory.engines.wan.engine import WanEngine
from onestory.engines.wan.model import CAPTION_TOKENS
from onestory.errors import (
    EngineFaultError,
    OrderError,
    OutOfMemoryError,
    RenderError,
    WeightsError,
)
from onestory.memory.lineage import Remembered
from onestory.testing.tiny_wan import KINDS, Kind, write_tiny_memory

EngineOf = Callable[[Kind], WanEngine]
RecipeOf = Callable[..., Recipe]
Filmed = Callable[..., EarlierTake]

JONAS = Subject(name="JONAS", phrase="an old man", look="an old man with a white beard")


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


def shoot(
    engine: WanEngine,
    recipe: Recipe,
    *,
    keyframe: Frame | None = None,
    memory: Sequence[RecalledFrame] = (),
) -> tuple[list[Frame], Footage]:
    """All frames of a take, and the rest of it."""
    footage = engine.render(recipe, keyframe=keyframe, memory=memory, control=Recorder())
    assert footage.frames is not None
    return list(footage.frames), footage


def latents_of(footage: Footage) -> bytes:
    """Latents of a take, which are there."""
    assert footage.latents is not None
    return footage.latents


def recalled(lineage: Sequence[Remembered], takes: Sequence[EarlierTake]) -> list[RecalledFrame]:
    """What the stage hands over for a lineage."""
    contents = {one.take.address: one.read_latents() for one in takes}
    return [
        RecalledFrame(source=one, latent_CHW=unpack_latents(contents[one.take])[one.frame_index])
        for one in lineage
    ]


def needs_picture(kind: Kind) -> bool:
    """Whether an architecture starts from a first frame only."""
    return kind in ("i2v", "a14b-i2v")


def stock_film(folder: Path, recipe: Recipe, engine: WanEngine, first: Frame | None) -> Any:
    """What diffusers' own pipeline draws of a recipe, `F H W 3` in [0, 1]; nothing of ours."""
    pipeline = diffusers.DiffusionPipeline.from_pretrained(folder, dtype=torch.float32)
    parts = dict(pipeline.components)
    times = {"expand_timesteps": pipeline.config.expand_timesteps}
    times["boundary_ratio"] = pipeline.config.boundary_ratio
    for image_part in ("image_encoder", "image_processor"):
        parts.setdefault(image_part, None)
    reader = {name: part for name, part in parts.items() if not name.startswith("image_")}
    # The image pipeline reads captions with a package that need not be there; they are the same.
    with torch.no_grad():
        prompt, negative = diffusers.WanPipeline(**reader, **times).encode_prompt(
            prompt=engine._caption(recipe),
            negative_prompt=recipe.negative_caption,
            max_sequence_length=CAPTION_TOKENS,
        )
    image = {}
    stock: Any = diffusers.WanPipeline(**reader, **times)
    if first is not None:
        stock = diffusers.WanImageToVideoPipeline(**parts, **times)
        image = {"image": Image.fromarray(first)}
    stock.set_progress_bar_config(disable=True)
    low = {"guidance_scale_2": engine.config.guidance_low} if "a14b" in folder.name else {}
    return stock(
        prompt_embeds=prompt,
        negative_prompt_embeds=negative,
        height=recipe.height,
        width=recipe.width,
        num_frames=recipe.num_frames,
        num_inference_steps=engine.config.steps,
        guidance_scale=engine.config.guidance,
        generator=torch.Generator().manual_seed(recipe.seed),
        **low,
        **image,
    ).frames[0]


@pytest.mark.parametrize("kind", KINDS)
def test_without_memory_a_take_is_what_the_stock_pipeline_draws(
    kind: Kind,
    engine_of: EngineOf,
    folder_of: Callable[[Kind], Path],
    recipe_of: RecipeOf,
    first_frame: Frame,
) -> None:
    """To the bit, for every architecture, from a caption or from a first frame."""
    engine = engine_of(kind)
    recipe = recipe_of(engine)
    firsts = [first_frame] if needs_picture(kind) else [None]
    if kind == "ti2v":
        firsts.append(first_frame)
    for first in firsts:
        frames, _ = shoot(engine, recipe, keyframe=first)

        stock = stock_film(folder_of(kind), recipe, engine, first)
        assert np.array_equal(np.stack(frames), (stock * 255).round().astype(np.uint8))


@pytest.mark.parametrize("kind", KINDS)
def test_a_take_that_remembers_is_another_one(
    kind: Kind, engine_of: EngineOf, recipe_of: RecipeOf, filmed: Filmed, first_frame: Frame
) -> None:
    """What is remembered changes what is drawn, the same each time, and leaves nothing behind."""
    engine = engine_of(kind)
    keyframe = first_frame if needs_picture(kind) else None
    earlier = recipe_of(engine, seed=8)
    take = filmed(earlier, latents_of(shoot(engine, earlier, keyframe=keyframe)[1]))
    recipe = recipe_of(engine)
    lineage = engine.recall(recipe, [take])
    plain, _ = shoot(engine, recipe, keyframe=keyframe)

    memory = recalled(lineage, [take])
    frames, footage = shoot(engine, recipe, keyframe=keyframe, memory=memory)
    again, _ = shoot(engine, recipe, keyframe=keyframe, memory=memory)

    assert len(lineage) == 1
    assert not np.array_equal(np.stack(frames), np.stack(plain))
    assert np.array_equal(np.stack(frames), np.stack(again))
    assert np.array_equal(np.stack(shoot(engine, recipe, keyframe=keyframe)[0]), np.stack(plain))
    assert footage.remarks == (
        "The memory is read by stock weights, which were never trained to read one.",
    )


@pytest.mark.parametrize("kind", KINDS)
def test_memory_is_read_as_the_model_reads_its_own_frames(
    kind: Kind, engine_of: EngineOf, recipe_of: RecipeOf
) -> None:
    """By its own patch embedding, at times before the shot, each expert by its own."""
    engine = engine_of(kind)
    model = engine.model()
    rows, columns = engine._cells(recipe_of(engine))
    latents_KChw = torch.randn(2, engine.card.latent_channels, rows, columns)

    memories = model.remember(latents_KChw, [0, 0])

    assert isinstance(memories, tuple)
    assert len(memories) == engine.card.num_experts == len(model.transformers)
    for transformer, memory in zip(model.transformers, memories, strict=True):
        given_KChw = latents_KChw
        if needs_picture(kind):
            mask_KChw = torch.ones(2, 4, rows, columns)
            given_KChw = torch.cat([latents_KChw, mask_KChw, latents_KChw], dim=1)
        with torch.no_grad():
            own_KDyx = transformer.patch_embedding(given_KChw[:, :, None])[:, :, 0]
        own_LD = own_KDyx.flatten(2).transpose(1, 2).flatten(0, 1)
        assert torch.allclose(memory.tokens_1LD[0], own_LD, atol=1e-6)
        assert memory.positions_L3[:, 0].unique().tolist() == [-10.0, -5.0]
        assert (memory.cache is None) == (kind == "ti2v")
    if engine.card.num_experts == 2:
        assert not torch.equal(memories[0].tokens_1LD, memories[1].tokens_1LD)


@pytest.mark.parametrize("kind", KINDS)
def test_an_engine_says_what_its_model_can_do(kind: Kind, engine_of: EngineOf) -> None:
    """First frames only where the model reads them, and then shots go on without a cut."""
    known = engine_of(kind).capabilities()

    assert known.remembers
    assert not known.draws_keyframes
    assert known.accepts_keyframes == known.continues == (kind in ("i2v", "ti2v", "a14b-i2v"))
    assert known.memory_policy == "diversity"


def test_what_a_model_cannot_do_is_refused(
    engine_of: EngineOf, recipe_of: RecipeOf, first_frame: Frame
) -> None:
    """In one sentence that says what would do, before anything is drawn."""
    text, picture = engine_of("t2v"), engine_of("i2v")
    refused = [
        (text, {}, first_frame, "reads captions alone and cannot start from a first frame"),
        (picture, {}, None, "Wan2.1-I2V starts from a first frame, and the shot has none"),
        (text, {"num_frames": 6}, None, "takes 6 frames at 16 a second, and Wan2.1-T2V draws 5"),
        (picture, {"num_frames": 961}, first_frame, "takes 961 frames at 16 a second"),
        (text, {"width": 33}, None, "33x64, and both must divide by 2"),
        (picture, {"keyframe": digest_of(b"")}, None, "a keyframe, and none was handed over"),
    ]
    for engine, fields, keyframe, words in refused:
        recipe = recipe_of(engine, **fields)
        with pytest.raises(RenderError, match=words):
            engine.render(recipe, keyframe=keyframe, control=Recorder())
    with pytest.raises(RenderError, match="starts from a first frame"):
        picture.keyframe(recipe_of(picture, num_frames=1), control=Recorder())


def test_a_policy_that_the_weights_cannot_follow_is_refused(
    folder_of: Callable[[Kind], Path],
) -> None:
    """Nobody chooses by training that there was not."""
    for policy in ("learned", "luck"):
        with pytest.raises(OrderError, match=f"cannot choose by '{policy}'"):
            WanEngine(weights=folder_of("t2v"), memory_policy=policy)


def test_a_long_shot_goes_on_from_its_own_last_frame(
    engine_of: EngineOf, recipe_of: RecipeOf
) -> None:
    """Stretch by stretch, each frame once; the first one is the short shot's."""
    engine = engine_of("ti2v")
    short, _ = shoot(engine, recipe_of(engine))

    frames, footage = shoot(engine, recipe_of(engine, num_frames=11))

    assert [frame.shape for frame in frames] == [(64, 32, 3)] * 11
    assert np.array_equal(np.stack(frames[:5]), np.stack(short))
    assert not np.array_equal(frames[4], frames[5])
    assert len(unpack_latents(latents_of(footage))) == 2 + 1 + 1


def test_a_take_has_the_size_and_rate_of_its_recipe(
    engine_of: EngineOf, recipe_of: RecipeOf
) -> None:
    """Whatever the model draws: here 16 frames a second for 24, and a size that it cannot draw."""
    frames, _ = shoot(
        engine_of("t2v"), recipe_of(engine_of("t2v"), fps="24", num_frames=7, width=34, height=62)
    )

    assert [frame.shape for frame in frames] == [(62, 34, 3)] * 7
    assert np.array_equal(frames[0], frames[1])
    assert not np.array_equal(frames[1], frames[2])


def test_a_take_can_be_stopped_between_steps(engine_of: EngineOf, recipe_of: RecipeOf) -> None:
    """And the next one is not harmed."""
    engine = engine_of("t2v")
    before, _ = shoot(engine, recipe_of(engine))
    control = Recorder(cancel_at=0.4)

    with pytest.raises(EngineFaultError, match="cancelled"):
        engine.render(recipe_of(engine), keyframe=None, control=control)

    assert control.shares == [0.475]
    assert np.array_equal(np.stack(shoot(engine, recipe_of(engine))[0]), np.stack(before))


def test_too_little_memory_is_no_fault_that_passes(
    engine_of: EngineOf, recipe_of: RecipeOf
) -> None:
    """It is said in one sentence, and the very same take is not tried again."""

    class Short(Recorder):
        def progress(self, share: float) -> None:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB.\nMore.")

    engine = engine_of("t2v")
    with pytest.raises(OutOfMemoryError, match=r"too little memory: CUDA .* 2 GiB") as caught:
        engine.render(recipe_of(engine), keyframe=None, control=Short())

    assert not caught.value.retryable


def test_frames_of_the_same_people_are_recalled(
    engine_of: EngineOf, recipe_of: RecipeOf, filmed: Filmed
) -> None:
    """By what was said of them, each once, never what a gate spoilt; none in a first shot."""
    engine = engine_of("ti2v")
    rows, columns = engine._cells(recipe_of(engine))
    rng = np.random.default_rng(2)
    contents = [
        pack_latents(rng.standard_normal((2, 48, rows, columns), dtype=np.float32))
        for _ in range(3)
    ]
    mara = filmed(recipe_of(engine, seed=1), contents[0])
    jonas = recipe_of(
        engine,
        caption="Close-up, night: in a kitchen, an old man with a white beard sings.",
        subjects=(JONAS,),
        set_name="KITCHEN",
        set_look="a kitchen with teal cupboards",
    )
    other = filmed(jonas, contents[1])
    recipe = recipe_of(engine, memory_budget=2.0)

    lineage = engine.recall(recipe, [mara, other])

    assert [one.take for one in lineage] == [mara.take.address] * 2
    assert {one.frame_index for one in lineage} == {0, 1}
    assert lineage[0].latent == frame_digest(unpack_latents(contents[0])[lineage[0].frame_index])
    assert [(one.level, one.position) for one in lineage] == [(0, 0), (0, 1)]
    assert engine.token_budget(recipe) == 2 * rows * columns // 4
    assert engine.recall(recipe, []) == ()
    assert engine.recall(recipe_of(engine, memory_budget=0.0), [mara]) == ()
    spoilt = filmed(mara.take.recipe, contents[0], spoilt=(0,))
    kept = engine.recall(recipe, [spoilt, other])
    assert (kept[0].take, kept[0].frame_index) == (mara.take.address, 1)
    newest = WanEngine(memory_policy="recency", weights=engine.folder)
    assert newest.recall(recipe, [mara, other])[0].take == other.take.address
    people = newest.recall(recipe, [mara, other], has_people_first=True)
    assert [one.take for one in people] == [mara.take.address] * 2


def test_latents_that_mean_something_else_are_passed_over(
    engine_of: EngineOf, recipe_of: RecipeOf, filmed: Filmed
) -> None:
    """Of another VAE, another size, another engine; a person's footage counts if it is for us."""
    engine = engine_of("ti2v")
    rows, columns = engine._cells(recipe_of(engine))
    fitting = pack_latents(np.ones((1, 48, rows, columns), np.float32))
    stranger = recipe_of(engine).engine.model_copy(update={"name": "pocket"})
    ours = imported_for(engine.fingerprint(), digest_of(b"clip"))

    def recalls(content: bytes, **fields: Any) -> bool:
        return bool(
            engine.recall(recipe_of(engine), [filmed(recipe_of(engine, **fields), content)])
        )

    assert recalls(fitting)
    assert recalls(fitting, engine=ours)
    assert not recalls(fitting, engine=stranger)
    assert not recalls(fitting, engine=ours.model_copy(update={"config": "another"}))
    assert not recalls(pack_latents(np.ones((1, 16, rows, columns), np.float32)))
    assert not recalls(pack_latents(np.ones((1, 48, rows, columns + 1), np.float32)))


def test_a_persons_footage_can_be_remembered(
    engine_of: EngineOf, recipe_of: RecipeOf, first_frame: Frame
) -> None:
    """It is coded as the model codes pictures: what is decoded again looks like it."""
    engine = engine_of("ti2v")
    content = engine.latents_of(recipe_of(engine, num_frames=3), [first_frame] * 3)

    latents_FChw = unpack_latents(content)
    assert latents_FChw.shape == (3, 48, *engine._cells(recipe_of(engine)))
    model = engine.model()
    assert np.array_equal(latents_FChw[0], model.encode(first_frame).numpy())
    with torch.no_grad():
        picture = torch.from_numpy(first_frame / np.float32(127.5) - 1).permute(2, 0, 1)
        mode = model.vae.encode(picture[None, :, None].float()).latent_dist.mode()[0, :, 0]
    # The tiny VAE's latents have mean 0 and spread 1.
    assert np.allclose(latents_FChw[0], mode.numpy(), atol=1e-5)


def test_modules_of_onestory_choose_and_cut(
    folder_of: Callable[[Kind], Path], tmp_path: Path, recipe_of: RecipeOf, filmed: Filmed
) -> None:
    """If they lie beside the model, the trained selector chooses, and coarse patches are used."""
    memory = write_tiny_memory(tmp_path / "memory", channels=16)
    choices = {"dtype": "float32", "steps": 1, "stretch_frames": 5}
    engine = WanEngine(choices, weights=folder_of("a14b"), memory=memory, device="cpu")
    plain = WanEngine(choices, weights=folder_of("a14b"), device="cpu")
    recipe = recipe_of(engine, width=64)
    rows, columns = engine._cells(recipe)
    rng = np.random.default_rng(2)
    content = pack_latents(rng.standard_normal((4, 16, rows, columns), dtype=np.float32))
    take = filmed(recipe_of(engine, width=64, seed=1), content)

    lineage = engine.recall(recipe, [take])
    frames, footage = shoot(engine, recipe, memory=recalled(lineage, [take]))

    assert engine.capabilities().memory_policy == "learned"
    assert engine.fingerprint().weights != plain.fingerprint().weights
    assert max(one.level for one in lineage) > 0
    assert len(lineage) > 1
    assert footage.remarks == ()
    assert len(frames) == 5


def test_modules_of_another_model_are_refused(
    folder_of: Callable[[Kind], Path], tmp_path: Path, recipe_of: RecipeOf
) -> None:
    """With the numbers that do not fit."""
    memory = write_tiny_memory(tmp_path / "memory", channels=48)
    engine = WanEngine(weights=folder_of("t2v"), memory=memory, device="cpu")

    with pytest.raises(WeightsError, match="for 48 channels and a width of 24"):
        engine.keyframe(recipe_of(engine, num_frames=1), control=Recorder())


def test_a_first_frame_can_be_drawn(engine_of: EngineOf, recipe_of: RecipeOf) -> None:
    """By who reads captions alone: a shot of one frame."""
    engine = engine_of("t2v")
    frame = engine.keyframe(recipe_of(engine, num_frames=1), control=Recorder())

    assert frame.shape == (64, 32, 3)


def test_the_server_opens_it_by_name(folder_of: Callable[[Kind], Path]) -> None:
    """With the options that a studio writes down; what decides pixels is in its fingerprint."""
    options = {"weights": str(folder_of("t2v")), "config": {"steps": 3}}
    opened = open_engine("wan", options)
    other = open_engine("wan", options | {"config": {"steps": 4}})

    assert opened.fingerprint().name == "wan"
    assert opened.fingerprint().config != other.fingerprint().config
    assert opened.fingerprint().weights == other.fingerprint().weights
    with pytest.raises(WeightsError, match="there is no folder"):
        open_engine("wan", {"weights": "/nowhere"})
