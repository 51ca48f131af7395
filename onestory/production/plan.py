"""
What is there to do, and why?

    for each shot, in story order: the recipe that it would be filmed with now, at the rung
    of its circled take, against the recipe that it was filmed with
        equal  ── current          no circled take ── missing
        differ ── stale            an earlier shot missing, so that memory is unknown ── blocked

The plan is what `produce` carries out, what `onestory plan` prints and what the dailies
page shows. It spends nothing: no diffusion, no drawing.

What an engine that remembers will remember is known for the circled takes only. A shot that
remembers one which is to be filmed again is foreseen to be stale; whether it is, is seen when
its turn comes (`may_change`), for a take that is filmed again may leave those very frames equal.

What persons have ordered holds (`onestory.production.standing`): a shot is planned as ordered,
and a take that is kept or frozen stays, however stale the plan calls it.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from onestory.continuity.ladder import DEFAULT_LADDER, Rung, next_attempt, rung_of
from onestory.documents import Digest, Frozen
from onestory.engines.recipe import Recipe
from onestory.engines.take import NgReason, Take
from onestory.memory.lineage import Remembered
from onestory.production.recall import changes_in_words, in_short, shots_by_take
from onestory.production.recipes import (
    Filming,
    Keyframe,
    imported_recipe,
    intent_of,
    keyframe_recipe_of,
    recipe_for,
)
from onestory.production.sheets import Sheets, sheet_for
from onestory.production.standing import Standing
from onestory.production.table_read import TableRead
from onestory.screenplay.episode import Episode, Shot
from onestory.vault.ledger import EpisodeState, ShotState, TakeEntry

Freshness: TypeAlias = Literal["current", "stale", "missing", "blocked"]
HoldWord: TypeAlias = Literal["", "to be kept", "kept", "frozen"]
VerdictWord: TypeAlias = Literal["circled", "passed", "NG", "waiting for review", ""]

_FROM_EARLIER_TAKES = ("memory", "keyframe", "keyframe_by")
"""Recipe fields that may depend on takes of earlier shots."""


class ShotPlan(Frozen):
    """Where one shot stands."""

    slate: str
    freshness: Freshness
    why: str
    """One phrase: what changed, or what is missing."""
    verdict: VerdictWord
    take: str = ""
    """Slate of the circled take."""
    address: Digest | None = None
    """Address of the circled take."""
    recipe: Digest | None = None
    """Address of the take that would be rendered now; None if that is not known yet."""
    takes: int = 0
    """How many takes there are."""
    attempt: int = 1
    """Which take is filmed first if it is to be filmed: another one than those that a person
    has seen when one of them was rejected."""
    tried: tuple[int, ...] = ()
    """These, by number."""
    may_change: bool = False
    """Whether filming an earlier shot may change this one's freshness: look again before it."""
    hold: HoldWord = ""
    """Whether a person wants the circled take to stay; "to be kept": kept, and it is not entered
    yet which difference that is said of."""
    ordered: tuple[str, ...] = ()
    """What of the shot a person has ordered: "caption", "seed", "keyframe", "clip"."""
    crashed: str = ""
    """Which workers crashed in it, in words, if a person has yet to decide what becomes of it."""

    @property
    def standing(self) -> str:
        """Freshness, who holds the take, and what of the shot is ordered, in words."""
        ordered = f"ordered: {', '.join(self.ordered)}" if self.ordered else ""
        return "; ".join(filter(None, (self.freshness, self.hold, ordered)))

    @property
    def is_to_be_filmed(self) -> bool:
        """Whether it is not current and nobody holds its take."""
        return self.freshness != "current" and not self.hold

    @property
    def waits_for_a_person(self) -> bool:
        """Whether workers would crash again if it were filmed, or looked at, undecided."""
        return bool(self.crashed) and (self.is_to_be_filmed or self.may_change)


class Plan(Frozen):
    """The units of work of an episode, in story order."""

    episode: str
    shots: tuple[ShotPlan, ...]

    @property
    def num_to_shoot(self) -> int:
        """How many shots are to be filmed."""
        return sum(shot.is_to_be_filmed for shot in self.shots)

    def since(self, slate: str) -> tuple[ShotPlan, ...]:
        """That shot and all after it."""
        slates = [shot.slate for shot in self.shots]
        return self.shots[slates.index(slate) :]


