"""
What is a person asked of a take, and what becomes of the answer?

    take circled, waiting ──┬── Question ── Answer ──┬── circle K      it waits no more
    shot crashed, waiting ──┘                        ├── reject K      another take is filmed
                                                     ├── film again    on another seed
                                                     ├── new caption   the shot is filmed with it
                                                     └── give up       the film ends there

The answer is entered in the ledger, and the plan knows what follows from it. A question has a
name that follows from the ledger too: whoever asks again, in another process, asks the same one
until something was decided.
"""

import asyncio
from collections.abc import Mapping
from typing import Literal, Self, TypeAlias

from pydantic import Field, model_validator

from onestory.breakdown.recaption import recaptioned
from onestory.breakdown.slates import parts_of
from onestory.documents import Digest, Frozen
from onestory.engines.recipe import IMPORTED
from onestory.engines.take import NgReason, Take
from onestory.errors import GateError, OrderError, ReviewNeededError, ScriptError
from onestory.production.call_sheet import CallSheet
from onestory.production.estimate import cell
from onestory.production.order import RetakeOrder
from onestory.production.retake import chosen, enter
from onestory.production.standing import written
from onestory.production.unit import Unit
from onestory.screenplay.episode import Shot
from onestory.vault.events import Circler, Hold
from onestory.vault.ledger import ShotState, TakeEntry

Action: TypeAlias = Literal["circle", "reject", "film again", "new caption", "give up"]

NOBODY = "nobody in time"
"""Whose answer it is when a person was asked and did not answer in time."""


class Answer(Frozen):
    """What a person says to a take. Its fields are the form that a person fills in."""

    action: Action = Field(
        default="circle",
        title="Decision",
        description="circle: this take is in the film. reject: another take is filmed. film "
        "again: the shot is filmed on another seed. new caption: it is filmed with other words. "
        "give up: the film ends here.",
    )
    take: int | None = Field(
        default=None,
        ge=1,
        title="Take",
        description="Number of the take that you circle or reject.",
    )
    reason: NgReason = Field(
        default=NgReason.PERSON,
        title="Reason",
        description='Why a take is rejected; "person" if none of the other words says it.',
    )
    note: str = Field(
        default="", title="Note", description="Whatever else should be remembered of this."
    )
    caption: str = Field(
        default="",
        title="New caption",
        description='For the decision "new caption": what is to be seen. May name the cast.',
    )
    by: str = Field(default="", title="Your name", description="Who decides; may be empty.")

    @model_validator(mode="after")
    def _speaks_of_one_thing(self) -> Self:
        """Refuse a new caption that is none, and one that would be lost."""
        has_caption = bool(self.caption.strip())
        if self.action == "new caption" and not has_caption:
            raise ValueError("the decision is a new caption, and the caption is empty")
        if self.action != "new caption" and has_caption:
            raise ValueError(f"there is a new caption, but the decision is {self.action!r}")
        return self


class ShownTake(Frozen):
    """A take as a person sees it who has to decide."""

    number: int
    """K of `tkK`."""
    verdict: str
    """What the gates say of it."""
    rejected_why: str = ""
    video: str = ""
    """Address that expires; empty if the take is gone."""
    poster: str = ""

    @property
    def in_short(self) -> str:
        """Number and verdict."""
        rejected = f", rejected: {self.rejected_why}" if self.rejected_why else ""
        return f"take {self.number} {self.verdict}{rejected}"


class Question(Frozen):
    """A take that waits for a person, or a shot in which worker after worker crashed."""

    key: str
    """Equal for equal questions, and for no others of a film."""
    episode: str
    shot: str
    slate: str
    """Of the take that waits, or of the shot."""
    number: int | None
    """K of the take that waits; None if it is the shot that does."""
    why: str
    """Why the take is circled, or which workers crashed."""
    caption: str
    takes: tuple[ShownTake, ...]

    @property
    def shot_number(self) -> str:
        """The shot as a person names it: `3`, or `5A`."""
        return parts_of(self.shot).number.lstrip("0")

    @property
    def subject(self) -> str:
        """What waits, in words."""
        shot = f"shot {self.shot_number}"
        return f"Take {self.number} of {shot}" if self.number else shot.capitalize()

    def in_markdown(self, objection: str = "") -> str:
        """
        The question for a dashboard.

        Args:
            objection: Why the last answer could not be followed.
        """
        lines = [f"**Not possible: {cell(objection)}**", ""] if objection else []
        lines += [f"**{self.subject} waits for you** ({self.slate}).", ""]
        if self.number is None:
            lines += [f"It was {cell(self.why)}: it is not filmed before you decide.", ""]
        lines.append(f"*{cell(self.caption)}*")
        if not self.takes:
            return "\n".join(lines)
        lines += [
            "",
            "| take | picture | gates | film |",
            "| --- | --- | --- | --- |",
        ]
        for take in self.takes:
            waits = " (waits)" if take.number == self.number else ""
            said = cell(
                take.verdict + (f"; rejected: {take.rejected_why}" * bool(take.rejected_why))
            )
            poster = f"![take {take.number}]({take.poster})" if take.poster else "gone"
            video = f"[watch take {take.number}]({take.video})" if take.video else ""
            lines.append(f"| {take.number}{waits} | {poster} | {said} | {video} |")
        compare = f"onestory compare {self.episode} --shot {self.shot_number}"
        return "\n".join([*lines, "", f"Side by side, with every number: `{compare}`"])

    def unasked(self) -> ReviewNeededError:
        """The error of a run that cannot ask."""
        if self.number is None:
            verb = f"onestory retake {self.episode} --shots {self.shot_number}"
            return ReviewNeededError(
                f"the shot waits for a person: it was {self.why}",
                slate=self.slate,
                hint=f"{verb} films it on another seed, or with --caption WORDS; with --withdraw "
                "as the script has it",
            )
        verb = f"{self.episode} --shot {self.shot_number} [--take K]"
        return ReviewNeededError(
            f"take {self.number} waits for a person: "
            f"{'; '.join(take.in_short for take in self.takes)}",
            slate=self.slate,
            hint=f"onestory circle {verb}, or onestory reject {verb} --why REASON, and then "
            "produce again",
        )


