"""Is a memory that others published read as its authors read it, or else refused?"""

import copy
import json
import math
import shutil
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from onestory.engines.latents import pack_latents, unpack_latents
from onestory.engines.protocol import EarlierTake, Frame, RecalledFrame
from onestory.engines.recipe import Recipe
from onestory.engines.wan.card import read_card
from onestory.engines.wan.engine import WanEngine
from onestory.engines.wan.published import LAYERS, find_published
from onestory.engines.wan.shot import GivenFrames, Shot
from onestory.errors import OrderError, RenderError, WeightsError
from onestory.memory.lineage import Remembered
from onestory.testing.silent import Silent
from onestory.testing.tiny_wan import Kind, write_tiny_memory, write_tiny_published

FolderOf = Callable[[Kind], Path]
RecipeOf = Callable[..., Recipe]
Filmed = Callable[..., EarlierTake]

TINY = {"dtype": "float32", "steps": 4, "stretch_frames": 5}
"""Of four steps a tiny A14B draws some with each expert."""


@pytest.fixture(scope="session", name="published")
def _published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What StoryMem publishes, tiny."""
    return write_tiny_published(tmp_path_factory.mktemp("published") / "storymem")


@pytest.fixture(scope="session", name="engine")
def _engine(folder_of: FolderOf, published: Path) -> WanEngine:
    """A Wan with StoryMem's memory."""
    return WanEngine(
        TINY,
        weights=folder_of("a14b-i2v"),
        memory_weights=published,
        memory_budget=2.0,
        device="cpu",
    )


def shoot(
    engine: WanEngine,
    recipe: Recipe,
    *,
    keyframe: Frame | None = None,
    memory: Sequence[RecalledFrame] = (),
) -> tuple[list[Frame], bytes, tuple[str, ...]]:
    """Frames, latents and remarks of a take."""
    footage = engine.render(recipe, keyframe=keyframe, memory=memory, control=Silent())
    assert footage.frames is not None
    assert footage.latents is not None
    return list(footage.frames), footage.latents, footage.remarks


def recalled(lineage: Sequence[Remembered], takes: Sequence[EarlierTake]) -> list[RecalledFrame]:
    """What the stage hands over for a lineage."""
    contents = {one.take.address: one.read_latents() for one in takes}
    return [
        RecalledFrame(source=one, latent_CHW=unpack_latents(contents[one.take])[one.frame_index])
        for one in lineage
    ]


def merged(transformer: Any, file: Path) -> Any:
    """A copy of a transformer into which updates are added for good: alpha over root of rank."""
    model = copy.deepcopy(transformer)
    content = load_file(file)
    with torch.no_grad():
        for block in range(2):
            for theirs, ours in LAYERS.items():
                key = f"base_model.model.blocks.{block}.{theirs}.lora_"
                down, up = content[f"{key}A.weight"], content[f"{key}B.weight"]
                alpha = rank = down.shape[0]
                weight = model.get_submodule(f"blocks.{block}.{ours}").weight
                weight += alpha / math.sqrt(rank) * (up @ down)
    return model


