"""The takes of one shot side by side: real takes, verdicts and ledgers on the real gateway."""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from onestory.continuity.gates import judge
from onestory.continuity.measures import measure
from onestory.dailies.comparison import ComparedTake, ComparisonPage
from onestory.dailies.rendering import render_comparison
from onestory.documents import Digest, digest_of
from onestory.engine_server.client import EngineClient
from onestory.engines.take import NgReason, Take
from onestory.errors import OrderError
from onestory.memory.lineage import Remembered, memory_digest
from onestory.production.call_sheet import CallSheet
from onestory.production.compare import compare, write_comparison
from onestory.production.order import EpisodeOrder
from onestory.production.recipes import recipe_for
from onestory.production.unit import Unit
from onestory.testing.stories import tiny_episode, tiny_filming, tiny_read, tiny_take
from onestory.vault.ledger import Ledger
from onestory.vault.store import Vault, hex_of

SHOT = "sc01-sh001"
GREY, LIGHT, BLACK = 90, 200, 0


@dataclass
class Set:
    """An episode of two shots, the first of which is filmed take by take."""

    vault: Vault
    unit: Unit
    sheet: CallSheet

    @property
    def ledger(self) -> Ledger:
        """The episode's ledger."""
        return self.unit.records.ledger(self.sheet.episode)

    def film(
        self,
        *,
        seed: int = 0,
        caption: str = "a woman waves",
        level: int = GREY,
        lineage: tuple[Remembered, ...] = (),
    ) -> Take:
        """Film, judge and enter a take whose frames are noise about one grey level."""
        episode = self.unit.records.episode_of(self.sheet)
        recipe = recipe_for(
            episode.shots[0], episode, tiny_read(episode).shots[0], tiny_filming(seed=seed)
        )
        # Other tests film the same story into the same bucket: a take is found by its recipe.
        caption = f"{caption}, {self.sheet.episode}"
        memory = memory_digest(lineage)
        recipe = recipe.model_copy(update={"caption": caption, "memory": memory})
        noise = np.random.default_rng(seed)
        shape = (recipe.num_frames, recipe.height, recipe.width, 3)
        frames = (level + noise.integers(0, 1 + level // 4, shape)).astype(np.uint8)
        put = {
            "first_frame": self.vault.put_blob(encoded(frames[0], "PNG")),
            "poster": self.vault.put_blob(encoded(frames[len(frames) // 2], "JPEG")),
            "last_frame": self.vault.put_blob(encoded(frames[-1], "PNG")),
        }
        take = tiny_take(recipe)
        media = take.media.model_copy(update=put)
        take = take.model_copy(update={"media": media, "lineage": lineage})
        measures = measure(frames)
        verdict = judge(recipe, measures)
        self.vault.put_measures(take.address, measures.model_dump(mode="json"))
        self.vault.put_verdict(verdict)
        self.vault.put_take(take)
        self.ledger.rendered(SHOT, prefix=self.sheet.prefix, address=take.address, rung=0)
        self.ledger.judged(
            SHOT,
            address=take.address,
            question=verdict.question,
            is_passed=verdict.is_passed,
            reasons=verdict.reasons,
            badness=verdict.badness,
        )
        return take

    def circle(self, take: Take) -> None:
        """Circle a take."""
        self.ledger.circle(SHOT, address=take.address, by="person", why="her eyes")

    def compared(self) -> ComparisonPage:
        """The first shot's takes, as another process finds them."""
        unit = Unit(self.vault, self.unit.engine, None)
        return compare(unit, unit.records.sheet_of(self.sheet.episode), "1")

    def damage(self, blob: Digest) -> None:
        """Put other bytes under a blob's name."""
        digits = hex_of(blob)
        self.vault.put_new(f"blobs/{digits[:2]}/{digits[2:]}", b"junk")


def encoded(frame: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], kind: str) -> bytes:
    """A frame as a picture file."""
    buffer = io.BytesIO()
    Image.fromarray(frame).save(buffer, kind)
    return buffer.getvalue()


def readable(take: ComparedTake) -> list[bool]:
    """Which of first, middle and last frame can be seen; as JSON and on the page alike."""
    assert [picture.frame for picture in take.pictures] == ["first", "middle", "last"]
    assert all(picture.is_readable == bool(picture.content) for picture in take.pictures)
    return [picture.is_readable for picture in take.pictures]


@pytest.fixture(name="stage")
def _stage(vault: Vault, episode_id: str, tmp_path: Path) -> Set:
    """An episode that is broken down and not filmed yet; no engine is there to be asked."""
    episode = tiny_episode(2, episode=episode_id)
    sheet = CallSheet(
        order=EpisodeOrder(script="tiny.json"),
        episode=episode_id,
        title=episode.title,
        prefix="s01e01",
        document=vault.put_blob(episode.to_json()),
        slates=tuple(shot.slate for shot in episode.shots),
    )
    unit = Unit(vault, EngineClient(tmp_path / "no-engine.sock"), None)
    unit.records.ledger(episode_id).broken_down(
        title=episode.title, episode=sheet.document, sheet=vault.put_blob(sheet.to_json())
    )
    return Set(vault, unit, sheet)


def test_every_take_of_the_ledger_stands_beside_the_others(stage: Set) -> None:
    """Those of an earlier caption as well; how each differs from the circled one is named."""
    sleeping, circled, other = (
        stage.film(caption="a woman sleeps"),
        stage.film(),
        stage.film(seed=1),
    )
    stage.circle(circled)

    page = stage.compared()

    assert [take.slate[-4:] for take in page.takes] == ["tk01", "tk02", "tk03"]
    assert [take.is_circled for take in page.takes] == [False, True, False]
    assert [take.seed for take in page.takes] == [
        take.recipe.seed for take in (sleeping, circled, other)
    ]
    assert page.circled == page.reference == page.takes[1].slate
    assert (page.circled_by, page.circled_why) == ("person", "her eyes")
    differing = [[found.field for found in take.differences] for take in page.takes]
    assert differing == [["caption"], [], ["seed"]]
    (caption,) = page.takes[0].differences
    assert (caption.one, caption.other) == (
        f"a woman waves, {page.episode}",
        f"a woman sleeps, {page.episode}",
    )


def test_gates_and_measures_are_each_takes_own(stage: Set) -> None:
    """Number, verdict and reasons are those of that take's frames."""
    stage.film(level=BLACK)
    stage.film(seed=1, level=LIGHT)

    black, light = stage.compared().takes

    assert (black.is_passed, light.is_passed) == (False, True)
    assert black.reasons[0] is NgReason.BLACK
    assert (black.verdict, light.verdict, light.reasons) == ("NG", "passed", ())
    assert [r.value for take in (black, light) for r in take.results if r.gate == "black"] == [1, 0]
    brightness = [take.measures[0] for take in (black, light)]
    assert {one.name for one in brightness} == {"brightness"}
    assert brightness[0].value == 0
    assert brightness[1].value == pytest.approx(LIGHT + LIGHT / 8, rel=0.02)


def test_damaged_and_missing_frames_leave_a_blank(stage: Set) -> None:
    """The cell says so, in the page and in the JSON; everything else of the take is there."""
    hurt, whole = stage.film(), stage.film(seed=1)
    stage.damage(hurt.media.first_frame)
    stage.vault.discard_blob(hurt.media.poster)

    page = stage.compared()

    assert [readable(take) for take in page.takes] == [[False, False, True], [True] * 3]
    assert page.takes[0].pictures[0].blob == hurt.media.first_frame
    assert [found.field for found in page.takes[0].differences] == ["seed"]
    document = render_comparison(page)
    assert document.count("no picture") == 2
    assert document.count("<img") == 4
    assert str(whole.recipe.seed) in document


def test_a_take_that_is_gone_keeps_its_place(stage: Set) -> None:
    """What was said and measured of it is still there, and nothing is made up."""
    gone, _ = stage.film(level=BLACK), stage.film(seed=1)
    stage.vault.forget_take(gone.address)

    first, second = stage.compared().takes

    assert (first.is_gone, second.is_gone) == (True, False)
    assert (first.verdict, first.is_passed, first.address) == ("NG", False, gone.address)
    assert (first.pictures, first.differences) == ((), ())
    assert len(first.measures) == 4
    assert "not in the vault any more" in render_comparison(stage.compared())


@pytest.mark.parametrize("is_circled", [True, False])
def test_without_a_circled_take_the_latest_is_held_against(stage: Set, is_circled: bool) -> None:
    """If none is circled, or the circled one is gone; and the page says which and why."""
    first, _, third = (stage.film(seed=seed) for seed in range(3))
    if is_circled:
        stage.circle(first)
        stage.vault.forget_take(first.address)

    page = stage.compared()

    assert page.reference == page.takes[2].slate
    assert [found.one for found in page.takes[1].differences] == [str(third.recipe.seed)]
    assert page.takes[2].differences == ()
    cause = "the circled take is gone" if is_circled else "no take is circled"
    assert cause in render_comparison(page)


def test_a_changed_memory_is_told_by_frames(stage: Set) -> None:
    """A memory's digest says nothing to a person; the frames that it stands for do."""
    frame = Remembered(
        take=digest_of(b"gone"),
        frame_index=2,
        latent=digest_of(b"latent"),
        position=0,
        level=0,
        score=1.0,
    )
    stage.film(lineage=(frame,))
    stage.circle(stage.film())

    take = stage.compared().takes[0]

    assert [found.field for found in take.differences] == ["memory"]
    assert take.memory_changes == (f"frame 2 of {frame.take} is remembered now",)


def test_a_shot_that_was_never_filmed_has_an_empty_page(stage: Set) -> None:
    """It is a shot all the same."""
    page = stage.compared()

    assert (page.takes, page.circled, page.reference) == ((), None, None)
    assert "No take yet." in render_comparison(page)


@pytest.mark.parametrize(
    ("shot", "message"),
    [
        ("9", "there is no shot 9 in episode"),
        ("1-2", "1-2 are 2 shots"),
        ("two", "'two' is no shot"),
        ("", "'' is no shot"),
    ],
)
def test_what_is_not_one_shot_is_refused(stage: Set, shot: str, message: str) -> None:
    """With a hint, as of every order."""
    with pytest.raises(OrderError, match=message) as refused:
        compare(stage.unit, stage.sheet, shot)

    assert refused.value.hint


def test_the_page_lies_beside_the_dailies(stage: Set, tmp_path: Path) -> None:
    """In the episode's folder, under the shot's name; written again, it is replaced."""
    stage.film()
    write_comparison(stage.compared(), tmp_path)
    stage.film(seed=1)

    path = write_comparison(stage.compared(), tmp_path)

    assert path == tmp_path / stage.sheet.episode / f"compare-{SHOT}.html"
    assert [path] == list(path.parent.iterdir())
    assert path.read_text(encoding="utf-8").count("<article") == 2
