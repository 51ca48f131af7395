"""Do step caches skip what they should, beside a memory too, and keep nothing from shot to shot?"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from onestory.documents import digest_of_json
from onestory.engines.wan.card import named_choices, read_card, usual_config
from onestory.engines.wan.loading import load_model
from onestory.engines.wan.model import WanModel
from onestory.engines.wan.published import config_for, find_published
from onestory.engines.wan.shot import Shot
from onestory.errors import OrderError
from onestory.testing.tiny_wan import Kind, write_tiny_published

FolderOf = Callable[[Kind], Path]

STEPS = 9
RATIOS = [1.0] * STEPS
SKIPPING: dict[str, dict[str, Any]] = {
    "first-block": {"step_threshold": 10.0},
    "taylorseer": {"step_interval": 3},
    "magcache": {"step_ratios": RATIOS},
}
"""Choices with which each skips steps."""
NEVER: dict[str, dict[str, Any]] = {
    "first-block": {"step_threshold": 0.0},
    "taylorseer": {"step_interval": 1},
    "magcache": {"step_ratios": [2.0] * STEPS, "step_threshold": 0.0},
}
"""Choices with which each never does."""
CASES = (
    [("t2v", "cached", how) for how in SKIPPING]
    + [("ti2v", "joint", how) for how in SKIPPING]
    + [
        ("a14b-i2v", "frames", "first-block"),
        ("a14b-i2v", "frames", "taylorseer"),
        ("a14b-i2v", "cached", "first-block"),
    ]
)


@pytest.fixture(scope="session", name="model_of")
def _model_of(
    folder_of: FolderOf, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., WanModel]:
    """A loaded Wan whose choices may be changed."""
    loaded: dict[tuple[Kind, str], WanModel] = {}
    place = write_tiny_published(tmp_path_factory.mktemp("published"))

    def make(kind: Kind, attention: str, **choices: Any) -> WanModel:
        folder = folder_of(kind)
        card = read_card(folder)
        published = find_published(place, folder, card) if attention == "frames" else None
        usual = {"dtype": "float32", "steps": STEPS, "attention": attention}
        config = config_for(card, published, usual | choices)
        if (kind, attention) not in loaded:
            loaded[kind, attention] = load_model(
                folder, card, config, published=published, device="cpu"
            )
        model = loaded[kind, attention]
        model.config = config
        return model

    return make


def draw(model: WanModel, *, remembered: int = 1, num_frames: int = 5) -> tuple[Tensor, int]:
    """Latents of a shot, and how often last blocks were asked for their feed-forward layers."""
    calls = 0

    def count(*_: Any) -> None:
        nonlocal calls
        calls += 1

    side = 4 if model.card.has_token_times else 8
    channels = model.card.latent_channels
    lots = torch.Generator().manual_seed(1)
    latents_KChw = torch.randn(remembered, channels, side, side, generator=lots)
    first = None
    if not model.card.reads_text_alone:
        first = torch.zeros(64, 64, 3, dtype=torch.uint8).numpy()
    shot = Shot(
        caption="a woman walks",
        negative_caption="",
        width=64,
        height=64,
        num_frames=num_frames,
        seed=4,
        guidance=3.5,
        guidance_low=3.5,
        first_HW3=first,
    )
    memory = model.remember(latents_KChw, [0] * remembered) if remembered else ()
    # Inside of the layer, since a skipped layer's own hooks are still asked.
    hooks = [one.blocks[-1].ffn.net[2].register_forward_hook(count) for one in model.transformers]
    try:
        return model.draw(shot, memory, lambda _: None), calls
    finally:
        for hook in hooks:
            hook.remove()


@pytest.mark.parametrize(("kind", "attention", "how"), CASES)
def test_a_cache_that_skips_nothing_changes_nothing(
    kind: Kind, attention: str, how: str, model_of: Callable[..., WanModel]
) -> None:
    """To the bit, with whatever is remembered: what is kept is the shot's and the memory's."""
    expected, calls = draw(model_of(kind, attention))

    drawn, again = draw(model_of(kind, attention, step_cache=how, **NEVER[how]))

    assert torch.equal(drawn, expected)
    assert again == calls == 2 * STEPS


@pytest.mark.parametrize(("kind", "attention", "how"), CASES)
def test_steps_are_skipped_anew_in_every_shot(
    kind: Kind, attention: str, how: str, model_of: Callable[..., WanModel]
) -> None:
    """Fewer calls, other latents, and the same ones again after shots of other lengths."""
    plain, calls = draw(model_of(kind, attention))
    model = model_of(kind, attention, step_cache=how, **SKIPPING[how])

    drawn, fewer = draw(model)
    for remembered, num_frames in ((0, 9), (2, 5)):
        draw(model, remembered=remembered, num_frames=num_frames)
    again, _ = draw(model)

    assert fewer < calls
    assert not torch.equal(drawn, plain)
    assert drawn.isfinite().all()
    assert torch.equal(drawn, again)
    assert torch.equal(draw(model_of(kind, attention))[0], plain)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"step_cache": "luck"}, "must be none, first-block, taylorseer, magcache, got 'luck'"),
        ({"step_cache": "magcache"}, "needs step_ratios .* got magcache and 0 ratios"),
        ({"step_ratios": [1.0]}, "nothing else does; got none and 1 ratios"),
        ({"step_cache": "magcache", "step_ratios": [0.0]}, r"above 0, got 0\.05 and \[0\.0\]"),
        ({"step_cache": "first-block", "step_threshold": -1.0}, "from 0 on"),
        ({"step_interval": 0}, "step_interval must be at least 1, got 0"),
    ],
)
def test_skipping_that_cannot_be_is_refused(
    changes: dict[str, Any], words: str, folder_of: FolderOf
) -> None:
    """With what was found."""
    with pytest.raises(OrderError, match=words):
        usual_config(read_card(folder_of("t2v")), changes)


def test_magcache_is_refused_for_two_experts(folder_of: FolderOf) -> None:
    """It counts the steps of one transformer, from the first to the last."""
    with pytest.raises(OrderError, match=r"one transformer, and .*T2V-A14B has two"):
        usual_config(
            read_card(folder_of("a14b")), {"step_cache": "magcache", "step_ratios": RATIOS}
        )


def test_takes_from_before_are_called_what_they_were_called(folder_of: FolderOf) -> None:
    """A choice that came later is in a fingerprint only if it is made."""
    card = read_card(folder_of("t2v"))
    usual = usual_config(card)

    assert sorted(named_choices(usual)) == [
        "area",
        "attention",
        "dtype",
        "fps",
        "guidance",
        "guidance_low",
        "is_tiled",
        "max_frames",
        "most_kept",
        "negative_caption",
        "shift",
        "steps",
        "stretch_frames",
    ]
    names = {
        digest_of_json(named_choices(usual_config(card, changes)))
        for changes in (
            {},
            {"step_cache": "first-block"},
            {"step_cache": "first-block", "step_threshold": 0.1},
            {"step_cache": "magcache", "step_ratios": [1.0, 0.9]},
        )
    }
    assert len(names) == 4
