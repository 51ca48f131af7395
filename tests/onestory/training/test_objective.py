"""What a step is asked: draw the target, choose what helps, say what is there."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from onestory.diffusion.pocket import PocketModules, PocketSize, new_modules
from onestory.training.batches import Batch, Kind, Stories
from onestory.training.config import Phase, TrainingConfig
from onestory.training.critic import Critic
from onestory.training.objective import Losses, Teacher, losses

Ask = Callable[..., Losses]
STEADY = {"text_dropout": 0.0, "context_dropout": 0.0, "first_frame": 0.0}


class Asked:
    """Small modules, and a way to ask them."""

    def __init__(self, stories: Stories, config: TrainingConfig) -> None:
        torch.manual_seed(8)
        self.modules = new_modules(PocketSize(**config.size.model_dump()))
        nn.init.normal_(self.modules.transformer.proj_out.weight, std=0.2)
        self.teacher = Teacher(config.size.heads * config.size.head_dim)
        self.stories = stories
        self.config = config
        self.remembered: list[Tensor] = []
        self.modules.conditioner.register_forward_pre_hook(
            lambda _, args: self.remembered.append(args[0][:, :, : self.modules.channels].detach())
        )

    def batch(self, kind: Kind, step: int = 0, size: int = 4) -> Batch:
        """The samples of a step."""
        return self.stories.batch(kind, size, (5, step, 0))

    def __call__(
        self,
        batch: Batch,
        *,
        seed: int = 1,
        phase: dict[str, Any] | None = None,
        critic: Critic | None = None,
        **config: Any,
    ) -> Losses:
        """What the modules come to, with some of the file changed."""
        asked = self.config.model_copy(update=STEADY | config)
        usual: Phase = self.config.phases[1].model_copy(update=phase or {})
        rng = np.random.default_rng([seed])
        return losses(self.modules, self.teacher, batch, asked, usual, rng, critic)

    def gradients(self, loss: Tensor, module: nn.Module) -> list[str]:
        """Names of the weights of a module that a loss moves."""
        self.modules.zero_grad()
        self.teacher.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        return [
            name
            for name, weight in module.named_parameters()
            if weight.grad is not None and weight.grad.any()
        ]


@pytest.fixture(name="asked")
def _asked(stories: Stories, config: TrainingConfig) -> Asked:
    return Asked(stories, config)


@pytest.mark.parametrize("budget", [0.5, 1.0, 3.0])
def test_warm_up_remembers_real_shots_alone(asked: Asked, budget: float) -> None:
    """Before frames are selected, no foreign and no augmented frame is ever remembered."""
    kept: set[int] = set()
    for step in range(12):
        batch = asked.batch("shot", step)
        assert batch.candidates_BMChw is not None
        assert batch.is_real_BM is not None
        asked.remembered.clear()
        asked(batch, seed=step, phase={"warm_up": True, "budgets": (budget,)})

        (chosen_SKChw,) = asked.remembered
        for row, chosen_KChw in enumerate(chosen_SKChw):
            real_MChw = batch.candidates_BMChw[row][batch.is_real_BM[row]]
            for frame_Chw in chosen_KChw:
                matches = (real_MChw == frame_Chw).flatten(1).all(dim=1).nonzero().flatten()
                assert len(matches), "a frame that is not real"
                kept.add(int(matches[0]))
    assert len(kept) > 1, "frames are drawn by lot"


def test_after_warm_up_the_best_are_remembered(asked: Asked) -> None:
    """Half the time by their labels, half the time by the selector's own scores."""
    found = {"labels": 0, "scores": 0}
    for step in range(10):
        batch = asked.batch("shot", step)
        assert batch.candidates_BMChw is not None
        assert batch.labels_BM is not None
        asked.remembered.clear()
        assert batch.shown_BMOhw is not None
        asked(batch, seed=step, phase={"budgets": (0.5,), "blocked": 1.0})
        best_BChw = asked.remembered[0][:, 0]
        with torch.no_grad():
            scores_BM = asked.modules.selector(
                torch.cat([batch.candidates_BMChw, batch.shown_BMOhw], dim=2),
                batch.text_BTE,
                batch.text_mask_BT,
            )
        rows = torch.arange(len(best_BChw))
        by_scores = batch.candidates_BMChw[rows, scores_BM.argmax(dim=1)]
        at_BM = (batch.candidates_BMChw == best_BChw[:, None]).flatten(2).all(dim=2)
        label_B = torch.where(at_BM, batch.labels_BM, -9.0).amax(dim=1)
        if torch.equal(best_BChw, by_scores):
            found["scores"] += 1
        else:
            assert (label_B >= batch.labels_BM.amax(dim=1) - 0.2).all()
            found["labels"] += 1

    assert min(found.values()) >= 2, found


