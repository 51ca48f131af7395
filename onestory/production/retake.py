"""
What does an order to film shots again change?

    "3,5-7" ── slates ──┬── these shots    caption, seed, first frame, clip: as ordered now
                        └── shots after    affected  nothing is said of them: the plan decides
                                           keep      their takes stay, other memory or not
                                           all       another seed for each
                                           freeze    their takes stay, whatever happens

All of it is one event in the ledger, written before anything is filmed. What then happens is
the plan's business: whoever is killed on the way goes on with `onestory produce`.
"""

import asyncio
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from PIL import Image

from onestory.breakdown.checks import check_references
from onestory.breakdown.slates import parts_of
from onestory.cut.clip import frames_in
from onestory.documents import Digest, Frozen
from onestory.errors import MediaError, OrderError
from onestory.production.call_sheet import CallSheet
from onestory.production.order import RetakeOrder
from onestory.production.standing import Standing, as_ordered, standing, written
from onestory.production.unit import Unit
from onestory.screenplay.episode import Episode, Shot
from onestory.vault.events import Hold, ShotOrder
from onestory.vault.ledger import EpisodeState

_RANGE = re.compile(r"(?P<first>\d+[A-Z.]*)(?:-(?P<last>\d+[A-Z.]*))?")
"""Matched against upper case."""

ONE_SHOT_ONLY = ("caption", "keyframe", "clip")
"""Fields of an order that speak of a single shot."""


class Retake(Frozen):
    """An order that is entered."""

    sheet: CallSheet
    first: str
    """Slate of the first shot that may be filmed again: those before it are left alone."""


async def enter(
    unit: Unit, order: RetakeOrder, *, run: str, in_pencil: bool = False, person: str = ""
) -> Retake:
    """
    Enter an order into the ledger of its episode, once for each run.

    It is an order for the breakdown in force: what of the script was edited since then is filmed
    by the next `produce`.

    Args:
        unit: Whose vault.
        order: What is wanted.
        run: Whose order it is: a retried run enters nothing twice.
        in_pencil: Whether this unit alone is told, to see what would be.
        person: Name of who orders it, if it is known.

    Raises:
        OrderError: If there is no such episode or shot, or the order contradicts itself.
        CaptionError: If the caption speaks of nobody known.
    """
    if order.keyframe is not None and not (await unit.engine.health()).accepts_keyframes:
        raise OrderError(
            "the engine that films cannot start from a first frame",
            hint="choose another --engine, or order a --caption",
        )
    return await asyncio.to_thread(_enter, unit, order, run, in_pencil, person)


def _enter(unit: Unit, order: RetakeOrder, run: str, in_pencil: bool, person: str) -> Retake:
    ledger = unit.records.ledger(order.episode)
    ledger.refresh()
    if in_pencil:
        ledger.write_in_pencil()
    sheet = unit.records.sheet_of(order.episode)
    episode, state = unit.records.episode_of(sheet), ledger.state
    wanted = chosen(order.shots, episode)
    _check(order, wanted)
    _check_filmed_before(wanted[0], episode, state)
    if run in state.runs:
        return Retake(sheet=sheet, first=wanted[0].slate)
    held = standing(episode, state)
    keyframe = _picture(unit, order.keyframe) if order.keyframe else None
    clip = _footage(unit, sheet, wanted[0], order.clip) if order.clip else None
    later = _later(wanted, episode)
    orders = (
        {}
        if order.withdraw
        else {
            shot.slate: _order(shot, order, held, state, sheet.order.seed, keyframe, clip)
            for shot in wanted
        }
    )
    if order.downstream == "all":
        orders |= _on_other_seeds(later, held, state, sheet.order.seed)
    check_references(as_ordered(episode, {**held.orders, **orders}))
    ledger.ordered(
        run,
        orders=list(orders.values()),
        holds=[*_holds(order, later, held, state)],
        withdrawn=[shot.slate for shot in wanted] if order.withdraw else [],
        person=person,
    )
    return Retake(sheet=sheet, first=wanted[0].slate)


def chosen(shots: str, episode: Episode) -> tuple[Shot, ...]:
    """
    The shots that a person means, in story order.

    Args:
        shots: Numbers as on the slates, and ranges of them: `3,5-7`. An inserted shot has a
            letter, `5A`; ranges hold it, as names sort.
        episode: Whose shots.

    Raises:
        OrderError: If a number is none, a range runs backwards, or there is no such shot.
    """
    found: set[str] = set()
    for part in re.split(r"\s*,\s*", shots.strip()):
        meant = _RANGE.fullmatch(part.replace(" ", "").upper())
        if meant is None:
            raise OrderError(
                f"{part!r} is no shot and no range of shots", hint="for example 3, 5A or 5-7"
            )
        first, last = _number(meant["first"]), _number(meant["last"] or meant["first"])
        if first > last:
            raise OrderError(f"the range {part} runs backwards", hint="the smaller number first")
        slates = [one.slate for one in episode.shots if first <= parts_of(one.slate).number <= last]
        if not slates or (first == last and len(slates) != 1):
            numbers = [parts_of(one.slate).number for one in episode.shots]
            raise OrderError(
                f"there is no shot {part} in episode {episode.episode}",
                hint=f"its {len(numbers)} shots go from {numbers[0]} to {numbers[-1]}",
            )
        found.update(slates)
    return tuple(shot for shot in episode.shots if shot.slate in found)


