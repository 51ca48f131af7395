"""Who reads looks off latents: what may be asked, what is seen, and what is learnt from it."""

from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
import torch

from onestory.storyworld.attributes import PERSON
from onestory.storyworld.kinds import Part
from onestory.storyworld.stories import Telling, tell_story
from onestory.testing.tiny_pocket import CHANNELS, tiny_codec
from onestory.training.critic import (
    Critic,
    Glimpses,
    draw_glimpses,
    learn,
    looks_loss,
    read_glimpses,
    visible,
)
from onestory.training.looks import ASKED, FIGURES, Looks, looks_note, looks_of

NAMES = [attribute.name for attribute in PERSON]


@pytest.fixture(scope="module", name="glimpses")
def _glimpses(tmp_path_factory: pytest.TempPathFactory) -> Glimpses:
    path = tmp_path_factory.mktemp("glimpses") / "few.safetensors"
    draw_glimpses(path, range(900, 906), tiny_codec(), Telling(num_shots=3, num_frames=5))
    return read_glimpses([path])


@pytest.fixture(name="critic")
def _critic() -> Critic:
    torch.manual_seed(3)
    return Critic(CHANNELS, width=8, blocks=1)


def asked_of(
    critic: Critic, looks: Looks, *, is_heard: bool = True, has_memory: bool = True
) -> tuple[float, float]:
    """What a critic says of one picture on which both figures are seen whole."""
    torch.manual_seed(4)
    even_NChw = torch.randn(1, CHANNELS, 18, 10)
    figures_NAhw = torch.zeros(1, FIGURES, 18, 10)
    figures_NAhw[0, 0, :, :4] = 1.0
    figures_NAhw[0, 1, :, 6:] = 1.0
    parts_NLP = torch.zeros(1, 45, 9)
    parts_NLP[..., 1:] = 0.125
    person, scene = looks_loss(
        critic,
        even_NChw,
        figures_NAhw,
        parts_NLP,
        looks,
        is_heard_N=torch.tensor([is_heard]),
        has_memory=has_memory,
    )
    return float(person.detach()), float(scene.detach())


def looks(*, is_told: bool, returns: bool) -> Looks:
    """Looks that are all of the first class."""
    return Looks(
        people_NAK=torch.zeros(1, FIGURES, len(PERSON), dtype=torch.int64),
        told_NAK=torch.full((1, FIGURES, len(PERSON)), is_told),
        returns_NA=torch.full((1, FIGURES), returns),
        scene_NS=torch.zeros(1, len(ASKED), dtype=torch.int64),
        scene_told_NS=torch.full((1, len(ASKED)), is_told),
        scene_returns_N=torch.tensor([returns]),
    )


def test_captions_tell_looks_once() -> None:
    """What is named is told where somebody is introduced, and is a matter of memory later."""
    for seed in range(40):
        story = tell_story(seed)
        for shot in story.shots:
            found = looks_of([looks_note(story, shot)])
            for figure, name in enumerate(shot.cast[:FIGURES]):
                named = [one.told in story.people[name].named for one in PERSON]
                is_new = name in shot.introduces
                assert found.returns_NA[0, figure].item() is not is_new
                told = found.told_NAK[0, figure].tolist()
                assert told == (named if is_new else [False] * len(PERSON))
            assert not found.told_NAK[0, len(shot.cast) :].any()
            assert (found.people_NAK[0, len(shot.cast) :] == -1).all()
            is_told = shot.place in shot.introduces and "wall" in story.places[shot.place].named
            assert found.scene_told_NS[0].tolist() == [True, True, True, is_told]


def test_what_is_hidden_is_not_asked() -> None:
    """An attribute needs the parts that show it, on the very figure."""
    parts_NLP = torch.zeros(1, 45, 9)
    parts_NLP[0, :20, 1 + list(Part).index(Part.TOP)] = 1.0
    there_Nhw = torch.ones(1, 18, 10)

    seen = dict(zip(NAMES, visible(parts_NLP, there_Nhw)[0].tolist(), strict=True))

    assert {name for name, is_seen in seen.items() if is_seen} == {"top", "top colour", "bag"}
    assert not visible(parts_NLP, torch.zeros(1, 18, 10)).any()


@pytest.mark.parametrize(
    ("is_told", "returns", "is_heard", "has_memory", "is_asked"),
    [
        (True, False, True, False, True),
        (True, False, False, True, False),
        (False, False, True, True, False),
        (False, True, True, True, True),
        (False, True, True, False, False),
        (False, True, False, True, False),
    ],
)
def test_only_what_could_be_known_is_asked(
    critic: Critic, is_told: bool, returns: bool, is_heard: bool, has_memory: bool, is_asked: bool
) -> None:
    """Named by a caption that was read, or of somebody who returns while there is a memory."""
    truth = looks(is_told=is_told, returns=returns)

    person, scene = asked_of(critic, truth, is_heard=is_heard, has_memory=has_memory)

    assert (person > 0, scene > 0) == (is_asked, is_asked)