class Carried(Frozen):
    """A circled take of an earlier episode that this one may remember."""

    slate: str
    """Of its shot, with its episode: `e04/sc01-sh002`."""
    address: Digest
    coverage: tuple[Digest, ...]
    """All takes of that shot, by which what changed is named."""
    people: tuple[str, ...]
    """Whom of those that are imported it shows."""
    place: str | None
    """Its set, if that is imported."""

    def tells_of(self, shot: Shot) -> bool:
        """Whether somebody, or the place, of a shot is in it."""
        return self.place == shot.set_name or not set(self.people).isdisjoint(shot.on_screen)


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """Everything that a plan is made from."""

    episode: Episode
    """As ordered."""
    read: TableRead
    filming: Filming
    state: EpisodeState
    user_keyframes: Mapping[str, Digest]
    """By slate: blobs of the first frames that the user brought, with the script or by order."""
    takes: Mapping[Digest, Take]
    """The circled takes that really lie in the vault, by address; carried ones, too."""
    carried: tuple[Carried, ...] = ()
    """What earlier episodes lend to the memory of this one."""
    lineages: Mapping[Digest, tuple[Remembered, ...]] = field(default_factory=dict)
    """What takes would remember, by the digest of what the engine was asked (`recall_recipe`)."""
    spoilt: Mapping[Digest, tuple[int, ...]] = field(default_factory=dict)
    """Frames of circled takes that a gate marked bad, by take: they are never remembered."""
    damaged: frozenset[Digest] = frozenset()
    """Circled takes whose latents cannot be read: as good as missing."""
    standing: Standing = field(default_factory=Standing)
    """What persons have ordered."""
    sheets: Sheets = field(default_factory=Sheets)
    """That were circled of the cast and the sets."""
    ladder: Mapping[int, Rung] = field(default_factory=lambda: DEFAULT_LADDER)

    def circled(self, shot: Shot) -> Take | None:
        """The circled take of a shot, if it is there and whole."""
        circling = self.state.shot(shot.slate).circled
        if circling is None or circling.address in self.damaged:
            return None
        return self.takes.get(circling.address)

    def clip(self, shot: Shot) -> Digest | None:
        """The person's own footage of a shot, if that was ordered to be its take."""
        order = self.standing.orders.get(shot.slate)
        return order.clip if order else None

    def filming_of(self, shot: Shot) -> Filming:
        """What a shot is filmed with: as the film, but for a seed that was ordered."""
        order = self.standing.orders.get(shot.slate)
        if order is None or order.seed is None:
            return self.filming
        return replace(self.filming, seed=order.seed)

    def earlier_shots(self, shot: Shot) -> tuple[Shot, ...]:
        """The shots before one, in story order."""
        slates = [one.slate for one in self.episode.shots]
        return self.episode.shots[: slates.index(shot.slate)]

    def takes_before(self, shot: Shot) -> dict[Digest, Take] | None:
        """
        The circled takes of the shots before one, and of earlier episodes those that tell of it.

        Returns:
            By address, in story order; None if a shot has none, or a damaged one. A carried take
            of another size, which no shot of this film can remember, is left out.
        """
        takes = {
            one.address: take
            for one in self.carried
            if one.tells_of(shot) and (take := self._lent(one.address)) is not None
        }
        for one in self.earlier_shots(shot):
            circling, take = self.state.shot(one.slate).circled, self.circled(one)
            if circling is None or take is None:
                return None
            takes[circling.address] = take
        return takes

    def slates_of_takes(self) -> dict[Digest, str]:
        """Slate of the shot that every take belongs to, carried ones with their episode."""
        lent = {take: one.slate for one in self.carried for take in one.coverage}
        return {**lent, **shots_by_take(self.state)}

    def _lent(self, address: Digest) -> Take | None:
        take = None if address in self.damaged else self.takes.get(address)
        size = (self.filming.width, self.filming.height)
        return take if take and (take.recipe.width, take.recipe.height) == size else None

    def asks_for_memory(self, shot: Shot) -> bool:
        """Whether an engine chooses what a shot remembers."""
        return self.filming.remembers and self.clip(shot) is None

    def unknown_source(self, shot: Shot) -> str | None:
        """
        Which earlier shot must be filmed before it is known what this one starts from.

        Returns:
            Its slate; None if everything is there, or nothing is needed.
        """
        earlier = () if self.clip(shot) else self.earlier_shots(shot)
        if not self.filming.remembers:
            earlier = earlier[-1:] if self.goes_on(shot) else ()
        return next((one.slate for one in earlier if self.circled(one) is None), None)

    def goes_on(self, shot: Shot) -> bool:
        """Whether a shot starts from the last frame of the one before it."""
        is_first = shot.slate == self.episode.shots[0].slate
        has_own = shot.slate in self.user_keyframes or self.clip(shot) is not None
        return self.filming.continues and not (shot.is_cut or is_first or has_own)

    def lineage(self, shot: Shot, *, attempt: int) -> tuple[Remembered, ...]:
        """What a shot's n-th take would remember; nothing if the engine was not asked."""
        if not self.asks_for_memory(shot):
            return ()
        return self.lineages.get(recall_recipe(shot, self, attempt=attempt).digest, ())


