"""
Does an engine do on this machine what its documents promise? Checks, cheap ones first.

    weights ── estimate ── load ── stock pipeline ── same seed ── memory is read
                                          └── shot ── decoding ── remembering ── night

What only a Wan can be asked is in `onestory.bench.wan_engine`. Small takes come before the one
shot of full length, so that whatever is wrong is known in minutes.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from onestory.bench.looking import (
    FPS,
    NAMES,
    SECONDS_OF_SHOT,
    SMALL_FRAMES,
    SMALL_SIZE,
    Check,
    Sizes,
    State,
    film,
    memory_is_read,
    night,
    recipe_of,
    said,
    same_seed,
)
from onestory.engine_server.registry import open_engine
from onestory.engines.protocol import Engine
from onestory.errors import OrderError, WeightsError
from onestory.production.call_sheet import DELIVERY_SIZES
from onestory.screenplay.episode import Aspect


def check_engine(
    name: str, options: Mapping[str, Any], *, is_quick: bool = False
) -> Iterator[Check]:
    """
    Look at an engine, check after check.

    Args:
        name: Of the engine.
        options: As for `open_engine`.
        is_quick: Whether the shot of full length is a small one: to see that it works.

    Yields:
        A check as soon as it is done, in the order of `NAMES`; every name once.

    Raises:
        OrderError: If there is no such engine.
    """
    order, last = iter(NAMES), None
    why = f"means nothing for {name}"
    for check in _checks(name, options, is_quick=is_quick):
        for passed in order:
            if passed == check.name:
                break
            yield Check(name=passed, state=State.NOT_ASKED, found=why)
        yield check
        last = check
    if last is not None and last.state is State.FAILS:
        why = f"needs {last.name}"
    for left in order:
        yield Check(name=left, state=State.NOT_ASKED, found=why)


def _checks(name: str, options: Mapping[str, Any], *, is_quick: bool) -> Iterator[Check]:
    try:
        engine = open_engine(name, options)
        weights = engine.fingerprint().weights
    except (WeightsError, OrderError) as error:
        if isinstance(error, OrderError) and "no engine" in error.message:
            raise
        yield Check(
            name="weights", state=State.FAILS, found=error.message, hint=error.hint or "as it says"
        )
        return
    if name == "wan":
        from onestory.bench.wan_engine import check_wan
        from onestory.engines.wan.engine import WanEngine

        assert isinstance(engine, WanEngine)
        yield from check_wan(engine, options, is_quick=is_quick)
        return
    yield Check(name="weights", state=State.OK, found=f"{name}, {weights[:19]}")
    small, full = sizes_of(engine, is_quick=is_quick)
    once = film(engine, recipe_of(engine, small))
    yield same_seed(once, film(engine, recipe_of(engine, small)))
    yield memory_is_read(engine, small)
    shot = film(engine, recipe_of(engine, full))
    yield Check(
        name="shot",
        state=State.OK,
        found=f"{said(full)} in {shot.seconds:.1f} s",
        numbers={"shot_seconds": shot.seconds},
    )
    yield night(shot.seconds, full)


def sizes_of(engine: Engine, *, is_quick: bool) -> tuple[Sizes, Sizes]:
    """Say how large a small take and a shot of full length are."""
    known = engine.capabilities()
    width, height = known.trained_sizes[0] if known.trained_sizes else SMALL_SIZE
    small = Sizes(width=width, height=height, num_frames=SMALL_FRAMES, fps=FPS)
    if is_quick:
        return small, small
    width, height = (
        known.trained_sizes[0] if known.trained_sizes else DELIVERY_SIZES[Aspect.VERTICAL]
    )
    frames = min(SECONDS_OF_SHOT * FPS, known.max_frames)
    return small, Sizes(width=width, height=height, num_frames=frames, fps=FPS)
