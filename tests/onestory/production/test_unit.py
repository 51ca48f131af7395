"""The film unit on a real vault: what it plans is what it films."""

import asyncio
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import onestory.production.calling
from onestory.continuity.ladder import BEYOND, DEFAULT_LADDER, REMEDIES, Rung, next_attempt
from onestory.documents import Digest
from onestory.engine_server.stage import Stage
from onestory.engines.protocol import Control, Footage, Frame
from onestory.engines.recipe import Recipe
from onestory.engines.remembering import RememberingEngine
from onestory.engines.sabotaged import SabotagedEngine
from onestory.engines.take import Comparison, NgReason, Reference
from onestory.errors import OutOfMemoryError
from onestory.production.call_sheet import CallSheet, TakeInHand
from onestory.production.order import EpisodeOrder
from onestory.production.plan import Call, Plan
from onestory.production.recollection import FILM_RECALL
from onestory.production.unit import Unit
from onestory.testing.drafts import Beat, Draft, Edit
from onestory.testing.in_process import MoodyEngine, engine_of
from onestory.vault.history import versions_of
from onestory.vault.ledger import Ledger
from onestory.vault.store import Vault, hex_of

THREE_SHOTS = Draft(beats=(Beat(action="waves"), Beat(action="dances"), Beat(action="jumps")))
TWO_SHOTS = Draft(beats=(Beat(action="waves"), Beat(action="dances")))

HARDLY_GUIDED = Rung(name="hardly any guidance", guidance_factor=0.25)
LONGER = {**DEFAULT_LADDER, BEYOND.stop: HARDLY_GUIDED}
REORDERED = dict(reversed(DEFAULT_LADDER.items()))


def unit_of(vault: Vault) -> Unit:
    """A unit whose engine remembers."""
    return Unit(vault, engine_of(Stage(RememberingEngine(), vault)), None)


async def read(unit: Unit, draft: Draft, folder: Path, episode: str) -> CallSheet:
    """The draft, broken down and read through."""
    script = draft.written(folder / "script.json", episode=episode)
    order = EpisodeOrder(
        script=str(script), seed=draft.seed, has_scratch_voice=False, width=48, height=80
    )
    return await unit.read_through(await unit.break_down(order))


async def film(unit: Unit, sheet: CallSheet, slate: str) -> TakeInHand:
    """Film a shot and circle its first take, whatever it is like."""
    take = await unit.shoot(sheet, slate, attempt=1)
    await unit.circle(sheet, take)
    return take


def test_the_plan_names_the_take_that_a_missing_shot_will_get(
    vault: Vault, episode_id: str, tmp_path: Path
) -> None:
    """What it will remember is known as soon as every shot before it is filmed."""

    async def planned_and_filmed() -> tuple[Plan, TakeInHand]:
        """Plan with one of two filmed, then film the other."""
        unit = unit_of(vault)
        sheet = await read(unit, TWO_SHOTS, tmp_path, episode_id)
        await film(unit, sheet, sheet.slates[0])
        plan = await unit.survey(sheet)
        return plan, await film(unit, sheet, sheet.slates[1])

    plan, take = asyncio.run(planned_and_filmed())

    assert [shot.freshness for shot in plan.shots] == ["current", "missing"]
    assert plan.shots[1].recipe == take.address


def test_a_unit_may_go_on_with_another_order_of_the_same_script(
    vault: Vault, episode_id: str, tmp_path: Path
) -> None:
    """Another seed makes everything stale in the process that filmed it, as in any other."""

    async def plans() -> list[Plan]:
        """Plan twice in one process."""
        unit = unit_of(vault)
        sheet = await read(unit, TWO_SHOTS, tmp_path, episode_id)
        for slate in sheet.slates:
            await film(unit, sheet, slate)
        before = await unit.survey(sheet)
        reseeded = await read(unit, TWO_SHOTS.edited(Edit("film seed")), tmp_path, episode_id)
        return [before, await unit.survey(reseeded)]

    before, after = asyncio.run(plans())

    assert [shot.freshness for shot in before.shots] == ["current", "current"]
    assert after.shots[0].why == "changed: seed"
    assert [shot.freshness for shot in after.shots] == ["stale", "stale"]


