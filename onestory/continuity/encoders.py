"""
Who looks at a take? Three stock models from one folder, none of our own making.

    folder ─┬─ people/      a segmenter ─────── where each person is
            ├─ appearance/  DINOv2 or DINOv3 ── what a person, or a place, looks like
            └─ language/    CLIP or SigLIP ──── what a picture and a caption mean

Every sub-folder is what `save_pretrained` writes: `config.json`, safetensors, and
`preprocessor_config.json`, see `preparing`; `language/` has its tokenizer too. Which classes they
are, their configs say. A semantic segmenter names people by place, `person 1` being the first
from the left; a universal one (Mask2Former) finds instances of any label that has "person" in it.

Frames are uint8 sRGB, `N H W 3`, of any size.

References: Oquab et al., "DINOv2", 2023 (arXiv:2304.07193); Radford et al., "CLIP", 2021
(arXiv:2103.00020); Xie et al., "SegFormer", 2021 (arXiv:2105.15203).

Shape suffixes, for this module only:
    N  frames, pictures or captions    H, W  pixels    P  people of a frame, from the left
    D  embedding                       C  channels     K  labels       T  tokens
"""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from torch import nn

from onestory.continuity.preparing import (
    HINT,
    check_frames,
    prepared,
    read_preprocessing,
    resized,
    tokenized,
)
from onestory.documents import Digest, digest_of, digest_of_json
from onestory.errors import WeightsError

PARTS = ("people", "appearance", "language")
"""Sub-folders of a folder of encoders."""
FEWEST_SHARE = 24 / 2880
"""Anybody who covers less of a frame is taken for a mistake."""
BATCH = 16
"""Pictures that are read at once."""
SURE_OF_PERSON = 0.5
"""Score from which on an instance counts as found."""


