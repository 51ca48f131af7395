"""What a person is asked of a take, on a real vault, and what the plan makes of the answer."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from onestory.engine_server.stage import Stage
from onestory.engines.remembering import RememberingEngine
from onestory.engines.take import NgReason
from onestory.errors import GateError, OrderError
from onestory.production.call_sheet import CallSheet, TakeInHand
from onestory.production.crashes import CrashedShot, enter_crashes
from onestory.production.order import EpisodeOrder
from onestory.production.plan import ShotPlan
from onestory.production.review import (
    NOBODY,
    Answer,
    Question,
    circle,
    heed,
    open_question,
    reject,
)
from onestory.production.unit import Unit
from onestory.testing.drafts import Beat, Draft
from onestory.testing.in_process import engine_of
from onestory.vault.history import versions_of
from onestory.vault.store import Vault

TWO_SHOTS = Draft(beats=(Beat(action="waves"), Beat(action="dances")))


@dataclass
class Film:
    """A film of two shots, of which every take is reviewed."""

    vault: Vault
    sheet: CallSheet
    unit: Unit

    async def shoot(self, slate: str) -> TakeInHand:
        """Film the take of a shot that the plan names, and circle it."""
        plan = await self.unit.look_again(self.sheet, slate)
        assert plan.is_to_be_filmed, plan
        take = await self.unit.shoot(self.sheet, slate, attempt=plan.attempt)
        await self.unit.judge(self.sheet, take)
        await self.unit.circle(self.sheet, take)
        return take

    async def asked(self, slate: str) -> Question:
        """The question that is open."""
        question = await open_question(self.unit, self.sheet, slate)
        assert question is not None
        return question

    async def asked_of_crashed(self, slate: str) -> Question:
        """The question that is open once workers have crashed in a shot."""
        ledger = self.unit.records.ledger(self.sheet.episode)
        ledger.crashed(slate, why="on workers a, b", run=f"run/{ledger.state.sequence}")
        return await self.asked(slate)

    async def say(self, question: Question, **fields: Any) -> str:
        """Answer a question."""
        answer = Answer.model_validate(fields)
        return await heed(self.unit, self.sheet, question, answer, run="run")

    @property
    def last(self) -> str:
        """What happened last, in words."""
        return versions_of(self.unit.records.ledger(self.sheet.episode).history())[-1].what

    def elsewhere(self) -> "Film":
        """The same film in another process."""
        return Film(self.vault, self.sheet, _unit_of(self.vault))


def _unit_of(vault: Vault) -> Unit:
    return Unit(vault, engine_of(Stage(RememberingEngine(), vault)), None)


Story = Callable[[Film], Coroutine[Any, Any, None]]


@pytest.fixture(name="tell")
def _tell(vault: Vault, episode_id: str, tmp_path: Path) -> Callable[[Story], None]:
    """Run a story of a film of which nothing is filmed yet."""

    async def told(story: Story) -> None:
        unit = _unit_of(vault)
        script = TWO_SHOTS.written(tmp_path / "script.json", episode=episode_id)
        order = EpisodeOrder(
            script=str(script), has_scratch_voice=False, width=48, height=80, review="every"
        )
        sheet = await unit.read_through(await unit.break_down(order))
        await story(Film(vault, sheet, unit))

    return lambda story: asyncio.run(told(story))


def test_a_question_has_one_name_until_something_is_decided(tell: Callable[[Story], None]) -> None:
    """Another process asks the very same; a caption that comes back is asked of anew."""

    async def story(film: Film) -> None:
        """What happens, in order."""
        one, slate = film.sheet.slates
        assert await open_question(film.unit, film.sheet, slate) is None
        await film.shoot(one)
        await film.shoot(slate)
        names = []
        for caption in ("Mara jumps.", "Mara sits down.", "Mara jumps.", "Mara sits down."):
            question = await film.asked(slate)
            assert question.key == (await film.elsewhere().asked(slate)).key
            names.append(question.key)
            assert await film.say(question, action="new caption", caption=caption) == ""
            await film.shoot(slate)

        assert len(set(names)) == 4
        assert all(set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-") for name in names)
        assert len((await film.asked(slate)).takes) == 3

    tell(story)


def test_a_rejected_take_is_not_what_comes_next(tell: Callable[[Story], None]) -> None:
    """The plan names the next take, memory and all, and a later shot forgets the rejected one."""

    async def story(film: Film) -> None:
        """What happens, in order."""
        one, two = film.sheet.slates
        for slate in (one, two):
            await film.shoot(slate)
            await film.say(await film.asked(slate), action="circle", by="Ada")
        circle(film.unit, film.sheet, "2", None)
        rejected = reject(film.unit, film.sheet, "2", None, reason=NgReason.IDENTITY, person="Ada")

        for unit in (film.unit, film.elsewhere().unit):
            plan: ShotPlan = await unit.look_again(film.sheet, two)
            assert (plan.freshness, plan.why) == ("missing", "no take is circled")
            assert plan.attempt > 1
        take = await film.shoot(two)

        assert take.address == plan.recipe != rejected.address
        assert take.slate.endswith("tk02")
        reject(film.unit, film.sheet, "1", None, reason=NgReason.PLACE)
        again = await film.shoot(one)
        plan = await film.unit.look_again(film.sheet, two)
        assert plan.freshness == "stale"
        assert "memory" in plan.why
        newest = await film.shoot(two)
        seen = film.unit.records.takes([newest.address])[newest.address].lineage
        assert {frame.take for frame in seen} == {again.address}

    tell(story)


def test_an_answer_that_cannot_be_followed_says_why(tell: Callable[[Story], None]) -> None:
    """Nothing is entered then, and the question stays what it was."""

    async def story(film: Film) -> None:
        """What happens, in order."""
        slate = film.sheet.slates[0]
        await film.shoot(slate)
        question = await film.asked(slate)
        before = film.last
        for fields, words in (
            ({"action": "circle", "take": 7}, "no take 7 of shot 1 (its takes are 1)"),
            ({"action": "reject", "take": 7}, "no take 7"),
            ({"action": "new caption", "caption": "The same man jumps."}, "nobody before"),
            ({"action": "new caption", "caption": question.caption}, "that very caption"),
        ):
            assert words in await film.say(question, **fields), fields
        with pytest.raises(GateError, match="Ada gave shot 1 up: no money"):
            await film.say(question, action="give up", by="Ada", note="no money")

        assert film.last == before
        assert (await film.asked(slate)).key == question.key

    tell(story)


def test_who_decided_is_recorded(tell: Callable[[Story], None]) -> None:
    """By name, or as nobody; and a take is asked of no more."""

    async def story(film: Film) -> None:
        """What happens, in order."""
        one, two = film.sheet.slates
        await film.shoot(one)
        await film.say(await film.asked(one), action="circle", note="her eyes", by="Ada")
        assert film.last.endswith("circled by Ada: her eyes")
        await film.shoot(two)
        await film.say(await film.asked(two), action="new caption", caption="Mara jumps.", by="Ada")
        assert film.last == f"caption of {two} ordered by Ada"
        await film.shoot(two)
        await film.say(await film.asked(two), action="circle", by=NOBODY)
        assert film.last.endswith("circled by nobody: nobody reviewed it in time")
        for slate in (one, two):
            assert await open_question(film.unit, film.sheet, slate) is None

    tell(story)


def test_a_shot_in_which_workers_crashed_is_asked_of(tell: Callable[[Story], None]) -> None:
    """Once for all who go on with its film; the plan names the workers, and so does the error."""

    async def story(film: Film) -> None:
        """What happens, in order."""
        one, two = film.sheet.slates
        await film.shoot(one)
        await film.say(await film.asked(one), action="circle")
        why = "on the floor at each of 3 crashes, on workers a, b, c"
        found = CrashedShot(shot=f"{film.sheet.prefix}-{two}", why=why, count=3)
        lost = found.model_copy(update={"shot": "s09e09-sc01-sh001", "count": 4})
        for crashed in (found, lost, found):
            await enter_crashes(film.unit, film.sheet, crashed, run="run")
        plan = await film.unit.look_again(film.sheet, two)
        assert plan.waits_for_a_person
        assert (plan.verdict, plan.why) == ("waiting for review", f"{why}; never filmed")
        assert not (await film.unit.look_again(film.sheet, one)).waits_for_a_person

        question = await film.asked(two)
        assert question.key == (await film.elsewhere().asked(two)).key
        assert (question.number, question.slate) == (None, found.shot)
        shown = question.in_markdown()
        assert f"**Shot 2 waits for you** ({found.shot})." in shown
        assert f"It was {why}" in shown
        assert why in question.unasked().message
        assert f"onestory retake {film.sheet.episode} --shots 2" in str(question.unasked().hint)
        assert "no take 1 of shot 2" in await film.say(question, action="circle", take=1)
        assert "that very caption" in await film.say(
            question, action="new caption", caption=question.caption
        )
        with pytest.raises(GateError, match="Ada gave shot 2 up"):
            await film.say(question, action="give up", by="Ada")
        assert (await film.asked(two)).key == question.key

        assert await film.say(question, action="film again", by="Ada") == ""
        await enter_crashes(film.unit, film.sheet, found, run="run")
        assert await open_question(film.unit, film.sheet, two) is None
        plan = await film.unit.look_again(film.sheet, two)
        assert (plan.waits_for_a_person, plan.ordered) == (False, ("seed",))
        assert film.last == f"seed of {two} ordered by Ada"

    tell(story)


def test_an_old_take_may_stay_in_place_of_one_that_crashes(tell: Callable[[Story], None]) -> None:
    """It is stale, and kept: nobody films the shot again before something of it changes."""

    async def story(film: Film) -> None:
        """What happens, in order."""
        one, two = film.sheet.slates
        for slate in (one, two):
            await film.shoot(slate)
            await film.say(await film.asked(slate), action="circle", by="Ada")
        await film.say(await film.asked_of_crashed(two), action="new caption", caption="She jumps.")
        assert (await film.unit.look_again(film.sheet, two)).freshness == "stale"

        question = await film.asked_of_crashed(two)
        assert [take.number for take in question.takes] == [1]
        assert "watch take 1" in question.in_markdown()
        assert await film.say(question, action="circle", by="Ada") == ""

        plan = await film.unit.look_again(film.sheet, two)
        assert (plan.hold, plan.is_to_be_filmed, plan.crashed) == ("to be kept", False, "")

    tell(story)


def test_a_verb_needs_a_take_to_speak_of(tell: Callable[[Story], None]) -> None:
    """A shot without takes, and several shots at once, are refused."""

    async def story(film: Film) -> None:
        """What happens, in order."""
        for shot, words in (("1", "no take is circled"), ("1-2", "2 shots"), ("9", "no shot 9")):
            with pytest.raises(OrderError, match=words):
                circle(film.unit, film.sheet, shot, None)
        with pytest.raises(OrderError, match="no take 1 of shot 2"):
            reject(film.unit, film.sheet, "2", 1, reason=NgReason.PERSON)

    tell(story)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"action": "new caption"}, "the caption is empty"),
        ({"action": "new caption", "caption": "  "}, "the caption is empty"),
        ({"action": "reject", "caption": "Mara jumps."}, "but the decision is 'reject'"),
        ({"action": "circle", "take": 0}, "greater than or equal to 1"),
        ({"action": "reject", "reason": "ugly"}, "'black', 'frozen'"),
        ({"action": "shrug"}, "'circle', 'reject', 'film again', 'new caption' or 'give up'"),
    ],
)
def test_a_form_that_contradicts_itself_is_refused(fields: dict[str, Any], words: str) -> None:
    """What is wrong is said in words that a producer understands."""
    with pytest.raises(ValidationError, match=words):
        Answer.model_validate(fields)
