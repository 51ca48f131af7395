"""Noise becomes a shot, step by step."""

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from onestory.diffusion.kv import MemoryCache
from onestory.diffusion.pocket import PocketModules, PocketSize, new_modules
from onestory.diffusion.sampling import Sampling, sample
from onestory.diffusion.text import TEXT_DIM
from onestory.memory.showing import OWNERS

B, C, F, h, w, T = 2, 8, 3, 6, 4, 5
FAST = Sampling(steps=4, guidance=2.5, shift=3.0)


@pytest.fixture(scope="module", name="modules")
def _modules() -> PocketModules:
    """Small modules that draw something."""
    torch.manual_seed(5)
    modules = new_modules(
        PocketSize(channels=C, heads=2, head_dim=24, layers=2, ffn=48, selector_width=16)
    )
    nn.init.normal_(modules.transformer.proj_out.weight, std=0.2)
    return modules.eval()


@pytest.fixture(scope="module", name="noise")
def _noise() -> Tensor:
    return torch.randn(B, C, F, h, w, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module", name="text")
def _text() -> Tensor:
    read = torch.randn(B, T, TEXT_DIM, generator=torch.Generator().manual_seed(2))
    return nn.functional.pad(read, (0, OWNERS))


def remembered(modules: PocketModules, seed: int, *, batch: int = 1) -> MemoryCache:
    """Two frames of the past, as the transformer reads them."""
    frames = torch.randn(batch, 2, C, h, w, generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        return modules.remember(frames, (0, 1))


class Oracle(PocketModules):
    """Knows what is under the noise."""

    clean: Tensor
    seen: list[tuple[int, bool]]

    blockings: list[Tensor | None]

    shares: list[float]

    def denoise(
        self,
        noisy_BCFhw: Tensor,
        share_BF: Tensor,
        text_BTE: Tensor,
        *,
        per_token: bool,
        blocking_BPFhw: Tensor | None = None,
        memory: MemoryCache | None = None,
    ) -> Tensor:
        """Tell it."""
        self.blockings.append(blocking_BPFhw)
        self.shares.append(float(share_BF[0, -1]))
        self.seen.append((len(noisy_BCFhw), per_token))
        return self.clean


@pytest.fixture(name="oracle")
def _oracle(modules: PocketModules) -> Oracle:
    oracle = Oracle(
        modules.transformer, modules.conditioner, modules.selector, modules.preconditioner
    )
    oracle.clean = torch.randn(B, C, F, h, w)
    oracle.seen = []
    oracle.blockings = []
    oracle.shares = []
    return oracle


@pytest.mark.parametrize("steps", [1, 3, 8])
def test_whoever_knows_the_end_gets_there(
    oracle: Oracle, noise: Tensor, text: Tensor, steps: int
) -> None:
    """If every step names the clean latents, any number of steps ends with exactly these."""
    made = sample(oracle, noise, text, sampling=Sampling(steps=steps))

    assert torch.allclose(made, oracle.clean, atol=1e-4)
    assert len(oracle.seen) == 2 * steps
    assert made.dtype == torch.float32


def test_steps_go_to_where_something_is_decided(
    oracle: Oracle, noise: Tensor, text: Tensor
) -> None:
    """From pure noise down to where little is left to be decided; three of four above half."""
    sample(oracle, noise, text, sampling=Sampling(steps=16, guidance=1.0))

    assert oracle.shares == sorted(oracle.shares, reverse=True)
    assert oracle.shares[0] == pytest.approx(1.0, abs=1e-5)
    assert oracle.shares[-1] < 0.2
    assert sum(share > 0.5 + 1e-4 for share in oracle.shares) == 12


def test_without_guidance_every_shot_is_drawn_once(
    oracle: Oracle, noise: Tensor, text: Tensor
) -> None:
    """Guidance 1 costs half of any other."""
    sample(oracle, noise, text, sampling=Sampling(steps=2, guidance=1.0))
    sample(oracle, noise, text, sampling=Sampling(steps=2, guidance=2.0))

    assert oracle.seen == [(B, False)] * 2 + [(B, False)] * 4


def test_guidance_has_nothing_to_go_away_from_without_a_caption(
    modules: PocketModules, noise: Tensor
) -> None:
    """Told nothing, any guidance draws what none draws."""
    silent = torch.zeros(B, T, TEXT_DIM + OWNERS)
    strong, none = (
        sample(modules, noise, silent, sampling=Sampling(steps=3, guidance=guidance))
        for guidance in (4.0, 1.0)
    )

    assert torch.allclose(strong, none, atol=0.05)


def test_guidance_goes_further_the_same_way(
    modules: PocketModules, noise: Tensor, text: Tensor
) -> None:
    """In one step, guidance 3 is twice as far from no guidance as guidance 2."""
    one, two, three = (
        sample(modules, noise, text, sampling=Sampling(steps=1, guidance=guidance))
        for guidance in (1.0, 2.0, 3.0)
    )

    assert (two - one).abs().mean() > 0.01
    assert torch.allclose(three - one, 2 * (two - one), atol=0.1)


def test_guidance_goes_away_from_what_is_not_remembered(
    modules: PocketModules, noise: Tensor
) -> None:
    """In one step and without a caption: twice as far from nothing remembered."""
    silent, memory = torch.zeros(B, T, TEXT_DIM + OWNERS), remembered(modules, 1)
    none, one, two = (
        sample(modules, noise, silent, memory=read, sampling=Sampling(steps=1, guidance=guidance))
        for read, guidance in ((None, 1.0), (memory, 1.0), (memory, 2.0))
    )

    assert (one - none).abs().mean() > 1e-3
    assert torch.allclose(two - none, 2 * (one - none), atol=0.02)


@pytest.mark.parametrize("guidance", [1.0, 2.5])
def test_a_given_first_frame_stays_as_it_is(
    modules: PocketModules, noise: Tensor, text: Tensor, guidance: float
) -> None:
    """It comes back to the bit, and the rest of the shot depends on it."""
    first, other = torch.randn(2, B, C, h, w)
    sampling = Sampling(steps=3, guidance=guidance)
    given = sample(modules, noise, text, first_BChw=first, sampling=sampling)
    changed = sample(modules, noise, text, first_BChw=other, sampling=sampling)

    assert torch.equal(given[:, :, 0], first)
    assert not torch.allclose(given[:, :, 1:], changed[:, :, 1:], atol=1e-2)
    assert noise[:, :, 0].ne(first).all(), "the noise that was handed in is not written to"


def test_blocking_is_told_with_and_without_the_caption(
    oracle: Oracle, noise: Tensor, text: Tensor
) -> None:
    """Guidance goes away from a picture without caption, not from where people stand."""
    told = torch.randn(B, oracle.blocking_channels, F, h, w)
    sample(oracle, noise, text, blocking_BPFhw=told, sampling=Sampling(steps=2, guidance=2.0))

    assert [one is told for one in oracle.blockings] == [True] * 4


def test_a_given_first_frame_is_at_time_zero(oracle: Oracle, noise: Tensor, text: Tensor) -> None:
    """Whoever is asked is told of every frame on its own how noisy it is."""
    shares: list[Tensor] = []
    tell = oracle.denoise

    def note(noisy: Tensor, share_BF: Tensor, text_BTE: Tensor, **given: Any) -> Tensor:
        shares.append(share_BF.clone())
        return tell(noisy, share_BF, text_BTE, **given)

    oracle.denoise = note  # type: ignore[method-assign]
    sample(oracle, noise, text, first_BChw=torch.randn(B, C, h, w), sampling=FAST)

    assert all(is_per_token for _, is_per_token in oracle.seen)
    assert all((share_BF[:, 0] == 0).all() for share_BF in shares)
    later = torch.stack([share_BF[0, 1] for share_BF in shares[::2]])
    assert later[0] > 0.99
    assert (later.diff() < 0).all()


def test_memory_changes_what_is_drawn(modules: PocketModules, noise: Tensor, text: Tensor) -> None:
    """Nothing, one past and another past make three different shots of one seed."""
    none = sample(modules, noise, text, sampling=FAST)
    one, other = (
        sample(modules, noise, text, memory=remembered(modules, seed), sampling=FAST)
        for seed in (1, 2)
    )

    for left, right in ((none, one), (none, other), (one, other)):
        assert (left - right).abs().mean() > 1e-3


def test_memory_is_gone_afterwards(modules: PocketModules, noise: Tensor, text: Tensor) -> None:
    """A shot without memory is the same before and after one with memory."""
    before = sample(modules, noise, text, sampling=FAST)
    sample(modules, noise, text, memory=remembered(modules, 1), sampling=FAST)

    assert torch.equal(sample(modules, noise, text, sampling=FAST), before)


def test_every_shot_can_have_its_own_memory(
    modules: PocketModules, noise: Tensor, text: Tensor
) -> None:
    """Of a batch, each shot reads the memory in its own place, guided or not."""
    own = remembered(modules, 3, batch=B)
    for guidance in (1.0, 2.5):
        sampling = Sampling(steps=2, guidance=guidance)
        together = sample(modules, noise, text, memory=own, sampling=sampling)
        for row in range(B):
            one: Any = MemoryCache(
                tuple(
                    type(block)(block.key_BLHE[row : row + 1], block.value_BLHE[row : row + 1])
                    for block in own.blocks
                )
            )
            cut = slice(row, row + 1)
            alone = sample(modules, noise[cut], text[cut], memory=one, sampling=sampling)

            assert torch.allclose(together[cut], alone, atol=0.1)


@pytest.mark.parametrize("has_memory", [False, True])
def test_equal_noise_makes_equal_shots(
    modules: PocketModules, noise: Tensor, text: Tensor, has_memory: bool
) -> None:
    """To the bit, by a copy of the modules too, whatever random numbers were drawn between."""
    memory = remembered(modules, 1) if has_memory else None
    once = sample(modules, noise, text, memory=memory, sampling=FAST)
    torch.randn(9)
    again = sample(copy.deepcopy(modules), noise, text, memory=memory, sampling=FAST)

    assert torch.equal(once, again)
    assert not torch.equal(once, sample(modules, noise + 0.1, text, memory=memory, sampling=FAST))


def test_progress_is_told_after_every_step(
    modules: PocketModules, noise: Tensor, text: Tensor
) -> None:
    """From the first share to all of it."""
    told: list[float] = []
    sample(modules, noise, text, sampling=FAST, at_step=told.append)

    assert told == [0.25, 0.5, 0.75, 1.0]


def test_a_stop_between_steps_leaves_the_model_as_it_was(
    modules: PocketModules, noise: Tensor, text: Tensor
) -> None:
    """Whoever raises while progress is told ends the shot, and its memory is taken off."""

    def stop(share: float) -> None:
        raise KeyboardInterrupt(f"at {share}")

    before = sample(modules, noise, text, sampling=FAST)
    with pytest.raises(KeyboardInterrupt, match=r"at 0\.25"):
        sample(modules, noise, text, memory=remembered(modules, 1), sampling=FAST, at_step=stop)

    assert torch.equal(sample(modules, noise, text, sampling=FAST), before)