def make_plan(call: Call) -> Plan:
    """Say for every shot whether it is current, stale, missing or blocked, and why."""
    shots: list[ShotPlan] = []
    for shot in call.episode.shots:
        changing = [one.slate for one in shots if one.is_to_be_filmed]
        shots.append(plan_shot(shot, call, changing=changing))
    return Plan(episode=call.episode.episode, shots=tuple(shots))


def plan_shot(shot: Shot, call: Call, *, changing: Collection[str] = ()) -> ShotPlan:
    """
    Say where one shot stands.

    Args:
        shot: Which shot.
        call: What there is.
        changing: Slates of the earlier shots that are to be filmed before it.
    """
    coverage = call.state.shot(shot.slate)
    circled = coverage.circled
    seen = rejected_attempts(shot, call)
    first = next_attempt(seen, tuple(reversed(seen.values())), call.ladder) if seen else 1
    attempt = circled.rung + 1 if circled else first
    keyframe = known_keyframe(shot, call, attempt=attempt)
    recipe = planned_recipe(shot, call, attempt=attempt, keyframe=keyframe)
    unknown = call.unknown_source(shot)
    is_keyframe_unknown = keyframe is None and call.filming.draws_keyframes and not call.clip(shot)
    freshness, why = _freshness(shot, recipe, call, unknown)
    hold = _hold(shot, call, intent(recipe, shot, call, attempt=attempt), freshness)
    may_be_foreseen = freshness == "current" or hold == "kept"
    foreseen = _foreseen(shot, call, attempt, changing) if may_be_foreseen else ""
    if foreseen:
        freshness, why = "stale", foreseen
        hold = "" if hold == "kept" else hold
    is_unknown = bool(is_keyframe_unknown or unknown or foreseen)
    order = call.standing.orders.get(shot.slate)
    return ShotPlan(
        slate=shot.slate,
        freshness=freshness,
        why=f"{coverage.crashed}; {why}" if coverage.crashed else why,
        verdict=_verdict_word(coverage),
        take=circled.slate if circled else "",
        address=circled.address if circled else None,
        recipe=None if is_unknown else recipe.digest,
        takes=len(coverage.takes),
        attempt=first,
        tried=tuple(seen),
        may_change=bool(changing) and (call.filming.remembers or call.goes_on(shot)),
        hold=hold,
        ordered=order.words if order else (),
        crashed=coverage.crashed,
    )


def rejected_attempts(shot: Shot, call: Call) -> dict[int, NgReason]:
    """
    Say which takes of a shot a person had seen when one of them was rejected.

    Takes of another caption, or of another memory, are other shots' takes by now: a person has
    not seen today's.

    Args:
        shot: Which shot.
        call: What there is, with the memory of every take that a person has seen.

    Returns:
        By number of the take, in the order in which they were filmed: what was wrong with it, as
        the person said; with those that were not rejected, nothing that a rung is known for. None
        at all if nobody rejected one of today's.
    """
    seen = {
        take.rung + 1: take
        for take in call.state.shot(shot.slate).seen_when_rejected
        if _is_todays(take, shot, call)
    }
    if not any(take.rejected_why for take in seen.values()):
        return {}
    return {attempt: take.rejected_for or NgReason.PERSON for attempt, take in seen.items()}


def _is_todays(take: TakeEntry, shot: Shot, call: Call) -> bool:
    attempt = take.rung + 1
    keyframe = known_keyframe(shot, call, attempt=attempt)
    recipe = planned_recipe(shot, call, attempt=attempt, keyframe=keyframe)
    return recipe.digest == take.address


def recall_recipe(shot: Shot, call: Call, *, attempt: int) -> Recipe:
    """What an engine is asked when it chooses a take's memory: all but memory and keyframe."""
    return recipe_for(
        shot,
        call.episode,
        call.read.shot(shot.slate),
        call.filming_of(shot),
        attempt=attempt,
        rung=rung_of(attempt, call.ladder),
    )


def planned_recipe(
    shot: Shot, call: Call, *, attempt: int, keyframe: Keyframe | None = None
) -> Recipe:
    """The recipe of a shot's n-th take; without a keyframe unless one is given."""
    if (clip := call.clip(shot)) is not None:
        read = call.read.shot(shot.slate)
        return imported_recipe(shot, call.episode, read, call.filming, clip=clip)
    return recipe_for(
        shot,
        call.episode,
        call.read.shot(shot.slate),
        call.filming_of(shot),
        attempt=attempt,
        rung=rung_of(attempt, call.ladder),
        keyframe=keyframe,
        lineage=call.lineage(shot, attempt=attempt),
    )


