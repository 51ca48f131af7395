"""The plan: what is current, stale or missing, and why."""

from dataclasses import replace

from onestory.documents import Digest, digest_of
from onestory.engines.recipe import EngineFingerprint
from onestory.engines.take import Take
from onestory.production.plan import (
    Call,
    intent,
    keyframe_recipe,
    known_keyframe,
    make_plan,
    planned_recipe,
)
from onestory.production.recall import differing_fields
from onestory.production.recipes import intent_of
from onestory.production.sheets import Sheets
from onestory.production.standing import Standing, written
from onestory.screenplay.episode import Episode
from onestory.testing.stories import tiny_episode, tiny_filming, tiny_read, tiny_shot, tiny_take
from onestory.vault.events import Event, EventKind, Hold, ShotOrder
from onestory.vault.ledger import fold


def _call(episode: Episode) -> Call:
    return Call(
        episode=episode,
        read=tiny_read(episode),
        filming=tiny_filming(),
        state=fold([]),
        user_keyframes={},
        takes={},
    )


def _filmed(call: Call, *, attempts: dict[str, int] | None = None) -> Call:
    """The same call after every shot was circled, on the attempt that is named for it."""
    events: list[Event] = []
    takes: dict[Digest, Take] = {}
    for shot in call.episode.shots:
        attempt = (attempts or {}).get(shot.slate, 1)
        take = tiny_take(planned_recipe(shot, call, attempt=attempt))
        takes[take.address] = take
        for kind in (EventKind.RENDERED, EventKind.CIRCLED):
            events.append(
                Event(
                    kind=kind,
                    sequence=len(events) + 1,
                    at="",
                    writer="",
                    shot=shot.slate,
                    slate=f"{shot.slate}-tk01",
                    take=take.address,
                    rung=attempt - 1,
                    by="gates",
                )
            )
    return replace(call, state=fold(events), takes=takes)


def _edited(call: Call, number: int, action: str) -> Call:
    """The same call after the script of one shot was edited."""
    shots = list(call.episode.shots)
    shots[number] = tiny_shot(number + 1, action=action)
    episode = call.episode.model_copy(update={"shots": tuple(shots)})
    return replace(call, episode=episode, read=tiny_read(episode))


def test_what_was_never_filmed_is_missing() -> None:
    """Before the first day of shooting every shot is missing."""
    plan = make_plan(_call(tiny_episode(4)))

    assert [shot.freshness for shot in plan.shots] == ["missing"] * 4
    assert plan.num_to_shoot == 4


def test_what_was_filmed_is_current() -> None:
    """Stamp and check are one function: fresh work is never called stale."""
    plan = make_plan(_filmed(_call(tiny_episode(4))))

    assert {shot.freshness for shot in plan.shots} == {"current"}
    assert plan.num_to_shoot == 0


def test_a_shot_is_compared_at_the_rung_of_its_circled_take() -> None:
    """A shot whose third take was circled is current as that third take."""
    call = _filmed(_call(tiny_episode(3)), attempts={"sc01-sh002": 3})

    plan = make_plan(call)

    assert {shot.freshness for shot in plan.shots} == {"current"}


def test_an_edited_caption_makes_its_own_shot_stale_only() -> None:
    """Changing one caption films what that changes and nothing else."""
    call = _edited(_filmed(_call(tiny_episode(4))), 2, "dances")

    plan = make_plan(call)

    assert [shot.freshness for shot in plan.shots] == ["current", "current", "stale", "current"]
    assert plan.shots[2].why == "changed: caption"


def test_a_take_that_is_gone_from_the_vault_is_missing() -> None:
    """The ledger's word is not enough: the take itself must lie in the vault."""
    call = _filmed(_call(tiny_episode(2)))
    gone = call.state.shots["sc01-sh001"].circled
    assert gone is not None
    takes = {address: take for address, take in call.takes.items() if address != gone.address}

    plan = make_plan(replace(call, takes=takes))

    assert [shot.freshness for shot in plan.shots] == ["missing", "current"]
    assert "not in the vault" in plan.shots[0].why


def test_a_users_keyframe_makes_its_shot_stale() -> None:
    """Bringing a first frame of one's own films that shot anew."""
    call = _filmed(_call(tiny_episode(2)))

    plan = make_plan(replace(call, user_keyframes={"sc01-sh002": digest_of(b"my picture")}))

    assert [shot.freshness for shot in plan.shots] == ["current", "stale"]
    assert plan.shots[1].why == "changed: keyframe"


