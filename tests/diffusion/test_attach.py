"""What holds for every way to attach a memory: nothing breaks, nothing stays behind."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import pytest
import torch
from diffusers import FirstBlockCacheConfig
from diffusers.models._modeling_parallel import ContextParallelConfig, ParallelConfig
from torch import Tensor
from torch._dynamo.testing import CompileCounterWithBackend

from onestory.diffusion.inject import joint
from onestory.diffusion.kv import cached, prefill
from onestory.errors import RenderError


def traces(model: Any) -> list[Any]:
    """Everything that an attachment could leave on a model."""
    found: list[Any] = [model._gradient_checkpointing_func]
    for name, module in model.named_modules():
        found.append((name, sorted(set(vars(module)) - {"_is_hf_initialized"})))
        found.extend(module._forward_hooks.values())
        found.extend(module._forward_pre_hooks.values())
        found.append(vars(module).get("processor"))
    return found


def weight_gradients(model: Any) -> dict[str, Tensor]:
    """Every gradient by its name."""
    return {name: w.grad.clone() for name, w in model.named_parameters() if w.grad is not None}


@torch.no_grad()
def test_the_model_is_as_before(wan: Any, attach: Any, places: Callable[..., Tensor]) -> None:
    """Weights keep their names with a memory attached; afterwards nothing of it is left."""
    stock, before, names = wan(), traces(wan.model), list(wan.model.state_dict())
    with attach(wan.model, wan.tokens(wan.remembered(1)), places(1, start=-5)):
        assert (wan() - stock).abs().max() > 0.01
        assert list(wan.model.state_dict()) == names
    assert traces(wan.model) == before
    assert torch.equal(wan(), stock)


@pytest.mark.parametrize("failure", ["in the loop", "in the model"])
@torch.no_grad()
def test_a_failure_leaves_nothing_behind(
    t2v: Any, attach: Any, failure: str, places: Callable[..., Tensor]
) -> None:
    """After an exception the model is the stock one, and can take a memory again."""
    stock, before = t2v(), traces(t2v.model)
    memory = (t2v.tokens(t2v.remembered(1)), places(1, start=-5))
    unreadable = replace(t2v, text=torch.zeros(2, 7, 99))

    def shoot() -> None:
        with attach(t2v.model, *memory):
            if failure == "in the model":
                unreadable()
            raise RuntimeError("the light fell")

    words = {"in the loop": "the light fell", "in the model": "shapes cannot be multiplied"}
    with pytest.raises(RuntimeError, match=words[failure]):
        shoot()
    assert traces(t2v.model) == before
    assert torch.equal(t2v(), stock)
    with attach(t2v.model, *memory):
        assert not torch.equal(t2v(), stock)


@torch.no_grad()
def test_a_second_memory_is_refused(t2v: Any, attach: Any, places: Callable[..., Tensor]) -> None:
    """Whatever is attached already, another memory is refused, and the first stays."""
    memory = (t2v.tokens(t2v.remembered(1)), places(1, start=-5))
    cache = prefill(t2v.model, *memory)
    with attach(t2v.model, *memory):
        alone = t2v()
        for second in (joint(t2v.model, *memory), cached(t2v.model, cache)):
            with pytest.raises(RenderError, match="one memory at a time"), second:
                pass
        assert torch.equal(t2v(), alone)


@torch.no_grad()
def test_two_experts_may_see_a_memory_each(
    t2v: Any, attach: Any, places: Callable[..., Tensor]
) -> None:
    """The refusal is about one model: both experts of Wan2.2-A14B have memories at once."""
    memory = (t2v.tokens(t2v.remembered(1)), places(1, start=-5))
    other = type(t2v.model).from_config(t2v.model.config)
    with attach(t2v.model, *memory), attach(other, *memory):
        t2v()
        t2v(other)


def test_kept_keys_of_context_parallel_are_refused(
    t2v: Any, places: Callable[..., Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model whose tokens are spread over devices says that it reads no keys beside its own."""
    memory, positions = t2v.tokens(t2v.remembered(1)), places(1, start=-5)
    cache = prefill(t2v.model, memory, positions)
    spread = ParallelConfig(context_parallel_config=ContextParallelConfig(ring_degree=2))
    monkeypatch.setattr(t2v.model, "_parallel_config", spread)

    with pytest.raises(RenderError, match="only joint attends to a memory with a context-parallel"):
        cached(t2v.model, cache).__enter__()
    with pytest.raises(RenderError, match="only joint attends to a memory with a context-parallel"):
        prefill(t2v.model, memory, positions)


