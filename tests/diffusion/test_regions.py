"""Attention goes where the same people and places are."""

from typing import Any

import pytest
import torch

from onestory.diffusion.plain_attention import PlainAttention
from onestory.diffusion.pocket import PocketModules, PocketSize, new_modules
from onestory.diffusion.regions import FAINTEST, LOUDEST, bias_between, hearing, owned_by, shown_of
from onestory.diffusion.text import TEXT_DIM
from onestory.memory.showing import OWNERS, SHOWN

B, F, H, W, T = 2, 2, 4, 4, 6
NOTHING, FIRST, OTHERS, SET = [0.0] * 4, [1.0, 1, 0, 0], [1.0, 0, 1, 0], [1.0, 0, 0, 1]


@pytest.fixture(name="modules")
def _modules() -> PocketModules:
    torch.manual_seed(0)
    size = PocketSize(channels=8, heads=2, head_dim=16, layers=2, ffn=32, selector_width=16)
    modules = new_modules(size).eval()
    torch.nn.init.normal_(modules.transformer.proj_out.weight, std=0.1)
    return modules


def shown(*cells: list[float]) -> torch.Tensor:
    """What tokens show, `1 N O+1`."""
    return torch.tensor(cells)[None]


def test_the_same_is_loud_and_others_are_faint() -> None:
    """So many times as much attention, and as much as ever where one side is not known."""
    factors_NM = bias_between(shown(FIRST, SET, NOTHING), shown(FIRST, OTHERS, SET, NOTHING)).exp()[
        0
    ]

    loud = FAINTEST + LOUDEST
    assert torch.allclose(
        factors_NM,
        torch.tensor([[loud, FAINTEST, FAINTEST, 1], [FAINTEST, FAINTEST, loud, 1], [1, 1, 1, 1]]),
    )


def test_a_token_of_two_is_about_both() -> None:
    """Half a person before half a wall hears of both, and more than of a stranger."""
    bias_NM = bias_between(shown([1, 0.5, 0, 0.5]), shown(FIRST, SET, OTHERS))[0]

    assert torch.allclose(bias_NM[0, 0], bias_NM[0, 1])
    assert bias_NM[0, 0] > 0 > bias_NM[0, 2]


def test_blocking_says_what_tokens_show() -> None:
    """Cells are averaged; the set is where nobody stands."""
    blocking_BPFhw = torch.zeros(1, 9, F, H, W)
    blocking_BPFhw[:, 0] = 1.0
    blocking_BPFhw[:, 1, 1, :2, :1] = 1.0
    blocking_BPFhw[:, 2, 1, 2:, 2:] = 1.0
    shown_BNO = shown_of(blocking_BPFhw)

    assert shown_BNO.shape == (1, F * 4, SHOWN)
    assert shown_BNO[0, :4].tolist() == [SET] * 4
    assert shown_BNO[0, 4:].tolist() == [[1, 0.5, 0, 0.5], SET, SET, OTHERS]
    assert not shown_of(torch.zeros(1, 9, F, H, W)).any()


def test_words_are_about_whom_they_are_told_to_be() -> None:
    """Owners are the last features of a token; a silent caption is about nobody."""
    text_BTE = torch.randn(1, T, TEXT_DIM + OWNERS)
    text_BTE[..., -OWNERS:] = 0.0
    text_BTE[0, 2, -3] = 1.0

    assert owned_by(text_BTE)[0, 2].tolist() == FIRST
    assert owned_by(text_BTE)[0, 1].tolist() == NOTHING


def test_stock_attention_is_the_one_without_a_bias(modules: PocketModules) -> None:
    """A bias of nothing changes nothing, one that hides words hides them; after it all is stock."""
    transformer: Any = modules.transformer
    noisy = torch.randn(B, transformer.config["in_channels"], F, H, W)
    text, other = torch.randn(2, B, T, TEXT_DIM + OWNERS)
    other[:, :3] = text[:, :3]
    num_tokens = F * H * W // 4

    def run(text_BTE: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            drawn: torch.Tensor = transformer(
                noisy, torch.full((B,), 300.0), text_BTE, return_dict=False
            )[0]
        return drawn

    stock = run(text)
    with hearing(transformer, torch.zeros(B, num_tokens, T)):
        assert torch.allclose(run(text), stock, atol=1e-5)
    deaf = torch.zeros(B, num_tokens, T)
    deaf[..., 3:] = -1e4
    with hearing(transformer, deaf):
        assert torch.allclose(run(text), run(other), atol=1e-5)
        with PlainAttention():
            assert torch.allclose(run(text), run(other), atol=1e-5)
    assert torch.equal(run(text), stock)
    assert not torch.allclose(run(text), run(other), atol=1e-3)


def test_who_is_remembered_reaches_who_is_drawn(modules: PocketModules) -> None:
    """The same memory told of somebody else draws another picture; untold, as if nobody.

    So does the same memory that was elsewhere on the stage.
    """
    channels = modules.channels
    noisy, text = torch.randn(1, channels, 1, H, W), torch.zeros(1, T, TEXT_DIM + OWNERS)
    blocking = torch.zeros(1, modules.blocking_channels, 1, H, W)
    blocking[:, :2] = 1.0
    latents = torch.randn(1, 2, channels, H, W)

    stage = torch.randn(1, 2, modules.blocking_channels - 3, H, W)
    # Untrained, it hears no blocking.
    torch.nn.init.normal_(next(modules.conditioner.patchifiers[0].parameters()), std=0.2)

    def draw(*owners: int, where: torch.Tensor | None = None) -> torch.Tensor:
        told = torch.zeros(1, 2, SHOWN, H, W)
        for frame, owner in enumerate(owners):
            told[:, frame, 0] = 1.0
            told[:, frame, owner] = 1.0
        with torch.no_grad():
            memory = modules.remember(latents, (0, 0), told if owners else None, where)
            return modules.denoise(
                noisy,
                torch.ones(1, 1),
                text,
                per_token=False,
                blocking_BPFhw=blocking,
                memory=memory,
            )

    assert not torch.allclose(draw(1, 2), draw(2, 1), atol=1e-4)
    assert not torch.allclose(draw(1, 2), draw(), atol=1e-4)
    assert torch.equal(draw(1, 2), draw(1, 2))
    assert not torch.allclose(draw(1, 2, where=stage), draw(1, 2, where=-stage), atol=1e-4)
