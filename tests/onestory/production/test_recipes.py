"""Recipes: everything that determines pixels, and nothing else."""

from onestory.continuity.ladder import BEYOND, DEFAULT_LADDER, rung_of
from onestory.documents import digest_of
from onestory.engines.recipe import Recipe
from onestory.production.recipes import (
    Keyframe,
    expanded_caption,
    first_seed,
    keyframe_recipe_of,
    recipe_for,
)
from onestory.production.table_read import LineRead, ShotRead
from onestory.testing.stories import tiny_episode, tiny_filming, tiny_read


def _recipe(number: int = 1, **changes: object) -> Recipe:
    episode = tiny_episode(3)
    read = tiny_read(episode).shots[number]
    return recipe_for(episode.shots[number], episode, read, tiny_filming(), **changes)  # type: ignore[arg-type]


def test_the_same_shot_has_the_same_address() -> None:
    """Equal recipes have equal digests, in any process and on any day."""
    known = "sha256:"

    assert _recipe().digest == _recipe().digest
    assert _recipe().digest.startswith(known)
    assert _recipe(1).digest != _recipe(2).digest


def test_the_look_of_the_cast_is_part_of_the_recipe() -> None:
    """A changed bible makes the takes of those whom it describes stale."""
    recipe = _recipe()

    assert [(one.name, one.phrase) for one in recipe.subjects] == [("MARA", "the same woman")]
    assert recipe.subjects[0].look == "a young woman with red hair"
    assert recipe.set_look == "a small kitchen"


def test_a_place_in_the_script_is_not_part_of_the_recipe() -> None:
    """A line that moves down the page changes no pixel."""
    episode = tiny_episode(3)
    shot = episode.shots[1]
    moved = shot.model_copy(update={"source": shot.source.model_copy(update={"line": 99})})
    read = tiny_read(episode).shots[1]

    assert recipe_for(moved, episode, read, tiny_filming()) == _recipe(1)


def test_lips_move_only_for_those_who_are_seen() -> None:
    """An off-screen voice moves nobody's lips."""
    episode = tiny_episode(3)
    read = ShotRead(
        slate=episode.shots[1].slate,
        num_frames=48,
        lines=(
            _line("MARA", 4, 20),
            _line("MARA", 22, 30, is_off_screen=True),
            _line("NARRATOR", 30, 40),
        ),
    )

    recipe = recipe_for(episode.shots[1], episode, read, tiny_filming())

    assert [(one.start_frame, one.end_frame) for one in recipe.speech] == [(4, 20)]
    assert recipe.num_frames == 48


def _line(name: str, start: int, end: int, *, is_off_screen: bool = False) -> LineRead:
    return LineRead(
        character=name,
        text="Hello.",
        audio=None,
        seconds=1.0,
        start_frame=start,
        end_frame=end,
        is_off_screen=is_off_screen,
    )


def test_every_rung_is_another_take() -> None:
    """A retake is never the take that was rejected."""
    attempts = [1, *DEFAULT_LADDER, *BEYOND[:3]]
    takes = [_recipe(attempt=n, rung=rung_of(n)).digest for n in attempts]

    assert len(set(takes)) == len(attempts)


def test_a_retake_keeps_shot_and_length() -> None:
    """The ladder changes how a shot is filmed, never what is in it."""
    first, second = _recipe(), _recipe(attempt=2, rung=rung_of(2))

    assert first.seed != second.seed
    assert (first.subjects, first.num_frames) == (second.subjects, second.num_frames)


def test_an_expanded_caption_spells_the_look_out_behind_the_phrase() -> None:
    """The phrase stays, so that every reference is still resolved."""
    episode = tiny_episode(2)

    caption = expanded_caption(episode.shots[1], episode)

    assert "the same woman (a young woman with red hair)" in caption


def test_a_keyframe_counts_by_content_and_by_origin() -> None:
    """The user's picture and the engine's are different first frames."""
    blob = digest_of(b"png")

    drawn = _recipe(keyframe=Keyframe(blob=blob, by="engine"))
    brought = _recipe(keyframe=Keyframe(blob=blob, by="user"))

    assert drawn.keyframe == brought.keyframe == blob
    assert len({drawn.digest, brought.digest, _recipe().digest}) == 3


def test_a_keyframe_is_drawn_from_the_shot_and_not_from_its_length() -> None:
    """A longer line of dialogue does not draw the first frame anew."""
    episode = tiny_episode(3)
    long_read = ShotRead(slate=episode.shots[1].slate, num_frames=99, lines=(_line("MARA", 4, 90),))
    longer = recipe_for(episode.shots[1], episode, long_read, tiny_filming())

    assert longer.speech
    assert keyframe_recipe_of(longer) == keyframe_recipe_of(_recipe())
    assert keyframe_recipe_of(longer).num_frames == 1


def test_seeds_of_another_episode_can_be_had() -> None:
    """Two films of one script can be drawn on the same noise."""
    episode = tiny_episode(2)
    read = tiny_read(episode).shots[0]

    def seed_of(name: str) -> int:
        renamed = episode.model_copy(update={"episode": name})
        return recipe_for(renamed.shots[0], renamed, read, tiny_filming()).seed

    assert seed_of("tiny") == seed_of("tiny-b")


def test_seeds_differ_by_shot_and_episode() -> None:
    """Shots do not share noise."""
    seeds = {
        first_seed(seed, episode, slate)
        for seed in (0, 1)
        for episode in ("a", "b")
        for slate in ("sc01-sh001", "sc01-sh002")
    }

    assert len(seeds) == 8
    assert all(0 <= seed < 2**63 for seed in seeds)
