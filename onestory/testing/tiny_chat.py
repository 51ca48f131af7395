"""
What is the smallest chat model that can say anything? One with random weights, a byte a token.

It is read and asked as any other, so that a test sees what holds an answer together when nothing in
the model does.
"""

from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

# It does not type how it is made.
_Fast: Any = PreTrainedTokenizerFast

TEMPLATE = "{% for m in messages %}{{ m['role'] }} : {{ m['content'] }} {% endfor %}"
"""A conversation as text."""
SPARE_TOKENS = 7
"""How many more tokens the model scores than its tokenizer has, as models out in the world do."""


def byte_tokenizer(template: str | None = TEMPLATE) -> PreTrainedTokenizerFast:
    """
    Make a tokenizer that knows an end and every byte.

    Args:
        template: How it writes a conversation; None: it knows none.
    """
    signs = ["</s>", *sorted(pre_tokenizers.ByteLevel.alphabet())]
    whole = Tokenizer(models.BPE({sign: number for number, sign in enumerate(signs)}, []))
    whole.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    whole.decoder = decoders.ByteLevel()
    fast: PreTrainedTokenizerFast = _Fast(
        tokenizer_object=whole, eos_token="</s>", pad_token="</s>"
    )
    fast.chat_template = template
    return fast


def tiny_chat(folder: Path, *, seed: int = 0, template: str | None = TEMPLATE) -> Path:
    """
    Write a chat model that was never trained.

    Args:
        folder: Where to.
        seed: Of its weights.
        template: As for `byte_tokenizer`.

    Returns:
        The folder.
    """
    tokenizer = byte_tokenizer(template)
    tokenizer.save_pretrained(folder)
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer) + SPARE_TOKENS,
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=16384,
        bos_token_id=None,
        eos_token_id=None,
        # So wide that it says many things, and not one word again and again.
        initializer_range=1.0,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder
