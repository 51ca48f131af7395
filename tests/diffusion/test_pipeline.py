"""A stock pipeline around a transformer that remembers."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from diffusers import AutoencoderKLWan, UniPCMultistepScheduler, WanPipeline
from tokenizers import Tokenizer, models, pre_tokenizers
from torch import Tensor
from transformers import PreTrainedTokenizerFast, UMT5Config, UMT5EncoderModel

WORDS = ["<pad>", "<eos>", "<unk>", "a", "woman", "in", "red", "rides", "the", "last", "train"]


def pipeline(transformer: Any, *, expand_timesteps: bool) -> Any:
    """A whole Wan pipeline, every part of it random and as small as can be."""
    vocabulary = Tokenizer(
        models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="<unk>")
    )
    vocabulary.pre_tokenizer = pre_tokenizers.Whitespace()
    torch.manual_seed(3)
    built = WanPipeline(
        tokenizer=PreTrainedTokenizerFast(
            tokenizer_object=vocabulary, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>"
        ),
        text_encoder=UMT5EncoderModel(
            UMT5Config(
                vocab_size=len(WORDS), d_model=10, d_kv=5, d_ff=12, num_layers=1, num_heads=2
            )
        ).eval(),
        transformer=transformer,
        vae=AutoencoderKLWan(
            base_dim=3,
            z_dim=16,
            dim_mult=[1, 1, 1, 1],
            num_res_blocks=1,
            temperal_downsample=[False, True, True],
        ).eval(),
        scheduler=UniPCMultistepScheduler(
            prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0
        ),
        expand_timesteps=expand_timesteps,
    )
    built.set_progress_bar_config(disable=True)
    return built


@pytest.mark.parametrize("expand_timesteps", [False, True], ids=["t2v", "ti2v"])
def test_a_stock_pipeline_films_with_memory(
    t2v: Any, attach: Any, expand_timesteps: bool, places: Callable[..., Tensor]
) -> None:
    """With guidance and nothing told, a pipeline films differently while a memory is attached."""
    studio = pipeline(t2v.model, expand_timesteps=expand_timesteps)

    def film() -> Tensor:
        frames: Tensor = studio(
            "a woman rides the last train",
            negative_prompt="red",
            height=16,
            width=32,
            num_frames=5,
            num_inference_steps=2,
            guidance_scale=4.0,
            max_sequence_length=8,
            generator=torch.Generator().manual_seed(1),
            output_type="pt",
        ).frames
        return frames

    stock = film()
    with torch.no_grad():
        tokens = t2v.tokens(t2v.remembered(1, batch=1))
        with attach(t2v.model, tokens, places(1, start=-5)):
            remembered = film()
    assert remembered.shape == stock.shape == (1, 5, 3, 16, 32)
    assert (remembered - stock).abs().max() > 1e-4
    assert torch.equal(film(), stock)
