"""Which word holds for a shot: the script's, or a person's."""

from onestory.documents import digest_of
from onestory.production.standing import as_ordered, standing, written
from onestory.screenplay.episode import Episode, Reference, Shot
from onestory.testing.stories import tiny_episode, tiny_shot
from onestory.vault.events import Event, EventKind, Hold, ShotOrder
from onestory.vault.ledger import EpisodeState, fold

TAKE, OTHER = digest_of(b"take"), digest_of(b"another take")
SECOND = "sc01-sh002"


def _ordered(
    *, orders: tuple[ShotOrder, ...] = (), holds: tuple[Hold, ...] = (), circled: bytes = b"take"
) -> EpisodeState:
    """What a ledger says after a take of the second shot was circled and something ordered."""
    take = digest_of(circled)
    told = (
        {"kind": EventKind.RENDERED, "shot": SECOND, "slate": f"{SECOND}-tk01", "take": take},
        {"kind": EventKind.CIRCLED, "shot": SECOND, "take": take, "by": "gates"},
        {"kind": EventKind.ORDERED, "orders": orders, "holds": holds},
    )
    return fold(
        Event.model_validate({"sequence": number, "at": "", "writer": "", **fields})
        for number, fields in enumerate(told, start=1)
    )


def _with(episode: Episode, shot: Shot) -> Episode:
    """The episode with another second shot."""
    first, _, *rest = episode.shots
    return episode.model_copy(update={"shots": (first, shot, *rest)})


def test_an_order_holds_as_long_as_the_script_says_the_same_of_the_shot() -> None:
    """Another action, line, light or first frame ends it, and that is remembered as a lapse."""
    episode = tiny_episode(3)
    shot = episode.shots[1]
    order = ShotOrder(shot=SECOND, written=written(shot), seed=7)
    edits: tuple[dict[str, object], ...] = (
        {"action": "Mara runs."},
        {"lines": ()},
        {"light": "night"},
        {"keyframe": "mine.png"},
        {"caption": shot.caption + " loudly"},
        {"num_frames": 48, "is_length_fixed": True},
    )

    held = standing(episode, _ordered(orders=(order,)))
    edited = [_with(episode, shot.model_copy(update=edit)) for edit in edits]
    lapsed = [standing(one, _ordered(orders=(order,))) for one in edited]

    assert (held.orders, held.lapsed) == ({SECOND: order}, frozenset())
    assert [(one.orders, one.lapsed) for one in lapsed] == [({}, frozenset({SECOND}))] * len(edits)


def test_another_shots_edit_ends_no_order() -> None:
    """Whether a shot introduces somebody or sees them again, it is the same shot."""
    again = tiny_shot(2)
    phrase = "a young woman with red hair"
    introducing = again.model_copy(
        update={
            "caption": again.caption.replace("the same woman", phrase),
            "references": (Reference(phrase=phrase, name="MARA"),),
        }
    )

    assert written(introducing) == written(again)
    assert written(again) != written(again.model_copy(update={"caption": "another"}))


def test_a_kept_take_is_kept_as_long_as_it_is_circled_and_its_shot_the_same() -> None:
    """A frozen one outlives the script, and no take is held that another one replaced."""
    episode = tiny_episode(3)
    shot = episode.shots[1]
    kept = Hold(shot=SECOND, take=TAKE, written=written(shot))
    frozen = kept.model_copy(update={"is_frozen": True})
    edited = _with(episode, tiny_shot(2, action="runs"))

    found = [
        standing(one, _ordered(holds=(hold,), circled=circled)).holds
        for hold in (kept, frozen)
        for one, circled in ((episode, b"take"), (edited, b"take"), (episode, b"another take"))
    ]

    assert found == [{SECOND: kept}, {}, {}, {SECOND: frozen}, {SECOND: frozen}, {}]


def test_an_ordered_caption_is_read_as_any_other() -> None:
    """Names become the bible's phrases, by what earlier shots have introduced."""
    episode = tiny_episode(3)
    orders = {
        shot.slate: ShotOrder(shot=shot.slate, written=TAKE, caption="Close-up. Mara cries.")
        for shot in episode.shots[:2]
    }

    first, second, third = as_ordered(episode, orders).shots

    assert first.caption == "Close-up. A young woman with red hair cries."
    assert second.caption == "Close-up. The same woman cries."
    assert [one.name for one in second.references] == ["MARA"]
    assert (second.lines, second.action) == (episode.shots[1].lines, episode.shots[1].action)
    assert third == episode.shots[2]


def test_a_withdrawn_shot_has_neither_order_nor_hold() -> None:
    """And a newer order ends a hold, for the shot itself was ordered."""
    order = ShotOrder(shot=SECOND, written=TAKE, seed=7)
    hold = Hold(shot=SECOND, take=TAKE, written=TAKE, is_frozen=True)

    def told(*parts: dict[str, object]) -> tuple[object, object, object]:
        shot = fold(
            Event.model_validate(
                {"kind": EventKind.ORDERED, "sequence": n, "at": "", "writer": "", **part}
            )
            for n, part in enumerate(parts, start=1)
        ).shot(SECOND)
        return shot.order, shot.hold, shot.highest_seed

    assert told({"holds": (hold,)}, {"withdrawn": (SECOND,)}) == (None, None, None)
    assert told({"orders": (order,)}, {"withdrawn": (SECOND,)}) == (None, None, 7)
    assert told({"holds": (hold,)}, {"orders": (order,)}) == (order, None, 7)
    assert told({"orders": (order,)}, {"holds": (hold,)}) == (order, hold, 7)
