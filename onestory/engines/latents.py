"""
How do the latents of a take lie in the vault, and what is one frame of them called?

    safetensors: `latents`, F C H W, float32 or bfloat16, oldest frame first; `features`, F E, by
    which its engine knows frames again; and whatever else it wants to find again
    name of a frame: sha256 of its C H W values as little-endian float32, row by row

The same form and the same names as in `onestory.memory.bank`, for who has no torch at hand.
"""

import hashlib
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, deserialize
from safetensors.numpy import save

from onestory.documents import Digest

Latents: TypeAlias = npt.NDArray[np.float32]
"""`F C H W` for a take, `C H W` for one frame; normalised as its engine has it."""

TENSOR = "latents"
FEATURES = "features"


def pack_latents(latent_FCHW: Latents, features_FE: npt.NDArray[np.float32] | None = None) -> bytes:
    """
    Write the latents of a take; equal ones give equal bytes.

    Args:
        latent_FCHW: Oldest frame first.
        features_FE: One embedding per latent frame.

    Raises:
        ValueError: If there are not as many embeddings as frames.
    """
    tensors = {TENSOR: np.ascontiguousarray(latent_FCHW, dtype="<f4")}
    if features_FE is not None:
        if len(features_FE) != len(latent_FCHW):
            raise ValueError(
                f"{len(features_FE)} embeddings do not fit {len(latent_FCHW)} latent frames"
            )
        tensors[FEATURES] = np.ascontiguousarray(features_FE, dtype="<f4")
    return save(tensors)


def unpack_latents(content: bytes) -> Latents:
    """
    Read the latents of a take, as float32 and not to be written to.

    Raises:
        ValueError: If they are not in the form that the vault holds.
    """
    try:
        tensors: dict[str, dict[str, Any]] = dict(deserialize(content))  # type: ignore[no-untyped-call]
    except SafetensorError as error:
        raise ValueError(f"latents of {len(content)} bytes are no safetensors: {error}") from error
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


def frame_digest(latent_CHW: Latents) -> Digest:
    """Name one latent frame by its content: what `Remembered.latent` holds."""
    content = np.ascontiguousarray(latent_CHW, dtype="<f4").tobytes()
    return Digest("sha256:" + hashlib.sha256(content).hexdigest())