@pytest.mark.parametrize(
    ("tokens", "positions", "words"),
    [
        ((2, 5, 23), (5, 3), r"must be \(B, L, 24\), got \(2, 5, 23\)"),
        ((5, 24), (5, 3), r"must be \(B, L, 24\), got \(5, 24\)"),
        ((2, 5, 24), (4, 3), "5 tokens and 4 positions"),
        ((2, 5, 24), (3, 5, 3), "for 3 samples and tokens for 2"),
        ((2, 5, 24), (5, 2), r"must be \(L, 3\)"),
    ],
)
def test_tokens_must_fit(
    t2v: Any, attach: Any, tokens: tuple[int, ...], positions: tuple[int, ...], words: str
) -> None:
    """Tokens that do not fit the model or their places are refused with both sizes."""
    with pytest.raises(ValueError, match=words):
        attach(t2v.model, torch.zeros(tokens), torch.zeros(positions)).__enter__()


@torch.no_grad()
def test_a_memory_of_the_wrong_batch_is_refused(
    t2v: Any, attach: Any, places: Callable[..., Tensor]
) -> None:
    """Three memories for two shots are refused when the shots are made."""
    tokens = t2v.tokens(t2v.remembered(1, batch=3))
    words = "memory of 3 samples cannot serve a batch of 2"
    with attach(t2v.model, tokens, places(1, start=-5)), pytest.raises(ValueError, match=words):
        t2v()


@torch.no_grad()
def test_one_memory_serves_a_batch(wan: Any, attach: Any, places: Callable[..., Tensor]) -> None:
    """One sample of memory is shown to all samples, each of which sees it as if alone."""
    tokens = wan.tokens(wan.remembered(1, batch=1))
    with attach(wan.model, tokens, places(1, start=-5)):
        together = wan()
        alone = torch.cat([wan.with_sample(index)() for index in range(2)])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=0)


@torch.no_grad()
def test_samples_remember_at_places_of_their_own(
    t2v: Any, attach: Any, places: Callable[..., Tensor]
) -> None:
    """In a training batch every sample has its own memory at its own places."""
    tokens = t2v.tokens(t2v.remembered(1))
    apart = torch.stack([places(1, start=-5), places(1, start=-20.5)])
    with attach(t2v.model, tokens, apart):
        together = t2v()
    for index in range(2):
        with attach(t2v.model, tokens[index : index + 1], apart[index]):
            alone = t2v.with_sample(index)()
        torch.testing.assert_close(together[index : index + 1], alone, atol=1e-5, rtol=0)


def test_gradients_reach_memory_and_weights(
    wan: Any, attach: Any, places: Callable[..., Tensor]
) -> None:
    """A backward pass after the context finds its way, the same with checkpointing on."""
    found = []
    tokens = wan.tokens(wan.remembered(1)).detach().requires_grad_()
    for checkpointing in (False, True):
        if checkpointing:
            wan.model.enable_gradient_checkpointing()
        tokens.grad = None
        wan.model.zero_grad()
        with attach(wan.model, tokens, places(1, start=-5)):
            shot = wan()
        shot.square().mean().backward()
        assert tokens.grad is not None
        found.append((tokens.grad.clone(), weight_gradients(wan.model)))

    (plain, plain_weights), (thrifty, thrifty_weights) = found
    assert (plain.abs().sum(dim=-1) > 0).all()
    torch.testing.assert_close(thrifty, plain, atol=1e-7, rtol=1e-4)
    assert plain_weights.keys() == thrifty_weights.keys() >= {"blocks.0.attn1.to_k.weight"}
    for name, gradient in plain_weights.items():
        torch.testing.assert_close(thrifty_weights[name], gradient, atol=1e-7, rtol=1e-4)


