"""
What is there to do, and why?

    for each shot, in story order: the recipe that it would be filmed with now, at the rung
    of its circled take, against the recipe that it was filmed with
        equal  ── current          no circled take ── missing
        differ ── stale            an earlier shot missing, for engines that remember ── blocked

The plan is what `produce` carries out, what `onestory plan` prints and what the dailies
page shows. It spends nothing: no diffusion, no drawing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from onestory.continuity.ladder import DEFAULT_LADDER, Rung, rung_of
from onestory.documents import Digest, Frozen
from onestory.engines.recipe import Recipe
from onestory.engines.take import Take
from onestory.production.recipes import Filming, Keyframe, keyframe_recipe_of, recipe_for
from onestory.production.table_read import TableRead
from onestory.screenplay.episode import Episode, Shot
from onestory.vault.ledger import EpisodeState, ShotState

Freshness: TypeAlias = Literal["current", "stale", "missing", "blocked"]
VerdictWord: TypeAlias = Literal["circled", "passed", "NG", "waiting for review", ""]


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


class Plan(Frozen):
    """The units of work of an episode, in story order."""

    episode: str
    shots: tuple[ShotPlan, ...]

    @property
    def num_to_shoot(self) -> int:
        """How many shots are not current."""
        return sum(shot.freshness != "current" for shot in self.shots)


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """Everything that a plan is made from."""

    episode: Episode
    read: TableRead
    filming: Filming
    state: EpisodeState
    user_keyframes: Mapping[str, Digest]
    """By slate: blobs of the first frames that the user brought."""
    takes: Mapping[Digest, Take]
    """The circled takes that really lie in the vault, by address."""
    ladder: Sequence[Rung] = DEFAULT_LADDER


def make_plan(call: Call) -> Plan:
    """Say for every shot whether it is current, stale, missing or blocked, and why."""
    return Plan(
        episode=call.episode.episode,
        shots=tuple(_plan_shot(shot, call) for shot in call.episode.shots),
    )


def planned_recipe(
    shot: Shot, call: Call, *, attempt: int, keyframe: Keyframe | None = None
) -> Recipe:
    """The recipe of a shot's n-th take; without a keyframe unless one is given."""
    return recipe_for(
        shot,
        call.episode,
        call.read.shot(shot.slate),
        call.filming,
        attempt=attempt,
        rung=rung_of(attempt, call.ladder),
        keyframe=keyframe,
    )


def known_keyframe(shot: Shot, call: Call) -> Keyframe | None:
    """The keyframe that a take of this shot would start from, if it is known without drawing."""
    users = call.user_keyframes.get(shot.slate)
    if users is not None:
        return Keyframe(blob=users, is_users=True)
    coverage = call.state.shot(shot.slate)
    wanted = keyframe_recipe_of(planned_recipe(shot, call, attempt=1)).digest
    if coverage.keyframe is not None and coverage.keyframe_recipe == wanted:
        return Keyframe(blob=coverage.keyframe, is_users=False)
    return None


def _plan_shot(shot: Shot, call: Call) -> ShotPlan:
    coverage = call.state.shot(shot.slate)
    circled = coverage.circled
    attempt = circled.rung + 1 if circled else 1
    keyframe = known_keyframe(shot, call)
    is_keyframe_unknown = keyframe is None and call.filming.draws_keyframes
    recipe = planned_recipe(shot, call, attempt=attempt, keyframe=keyframe)
    freshness, why = _freshness(recipe, coverage, call.takes)
    return ShotPlan(
        slate=shot.slate,
        freshness=freshness,
        why=why,
        verdict=_verdict_word(coverage),
        take=circled.slate if circled else "",
        address=circled.address if circled else None,
        recipe=None if is_keyframe_unknown else recipe.digest,
        takes=len(coverage.takes),
    )


def _freshness(
    recipe: Recipe, coverage: ShotState, takes: Mapping[Digest, Take]
) -> tuple[Freshness, str]:
    circled = coverage.circled
    if circled is None:
        return "missing", "no take is circled" if coverage.takes else "never filmed"
    take = takes.get(circled.address)
    if take is None:
        return "missing", f"take {circled.slate} is not in the vault"
    if recipe.digest == circled.address:
        return "current", circled.why
    return "stale", "changed: " + ", ".join(differing_fields(take.recipe, recipe))


def differing_fields(one: Recipe, other: Recipe) -> tuple[str, ...]:
    """Names of the recipe fields that differ, those that a person wrote first."""
    fields = [
        name
        for name in type(one).model_fields
        if getattr(one, name) != getattr(other, name) and name != "keyframe_by"
    ]
    # A keyframe is drawn from the rest of the recipe: it is the cause only if it stands alone.
    causes = [name for name in fields if name != "keyframe"]
    order = ("caption", "subjects", "set_look", "num_frames", "speech")
    causes.sort(key=lambda name: (order.index(name) if name in order else len(order), name))
    return tuple(name.replace("_", " ") for name in causes or fields)


def _verdict_word(coverage: ShotState) -> VerdictWord:
    if coverage.circled is not None:
        return "waiting for review" if coverage.circled.is_waiting_for_review else "circled"
    verdicts = [take.is_passed for take in coverage.takes if take.is_passed is not None]
    if not verdicts:
        return ""
    return "passed" if verdicts[-1] else "NG"