def told_times(transformer: Any, times: Sequence[int]) -> None:
    """Let a transformer look its times up in a table of 1024 rows, of which 512 is now."""
    rope = transformer.rope

    def table(rows: Tensor, size: int) -> Tensor:
        return torch.outer(rows, 10_000.0 ** (-torch.arange(0, size, 2) / size))

    def look(latent: Tensor) -> tuple[Tensor, Tensor]:
        _, _, frames, height, width = latent.shape
        assert frames == len(times)
        angles = torch.cat(
            [
                table(torch.arange(-512, 512), rope.t_dim)[torch.tensor(times) + 512][
                    :, None, None
                ].expand(-1, height // 2, width // 2, -1),
                table(torch.arange(1024), rope.h_dim)[: height // 2][None, :, None].expand(
                    frames, -1, width // 2, -1
                ),
                table(torch.arange(1024), rope.w_dim)[: width // 2][None, None].expand(
                    frames, height // 2, -1, -1
                ),
            ],
            dim=-1,
        ).flatten(0, 2)[None, :, None]
        return angles.cos().repeat_interleave(2, -1), angles.sin().repeat_interleave(2, -1)

    rope.forward = look


@pytest.mark.parametrize("has_first", [False, True])
@torch.no_grad()
def test_memory_is_read_as_its_authors_read_it(
    has_first: bool, engine: WanEngine, published: Path, first_frame: Frame
) -> None:
    """Frames of noise in front, told to be given, by updated weights of the right expert."""
    model = engine.model()
    remembered_KChw = torch.randn(2, 16, 8, 4, generator=torch.Generator().manual_seed(9))
    shot = Shot(
        caption="the same woman walks",
        negative_caption="a hat",
        width=32,
        height=64,
        num_frames=5,
        seed=4,
        guidance=3.5,
        guidance_low=3.0,
        first_HW3=first_frame if has_first else None,
    )
    drawn = model.draw(shot, model.remember(remembered_KChw, [0, 0]), lambda _: None)

    # From here on nothing of ours.
    stock: Any = diffusers
    pipeline = stock.DiffusionPipeline.from_pretrained(engine.folder, dtype=torch.float32)
    high = merged(pipeline.transformer, published / "backbone_high_noise.safetensors")
    low = merged(pipeline.transformer_2, published / "backbone_low_noise.safetensors")
    for one in (high, low):
        told_times(one, [-10, -5, 0, 1])
    caption, negative = model.from_text.encode_prompt(
        prompt=shot.caption, negative_prompt=shot.negative_caption, max_sequence_length=512
    )
    given = torch.zeros(1, 3, 5, 64, 32)
    if has_first:
        given[:, :, 0] = torch.from_numpy(first_frame / np.float32(127.5) - 1).permute(2, 0, 1)
    mean = torch.tensor(pipeline.vae.config.latents_mean).view(1, 16, 1, 1, 1)
    spread = torch.tensor(pipeline.vae.config.latents_std).view(1, 16, 1, 1, 1)
    coded = (pipeline.vae.encode(given).latent_dist.mode() - mean) / spread
    before = remembered_KChw.flip(0).transpose(0, 1)[None]
    mask = torch.zeros(1, 4, 4, 8, 4)
    mask[:, :, :2] = 1
    mask[:, :, 2] = float(has_first)
    known = torch.cat([mask, torch.cat([before, coded], dim=2)], dim=1)
    lots = torch.Generator().manual_seed(4)
    own = torch.randn(1, 16, 2, 8, 4, generator=lots)
    latent = torch.cat([torch.randn(1, 16, 2, 8, 4, generator=lots), own], dim=2)
    scheduler = stock.UniPCMultistepScheduler.from_config(pipeline.scheduler.config, flow_shift=4.0)
    scheduler.set_timesteps(4)
    experts = []
    for time in scheduler.timesteps:
        is_high = bool(time >= 900)
        experts.append(is_high)
        sight = torch.cat([latent, known], dim=1)
        said, unsaid = (
            (high if is_high else low)(sight, time[None], words, return_dict=False)[0]
            for words in (caption, negative)
        )
        velocity = unsaid + (3.5 if is_high else 3.0) * (said - unsaid)
        latent = scheduler.step(velocity, time, latent, return_dict=False)[0]
    assert experts == [True, True, False, False]
    assert drawn.shape == (1, 16, 2, 8, 4)
    assert (drawn - latent[:, :, 2:]).abs().max() < 1e-4


def test_without_memory_a_published_memory_is_not_there(
    engine: WanEngine, folder_of: FolderOf, recipe_of: RecipeOf, first_frame: Frame
) -> None:
    """Before and after a take that remembers, a first take is the stock model's, to the bit."""
    choices = {**TINY, "shift": engine.config.shift}
    plain = WanEngine(choices, weights=folder_of("a14b-i2v"), device="cpu")
    recipe = recipe_of(engine)
    model = engine.model()
    remembered = model.remember(torch.randn(1, 16, 8, 4), [0])
    assert isinstance(remembered, GivenFrames)

    with model._attending(remembered, has_first=True):
        pass

    stock, _, _ = shoot(plain, recipe, keyframe=first_frame)
    frames, _, _ = shoot(engine, recipe, keyframe=first_frame)
    assert np.array_equal(np.stack(frames), np.stack(stock))


def test_a_shot_after_a_cut_needs_no_first_frame(
    engine: WanEngine, recipe_of: RecipeOf, filmed: Filmed, first_frame: Frame
) -> None:
    """What is remembered is enough; without that a first frame is asked for, as ever."""
    earlier = recipe_of(engine, seed=8)
    take = filmed(earlier, shoot(engine, earlier, keyframe=first_frame)[1])
    recipe = recipe_of(engine, memory_budget=2.0)
    memory = recalled(engine.recall(recipe, [take]), [take])

    frames, _, remarks = shoot(engine, recipe, memory=memory)
    again, _, _ = shoot(engine, recipe, memory=memory)
    less, _, _ = shoot(engine, recipe, memory=memory[:1])

    assert len(memory) == 2
    assert len(frames) == 5
    assert np.array_equal(np.stack(frames), np.stack(again))
    assert not np.array_equal(np.stack(frames), np.stack(less))
    assert remarks == ()
    with pytest.raises(RenderError, match="starts from a first frame, and the shot has none"):
        shoot(engine, recipe)


def test_the_newest_frame_stands_next_to_the_shot(
    engine: WanEngine, recipe_of: RecipeOf, filmed: Filmed
) -> None:
    """As in training, whatever is most alike: story order, backwards."""
    rng = np.random.default_rng(2)
    contents = [
        pack_latents(rng.standard_normal((2, 16, 8, 4), dtype=np.float32)) for _ in range(3)
    ]
    alike = filmed(recipe_of(engine, seed=1), contents[0])
    unlike = filmed(
        recipe_of(engine, caption="Close-up: a dog barks.", subjects=(), set_name="YARD"),
        contents[1],
    )

    lineage = engine.recall(recipe_of(engine, memory_budget=4.0), [alike, unlike])

    assert [one.take for one in lineage] == [unlike.take.address] * 2 + [alike.take.address] * 2
    assert [one.frame_index for one in lineage] == [1, 0, 1, 0]
    assert [one.position for one in lineage] == [0, 1, 2, 3]


def test_a_published_memory_is_part_of_what_a_take_is_called(
    engine: WanEngine, folder_of: FolderOf, tmp_path: Path
) -> None:
    """By its content: another file is another recipe, and the same one elsewhere is not."""
    weights = folder_of("a14b-i2v")
    other = write_tiny_published(tmp_path / "other", seed=3)
    assert engine.published is not None
    moved = Path(shutil.copytree(engine.published.files[0].parent, tmp_path / "moved"))

    def called(**options: Any) -> tuple[str, str]:
        found = WanEngine(TINY, weights=weights, **options).fingerprint()
        return found.weights, found.config

    own = engine.fingerprint()
    assert called(memory_weights=moved) == (own.weights, own.config)
    assert called(memory_weights=other)[0] != own.weights
    assert called()[0] != own.weights


@pytest.mark.parametrize(("kind", "shift"), [("storymem", 4.0), ("memento", 5.0)])
def test_whose_it_is_stands_in_its_keys(
    kind: Any, shift: float, folder_of: FolderOf, tmp_path: Path
) -> None:
    """Memento's has queries for keyframes; each is filmed with at its authors' flow shift."""
    place = write_tiny_published(tmp_path / "memory", kind, rank=5)
    folder = folder_of("a14b-i2v")

    found = find_published(place, folder, read_card(folder))

    assert (found.kind, found.rank, found.scale) == (kind, 5, math.sqrt(5))
    assert [len(layers) for layers in found.layers] == [20, 20]
    engine = WanEngine(weights=folder, memory_weights=place)
    assert (engine.config.shift, engine.config.attention) == (shift, "frames")
    assert [len(updates) for updates in engine.model().updates] == [20, 20]


def test_both_experts_may_lie_in_one_file(folder_of: FolderOf, tmp_path: Path) -> None:
    """If its keys say which is which, as Memento's do."""
    place = write_tiny_published(tmp_path / "memory", "memento")
    whole: dict[str, Tensor] = {}
    for file in sorted(place.iterdir()):
        whole |= load_file(file)
    save_file(whole, tmp_path / "whole.safetensors")
    folder = folder_of("a14b-i2v")

    found = find_published(tmp_path / "whole.safetensors", folder, read_card(folder))

    assert [len(layers) for layers in found.layers] == [20, 20]
    name = "blocks.0.attn1.to_q"
    assert found.layers[0][name].down.startswith("high_noise_model.")
    assert found.layers[1][name].down.startswith("low_noise_model.")


def spoilt(place: Path, expert: str, change: Callable[[dict[str, Tensor]], None]) -> None:
    """Change what lies in a file."""
    file = place / f"backbone_{expert}.safetensors"
    content = load_file(file)
    change(content)
    save_file(content, file)


FIRST = "base_model.model.blocks.0.self_attn.q.lora_"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda content: content.update({"lora_unet_blocks_0.alpha": torch.ones(1)}),
            "memory of nobody we know: it holds 'lora_unet_blocks_0.alpha'",
        ),
        (
            lambda content: content.update({FIRST + "A.weight": torch.ones(3, 25)}),
            r"attn1.to_q is \(3, 25\) and \(24, 3\), and the layer is \(24, 24\)",
        ),
        (
            lambda content: content.pop(FIRST + "B.weight"),
            r"attn1.to_q is \(3, 24\) and \(\), and the layer",
        ),
        (
            lambda content: (content.pop(FIRST + "A.weight"), content.pop(FIRST + "B.weight")),
            "low_noise expert has no update of blocks.0.attn1.to_q, and the model has 2 blocks",
        ),
        (
            lambda content: content.update(
                {
                    FIRST.replace(".0.", ".7.") + "A.weight": torch.ones(3, 24),
                    FIRST.replace(".0.", ".7.") + "B.weight": torch.ones(24, 3),
                }
            ),
            "low_noise expert updates blocks.7.attn1.to_q, and the model has 2 blocks of 10",
        ),
        (
            lambda content: content.update(
                {FIRST + "A.weight": torch.ones(2, 24), FIRST + "B.weight": torch.ones(24, 2)}
            ),
            r"ranks \[2, 3\], and one is needed",
        ),
        (
            lambda content: content.update(
                {"base_model.model.keyframe_query.queries": torch.ones(6, 24)}
            ),
            "Memento's for one expert and StoryMem's for the other",
        ),
        (
            lambda content: content.update(
                {"high_noise_model." + FIRST + "A.weight": torch.ones(3, 24)}
            ),
            "backbone_low_noise.safetensors holds an update of the high_noise expert",
        ),
    ],
)
def test_what_does_not_fit_is_refused(
    change: Any, words: str, folder_of: FolderOf, tmp_path: Path
) -> None:
    """In one sentence with what was found, before anything is loaded."""
    place = write_tiny_published(tmp_path / "memory")
    spoilt(place, "low_noise", change)

    with pytest.raises(WeightsError, match=words):
        WanEngine(weights=folder_of("a14b-i2v"), memory_weights=place)