class Encoders(Protocol):
    """Whoever can look at a take. Equal inputs give equal outputs on one machine."""

    @property
    def fingerprint(self) -> Digest:
        """Names the models by their content; verdicts cite it."""

    def people(self, frames_NHW3: NDArray[np.uint8]) -> list[NDArray[np.bool_]]:
        """Find people: one `P H W` for every frame, from left to right; P may be 0."""

    def appearance(self, pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Describe what pictures (`H W 3`, of any sizes) look like: `N D`, of length 1."""

    def pictures(self, frames_NHW3: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Describe what frames mean: `N D`, of length 1."""

    def captions(self, captions: Sequence[str]) -> NDArray[np.float32]:
        """Describe what captions mean: `N D`, of length 1, comparable with `pictures`."""


class FolderEncoders:
    """Encoders from a local folder, loaded with the stock classes of `transformers`."""

    def __init__(self, folder: Path) -> None:
        """
        Load all three models.

        Args:
            folder: With the sub-folders `PARTS`.

        Raises:
            WeightsError: If one is missing, or its weights do not fit its config.
        """
        from transformers import (
            AutoConfig,
            AutoModel,
            AutoModelForSemanticSegmentation,
            AutoModelForUniversalSegmentation,
            AutoTokenizer,
        )
        from transformers.models.auto.modeling_auto import (
            MODEL_FOR_UNIVERSAL_SEGMENTATION_MAPPING,
        )

        for part in PARTS:
            if not (folder / part / "config.json").is_file():
                raise WeightsError(f"there is no encoder at {folder / part}", hint=HINT)
        config = _read(AutoConfig, folder / "people")
        self._is_universal = type(config) in MODEL_FOR_UNIVERSAL_SEGMENTATION_MAPPING
        segmenter = (
            AutoModelForUniversalSegmentation
            if self._is_universal
            else AutoModelForSemanticSegmentation
        )
        self._segmenter = _load(segmenter, folder / "people")
        self._looks = _load(AutoModel, folder / "appearance")
        self._language = _load(AutoModel, folder / "language")
        self._tokenizer = _read(AutoTokenizer, folder / "language")
        self._shown = {part: read_preprocessing(folder / part) for part in PARTS}
        self._labels = person_labels(config.id2label)
        if not self._labels:
            raise WeightsError(f"{folder / 'people'} has no label with 'person' in it", hint=HINT)
        self._instances: Any = None
        if self._is_universal:
            from transformers import AutoImageProcessor

            self._instances = _read(AutoImageProcessor, folder / "people")
        self._fingerprint = fingerprint_of(folder)

    @property
    def fingerprint(self) -> Digest:
        """Names the models by the content of their files."""
        return self._fingerprint

    @torch.inference_mode()
    def people(self, frames_NHW3: NDArray[np.uint8]) -> list[NDArray[np.bool_]]:
        """
        Find people.

        Args:
            frames_NHW3: Frames of one size.

        Returns:
            One `P H W` for every frame, from left to right. Nobody who covers less than
            `FEWEST_SHARE` of the frame is among them.

        Raises:
            ValueError: If these are no frames.
        """
        check_frames(frames_NHW3)
        height, width = frames_NHW3.shape[1:3]
        shown = self._shown["people"]
        found: list[NDArray[np.bool_]] = []
        for start in range(0, len(frames_NHW3), BATCH):
            pixels_NCHW = resized(frames_NHW3[start : start + BATCH], shown.size_of(height, width))
            with _halved():
                seen = self._segmenter(pixel_values=shown.normalised(pixels_NCHW))
            masks = (
                self._instance_masks(seen, (height, width))
                if self._is_universal
                else self._semantic_masks(seen.logits.float(), (height, width))
            )
            found += [left_to_right(masks_PHW) for masks_PHW in masks]
        return found

    def _semantic_masks(
        self, logits_NKHW: torch.Tensor, size: tuple[int, int]
    ) -> list[NDArray[np.bool_]]:
        label_NHW = semantic_labels(logits_NKHW, size)
        labels_P = torch.tensor(self._labels)
        masks_NPHW = label_NHW[:, None] == labels_P[:, None, None]
        return list(masks_NPHW.numpy())

    def _instance_masks(self, seen: Any, size: tuple[int, int]) -> list[NDArray[np.bool_]]:
        seen.class_queries_logits = seen.class_queries_logits.float()
        seen.masks_queries_logits = seen.masks_queries_logits.float()
        read = self._instances.post_process_instance_segmentation(
            seen,
            threshold=SURE_OF_PERSON,
            target_sizes=[size] * len(seen.class_queries_logits),
        )
        return [
            _stacked(
                [
                    (one["segmentation"] == segment["id"]).numpy()
                    for segment in one["segments_info"]
                    if segment["label_id"] in self._labels
                ],
                size,
            )
            for one in read
        ]

    @torch.inference_mode()
    def appearance(self, pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """
        Describe what pictures look like.

        Args:
            pictures: `H W 3`, each of any size; letterboxed to the model's shape.

        Returns:
            Pooled CLS features, `N D`, of length 1.

        Raises:
            ValueError: If one is no picture.
        """
        shown = self._shown["appearance"]
        read = []
        for start in range(0, len(pictures), BATCH):
            pixels_NCHW = prepared(pictures[start : start + BATCH], shown)
            with _halved():
                seen_ND = self._looks(pixel_values=pixels_NCHW).pooler_output
            read.append(_unit(seen_ND))
        config = self._looks.config
        sizes = getattr(config, "hidden_sizes", None) or [config.hidden_size]
        return _together(read, int(sizes[-1]))

    @torch.inference_mode()
    def pictures(self, frames_NHW3: NDArray[np.uint8]) -> NDArray[np.float32]:
        """
        Describe what frames mean.

        Args:
            frames_NHW3: Frames of one size; letterboxed to the model's shape.

        Returns:
            Image features, `N D`, of length 1.

        Raises:
            ValueError: If these are no frames.
        """
        check_frames(frames_NHW3)
        read = []
        for start in range(0, len(frames_NHW3), BATCH):
            pixels_NCHW = prepared(frames_NHW3[start : start + BATCH], self._shown["language"])
            with _halved():
                seen = self._language.get_image_features(
                    pixel_values=pixels_NCHW, interpolate_pos_encoding=True
                )
            read.append(_unit(_pooled(seen)))
        return _together(read, 0)

    @torch.inference_mode()
    def captions(self, captions: Sequence[str]) -> NDArray[np.float32]:
        """
        Describe what captions mean.

        Args:
            captions: Any number of them; cut where the model stops reading.

        Returns:
            Text features, `N D`, of length 1.
        """
        read = []
        for start in range(0, len(captions), BATCH):
            tokens = tokenized(self._tokenizer, captions[start : start + BATCH], self._language)
            with _halved():
                meant = self._language.get_text_features(**tokens)
            read.append(_unit(_pooled(meant)))
        return _together(read, 0)


@lru_cache(maxsize=2)
def shared_encoders(folder: Path) -> FolderEncoders:
    """
    Load the encoders of a folder once per process.

    Args:
        folder: See `FolderEncoders`.

    Raises:
        WeightsError: If they are missing or do not fit.
    """
    return FolderEncoders(folder)


def fingerprint_of(folder: Path) -> Digest:
    """Name a folder of encoders by the names and contents of its files, wherever it lies."""
    return digest_of_json(
        {
            str(path.relative_to(folder)): digest_of(path.read_bytes())
            for part in PARTS
            for path in sorted((folder / part).rglob("*"))
            if path.is_file()
        }
    )


def person_labels(id2label: dict[int, str]) -> list[int]:
    """Find the labels of people, in the order of their names."""
    people = {label: name for label, name in id2label.items() if "person" in name.lower()}
    return sorted(people, key=lambda label: people[label])


def semantic_labels(logits_NKHW: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Choose the likeliest label of every pixel, at another size: `N H W`."""
    larger = nn.functional.interpolate(logits_NKHW, size=size, mode="bilinear", align_corners=False)
    return larger.argmax(1)


def left_to_right(masks_PHW: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Order people by the mean column of what is seen of them, and leave out specks."""
    large = [mask_HW for mask_HW in masks_PHW if mask_HW.mean() >= FEWEST_SHARE]
    large.sort(key=lambda mask_HW: float(np.nonzero(mask_HW)[1].mean()))
    return _stacked(large, masks_PHW.shape[1:])


def _stacked(masks: list[NDArray[np.bool_]], size: tuple[int, ...]) -> NDArray[np.bool_]:
    return np.stack(masks) if masks else np.zeros((0, *size), np.bool_)


def _halved() -> torch.autocast:
    """Matrices in bfloat16: half the time on a CPU that multiplies it."""
    return torch.autocast("cpu", torch.bfloat16)


def _pooled(seen: Any) -> torch.Tensor:
    """Features, bare (before transformers 5) or as the pooled output."""
    pooled_ND: torch.Tensor = seen if isinstance(seen, torch.Tensor) else seen.pooler_output
    return pooled_ND


def _unit(seen_ND: torch.Tensor) -> NDArray[np.float32]:
    unit_ND: NDArray[np.float32] = nn.functional.normalize(seen_ND.float(), dim=1).numpy()
    return unit_ND


def _together(read: list[NDArray[np.float32]], width: int) -> NDArray[np.float32]:
    return np.concatenate(read) if read else np.zeros((0, width), np.float32)


def _read(kind: Any, folder: Path) -> Any:
    try:
        return kind.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise WeightsError(f"{folder} cannot be read: {error}", hint=HINT) from error


def _load(kind: Any, folder: Path) -> Any:
    try:
        model, report = kind.from_pretrained(
            folder,
            local_files_only=True,
            use_safetensors=True,
            dtype=torch.float32,
            output_loading_info=True,
        )
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise WeightsError(f"{folder} cannot be loaded: {error}", hint=HINT) from error
    wrong = sorted(map(str, [*report["missing_keys"], *report["mismatched_keys"]]))
    if wrong:
        raise WeightsError(
            f"{folder} does not fit its config: {len(wrong)} tensors, first {wrong[0]!r}",
            hint=HINT,
        )
    return model.eval()