async def open_question(unit: Unit, sheet: CallSheet, slate: str) -> Question | None:
    """What a person has to be asked of a shot; None if neither it nor a take of it waits."""
    return await asyncio.to_thread(_open_question, unit, sheet, slate)


async def heed(
    unit: Unit, sheet: CallSheet, question: Question, answer: Answer, *, run: str
) -> str:
    """
    Enter an answer in the ledger.

    Args:
        unit: Whose ledger.
        sheet: Which episode.
        question: What was asked.
        answer: What was said.
        run: Flow run that asked.

    Returns:
        Why it cannot be followed, for whom it is asked again; empty if it is entered.

    Raises:
        GateError: If the person gives the shot up.
    """
    who = answer.by.strip()
    try:
        if answer.action == "give up":
            raise GateError(
                f"{who or 'a person'} gave shot {question.shot_number} up"
                f"{': ' * bool(answer.note)}{answer.note}",
                slate=question.slate,
                hint="run it again to be asked again",
            )
        if answer.action == "new caption":
            await _recaption(unit, sheet, question, answer, run=f"{run}/{question.key}")
        elif answer.action == "film again":
            order = RetakeOrder(episode=sheet.episode, shots=question.shot_number)
            await enter(unit, order, run=f"{run}/{question.key}", person=who)
        elif answer.action == "reject":
            await asyncio.to_thread(
                reject,
                *(unit, sheet, question.shot_number, answer.take),
                reason=answer.reason,
                note=answer.note,
                person=who,
            )
        else:
            is_late = who == NOBODY
            await asyncio.to_thread(
                circle,
                *(unit, sheet, question.shot_number, answer.take),
                note="nobody reviewed it in time" if is_late else answer.note,
                person="" if is_late else who,
                by="nobody" if is_late else "person",
            )
    except (OrderError, ScriptError) as error:
        return f"{error.message} ({error.hint})" if error.hint else error.message
    return ""


def circle(
    unit: Unit,
    sheet: CallSheet,
    shot: str,
    number: int | None,
    *,
    note: str = "",
    person: str = "",
    by: Circler = "person",
) -> TakeEntry:
    """
    Circle a take for a person; it waits no more, and is in the film.

    A take that comes in place of another one may be of an older caption or memory: it stays, as
    a take that is kept, until something else of the shot changes.

    Args:
        unit: Whose ledger.
        sheet: Which episode.
        shot: Number as on the slate: `3`, or `5A`.
        number: K of the take; None: the one that is circled.
        note: Why, in the person's words.
        person: Their name.
        by: Who it is that circles.

    Raises:
        OrderError: If there is no such shot or take, or it is gone.
    """
    wanted, coverage = _coverage(unit, sheet, shot)
    entry = _numbered(wanted, coverage, number)
    if not unit.records.takes([entry.address]):
        raise OrderError(
            f"take {entry.slate} is not in the vault any more",
            slate=entry.slate,
            hint="circle another one, or reject what is circled",
        )
    ledger = unit.records.ledger(sheet.episode)
    circled = coverage.circled
    if coverage.crashed or circled is None or circled.address != entry.address:
        ledger.kept(Hold(shot=wanted.slate, take=entry.address, written=written(wanted)))
    ledger.circle(
        wanted.slate, address=entry.address, by=by, why=note or "chosen in review", person=person
    )
    return entry


