"""The modules of a pocket model, and how they meet noise."""

import copy
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from onestory.diffusion.pocket import (
    PLACE_CHANNELS,
    PocketModules,
    PocketSize,
    load_modules,
    new_modules,
    places,
    save_modules,
    velocity_of,
    with_places,
)
from onestory.diffusion.text import TEXT_DIM
from onestory.memory.showing import OWNERS, SHOWN

B, C, F, h, w, T = 2, 10, 3, 6, 4, 5
SIZE = PocketSize(channels=C, heads=2, head_dim=24, layers=2, ffn=40, selector_width=16)


def modules_of(seed: int, *, draws: bool = True) -> PocketModules:
    """Small modules, as they are or so that they draw something."""
    torch.manual_seed(seed)
    modules = new_modules(SIZE)
    if draws:
        nn.init.normal_(modules.transformer.proj_out.weight, std=0.2)
    return modules.eval()


@pytest.fixture(scope="module", name="modules")
def _modules() -> PocketModules:
    return modules_of(4)


@pytest.fixture(name="noisy")
def _noisy() -> Tensor:
    return torch.randn(B, C, F, h, w, generator=torch.Generator().manual_seed(1))


@pytest.fixture(name="text")
def _text() -> Tensor:
    read = torch.randn(B, T, TEXT_DIM, generator=torch.Generator().manual_seed(2))
    return nn.functional.pad(read, (0, OWNERS))


def test_modules_come_back_from_their_folder(
    modules: PocketModules, noisy: Tensor, text: Tensor, tmp_path: Path
) -> None:
    """Every weight and every answer is to the bit what was saved, ready to use, nothing pickled."""
    save_modules(modules, tmp_path)
    loaded = load_modules(tmp_path)

    saved = modules.state_dict()
    assert loaded.state_dict().keys() == saved.keys()
    assert all(torch.equal(value, saved[name]) for name, value in loaded.state_dict().items())
    assert not any(module.training for module in loaded.modules())
    assert loaded.channels == C
    share_BF = torch.full((B, F), 0.4)
    with torch.no_grad():
        answers = [one.denoise(noisy, share_BF, text, per_token=False) for one in (modules, loaded)]
    assert torch.equal(*answers)
    kinds = {path.suffix for path in tmp_path.rglob("*") if path.is_file()}
    assert kinds == {".json", ".safetensors"}


def test_half_precision_is_a_matter_of_the_file(modules: PocketModules, tmp_path: Path) -> None:
    """What is shipped in bfloat16 is read to the digit, and computed with in full precision."""
    shipped = copy.deepcopy(modules).to(torch.bfloat16)
    save_modules(shipped, tmp_path)
    loaded = load_modules(tmp_path).state_dict()

    assert {value.dtype for value in loaded.values()} == {torch.float32}
    for name, value in shipped.state_dict().items():
        assert torch.equal(loaded[name], value.float()), name


def test_equal_seeds_make_equal_modules() -> None:
    """Training starts from the seed and from nothing else."""
    one, same, other = (modules_of(seed, draws=False).state_dict() for seed in (1, 1, 2))

    assert all(torch.equal(value, same[name]) for name, value in one.items())
    assert not all(torch.equal(value, other[name]) for name, value in one.items())


def test_untrained_modules_draw_nothing(noisy: Tensor, text: Tensor) -> None:
    """At first nothing but what is given is passed on, less of it the noisier it is."""
    untrained = modules_of(1, draws=False)
    for share, kept in ((1.0, 0.0), (0.0, 1.0)):
        with torch.no_grad():
            clean = untrained.denoise(noisy, torch.full((B, F), share), text, per_token=False)

        assert torch.allclose(clean, kept * noisy)


def test_untrained_modules_hear_the_caption(noisy: Tensor, text: Tensor) -> None:
    """Every layer counts from the first step on: another caption reaches the last layer."""
    modules = modules_of(1, draws=False)
    heard: list[Tensor] = []
    modules.transformer.proj_out.register_forward_pre_hook(lambda _, args: heard.append(args[0]))
    with torch.no_grad():
        for told in (text, text.roll(1, dims=0)):
            modules.denoise(noisy, torch.full((B, F), 0.9), told, per_token=False)

    assert (heard[0] - heard[1]).abs().mean() > 0.02 * heard[0].abs().mean()


def test_every_place_in_a_picture_can_be_told_from_every_other(
    modules: PocketModules, text: Tensor
) -> None:
    """Where all cells look alike, what is drawn there need not be: a sky is on top."""
    alike = torch.zeros(B, C, 1, h, w)
    with torch.no_grad():
        drawn = modules.denoise(alike, torch.ones(B, 1), text, per_token=False)
    patches = drawn[0, :, 0].unfold(1, 2, 2).unfold(2, 2, 2).permute(1, 2, 0, 3, 4).flatten(2)
    apart = torch.cdist(patches.flatten(0, 1), patches.flatten(0, 1))

    assert apart[~torch.eye(len(apart), dtype=torch.bool)].min() > 1e-2


@pytest.mark.parametrize("size", [(18, 10), (10, 18), (40, 22)])
def test_no_two_cells_are_told_the_same_place(size: tuple[int, int]) -> None:
    """At every size: heights and widths are told apart by waves of several lengths."""
    told_FChw = places(2, *size).transpose(0, 1)
    cells = told_FChw[0].flatten(1).T

    assert told_FChw.shape == (2, PLACE_CHANNELS, *size)
    assert torch.equal(told_FChw[0], told_FChw[1])
    assert told_FChw.abs().max() <= 1
    assert len(torch.unique(cells, dim=0)) == size[0] * size[1]


