"""Is an engine looked at so that what is wrong with it is found?"""

from pathlib import Path

import pytest

from onestory.bench.engine import check_engine
from onestory.bench.looking import (
    NAMES,
    Check,
    Sizes,
    State,
    Watch,
    film,
    memory_is_read,
    night,
    recipe_of,
    same_seed,
)
from onestory.engines.pocket.engine import PocketConfig, PocketEngine
from onestory.errors import EngineFaultError, OrderError
from onestory.testing.tiny_pocket import write_tiny_weights

SMALL = Sizes(width=90, height=160, num_frames=3, fps=24)


@pytest.fixture(scope="module", name="weights")
def _weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_weights(tmp_path_factory.mktemp("pocket") / "weights")


@pytest.fixture(scope="module", name="engine")
def _engine(weights: Path) -> PocketEngine:
    return PocketEngine(PocketConfig(steps=1), weights=weights)


def test_an_engine_that_does_as_it_says_passes(weights: Path) -> None:
    """Every check has one line, in order; what means nothing for the engine is not asked."""
    options = {"weights": str(weights), "config": {"steps": 1}}

    checks = list(check_engine("pocket", options, is_quick=True))

    assert [check.name for check in checks] == [*NAMES]
    states = {check.name: check.state for check in checks}
    for name in ("weights", "same seed", "memory is read", "shot", "night"):
        assert states[name] is State.OK
    for name in ("estimate", "load", "stock pipeline", "decoding", "remembering"):
        assert states[name] is State.NOT_ASKED
    assert all(check.hint == "" for check in checks)


def test_without_weights_nothing_else_is_asked(tmp_path: Path) -> None:
    """The first line says what to do, and the others wait for it."""
    first, *others = check_engine("wan", {"weights": str(tmp_path / "none")})

    assert (first.name, first.state) == ("weights", State.FAILS)
    assert "diffusers folder" in first.hint
    assert {(check.state, check.found) for check in others} == {(State.NOT_ASKED, "needs weights")}
    assert [first.name, *(check.name for check in others)] == [*NAMES]


def test_an_engine_that_is_none_is_a_wrong_order() -> None:
    """Which is no finding about an engine."""
    with pytest.raises(OrderError, match="no engine 'wann'"):
        list(check_engine("wann", {}))


def test_takes_that_differ_are_found(engine: PocketEngine) -> None:
    """A recipe that gives other pixels the second time fails, and it is said what to look at."""
    once = film(engine, recipe_of(engine, SMALL))

    assert same_seed(once, once).state is State.OK
    differ = same_seed(once, film(engine, recipe_of(engine, SMALL, seed=4)))
    assert differ.state is State.FAILS
    assert "attention_backend" in differ.hint


def test_a_memory_that_changes_nothing_is_found(engine: PocketEngine) -> None:
    """It reached nobody, if the take is the same without it, whatever the caption says."""
    assert memory_is_read(engine, SMALL).state is State.OK

    class Forgetful(PocketEngine):
        def render(self, recipe, *, keyframe, memory=(), control):  # type: ignore[no-untyped-def]
            return super().render(recipe, keyframe=keyframe, memory=(), control=control)

    forgetful = Forgetful(PocketConfig(steps=1), weights=engine.folder)
    found = memory_is_read(forgetful, SMALL)

    assert found.state is State.FAILS
    assert "does not reach" in found.hint


def test_a_take_can_be_stopped_after_some_steps(engine: PocketEngine) -> None:
    """So that the time of a step is known without the shot."""
    watch = Watch(most=1)

    with pytest.raises(EngineFaultError, match="on purpose"):
        film(engine, recipe_of(engine, SMALL), watch=watch)

    assert len(watch.times) == 1


def test_a_night_has_room_for_so_many_episodes() -> None:
    """Eight hours, 24 shots of five seconds an episode, one take a shot."""
    five = Sizes(width=720, height=1280, num_frames=120, fps=24)

    found: Check = night(120.0, five)

    assert found.numbers["episodes"] == 10.0
    assert night(60.0, Sizes(width=720, height=1280, num_frames=60, fps=24)).numbers[
        "episodes"
    ] == pytest.approx(10.0)
