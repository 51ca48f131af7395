"""The retake ladder is climbed in order, ends, and leaves the least bad take."""

import pytest

from onestory.continuity.ladder import (
    AGAIN,
    BEYOND,
    DEFAULT_LADDER,
    REMEDIES,
    Rung,
    best_of,
    next_attempt,
    rung_of,
    seed_for,
)
from onestory.documents import Digest
from onestory.engines.take import GateResult, NgReason, Verdict
from onestory.errors import GateError
from onestory.vault.events import Event
from onestory.vault.ledger import fold

OLD_LINE = (
    '{{"at":"2026-01-01T00:00:00.000000","badness":0.0,"blob":null,"by":null,"gates":null,'
    '"is_passed":null,"is_waiting_for_review":false,"kind":"take rendered","reasons":[],'
    '"rung":{rung},"schema":"Event.1","sequence":1,"sheet":null,"shot":"sc01-sh001",'
    '"slate":"s01e01-sc01-sh001-tk01","take":"sha256:00","title":"","why":"","writer":"floor:7"}}'
)
"""A take as a ledger of the first version tells of it."""

TOLD = {
    0: None,
    1: Rung(name="new seed"),
    2: Rung(
        name="larger memory, its people first", memory_budget_factor=1.5, has_people_first=True
    ),
    3: Rung(name="fresh keyframe", has_own_keyframe=True),
    4: Rung(name="stronger guidance", guidance_factor=1.25),
    5: Rung(name="re-expanded caption", re_expand_caption=True),
    6: Rung(name="gentler guidance", guidance_factor=0.8),
    7: Rung(name="larger memory", memory_budget_factor=1.5),
    8: Rung(name="half the guidance", guidance_factor=0.5),
    9: AGAIN,
    10: AGAIN,
    500: AGAIN,
}
"""How the takes were filmed that ledgers know by these numbers. It may grow, never change."""


def _verdict(*failures: tuple[NgReason, float], runs: bool = True) -> Verdict:
    """A verdict with one failed gate of value against threshold 1 for each failure."""
    passed = GateResult(
        gate="length", value=1, threshold=1, unit="frames", is_passed=True if runs else None
    )
    failed = tuple(
        GateResult(gate="g", value=v, threshold=1, unit="u", is_passed=False, reason=reason)
        for reason, v in failures
    )
    name = Digest("sha256:" + "1" * 64)
    return Verdict(take=name, gates=name, results=(passed, *failed))


def test_every_take_has_its_rung() -> None:
    """The first has none, those beyond the ladder have another seed and nothing else."""
    rungs = [rung_of(attempt) for attempt in (1, *DEFAULT_LADDER, *BEYOND)]
    assert rungs == [None, *DEFAULT_LADDER.values(), *[AGAIN] * len(BEYOND)]
    assert all(rung.new_seed for rung in DEFAULT_LADDER.values())
    names = [rung.name for rung in DEFAULT_LADDER.values()]
    assert {name for remedies in REMEDIES.values() for name in remedies} == set(names)
    assert len(set(names)) == len(names), "verdicts ask for rungs by name"


@pytest.mark.parametrize(("told", "rung"), TOLD.items())
def test_a_number_in_a_ledger_says_for_ever_how_the_take_was_filmed(
    told: int, rung: Rung | None
) -> None:
    """Whatever is added to the ladder, the takes of older films are on their own rungs."""
    state = fold([Event.from_json(OLD_LINE.format(rung=told).encode())])
    (take,) = state.shot("sc01-sh001").takes
    assert rung_of(take.rung + 1) == rung


def test_every_reason_of_a_gate_has_remedies() -> None:
    """All but what cannot be read, which is tried again as it is, and a person's own word."""
    assert set(NgReason) - set(REMEDIES) == {NgReason.UNREADABLE, NgReason.PERSON}


@pytest.mark.parametrize(
    ("reason", "names"),
    [
        (NgReason.IDENTITY, ["new seed", "larger memory, its people first", "fresh keyframe"]),
        (NgReason.PLACE, ["new seed", "larger memory", "fresh keyframe"]),
        (NgReason.UNSTEADY, ["half the guidance", "new seed", "new seed"]),
        (NgReason.CAPTION, ["stronger guidance", "re-expanded caption", "new seed"]),
        (NgReason.SOFT, ["new seed", "gentler guidance", "new seed"]),
    ],
)
def test_what_is_wrong_decides_what_is_tried(reason: NgReason, names: list[str]) -> None:
    """Each kind of fault climbs its own rungs, and no take is filmed twice."""
    tried = [1]
    for _ in names:
        tried.append(next_attempt(tried, (reason,)))
    assert [rung.name for attempt in tried if (rung := rung_of(attempt))] == names
    assert len(set(tried)) == len(tried)