def test_the_scene_is_read_around_the_first_figure(critic: Critic) -> None:
    """The other may not be there, and around nobody the critic has never learnt to read."""
    torch.manual_seed(5)
    even_NChw = torch.randn(2, CHANNELS, 18, 10)
    figures_NAhw = torch.zeros(2, FIGURES, 18, 10)
    figures_NAhw[:, 0, :, :4] = 1.0
    truth = looks_of([looks_note(story, story.shots[0]) for story in map(tell_story, (0, 1))])

    _, asked = looks_loss(
        critic,
        even_NChw,
        figures_NAhw,
        torch.zeros(2, 45, 9),
        replace(truth, scene_told_NS=torch.ones_like(truth.scene_told_NS)),
        is_heard_N=torch.ones(2, dtype=torch.bool),
        has_memory=False,
    )

    _, scene = critic(even_NChw, figures_NAhw[:, 0], figures_NAhw[:, 1])
    answers = [(logits, truth.scene_NS[:, number]) for number, logits in enumerate(scene)]
    losses = [
        torch.nn.functional.cross_entropy(logits[there], answer[there], reduction="sum")
        for logits, answer in answers
        for there in [answer >= 0]
    ]
    num = sum(int((answer >= 0).sum()) for _, answer in answers)
    assert float(asked.detach()) == pytest.approx(
        float(torch.stack(losses).sum().detach()) / num, rel=1e-5
    )


def test_unknown_looks_change_nothing(critic: Critic) -> None:
    """The loss hangs on the truth of what is asked, and on no other."""
    top = NAMES.index("top")
    truth = looks(is_told=True, returns=False)
    truth.told_NAK[:, :, top] = False
    other = replace(truth, people_NAK=truth.people_NAK.clone())
    other.people_NAK[:, :, top] = 1
    known = replace(truth, people_NAK=truth.people_NAK.clone())
    known.people_NAK[:, :, NAMES.index("skin")] = 5

    assert asked_of(critic, other) == asked_of(critic, truth)
    assert asked_of(critic, known)[0] != asked_of(critic, truth)[0]


def test_glimpses_show_everybody_once(glimpses: Glimpses) -> None:
    """A shot for each first appearance; whoever is there covers cells and has looks."""
    is_there_NA = glimpses.people_NAK[..., NAMES.index("skin")] >= 0

    assert 6 <= len(glimpses.latents_NChw) <= 12
    assert is_there_NA[:, 0].all()
    assert glimpses.latents_NChw.shape[1:] == (CHANNELS, 18, 10)
    assert (glimpses.figures_NAhw[~is_there_NA] == 0).all()
    assert not glimpses.visible_NAK[~is_there_NA].any()
    assert glimpses.visible_NAK[is_there_NA].any()


def test_a_critic_learns(critic: Critic, glimpses: Glimpses, tmp_path: Path) -> None:
    """On what it is taught with, its answers become right."""
    std_C = torch.ones(CHANNELS)

    def right() -> float:
        with torch.no_grad():
            figures_NAhw = glimpses.figures_NAhw.float()
            person, _ = critic(
                glimpses.latents_NChw.float(), figures_NAhw[:, 0], figures_NAhw[:, 1]
            )
        skin = NAMES.index("skin")
        answers_N = glimpses.people_NAK[:, 0, skin]
        return float((person[skin].argmax(dim=1) == answers_N).float().mean())

    before = right()
    for _ in learn(critic, glimpses, std_C, tmp_path, steps=100, seed=1):
        pass

    assert right() > max(0.8, before)


def test_a_critic_that_was_stopped_goes_on_as_if_nothing_had_happened(
    glimpses: Glimpses, tmp_path: Path
) -> None:
    """From its checkpoint to the very weights of a run that was never stopped."""

    def new() -> Critic:
        torch.manual_seed(3)
        return Critic(CHANNELS, width=8, blocks=1)

    std_C, whole, stopped, resumed = torch.ones(CHANNELS), new(), new(), new()
    assert list(learn(whole, glimpses, std_C, tmp_path / "a", steps=110, seed=1)) == [100, 110]
    for _ in islice(learn(stopped, glimpses, std_C, tmp_path / "b", steps=110, seed=1), 1):
        pass
    assert list(learn(resumed, glimpses, std_C, tmp_path / "b", steps=110, seed=1)) == [110]

    for one, other in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(one, other)
    assert not torch.equal(whole.stem.weight, stopped.stem.weight)
