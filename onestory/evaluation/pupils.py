"""
Who goes to school? Three small models of stock classes, and heads that are left behind.

    UperNet ─┬─ people/        DINOv3 ─┬─ appearance/                   CLIP ── language/
             └─ parts (not)            └─ looks, place, light (not written)

The first two stand on ConvNeXt: from nothing, on this little data, convolutions learn what
transformers do not (Segformer and DINOv2 were tried).

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
    ConvNextConfig,
    DINOv3ConvNextConfig,
    DINOv3ConvNextModel,
    PreTrainedTokenizerFast,
    UperNetConfig,
    UperNetForSemanticSegmentation,
)

from onestory.continuity.preparing import Preprocessing
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
    widths: tuple[int, int, int, int] = (32, 64, 96, 128)
    """Channels of the segmenter's four stages."""
    depths: tuple[int, int, int, int] = (1, 1, 2, 1)
    pyramid: int = 48
    """Channels of the segmenter's head."""
    looked_at: tuple[int, int] = (160, 96)
    """Height and width of people and places that are looked at."""
    appearance: tuple[int, int, int, int] = (48, 96, 160, 224)
    """Channels of the stages; the last is the width of an embedding."""
    appearance_layers: tuple[int, int, int, int] = (1, 1, 2, 1)
    picture: tuple[int, int] = (96, 56)
    """Height and width of frames that captions are compared with."""
    patch: int = 8
    language: int = 160
    language_layers: int = 4
    caption_layers: int = 3
    projection: int = 96
    words: int = 2048
    """Pieces of words that the tokenizer knows, at most."""
    caption_tokens: int = 96

    def __post_init__(self) -> None:
        """Refuse shapes that patches do not fill."""
        halved = (*self.frame, *self.looked_at)
        if any(side % self.patch for side in self.picture) or any(side % 32 for side in halved):
            raise ValueError(f"picture divides by {self.patch}, all else by 32, got {self}")


def shown_people(sizes: Sizes) -> Preprocessing:
    """What the segmenter is shown."""
    return _shown(sizes.frame)


def shown_looks(sizes: Sizes) -> Preprocessing:
    """What people and places are shown as."""
    return _shown(sizes.looked_at)


def shown_picture(sizes: Sizes) -> Preprocessing:
    """What captions are compared with."""
    return _shown(sizes.picture)


def _shown(size: tuple[int, int]) -> Preprocessing:
    half = (0.5, 0.5, 0.5)
    return Preprocessing(height=size[0], width=size[1], mean=half, std=half)


class Cells(NamedTuple):
    """What the segmenter makes of frames."""

    owners_NKHW: torch.Tensor
    """Logits: nobody, `person 1` …"""
    classes_NKHW: torch.Tensor
    """Logits of `Coverage.classes_HW`."""


class Seen(NamedTuple):
    """What DINOv3 makes of pictures."""

    pooled_ND: torch.Tensor
    """Centred: what all pictures have in common would make all of them alike."""
    patches_ND: torch.Tensor
    """Mean over patches."""


class Pupils(nn.Module):
    """The three models and the heads."""

    def __init__(self, sizes: Sizes, vocabulary: int) -> None:
        super().__init__()
        labels = {0: "nobody", **{p + 1: f"person {p + 1}" for p in range(MAX_PEOPLE)}}
        # None of them drops anything out: steps hang on their number alone.
        self.people: Any = UperNetForSemanticSegmentation(
            UperNetConfig(
                backbone_config=ConvNextConfig(  # type: ignore[call-arg]  # **kwargs of its own
                    hidden_sizes=list(sizes.widths),
                    depths=list(sizes.depths),
                    layer_scale_init_value=1.0,
                    drop_path_rate=0.0,
                    out_features=["stage1", "stage2", "stage3", "stage4"],
                ),
                hidden_size=sizes.pyramid,
                use_auxiliary_head=False,
                id2label=labels,
                label2id={name: label for label, name in labels.items()},
            )
        )
        self.appearance: Any = DINOv3ConvNextModel(
            DINOv3ConvNextConfig(
                hidden_sizes=list(sizes.appearance),
                depths=list(sizes.appearance_layers),
                layer_scale_init_value=1.0,
            )
        )
        self.centred = nn.BatchNorm1d(sizes.appearance[-1], affine=False)
        # CLIP keeps positions of a square and stretches them to what it is shown.
        square = sizes.patch * round((sizes.picture[0] * sizes.picture[1]) ** 0.5 / sizes.patch)
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
        self.parts = nn.Conv2d(sizes.pyramid, NUM_CLASSES, 1)
        self.looks = nn.Linear(sizes.appearance[-1], _answers(PERSON))
        self.place = nn.Linear(sizes.appearance[-1], _answers(OF_PLACE))
        self.light = nn.Linear(sizes.appearance[-1], _answers(OF_LIGHT))

    def segment(self, pixels_NCHW: torch.Tensor) -> Cells:
        """Look for people, and for the parts of everything."""
        read: list[torch.Tensor] = []
        last = self.people.decode_head.classifier
        hook = last.register_forward_pre_hook(lambda _, features: read.append(features[0]))
        logits_NKHW = self.people(pixel_values=pixels_NCHW).logits
        hook.remove()
        return Cells(logits_NKHW.float(), self.parts(read[0]).float())

    def see(self, pixels_NCHW: torch.Tensor) -> Seen:
        """Look at people or places."""
        seen = self.appearance(pixel_values=pixels_NCHW)
        return Seen(
            self.centred(seen.pooler_output.float()),
            seen.last_hidden_state[:, 1:].float().mean(1),
        )

    def kernels(self) -> Iterator[nn.Parameter]:
        """Give the matrices and kernels of the convolutional models: what Muon moves."""
        for model in (self.people, self.appearance):
            for one in model.parameters():
                # A kernel of one channel is no matrix between channels.
                is_deep = one.ndim == 4 and one.shape[1] == 1
                if one.ndim >= 2 and not is_deep and min(one.flatten(1).shape) >= 16:
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
        ("appearance", "DINOv3ViTImageProcessorFast", shown_looks(sizes)),
        ("language", "CLIPImageProcessor", shown_picture(sizes)),
    ):
        model = copy.deepcopy(getattr(pupils, part))
        if part == "appearance":
            _centre(model.layer_norm, pupils.centred)
        model = model.half()
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


@torch.no_grad()
def _centre(last: nn.LayerNorm, centred: nn.BatchNorm1d) -> None:
    """Let the model's own last scale and shift do what stands behind it in school."""
    assert centred.running_mean is not None
    assert centred.running_var is not None
    scale_D = (centred.running_var + centred.eps).rsqrt()
    last.weight.mul_(scale_D)
    last.bias.sub_(centred.running_mean).mul_(scale_D)