def test_a_second_fault_is_a_second_hint() -> None:
    """When nothing is left against the worst fault, the next one is heard."""
    tried = [1, 2, 3, 4]
    attempt = next_attempt(tried, (NgReason.IDENTITY, NgReason.CAPTION))
    rung = rung_of(attempt)
    assert rung is not None
    assert rung.name == "stronger guidance"
    beyond = next_attempt([*tried, 5, 6, 7], (NgReason.IDENTITY,))
    assert beyond == BEYOND.start
    assert next_attempt([*tried, beyond], (NgReason.PERSON,)) == beyond + 1


def test_another_ladder_is_climbed_as_given() -> None:
    """An empty ladder has no rungs at all; a remedy that is not on a ladder is passed over."""
    mine = {2: Rung(name="stronger guidance", new_seed=False, guidance_factor=2.0)}
    assert rung_of(2, {}) is None
    assert rung_of(1, mine) is None
    assert rung_of(2, mine) == mine[2]
    assert next_attempt([1], (NgReason.SOFT, NgReason.CAPTION), mine) == 2
    assert next_attempt([1, 2], (NgReason.SOFT, NgReason.CAPTION), mine) == BEYOND.start


def test_takes_beyond_a_ladder_pass_over_its_newer_rungs() -> None:
    """They are counted by themselves, and none is given the number of a rung."""
    longer = {**DEFAULT_LADDER, BEYOND.stop: Rung(name="stronger guidance", guidance_factor=2.0)}
    climbed = [1, *longer]
    assert next_attempt([1], (NgReason.CAPTION,), longer) == BEYOND.stop
    assert next_attempt(climbed, (NgReason.CAPTION,), longer) == BEYOND.start
    assert next_attempt([*climbed, 10, 11], (NgReason.CAPTION,), longer) == 12
    assert next_attempt([*climbed, BEYOND[-1]], (NgReason.PERSON,), longer) == BEYOND.stop + 1


def test_attempts_count_from_one() -> None:
    """There is no take before the first."""
    with pytest.raises(ValueError, match="attempt counts from 1, got 0"):
        rung_of(0)


def test_senseless_rungs_are_refused() -> None:
    """A rung that changes nothing, or turns guidance off, is refused."""
    with pytest.raises(ValueError, match="'again' would render the very same take"):
        Rung(name="again", new_seed=False)
    with pytest.raises(ValueError, match="must be positive"):
        Rung(name="off", guidance_factor=0.0)


def test_every_attempt_has_a_seed_of_its_own() -> None:
    """Seeds of later takes differ, are legal, and are the same on every machine."""
    seeds = [seed_for(first, attempt) for first in (0, 1, 2**63 - 1) for attempt in range(1, 6)]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert seed_for(7, 1) == 7
    assert seed_for(7, 2) == 992399040556432219


def test_the_least_bad_take_is_chosen() -> None:
    """A pass beats all; else the least over its limits; else the earliest."""
    far, near = _verdict((NgReason.SOFT, 9)), _verdict((NgReason.SOFT, 2))
    two = _verdict((NgReason.SOFT, 1.1), (NgReason.FLICKER, 1.1))
    assert best_of([("a", far), ("b", near), ("c", two)])[0] == "b"
    assert best_of([("a", near), ("b", near)])[0] == "a"
    assert best_of([("a", near), ("b", _verdict())])[0] == "b"
    assert best_of([("a", _verdict(runs=False)), ("b", _verdict())])[0] == "b"


def test_what_cannot_be_read_is_never_chosen() -> None:
    """An unreadable take loses to the worst readable one, and is refused when alone."""
    blind = _verdict((NgReason.UNREADABLE, 0.9))
    awful = _verdict((NgReason.BLACK, 500))
    assert best_of([("a", blind), ("b", awful)])[0] == "b"
    with pytest.raises(GateError, match="none of 2 takes can be read"):
        best_of([("a", blind), ("b", blind)])
    with pytest.raises(GateError, match="none of 0 takes"):
        best_of([])
