"""Contradictions are named while they cost nothing."""

from typing import Any

import pytest

from onestory.engine_server.messages import Health
from onestory.errors import PreflightError
from onestory.production.preflight import Finding, preflight, refuse_fatal
from onestory.screenplay.episode import Episode
from onestory.testing.stories import FINGERPRINT, tiny_episode, tiny_read

SIZE = (720, 1280)


def health(**changes: Any) -> Health:
    """An engine that makes what it is asked for."""
    can: dict[str, Any] = {
        "pid": 1,
        "engine": FINGERPRINT,
        "remembers": True,
        "draws_keyframes": False,
        "accepts_keyframes": True,
        "continues": False,
        "memory_budget": 1.0,
        "max_frames": 100,
        "multiple_of": 2,
        "rendered": 0,
        "reused": 0,
    }
    return Health(**{**can, **changes})


def with_actions(*actions: str) -> Episode:
    """An episode in which that happens."""
    episode = tiny_episode(len(actions))
    shots = zip(episode.shots, actions, strict=True)
    return episode.model_copy(
        update={"shots": tuple(shot.model_copy(update={"action": each}) for shot, each in shots)}
    )


def found(
    episode: Episode, *, size: tuple[int, int] = SIZE, to_film: int = 9, **can: Any
) -> tuple[Finding, ...]:
    """What is wrong with an episode whose first shots are to be filmed."""
    slates = [shot.slate for shot in episode.shots[:to_film]]
    return preflight(episode, tiny_read(episode), health(**can), size, to_film=slates)


def test_a_sound_film_has_no_findings() -> None:
    """Nothing is said of a film that contradicts neither itself nor the model."""
    assert found(tiny_episode()) == ()


def test_an_invented_look_is_named() -> None:
    """A character of whom nobody said how they look, with the look that was made up."""
    episode = tiny_episode()
    mara = episode.cast[0].model_copy(update={"is_look_invented": True})

    (finding,) = found(episode.model_copy(update={"cast": (mara,)}))

    assert (finding.kind, finding.is_fatal) == ("look", False)
    assert "MARA" in finding.sentence
    assert mara.look in finding.sentence
    assert "[[look: MARA: a …]]" in finding.hint


@pytest.mark.parametrize(
    ("action", "sentence"),
    [
        ("Mara brushes her black hair.", "the hair of MARA is black here, and red in their look"),
        ("Mara brushes her red hair.", None),
        ("Mara puts on a blue coat.", None),
    ],
)
def test_a_contradicted_look_is_named(action: str, sentence: str | None) -> None:
    """What an action says against the look; not what the look leaves open."""
    findings = found(with_actions(action))

    assert [one.sentence for one in findings] == ([sentence] if sentence else [])


@pytest.mark.parametrize(
    ("actions", "changes"),
    [
        (("Mara opens a red umbrella.", "Mara closes the blue umbrella."), ["sc01-sh002"]),
        (("Mara opens a red umbrella.", "Mara closes the umbrella."), []),
        (("A red cup and a blue cup.", "The red cup breaks."), []),
        (
            ("A red cup.", "Mara smiles.", "A green cup.", "A red cup."),
            ["sc01-sh003", "sc01-sh004"],
        ),
    ],
)
def test_a_prop_that_changes_colour_is_named(actions: tuple[str, ...], changes: list[str]) -> None:
    """At each shot where it is another colour; two of them in one shot are two things."""
    findings = found(with_actions(*actions))

    assert [one.slate for one in findings] == changes
    assert all(one.kind == "prop" for one in findings)


def test_a_reference_to_nobody_stops_the_film() -> None:
    """A listed phrase that means nobody of the bible cannot be drawn."""
    episode = tiny_episode()
    shot = episode.shots[1].model_copy(update={"references": ()})
    broken = episode.model_copy(update={"shots": (episode.shots[0], shot, *episode.shots[2:])})

    findings = found(broken)

    assert [(one.kind, one.slate, one.is_fatal) for one in findings] == [
        ("reference", "sc01-sh002", True)
    ]
    with pytest.raises(PreflightError, match='says "the same woman", but no reference says who'):
        refuse_fatal(findings)


def test_a_pronoun_without_anybody_is_named() -> None:
    """ "She" in a shot that shows nobody: the model would draw whom it likes."""
    episode = tiny_episode(1)
    lonely = {"caption": "wide shot, she waves", "references": (), "on_screen": ()}
    shots = (episode.shots[0].model_copy(update=lonely),)

    (finding,) = found(episode.model_copy(update={"shots": shots}))

    assert finding.in_words.startswith('[sc01-sh001] the caption says "she", and nobody')


@pytest.mark.parametrize(
    ("action", "names"),
    [
        ("Jonas runs down the street.", ["Jonas"]),
        ("Mara waves to Anna and Anna waves.", ["Anna"]),
        ("Rose petals fall. Mara waits in the kitchen.", []),
    ],
)
def test_somebody_without_a_part_is_named(action: str, names: list[str]) -> None:
    """Whom the script names, and whom nobody was cast for: a model knows nobody by name."""
    findings = found(with_actions(action))

    assert [one.sentence for one in findings] == [
        f'the shot speaks of "{name}", who is nobody of the cast' for name in names
    ]


def test_a_shot_longer_than_the_model_makes_stops_the_film() -> None:
    """With both lengths, and how many more there are."""
    findings = found(tiny_episode(3), max_frames=23)

    with pytest.raises(
        PreflightError,
        match="has 24 frames at 24 a second, and tiny makes 23 at most; so it is with 2 more",
    ) as caught:
        refuse_fatal(findings)

    assert caught.value.slate == "sc01-sh001"


def test_what_is_not_to_be_filmed_may_be_long() -> None:
    """A take that is there, or a person's own clip, is no engine's to make."""
    refuse_fatal(found(tiny_episode(3), max_frames=23, to_film=0))


@pytest.mark.parametrize(
    ("size", "resamples", "is_named"),
    [
        ((720, 1280), True, False),
        ((160, 288), True, False),
        ((1280, 720), True, True),
        ((160, 288), False, False),
        ((720, 1280), False, True),
    ],
)
def test_an_untrained_size_is_named(size: tuple[int, int], resamples: bool, is_named: bool) -> None:
    """The very size; or its shape, of an engine that draws small and enlarges."""
    trained = ((160, 288),)

    findings = found(tiny_episode(), size=size, resamples=resamples, trained_sizes=trained)

    assert [one.kind for one in findings] == (["size"] if is_named else [])
    assert all("but for 160x288" in one.sentence for one in findings)
