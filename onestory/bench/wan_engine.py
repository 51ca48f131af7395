"""
Does a Wan do on this device what was counted of it? The checks that only a Wan can be asked.

    configurations ── estimate ──────────────┐
    diffusers alone ── a small take ─────┐   │ compared
    engine ── load, the same small take ─┘   │
           ── a shot ── tokens, memory ──────┘
           ── three steps of a shot that remembers it

Device memory is measured on a GPU alone: a CPU does not count it.
"""

import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import psutil
import torch

from onestory.bench.looking import (
    SMALL_FRAMES,
    SMALL_SIZE,
    Check,
    Filmed,
    Sizes,
    State,
    Watch,
    film,
    memory_is_read,
    night,
    recalled,
    recipe_of,
    same_seed,
)
from onestory.bench.wan_shot import (
    GIB,
    estimate_words,
    full_shot,
    load_words,
    remembering_words,
    shot_words,
)
from onestory.bench.wan_stock import compared, stock_take
from onestory.engines.protocol import Frame
from onestory.engines.wan.engine import DRAWING_SHARE, WanEngine
from onestory.engines.wan.estimate import Need, estimate
from onestory.engines.wan.folder import levels_of
from onestory.engines.wan.loading import usual_device
from onestory.engines.wan.picture import drawn_index, drawn_size
from onestory.errors import EngineFaultError, OutOfMemoryError, RenderError, WeightsError
from onestory.memory.budget import tokens_per_frame

STEPS = 4
"""Of a shot that remembers: the first is not timed, since it is measured from nowhere."""
TOLERANCE = 1.1
"""More device memory than estimated by this is worth a warning."""


@dataclass(kw_only=True, slots=True)
class _Seen:
    """What went into a transformer."""

    tokens: int = 0


class _Peaks:
    """Most bytes that torch had on the device at once; 0 where nobody counts them."""

    def __init__(self, device: torch.device) -> None:
        self.drawing = self.decoding = 0
        self._device = device
        self._forget()

    def note(self, share: float) -> None:
        """Look after a step, or after a frame."""
        if share > DRAWING_SHARE:
            self.decoding = self.decoding or self._now()
            return
        self.drawing = self._now()
        if share == DRAWING_SHARE:
            self._forget()

    def _now(self) -> int:
        is_gpu = self._device.type == "cuda"
        return torch.cuda.max_memory_allocated(self._device) if is_gpu else 0

    def _forget(self) -> None:
        if self._device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self._device)


def check_wan(
    engine: WanEngine, options: Mapping[str, Any], *, is_quick: bool = False
) -> Iterator[Check]:
    """
    Look at a Wan.

    Args:
        engine: Which has loaded nothing yet.
        options: It was opened with.
        is_quick: Whether the shot of full length is a small one.

    Yields:
        Checks, in the order of `NAMES`; the last is the one that failed, if nothing can follow.
    """
    card, config = engine.card, engine.config
    yield Check(
        name="weights",
        state=State.OK,
        found=f"{card.name}, {engine.fingerprint().weights[:19]} in {engine.folder}",
        numbers={"digest": engine.fingerprint().weights},
    )
    device = torch.device(str(options.get("device") or usual_device()))
    is_offloaded = bool(options.get("is_offloaded")) and device.type != "cpu"
    width, height = drawn_size(*SMALL_SIZE, multiple_of=card.multiple_of, area=config.area)
    frames = min(SMALL_FRAMES, config.stretch_frames)
    small = Sizes(width=width, height=height, num_frames=frames, fps=config.fps)
    full = small if is_quick else full_shot(config)
    try:
        need = _need(engine, full)
    except WeightsError as error:
        yield _failed("estimate", error)
        return
    yield _estimated(need, engine, full, device, is_offloaded=is_offloaded)

    first_HW3 = None if card.reads_text_alone else _picture(small)
    recipe = recipe_of(engine, small)
    stock, stock_words = stock_take(engine, recipe, first_HW3, device, is_offloaded=is_offloaded)
    started = time.perf_counter()
    try:
        model = engine.model()
    except (WeightsError, OutOfMemoryError) as error:
        yield _failed("load", error)
        return
    yield _loaded(model, need, time.perf_counter() - started)
    once = film(engine, recipe, first_HW3=first_HW3)
    yield compared(stock, stock_words, once)
    yield same_seed(once, film(engine, recipe, first_HW3=first_HW3))
    yield memory_is_read(engine, small, first_HW3=first_HW3)
    yield from _at_full_length(engine, model, full, need, device, is_offloaded=is_offloaded)


