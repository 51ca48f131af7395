"""
What is remembered of the shots that are already made?

    shot 1 ── circled take ──┐
    shot 2 ── circled take ──┼── MemoryBank ── before(shot 4) ── candidates
    shot 3 ── circled take ──┘    append-only, story order

One circled take per shot, as latent frames in story order. A frame that a gate flagged is
kept, so that frame numbers stay true, but is never a candidate.

Shape suffixes, for this module only:
    F  latent frames       C  latent channels
    H, W  latent cells     E  width of a feature
"""

import json
import struct
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from onestory.documents import Digest, digest_of
from onestory.errors import CorruptBlobError, RenderError

SCHEMA = "Latents.1"

DTYPES = (torch.float32, torch.bfloat16)
"""In which latents are stored."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class MemoryFrame:
    """One latent frame of a circled take."""

    latents_CHW: Tensor
    """Normalised latents, float32, on the CPU."""
    take: Digest
    """Address of the take."""
    slate: str
    shot: int
    """Number of the shot in story order."""
    frame_index: int
    """Latent frame within the take."""
    latent: Digest
    """See `frame_digest`."""
    feature_E: Tensor | None = None
    """Embedding of the frame, for policies without training."""
    figures: Mapping[str, Tensor] | None = None
    """How much of each cell shows whom or what, `H W`; see `onestory.memory.showing`."""
    is_flagged: bool = False
    """Whether a gate objected to it."""


class MemoryBank:
    """Latent frames of circled takes. Grows by one shot at a time and never forgets."""

    def __init__(self) -> None:
        self._frames: list[MemoryFrame] = []

    def __len__(self) -> int:
        """How many frames it holds, flagged ones too."""
        return len(self._frames)

    def remember(
        self,
        latents_FCHW: Tensor,
        *,
        take: Digest,
        slate: str,
        shot: int,
        features_FE: Tensor | None = None,
        figures: Mapping[str, Tensor] | None = None,
        flagged: Collection[int] = (),
    ) -> None:
        """
        Append the circled take of the next shot.

        Args:
            latents_FCHW: Normalised latents of the whole take; a copy is kept as float32.
            take: Address of the take.
            slate: The take's slate, for messages and lineage.
            shot: Number of its shot, higher than that of any shot remembered so far.
            features_FE: One embedding per latent frame.
            figures: How much of each cell shows whom or what, `F H W` for each; None if nobody
                knows.
            flagged: Latent frames that a gate objected to; see `flagged_latents`.

        Raises:
            RenderError: If the shot is out of story order, or the latents have another grid
                than the ones before, are not finite, are none, or do not fit features or flags.
        """
        if self._frames and shot <= self._frames[-1].shot:
            raise RenderError(
                f"shot {shot} cannot be remembered after shot {self._frames[-1].shot}",
                slate=slate,
                hint="remember one circled take per shot, in story order",
            )
        self._check(latents_FCHW, features_FE, flagged, slate)
        for shown_FHW in (figures or {}).values():
            if shown_FHW.shape != latents_FCHW[:, 0].shape:
                raise RenderError(
                    f"figures {tuple(shown_FHW.shape)} do not fit latents "
                    f"{tuple(latents_FCHW.shape)}",
                    slate=slate,
                )
        # A copy: the caller may go on to use its tensor for something else.
        latents_FCHW = latents_FCHW.detach().to("cpu", torch.float32, copy=True)
        if features_FE is not None:
            features_FE = features_FE.detach().to("cpu", torch.float32, copy=True)
        self._frames.extend(
            MemoryFrame(
                latents_CHW=latents_CHW,
                take=take,
                slate=slate,
                shot=shot,
                frame_index=index,
                latent=frame_digest(latents_CHW),
                feature_E=None if features_FE is None else features_FE[index],
                figures=None
                if figures is None
                else {name: shown_FHW[index] for name, shown_FHW in figures.items()},
                is_flagged=index in flagged,
            )
            for index, latents_CHW in enumerate(latents_FCHW)
        )

    @property
    def frames(self) -> tuple[MemoryFrame, ...]:
        """Every frame in story order, flagged ones too."""
        return tuple(self._frames)

    @property
    def latents_FCHW(self) -> Tensor:  # noqa: N802
        """Latents of every frame in story order; an empty bank has shape `0 0 0 0`."""
        if not self._frames:
            return torch.zeros(0, 0, 0, 0)
        return torch.stack([frame.latents_CHW for frame in self._frames])

    def before(self, shot: int) -> tuple[MemoryFrame, ...]:
        """What shot number `shot` may recall: frames of earlier shots that no gate flagged."""
        return tuple(f for f in self._frames if f.shot < shot and not f.is_flagged)

    def _check(
        self,
        latents_FCHW: Tensor,
        features_FE: Tensor | None,
        flagged: Collection[int],
        slate: str,
    ) -> None:
        shape = tuple(latents_FCHW.shape)
        if len(shape) != 4 or shape[0] == 0:
            raise RenderError(f"latents must be F C H W, got {shape}", slate=slate)
        if self._frames and shape[1:] != self._frames[0].latents_CHW.shape:
            raise RenderError(
                f"latent grid {shape[1:]} is not the {tuple(self._frames[0].latents_CHW.shape)} "
                "of the shots before",
                slate=slate,
                hint="one episode has one size; render the earlier shots again",
            )
        num_bad = int((~torch.isfinite(latents_FCHW)).sum())
        if num_bad:
            raise RenderError(f"{num_bad} latent values are not finite", slate=slate)
        if features_FE is not None and features_FE.shape[:-1] != shape[:1]:
            raise RenderError(
                f"features {tuple(features_FE.shape)} do not fit {shape[0]} latent frames",
                slate=slate,
            )
        if flagged and not 0 <= min(flagged) <= max(flagged) < shape[0]:
            raise RenderError(
                f"flagged frames {sorted(flagged)} are not among {shape[0]} latent frames",
                slate=slate,
                hint="flags count latent frames, gates count video frames",
            )


def frame_digest(latents_CHW: Tensor) -> Digest:
    """
    Name a latent frame by its content.

    The sha256 of its values as little-endian float32, row by row: a frame has the same name
    whether it comes fresh from the sampler or out of a file with bf16 in it.
    """
    values = latents_CHW.detach().to("cpu", torch.float32).contiguous().numpy()
    return digest_of(values.astype("<f4", copy=False).tobytes())


def flagged_latents(frames: Collection[int], *, temporal_factor: int = 4) -> frozenset[int]:
    """The latent frames that hold these video frames; the first stands for one frame alone."""
    return frozenset(-(-frame // temporal_factor) for frame in frames)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class StoredLatents:
    """The latents of a take, as they lie in the vault."""

    latents_FCHW: Tensor
    """Normalised latents, float32 or bfloat16."""
    features_FE: Tensor | None = None
    """One embedding per latent frame."""


def write_latents(latents_FCHW: Tensor, features_FE: Tensor | None = None) -> bytes:
    """
    Write the latents of a take as safetensors. Equal tensors give equal bytes.

    Args:
        latents_FCHW: Normalised latents, float32 or bfloat16; stored in the dtype they have.
        features_FE: One embedding per latent frame.

    Raises:
        ValueError: If the latents have another dtype or shape.
    """
    if latents_FCHW.ndim != 4 or latents_FCHW.dtype not in DTYPES:
        raise ValueError(
            "latents must be F C H W in float32 or bfloat16, "
            f"got {tuple(latents_FCHW.shape)} in {latents_FCHW.dtype}"
        )
    tensors = {"latents": latents_FCHW.detach().cpu().contiguous()}
    if features_FE is not None:
        tensors["features"] = features_FE.detach().cpu().contiguous()
    return safetensors.torch.save(tensors, metadata={"schema": SCHEMA})


def read_latents(content: bytes) -> StoredLatents:
    """
    Read the latents of a take.

    Raises:
        CorruptBlobError: If the bytes are not what `write_latents` writes.
    """
    try:
        tensors = safetensors.torch.load(content)
        # Engines that write no metadata write the same tensors.
        schema = _metadata(content).get("schema", SCHEMA)
    except (safetensors.SafetensorError, ValueError, KeyError) as error:
        raise CorruptBlobError("stored latents are no safetensors") from error
    if schema != SCHEMA:
        raise CorruptBlobError(f"expected stored latents of schema {SCHEMA}, found {schema}")
    latents_FCHW, features_FE = tensors.get("latents"), tensors.get("features")
    if latents_FCHW is None or latents_FCHW.ndim != 4 or latents_FCHW.dtype not in DTYPES:
        raise CorruptBlobError(
            f"stored latents hold {sorted(tensors)}, not F C H W in float32 or bfloat16"
        )
    if features_FE is not None and features_FE.shape[:-1] != latents_FCHW.shape[:1]:
        raise CorruptBlobError(
            f"stored features {tuple(features_FE.shape)} do not fit {len(latents_FCHW)} frames"
        )
    return StoredLatents(latents_FCHW=latents_FCHW, features_FE=features_FE)


def _metadata(content: bytes) -> dict[str, str]:
    """The header's metadata, which safetensors itself reads only from files."""
    (length,) = struct.unpack_from("<Q", content)
    metadata: dict[str, str] = json.loads(content[8 : 8 + length]).get("__metadata__", {})
    return metadata
