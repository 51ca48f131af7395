"""What is remembered of the shots that are already made."""

import hashlib

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import Tensor

from onestory.documents import Digest, digest_of
from onestory.engines.latents import frame_digest as border_digest
from onestory.engines.latents import pack_latents, unpack_latents
from onestory.errors import CorruptBlobError, RenderError
from onestory.memory.bank import (
    MemoryBank,
    flagged_latents,
    frame_digest,
    read_latents,
    write_latents,
)

C, H, W = 2, 3, 4


def _latents(frames: int, seed: int = 0) -> Tensor:
    return torch.randn(frames, C, H, W, generator=torch.Generator().manual_seed(seed))


def _take(shot: int) -> Digest:
    return digest_of(b"take of shot %d" % shot)


@pytest.fixture(name="bank")
def _bank() -> MemoryBank:
    """Shots 1, 2 and 4; the second frame of shot 2 is flagged."""
    bank = MemoryBank()
    for shot, frames, flagged in ((1, 2, ()), (2, 3, (1,)), (4, 1, ())):
        bank.remember(
            _latents(frames, shot),
            take=_take(shot),
            slate=f"s01e01-sc01-sh{shot:03}-tk01",
            shot=shot,
            flagged=flagged,
        )
    return bank


def test_frames_stand_in_story_order_and_know_where_they_are_from(bank: MemoryBank) -> None:
    """Every frame names its take, its shot and its place in it."""
    assert len(bank) == 6
    assert [(f.shot, f.frame_index) for f in bank.frames] == [
        *((1, 0), (1, 1), (2, 0), (2, 1), (2, 2), (4, 0))
    ]
    assert all(f.take == _take(f.shot) for f in bank.frames)
    assert bank.frames[-1].slate == "s01e01-sc01-sh004-tk01"
    assert torch.equal(
        bank.latents_FCHW, torch.cat([_latents(2, 1), _latents(3, 2), _latents(1, 4)])
    )


def test_only_unflagged_frames_of_earlier_shots_are_candidates(bank: MemoryBank) -> None:
    """A shot recalls neither itself, nor what comes later, nor what a gate objected to."""
    assert bank.before(1) == ()
    assert [(f.shot, f.frame_index) for f in bank.before(4)] == [(1, 0), (1, 1), (2, 0), (2, 2)]
    assert len(bank.before(5)) == 5


def test_an_empty_bank_is_no_special_case() -> None:
    """Before the first shot there is nothing, in every form."""
    bank = MemoryBank()

    assert (len(bank), bank.frames, bank.before(9)) == (0, (), ())
    assert bank.latents_FCHW.shape == (0, 0, 0, 0)


@pytest.mark.parametrize("shot", [3, 4])
def test_the_story_only_goes_on(bank: MemoryBank, shot: int) -> None:
    """An earlier shot, or a second take of one, is refused with both numbers and the slate."""
    with pytest.raises(RenderError, match=rf"shot {shot} .* after shot 4") as caught:
        bank.remember(_latents(1), take=_take(shot), slate="s01e01-sc01-sh003-tk01", shot=shot)

    assert caught.value.slate == "s01e01-sc01-sh003-tk01"
    assert len(bank) == 6


def test_what_cannot_be_remembered_is_refused_whole(bank: MemoryBank) -> None:
    """Another grid, numbers that are none, and misfits leave the bank as it was."""
    broken = _latents(2)
    broken[1, 0, 0, 0] = float("nan")
    broken[0, 1, 2, 3] = float("inf")
    cases: list[tuple[Tensor, dict[str, object], str]] = [
        (torch.zeros(2, C, H, W + 1), {}, r"grid \(2, 3, 5\) is not the \(2, 3, 4\)"),
        (broken, {}, "2 latent values are not finite"),
        (torch.zeros(C, H, W), {}, r"F C H W, got \(2, 3, 4\)"),
        (torch.zeros(0, C, H, W), {}, r"F C H W, got \(0, 2, 3, 4\)"),
        (_latents(2), {"features_FE": torch.zeros(3, 5)}, r"\(3, 5\) do not fit 2"),
        (_latents(2), {"flagged": {5, 1}}, r"\[1, 5\] are not among 2"),
        (_latents(2), {"flagged": {-1}}, r"\[-1\] are not among 2"),
    ]
    for latents_FCHW, extra, message in cases:
        with pytest.raises(RenderError, match=message):
            bank.remember(latents_FCHW, take=_take(5), slate="s", shot=5, **extra)  # type: ignore[arg-type]
    assert len(bank) == 6


def test_memory_cannot_be_changed_from_outside() -> None:
    """What the caller does to its tensor afterwards changes no memory."""
    bank, latents_FCHW = MemoryBank(), _latents(2)
    kept_FCHW = latents_FCHW.clone()
    bank.remember(latents_FCHW, take=_take(1), slate="s", shot=1)
    latents_FCHW.zero_()

    assert torch.equal(bank.latents_FCHW, kept_FCHW)
    assert bank.frames[1].latent == frame_digest(bank.frames[1].latents_CHW)


