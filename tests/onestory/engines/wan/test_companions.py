"""Is one shot drawn on several cards what it is on one, and does it get over what goes wrong?"""

import os
import resource
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch
from safetensors.torch import save_file

from onestory.engines.latents import unpack_latents
from onestory.engines.protocol import EarlierTake, Frame, RecalledFrame
from onestory.engines.recipe import Recipe
from onestory.engines.wan.engine import WanEngine
from onestory.errors import EngineFaultError, OrderError, OutOfMemoryError, RenderError
from onestory.testing.tiny_wan import FFN_DIM, HEAD_DIM, HEADS, Kind, write_tiny_published

FolderOf = Callable[[Kind], Path]
RecipeOf = Callable[..., Recipe]

TINY = {
    "dtype": "float32",
    "steps": 3,
    "guidance": 5.0,
    "guidance_low": 5.0,
    "stretch_frames": 5,
    "attention": "joint",
}
TOLERANCE = 1e-5
"""Largest difference of latents that may come of heads that are computed apart, in float32."""


class Watchful:
    """A control that does something at some question whether to go on."""

    has_bigger_device = False

    def __init__(self, at: int = -1, do: Callable[[], None] | None = None) -> None:
        self.at, self.do, self.asked = at, do, 0

    def progress(self, share: float) -> None:
        """Say nothing."""

    def check(self) -> None:
        """Count, and do it when its time has come."""
        self.asked += 1
        if self.do is not None and self.asked == self.at:
            self.do()


def shoot(
    engine: WanEngine, recipe: Recipe, control: Watchful | None = None, **given: Any
) -> tuple[Any, bytes]:
    """Frames and latents of a take."""
    given = {"keyframe": None, **given}
    footage = engine.render(recipe, control=control or Watchful(), **given)
    assert footage.frames is not None
    assert footage.latents is not None
    return np.stack(list(footage.frames)), footage.latents


def pids_of(engine: WanEngine) -> tuple[int, ...]:
    """Processes on other cards."""
    companions = engine.model().companions
    assert companions is not None
    return companions.pids


def are_alive(pids: tuple[int, ...]) -> list[bool]:
    """Which processes are there, and no zombies."""
    return [
        psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
        for pid in pids
    ]


def pair(folder: Path, adapter: Path | None = None) -> tuple[WanEngine, WanEngine]:
    """An engine on one card and another on two, of the same weights."""
    return tuple(  # type: ignore[return-value]
        WanEngine({**TINY, "cards": cards}, weights=folder, adapter=adapter, device="cpu")
        for cards in (1, 2)
    )


@pytest.fixture(scope="module", name="engines")
def _engines(
    folder_of: FolderOf, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[WanEngine, WanEngine]]:
    """Wan2.2-T2V-A14B, two experts with an adapter, on one card and on two."""
    adapter = tmp_path_factory.mktemp("adapter") / "adapter.safetensors"
    lots = torch.Generator().manual_seed(2)
    halves = {"lora_down": (3, HEADS * HEAD_DIM), "lora_up": (FFN_DIM, 3)}
    save_file(
        {
            f"diffusion_model.blocks.0.ffn.0.{half}.weight": torch.randn(size, generator=lots)
            for half, size in halves.items()
        },
        adapter,
    )
    alone, both = pair(folder_of("a14b"), adapter)
    yield alone, both
    both.close()


@pytest.fixture(name="remembered")
def _remembered(
    recipe_of: RecipeOf, filmed: Callable[..., EarlierTake]
) -> Callable[[WanEngine], list[RecalledFrame]]:
    """What a shot remembers of a take that an engine made."""

    def recall(engine: WanEngine) -> list[RecalledFrame]:
        earlier = recipe_of(engine, seed=8)
        latents = shoot(engine, earlier)[1]
        latents_FChw = unpack_latents(latents)
        return [
            RecalledFrame(source=one, latent_CHW=latents_FChw[one.frame_index])
            for one in engine.recall(recipe_of(engine), [filmed(earlier, latents)])
        ]

    return recall


