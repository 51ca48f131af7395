"""Does a Wan film with the packed weights of a GGUF file as with the same weights unpacked?"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from gguf import GGMLQuantizationType, GGUFWriter, dequantize, quantize
from safetensors.torch import load_file, save_file
from torch import Tensor

from onestory.engines.wan.engine import WanEngine
from onestory.engines.wan.estimate import count_weights
from onestory.engines.wan.model import WanModel
from onestory.errors import OrderError, WeightsError
from onestory.testing.tiny_wan import Kind, write_tiny_published, write_tiny_wan

FolderOf = Callable[[Kind], Path]
DrawnBy = Callable[..., Tensor]

THEIRS = {
    "condition_embedder.time_embedder.linear_1": "time_embedding.0",
    "condition_embedder.time_embedder.linear_2": "time_embedding.2",
    "condition_embedder.text_embedder.linear_1": "text_embedding.0",
    "condition_embedder.text_embedder.linear_2": "text_embedding.2",
    "condition_embedder.time_proj": "time_projection.1",
    "attn1": "self_attn",
    "attn2": "cross_attn",
    "to_out.0": "o",
    "to_q": "q",
    "to_k": "k",
    "to_v": "v",
    "ffn.net.0.proj": "ffn.0",
    "ffn.net.2": "ffn.2",
    "norm2": "norm3",
    "proj_out": "head.head",
    "scale_shift_table": "modulation",
}
"""Names in diffusers, and in the original Wan."""
SIZE = 32
"""Numbers of a block of Q8_0."""


def original(name: str) -> str:
    """The name that a parameter has in the original Wan."""
    if name == "scale_shift_table":
        return "head.modulation"
    for ours, theirs in THEIRS.items():
        name = name.replace(ours, theirs)
    return name


def pack(folder: Path, part: str, file: Path) -> Path:
    """
    Write a transformer as GGUF, and give the folder the same weights unpacked.

    As published files are: matrices of the blocks packed where a row is whole blocks, the rest in
    half or full precision.
    """
    place = folder / part / "diffusion_pytorch_model.safetensors"
    writer = GGUFWriter(file, "wan")
    unpacked = {}
    for name, tensor in load_file(place).items():
        number = tensor.numpy()
        if name.startswith("blocks") and tensor.ndim == 2 and tensor.shape[1] % SIZE == 0:
            kind = GGMLQuantizationType.Q8_0
            packed = quantize(number, kind)
            writer.add_tensor(original(name), packed, raw_dtype=kind)
            # diffusers unpacks in half precision.
            plain = dequantize(packed, kind).astype(np.float16)
            unpacked[name] = torch.from_numpy(plain.astype(np.float32))
        else:
            kept = number.astype(np.float16) if tensor.ndim == 2 else number
            writer.add_tensor(original(name), kept)
            unpacked[name] = torch.from_numpy(kept.astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    save_file(unpacked, place, metadata={"format": "pt"})
    return file


@pytest.fixture(scope="module", name="packed")
def _packed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tuple[Path, Path]]:
    """A Wan of two experts, and both of them as GGUF."""
    folder = write_tiny_wan(tmp_path_factory.mktemp("wan") / "a14b", "a14b")
    stock: Any = diffusers
    torch.manual_seed(4)
    for part in ("transformer", "transformer_2"):
        # So wide that rows of every matrix in the blocks are whole blocks of the packing.
        config = stock.WanTransformer3DModel.load_config(folder / part)
        model = stock.WanTransformer3DModel.from_config({**config, "attention_head_dim": 16})
        for block in model.blocks:
            torch.nn.init.constant_(block.scale_shift_table, 0.5)
        model.save_pretrained(folder / part)
    high, low = folder.parent / "HighNoise.gguf", folder.parent / "LowNoise.gguf"
    files = (pack(folder, "transformer", high), pack(folder, "transformer_2", low))
    return folder, files


def loaded(folder: Path, gguf: Any = None, **options: Any) -> WanModel:
    """A Wan with packed weights, or with its own."""
    config = {"dtype": "float32", "steps": 4, **options.pop("config", {})}
    return WanEngine(config, weights=folder, gguf=gguf, device="cpu", **options).model()


@pytest.mark.parametrize("attention", ["cached", "joint"])
def test_packed_weights_draw_as_unpacked_ones(
    attention: str, packed: tuple[Path, tuple[Path, Path]], drawn_by: DrawnBy
) -> None:
    """Of each expert, with a memory and without; and they are packed while they wait."""
    folder, files = packed
    config = {"attention": attention}
    plain, ours = loaded(folder, config=config), loaded(folder, files, config=config)

    for remembered in (0, 1):
        drawn = drawn_by(ours, remembered=remembered)
        assert (drawn - drawn_by(plain, remembered=remembered)).abs().max() < 1e-5
    for one in ours.transformers:
        for layer in (one.blocks[0].attn1.to_q, one.blocks[1].ffn.net[2]):
            assert layer.weight.dtype == torch.uint8


def test_the_folders_own_weights_are_not_needed(
    packed: tuple[Path, tuple[Path, Path]], drawn_by: DrawnBy, tmp_path: Path
) -> None:
    """Its configurations are, and a take is called by what is in the GGUF files."""
    folder, files = packed
    shutil.copytree(folder, tmp_path / "bare")
    for part in ("transformer", "transformer_2"):
        (tmp_path / "bare" / part / "diffusion_pytorch_model.safetensors").unlink()

    ours = loaded(tmp_path / "bare", files)

    assert torch.equal(drawn_by(ours), drawn_by(loaded(folder, files)))
    names = [
        WanEngine(weights=where, gguf=gguf).fingerprint().weights
        for where, gguf in (
            (folder, files),
            (tmp_path / "bare", [str(file) for file in files]),
            (folder, None),
            (folder, (files[0], files[0])),
        )
    ]
    assert names[0] == names[1]
    assert len(set(names)) == 3


def test_what_is_counted_is_what_lies_there(packed: tuple[Path, tuple[Path, Path]]) -> None:
    """To the byte, as the file has it, in the dtype that computes."""
    folder, files = packed
    model = loaded(folder, files, config={"dtype": "bfloat16"})

    counted = count_weights(folder, model.config, files)

    experts = [one for one in counted if one.name.startswith("transformer")]
    for one, transformer in zip(experts, model.transformers, strict=True):
        assert one.num_bytes == sum(weight.nbytes for weight in transformer.parameters())


def test_layers_that_wait_stay_packed_and_take_an_adapter(
    packed: tuple[Path, tuple[Path, Path]], drawn_by: DrawnBy, tmp_path: Path
) -> None:
    """An adapter is beside the layers, changes nothing that is packed, and makes way with them."""
    folder, files = packed
    key = "diffusion_model.blocks.0.ffn.2.lora_"
    halves = {f"{key}down.weight": torch.randn(3, 32), f"{key}up.weight": torch.randn(32, 3)}
    save_file(halves, tmp_path / "adapter.safetensors")
    options = {"adapter": tmp_path / "adapter.safetensors"}
    ours, plain = loaded(folder, files, **options), loaded(folder, **options)
    expected = drawn_by(plain, remembered=1)
    assert (drawn_by(loaded(folder, files), remembered=1) - expected).abs().max() > 0.01

    assert (drawn_by(ours, remembered=1) - expected).abs().max() < 1e-5
    ours.ladder.has_elsewhere = True
    ours.ladder.step_aside()
    assert (drawn_by(ours, remembered=1) - expected).abs().max() < 1e-5
    while ours.ladder.climb("drawing"):
        assert (drawn_by(ours, remembered=1) - expected).abs().max() < 1e-5


def test_what_packed_weights_cannot_do_is_refused(
    packed: tuple[Path, tuple[Path, Path]], folder_of: FolderOf, tmp_path: Path
) -> None:
    """In one sentence, before anything is loaded."""
    folder, files = packed
    (tmp_path / "odd.gguf").write_bytes(b"not that")
    for config, words in (
        ({"storage": "fp8"}, "weights of a GGUF file are packed already, and storage is fp8"),
        ({"is_compiled": True}, "blocks whose weights are unpacked from GGUF are not compiled"),
    ):
        with pytest.raises(OrderError, match=words):
            WanEngine(config, weights=folder, gguf=files)
    memory = write_tiny_published(tmp_path / "memory")
    with pytest.raises(OrderError, match="a memory that others published needs weights as they"):
        WanEngine(weights=folder_of("a14b-i2v"), gguf=files, memory_weights=memory)
    with pytest.raises(WeightsError, match="2 transformers, and gguf names 1 files"):
        WanEngine(weights=folder, gguf=files[0])
    with pytest.raises(WeightsError, match=r"odd\.gguf is no GGUF file"):
        WanEngine(weights=folder, gguf=(files[0], tmp_path / "odd.gguf"))


def test_a_file_of_another_model_is_refused(
    packed: tuple[Path, tuple[Path, Path]], tmp_path: Path
) -> None:
    """With what does not fit; and so is one that is not whole."""
    folder, files = packed
    shutil.copytree(folder, tmp_path / "wide")
    place = tmp_path / "wide" / "transformer" / "config.json"
    sizes = json.loads(place.read_text())
    place.write_text(json.dumps(sizes | {"ffn_dim": 64}))
    with pytest.raises(WeightsError, match="the weights in wide cannot be loaded"):
        loaded(tmp_path / "wide", files)
    place.write_text(json.dumps(sizes | {"num_layers": 3}))
    with pytest.raises(WeightsError, match=r"HighNoise\.gguf holds 2 blocks, and the model has 3"):
        loaded(tmp_path / "wide", files)
    place.write_text(json.dumps(sizes | {"added_kv_proj_dim": 32}))
    with pytest.raises(WeightsError, match=r"HighNoise\.gguf does not hold every weight"):
        loaded(tmp_path / "wide", files)