MEETING = Draft(
    beats=(
        Beat(place="KITCHEN", action="waves"),
        Beat(name="JONAS", place="STREET", action="waves"),
        Beat(place="KITCHEN", action="dances"),
        Beat(place="STREET", action="jumps"),
        Beat(place="KITCHEN", action="sits down"),
        Beat(place="KITCHEN", action="waves"),
    )
)


def test_a_take_is_held_against_the_first_and_the_newest_that_show_the_same(
    vault: Vault, episode_id: str, tmp_path: Path
) -> None:
    """Who was never seen before is held against nobody, and nobody against a later take."""

    async def judged() -> list[Comparison]:
        """Film and judge every shot."""
        unit = unit_of(vault)
        sheet = await read(unit, MEETING, tmp_path, episode_id)
        found = []
        for slate in sheet.slates:
            take = await film(unit, sheet, slate)
            answer = await unit.judge(sheet, take)
            verdict = vault.find_verdict(take.address, answer.question)
            assert verdict is not None
            found.append(verdict.comparison)
        return found

    compared = asyncio.run(judged())
    shots = Ledger(vault, episode_id).state.shots
    takes = [one.circled.address for _, one in sorted(shots.items()) if one.circled]

    def people(*numbers: int) -> tuple[Reference, ...]:
        return (Reference(name="MARA", takes=tuple(takes[number] for number in numbers)),)

    assert [one.people for one in compared] == [
        (),
        (),
        people(0),
        people(0, 2),
        people(0, 2, 3),
        people(0, 3, 4),
    ]
    assert [one.place for one in compared] == [
        (),
        (),
        (takes[0],),
        (takes[1],),
        (takes[0], takes[2]),
        (takes[0], takes[2], takes[4]),
    ]


def test_frames_that_a_gate_marked_bad_are_not_remembered(
    vault: Vault, episode_id: str, tmp_path: Path
) -> None:
    """A take that holds still is circled, for want of a better one, and nothing remembers it."""
    engine = SabotagedEngine(
        RememberingEngine(), {"waves": ["frozen"]}, state=str(tmp_path / "played.json")
    )

    async def filmed() -> tuple[TakeInHand, Plan]:
        """Film the draft."""
        unit = Unit(vault, engine_of(Stage(engine, vault)), None)
        sheet = await read(unit, THREE_SHOTS, tmp_path, episode_id)
        frozen = await unit.shoot(sheet, sheet.slates[0], attempt=1)
        verdict = await unit.judge(sheet, frozen)
        assert NgReason.FROZEN in verdict.reasons
        await unit.circle_best(sheet, sheet.slates[0], [1])
        await film(unit, sheet, sheet.slates[1])
        last = await film(unit, sheet, sheet.slates[2])
        return last, await unit.survey(sheet)

    last, plan = asyncio.run(filmed())

    shots = Ledger(vault, episode_id).state.shots
    second = shots["sc01-sh002"].circled
    assert second is not None
    assert vault.get_take(second.address).lineage == ()
    assert {one.take for one in vault.get_take(last.address).lineage} == {second.address}
    assert [shot.freshness for shot in plan.shots] == ["current"] * 3


def test_a_rung_may_have_a_first_frame_of_its_own(
    vault: Vault, episode_id: str, tmp_path: Path
) -> None:
    """It is drawn for that take alone, found again, and the other takes keep theirs."""
    attempts = [1, 2, next_attempt([1, 2, 3], (NgReason.IDENTITY,))]

    async def filmed() -> tuple[list[TakeInHand], Plan]:
        """Film the draft."""
        unit = Unit(vault, engine_of(Stage(MoodyEngine(draws_keyframes=True), vault)), None)
        sheet = await read(unit, TWO_SHOTS, tmp_path, episode_id)
        slate = sheet.slates[0]
        await unit.keyframe(sheet, slate)
        takes = [await unit.shoot(sheet, slate, attempt=attempt) for attempt in attempts]
        again = [await unit.shoot(sheet, slate, attempt=attempt) for attempt in attempts]
        assert [take.address for take in again] == [take.address for take in takes]
        assert all(take.is_reused for take in again)
        await unit.circle(sheet, takes[-1])
        return takes, await unit.survey(sheet)

    takes, plan = asyncio.run(filmed())

    first, second, own = (vault.get_take(take.address).recipe for take in takes)
    assert first.keyframe == second.keyframe
    assert own.keyframe not in (None, first.keyframe)
    assert own.keyframe_by == "engine"
    assert plan.shots[0].freshness == "current"
    assert len(Ledger(vault, episode_id).state.shots["sc01-sh001"].keyframes) == 2