def _at_full_length(
    engine: WanEngine,
    model: Any,
    full: Sizes,
    need: Need,
    device: torch.device,
    *,
    is_offloaded: bool,
) -> Iterator[Check]:
    """Film a shot, and some steps of one that remembers it."""
    first_HW3 = None if engine.card.reads_text_alone else _picture(full)
    peaks = _Peaks(device)
    recipe, watch = recipe_of(engine, full), Watch(at_step=peaks.note)
    with _watched(model) as seen:
        try:
            shot = film(engine, recipe, first_HW3=first_HW3, watch=watch)
        except RenderError as error:
            yield _failed("shot", error)
            return
    steps = engine.config.steps
    without = _step_seconds(watch.times[:steps])
    # What is estimated with a memory is a little more than this shot needs, which has none.
    estimated = _drawing_bytes(need, has_first=first_HW3 is not None, is_offloaded=is_offloaded)
    state, words, hint = _against(peaks.drawing, estimated, model)
    is_counted = seen.tokens == need.num_tokens
    yield Check(
        name="shot",
        state=state if is_counted else State.FAILS,
        found=(
            f"{shot_words(need.num_tokens)}; "
            if is_counted
            else f"{seen.tokens} tokens, {need.num_tokens} were counted; "
        )
        + f"{_seconds(without)} a step, {shot.seconds:.1f} s in all; {words}",
        hint=hint if is_counted else "report it: every estimate rests on the number of tokens",
        numbers={
            "tokens": seen.tokens,
            "step_seconds": without,
            "shot_seconds": shot.seconds,
            "peak_bytes": peaks.drawing,
            "estimated_bytes": estimated,
        },
    )
    weights = _weights_at(need, "vae", is_offloaded=is_offloaded)
    state, words, hint = _against(peaks.decoding, weights + need.decode_bytes, model)
    # The next thing that an engine tells of is the first frame of the delivery's size.
    decoding = watch.times[steps] - watch.times[steps - 1]
    yield Check(
        name="decoding",
        state=state,
        found=f"{_seconds(decoding)}; {words}",
        hint=hint,
        numbers={
            "decode_seconds": decoding,
            "peak_bytes": peaks.decoding,
            "estimated_bytes": weights + need.decode_bytes,
        },
    )
    estimated += need.memory_bytes
    yield from _remembering(engine, model, full, shot, need, without, estimated, device)


def _remembering(
    engine: WanEngine,
    model: Any,
    full: Sizes,
    shot: Filmed,
    need: Need,
    without: float,
    estimated: int,
    device: torch.device,
) -> Iterator[Check]:
    """Some steps of a shot that remembers another, then what a night has room for."""
    first_HW3 = None if engine.card.reads_text_alone else _picture(full)
    steps = engine.config.steps
    told, memory = recalled(engine, full, recipe_of(engine, full), shot)
    if not memory:
        yield Check(name="remembering", state=State.NOT_ASKED, found="nothing was recalled")
        yield night(shot.seconds, full)
        return
    peaks = _Peaks(device)
    watch = Watch(most=min(STEPS, steps), at_step=peaks.note)
    with _watched(model) as seen:
        try:
            film(engine, told, first_HW3=first_HW3, memory=memory, watch=watch)
        except EngineFaultError:
            pass  # stopped on purpose
        except RenderError as error:
            yield _failed("remembering", error)
            return
    within = _step_seconds(watch.times[:steps])
    width, height = drawn_size(
        full.width, full.height, multiple_of=engine.card.multiple_of, area=engine.config.area
    )
    rows, columns = height // engine.card.spatial, width // engine.card.spatial
    levels = levels_of(engine.memory)
    remembered = sum(
        tokens_per_frame(rows, columns, levels[frame.source.level]) for frame in memory
    )
    beside = 0 if engine.config.attention == "cached" else remembered
    is_counted = seen.tokens == need.num_tokens + beside
    budget = engine.token_budget(told)
    holds = is_counted and remembered <= budget
    more = f", {within / without - 1:+.1%}" if without else ""
    state, words, hint = _against(peaks.drawing, estimated, model)
    yield Check(
        name="remembering",
        state=state if holds else State.FAILS,
        found=f"{remembering_words(remembered, len(memory), budget)}; "
        + ("" if is_counted else f"{seen.tokens} went in, not {need.num_tokens + beside}; ")
        + f"{_seconds(within)} a step{more}; {words}",
        hint=hint if holds else "report it: a memory costs more than its budget",
        numbers={
            "remembered_tokens": remembered,
            "budget_tokens": budget,
            "step_seconds": within,
            "peak_bytes": peaks.drawing,
            "estimated_bytes": estimated,
        },
    )
    yield night(
        shot.seconds + steps * (within - without), full, words=", of which every step remembers"
    )


def _need(engine: WanEngine, sizes: Sizes) -> Need:
    card, config = engine.card, engine.config
    width, height = drawn_size(
        sizes.width, sizes.height, multiple_of=card.multiple_of, area=config.area
    )
    drawn = drawn_index(sizes.num_frames, str(sizes.fps), drawn_fps=config.fps)[-1] + 1
    return estimate(
        engine.folder,
        card,
        config,
        width=width,
        height=height,
        num_frames=drawn,
        memory_budget=engine.capabilities().memory_budget,
        published=engine.published,
        adapter=engine.sources.adapter,
        packed=engine.sources.packed,
    )