def test_memory_can_be_read_as_what_is_drawn_is_read() -> None:
    """After training on pictures alone, a remembered frame is the transformer's own tokens."""
    modules = modules_of(6)
    nn.init.normal_(modules.transformer.patch_embedding.weight)
    frames_BKChw = torch.randn(B, 2, C, h, w)
    told = with_places(frames_BKChw.transpose(1, 2))
    blocking = torch.randn(B, modules.blocking_channels, 2, h, w)
    drawn = torch.cat([told, blocking], dim=1)
    own = modules.transformer.patch_embedding(drawn).flatten(2).transpose(1, 2)

    def memory() -> Tensor:
        return modules.conditioner(drawn.transpose(1, 2), (0, 0)).tokens_BLD

    assert not torch.allclose(memory(), own, atol=0.1)
    modules.remember_as_drawn()
    assert torch.allclose(memory(), own, atol=1e-5)


def test_one_time_for_all_is_that_time_for_each(
    modules: PocketModules, noisy: Tensor, text: Tensor
) -> None:
    """Told frame by frame or once, equal noise is answered equally."""
    share_BF = torch.tensor([[0.3], [0.8]]).expand(B, F)
    with torch.no_grad():
        once, each = (
            modules.denoise(noisy, share_BF, text, per_token=per_token)
            for per_token in (False, True)
        )

    assert torch.allclose(once, each, atol=1e-4)


def test_untrained_modules_do_not_hear_the_blocking(noisy: Tensor, text: Tensor) -> None:
    """Blocking can be learnt late: until then nothing is drawn otherwise. Trained ones hear it."""
    modules = modules_of(5)
    told = torch.randn(B, modules.blocking_channels, F, h, w)
    share_BF = torch.full((B, F), 0.9)

    def answers() -> list[Tensor]:
        with torch.no_grad():
            return [
                modules.denoise(noisy, share_BF, text, per_token=False, blocking_BPFhw=one)
                for one in (None, torch.zeros_like(told), told)
            ]

    assert all(torch.equal(one, answers()[0]) for one in answers())
    nn.init.normal_(modules.transformer.patch_embedding.weight, std=0.2)
    silent, zero, heard = answers()
    assert torch.equal(silent, zero)
    assert not torch.allclose(silent, heard, atol=1e-3)


def test_a_clean_frame_is_passed_on_whole(
    modules: PocketModules, noisy: Tensor, text: Tensor
) -> None:
    """Where nothing is noise there is nothing to estimate, but the others see it."""
    share_BF = torch.full((B, F), 0.7)
    share_BF[:, 0] = 0.0
    other = noisy.clone()
    other[:, :, 0] += 1.0
    with torch.no_grad():
        clean, changed = (
            modules.denoise(given, share_BF, text, per_token=True) for given in (noisy, other)
        )

    assert torch.equal(clean[:, :, 0], noisy[:, :, 0])
    assert not torch.allclose(clean[:, :, 1:], changed[:, :, 1:], atol=1e-3)


def test_what_varies_less_is_heard_as_well(noisy: Tensor, text: Tensor) -> None:
    """Latents, noise and memory in other units: the same picture comes out, in those units."""
    gain_C = torch.linspace(0.05, 3.0, C)
    gain_C111, share_BF = gain_C[:, None, None, None], torch.zeros(B, F)
    share_BF[:, 1:] = 1.0
    remembered = noisy.transpose(1, 2)[:, :2]
    usual, other = modules_of(4), modules_of(4)
    other.expect(gain_C)
    told = noisy.clone()
    told[:, :, :1] *= gain_C111
    with torch.no_grad():
        drawn = usual.denoise(noisy, share_BF, text, per_token=True)
        scaled = other.denoise(told, share_BF, text, per_token=True)
        memories = [
            usual.remember(remembered, (1, 2)),
            other.remember(remembered * gain_C111[:, :, 0], (1, 2)),
        ]
        scores = [
            each.selector(nn.functional.pad(frames, (0, 0, 0, 0, 0, SHOWN)), text)
            for each, frames in (
                (usual, remembered),
                (other, remembered * gain_C111[:, :, 0]),
            )
        ]

    assert torch.allclose(scaled, drawn * gain_C111, atol=1e-4)
    for one, same in zip(*(memory.blocks for memory in memories), strict=True):
        assert torch.allclose(one[0], same[0], atol=1e-4)
    assert torch.allclose(*scores, atol=1e-5)


def test_velocity_leads_from_clean_to_noise(noisy: Tensor) -> None:
    """Of a true estimate the velocity is noise minus clean, at every noise level."""
    clean = torch.randn_like(noisy)
    for share in (0.05, 0.5, 1.0):
        mixed = torch.lerp(clean, noisy, share)
        velocity = velocity_of(clean, mixed, torch.tensor(share))

        assert torch.allclose(velocity, noisy - clean, atol=1e-4)


def test_louder_captions_change_nothing_that_is_drawn(noisy: Tensor, text: Tensor) -> None:
    """Only their scale inside the model does, and with it what a step of training changes."""
    modules, share = modules_of(4), torch.full((B, F), 0.8)
    louder = copy.deepcopy(modules)
    louder.make_captions_louder(8.0)

    before, after = (
        each.denoise(noisy, share, text, per_token=False) for each in (modules, louder)
    )
    embedders = [each.transformer.condition_embedder.text_embedder for each in (modules, louder)]

    assert torch.allclose(after, before, atol=1e-4)
    assert torch.allclose(embedders[1](text), 8 * embedders[0](text), atol=1e-5)