def reject(
    unit: Unit,
    sheet: CallSheet,
    shot: str,
    number: int | None,
    *,
    reason: NgReason,
    note: str = "",
    person: str = "",
) -> TakeEntry:
    """
    Reject a take for a person; if it is circled, another one is filmed.

    Args:
        unit: Whose ledger.
        sheet: Which episode.
        shot: Number as on the slate: `3`, or `5A`.
        number: K of the take; None: the one that is circled.
        reason: Word of the vocabulary.
        note: What else there is to say.
        person: Their name.

    Raises:
        OrderError: If there is no such shot or take, or it is a person's own footage.
    """
    wanted, coverage = _coverage(unit, sheet, shot)
    entry = _numbered(wanted, coverage, number)
    take = unit.records.takes([entry.address]).get(entry.address)
    if take is not None and take.recipe.engine.name == IMPORTED:
        raise OrderError(
            f"take {entry.slate} is a clip of one's own, which was ordered",
            slate=entry.slate,
            hint=f"onestory retake {sheet.episode} --shots {shot} --withdraw",
        )
    unit.records.ledger(sheet.episode).reject(
        wanted.slate, address=entry.address, reason=reason, note=note, person=person
    )
    return entry


async def _recaption(
    unit: Unit, sheet: CallSheet, question: Question, answer: Answer, *, run: str
) -> None:
    caption = answer.caption.strip()
    await asyncio.to_thread(_check_caption, unit, sheet, question, caption)
    order = RetakeOrder(episode=sheet.episode, shots=question.shot_number, caption=caption)
    await enter(unit, order, run=run, person=answer.by.strip())


def _check_caption(unit: Unit, sheet: CallSheet, question: Question, caption: str) -> None:
    """Refuse words that would film the same take again, which would wait again."""
    (scripted,) = chosen(question.shot_number, unit.records.episode_of(sheet))
    if recaptioned(scripted, unit.records.episode_of(sheet), caption).caption == question.caption:
        raise OrderError(
            f"shot {question.shot_number} has that very caption",
            hint="reject the take if another one is to be filmed of it",
        )


def _open_question(unit: Unit, sheet: CallSheet, slate: str) -> Question | None:
    coverage = unit.records.ledger(sheet.episode).state.shot(slate)
    circled = coverage.circled
    waiting = circled if circled and circled.is_waiting_for_review else None
    if coverage.crashed:
        waiting = None
    elif waiting is None:
        return None
    shots = unit.records.episode_as_ordered(sheet).shots
    takes = unit.records.takes([entry.address for entry in coverage.takes])
    # Letters, digits and dashes are all that Prefect takes.
    name = slate.replace(".", "-").lower()
    number = _number_of(waiting.slate) if waiting else None
    what = f"tk{number:02d}" if number else "crashed"
    return Question(
        key=f"{name}-{what}-{coverage.num_decisions}",
        episode=sheet.episode,
        shot=slate,
        slate=waiting.slate if waiting else f"{sheet.prefix}-{slate}",
        number=number,
        why=waiting.why if waiting else coverage.crashed,
        caption=next(shot.caption for shot in shots if shot.slate == slate),
        takes=tuple(_shown(unit, entry, takes) for entry in coverage.takes),
    )


def _shown(unit: Unit, entry: TakeEntry, takes: Mapping[Digest, Take]) -> ShownTake:
    take = takes.get(entry.address)
    return ShownTake(
        number=_number_of(entry.slate),
        verdict=_verdict(entry),
        rejected_why=entry.rejected_why,
        video=unit.vault.link(take.media.video) if take else "",
        poster=unit.vault.link(take.media.poster) if take else "",
    )


def _verdict(entry: TakeEntry) -> str:
    if entry.is_passed is None:
        return "not judged"
    return "passed" if entry.is_passed else f"NG: {', '.join(entry.reasons) or 'no gate ran'}"


def _number_of(slate: str) -> int:
    return int(slate.rsplit("-tk", 1)[1])


def _coverage(unit: Unit, sheet: CallSheet, shot: str) -> tuple[Shot, ShotState]:
    """The one shot that a person means, as the script has it, and what was filmed of it."""
    wanted = chosen(shot, unit.records.episode_of(sheet))
    if len(wanted) != 1:
        raise OrderError(f"{shot} are {len(wanted)} shots", hint="decide of one shot at a time")
    return wanted[0], unit.records.ledger(sheet.episode).state.shot(wanted[0].slate)


def _numbered(shot: Shot, coverage: ShotState, number: int | None) -> TakeEntry:
    """The take of that number; without one, the take that is circled."""
    circled = coverage.circled
    if number is None and circled is None:
        raise OrderError("no take is circled", slate=shot.slate, hint="say which: --take K")
    for entry in coverage.takes:
        wanted = circled.slate if number is None and circled else None
        if entry.slate == wanted or _number_of(entry.slate) == number:
            return entry
    numbers = ", ".join(str(_number_of(entry.slate)) for entry in coverage.takes)
    raise OrderError(
        f"there is no take {number} of shot {parts_of(shot.slate).number.lstrip('0')}",
        slate=shot.slate,
        hint=f"its takes are {numbers}" if numbers else "it was never filmed",
    )