def _estimated(
    need: Need, engine: WanEngine, sizes: Sizes, device: torch.device, *, is_offloaded: bool
) -> Check:
    is_gpu = device.type == "cuda"
    there = torch.cuda.mem_get_info(device)[1] if is_gpu else psutil.virtual_memory().total
    taken = need.offloaded_bytes if is_offloaded else need.total_bytes
    fits = taken <= there
    return Check(
        name="estimate",
        state=State.OK if fits else State.WARNS,
        found=f"{estimate_words(sizes, need.num_tokens, taken)} of {there / GIB:.1f}",
        hint=""
        if fits
        else f"{need.offloaded_bytes / GIB:.1f} GiB are enough with the option is_offloaded; or "
        "set a smaller area or fewer stretch_frames in its config",
        numbers={
            "tokens": need.num_tokens,
            "estimated_bytes": taken,
            "device_bytes": there,
            "weight_bytes": need.weight_bytes,
        },
    )


def _loaded(model: Any, need: Need, seconds: float) -> Check:
    """Weights as they lie on the device or wait for it, against those that were counted."""
    parts = {
        name: part
        for pipeline in (model.from_text, model.from_picture)
        if pipeline is not None
        for name, part in pipeline.components.items()
        if isinstance(part, torch.nn.Module)
    }
    found = sum(
        weight.numel() * weight.element_size()
        for part in parts.values()
        for weight in part.parameters()
    )
    is_counted = found == need.weight_bytes
    return Check(
        name="load",
        state=State.OK if is_counted else State.FAILS,
        found=f"{load_words(need.weight_bytes)}; {seconds:.1f} s"
        if is_counted
        else f"{found} bytes of weights, {need.weight_bytes} were counted; {seconds:.1f} s",
        hint="" if is_counted else "look whether every file of the folder is of one download",
        numbers={
            "load_seconds": seconds,
            "weight_bytes": found,
            "counted_bytes": need.weight_bytes,
        },
    )


@contextmanager
def _watched(model: Any) -> Iterator[_Seen]:
    """Count the tokens that go into the first block of the first transformer."""
    seen = _Seen()

    def count(_: Any, args: tuple[Any, ...]) -> None:
        seen.tokens = int(args[0].shape[1])

    # The high-noise expert is called first, so that it is enough for two.
    hook = model.transformers[0].blocks[0].register_forward_pre_hook(count)
    try:
        yield seen
    finally:
        hook.remove()


def _step_seconds(times: Sequence[float]) -> float:
    """Median; 0 if fewer than two steps ended."""
    gaps = [late - early for early, late in pairwise(times)]
    return statistics.median(gaps) if gaps else 0.0


def _seconds(seconds: float) -> str:
    return f"{seconds:.3g} s"


def _weights_at(need: Need, part: str, *, is_offloaded: bool) -> int:
    """Weights that are on the device while a part works; both experts are called by one name."""
    if not is_offloaded:
        return need.weight_bytes
    return max(one.num_bytes for one in need.parts if one.name.startswith(part))


def _drawing_bytes(need: Need, *, has_first: bool, is_offloaded: bool) -> int:
    """About the most that is on the device until a shot is drawn, without what is remembered."""
    # A first frame is coded with the empty frames after it, for which decoding is the measure.
    coding = need.decode_bytes if has_first else 0
    if not is_offloaded:
        return need.weight_bytes + max(need.step_bytes, coding)
    largest = max(part.num_bytes for part in need.parts)
    step = _weights_at(need, "transformer", is_offloaded=True) + need.step_bytes
    return max(largest, step, _weights_at(need, "vae", is_offloaded=True) + coding)


def _against(peak: int, estimated: int, model: Any) -> tuple[State, str, str]:
    """Say whether work took about what was estimated, and what to do if it did not."""
    words = f"about {estimated / GIB:.2f} GiB were estimated"
    if model.ladder.remarks:
        hint = "set is_offloaded, or a smaller area or fewer stretch_frames: no take is tried twice"
        return State.WARNS, f"{words}. {' '.join(model.ladder.remarks)}", hint
    if not peak:
        return State.OK, words, ""
    words += f", and {peak / GIB:.2f} taken"
    if peak <= TOLERANCE * estimated:
        return State.OK, words, ""
    return State.WARNS, words, "report it: the estimate is too low"


def _failed(name: str, error: WeightsError | RenderError) -> Check:
    return Check(name=name, state=State.FAILS, found=error.message, hint=error.hint or "as it says")


def _picture(sizes: Sizes) -> Frame:
    """A slope of light, as a first frame."""
    rows = np.linspace(64, 192, sizes.height)[:, None, None]
    columns = np.linspace(-32, 32, sizes.width)[None, :, None]
    tint = np.array([1.0, 0.9, 0.8])
    frame: Frame = np.clip((rows + columns) * tint, 0, 255).astype(np.uint8)
    return frame