def test_files_that_cannot_be_read_are_refused(folder_of: FolderOf, tmp_path: Path) -> None:
    """Nothing at all, one expert alone, a pickle, a name that says no expert."""
    folder = folder_of("a14b-i2v")
    card = read_card(folder)
    place = write_tiny_published(tmp_path / "memory")
    with pytest.raises(WeightsError, match="no memory weights in"):
        find_published(tmp_path / "none", folder, card)
    with pytest.raises(WeightsError, match="holds nothing for the low_noise expert"):
        find_published(place / "backbone_high_noise.safetensors", folder, card)
    shutil.copy(place / "backbone_high_noise.safetensors", tmp_path / "some.safetensors")
    with pytest.raises(WeightsError, match="does not say whether it is for high or low noise"):
        find_published(tmp_path / "some.safetensors", folder, card)
    pickles = tmp_path / "pickles"
    pickles.mkdir()
    torch.save({}, pickles / "backbone_low_noise.pth")
    with pytest.raises(WeightsError, match="is no safetensors file") as caught:
        find_published(pickles, folder, card)
    assert "convert it" in str(caught.value.hint)
    long = tmp_path / "backbone_low_noise.safetensors"
    long.write_bytes(struct.pack("<Q", 2**40))
    with pytest.raises(WeightsError, match="is no safetensors file"):
        find_published(long, folder, card)