def test_another_ladder_leaves_the_takes_of_older_films_current(
    vault: Vault, episode_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Takes on it and beyond it are found, and what is tried next is none of them."""
    engine = MoodyEngine(draws_keyframes=True)

    async def filmed(*rejected: int) -> tuple[list[TakeInHand], Plan]:
        """In a process of its own: a person rejects so many takes of every shot for a face."""
        unit = Unit(vault, engine_of(Stage(engine, vault)), None)
        sheet = await read(unit, TWO_SHOTS, tmp_path, episode_id)
        ledger, takes = unit.records.ledger(episode_id), []
        for number, slate in enumerate(sheet.slates):
            for num_left in reversed(range(rejected[number] + 1)):
                shot = (await unit.survey(sheet)).shots[number]
                if shot.is_to_be_filmed:
                    await unit.keyframe(sheet, slate)
                    takes.append(await unit.shoot(sheet, slate, attempt=shot.attempt))
                    await unit.circle(sheet, takes[-1])
                circled = ledger.state.shot(slate).circled
                assert circled is not None
                if num_left:
                    ledger.reject(slate, address=circled.address, reason=NgReason.IDENTITY)
        return takes, await unit.survey(sheet)

    async def found_again(attempts: list[int]) -> list[TakeInHand]:
        """In another process: takes of the last shot."""
        unit = Unit(vault, engine_of(Stage(engine, vault)), None)
        sheet = await read(unit, TWO_SHOTS, tmp_path, episode_id)
        return [await unit.shoot(sheet, sheet.slates[1], attempt=one) for one in attempts]

    def numbers() -> list[list[int]]:
        """The takes of every shot."""
        shots = Ledger(vault, episode_id).state.shots
        return [[take.rung + 1 for take in shot.takes] for _, shot in sorted(shots.items())]

    older, before = asyncio.run(filmed(4, 1))
    assert numbers() == [[1, 2, 3, 4, 10], [1, 2]]
    assert [shot.freshness for shot in before.shots] == ["current"] * 2
    for ladder in (REORDERED, LONGER):
        monkeypatch.setattr(onestory.production.calling, "Call", partial(Call, ladder=ladder))
        assert asyncio.run(filmed(0, 0)) == ([], before)

    # Whoever adds a rung says what it helps against.
    faces = (*REMEDIES[NgReason.IDENTITY], HARDLY_GUIDED.name)
    monkeypatch.setitem(REMEDIES, NgReason.IDENTITY, faces)
    newer, _ = asyncio.run(filmed(0, 4))
    again = asyncio.run(found_again([1, 2, 3, 4, 1000, 10]))
    assert numbers() == [[1, 2, 3, 4, 10], [1, 2, 3, 4, 1000, 10]]
    assert not any(take.is_reused for take in (*older, *newer))
    assert len({take.address for take in (*older, *newer)}) == 11
    assert [take.address for take in again[2:]] == [take.address for take in newer]
    assert all(take.is_reused for take in again)


class Short(MoodyEngine):
    """Draws first frames, and has no memory for takes; notes whether a bigger device has."""

    def __init__(self) -> None:
        super().__init__(draws_keyframes=True)
        self.told: list[bool] = []

    def keyframe(self, recipe: Recipe, *, control: Control, **rest: Any) -> Frame:
        """A frame."""
        self.told.append(control.has_bigger_device)
        return super().keyframe(recipe, control=control, **rest)

    def render(self, recipe: Recipe, *, control: Control, **rest: Any) -> Footage:
        """No take."""
        self.told.append(control.has_bigger_device)
        raise OutOfMemoryError("no memory", hint="buy some")


@pytest.mark.parametrize("pool", [None, "big"])
def test_an_engine_knows_whether_a_bigger_device_takes_over(
    vault: Vault, episode_id: str, tmp_path: Path, pool: str | None
) -> None:
    """Of first frames and of takes; its error names the take, and a move stands in the ledger."""
    engine = Short()

    async def moved() -> tuple[CallSheet, OutOfMemoryError, list[str]]:
        """Try to film the second shot, and move, twice as a run does that is begun again."""
        unit = Unit(vault, engine_of(Stage(engine, vault)), None, run="run")
        unit.bigger_pool = pool
        sheet = await read(unit, TWO_SHOTS, tmp_path, episode_id)
        await unit.keyframe(sheet, sheet.slates[0])
        with pytest.raises(OutOfMemoryError) as caught:
            await unit.shoot(sheet, sheet.slates[0], attempt=1)
        for _ in range(2):
            await unit.move(sheet, "big", caught.value)
        events = unit.records.ledger(sheet.episode).history()
        return sheet, caught.value, [one.what for one in versions_of(events)]

    sheet, error, happened = asyncio.run(moved())

    assert engine.told == [pool is not None] * 2
    assert (error.slate, error.hint) == (f"{sheet.prefix}-{sheet.slates[0]}-tk01", "buy some")
    assert [one for one in happened if "moved" in one] == [
        f"filming moved at {sheet.slates[0]}: to the pool big, since no memory"
    ]


class Reads(Vault):
    """Counts the small answers that are read."""

    def __init__(self, vault: Vault) -> None:
        super().__init__(vault.address)
        self.kinds: list[str] = []

    def find_lookup(self, kind: str, key: Digest) -> dict[str, Any] | None:
        """Read one, and remember of which kind it was."""
        self.kinds.append(kind)
        return super().find_lookup(kind, key)


def test_what_a_film_remembers_is_read_as_one(
    vault: Vault, episode_id: str, tmp_path: Path
) -> None:
    """The plan after a plan asks for no shot's memory by itself, and says the same."""

    async def filmed() -> Plan:
        """Film the draft."""
        unit = unit_of(vault)
        sheet = await read(unit, THREE_SHOTS, tmp_path, episode_id)
        for slate in sheet.slates:
            await film(unit, sheet, slate)
        return await unit.survey(sheet)

    async def planned(reads: Reads, draft: Draft) -> Plan:
        """Plan in another process."""
        unit = unit_of(reads)
        return await unit.survey(await read(unit, draft, tmp_path, episode_id))

    before = asyncio.run(filmed())
    again = Reads(vault)
    after = asyncio.run(planned(again, THREE_SHOTS))

    assert [shot.freshness for shot in before.shots] == ["current"] * 3
    assert after == before
    assert again.kinds == [FILM_RECALL]

    # Another film is another question.
    other = asyncio.run(planned(Reads(vault), THREE_SHOTS.edited(Edit("film seed"))))
    assert [shot.freshness for shot in other.shots] == ["stale"] * 3


def test_damage_is_planned_for_though_a_film_s_memory_is_known(
    vault: Vault, episode_id: str, tmp_path: Path
) -> None:
    """Latents that came to harm since the last plan are missed in the next, by name."""

    async def filmed() -> tuple[Plan, Digest]:
        """Film the draft."""
        unit = unit_of(vault)
        sheet = await read(unit, THREE_SHOTS, tmp_path, episode_id)
        takes = [await film(unit, sheet, slate) for slate in sheet.slates]
        latents = vault.get_take(takes[0].address).media.latents
        assert latents is not None
        return await unit.survey(sheet), latents

    async def planned() -> Plan:
        """Plan in another process."""
        unit = unit_of(vault)
        return await unit.survey(await read(unit, THREE_SHOTS, tmp_path, episode_id))

    before, latents = asyncio.run(filmed())
    vault.put_new(f"blobs/{hex_of(latents)[:2]}/{hex_of(latents)[2:]}", b"rotten")
    after = asyncio.run(planned())

    assert [shot.freshness for shot in before.shots] == ["current"] * 3
    assert after.shots[0].why.endswith("are damaged")
    assert [shot.freshness for shot in after.shots] == ["missing", "blocked", "blocked"]
