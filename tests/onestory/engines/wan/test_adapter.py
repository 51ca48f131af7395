"""Does a Wan draw with a few-step adapter as a model does into which it was merged?"""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import diffusers
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from onestory.diffusion.storing import FP8, kept_in_fp8
from onestory.engines.wan.engine import WanEngine
from onestory.engines.wan.estimate import estimate
from onestory.engines.wan.model import WanModel
from onestory.errors import OrderError, WeightsError
from onestory.testing.tiny_wan import (
    BLOCKS,
    FFN_DIM,
    HEAD_DIM,
    HEADS,
    IMAGE_DIM,
    TEXT_DIM,
    Kind,
    write_tiny_published,
)

FolderOf = Callable[[Kind], Path]
DrawnBy = Callable[..., Tensor]

WIDTH, RANK, IMAGE = HEADS * HEAD_DIM, 3, IMAGE_DIM
LINEAR: Mapping[str, tuple[int, int]] = {
    **{f"{part}_attn.{one}": (WIDTH, WIDTH) for part in ("self", "cross") for one in "qkvo"},
    "ffn.0": (WIDTH, FFN_DIM),
    "ffn.2": (FFN_DIM, WIDTH),
}
TOLERANCE = 1e-4
"""Largest difference of latents up to about 4 between beside and merged, in float32."""


def write(file: Path, style: str, *, alpha: float | None = 1.5, seed: int = 2) -> Path:
    """Write what lightx2v, CausVid or a trainer of kohya's publish, for a tiny Wan."""
    lots = torch.Generator().manual_seed(seed)
    written: dict[str, Tensor] = {}
    down, up = ("lora_A", "lora_B") if style == "causvid" else ("lora_down", "lora_up")
    layers = {f"blocks.{n}.{name}": size for n in range(BLOCKS) for name, size in LINEAR.items()}
    if style == "lightx2v":
        layers |= {"head.head": (WIDTH, 64), "time_projection.1": (WIDTH, 6 * WIDTH)}
        layers |= {"text_embedding.0": (TEXT_DIM, WIDTH), "time_embedding.2": (WIDTH, WIDTH)}
        layers |= {"text_embedding.2": (WIDTH, WIDTH), "time_embedding.0": (64, WIDTH)}
    for layer, (into, out) in layers.items():
        key = f"diffusion_model.{layer}"
        if style == "kohya":
            key = f"lora_unet_{layer.replace('.', '_')}"
        written[f"{key}.{down}.weight"] = torch.randn(RANK, into, generator=lots) / 4
        written[f"{key}.{up}.weight"] = torch.randn(out, RANK, generator=lots) / 4
        if alpha is not None and (style == "kohya" or layer.startswith("blocks.")):
            written[f"{key}.alpha"] = torch.tensor(alpha)
        if style == "lightx2v" and layer.startswith("blocks."):
            written[f"{key}.diff_b"] = torch.randn(out, generator=lots) / 4
    save_file(written, file)
    return file


def loaded(
    folder: Path, adapter: Any = None, *, options: Mapping[str, Any] | None = None, **choices: Any
) -> WanModel:
    """A Wan that is used so, with or without an adapter."""
    config = {"dtype": "float32", "steps": 2, "shift": 3.0, **choices}
    engine = WanEngine(config, weights=folder, adapter=adapter, device="cpu", **(options or {}))
    return engine.model()


@torch.no_grad()
def round_weights(transformer: Any) -> None:
    """Round to 8 bits what is stored so."""
    names = kept_in_fp8(transformer)
    for name, parameter in transformer.named_parameters():
        if name in names:
            parameter.copy_(parameter.to(FP8).to(parameter.dtype))


@torch.no_grad()
def merge(transformer: Any, file: Path, weight: float = 1.0) -> None:
    """Add updates for good, as diffusers itself reads the file."""
    stock: Any = diffusers
    said = stock.WanPipeline.lora_state_dict(load_file(file))
    for key, down in said.items():
        if not key.endswith("lora_A.weight"):
            continue
        name = key.removesuffix(".lora_A.weight")
        layer = transformer.get_submodule(name.removeprefix("transformer."))
        layer.weight += weight * said[f"{name}.lora_B.weight"] @ down
        if f"{name}.lora_B.bias" in said:
            layer.bias += weight * said[f"{name}.lora_B.bias"]