@pytest.mark.slow
def test_two_cards_draw_the_take_of_one(
    engines: tuple[WanEngine, WanEngine],
    recipe_of: RecipeOf,
    remembered: Callable[[WanEngine], list[RecalledFrame]],
) -> None:
    """To the bit without a memory, before and after one; with it, but for rounding."""
    alone, both = engines
    memory = remembered(alone)
    assert memory
    expected, with_memory = (
        shoot(alone, recipe_of(alone), memory=frames) for frames in ((), memory)
    )

    drawn = [shoot(both, recipe_of(both), memory=frames) for frames in ((), memory, ())]

    for frames, latents in (drawn[0], drawn[2]):
        assert latents == expected[1]
        assert np.array_equal(frames, expected[0])
    own, theirs = unpack_latents(drawn[1][1]), unpack_latents(with_memory[1])
    assert np.abs(own - theirs).max() < TOLERANCE
    assert np.abs(theirs - unpack_latents(expected[1])).max() > 0.001
    assert are_alive(pids_of(both)) == [True]


@pytest.mark.slow
def test_a_take_that_is_cancelled_leaves_everybody_there(
    engines: tuple[WanEngine, WanEngine], recipe_of: RecipeOf
) -> None:
    """Between two steps; the same processes film the next take."""
    alone, both = engines
    shoot(both, recipe_of(both))
    before = pids_of(both)

    def stop() -> None:
        raise EngineFaultError("the take was cancelled before it was finished")

    control = Watchful(3, stop)
    with pytest.raises(EngineFaultError, match="was cancelled"):
        shoot(both, recipe_of(both), control)

    assert control.asked == 3
    assert shoot(both, recipe_of(both))[1] == shoot(alone, recipe_of(alone))[1]
    assert pids_of(both) == before


@pytest.mark.slow
def test_companions_end_with_their_engine(
    engines: tuple[WanEngine, WanEngine], recipe_of: RecipeOf
) -> None:
    """However that ends, since its end of the pipe is closed; whoever is gone is replaced."""
    alone, both = engines
    shoot(both, recipe_of(both))
    companions = both.model().companions
    assert companions is not None
    before = pids_of(both)
    (process,) = companions._troupe.processes
    assert process.stdin is not None

    process.stdin.close()
    process.wait(timeout=120)

    assert shoot(both, recipe_of(both))[1] == shoot(alone, recipe_of(alone))[1]
    assert pids_of(both) != before


@pytest.mark.slow
def test_a_companion_that_is_killed_fails_the_take_at_once(
    engines: tuple[WanEngine, WanEngine], recipe_of: RecipeOf
) -> None:
    """In the middle of a shot, with what happened; the next take is filmed by a new one."""
    alone, both = engines
    shoot(both, recipe_of(both))
    before = pids_of(both)
    started = 0.0

    def kill() -> None:
        nonlocal started
        os.kill(before[0], signal.SIGKILL)
        started = time.monotonic()

    with pytest.raises(EngineFaultError, match="on card 1 was ended by signal 9") as caught:
        shoot(both, recipe_of(both), Watchful(3, kill))
    # Whoever waits for a share that will not come waits for minutes.
    assert time.monotonic() - started < 120
    assert caught.value.retryable

    assert shoot(both, recipe_of(both))[1] == shoot(alone, recipe_of(alone))[1]
    assert pids_of(both) != before


