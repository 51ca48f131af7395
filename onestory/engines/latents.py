"""
How do the latents of a take lie in the vault, and what is one frame of them called?

    safetensors: `latents`, F C H W, float32 or bfloat16, oldest frame first; `features`, F E, by
    which its engine knows frames again; `shows NAME`, F H W, how much of each cell shows whom or
    what, if that is known; and whatever else an engine wants to find again
    name of a frame: sha256 of its C H W values as little-endian float32, row by row

The same form and the same names as in `onestory.memory.bank`, for who has no torch at hand.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, deserialize
from safetensors.numpy import save

from onestory.documents import Digest

Latents: TypeAlias = npt.NDArray[np.float32]
"""`F C H W` for a take, `C H W` for one frame; normalised as its engine has it."""

Figures: TypeAlias = Mapping[str, npt.NDArray[np.float32]]
"""How much of each cell shows whom or what, in [0, 1]: `F H W` for a take, `H W` for one frame."""

TENSOR = "latents"
FEATURES = "features"
SHOWS = "shows "
"""Before the name of a figure."""


def pack_latents(
    latent_FCHW: Latents,
    features_FE: npt.NDArray[np.float32] | None = None,
    figures: Figures | None = None,
) -> bytes:
    """
    Write the latents of a take; equal ones give equal bytes.

    Args:
        latent_FCHW: Oldest frame first.
        features_FE: One embedding per latent frame.
        figures: Whom and what its cells show; None if nobody knows.

    Raises:
        ValueError: If there are not as many embeddings as frames, or figures have another grid.
    """
    tensors = {TENSOR: np.ascontiguousarray(latent_FCHW, dtype="<f4")}
    if features_FE is not None:
        if len(features_FE) != len(latent_FCHW):
            raise ValueError(
                f"{len(features_FE)} embeddings do not fit {len(latent_FCHW)} latent frames"
            )
        tensors[FEATURES] = np.ascontiguousarray(features_FE, dtype="<f4")
    for name, shown_FHW in (figures or {}).items():
        if shown_FHW.shape != latent_FCHW[:, 0].shape:
            raise ValueError(
                f"{name} of {shown_FHW.shape} does not fit latents of {latent_FCHW.shape}"
            )
        tensors[SHOWS + name] = np.ascontiguousarray(shown_FHW, dtype="<f4")
    return save(tensors)


def unpack_latents(content: bytes) -> Latents:
    """
    Read the latents of a take, as float32 and not to be written to.

    Raises:
        ValueError: If they are not in the form that the vault holds.
    """
    tensors = _tensors(content)
    found = tensors.get(TENSOR)
    if found is None or found["dtype"] not in ("F32", "BF16") or len(found["shape"]) != 4:
        raise ValueError(f"latents hold {sorted(tensors)}, not `latents` F C H W in F32 or BF16")
    if found["dtype"] == "BF16":
        # The upper half of a float32.
        halves = np.frombuffer(found["data"], "<u2").astype("<u4")
        latent_FCHW = (halves << 16).view("<f4").reshape(found["shape"])
    else:
        latent_FCHW = np.frombuffer(found["data"], "<f4").reshape(found["shape"])
    latent_FCHW.setflags(write=False)
    return latent_FCHW


def unpack_figures(content: bytes) -> Figures | None:
    """
    Read whom and what the cells of a take show.

    Returns:
        By name; None if nobody knew.

    Raises:
        ValueError: If these are no latents of a take.
    """
    figures = {
        name.removeprefix(SHOWS): np.frombuffer(found["data"], "<f4").reshape(found["shape"])
        for name, found in _tensors(content).items()
        if name.startswith(SHOWS)
    }
    return figures or None


def _tensors(content: bytes) -> dict[str, dict[str, Any]]:
    try:
        return dict(deserialize(content))  # type: ignore[no-untyped-call]
    except SafetensorError as error:
        raise ValueError(f"latents of {len(content)} bytes are no safetensors: {error}") from error


def frame_digest(latent_CHW: Latents) -> Digest:
    """Name one latent frame by its content: what `Remembered.latent` holds."""
    content = np.ascontiguousarray(latent_CHW, dtype="<f4").tobytes()
    return Digest("sha256:" + hashlib.sha256(content).hexdigest())