@pytest.mark.parametrize("kind", ["t2v", "i2v", "ti2v", "a14b"])
def test_a_model_for_which_it_was_not_trained_is_refused(
    kind: Kind, folder_of: FolderOf, published: Path
) -> None:
    """A memory of Wan2.2-I2V-A14B is for no other Wan."""
    with pytest.raises(WeightsError, match=r"are for Wan2\.2-I2V-A14B, and the model is Wan2\."):
        WanEngine(weights=folder_of(kind), memory_weights=published)


def test_choices_that_exclude_each_other_are_refused(
    folder_of: FolderOf, published: Path, tmp_path: Path
) -> None:
    """Two memories of one model; another way to read it; frames without weights for it."""
    folder = folder_of("a14b-i2v")
    modules = write_tiny_memory(tmp_path / "modules", channels=16)
    with pytest.raises(OrderError, match="a model has one memory"):
        WanEngine(weights=folder, memory=modules, memory_weights=published)
    with pytest.raises(OrderError, match="StoryMem reads a memory as frames, and attention is jo"):
        WanEngine({"attention": "joint"}, weights=folder, memory_weights=published)
    with pytest.raises(OrderError, match="as frames needs the memory_weights"):
        WanEngine({"attention": "frames"}, weights=folder)


def test_a_file_that_broke_since_is_refused_when_it_is_loaded(
    folder_of: FolderOf, tmp_path: Path, recipe_of: RecipeOf, first_frame: Frame
) -> None:
    """A head that promises more than there is."""
    place = write_tiny_published(tmp_path / "memory")
    engine = WanEngine(TINY, weights=folder_of("a14b-i2v"), memory_weights=place, device="cpu")
    file = place / "backbone_low_noise.safetensors"
    file.write_bytes(file.read_bytes()[:-100])

    with pytest.raises(WeightsError, match="StoryMem cannot be loaded"):
        shoot(engine, recipe_of(engine), keyframe=first_frame)


def test_heads_are_read_without_the_rest(published: Path, tmp_path: Path) -> None:
    """So that a plan costs no gigabytes: the head alone is enough."""
    file = published / "backbone_low_noise.safetensors"
    content = file.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    place = tmp_path / "head.safetensors"
    place.write_bytes(content[: 8 + length])

    from onestory.engines.wan.published import read_head

    assert read_head(place) == read_head(file)
    assert len(read_head(file)) == 40
    assert json.loads(content[8 : 8 + length])[FIRST + "A.weight"]["shape"] == [3, 24]
