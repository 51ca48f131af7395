"""Which past frames the next shot needs to see."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from onestory.errors import MemoryBudgetError
from onestory.memory.selector import (
    AUGMENTED_LABEL,
    FOREIGN_LABEL,
    FrameSelector,
    pseudo_labels,
    selector_loss,
    top_k,
)

C, H, W, T, E = 3, 6, 7, 5, 11


@pytest.fixture(name="selector")
def _selector() -> FrameSelector:
    torch.manual_seed(0)
    return FrameSelector(in_channels=C, text_dim=E, width=16, num_queries=4, num_heads=2).eval()


def _story(*, stories: int = 2, frames: int = 9) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    return (
        torch.randn(stories, frames, C, H, W, generator=generator),
        torch.randn(stories, T, E, generator=generator),
    )


def test_every_frame_gets_a_score(selector: FrameSelector) -> None:
    """One number for each frame, on the scale of the labels, whatever the grid and length."""
    for frames in (1, 9):
        scores_BF = selector(*_story(frames=frames))
        assert scores_BF.shape == (2, frames)
        assert scores_BF.abs().max() <= 1


def test_an_empty_memory_has_no_scores(selector: FrameSelector) -> None:
    """The first shot may ask, and gets no answer rather than an error."""
    assert selector(*_story(frames=0)).shape == (2, 0)


def test_order_of_frames_changes_nothing(selector: FrameSelector) -> None:
    """Frames are judged by content: shuffled frames get the same scores, shuffled."""
    latents_BFCHW, text_BTE = _story()
    order = torch.randperm(9, generator=torch.manual_seed(3))

    shuffled_BF = selector(latents_BFCHW[:, order], text_BTE)
    assert torch.allclose(shuffled_BF, selector(latents_BFCHW, text_BTE)[:, order], atol=1e-6)


def test_the_caption_is_read(selector: FrameSelector) -> None:
    """Another caption wants other frames."""
    latents_BFCHW, text_BTE = _story()

    assert not torch.allclose(
        selector(latents_BFCHW, text_BTE), selector(latents_BFCHW, -text_BTE), atol=1e-4
    )


def test_the_memory_is_read(selector: FrameSelector) -> None:
    """What a frame is worth depends on what else is remembered."""
    latents_BFCHW, text_BTE = _story()
    alone_BF = selector(latents_BFCHW[:, :1], text_BTE)

    assert not torch.allclose(alone_BF, selector(latents_BFCHW, text_BTE)[:, :1], atol=1e-5)


def test_padding_of_caption_and_memory_is_never_read(selector: FrameSelector) -> None:
    """Whatever stands behind a mask, the scores of the rest are those of the rest alone."""
    latents_BFCHW, text_BTE = _story()
    text_mask_BT = torch.ones(2, T, dtype=torch.int64)
    text_mask_BT[:, 3:] = 0
    frame_mask_BF = torch.ones(2, 9, dtype=torch.bool)
    frame_mask_BF[:, 6:] = False
    alone_BF = selector(latents_BFCHW[:, :6], text_BTE[:, :3])

    for rubbish in (0.0, 1e3):
        latents_BFCHW[:, 6:] = rubbish
        text_BTE[:, 3:] = rubbish
        scores_BF = selector(latents_BFCHW, text_BTE, text_mask_BT, frame_mask_BF)
        assert torch.allclose(scores_BF[:, :6], alone_BF, atol=1e-6)
        assert torch.isneginf(scores_BF[:, 6:]).all()


def test_rows_without_caption_or_memory_stay_numbers(selector: FrameSelector) -> None:
    """A dropped caption or an empty past in one story spoils no number of the batch."""
    latents_BFCHW, text_BTE = _story()
    text_mask_BT, frame_mask_BF = torch.ones(2, T), torch.ones(2, 9)
    text_mask_BT[0], frame_mask_BF[1] = 0, 0
    scores_BF = selector(latents_BFCHW, text_BTE, text_mask_BT, frame_mask_BF)
    selector_loss(scores_BF, torch.zeros(2, 9), frame_mask_BF).backward()  # type: ignore[no-untyped-call]

    assert scores_BF[0].isfinite().all()
    assert torch.isneginf(scores_BF[1]).all()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in selector.parameters())


def test_tokens_of_large_frames_are_pooled() -> None:
    """However large the picture, a frame is read as no more tokens than configured."""
    selector = FrameSelector(
        in_channels=C, text_dim=E, width=16, num_heads=2, max_tokens_per_frame=5
    )
    read: list[int] = []
    selector.read_memory.register_forward_pre_hook(lambda _, args: read.append(args[1].shape[1]))
    for size, tokens in (((H, W), 4), ((4, 2), 2), ((40, 9), 4)):
        selector(torch.zeros(1, 2, C, *size), torch.zeros(1, T, E))
        assert read.pop() == 2 * tokens


def test_features_are_what_frames_are_scored_by(selector: FrameSelector) -> None:
    """Cosine with one and the same answer: the order of scores, and one row for every frame."""
    torch.manual_seed(3)
    latents_FCHW = torch.randn(6, C, H, W)
    text_1TE = torch.randn(1, T, E)
    answers: list[Tensor] = []
    selector.read_memory.register_forward_hook(lambda _, __, out: answers.append(out[0]))
    selector.norm_intent.register_forward_pre_hook(lambda _, args: answers.append(args[0]))
    with torch.no_grad():
        features_FD = selector.describe(latents_FCHW)
        scores_1F = selector(latents_FCHW[None], text_1TE)
    intent_1QD, recall_1QD = answers
    answer_QD = torch.nn.functional.normalize(intent_1QD + recall_1QD, dim=-1)[0]
    told_F = selector.scale.detach() * (features_FD @ answer_QD.T).mean(dim=1)

    assert torch.allclose(told_F, scores_1F[0], atol=1e-5)
    assert torch.allclose(features_FD.norm(dim=1), torch.ones(6), atol=1e-5)
    assert selector.describe(torch.zeros(0, C, H, W)).shape == (0, 16)


def test_dot_scoring_is_the_papers_formula() -> None:
    """The switch takes norms and scale out of the score."""
    torch.manual_seed(0)
    cosine = FrameSelector(in_channels=C, text_dim=E, width=16, num_queries=1, num_heads=2)
    dot = FrameSelector(
        in_channels=C, text_dim=E, width=16, num_queries=1, num_heads=2, scoring="dot"
    )
    dot.load_state_dict(cosine.state_dict())
    embedded: list[Tensor] = []
    cosine.project_frame.register_forward_hook(lambda _, __, out: embedded.append(out))
    story = _story()
    ratio_BF = dot(*story) / cosine(*story)

    # With one query, what is left between them is the two norms: one per frame, one per story.
    per_story_BF = ratio_BF / embedded[0].norm(dim=-1)
    assert torch.allclose(per_story_BF, per_story_BF[:, :1].expand_as(per_story_BF), rtol=1e-3)
    assert (per_story_BF > 0).all()


def test_it_learns_what_a_caption_points_at() -> None:
    """After some steps it finds the one frame that shows what the caption names."""
    generator = torch.Generator().manual_seed(0)
    looks_NCHW = torch.randn(6, C, H, W, generator=generator)
    names_NE = torch.randn(6, E, generator=generator)
    selector = FrameSelector(in_channels=C, text_dim=E, width=32, num_heads=2)
    optimizer = torch.optim.AdamW(selector.parameters(), lr=3e-3)

    def batch(stories: int) -> tuple[Tensor, Tensor, Tensor]:
        shown_BF = torch.rand(stories, 6, generator=generator).argsort(dim=1)[:, :4]
        wanted_B1 = shown_BF.gather(1, torch.randint(4, (stories, 1), generator=generator))
        noise_BFCHW = torch.randn(stories, 4, C, H, W, generator=generator)
        text_BTE = torch.randn(stories, T, E, generator=generator) / 2
        text_BTE[:, 2] = names_NE[wanted_B1[:, 0]]
        labels_BF = torch.where(shown_BF == wanted_B1, 1.0, AUGMENTED_LABEL)
        return looks_NCHW[shown_BF] + noise_BFCHW / 4, text_BTE, labels_BF

    for _ in range(150):
        latents_BFCHW, text_BTE, labels_BF = batch(32)
        loss = selector_loss(selector(latents_BFCHW, text_BTE), labels_BF)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    latents_BFCHW, text_BTE, labels_BF = batch(256)
    with torch.no_grad():
        best_BK = top_k(selector(latents_BFCHW, text_BTE), 1)
    assert labels_BF.gather(1, best_BK).mean() > 0.9


def test_scores_are_fitted_by_mean_squared_error() -> None:
    """The loss is the mean over the frames there are, counted by hand."""
    scores_BF = torch.tensor([[0.5, -0.5, float("-inf")], [1.0, 0.0, 0.25]])
    labels_BF = torch.tensor([[1.0, FOREIGN_LABEL, 7.0], [1.0, AUGMENTED_LABEL, -0.75]])
    mask_BF = torch.tensor([[1, 1, 0], [1, 1, 1]])

    assert selector_loss(scores_BF, labels_BF, mask_BF).item() == pytest.approx(
        (0.25 + 0.25 + 0 + 0 + 1) / 5
    )
    assert selector_loss(scores_BF[1:], labels_BF[1:]).item() == pytest.approx(1 / 3)
    assert selector_loss(scores_BF, labels_BF, torch.zeros(2, 3)).item() == 0


def test_labels_mix_feature_spaces() -> None:
    """A label is the weighted mean of the cosines, half and half unless said otherwise."""
    dino_BFE = torch.tensor([[[2.0, 0.0], [0.0, 3.0], [-1.0, 0.0]]])
    clip_BFE = torch.tensor([[[0.0, 1.0, 0.0], [0.0, 0.0, 5.0], [0.0, 0.0, -5.0]]])
    spaces = [dino_BFE, clip_BFE], [torch.tensor([[4.0, 0.0]]), torch.tensor([[0.0, 0.0, 1.0]])]

    assert pseudo_labels(*spaces).tolist() == [[0.5, 0.5, -1.0]]
    assert pseudo_labels(*spaces, weights=[3.0, 1.0]).tolist() == [[0.75, 0.25, -1.0]]


def test_feature_spaces_pair_up() -> None:
    """A space without its target, or without a weight, is a mistake."""
    frames, targets = [torch.ones(1, 2, 3)], [torch.ones(1, 3)]
    with pytest.raises(ValueError, match="1 of frames, 0 of targets"):
        pseudo_labels(frames, [])
    with pytest.raises(ValueError, match="0 of frames, 0 of targets"):
        pseudo_labels([], [])
    with pytest.raises(ValueError, match="1 of targets, 2 weights"):
        pseudo_labels(frames, targets, [1.0, 2.0])


def test_the_best_frames_come_first_and_ties_go_to_the_later() -> None:
    """Of equal frames the one nearer to the next shot is kept; choices are nested."""
    scores_BF = torch.tensor([[0.1, 0.7, 0.7, 0.2, 0.7], [0.0, 0.0, 0.0, 0.0, -1.0]])
    ranked = [[4, 2, 1, 3, 0], [3, 2, 1, 0, 4]]

    for k in range(6):
        assert top_k(scores_BF, k).tolist() == [row[:k] for row in ranked]


def test_absent_frames_are_ranked_last() -> None:
    """A masked frame is chosen only when there is nothing else."""
    scores_BF = torch.tensor([[float("-inf"), -0.9, float("-inf"), 0.1]])

    assert top_k(scores_BF, 2).tolist() == [[3, 1]]


@pytest.mark.parametrize("k", [-1, 4])
def test_more_frames_than_there_are_cannot_be_kept(k: int) -> None:
    """Asking for frames that do not exist is refused with both numbers."""
    with pytest.raises(MemoryBudgetError, match=f"keep {k} of 3"):
        top_k(torch.zeros(2, 3), k)


def test_sizes_that_do_not_go_together_are_refused() -> None:
    """Heads divide the width, and scorings are two."""
    with pytest.raises(ValueError, match="10 and 4"):
        FrameSelector(width=10)
    with pytest.raises(ValueError, match="cosine or dot"):
        FrameSelector(scoring="loud")  # type: ignore[arg-type]


def test_what_is_saved_is_what_is_loaded(selector: FrameSelector, tmp_path: Path) -> None:
    """A folder of safetensors and JSON gives back the same scores, bit by bit."""
    selector.save_pretrained(tmp_path)
    loaded = FrameSelector.from_pretrained(tmp_path)

    assert sorted(p.suffix for p in tmp_path.iterdir()) == [".json", ".safetensors"]
    assert torch.equal(loaded(*_story()), selector(*_story()))
