"""The plan: what is current, stale or missing, and why."""

from dataclasses import replace

from onestory.documents import Digest, digest_of
from onestory.engines.take import Take
from onestory.production.plan import Call, differing_fields, make_plan, planned_recipe
from onestory.screenplay.episode import Episode
from onestory.testing.stories import tiny_episode, tiny_filming, tiny_read, tiny_shot, tiny_take
from onestory.vault.events import Event, EventKind
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