def keyframe_attempt(attempt: int, call: Call) -> int:
    """Say for which take of a shot the first frame of its n-th take is drawn."""
    rung = rung_of(attempt, call.ladder)
    return attempt if rung and rung.has_own_keyframe else 1


def keyframe_recipe(shot: Shot, call: Call, *, attempt: int) -> Recipe:
    """The recipe of the first frame that is drawn for a shot's n-th take."""
    return keyframe_recipe_of(
        planned_recipe(shot, call, attempt=keyframe_attempt(attempt, call)),
        painter=call.filming.painter,
        sheet=sheet_for(shot, call.sheets),
    )


def intent(recipe: Recipe, shot: Shot, call: Call, *, attempt: int) -> Digest:
    """Name the recipe of a shot's n-th take by what is known before its first frame is drawn."""
    first = keyframe_recipe(shot, call, attempt=attempt) if call.filming.painter else None
    return intent_of(recipe, first)


def known_keyframe(shot: Shot, call: Call, *, attempt: int) -> Keyframe | None:
    """The keyframe that a shot's n-th take would start from, if it is known without drawing."""
    if call.clip(shot):
        return None
    users = call.user_keyframes.get(shot.slate)
    if users is not None:
        return Keyframe(blob=users, by="user")
    if call.goes_on(shot):
        previous = call.circled(call.earlier_shots(shot)[-1])
        return Keyframe(blob=previous.media.last_frame, by="previous") if previous else None
    drawn = call.state.shot(shot.slate).keyframes
    if not drawn:
        return None
    blob = drawn.get(keyframe_recipe(shot, call, attempt=attempt).digest)
    return Keyframe(blob=blob, by="engine") if blob else None


def _freshness(
    shot: Shot, recipe: Recipe, call: Call, unknown: str | None
) -> tuple[Freshness, str]:
    coverage = call.state.shot(shot.slate)
    circled = coverage.circled
    if circled is None:
        return "missing", "no take is circled" if coverage.takes else "never filmed"
    if circled.address in call.damaged:
        return "missing", f"the latents of take {circled.slate} are damaged"
    take = call.takes.get(circled.address)
    if take is None:
        return "missing", f"take {circled.slate} is not in the vault"
    if unknown is not None:
        # Whatever else changed makes it stale; what it would start from is not known.
        known = {name: getattr(take.recipe, name) for name in _FROM_EARLIER_TAKES}
        recipe = recipe.model_copy(update=known)
    if recipe.digest != circled.address:
        if call.clip(shot):
            return "stale", "changed: clip (as ordered)"
        order = call.standing.orders.get(shot.slate)
        changes = changes_in_words(
            take,
            recipe,
            call.lineage(shot, attempt=circled.rung + 1),
            slates=call.slates_of_takes(),
            ordered=order.words if order else (),
        )
        lapsed = "; what was ordered of it lapsed" if shot.slate in call.standing.lapsed else ""
        return "stale", f"changed: {changes}{lapsed}"
    if unknown is not None:
        return "blocked", f"{unknown} is missing, so what this shot starts from is not known"
    return "current", circled.why


def _hold(shot: Shot, call: Call, wanted: Digest, freshness: Freshness) -> HoldWord:
    """Whether a person's word keeps the circled take. What is missing cannot be kept."""
    hold = call.standing.holds.get(shot.slate)
    if hold is None or freshness == "missing":
        return ""
    if hold.is_frozen:
        return "frozen"
    if hold.instead_of is None:
        return "to be kept"
    return "kept" if freshness == "stale" and hold.instead_of == wanted else ""


def _foreseen(shot: Shot, call: Call, attempt: int, changing: Collection[str]) -> str:
    """Which frames that a shot starts from are to be filmed again; empty if none are."""
    shots = shots_by_take(call.state)
    frames = [
        f"frame {frame.frame_index} of {shots[frame.take]} is filmed again"
        for frame in call.lineage(shot, attempt=attempt)
        if shots.get(frame.take) in changing
    ]
    if frames:
        return f"would change: memory ({in_short(frames)})"
    if call.goes_on(shot) and (previous := call.earlier_shots(shot)[-1].slate) in changing:
        return f"would change: keyframe (the last frame of {previous} is filmed again)"
    return ""


def _verdict_word(coverage: ShotState) -> VerdictWord:
    if coverage.crashed:
        return "waiting for review"
    if coverage.circled is not None:
        return "waiting for review" if coverage.circled.is_waiting_for_review else "circled"
    verdicts = [take.is_passed for take in coverage.takes if take.is_passed is not None]
    if not verdicts:
        return ""
    return "passed" if verdicts[-1] else "NG"