@pytest.mark.parametrize("style", ["lightx2v", "causvid", "kohya"])
def test_an_adapted_model_is_a_merged_one(
    style: str, folder_of: FolderOf, drawn_by: DrawnBy, tmp_path: Path
) -> None:
    """Under every name and with every alpha that diffusers reads, with a memory and without."""
    alpha = None if style == "causvid" else 1.5
    file = write(tmp_path / "adapter.safetensors", style, alpha=alpha)
    weight = 1.0 if style == "kohya" else 0.5
    plain = loaded(folder_of("t2v"))
    adapted = loaded(folder_of("t2v"), file, adapter_weight=weight)
    stock = {remembered: drawn_by(plain, remembered=remembered) for remembered in (0, 1)}

    merge(plain.transformers[0], file, weight)

    for remembered in (0, 1):
        drawn = drawn_by(adapted, remembered=remembered)
        assert (drawn - drawn_by(plain, remembered=remembered)).abs().max() < TOLERANCE
        assert (drawn - stock[remembered]).abs().max() > 0.01


def test_a_memory_that_is_read_with_the_shot_reads_the_adapter(
    folder_of: FolderOf, drawn_by: DrawnBy, tmp_path: Path
) -> None:
    """As in the attention that keeps keys and values."""
    file = write(tmp_path / "adapter.safetensors", "lightx2v")
    plain = loaded(folder_of("t2v"), attention="joint")
    merge(plain.transformers[0], file)

    drawn = drawn_by(loaded(folder_of("t2v"), file, attention="joint"), remembered=1)

    assert (drawn - drawn_by(plain, remembered=1)).abs().max() < TOLERANCE


@torch.no_grad()
def test_whole_differences_are_added(
    folder_of: FolderOf, drawn_by: DrawnBy, tmp_path: Path
) -> None:
    """Of norms, patch embedding, modulation, and of a bias that has no update beside it."""
    lots = torch.Generator().manual_seed(3)
    wholes = {
        "diffusion_model.blocks.0.self_attn.norm_q.diff": torch.randn(WIDTH, generator=lots),
        "diffusion_model.blocks.1.norm3.diff_b": torch.randn(WIDTH, generator=lots),
        "diffusion_model.patch_embedding.diff": torch.randn(WIDTH, 16, 1, 2, 2, generator=lots),
        "diffusion_model.head.head.diff_b": torch.randn(64, generator=lots),
        "diffusion_model.blocks.1.diff_m": torch.randn(1, 6, WIDTH, generator=lots),
        "diffusion_model.head.diff_m": torch.randn(1, 2, WIDTH, generator=lots),
    }
    save_file(wholes, tmp_path / "adapter.safetensors")
    plain = loaded(folder_of("t2v"))
    model = plain.transformers[0]
    for parameter, change in zip(
        (
            model.blocks[0].attn1.norm_q.weight,
            model.blocks[1].norm2.bias,
            model.patch_embedding.weight,
            model.proj_out.bias,
            model.blocks[1].scale_shift_table,
            model.scale_shift_table,
        ),
        wholes.values(),
        strict=True,
    ):
        parameter += 0.5 * change

    adapted = loaded(folder_of("t2v"), tmp_path / "adapter.safetensors", adapter_weight=0.5)

    assert torch.equal(drawn_by(adapted), drawn_by(plain))


def test_each_expert_has_its_own_adapter_or_both_have_one(
    folder_of: FolderOf, tmp_path: Path
) -> None:
    """The first file is for high noise."""
    high = write(tmp_path / "high_noise_model.safetensors", "causvid", alpha=None)
    low = write(tmp_path / "low_noise_model.safetensors", "causvid", alpha=None, seed=3)
    key = "diffusion_model.blocks.0.self_attn.q.lora_A.weight"

    for files, expected in (([high, low], (high, low)), (high, (high, high))):
        model = loaded(folder_of("a14b"), files)
        for transformer, file in zip(model.transformers, expected, strict=True):
            (hook,) = transformer.blocks[0].attn1.to_q._forward_hooks.values()
            assert torch.equal(hook._update.down_RI, load_file(file)[key])


