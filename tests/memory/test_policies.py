"""In which order a shot would recall the frames of earlier shots."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from onestory.documents import digest_of
from onestory.errors import RenderError
from onestory.memory.bank import MemoryFrame, frame_digest
from onestory.memory.policies import (
    NextShot,
    SelectionPolicy,
    clip_diversity,
    first_frame,
    fixed_window,
    last_frame,
    learned,
    oracle,
    people_first,
    recency,
    single_keyframe,
    uniform,
)
from onestory.memory.selector import FrameSelector
from onestory.memory.showing import Cast, person_key, set_key

C, H, W, T, E = 2, 4, 6, 3, 5


def _frames(*shots: int, features: Tensor | None = None) -> list[MemoryFrame]:
    """One frame per number, in the shot of that number."""
    latents_FCHW = torch.randn(len(shots), C, H, W, generator=torch.Generator().manual_seed(0))
    return [
        MemoryFrame(
            latents_CHW=latents_CHW,
            take=digest_of(b"take"),
            slate="s01e01-sc01-sh001-tk01",
            shot=shot,
            frame_index=place,
            latent=frame_digest(latents_CHW),
            feature_E=None if features is None else features[place],
        )
        for place, (shot, latents_CHW) in enumerate(zip(shots, latents_FCHW, strict=True))
    ]


def _next_shot() -> NextShot:
    generator = torch.Generator().manual_seed(1)
    return NextShot(
        shot=99,
        text_TE=torch.randn(T, E, generator=generator),
        feature_E=torch.randn(4, generator=generator),
    )


def _selector() -> FrameSelector:
    torch.manual_seed(0)
    return FrameSelector(in_channels=C, text_dim=E, width=8, num_queries=2, num_heads=2)


POLICIES: dict[str, Callable[[], SelectionPolicy]] = {
    "recency": recency,
    "uniform": uniform,
    "diversity": clip_diversity,
    "oracle": lambda: oracle(lambda frame: float(frame.frame_index % 3)),
    "learned": lambda: learned(_selector()),
    "last": last_frame,
    "first": first_frame,
    "window": lambda: fixed_window(2),
}


@pytest.mark.parametrize("name", POLICIES)
@pytest.mark.parametrize("num_frames", [0, 1, 2, 7])
def test_every_policy_gives_one_ranking(name: str, num_frames: int) -> None:
    """Whatever the policy: no frame twice, scores that never rise, the same answer each time."""
    features_FE = torch.randn(num_frames, 4, generator=torch.Generator().manual_seed(2))
    frames = _frames(*(1 + place // 2 for place in range(num_frames)), features=features_FE)
    ranking = POLICIES[name]()(frames, _next_shot())

    assert len(set(ranking.frame_index)) == len(ranking.frame_index) == len(ranking.scores)
    assert set(ranking.frame_index) <= set(range(num_frames))
    assert bool(ranking.frame_index) == bool(num_frames)
    assert list(ranking.scores) == sorted(ranking.scores, reverse=True)
    assert POLICIES[name]()(frames, _next_shot()) == ranking


@pytest.mark.parametrize("name", ["recency", "uniform", "diversity", "oracle", "learned"])
def test_full_policies_leave_nobody_out(name: str) -> None:
    """Given budget enough, everything is recalled."""
    frames = _frames(*[1] * 7, features=torch.randn(7, 4))

    assert sorted(POLICIES[name]()(frames, _next_shot()).frame_index) == list(range(7))


def test_recency_is_newest_first() -> None:
    """The newest frame is remembered best."""
    assert recency()(_frames(1, 1, 2), _next_shot()).frame_index == (2, 1, 0)


def test_single_frames() -> None:
    """Edit-and-extend sees the newest frame alone, a single keyframe the story's first."""
    frames = _frames(1, 1, 2, 3)

    assert last_frame()(frames, _next_shot()).frame_index == (3,)
    assert first_frame()(frames, _next_shot()).frame_index == (0,)
    assert single_keyframe()(frames, _next_shot()).frame_index == (0,)


def test_uniform_fills_the_gaps() -> None:
    """The order is that of repeated halving."""
    assert uniform()(_frames(*[1] * 8), _next_shot()).frame_index == (0, 4, 2, 6, 1, 5, 3, 7)


@given(st.integers(1, 60))
def test_uniform_stays_even(num_frames: int) -> None:
    """Every frame comes once, and no gap is ever more than twice and a bit the even one."""
    order = uniform()(_frames(*[1] * num_frames), _next_shot()).frame_index
    assert sorted(order) == list(range(num_frames))

    for k in range(1, num_frames + 1):
        places = [*sorted(order[:k]), num_frames]
        widest = max(later - place for place, later in pairwise(places))
        assert places[0] == 0
        assert widest <= 2 * num_frames / k + 1