@pytest.mark.parametrize("checkpointing", [False, True])
def test_half_precision_trains(
    t2v: Any, attach: Any, checkpointing: bool, places: Callable[..., Tensor]
) -> None:
    """Under bf16 autocast the shot and the gradient are those of fp32, give or take its digits."""
    tokens = t2v.tokens(t2v.remembered(1)).detach().requires_grad_()
    if checkpointing:
        t2v.model.enable_gradient_checkpointing()
    found = []
    for context in (nullcontext(), torch.autocast("cpu", torch.bfloat16)):
        tokens.grad = None
        with context, attach(t2v.model, tokens, places(1, start=-5)):
            shot = t2v()
        shot.float().square().mean().backward()
        assert tokens.grad is not None
        found.append((shot.detach().float(), tokens.grad.clone()))
    (fine, fine_gradient), (coarse, coarse_gradient) = found
    assert (fine - coarse).abs().max() < 0.03
    likeness = torch.cosine_similarity(fine_gradient.flatten(), coarse_gradient.flatten(), dim=0)
    assert likeness > 0.98


@torch.no_grad()
def test_a_half_precision_model_takes_any_tokens(
    t2v: Any, attach: Any, places: Callable[..., Tensor]
) -> None:
    """A bf16 model takes fp32 tokens and answers in bf16."""
    tokens = t2v.tokens(t2v.remembered(1))
    t2v.model.to(torch.bfloat16)
    half = replace(t2v, latent=t2v.latent.bfloat16(), text=t2v.text.bfloat16())
    stock = half()
    with attach(t2v.model, tokens, places(1, start=-5)):
        shot = half()
    assert shot.dtype == torch.bfloat16
    assert not torch.equal(shot, stock)


@torch.no_grad()
def test_step_caches_forget_an_other_memory(
    t2v: Any, attach: Any, places: Callable[..., Tensor]
) -> None:
    """A first-block cache is used within a shot, and starts afresh with the next memory."""
    memories = [
        (t2v.tokens(t2v.remembered(frames)), places(frames, start=-5)) for frames in (1, 1, 2)
    ]
    expected = []
    for memory in memories:
        with attach(t2v.model, *memory):
            expected.append(t2v())
    stock = t2v()

    # Any step after the first counts as a repetition of it.
    t2v.model.enable_cache(FirstBlockCacheConfig(threshold=1e9))
    later = replace(t2v, latent=t2v.latent + 0.5)
    with t2v.model.cache_context("cond"):
        assert torch.equal(t2v(), stock)
    for memory, shot in zip(memories, expected, strict=True):
        with attach(t2v.model, *memory), t2v.model.cache_context("cond"):
            assert torch.equal(t2v(), shot)
            skipped = later()
            assert not torch.equal(skipped, shot)
    with t2v.model.cache_context("cond"):
        assert torch.equal(t2v(), stock)
    t2v.model.disable_cache()
    with attach(t2v.model, *memories[-1]):
        assert not torch.equal(later(), skipped)


@torch.no_grad()
def test_a_compiled_model_sees_every_memory(
    t2v: Any, attach: Any, places: Callable[..., Tensor]
) -> None:
    """Compiled before any memory, a model sees each as the eager one does, with one more graph."""
    torch.compiler.reset()
    counter = CompileCounterWithBackend("aot_eager")
    compiled = torch.compile(t2v.model, backend=counter)
    stock = t2v()
    assert torch.equal(t2v(compiled), stock)
    for start in (-5, -6):
        memory = (t2v.tokens(t2v.remembered(1)), places(1, start=start))
        with attach(t2v.model, *memory):
            eager = t2v()
        with attach(compiled, *memory):
            assert torch.equal(t2v(compiled), eager)
        assert not torch.equal(eager, stock)
    assert torch.equal(t2v(compiled), stock)
    assert counter.frame_count == 2