def test_dropped_context_is_not_remembered(asked: Asked) -> None:
    """A share of the steps draws without memory, and still teaches the selector."""
    batch = asked.batch("shot")
    dropped = asked(batch, context_dropout=1.0)
    kept = asked(batch, context_dropout=0.0)

    assert (dropped.told["memory"], kept.told["memory"]) == (0.0, 1.0)
    assert "selector" in dropped.told
    assert len(asked.remembered) == 1
    assert dropped.told["flow"] != kept.told["flow"]
    assert asked.gradients(dropped.total, asked.modules.conditioner) == []
    assert asked.gradients(kept.total, asked.modules.conditioner) != []


def test_dropped_captions_are_not_read(asked: Asked) -> None:
    """Without its caption a picture is drawn as under any other caption."""
    batch = asked.batch("picture")
    other = asked.batch("picture")
    other.text_BTE.copy_(batch.text_BTE.roll(1, dims=0))
    told = [
        asked(one, text_dropout=share).told["flow"]
        for share in (1.0, 0.0)
        for one in (batch, other)
    ]

    assert told[0] == told[1]
    assert told[2] != told[3]


def test_choosing_teaches_the_selector_nothing(asked: Asked) -> None:
    """The selector learns from labels alone: what is drawn with its choice gives no gradient."""
    batch = asked.batch("shot")
    for seed in range(4):
        drawing = asked(batch, seed=seed, selector_weight=0.0)
        assert asked.gradients(drawing.total, asked.modules.selector) == []

    judged = asked(batch, selector_weight=1.0)
    moved = asked.gradients(judged.total, asked.modules.selector)
    assert len(moved) == len(list(asked.modules.selector.named_parameters()))


def test_labels_teach_nothing_but_the_selector(asked: Asked) -> None:
    """What helps is the selector's business: transformer and conditioner do not learn from it."""
    batch = asked.batch("shot")
    without, with_it = (
        asked(batch, selector_weight=weight, parts_weight=0.0) for weight in (0.0, 1.0)
    )
    gradients = []
    for loss in (without, with_it):
        asked.gradients(loss.total, asked.modules)
        gradients.append(
            [p.grad.clone() for p in asked.modules.transformer.parameters() if p.grad is not None]
        )

    assert all(torch.equal(a, b) for a, b in zip(*gradients, strict=True))


def test_memory_is_learnt_through(asked: Asked) -> None:
    """The error of what is drawn reaches the patchifiers of what was remembered."""
    loss = asked(asked.batch("shot"), parts_weight=0.0, selector_weight=0.0)
    moved = asked.gradients(loss.total, asked.modules.conditioner)

    assert moved
    assert asked.gradients(asked(asked.batch("picture")).total, asked.modules.conditioner) == []


def test_truth_teaches_the_first_half(asked: Asked) -> None:
    """Parts and place are read out of the middle block, whose weights and heads learn them."""
    batch = asked.batch("picture")
    both, drawing = (asked(batch, parts_weight=weight) for weight in (1.0, 0.0))
    difference = both.total - drawing.total
    moved = asked.gradients(difference, asked.modules.transformer)

    assert both.told["parts"] == drawing.told["parts"]
    assert float(difference.detach()) == pytest.approx(both.told["parts"], rel=1e-4)
    assert any(name.startswith("blocks.0.") for name in moved)
    again = asked(batch, parts_weight=1.0)
    assert asked.gradients(again.total, asked.teacher) == [
        *("parts.weight", "parts.bias", "place.weight", "place.bias")
    ]


def test_looks_are_learnt_as_much_as_the_phase_says(asked: Asked) -> None:
    """What a critic reads off the drawing is added with its weight; without one, nothing is."""
    torch.manual_seed(9)
    critic, batch = Critic(asked.modules.channels, width=8, blocks=1), asked.batch("picture")
    seen = batch.parts_BFLP.clone()
    seen[..., 1:] = 0.125
    batch = replace(batch, parts_BFLP=seen)

    nobody = asked(batch)
    half, whole = (asked(batch, critic=critic, phase={"looks": weight}) for weight in (0.5, 1.0))
    silent = asked(batch, critic=critic, phase={"looks": 0.0})

    found = whole.told["looks"] + 0.3 * whole.told["scene looks"]
    assert found > 0.3 * whole.told["scene looks"] > 0
    assert float((whole.total - half.total).detach()) == pytest.approx(0.5 * found, rel=1e-4)
    assert "looks" not in nobody.told
    assert float(silent.total.detach()) == float(nobody.total.detach())
    assert asked.gradients(whole.total - nobody.total, asked.modules.transformer)