def _number(written_number: str) -> str:
    digits = re.match(r"\d+", written_number)
    assert digits is not None
    return f"{int(digits.group()):03d}{written_number[digits.end() :]}"


def _check(order: RetakeOrder, wanted: Sequence[Shot]) -> None:
    given = [name for name in (*ONE_SHOT_ONLY, "seed") if getattr(order, name) is not None]
    single = [name for name in given if name in ONE_SHOT_ONLY]
    if single and len(wanted) > 1:
        raise OrderError(
            f"one {single[0]} cannot be for {len(wanted)} shots", hint="order one shot at a time"
        )
    if "clip" in given and len(given) > 1:
        raise OrderError(
            f"a clip leaves nothing to be filmed, so {given[0]} means nothing",
            hint="order either of them",
        )
    if order.withdraw and given:
        raise OrderError(
            f"an order cannot be withdrawn and give a {given[0]}", hint="withdraw first"
        )


def _check_filmed_before(first: Shot, episode: Episode, state: EpisodeState) -> None:
    for shot in episode.shots[: episode.shots.index(first)]:
        if state.shot(shot.slate).circled is None:
            raise OrderError(
                f"{shot.slate} before it has no take",
                slate=first.slate,
                hint="film the episode first: onestory produce",
            )


def _file(name: str) -> Path:
    path = Path(name)
    if not path.is_file():
        raise OrderError(f"there is no file {path.name!r}", hint="check its path")
    return path


def _picture(unit: Unit, name: str) -> Digest:
    """A person's own first frame, put into the vault."""
    path = _file(name)
    try:
        with Image.open(path) as picture:
            picture.load()
    except (OSError, ValueError) as error:
        raise OrderError(f"{path.name!r} is no picture that can be read") from error
    return unit.vault.put_file(path, media_type="image/png")


def _footage(unit: Unit, sheet: CallSheet, shot: Shot, name: str) -> Digest:
    """A person's own take, put into the vault if it is long enough for the shot."""
    path = _file(name)
    content, fps = path.read_bytes(), unit.records.episode_of(sheet).fps
    try:
        found = frames_in(content, fps=fps)
    except MediaError as error:
        raise OrderError(f"{path.name!r}: {error.message}", slate=shot.slate) from error
    wanted = unit.records.read_of(sheet).shot(shot.slate).num_frames
    if found < wanted:
        raise OrderError(
            f"{path.name!r} has {found} frames at {fps} a second, and the shot has {wanted}",
            slate=shot.slate,
            hint="bring a longer clip, or write a shorter shot",
        )
    return unit.vault.put_blob(content, media_type="video/mp4")


def _later(wanted: Sequence[Shot], episode: Episode) -> tuple[Shot, ...]:
    """The shots after the first one that is wanted which are not wanted themselves."""
    after = episode.shots[episode.shots.index(wanted[0]) :]
    return tuple(shot for shot in after if shot not in wanted)


def _order(
    shot: Shot,
    order: RetakeOrder,
    held: Standing,
    state: EpisodeState,
    film_seed: int,
    keyframe: Digest | None,
    clip: Digest | None,
) -> ShotOrder:
    """What holds of a shot from now on: what stood, and what the order adds."""
    stood = _stood(shot, held)
    if clip is not None:
        return ShotOrder(shot=shot.slate, written=stood.written, clip=clip)
    makes_another = order.caption is not None or keyframe is not None or stood.clip is not None
    seed = order.seed
    if seed is None:
        seed = stood.seed if makes_another else _another_seed(shot, state, film_seed)
    return ShotOrder(
        shot=shot.slate,
        written=stood.written,
        caption=stood.caption if order.caption is None else order.caption,
        seed=seed,
        keyframe=keyframe or stood.keyframe,
    )


def _on_other_seeds(
    shots: Sequence[Shot], held: Standing, state: EpisodeState, film_seed: int
) -> dict[str, ShotOrder]:
    """Shots as they stand, each on another seed; not those that are frozen or a person's own."""
    orders = {}
    for shot in shots:
        stood, hold = _stood(shot, held), held.holds.get(shot.slate)
        if stood.clip is None and not (hold and hold.is_frozen):
            seed = _another_seed(shot, state, film_seed)
            orders[shot.slate] = stood.model_copy(update={"seed": seed})
    return orders


def _stood(shot: Shot, held: Standing) -> ShotOrder:
    return held.orders.get(shot.slate) or ShotOrder(shot=shot.slate, written=written(shot))


def _another_seed(shot: Shot, state: EpisodeState, film_seed: int) -> int:
    """A seed that neither the film nor any order for the shot has had."""
    return (max(film_seed, state.shot(shot.slate).highest_seed or 0) + 1) % 2**31


def _holds(
    order: RetakeOrder, later: Sequence[Shot], held: Standing, state: EpisodeState
) -> Iterator[Hold]:
    if order.downstream not in ("keep", "freeze"):
        return
    for shot in later:
        circled, known = state.shot(shot.slate).circled, held.holds.get(shot.slate)
        if circled is not None and not (known and known.is_frozen):
            yield Hold(
                shot=shot.slate,
                take=circled.address,
                is_frozen=order.downstream == "freeze",
                written=written(shot),
            )
