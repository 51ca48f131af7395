"""Stories are filmed under every rule, and nothing twice."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from onestory.bench import filming as module
from onestory.bench.cases import Case
from onestory.bench.filming import Studio, film
from onestory.bench.variants import ADAPTIVE, BASELINES, Variant
from onestory.diffusion.blocking import clip_blocking
from onestory.diffusion.sampling import sample
from onestory.memory.bank import read_latents

NONE, LAST_FRAME, FIXED_WINDOW = BASELINES[:3]


def takes_in(studio: Studio) -> dict[Path, int]:
    """Every take in the folder, and when it was written."""
    return {path: path.stat().st_mtime_ns for path in studio.folder.rglob("*.safetensors")}


def test_every_shot_of_every_story_is_filmed(studio: Studio, told: list[Case]) -> None:
    """Takes have the size of a shot, and lie in the folder as they were returned."""
    takes = film(studio, told, ADAPTIVE)

    assert set(takes) == {(case.seed, shot) for case in told for shot in range(4)}
    by_name = {path.stem: path for path in takes_in(studio)}
    for take in takes.values():
        assert take.latents_FChw.shape == (2, 8, 18, 10)
        kept = read_latents(by_name[take.name.removeprefix("sha256:")].read_bytes())
        assert torch.equal(kept.latents_FCHW, take.latents_FChw)


def test_every_rule_is_told_the_blocking_of_the_story(
    studio: Studio, told: list[Case], monkeypatch: pytest.MonkeyPatch
) -> None:
    """People stand where each story has them, whatever is remembered of them."""
    given: list[torch.Tensor] = []

    def keep(*args: Any, **options: Any) -> torch.Tensor:
        given.extend(options["blocking_BPFhw"])
        return sample(*args, **options)

    monkeypatch.setattr(module, "sample", keep)
    own = [
        clip_blocking(shot.scene, studio.codec, rows=18, columns=10, num_frames=5)
        for case in told
        for shot in case.story.shots
    ]
    for variant in (NONE, ADAPTIVE):
        given.clear()
        film(replace(studio, folder=studio.folder / variant.name), told, variant)
        missing = list(own)
        for one in given:
            missing.pop(next(i for i, other in enumerate(missing) if torch.equal(one, other)))
        assert missing == []


def test_a_second_run_films_nothing(studio: Studio, told: list[Case]) -> None:
    """What lies in the folder is taken from there."""
    first = film(studio, told, ADAPTIVE)
    before = takes_in(studio)

    again = film(studio, told, ADAPTIVE)

    assert takes_in(studio) == before
    assert {key: take.name for key, take in first.items()} == {
        key: take.name for key, take in again.items()
    }


def test_a_run_that_was_killed_goes_on_with_the_same_takes(
    studio: Studio, told: list[Case]
) -> None:
    """A take that is missing is filmed again, to the bit, and the others are kept."""
    film(studio, told[:1], ADAPTIVE)
    path = next(iter(takes_in(studio)))
    content = path.read_bytes()
    path.unlink()
    others = takes_in(studio)

    film(studio, told[:1], ADAPTIVE)

    assert path.read_bytes() == content
    assert takes_in(studio).items() >= others.items()


def test_rules_share_what_they_do_not_decide(studio: Studio, told: list[Case]) -> None:
    """A shot in which nothing returns is one take for all rules; a returning one is not."""
    without, with_memory = film(studio, told, NONE), film(studio, told, ADAPTIVE)

    for case in told:
        for shot in range(4):
            names = {films[case.seed, shot].name for films in (without, with_memory)}
            assert len(names) == (2 if case.returns(shot) else 1)


def test_memory_changes_what_is_filmed(studio: Studio, told: list[Case]) -> None:
    """The same caption and noise give another picture beside other memories."""
    films = [film(studio, told[:1], rule)[told[0].seed, 1] for rule in (NONE, LAST_FRAME)]

    assert not torch.allclose(films[0].latents_FChw, films[1].latents_FChw, atol=1e-3)


def test_equal_memories_under_two_names_are_one_take(studio: Studio, told: list[Case]) -> None:
    """A rule's name decides nothing."""
    film(studio, told, FIXED_WINDOW)
    before = takes_in(studio)

    film(studio, told, Variant(name="renamed", rule="fixed_window"))

    assert takes_in(studio) == before
