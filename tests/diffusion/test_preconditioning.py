"""What a network sees and says: every channel at its own scale."""

import pytest
import torch

from onestory.diffusion.preconditioning import Preconditioner

STD_C = torch.tensor([0.05, 0.4, 1.0, 3.0])


@pytest.fixture(name="preconditioner")
def _preconditioner() -> Preconditioner:
    preconditioner: Preconditioner = Preconditioner(len(STD_C))
    preconditioner.std_C.copy_(STD_C)
    return preconditioner


def mixed(share: float) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Clean latents, as noisy as asked for, and how noisy they are."""
    shape = (1, len(STD_C), 1, 200, 200)
    clean, noise = torch.randn(2, *shape, generator=torch.Generator().manual_seed(3))
    clean = clean * STD_C[:, None, None, None]
    return clean, torch.lerp(clean, noise, share), torch.full((1, 1), share)


@pytest.mark.parametrize("share", [0.02, 0.2, 0.5, 0.95, 1.0])
def test_what_is_seen_and_drawn_has_one_size(preconditioner: Preconditioner, share: float) -> None:
    """In every channel and at every noise level: variance 1, and it can be turned back."""
    clean, noisy, share_BF = mixed(share)
    kept = preconditioner.clean(noisy, torch.zeros_like(noisy), share_BF)
    gain = preconditioner.clean(noisy, torch.ones_like(noisy), share_BF) - kept
    drawn = (clean - kept) / gain

    for each in (preconditioner.seen(noisy, share_BF), drawn):
        spread_C = each.transpose(0, 1).flatten(1).std(dim=1)
        assert torch.allclose(spread_C, torch.ones(len(STD_C)), atol=0.03)
    assert torch.allclose(preconditioner.clean(noisy, drawn, share_BF), clean, atol=1e-4)


@pytest.mark.parametrize("share", [0.1, 0.3])
def test_whoever_says_nothing_makes_the_best_guess(
    preconditioner: Preconditioner, share: float
) -> None:
    """No other multiple of what is seen comes nearer to the clean latents, channel by channel."""
    clean, noisy, share_BF = mixed(share)
    guess = preconditioner.clean(noisy, torch.zeros_like(noisy), share_BF)
    missed = [((gain * guess - clean) ** 2).mean(dim=(0, 2, 3, 4)) for gain in (0.5, 1.0, 1.5)]

    assert (missed[1] < missed[0]).all()
    assert (missed[1] < missed[2]).all()


def test_where_nothing_is_noise_clean_is_what_is_given(preconditioner: Preconditioner) -> None:
    """To the bit, whatever the network says; and it is seen as memory is."""
    clean, noisy, share_BF = mixed(0.0)

    assert torch.equal(preconditioner.clean(noisy, torch.randn_like(noisy), share_BF), clean)
    assert torch.equal(preconditioner.seen(noisy, share_BF), preconditioner.even(clean))
