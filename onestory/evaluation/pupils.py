"""
Who goes to school? Three small models of stock classes, and heads that are left behind.

    Segformer ─┬─ people/        DINOv2 ─┬─ appearance/                   CLIP ── language/
               └─ parts (not)            └─ looks, place, light (not written)

Shape suffixes, for this module only:
    N  pictures    C  channels    H, W  pixels    D  features    K  classes
"""

import copy
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from tokenizers import (
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from torch import nn
from transformers import (
    CLIPConfig,
    CLIPModel,
    Dinov2Config,
    Dinov2Model,
    PreTrainedTokenizerFast,
    SegformerConfig,
    SegformerForSemanticSegmentation,
)

from onestory.continuity.encoders import Preprocessing
from onestory.evaluation.coverage import MAX_PEOPLE, NUM_CLASSES
from onestory.storyworld.attributes import PERSON, SCENE, Attribute

BEGIN, END = "<|startoftext|>", "<|endoftext|>"
LIGHTS = ("light", "weather")
"""What of a scene is no part of a place: read off patches, kept out of its embedding."""
OF_PLACE = tuple(one for one in SCENE if one.name not in LIGHTS)
OF_LIGHT = tuple(one for one in SCENE if one.name in LIGHTS)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sizes:
    """How large the models are; heights and widths are in pixels."""

    frame: tuple[int, int] = (288, 160)
    """Height and width of what the segmenter is shown."""
    widths: tuple[int, int, int, int] = (32, 48, 96, 128)
    """Channels of the segmenter's four stages."""
    depths: tuple[int, int, int, int] = (1, 1, 2, 2)
    picture: tuple[int, int] = (96, 56)
    """Height and width of what the others are shown."""
    patch: int = 8
    appearance: int = 192
    appearance_layers: int = 5
    language: int = 160
    language_layers: int = 4
    caption_layers: int = 3
    projection: int = 96
    words: int = 2048
    """Pieces of words that the tokenizer knows, at most."""
    caption_tokens: int = 96

    def __post_init__(self) -> None:
        """Refuse shapes that patches do not fill."""
        if any(side % self.patch for side in self.picture) or any(s % 32 for s in self.frame):
            raise ValueError(f"picture divides by {self.patch} and frame by 32, got {self}")


def shown_people(sizes: Sizes) -> Preprocessing:
    """What the segmenter is shown."""
    return _shown(sizes.frame)


def shown_picture(sizes: Sizes) -> Preprocessing:
    """What the other two are shown."""
    return _shown(sizes.picture)


def _shown(size: tuple[int, int]) -> Preprocessing:
    half = (0.5, 0.5, 0.5)
    return Preprocessing(height=size[0], width=size[1], mean=half, std=half)


class Cells(NamedTuple):
    """What Segformer makes of frames."""

    owners_NKHW: torch.Tensor
    """Logits: nobody, `person 1` …"""
    classes_NKHW: torch.Tensor
    """Logits of `Coverage.classes_HW`."""


class Seen(NamedTuple):
    """What DINOv2 makes of pictures."""

    pooled_ND: torch.Tensor
    patches_ND: torch.Tensor
    """Mean over patches."""


class Pupils(nn.Module):
    """The three models and the heads."""

    def __init__(self, sizes: Sizes, vocabulary: int) -> None:
        super().__init__()
        heads = max(1, sizes.widths[0] // 32)
        labels = {0: "nobody", **{p + 1: f"person {p + 1}" for p in range(MAX_PEOPLE)}}
        # None of them drops anything out: steps hang on their number alone.
        self.people: Any = SegformerForSemanticSegmentation(
            SegformerConfig(
                hidden_sizes=list(sizes.widths),
                depths=list(sizes.depths),
                num_attention_heads=[heads, heads, 2 * heads, 4 * heads],
                mlp_ratios=[3, 3, 3, 3],
                decoder_hidden_size=sizes.widths[2],
                drop_path_rate=0.0,
                classifier_dropout_prob=0.0,
                id2label=labels,
                label2id={name: label for label, name in labels.items()},
            )
        )
        # DINOv2 and CLIP keep positions of a square and stretch them to what they are shown.
        square = sizes.patch * round((sizes.picture[0] * sizes.picture[1]) ** 0.5 / sizes.patch)
        self.appearance: Any = Dinov2Model(
            Dinov2Config(
                hidden_size=sizes.appearance,
                num_hidden_layers=sizes.appearance_layers,
                num_attention_heads=max(1, sizes.appearance // 64),
                mlp_ratio=3,
                image_size=square,
                patch_size=sizes.patch,
                use_mask_token=False,
            )
        )
        tower = {
            "hidden_size": sizes.language,
            "intermediate_size": 3 * sizes.language,
            "num_attention_heads": max(1, sizes.language // 40),
            "projection_dim": sizes.projection,
        }
        self.language: Any = CLIPModel(
            CLIPConfig(
                text_config={
                    **tower,
                    "num_hidden_layers": sizes.caption_layers,
                    "vocab_size": vocabulary,
                    "max_position_embeddings": sizes.caption_tokens,
                    "bos_token_id": 0,
                    "eos_token_id": 1,
                    "pad_token_id": 1,
                },
                vision_config={
                    **tower,
                    "num_hidden_layers": sizes.language_layers,
                    "image_size": square,
                    "patch_size": sizes.patch,
                },
                projection_dim=sizes.projection,
            )
        )
        self.parts = nn.Conv2d(sizes.widths[2], NUM_CLASSES, 1)
        self.looks = nn.Linear(sizes.appearance, _answers(PERSON))
        self.place = nn.Linear(sizes.appearance, _answers(OF_PLACE))
        self.light = nn.Linear(sizes.appearance, _answers(OF_LIGHT))

    def segment(self, pixels_NCHW: torch.Tensor) -> Cells:
        """Look for people, and for the parts of everything."""
        read: list[torch.Tensor] = []
        last = self.people.decode_head.dropout
        hook = last.register_forward_hook(lambda _, __, features: read.append(features))
        logits_NKHW = self.people(pixel_values=pixels_NCHW).logits
        hook.remove()
        return Cells(logits_NKHW.float(), self.parts(read[0]).float())

    def see(self, pixels_NCHW: torch.Tensor) -> Seen:
        """Look at people or places."""
        seen = self.appearance(pixel_values=pixels_NCHW)
        return Seen(seen.pooler_output.float(), seen.last_hidden_state[:, 1:].float().mean(1))

    def kernels(self) -> Iterator[nn.Parameter]:
        """Give the matrices inside the models: what Muon moves."""
        for model in (self.people, self.appearance, self.language):
            for name, one in model.named_parameters():
                is_table = "position" in name or "token" in name or "classifier" in name
                if one.ndim >= 2 and not is_table and min(one.flatten(1).shape) >= 16:
                    yield one


def _answers(attributes: Sequence[Attribute]) -> int:
    return sum(len(one.classes) for one in attributes)


def make_tokenizer(captions: Sequence[str], words: int, longest: int) -> Any:
    """
    Make a byte-level BPE tokenizer, as CLIP has one.

    Args:
        captions: What it learns pieces of words from.
        words: Pieces it knows, at most; at least 300.
        longest: Tokens of a caption, at most.

    Returns:
        A fast tokenizer that stock classes load. No text is unknown to it.
    """
    model: Any = Tokenizer(models.BPE())
    model.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    model.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    model.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=words,
        special_tokens=[BEGIN, END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    model.train_from_iterator(captions, trainer)
    model.post_processor = processors.TemplateProcessing(
        single=f"{BEGIN} $A {END}", special_tokens=[(BEGIN, 0), (END, 1)]
    )
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]  # transformers' own
        tokenizer_object=model,
        bos_token=BEGIN,
        eos_token=END,
        pad_token=END,
        model_max_length=longest,
    )


def write_encoders(pupils: Pupils, tokenizer: Any, sizes: Sizes, folder: Path) -> None:
    """
    Write what `FolderEncoders` reads.

    Args:
        pupils: Trained.
        tokenizer: Of captions.
        sizes: Of the models.
        folder: Where `people/`, `appearance/` and `language/` go.
    """
    for part, kind, shown in (
        ("people", "SegformerImageProcessor", shown_people(sizes)),
        ("appearance", "BitImageProcessor", shown_picture(sizes)),
        ("language", "CLIPImageProcessor", shown_picture(sizes)),
    ):
        model = copy.deepcopy(getattr(pupils, part)).half()
        overflown = [n for n, v in model.state_dict().items() if not bool(v.isfinite().all())]
        assert not overflown, overflown
        model.save_pretrained(folder / part)
        config = {
            "image_processor_type": kind,
            "do_resize": True,
            "size": {"height": shown.height, "width": shown.width},
            "do_center_crop": False,
            "do_rescale": True,
            "rescale_factor": 1 / 255,
            "do_normalize": True,
            "image_mean": list(shown.mean),
            "image_std": list(shown.std),
            "resample": 2,
        }
        (folder / part / "preprocessor_config.json").write_text(json.dumps(config, indent=2) + "\n")
    tokenizer.save_pretrained(folder / "language")