def test_a_window_forgets() -> None:
    """Only the last remembered shots are seen, spread evenly, whatever their numbers."""
    frames = _frames(1, 1, 4, 7, 7)

    assert fixed_window(1)(frames, _next_shot()).frame_index == (3, 4)
    assert fixed_window(2)(frames, _next_shot()).frame_index == (2, 3, 4)
    assert set(fixed_window(9)(frames, _next_shot()).frame_index) == set(range(5))
    with pytest.raises(ValueError, match="at least 1 shot, got 0"):
        fixed_window(0)


def test_the_oracle_knows() -> None:
    """Frames come by truth, and of equals the later first."""
    ranking = oracle(lambda frame: [0.5, 0.0, 0.9, 0.5][frame.frame_index])(
        _frames(1, 2, 3, 4), _next_shot()
    )

    assert ranking.frame_index == (2, 3, 0, 1)
    assert ranking.scores == (0.9, 0.5, 0.5, 0.0)


def test_diversity_prefers_something_new() -> None:
    """The second best likeness waits if it only repeats the best; counted by hand."""
    features_FE = torch.tensor([[1.0, 0.0], [2.0, 0.0], [0.6, 0.8], [-1.0, 0.0]])
    next_shot = NextShot(shot=9, feature_E=torch.tensor([3.0, 0.0]))
    ranking = clip_diversity(0.5)(_frames(1, 1, 1, 1, features=features_FE), next_shot)

    # Frame 1 wins its tie with 0. Then 0: 0.5 - 0.5; 2: 0.3 - 0.3, the later; 3: -0.5 - 0.
    assert ranking.frame_index == (1, 2, 0, 3)
    assert ranking.scores == pytest.approx((0.5, 0.0, 0.0, -0.5), abs=1e-6)
    likeness_alone = clip_diversity(1)(_frames(1, 1, 1, 1, features=features_FE), next_shot)
    assert likeness_alone.frame_index == (1, 0, 2, 3)


def test_diversity_needs_features() -> None:
    """Without an encoder it says so and names the way out."""
    with_features = _frames(1, 1, features=torch.ones(2, 4))
    for frames, next_shot in (
        (_frames(1, 1), _next_shot()),
        (with_features, NextShot(shot=9)),
        ([with_features[0], _frames(1, 1)[1]], _next_shot()),
    ):
        with pytest.raises(RenderError, match="needs features") as caught:
            clip_diversity()(frames, next_shot)
        assert "recency" in str(caught.value.hint)
    with pytest.raises(ValueError, match=r"\[0, 1\], got 1.5"):
        clip_diversity(1.5)


def test_the_learned_policy_asks_the_selector() -> None:
    """Its order and scores are the selector's, and no graph is kept."""
    selector, frames, next_shot = _selector(), _frames(1, 1, 2, 3, 4), _next_shot()
    assert next_shot.text_TE is not None
    latents_BFCHW = torch.stack([frame.latents_CHW for frame in frames])[None]
    scores = selector(latents_BFCHW, next_shot.text_TE[None])[0].tolist()
    ranking = learned(selector)(frames, next_shot)

    assert ranking.scores == pytest.approx(sorted(scores, reverse=True))
    assert [scores[index] for index in ranking.frame_index] == pytest.approx(ranking.scores)


def test_the_learned_policy_needs_a_caption_and_sound_weights() -> None:
    """No caption, and weights that are not numbers, are refused instead of ranked."""
    with pytest.raises(RenderError, match="caption's token features"):
        learned(_selector())(_frames(1), NextShot(shot=2))
    selector = _selector()
    torch.nn.init.constant_(selector.scale, float("nan"))
    with pytest.raises(RenderError, match="3 of 3 scores are not finite"):
        learned(selector)(_frames(1, 1, 1), _next_shot())


def test_people_come_before_everything_else() -> None:
    """Frames that show the next shot's people move up; both groups stay as they were ranked."""
    here, gone = torch.ones(2, 2), torch.zeros(2, 2)
    shown = [
        {person_key("MARA"): here},
        {set_key("KITCHEN"): here},
        {person_key("JONAS"): here, person_key("MARA"): gone},
        {person_key("MARA"): here},
        None,
    ]
    frames = [
        replace(frame, figures=figures)
        for frame, figures in zip(_frames(1, 1, 2, 2, 3), shown, strict=True)
    ]
    cast = Cast(first=person_key("MARA"), setting=set_key("KITCHEN"))

    plain = recency()(frames, NextShot(shot=9, cast=cast))
    ranking = people_first(recency())(frames, NextShot(shot=9, cast=cast))

    assert plain.frame_index == (4, 3, 2, 1, 0)
    assert ranking.frame_index == (3, 0, 4, 2, 1)
    assert list(ranking.scores) == sorted(ranking.scores, reverse=True)
    both = replace(cast, others=(person_key("JONAS"),))
    assert people_first(recency())(frames, NextShot(shot=9, cast=both)).frame_index[:3] == (3, 2, 0)
    unknown = people_first(recency())(frames, NextShot(shot=9))
    assert unknown.frame_index == plain.frame_index