def test_another_seed_makes_everything_stale() -> None:
    """Another seed is another film."""
    call = _filmed(_call(tiny_episode(2)))

    plan = make_plan(replace(call, filming=tiny_filming(seed=7)))

    assert [shot.why for shot in plan.shots] == ["changed: seed"] * 2


def test_differing_fields_name_what_a_person_wrote_first() -> None:
    """The caption is the cause; the seed that goes with it comes after."""
    episode = tiny_episode(2)
    call = _call(episode)
    one = planned_recipe(episode.shots[0], call, attempt=1)
    other = one.model_copy(update={"seed": 1, "caption": "new", "keyframe": digest_of(b"k")})

    assert differing_fields(one, other) == ("caption", "seed")
    assert differing_fields(one, one) == ()


def _held(call: Call, slate: str, **fields: object) -> Call:
    """The same call after a person wanted a shot's circled take to stay."""
    circled = call.state.shot(slate).circled
    assert circled is not None
    shot = next(one for one in call.episode.shots if one.slate == slate)
    hold = Hold.model_validate(
        {"shot": slate, "take": circled.address, "written": written(shot), **fields}
    )
    return replace(call, standing=Standing(holds={slate: hold}))


def test_an_ordered_seed_makes_its_own_shot_stale_only() -> None:
    """The plan says whose word it is, and after filming the shot is current as ordered."""
    episode = tiny_episode(3)
    order = ShotOrder(shot="sc01-sh002", written=digest_of(b""), seed=7)
    ordered = replace(_filmed(_call(episode)), standing=Standing(orders={order.shot: order}))

    plan = make_plan(ordered)
    after = make_plan(_filmed(ordered))

    assert [shot.freshness for shot in plan.shots] == ["current", "stale", "current"]
    assert (plan.shots[1].why, plan.shots[1].ordered) == ("changed: seed (as ordered)", ("seed",))
    assert [shot.freshness for shot in after.shots] == ["current"] * 3


def test_a_clip_needs_nothing_of_the_script_but_its_length() -> None:
    """Once it is the take, another caption or another film seed leaves it current."""
    episode = tiny_episode(3)
    order = ShotOrder(shot="sc01-sh002", written=digest_of(b""), clip=digest_of(b"my footage"))
    call = replace(_call(episode), standing=Standing(orders={order.shot: order}))
    filmed = _filmed(call)

    plan = make_plan(filmed)
    edited = make_plan(_edited(replace(filmed, filming=tiny_filming(seed=7)), 1, "dances"))

    assert [shot.freshness for shot in plan.shots] == ["current"] * 3
    assert [shot.freshness for shot in edited.shots] == ["stale", "current", "stale"]


def test_a_frozen_take_is_not_filmed_whatever_the_script_says() -> None:
    """It is called stale all the same, so that everybody sees what is held."""
    call = _held(
        _edited(_filmed(_call(tiny_episode(3))), 1, "dances"), "sc01-sh002", is_frozen=True
    )

    plan = make_plan(call)

    shot = plan.shots[1]
    assert (shot.freshness, shot.hold, shot.is_to_be_filmed) == ("stale", "frozen", False)
    assert plan.num_to_shoot == 0


def test_a_take_is_kept_instead_of_one_other_take_only() -> None:
    """Kept for one difference, it is stale when it would be filmed in yet another way."""
    call = _edited(_filmed(_call(tiny_episode(3))), 1, "dances")
    wanted = intent_of(planned_recipe(call.episode.shots[1], call, attempt=1))
    kept = _held(call, "sc01-sh002", instead_of=wanted)
    open_ended = _held(call, "sc01-sh002")

    plans = [make_plan(one).shots[1] for one in (kept, open_ended, _edited(kept, 1, "sleeps"))]

    assert [shot.freshness for shot in plans] == ["stale"] * 3
    assert [shot.hold for shot in plans] == ["kept", "to be kept", ""]
    assert [shot.is_to_be_filmed for shot in plans] == [False, False, True]


def test_what_is_missing_cannot_be_held() -> None:
    """A film needs a take of every shot: one that is gone is filmed again, frozen or not."""
    call = _held(_filmed(_call(tiny_episode(2))), "sc01-sh001", is_frozen=True)

    plan = make_plan(replace(call, takes={}))

    assert plan.shots[0].freshness == "missing"
    assert plan.shots[0].is_to_be_filmed


def test_a_plan_may_begin_in_the_middle() -> None:
    """A retake films from its first shot on."""
    plan = make_plan(_call(tiny_episode(4)))

    assert [shot.slate for shot in plan.since("sc01-sh003")] == ["sc01-sh003", "sc01-sh004"]