def test_a_perfect_drawing_costs_nothing(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    """Clean latents are what is wanted, at every noise level and in every channel."""
    batch = asked.batch("shot")
    draw = PocketModules.denoise

    def know(self: PocketModules, *args: Any, **options: Any) -> Tensor:
        draw(self, *args, **options)
        return batch.latents_BCFhw

    monkeypatch.setattr(PocketModules, "denoise", know)

    assert asked(batch).told["flow"] == 0.0
    assert asked(batch, first_frame=1.0).told["flow"] == 0.0


def test_a_given_first_frame_is_not_asked_for(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error in a frame that was given costs nothing; in one that was not, it does."""
    batch = asked.batch("shot")
    draw = PocketModules.denoise

    def miss(self: PocketModules, *args: Any, **options: Any) -> Tensor:
        draw(self, *args, **options)
        missed = batch.latents_BCFhw.clone()
        missed[:, :, 0] += 1.0
        return missed

    monkeypatch.setattr(PocketModules, "denoise", miss)

    assert asked(batch, first_frame=1.0).told["flow"] == 0.0
    assert asked(batch, first_frame=0.0).told["flow"] > 0.1


def test_people_weigh_more(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same error costs more on a person than on a wall, by what the file says."""
    batch = asked.batch("picture", size=2)
    draw = PocketModules.denoise

    def miss(self: PocketModules, *args: Any, **options: Any) -> Tensor:
        return draw(self, *args, **options) * 0 + batch.latents_BCFhw + 1.0

    monkeypatch.setattr(PocketModules, "denoise", miss)
    told = []
    for part in (0, 3):
        batch.parts_BFLP.zero_()
        batch.parts_BFLP[..., part] = 1.0
        told.append(asked(batch, phase={"person_weight": 1.5}).told["flow"])

    assert told[1] == pytest.approx(2.5 * told[0], rel=1e-4)


def test_focus_moves_weight_and_makes_none(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake in a weak channel may weigh less; where all are as strong, it weighs the same."""
    batch = asked.batch("picture")
    draw, weakest = PocketModules.denoise, int(asked.stories.std_C.argmin())

    def miss(self: PocketModules, *args: Any, **options: Any) -> Tensor:
        missed = draw(self, *args, **options) * 0 + batch.latents_BCFhw
        missed[:, weakest] += 1.0
        return missed

    monkeypatch.setattr(PocketModules, "denoise", miss)
    asked.modules.expect(asked.stories.std_C)
    flat, sharp = (asked(batch, phase={"focus": focus}).told["flow"] for focus in (0.0, 3.0))
    asked.modules.expect(torch.full_like(asked.stories.std_C, 0.5))
    even = [asked(batch, phase={"focus": focus}).told["flow"] for focus in (0.0, 3.0)]

    assert sharp < flat / 2
    assert even[0] == pytest.approx(even[1], rel=1e-4)


@pytest.mark.parametrize("kind", ["picture", "recalled picture", "shot"])
def test_equal_numbers_give_equal_losses(asked: Asked, kind: Kind) -> None:
    """A step's loss is a function of batch, weights and numbers, to the bit."""
    batch = asked.batch(kind)
    usual = {"text_dropout": 0.1, "context_dropout": 0.1, "first_frame": 0.4}
    one, same, other = (asked(batch, seed=seed, **usual) for seed in (1, 1, 2))

    assert one.told == same.told
    assert one.told["flow"] != other.told["flow"]
    assert np.isfinite(list(one.told.values())).all()


def test_nothing_is_left_on_the_transformer(asked: Asked) -> None:
    """After a step the stock model is as it was: no hook, no memory."""
    blocks = asked.modules.transformer.blocks
    before = [dict(block._forward_hooks) for block in blocks]
    processors = [block.attn1.processor for block in blocks]
    asked(asked.batch("shot"))

    assert [dict(block._forward_hooks) for block in blocks] == before
    assert [block.attn1.processor for block in blocks] == processors


def test_samples_are_told_who_stands_where_as_often_as_the_phase_says(asked: Asked) -> None:
    """Blocking changes what is drawn; a phase without it draws what it always drew."""
    nn.init.normal_(asked.modules.transformer.patch_embedding.weight, std=0.2)
    batch = asked.batch("picture")
    moved = replace(batch, blocking_BPFhw=batch.blocking_BPFhw.roll(1, dims=0))
    told = {
        share: [asked(one, phase={"blocked": share}).told["flow"] for one in (batch, moved)]
        for share in (0.0, 0.5, 1.0)
    }

    assert told[0.0][0] == told[0.0][1]
    assert told[1.0][0] != told[1.0][1]
    assert len({flows[0] for flows in told.values()}) == 3
