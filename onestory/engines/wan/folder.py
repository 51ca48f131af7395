"""
Where do Wan weights lie, and what are they called?

    weights: a folder                        that folder
    weights: "Wan-AI/Wan2.2-TI2V-5B-…"       the hub's copy on this machine; never fetched unasked
    memory:  a folder                        OneStory modules, if they lie elsewhere
    └─ conditioner/  conditioner_2/  selector/     as `onestory train` keeps them under `memory`
    memory_weights: a file or folder         what others published; see `published`
    adapter: a file, or one for each expert  draws in few steps; see `adapter`
    gguf:    a file for each transformer     its weights, packed; see `packed`
"""

import hashlib
import json
import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from onestory.engines.wan.card import WanCard
from onestory.errors import WeightsError
from onestory.memory.budget import PATCH

USUAL = "Wan-AI/Wan2.2-TI2V-5B-Diffusers"
"""What films unless another model is named."""

READ = (".safetensors", ".json", ".model", ".txt")
"""Files of a folder that decide pixels."""

Levels = tuple[tuple[int, int, int], ...]
"""Patchifier kernels, finest first."""

_SHA256 = re.compile(r"[0-9a-f]{64}")


def find_folder(weights: str | Path | None = None, *, may_download: bool = False) -> Path:
    """
    Find the folder of a model.

    Args:
        weights: A folder, or a name on the hub; None for `USUAL`.
        may_download: Whether it is fetched from the hub, if this machine has no copy.

    Returns:
        The folder, absolute.

    Raises:
        WeightsError: If there is neither such a folder nor such a copy.
    """
    wanted = str(weights or USUAL)
    place = Path(wanted).expanduser().absolute()
    if place.is_dir():
        return place
    if wanted.count("/") != 1 or wanted.startswith((".", "/", "~")):
        raise WeightsError(
            f"there is no folder {wanted}", hint="name a diffusers folder, or a model of the hub"
        )
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(wanted, local_files_only=not may_download))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise WeightsError(
            f"{wanted} is not on this machine",
            hint=f"hf download {wanted}, or set the engine's option may_download",
        ) from error


def find_memory(folder: Path, memory: str | Path | None = None) -> Path | None:
    """
    Find the OneStory modules that go with a model.

    Args:
        folder: The model's.
        memory: Another folder that holds them; None for `memory` in the model's own.

    Returns:
        The folder that holds `conditioner` or `selector`; None if the model has none.

    Raises:
        WeightsError: If a folder is named, and holds neither.
    """
    place = Path(memory).expanduser().absolute() if memory else folder / "memory"
    if any((place / part / "config.json").is_file() for part in ("conditioner", "selector")):
        return place
    if memory:
        raise WeightsError(f"there is neither conditioner nor selector in {place}")
    return None


def experts_files(
    place: str | Path | Sequence[str | Path], card: WanCard, what: str, *, may_share: bool
) -> tuple[Path, ...]:
    """
    Find files of which each transformer has one.

    Args:
        place: A file; or two, for high noise and for low noise.
        card: What the model is.
        what: How they are called in errors.
        may_share: Whether two experts may have one between them.

    Returns:
        Absolute.

    Raises:
        WeightsError: If they are too many or too few, not there, or in the wrong order.
    """
    places = [place] if isinstance(place, str | Path) else list(place)
    files = tuple(Path(one).expanduser().absolute() for one in places)
    if len(files) not in ({1, card.num_experts} if may_share else {card.num_experts}):
        raise WeightsError(
            f"{card.name} has {card.num_experts} transformer"
            f"{'s' if card.num_experts > 1 else ''}, and {what} names {len(files)} files",
            hint="name one file, or with two experts two: for high noise and for low noise",
        )
    for file in files:
        if not file.is_file():
            raise WeightsError(f"there is no {what} {file}")
    names = [file.stem.lower() for file in files]
    if len(names) == 2 and "low" in names[0] and "high" in names[1]:
        raise WeightsError(
            f"{files[0].name} comes first, and the first {what} is for high noise",
            hint="name the file for high noise before the one for low noise",
        )
    return files


def levels_of(memory: Path | None) -> Levels:
    """
    Say how finely frames can be cut.

    Args:
        memory: OneStory modules; None if there are none.

    Returns:
        Kernels of the trained patchifiers; without them the model's own patch alone, since
        stock weights have never seen a coarser one.
    """
    config = memory / "conditioner" / "config.json" if memory else None
    if config is None or not config.is_file():
        return (PATCH,)
    written = json.loads(config.read_text("utf-8"))["levels"]
    return tuple((int(t), int(h), int(w)) for t, h, w in written)


def weights_digest(
    folder: Path,
    memory: Path | None = None,
    published: Sequence[Path] = (),
    adapters: Sequence[Path] = (),
    packed: Sequence[Path] = (),
) -> str:
    """
    Name weights: sha256 over the sha256 of every file that decides pixels.

    Read once per process, as long as no file changes. A file of the hub's own copy is called by
    its sha256 there, and not read at all.

    Args:
        folder: The model's.
        memory: OneStory modules that lie elsewhere.
        published: Files of a memory that somebody published.
        adapters: Files of an adapter, one or one for each expert.
        packed: A GGUF file for each transformer, whose own weights decide nothing then.
    """
    unread = ("transformer/", "transformer_2/") if packed else ()
    parts = [("", folder), *([("memory/", memory)] if memory else [])]
    files = [
        (prefix + path.relative_to(place).as_posix(), path)
        for prefix, place in parts
        for path in sorted(place.rglob("*"))
        if path.suffix in READ
        and not path.relative_to(place).as_posix().startswith(".")
        and not (path.suffix == ".safetensors" and _is_in(path, place, unread))
    ]
    files += [(f"memory_weights/{path.name}", path) for path in published]
    # What an adapter's file is called decides nothing; for which expert it is does.
    files += [(f"adapter/{number}", path) for number, path in enumerate(adapters)]
    files += [(f"gguf/{number}", path) for number, path in enumerate(packed)]
    stamps = tuple(
        (name, path, path.stat().st_size, path.stat().st_mtime_ns) for name, path in files
    )
    return _digest(stamps)


def _is_in(path: Path, place: Path, parts: tuple[str, ...]) -> bool:
    return path.relative_to(place).as_posix().startswith(parts)


@lru_cache(maxsize=8)
def _digest(stamps: tuple[tuple[str, Path, int, int], ...]) -> str:
    whole = hashlib.sha256()
    for name, path, _, _ in stamps:
        whole.update(f"{name} {_sha256(path)}\n".encode())
    return f"sha256:{whole.hexdigest()}"


def _sha256(path: Path) -> str:
    blob = path.resolve().name
    if path.is_symlink() and _SHA256.fullmatch(blob):
        return blob
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
