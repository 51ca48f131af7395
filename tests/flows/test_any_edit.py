"""
Whatever is edited, however often, wherever it was killed: is the film the one from scratch?

    draft ── film ─┬─ change ── film what changed ──┬─ change ── …
                   │                                ├── the same takes, byte for byte
                   └─ all changes, nothing filmed ──┘

The flows run as they are written, with the unit's verbs in place of their tasks; vault, engine
app and gates are real. The film from scratch is ordered of a ledger in which nothing stands, so
that no plan decides what is in it; after every third change also of a vault in which nothing
lies, so that every byte is made anew.
"""

import asyncio
import secrets
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from PIL import Image

import flows.episode
import flows.retake
from deployments.studio.addresses import Addresses
from onestory.breakdown.slates import parts_of
from onestory.cut.encode import VideoWriter
from onestory.documents import Digest
from onestory.engine_server.client import EngineClient
from onestory.engine_server.stage import Stage
from onestory.engines.take import Media
from onestory.errors import CaptionError
from onestory.production.call_sheet import CallSheet, TakeInHand
from onestory.production.order import EpisodeOrder, RetakeOrder
from onestory.production.plan import Plan, ShotPlan
from onestory.production.retake import Retake, enter
from onestory.production.unit import Unit
from onestory.testing.drafts import ACTIONS, LENGTHS, NAMES, PLACES, Beat, Draft, Edit, EditKind
from onestory.testing.in_process import MoodyEngine, engine_of
from onestory.vault.ledger import Circling
from onestory.vault.store import Vault

EPISODE = "any-edit"
"""The same in every vault, for seeds follow from it."""
PICTURES = ("", "red.png", "blue.png")
CLIPS = ("40.mp4", "41.mp4")
"""Two files that look the same to memory."""

MADE_ANEW_EVERY = 3
"""Changes: a film made anew costs as much as all that they cost."""

OrderKind: TypeAlias = Literal["seed", "caption", "keyframe", "clip", "withdraw"]
ORDERS: tuple[OrderKind, ...] = get_args(OrderKind)
CHANGES = (*get_args(EditKind), *ORDERS, "undo")


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One change, and how the film of it goes."""

    kind: str
    where: int
    what: int
    downstream: Literal["affected", "all"] = "affected"
    killed_at: int | None = None
    """Number of the verb at which the process is killed; None or too high: it is not."""


class Killed(Exception):  # noqa: N818  # it is no error
    """The process ends here."""


@dataclass(slots=True)
class Told:
    """What a command said and did."""

    before: dict[str, Circling | None] = field(default_factory=dict)
    """What was circled when its plan was made."""
    turns: dict[str, ShotPlan] = field(default_factory=dict)
    """The last word of the plan on every shot, said when its turn came."""
    shot: list[TakeInHand] = field(default_factory=list)
    is_killed: bool = False


class Filmed(NamedTuple):
    """What became of a shot."""

    address: Digest
    media: Media


class Elsewhere(Vault):
    """The same takes, and a ledger in which nothing stands yet."""

    def __init__(self, vault: Vault) -> None:
        super().__init__(vault.address)
        self._root = f"elsewhere-{secrets.token_hex(6)}/"

    def list_keys(self, prefix: str) -> list[str]:
        """Keys of this ledger alone."""
        return [key.removeprefix(self._root) for key in super().list_keys(self._root + prefix)]

    def read_keys(self, keys: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """What lies under keys of this ledger."""
        for key, content in super().read_keys(self._root + key for key in keys):
            yield key.removeprefix(self._root), content

    def put_new(self, key: str, content: bytes) -> None:
        """Enter into this ledger."""
        super().put_new(self._root + key, content)


@dataclass(slots=True)
class Production:
    """A vault, an engine, a folder with the script, and commands as a person gives them."""

    vault: Vault
    stage: Stage
    folder: Path
    engine: EngineClient = field(init=False)
    unit: Unit = field(init=False)

    def __post_init__(self) -> None:
        """Start the engine, and a process."""
        self.engine = engine_of(self.stage)
        self.start()

    def start(self) -> None:
        """Go on in a new process."""
        self.unit = Unit(self.vault, self.engine, None)

    async def produce(self, draft: Draft, *, killed_at: int | None = None) -> Told:
        """Order the film of a draft, as small as gates can read."""
        script = draft.written(self.folder / "script.json", episode=EPISODE)
        order = EpisodeOrder(
            script=str(script),
            seed=draft.seed,
            max_takes=3,
            has_scratch_voice=False,
            width=48,
            height=80,
        )
        return await self._run(flows.episode.produce_episode.fn, order, killed_at)

    async def retake(self, order: RetakeOrder, *, killed_at: int | None = None) -> Told:
        """Order shots again."""
        return await self._run(flows.retake.retake_shots.fn, order, killed_at)

    async def _run(
        self, flow: Callable[[Any], Coroutine[Any, Any, Any]], order: Any, killed_at: int | None
    ) -> Told:
        told = Told()
        with storyboard(self.unit, told, killed_at):
            try:
                await flow(order)
            except Killed:
                told.is_killed = True
                self.start()
        return told

    @property
    def sheet(self) -> CallSheet:
        """The call sheet in force."""
        return self.unit.records.sheet_of(EPISODE)

    def film(self) -> dict[str, Filmed]:
        """What is circled, by slate."""
        state, film = self.unit.records.ledger(EPISODE).state, {}
        for slate in self.sheet.slates:
            circled = state.shot(slate).circled
            assert circled is not None, slate
            film[slate] = Filmed(circled.address, self.vault.get_take(circled.address).media)
        return film

    def takes(self, slate: str) -> dict[int, Digest]:
        """Every take of a shot, by its rung."""
        return {
            one.rung: one.address
            for one in self.unit.records.ledger(EPISODE).state.shot(slate).takes
        }


@contextmanager
def storyboard(unit: Unit, told: Told, killed_at: int | None) -> Iterator[None]:
    """Let the flows call a unit's verbs, note what is said and done, and kill them at a verb."""
    num_verbs = 0

    def called(verb: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Any]:
        async def call(*arguments: Any) -> Any:
            nonlocal num_verbs
            num_verbs += 1
            if num_verbs == killed_at:
                raise Killed
            return await verb(*arguments)

        return call

    async def enter_retake(order: RetakeOrder) -> Retake:
        return await enter(unit, order, run=secrets.token_hex(6))

    async def survey(sheet: CallSheet) -> Plan:
        state = unit.records.ledger(EPISODE).state
        told.before = {slate: state.shot(slate).circled for slate in sheet.slates}
        return await unit.survey(sheet)

    async def announce_shot(_sheet: CallSheet, _plan: Plan, shot: ShotPlan) -> None:
        told.turns[shot.slate] = shot

    async def render_take(sheet: CallSheet, slate: str, attempt: int) -> TakeInHand:
        take = await unit.shoot(sheet, slate, attempt=attempt)
        told.shot.append(take)
        return take

    async def nothing(*_: Any) -> None:
        pass

    verbs = {
        "break_down": unit.break_down,
        "read_through": unit.read_through,
        "enter_retake": enter_retake,
        "survey": survey,
        "preflight": unit.preflight,
        "look_again": unit.look_again,
        "keep_take": unit.keep,
        "draw_keyframe": unit.keyframe,
        "render_take": render_take,
        "judge_take": unit.judge,
        "circle_take": unit.circle,
        "circle_best": unit.circle_best,
        "assemble": nothing,
        "enter_crashes": nothing,
        "look_for_bigger_pool": nothing,
        "announce_plan": nothing,
        "announce_shot": announce_shot,
        "announce_take": nothing,
        "announce_circled": nothing,
        "announce_delivery": nothing,
    }
    with pytest.MonkeyPatch.context() as patch:
        for module in (flows.episode, flows.retake):
            for name in verbs.keys() & vars(module).keys():
                patch.setattr(module, name, called(verbs[name]))
        yield


