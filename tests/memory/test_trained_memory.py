"""What the shipped weights remember, on stories that they were never trained on."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from types import MappingProxyType

import pytest
import torch

from onestory.bench.cases import Case, cases
from onestory.diffusion.blocking import cast_of, figures_of
from onestory.diffusion.codec import latent_middles
from onestory.diffusion.sampling import Sampling
from onestory.documents import Digest, digest_of
from onestory.engines.pocket.model import PocketModel, load_model
from onestory.engines.pocket.picture import CELL, Grid
from onestory.engines.pocket.weights import find_weights
from onestory.engines.protocol import Frame
from onestory.evaluation.measures import assigned
from onestory.evaluation.reader import shared_reader
from onestory.memory.bank import MemoryBank
from onestory.storyworld.attributes import PERSON, person_values
from onestory.storyworld.standins import StandIns
from onestory.storyworld.stories import HELD_OUT, Telling
from onestory.training.shards import told_of

FIRST = HELD_OUT + 2_000_000
"""Neither validation nor the comparison tells these stories."""

COLOURS = tuple(
    attribute
    for attribute in PERSON
    if attribute.name in ("hair colour", "top colour", "bottom colour")
)
"""What is large enough to be read off most pictures."""

BUDGET = 2.0


@pytest.fixture(scope="module", name="model")
def _model() -> PocketModel:
    """The weights that are shipped."""
    return load_model(find_weights())


def take_named(case: Case, shot: int) -> Digest:
    """An address for a real shot."""
    return digest_of(f"{case.seed} {shot}".encode())


def coded(case: Case, shot: int, model: PocketModel) -> torch.Tensor:
    """Latents of a real shot, `F C h w`."""
    return model.codec.encode(case.real[shot][None])[0].transpose(0, 1).contiguous()


def figures(
    model: PocketModel, case: Case, shot: int, names: Mapping[str, str]
) -> dict[str, torch.Tensor]:
    """Whom and what a real shot shows, some of them under other names."""
    told = case.story.shots[shot]
    scene = told.scene
    cast = tuple(
        replace(
            one,
            name=names.get(one.name, one.name),
            target=names.get(one.target, one.target) if one.target else None,
        )
        for one in scene.performers
    )
    grid = Grid(case.drawing.height // CELL, case.drawing.width // CELL)
    stand_ins = StandIns(replace(scene, performers=cast), rows=grid.rows, columns=grid.columns)
    frames = latent_middles(scene.num_frames)
    return figures_of(stand_ins, model.codec, frames, names.get(told.place, told.place))


def remember(
    bank: MemoryBank,
    case: Case,
    shot: int,
    model: PocketModel,
    *,
    at: int,
    names: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Put a real shot into a memory, as shot number `at`."""
    bank.remember(
        coded(case, shot, model),
        take=take_named(case, shot),
        slate=f"{shot}",
        shot=at,
        figures=figures(model, case, shot, names),
    )


def returning(case: Case) -> tuple[int, str] | None:
    """The first shot of somebody who returns alone, and their name."""
    for number, shot in enumerate(case.story.shots):
        if len(shot.people) == 1 and shot.people[0] not in shot.introduces:
            return number, shot.people[0]
    return None


def introduced(case: Case, name: str) -> int:
    """The shot in which somebody is seen first."""
    return next(n for n, shot in enumerate(case.story.shots) if name in shot.introduces)


@pytest.mark.slow
def test_looks_follow_the_memory(model: PocketModel) -> None:
    """With another person's frames in memory, whoever returns looks like that other person."""
    told = [
        (case, *found)
        for case in cases(24, telling=Telling(num_shots=4), first=FIRST)
        if (found := returning(case)) is not None
    ]
    own, other = 0, 0
    for (case, shot, name), (stranger, _, strange_name) in pairwise(told):
        looks = [
            person_values(story.people[who].look)
            for story, who in ((case.story, name), (stranger.story, strange_name))
        ]
        bank = MemoryBank()
        # Whoever is remembered is said to be who returns, in the place that returns.
        place = stranger.story.shots[introduced(stranger, strange_name)].place
        names = {strange_name: name, place: case.story.shots[shot].place}
        remember(bank, stranger, introduced(stranger, strange_name), model, at=0, names=names)
        frames = draw(model, case, shot, bank)
        found = assigned(
            shared_reader().read_shots([frames])[0], case.story.shots[shot], case.story
        )
        if name not in found:
            continue
        for attribute in COLOURS:
            before, now = (values[attribute.name] for values in looks)
            if before is None or now is None:
                continue
            if attribute.accepted(before) & attribute.accepted(now):
                continue
            answer = found[name].answer(attribute.name)
            own += answer in attribute.accepted(before)
            other += answer in attribute.accepted(now)

    assert other + own >= 10, "too little was read to judge"
    assert other >= 3 * own, f"{other} answers follow the memory, {own} do not"


@pytest.mark.slow
def test_a_stranger_changes_nothing_that_is_recalled(model: PocketModel) -> None:
    """Behind a shot of nobody and nowhere that returns, the same frames are recalled."""
    told = [
        (case, found[0])
        for case in cases(72, telling=Telling(num_shots=4), first=FIRST + 1000)
        if (found := returning(case)) is not None
    ]
    kept = 0
    for (case, shot), (stranger, _) in pairwise(told):
        recalled = []
        for is_disturbed in (False, True):
            bank = MemoryBank()
            for number in range(shot):
                remember(bank, case, number, model, at=number)
            if is_disturbed:
                strange = {"A": "Y", "B": "Z", "P": "X", "Q": "W"}
                remember(bank, stranger, 0, model, at=shot, names=strange)
            asked = case.story.shots[shot]
            chosen = model.recall(
                bank,
                model.read(told_of(asked)),
                shot=shot + 1,
                budget=BUDGET,
                cast=cast_of(asked.scene, asked.place),
            )
            recalled.append({entry.latent for entry in chosen.lineage})
        own, disturbed = recalled
        kept += own <= disturbed

    assert len(told) > 50
    assert kept >= 0.95 * (len(told) - 1), f"{kept} of {len(told) - 1} stories recall the same"


def draw(model: PocketModel, case: Case, shot: int, bank: MemoryBank) -> Frame:
    """Draw the first frame of a shot from a memory, `1 H W 3`."""
    told = case.story.shots[shot]
    grid = Grid(case.drawing.height // CELL, case.drawing.width // CELL)
    text_TE = model.read(told_of(told))
    cast = cast_of(told.scene, told.place)
    chosen = model.recall(bank, text_TE, shot=shot, budget=BUDGET, cast=cast)
    (stretch,) = model.draw(
        text_TE,
        grid=grid,
        num_frames=1,
        seed=told.scene.seed,
        memory=model.remember(
            chosen.latents_KCHW, chosen.layout.levels, chosen.shown_KOHW, chosen.staged_KSHW
        ),
        blocking=model.block(told.scene, grid, (0,)),
        sampling=Sampling(),
    )
    return stretch.frames_THW3