PAINTER = EngineFingerprint(name="painter", weights="one", config="c", recipe_version=1)


def _painted(call: Call) -> Call:
    """The same call with a painter, after every shot was filmed from a frame of its own."""
    filming = replace(call.filming, draws_keyframes=True, painter=PAINTER, paints_from_sheets=True)
    call = replace(call, filming=filming)
    events = []
    for number, shot in enumerate(call.episode.shots):
        recipe = keyframe_recipe(shot, call, attempt=1)
        drawn = {"take": recipe.digest, "blob": digest_of(recipe.digest.encode())}
        kind, place = EventKind.KEYFRAME, {"shot": shot.slate, "sequence": number + 1}
        events.append(
            Event.model_validate({"kind": kind, "at": "", "writer": "", **drawn, **place})
        )
    call = replace(call, state=fold(events))
    takes: dict[Digest, Take] = {}
    for shot in call.episode.shots:
        keyframe = known_keyframe(shot, call, attempt=1)
        assert keyframe is not None
        take = tiny_take(planned_recipe(shot, call, attempt=1, keyframe=keyframe))
        takes[take.address] = take
        about = {"shot": shot.slate, "take": take.address, "slate": f"{shot.slate}-tk01"}
        for kind in (EventKind.RENDERED, EventKind.CIRCLED):
            place = {"sequence": len(events) + 1, "at": "", "writer": "", "by": "gates"}
            events.append(Event.model_validate({"kind": kind, **about, **place}))
    return replace(call, state=fold(events), takes=takes)


def test_shots_are_stale_when_somebody_else_paints_their_first_frames() -> None:
    """And no others: whoever has a first frame of their own does not ask who paints."""
    own = {"sc01-sh002": digest_of(b"my picture")}
    call = _painted(replace(_call(tiny_episode(3)), user_keyframes=own))
    other = PAINTER.model_copy(update={"config": "more steps"})
    changed = replace(call, filming=replace(call.filming, painter=other))

    now, then = make_plan(call), make_plan(changed)

    assert [shot.freshness for shot in now.shots] == ["current"] * 3
    assert [shot.freshness for shot in then.shots] == ["stale", "current", "stale"]
    assert then.shots[0].why == "changed: keyframe"


def test_another_engine_or_memory_paints_no_first_frame_anew() -> None:
    """A painter's frames are its own recipes: what films them is none of their business."""
    call = _painted(_call(tiny_episode(1)))
    shot = call.episode.shots[0]
    engine = call.filming.engine.model_copy(update={"recipe_version": 9})
    changed = replace(call, filming=replace(call.filming, engine=engine, memory_budget=3.0))

    assert keyframe_recipe(shot, changed, attempt=1) == keyframe_recipe(shot, call, attempt=1)
    assert known_keyframe(shot, changed, attempt=1) == known_keyframe(shot, call, attempt=1)


def test_a_circled_sheet_makes_the_shots_stale_that_start_from_it() -> None:
    """Those who are alone start from their own sheet, and a set's is nobody's who has one."""
    call = _painted(_call(tiny_episode(2)))
    (name,) = call.episode.shots[0].on_screen
    place = call.episode.shots[0].set_name
    sheet = digest_of(b"sheet")

    plans = [
        make_plan(replace(call, sheets=sheets))
        for sheets in (
            Sheets(people={"NOBODY": sheet}),
            Sheets(people={name: sheet}),
            Sheets(places={place: sheet}),
        )
    ]
    both = replace(call, sheets=Sheets(people={name: sheet}, places={place: digest_of(b"set")}))
    recipe = keyframe_recipe(call.episode.shots[0], both, attempt=1)

    assert [plan.num_to_shoot for plan in plans] == [0, 2, 2]
    assert plans[1].shots[0].why == "changed: keyframe"
    assert (recipe.keyframe, recipe.keyframe_by) == (sheet, "sheet")


def test_a_take_that_is_kept_is_not_kept_instead_of_another_painters() -> None:
    """Kept for one difference, it is stale when its first frame would be painted otherwise."""
    call = _edited(_painted(_call(tiny_episode(2))), 0, "dances")
    shot = call.episode.shots[0]
    wanted = intent(planned_recipe(shot, call, attempt=1), shot, call, attempt=1)
    kept = _held(call, shot.slate, instead_of=wanted)
    other = PAINTER.model_copy(update={"weights": "other"})

    now = make_plan(kept).shots[0]
    then = make_plan(replace(kept, filming=replace(kept.filming, painter=other))).shots[0]

    assert (now.freshness, now.hold) == ("stale", "kept")
    assert (then.freshness, then.hold) == ("stale", "")