beats = st.builds(
    Beat,
    name=st.sampled_from(NAMES),
    place=st.sampled_from(PLACES),
    action=st.sampled_from(ACTIONS),
    num_frames=st.sampled_from(LENGTHS),
    is_cut=st.sampled_from((True, True, False)),
)


@st.composite
def stories(draw: st.DrawFn) -> list[Step]:
    """A change of every kind, in any order."""
    kinds = draw(st.permutations(CHANGES))
    numbers = st.integers(0, 5)
    fates = {
        "where": numbers,
        "what": numbers,
        "downstream": st.sampled_from(("affected", "affected", "all")),
        "killed_at": st.one_of(st.none(), st.integers(4, 24)),
    }
    return [draw(st.builds(Step, kind=st.just(kind), **fates)) for kind in kinds]


@pytest.mark.studio
@pytest.mark.slow
@settings(
    max_examples=2,
    deadline=None,
    derandomize=True,
    database=None,
    # Shrinking would film for many minutes; whoever minimises a failure adds Phase.shrink.
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
@given(
    first=st.lists(beats, min_size=3, max_size=4),
    steps=stories(),
    draws_keyframes=st.booleans(),
)
def test_whatever_is_edited_the_film_is_the_one_from_scratch(
    gateway: Addresses, first: list[Beat], steps: list[Step], draws_keyframes: bool
) -> None:
    """Nothing stale stays in it, nothing current is filmed again, and the plan said so before."""
    with TemporaryDirectory() as folder:
        bring_files(Path(folder))
        vault = empty_vault(gateway)
        stage = Stage(MoodyEngine(draws_keyframes=draws_keyframes), vault)
        production = Production(vault=vault, stage=stage, folder=Path(folder))
        asyncio.run(edit_and_compare(production, Draft(beats=tuple(first)), steps, gateway))


async def edit_and_compare(
    production: Production, draft: Draft, steps: list[Step], gateway: Addresses
) -> None:
    """Film a draft, change it step by step, and compare each time with the film from scratch."""
    await production.produce(draft)
    past = [draft]
    for number, step in enumerate(steps):
        try:
            told = [await change(production, past, step)]
        except CaptionError:
            continue  # nobody would be introduced: refused, and nothing was entered
        if told[0].is_killed:
            told.append(await production.produce(past[-1]))
        is_made_anew = number % MADE_ANEW_EVERY == 0
        vault = empty_vault(gateway) if is_made_anew else Elsewhere(production.vault)
        scratch = await from_scratch(production, past[-1], vault)
        film = scratch.film()
        assert production.film() == film
        for one in told:
            plan_told_the_truth(one, film, scratch)
            nothing_else_was_filmed(one, film)
        after = await production.unit.survey(production.sheet)
        assert {shot.freshness for shot in after.shots} == {"current"}


async def change(production: Production, past: list[Draft], step: Step) -> Told:
    """Do what a step says; the newest draft is the last of the past ones."""
    if step.kind in ORDERS:
        return await production.retake(retake_of(production, step), killed_at=step.killed_at)
    if step.kind == "undo":
        past.append(past[-2] if len(past) > 1 else past[-1])
    else:
        edit = Edit(step.kind, step.where, step.what)  # type: ignore[arg-type]  # no order is left
        past.append(past[-1].edited(edit, pictures=PICTURES))
    return await production.produce(past[-1], killed_at=step.killed_at)


def plan_told_the_truth(told: Told, film: dict[str, Filmed], scratch: Production) -> None:
    """A shot is current if it had the take from scratch, missing if it had none, stale if not."""
    for slate, shot in told.turns.items():
        circled = told.before[slate]
        if circled is None:
            assert (slate, shot.freshness) == (slate, "missing")
        else:
            is_current = circled.address == film[slate].address
            assert (slate, shot.freshness) == (slate, "current" if is_current else "stale")
        # From scratch the ladder may have ended before that rung, or begun anew.
        wanted = scratch.takes(slate).get(circled.rung if circled else 0)
        assert wanted is None or shot.recipe in (None, wanted), slate


def nothing_else_was_filmed(told: Told, film: dict[str, Filmed]) -> None:
    """The camera runs only for a shot that had none or another take than the one from scratch."""
    for take in told.shot:
        circled = told.before[take.shot]
        assert circled is None or circled.address != film[take.shot].address, take.slate


async def from_scratch(there: Production, draft: Draft, vault: Vault) -> Production:
    """The film of a draft and of all that is ordered, in an empty ledger of the same slates."""
    stage = Stage(there.stage.engine, vault)
    here = Production(vault=vault, stage=stage, folder=there.folder)
    sheet, state = there.sheet, there.unit.records.ledger(EPISODE).state
    orders = [order for slate in sheet.slates if (order := state.shot(slate).order)]
    blobs = [sheet.document, *(blob for one in orders for blob in (one.keyframe, one.clip) if blob)]
    for blob in blobs:
        vault.put_blob(there.vault.get_blob(blob))
    ledger = here.unit.records.ledger(EPISODE)
    ledger.broken_down(title=sheet.title, episode=sheet.document, sheet=sheet.document)
    ledger.ordered("as there", orders=orders)
    await here.produce(draft)
    assert here.sheet.document == sheet.document
    return here


def empty_vault(gateway: Addresses) -> Vault:
    """A bucket of one's own on the real gateway."""
    vault = Vault(replace(gateway.vault_address(), bucket=f"edit-{secrets.token_hex(6)}"))
    vault.prepare()
    return vault


def retake_of(production: Production, step: Step) -> RetakeOrder:
    """The order in a person's words."""
    sheet, state = production.sheet, production.unit.records.ledger(EPISODE).state
    slates = [slate for slate in sheet.slates if state.shot(slate).order]
    if step.kind != "withdraw" or not slates:
        slates = list(sheet.slates)
    slate = slates[step.where % len(slates)]
    episode = production.unit.records.episode_of(sheet)
    shot = next(one for one in episode.shots if one.slate == slate)
    # Whom and what a shot introduces, its caption has to show.
    who, where = shot.on_screen[0].title(), episode.set_design(shot.set_name).look
    words = {
        "seed": step.what,
        "caption": f"{who} laughs {step.what} times in {where}.",
        "keyframe": str(production.folder / PICTURES[1 + step.what % 2]),
        "clip": str(production.folder / CLIPS[step.what % 2]),
        "withdraw": True,
    }
    return RetakeOrder.model_validate(
        {
            "episode": EPISODE,
            "shots": parts_of(slate).number,
            "downstream": step.downstream,
            step.kind: words[step.kind],
        }
    )


def bring_files(folder: Path) -> None:
    """First frames and footage of a person's own."""
    for name in PICTURES[1:]:
        Image.new("RGB", (48, 80), name.removesuffix(".png")).save(folder / name)
    for name in CLIPS:
        with VideoWriter(folder / name, width=48, height=80, fps="24") as writer:
            for index in range(int(name.removesuffix(".mp4"))):
                frame_HWC = np.full((80, 48, 3), 40, np.uint8)
                frame_HWC[10:40, 2 + index // 2 : 12 + index // 2] = 255
                writer.write(frame_HWC)
