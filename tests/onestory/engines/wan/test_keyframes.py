"""Do Memento's queries choose the frames that its own code would?"""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from onestory.engines.latents import pack_latents
from onestory.engines.protocol import EarlierTake
from onestory.engines.recipe import Recipe
from onestory.engines.wan.engine import WanEngine
from onestory.engines.wan.keyframes import KeyframeQuery, _order, memento
from onestory.errors import OrderError, RenderError, WeightsError
from onestory.memory.policies import NextShot
from onestory.testing.tiny_wan import Kind, write_tiny_published

FolderOf = Callable[[Kind], Path]
RecipeOf = Callable[..., Recipe]
Filmed = Callable[..., EarlierTake]

TINY = {"dtype": "float32", "steps": 2, "stretch_frames": 5}
BEFORE = "low_noise_model.base_model.model.keyframe_query."


@pytest.fixture(name="engine")
def _engine(folder_of: FolderOf, tmp_path: Path) -> WanEngine:
    """A Wan with Memento's memory."""
    place = write_tiny_published(tmp_path / "memento", "memento")
    return WanEngine(TINY, weights=folder_of("a14b-i2v"), memory_weights=place, device="cpu")


def turned(key_NHE: Tensor, times: list[int], rows: int, columns: int) -> Tensor:
    """Keys in complex numbers, turned by a table of 1024 rows of which 512 is now."""
    half = key_NHE.shape[-1] // 2
    sizes = [half - 2 * (half // 3), half // 3, half // 3]
    tables = []
    for size, start in zip(sizes, (-512, 0, 0), strict=True):
        speeds = 10_000.0 ** (-torch.arange(0, 2 * size, 2, dtype=torch.float64) / (2 * size))
        angles = torch.outer(torch.arange(start, start + 1024, dtype=torch.float64), speeds)
        tables.append(torch.polar(torch.ones_like(angles), angles))
    rows_N = [
        torch.cat([tables[0][512 + time], tables[1][row], tables[2][column]])
        for time in times
        for row in range(rows)
        for column in range(columns)
    ]
    pairs = torch.view_as_complex(key_NHE.double().unflatten(-1, (-1, 2)).contiguous())
    return torch.view_as_real(pairs * torch.stack(rows_N)[:, None]).flatten(-2).float()


def their_scores(
    weights: dict[str, Tensor], latents_CFhw: Tensor, caption_TD: Tensor, heads: int
) -> Tensor:
    """What its code computes, step by step, of one sample."""
    frames, height, width = latents_CFhw.shape[1:]
    grid = (list(range(-2 * frames, 0, 2)), height // 2, width // 2)

    def linear(name: str, x: Tensor) -> Tensor:
        return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    def norm(name: str, x: Tensor) -> Tensor:
        return x / (x.pow(2).mean(-1, keepdim=True) + 1e-6).sqrt() * weights[f"{name}.weight"]

    def split(x: Tensor) -> Tensor:
        return x.view(len(x), heads, -1)

    def attend(name: str, x: Tensor, context: Tensor, is_turned: bool) -> Tensor:
        query = split(norm(f"{name}.norm_q", linear(f"{name}.q", x)))
        key = split(norm(f"{name}.norm_k", linear(f"{name}.k", context)))
        if is_turned:
            key = turned(key, *grid)
        weight = torch.einsum("qhe,nhe->hqn", query, key) / math.sqrt(query.shape[-1])
        read = torch.einsum("hqn,nhe->qhe", weight.softmax(-1), split(linear(f"{name}.v", context)))
        return linear(f"{name}.o", read.flatten(1))

    kernel = weights["memory_patcher.weight"]
    patches = torch.nn.functional.conv3d(
        latents_CFhw[None], kernel, weights["memory_patcher.bias"], stride=(1, 2, 2)
    )
    tokens = patches[0].flatten(1).T
    story = weights["queries_global"]
    story = story + attend("query_to_text", story, caption_TD, False)
    shot = weights["queries"]
    shot = shot + attend("query_to_text", shot, caption_TD, False)
    asked = torch.cat([shot, story])
    asked = asked + attend("query_to_visual", asked, tokens, True)
    query = split(linear("query_to_visual.q", asked))
    key = turned(split(linear("query_to_visual.k", tokens)), *grid)
    scores = torch.einsum("qhe,nhe->hqn", query, key).mean(0) / math.sqrt(query.shape[-1])
    return scores.view(len(asked), frames, -1).mean(-1)


@torch.no_grad()
def test_frames_are_scored_as_its_own_code_scores_them(engine: WanEngine) -> None:
    """By the weights of its file, caption padded, frames two latent frames of time apart."""
    model = engine.model()
    assert model.queries is not None
    queries, embedder = model.queries
    assert engine.published is not None
    file = next(file for file in engine.published.files if "low_noise" in file.name)
    weights = {
        key.removeprefix(BEFORE): tensor
        for key, tensor in load_file(file).items()
        if key.startswith(BEFORE)
    }
    latents_CFhw = torch.randn(16, 5, 8, 6)
    text_TE = torch.zeros(512, 10)
    text_TE[:7] = torch.randn(7, 10)
    caption_TD = model.transformers[1].condition_embedder.text_embedder(text_TE)

    score_QF = queries(latents_CFhw, embedder(text_TE[None]))

    assert score_QF.shape == (8, 5)
    expected = their_scores(weights, latents_CFhw, caption_TD, heads=2)
    assert torch.allclose(score_QF, expected, rtol=1e-4, atol=1e-5)


def test_shot_queries_choose_first_and_the_story_adds_others() -> None:
    """As many as there are queries of each, and whoever is left as the shot likes them."""
    score_QF = torch.tensor(
        [
            [0.9, 0.1, 0.5, 0.3, 0.2, 0.4],
            [0.9, 0.1, 0.5, 0.3, 0.2, 0.4],
            [0.9, 0.8, 0.1, 0.2, 0.3, 0.1],
        ]
    )

    assert _order(score_QF, 2, 1) == [0, 2, 1, 5, 3, 4]
    assert _order(score_QF[:2], 2, 0) == [0, 2, 5, 3, 4, 1]
    assert _order(score_QF[:, :1], 2, 1) == [0]


def test_they_choose_unless_somebody_else_is_named(
    engine: WanEngine, folder_of: FolderOf, recipe_of: RecipeOf, filmed: Filmed, tmp_path: Path
) -> None:
    """The policy `learned` is theirs, each time the same; StoryMem has none."""
    rng = np.random.default_rng(2)
    content = pack_latents(rng.standard_normal((9, 16, 8, 4), dtype=np.float32))
    take = filmed(recipe_of(engine, seed=1), content)
    recipe = recipe_of(engine, memory_budget=3.0)

    lineage = engine.recall(recipe, [take])

    assert engine.capabilities().memory_policy == "learned"
    assert lineage == engine.recall(recipe, [take])
    frames = [one.frame_index for one in lineage]
    assert frames == sorted(frames, reverse=True)
    assert len(frames) == 3
    storymem = write_tiny_published(tmp_path / "storymem")
    weights = folder_of("a14b-i2v")
    with pytest.raises(OrderError, match="cannot choose by 'learned'"):
        WanEngine(weights=weights, memory_weights=storymem, memory_policy="learned")
    other = WanEngine(weights=weights, memory_weights=storymem)
    assert other.capabilities().memory_policy == "diversity"


def test_they_need_a_caption_and_give_numbers() -> None:
    """Or say so; and of nothing they choose nothing."""
    queries = KeyframeQuery(dim=24, num_heads=2, num_local=3, num_global=1)
    policy = memento(queries, torch.nn.Linear(10, 24))
    text_TE = torch.randn(4, 10)

    class Frame:
        latents_CHW = torch.full((16, 4, 4), torch.nan)

    frames: Any = [Frame()]
    assert policy([], NextShot(shot=1, text_TE=text_TE)).frame_index == ()
    with pytest.raises(RenderError, match="need the caption's token features"):
        policy(frames, NextShot(shot=1))
    with pytest.raises(RenderError, match="scores that are no numbers"):
        policy(frames, NextShot(shot=1, text_TE=text_TE))


@pytest.mark.parametrize("length", [4, 600])
def test_captions_are_read_as_in_training(length: int) -> None:
    """Padded with nothing to 512 tokens, or cut there."""
    read: list[Tensor] = []
    embedder = torch.nn.Linear(10, 24)
    embedder.register_forward_pre_hook(lambda _, args: read.append(args[0]))
    policy = memento(KeyframeQuery(dim=24, num_heads=2, num_local=3, num_global=0), embedder)
    text_TE = torch.randn(length, 10)

    class Frame:
        latents_CHW = torch.randn(16, 4, 4)

    frames: Any = [Frame(), Frame()]
    chosen = policy(frames, NextShot(shot=2, text_TE=text_TE))

    assert sorted(chosen.frame_index) == [0, 1]
    assert chosen.scores == (0.0, -1.0)
    kept = min(length, 512)
    assert read[0].shape == (1, 512, 10)
    assert torch.equal(read[0][0, :kept], text_TE[:kept])
    assert not read[0][0, kept:].any()


def test_queries_that_do_not_fit_are_refused(
    folder_of: FolderOf, recipe_of: RecipeOf, filmed: Filmed, tmp_path: Path
) -> None:
    """With the name of what is missing."""
    place = write_tiny_published(tmp_path / "memento", "memento")
    file = place / "backbone_low_noise.safetensors"
    content = load_file(file)
    del content[BEFORE + "query_to_text.norm_k.weight"]
    save_file(content, file)
    engine = WanEngine(TINY, weights=folder_of("a14b-i2v"), memory_weights=place, device="cpu")
    latents = pack_latents(np.ones((1, 16, 8, 4), np.float32))

    with pytest.raises(WeightsError, match=r"queries of Memento do not fit: .*norm_k\.weight"):
        engine.recall(recipe_of(engine), [filmed(recipe_of(engine, seed=1), latents)])
