"""Which stories are compared, and which of their frames help."""

from onestory.bench.cases import Case, cases
from onestory.storyworld.stories import HELD_OUT, Pattern


def test_patterns_come_by_turns(told: list[Case]) -> None:
    """Every pattern has the same share of stories."""
    assert [case.story.pattern for case in told] == list(Pattern)


def test_nobody_trains_on_them() -> None:
    """Every seed is behind those that are trained on, and none is told twice."""
    seeds = [case.seed for case in cases(64)]

    assert min(seeds) >= HELD_OUT
    assert len(set(seeds)) == 64


def test_only_shots_that_show_something_again_return(told: list[Case]) -> None:
    """The first shot never does; later ones do unless everything in them is new."""
    for case in told:
        shots = case.story.shots
        seen: set[str] = set()
        for number, shot in enumerate(shots):
            shown = {*shot.people, shot.place}
            assert case.returns(number) == bool(shown & seen)
            seen |= shown


def test_frames_of_the_same_person_and_place_help_most(told: list[Case]) -> None:
    """An earlier shot helps as far as it shows who and what is shown again."""
    for case in told:
        shots = case.story.shots
        for number in range(1, len(shots)):
            shown = {*shots[number].people, shots[number].place}
            for earlier in range(number):
                shared = shown & {*shots[earlier].people, shots[earlier].place}
                helps = max(case.relevance(earlier, frame, number) for frame in range(5))
                assert (helps > 0) == bool(shared)
                assert 0 <= helps <= 1