@pytest.mark.parametrize("kind", ["a14b-i2v", "i2v"])
def test_layers_for_images_are_passed_over_where_there_are_none(
    kind: Kind, folder_of: FolderOf, tmp_path: Path
) -> None:
    """Files for Wan2.2-I2V-A14B hold them, and only Wan2.1-I2V has such layers."""
    key = "diffusion_model.blocks.0.cross_attn."
    halves = {f"{key}k_img.lora_down.weight": (3, WIDTH), f"{key}k_img.lora_up.weight": (WIDTH, 3)}
    wholes = {f"{key}norm_k_img.diff": (WIDTH,), "diffusion_model.img_emb.proj.1.diff_b": (IMAGE,)}
    file = write(tmp_path / "adapter.safetensors", "lightx2v")
    for_images = {name: torch.ones(size) for name, size in (halves | wholes).items()}
    save_file(load_file(file) | for_images, file)

    model = loaded(folder_of(kind), file).transformers[0]

    layer = model.blocks[0].attn2.add_k_proj
    assert (layer is not None and bool(layer._forward_hooks)) == (kind == "i2v")


def test_an_adapter_decides_steps_guidance_and_the_name_of_a_take(
    folder_of: FolderOf, tmp_path: Path
) -> None:
    """Unless the config says otherwise; by its content and not by what its file is called."""
    file = write(tmp_path / "one.safetensors", "lightx2v")
    folder = folder_of("t2v")
    plain, adapted = WanEngine(weights=folder), WanEngine(weights=folder, adapter=str(file))
    other = WanEngine(
        weights=folder, adapter=write(tmp_path / "two.safetensors", "lightx2v", seed=5)
    )
    same = WanEngine(weights=folder, adapter=[shutil.copy(file, tmp_path / "renamed.safetensors")])

    config = adapted.config
    assert (config.steps, config.guidance, config.guidance_low, config.shift) == (4, 1.0, 1.0, 5.0)
    assert WanEngine({"steps": 8}, weights=folder, adapter=same.sources.adapter.files).config == (
        replace(config, steps=8)
    )
    names = [one.fingerprint().weights for one in (plain, other, same)]
    assert len(set(names)) == 3
    assert adapted.fingerprint() == same.fingerprint()
    weak = WanEngine({"adapter_weight": 0.5}, weights=folder, adapter=same.sources.adapter.files)
    assert weak.fingerprint().config != same.fingerprint().config


@pytest.mark.parametrize("how", ["first-block", "taylorseer"])
def test_steps_are_skipped_with_an_adapter(
    how: str, folder_of: FolderOf, drawn_by: DrawnBy, tmp_path: Path
) -> None:
    """Where a step cache skips nothing it changes nothing."""
    file = write(tmp_path / "adapter.safetensors", "lightx2v")
    never = {"step_threshold": 0.0} if how == "first-block" else {"step_interval": 1}
    plain = loaded(folder_of("t2v"), file, steps=4)
    skipping = loaded(folder_of("t2v"), file, steps=4, step_cache=how, **never)

    drawn = drawn_by(skipping, remembered=1)

    assert (drawn - drawn_by(plain, remembered=1)).abs().max() < TOLERANCE


def test_compiled_blocks_see_the_adapter(
    folder_of: FolderOf, drawn_by: DrawnBy, tmp_path: Path
) -> None:
    """It is in the whole graph of a block, as it is there before blocks are compiled."""
    torch.compiler.reset()
    model = loaded(folder_of("t2v"), write(tmp_path / "adapter.safetensors", "lightx2v"))
    expected = drawn_by(model)

    # As the engine does, but for the making of kernels, which knows nothing of adapters.
    model.transformers[0].compile_repeated_blocks(backend="eager", fullgraph=True)

    assert (drawn_by(model) - expected).abs().max() < TOLERANCE
    assert model.transformers[0].blocks[0]._compiled_call_impl is not None


def test_a_published_memory_is_lent_beside_the_adapter(
    folder_of: FolderOf, drawn_by: DrawnBy, tmp_path: Path
) -> None:
    """Both are added to what a layer says; and rounded weights take both."""
    file = write(tmp_path / "adapter.safetensors", "causvid", alpha=None)
    options = {"memory_weights": write_tiny_published(tmp_path / "memory")}
    for storage in ("dtype", "fp8"):
        plain = loaded(folder_of("a14b-i2v"), options=options)
        adapted = loaded(folder_of("a14b-i2v"), file, options=options, storage=storage)
        for one in plain.transformers:
            if storage == "fp8":
                round_weights(one)
            merge(one, file)

        drawn = drawn_by(adapted, remembered=1)

        assert (drawn - drawn_by(plain, remembered=1)).abs().max() < TOLERANCE


