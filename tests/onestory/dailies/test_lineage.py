"""The memory picture shows every remembered shot once, and nothing that cannot be."""

import re
from xml.etree import ElementTree

from onestory.dailies.lineage import lineage_picture
from onestory.dailies.page import DailiesPage, DailiesShot, RememberedShot
from onestory.dailies.rendering import render_memory


def _shots(*memories: tuple[tuple[str, int, float], ...]) -> list[DailiesShot]:
    return [
        DailiesShot(
            slate=f"sc01-sh00{index}",
            scene=1,
            set_name="",
            caption="",
            remembered=tuple(
                RememberedShot(shot=shot, num_frames=frames, score=score)
                for shot, frames, score in memory
            ),
        )
        for index, memory in enumerate(memories)
    ]


def test_every_memory_is_an_arc(page: DailiesPage) -> None:
    """There are as many arcs as remembered shots, from and to the right places."""
    picture = lineage_picture(page.shots)
    assert picture is not None
    assert len(picture.nodes) == 12
    pairs = {(arc.earlier, arc.later) for arc in picture.arcs}
    slates = [shot.slate for shot in page.shots]
    assert pairs == {
        (slates.index(memory.shot), later)
        for later, shot in enumerate(page.shots)
        for memory in shot.remembered
    }
    for arc in picture.arcs:
        numbers = [float(number) for number in re.findall(r"[\d.]+", arc.path)]
        assert numbers[0] == picture.nodes[arc.earlier].x
        assert numbers[6] == picture.nodes[arc.later].x
        assert all(0 <= y <= picture.height for y in (numbers[1], numbers[7]))


def test_arcs_stay_in_the_picture() -> None:
    """The highest arc's top is inside the picture, also over a hundred shots."""
    shots = _shots(*[()] * 99, (("sc01-sh000", 1, 1.0),))
    picture = lineage_picture(shots)
    assert picture is not None
    handle = float(re.findall(r"-?[\d.]+", picture.arcs[0].path)[3])
    top = picture.baseline - (picture.baseline - handle) * 3 / 4
    assert 0 < top < picture.baseline / 2


def test_more_frames_are_thicker_and_better_scores_brighter() -> None:
    """Thickness follows frames, strength follows the score, and words say the number."""
    memories = (("sc01-sh000", 6, 0.5), ("sc01-sh001", 1, 1.0))
    picture = lineage_picture(_shots((), (), memories))
    assert picture is not None
    many, one = picture.arcs
    assert many.thickness > one.thickness
    assert (many.strength, one.strength) == (0.5, 1.0)
    assert many.words == "sc01-sh002 remembers 6 frames of sc01-sh000"
    assert one.words == "sc01-sh002 remembers 1 frame of sc01-sh001"


def test_the_picture_stands_alone(page: DailiesPage) -> None:
    """The dashboard shows it as SVG, with as many arcs as the page has, and names as plain text."""
    picture = lineage_picture(page.shots)
    assert picture is not None
    drawn = render_memory(page.model_copy(update={"title": "<script>"}))
    assert drawn is not None
    root = ElementTree.fromstring(drawn)
    assert len(root.findall("{http://www.w3.org/2000/svg}path")) == len(picture.arcs)
    assert root[0].text == "<script>: what each shot remembered"
    assert render_memory(page.model_copy(update={"shots": page.shots[:1]})) is None


def test_no_memory_no_picture() -> None:
    """Without memories, or with only impossible ones, nothing is drawn."""
    assert lineage_picture([]) is None
    assert lineage_picture(_shots((), ())) is None
    future, unknown = ("sc01-sh001", 1, 1.0), ("elsewhere", 1, 1.0)
    itself = ("sc01-sh000", 1, 1.0)
    assert lineage_picture(_shots((future, unknown, itself), ())) is None


def test_scores_may_be_nought() -> None:
    """Engines that score nothing above zero still get a picture."""
    picture = lineage_picture(_shots((), (("sc01-sh000", 1, 0.0),)))
    assert picture is not None
    assert picture.arcs[0].strength == 1.0