def test_features_go_with_their_frames() -> None:
    """Each frame keeps its own embedding."""
    bank = MemoryBank()
    bank.remember(_latents(2), take=_take(1), slate="s", shot=1, features_FE=torch.eye(2))

    features = [frame.feature_E for frame in bank.frames]
    assert [f.tolist() for f in features if f is not None] == [[1, 0], [0, 1]]


def test_a_frame_is_named_by_its_float32_bytes() -> None:
    """The name of a frame is the sha256 of its values, row by row, in whatever way they lie."""
    latents_CHW = _latents(1)[0]
    expected = hashlib.sha256(latents_CHW.numpy().astype("<f4").tobytes()).hexdigest()
    strided_CHW = latents_CHW.permute(2, 0, 1).contiguous().permute(1, 2, 0)

    assert frame_digest(latents_CHW) == f"sha256:{expected}"
    assert frame_digest(strided_CHW) == frame_digest(latents_CHW)
    assert frame_digest(torch.zeros(1, 1, 2)) == digest_of(b"\0" * 8)


def test_one_changed_byte_is_another_frame() -> None:
    """Flipping any one bit of any byte changes a frame's name."""
    latents_CHW = _latents(1)[0, :1, :1]
    names = {frame_digest(latents_CHW)}
    for place in range(latents_CHW.numel() * 4):
        content = bytearray(latents_CHW.numpy().tobytes())
        content[place] ^= 1
        changed = torch.from_numpy(np.frombuffer(bytes(content), np.float32).copy())
        names.add(frame_digest(changed.reshape(latents_CHW.shape)))

    assert len(names) == 1 + latents_CHW.numel() * 4


def test_half_precision_names_the_same_frame() -> None:
    """A frame that was stored in half precision keeps its name when it is read back."""
    half_FCHW = _latents(2).bfloat16()
    stored = read_latents(write_latents(half_FCHW))

    assert stored.latents_FCHW.dtype == torch.bfloat16
    assert frame_digest(stored.latents_FCHW[1]) == frame_digest(half_FCHW[1].float())


def test_video_frames_find_their_latents() -> None:
    """The first latent frame holds one video frame, every later one four."""
    assert flagged_latents([0]) == {0}
    assert flagged_latents([1, 4]) == {1}
    assert flagged_latents([5, 80]) == {2, 20}
    assert flagged_latents([3, 4], temporal_factor=3) == {1, 2}


def test_latents_are_read_as_they_were_written() -> None:
    """Latents and features survive bit by bit, and equal tensors give equal bytes."""
    latents_FCHW, features_FE = _latents(3), torch.randn(3, 5)
    content = write_latents(latents_FCHW, features_FE)
    stored = read_latents(content)

    assert torch.equal(stored.latents_FCHW, latents_FCHW)
    assert stored.features_FE is not None
    assert torch.equal(stored.features_FE, features_FE)
    assert write_latents(stored.latents_FCHW, stored.features_FE) == content
    assert read_latents(write_latents(latents_FCHW)).features_FE is None


def test_stored_bytes_never_change() -> None:
    """The format is one for years: these latents have had this name since it was drawn up."""
    content = write_latents(torch.arange(24.0).reshape(1, C, H, W))

    assert digest_of(content) == (
        "sha256:75e1e2678dc4604f00eb61c4d967086f6f02151f1740f8d5a6353f707ba6d94f"
    )


def test_engines_without_torch_write_the_same_document() -> None:
    """Latents and names of frames agree with those of the engine border, both ways."""
    latents_FCHW = _latents(2)
    there, back = pack_latents(latents_FCHW.numpy()), unpack_latents(write_latents(latents_FCHW))

    assert torch.equal(read_latents(there).latents_FCHW, latents_FCHW)
    assert np.array_equal(back, latents_FCHW.numpy())
    assert border_digest(back[1]) == frame_digest(latents_FCHW[1])


def test_other_bytes_are_refused() -> None:
    """What is no latents, or latents of another time, is said to be so."""
    save = safetensors.torch.save
    cases = [
        (b"", "no safetensors"),
        (b"not a tensor at all", "no safetensors"),
        (write_latents(_latents(2))[:-1], "no safetensors"),
        (save({"latents": _latents(2)}, {"schema": "Latents.9"}), r"Latents\.1, found Latents\.9"),
        (save({"pixels": _latents(2)}), r"hold \['pixels'\]"),
        (save({"latents": _latents(2)[0]}), r"not F C H W"),
        (save({"latents": _latents(2).double()}), r"not F C H W in float32"),
        (save({"latents": _latents(2), "features": torch.zeros(3, 5)}), r"\(3, 5\) do not fit 2"),
    ]
    for content, message in cases:
        with pytest.raises(CorruptBlobError, match=message):
            read_latents(content)


def test_only_two_dtypes_are_written() -> None:
    """Latents lose nothing unasked: another dtype or shape is refused."""
    for latents_FCHW in (_latents(1).half(), _latents(1)[0]):
        with pytest.raises(ValueError, match="float32 or bfloat16, got"):
            write_latents(latents_FCHW)