def test_layers_that_wait_take_their_updates(
    folder_of: FolderOf, drawn_by: DrawnBy, tmp_path: Path
) -> None:
    """Parts in turn and layers in turn draw what a model in one place draws."""
    model = loaded(folder_of("t2v"), write(tmp_path / "adapter.safetensors", "lightx2v"))
    expected = drawn_by(model, remembered=1)
    model.ladder.has_elsewhere = True

    while model.ladder.climb("drawing"):
        assert (drawn_by(model, remembered=1) - expected).abs().max() < 1e-5


@pytest.mark.parametrize("shared", [True, False])
def test_updates_are_counted(shared: bool, folder_of: FolderOf, tmp_path: Path) -> None:
    """Every number of them lies on the device, for each expert."""
    files = [write(tmp_path / f"{name}.safetensors", "kohya") for name in ("high", "low")]
    sources = WanEngine(weights=folder_of("a14b"), adapter=files[0] if shared else files).sources
    size = {"width": 64, "height": 64, "num_frames": 81, "memory_budget": 0.0}

    need = estimate(sources.folder, sources.card, sources.config, adapter=sources.adapter, **size)

    of_one = BLOCKS * RANK * sum(into + out for into, out in LINEAR.values())
    assert need.memory_bytes == 2 * 2 * of_one


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"strange.key": (1,)}, "of a form that we know: it holds 'strange.key'"),
        ({"diffusion_model.blocks.0.self_attn.z.alpha": (1,)}, "it holds 'diffusion_model"),
        ({"diffusion_model.blocks.7.ffn.0.alpha": (1,)}, "blocks.7.ffn.* and the model has 2"),
        ({"diffusion_model.blocks.0.ffn.0.lora_down.weight": (3, 25)}, r"\(32, 25\), and the la"),
        ({"diffusion_model.blocks.0.ffn.0.lora_down.weight": (4, 24)}, r"is not whole: \(4, 24\)"),
        ({"diffusion_model.patch_embedding.diff": (3, 3)}, r"changed by \(3, 3\), and is \(24, 16"),
        ({"diffusion_model.blocks.0.self_attn.q.diff_m": (1,)}, "it holds 'diffusion_model"),
        ({"diffusion_model.head.head.lora_down.weight": (3, 9)}, "does not fit the layer proj_out"),
    ],
)
def test_adapters_that_do_not_fit_are_refused(
    changes: dict[str, tuple[int, ...]], words: str, folder_of: FolderOf, tmp_path: Path
) -> None:
    """In one sentence, with what is wrong."""
    file = write(tmp_path / "adapter.safetensors", "lightx2v")
    save_file(load_file(file) | {key: torch.ones(size) for key, size in changes.items()}, file)

    with pytest.raises(WeightsError, match=words):
        loaded(folder_of("t2v"), file)


def test_files_that_are_no_adapters_are_refused(folder_of: FolderOf, tmp_path: Path) -> None:
    """None, too many, in the wrong order, a pickle; and a weight of nothing."""
    file = write(tmp_path / "high.safetensors", "causvid", alpha=None)
    low = write(tmp_path / "low.safetensors", "causvid", alpha=None)
    pickle = tmp_path / "adapter.pth"
    pickle.write_bytes(b"PK\x03\x04 a pickle, not that")
    for kind, place, words in (
        ("t2v", tmp_path / "nothing.safetensors", "there is no adapter .*nothing"),
        ("t2v", [file, low], "Wan2.1-T2V has 1 transformer, and adapter names 2 files"),
        ("a14b", [low, file], "low.safetensors comes first, and the first adapter is for high"),
        ("t2v", pickle, "adapter.pth is no safetensors file"),
    ):
        with pytest.raises(WeightsError, match=words):
            WanEngine(weights=folder_of(kind), adapter=place)
    with pytest.raises(OrderError, match="adapter_weight is that of an adapter, and there is none"):
        WanEngine({"adapter_weight": 0.5}, weights=folder_of("t2v"))