@pytest.mark.slow
def test_companions_do_not_wait_for_a_first_card_that_fails(
    engines: tuple[WanEngine, WanEngine], recipe_of: RecipeOf
) -> None:
    """In the middle of a call they are left with a share that never comes, and are ended."""
    _, both = engines
    shoot(both, recipe_of(both))
    before = pids_of(both)

    def run_out(*_: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    hook = both.model().transformers[1].blocks[1].ffn.register_forward_hook(run_out)
    try:
        with pytest.raises(OutOfMemoryError, match="the device has too little memory: CUDA"):
            shoot(both, recipe_of(both))
    finally:
        hook.remove()

    assert are_alive(before) == [False]


@pytest.mark.slow
def test_a_card_without_memory_says_so(
    engines: tuple[WanEngine, WanEngine], recipe_of: RecipeOf
) -> None:
    """The error names the card, and is the one that no retry follows."""
    _, both = engines
    shoot(both, recipe_of(both))
    (pid,) = pids_of(both)
    limit = (psutil.Process(pid).memory_info().vms, resource.RLIM_INFINITY)
    resource.prlimit(pid, resource.RLIMIT_AS, limit)

    with pytest.raises(OutOfMemoryError, match="on card 1: the device has too little memory"):
        shoot(both, recipe_of(both, width=512, height=512))

    assert are_alive((pid,)) == [False]


@pytest.mark.slow
def test_times_of_tokens_are_spread_as_well(
    folder_of: FolderOf,
    recipe_of: RecipeOf,
    first_frame: Frame,
    remembered: Callable[[WanEngine], list[RecalledFrame]],
) -> None:
    """Wan2.2-TI2V starts from a first frame, and remembers; closing it leaves no process."""
    alone, both = pair(folder_of("ti2v"))
    memory = remembered(alone)
    assert memory
    try:
        for frames in ((), memory):
            expected, drawn = (
                unpack_latents(
                    shoot(
                        engine,
                        recipe_of(engine, width=64, height=64),
                        keyframe=np.concatenate([first_frame, first_frame], axis=1),
                        memory=frames,
                    )[1]
                )
                for engine in (alone, both)
            )
            # Sums over as few as two tokens on a card would be rounded otherwise.
            assert np.abs(drawn - expected).max() <= (TOLERANCE if frames else 0)
    finally:
        pids = pids_of(both)
        both.close()
    assert pids
    assert not any(are_alive(pids))
    assert pids_of(both) == ()
    both.close()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"cards": 0}, "cards must be at least 1, got 0"),
        ({"cards": 3}, "Wan2.1-T2V has 2 heads of attention, which 3 cards"),
        ({"attention": "cached"}, "on 2 cards a memory is read with the shot, .* is 'cached'"),
        ({"step_cache": "first-block"}, "on 2 cards each would decide .* whether first-block"),
        ({"is_compiled": True}, "on 2 cards compiled blocks do not see"),
    ],
)
def test_what_cannot_be_spread_is_refused(
    changes: dict[str, Any], words: str, folder_of: FolderOf
) -> None:
    """Before anything is loaded."""
    with pytest.raises(OrderError, match=words):
        WanEngine({**TINY, "cards": 2, **changes}, weights=folder_of("t2v"))


def test_parts_that_would_wait_elsewhere_are_refused(folder_of: FolderOf) -> None:
    """They stay on their cards."""
    with pytest.raises(OrderError, match="on 2 cards every part stays on its card"):
        WanEngine({**TINY, "cards": 2}, weights=folder_of("t2v"), is_offloaded=True)


def test_published_memories_are_refused(folder_of: FolderOf, tmp_path: Path) -> None:
    """They are read as frames, of which every card would have a share and the shot's as well."""
    place = write_tiny_published(tmp_path / "memory")

    with pytest.raises(OrderError, match=r"on 2 cards a memory is .* attention is 'frames'"):
        WanEngine({"cards": 2}, weights=folder_of("a14b-i2v"), memory_weights=place)


@pytest.mark.skipif(torch.cuda.device_count() > 1, reason="there are two")
def test_cards_that_are_not_there_are_refused(folder_of: FolderOf) -> None:
    """With how many there are."""
    engine = WanEngine({**TINY, "cards": 2}, weights=folder_of("t2v"), device="cuda")

    with pytest.raises(OrderError, match=r"2 cards are asked for from cuda on, and there are [01]"):
        engine.model()


def test_a_kernel_that_cannot_be_shared_is_refused(folder_of: FolderOf) -> None:
    """By diffusers' own list."""
    choices = {**TINY, "cards": 2, "attention_backend": "_native_math"}
    engine = WanEngine(choices, weights=folder_of("t2v"), device="cpu")

    with pytest.raises(OrderError, match="attention by _native_math cannot be spread"):
        engine.model()


def test_tokens_that_cannot_be_shared_evenly_are_refused(
    folder_of: FolderOf, recipe_of: RecipeOf
) -> None:
    """Before anybody is started for them."""
    engine = WanEngine({**TINY, "cards": 2}, weights=folder_of("t2v"), device="cpu")
    recipe = recipe_of(engine, width=16, height=48)

    with pytest.raises(RenderError, match="the shot has 3 tokens and its memory 0, and 2 cards"):
        engine.keyframe(recipe, control=Watchful())
    assert pids_of(engine) == ()


def test_one_card_is_no_choice(folder_of: FolderOf) -> None:
    """Takes from before it keep their names; several have another."""
    names = [
        WanEngine({**TINY, **cards}, weights=folder_of("t2v")).fingerprint()
        for cards in ({}, {"cards": 1}, {"cards": 2})
    ]

    assert names[0] == names[1] != names[2]
