"""The page of one shot's takes opens in a real browser, with like beside like."""

import html
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from onestory.continuity.measures import Measure
from onestory.dailies.comparison import FRAMES, ComparedTake, ComparisonPage, Picture
from onestory.dailies.page import DailiesPage, DailiesTake
from onestory.dailies.rendering import render_comparison, render_page
from onestory.documents import digest_of
from onestory.engines.recipe import Difference
from onestory.engines.take import CaptionReport, GateResult, NgReason
from onestory.screenplay.episode import Reference

Chromium = Callable[..., "subprocess.CompletedProcess[str]"]
EVIL = "<script>document.title='owned'</script>\"'><img src=x onerror=\"document.title='owned'\">"

PROBE = """
<script>
addEventListener("load", () => {
  const top = (one) => Math.round(one.getBoundingClientRect().top);
  const layout = (take) => JSON.stringify([...take.querySelectorAll(":scope > div, th")].map(top));
  const layouts = new Set([...document.querySelectorAll(".take")].map(layout));
  document.body.setAttribute("data-layouts", layouts.size);
  const overflow = document.documentElement.scrollWidth - innerWidth;
  document.body.setAttribute("data-overflow", overflow);
});
</script>
"""


def _compared(take: DailiesTake, **fields: object) -> ComparedTake:
    blob = digest_of(take.poster)
    pictures = tuple(
        Picture(frame=frame, blob=blob, is_readable=True, content=take.poster) for frame in FRAMES
    )
    judged = take.model_dump(exclude={"poster", "strip", "evidence"})
    return ComparedTake.model_validate({**judged, "pictures": pictures, **fields})


@pytest.fixture(name="comparison", scope="session")
def _comparison(page: DailiesPage) -> ComparisonPage:
    """Three takes of the shot of the made-up episode that waits for review."""
    shot = page.shots[7]
    measures = (Measure(name="brightness", value=123.4, unit="grey levels"),)
    differences = (Difference(field="seed", one="7", other="8"),)
    *others, circled = (_compared(take, measures=measures) for take in shot.takes)
    return ComparisonPage(
        title=page.title,
        episode=page.episode,
        prefix=page.prefix,
        slate=shot.slate,
        set_name=shot.set_name,
        caption=shot.caption,
        references=shot.references,
        circled=circled.slate,
        circled_why=shot.circled_why,
        circled_by=shot.circled_by,
        reference=circled.slate,
        takes=(*(one.model_copy(update={"differences": differences}) for one in others), circled),
    )


def _words(document: str) -> str:
    """What is read of a page: no code, no tags."""
    body = re.sub(r"<style>.*?</style>", "", document, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", body)).split())


def test_everything_to_choose_by_is_on_the_page(comparison: ComparisonPage) -> None:
    """Pictures, gates, measures and differences of every take; one is circled."""
    document = render_comparison(comparison)
    words = _words(document)

    assert document.count("<img") == 9
    assert document.count('class="pencil"') == document.count("take circled review") == 1
    assert [f"take 0{number}" in words for number in (1, 2, 3, 4)] == [True, True, True, False]
    assert words.count("123.4 grey levels") == 3
    assert words.count("seed 7 8") == 2
    assert words.count("what the others differ from") == 1
    assert f"differences are to {comparison.reference}" in words
    assert comparison.circled_why in words
    for take in comparison.takes:
        assert str(take.seed) in words
        for result in take.results:
            assert result.evidence in html.unescape(document)


def test_gates_read_as_on_the_dailies_page(comparison: ComparisonPage, page: DailiesPage) -> None:
    """The same row for the same result: a person learns them once."""
    row = re.compile(r"<tr class=\"(?:good|bad|idle)\".*?</tr>", re.DOTALL)
    shot = page.model_copy(update={"shots": (page.shots[7],)})

    rows = row.findall(render_comparison(comparison))

    assert len(rows) == 18
    assert rows == row.findall(render_page(shot))


def test_a_rejection_and_a_wordless_take_are_shown(comparison: ComparisonPage) -> None:
    """Why a person rejected it; that nobody judged or measured it; what it remembered."""
    take = comparison.takes[0].model_copy(
        update={
            "rejected_why": "her hat is gone",
            "results": (),
            "measures": (),
            "memory_changes": ("frame 3 of sc01-sh001 changed",),
        }
    )

    words = _words(render_comparison(comparison.model_copy(update={"takes": (take,)})))

    assert "rejected: her hat is gone" in words
    assert "not judged" in words
    assert "not measured" in words
    assert "frame 3 of sc01-sh001 changed" in words


def test_a_circled_take_shows_what_the_gates_said(comparison: ComparisonPage) -> None:
    """Circled is one thing, passed another."""
    circled = comparison.takes[2].model_copy(update={"verdict": "circled", "is_passed": False})

    document = render_comparison(comparison.model_copy(update={"takes": (circled,)}))

    assert [word in document for word in (">circled</span>", ">NG</span>")] == [True, True]


@pytest.mark.parametrize(("width", "layouts"), [(1280, "1"), (500, "3")])
def test_like_stands_beside_like(
    comparison: ComparisonPage, tmp_path: Path, chromium: Chromium, width: int, layouts: str
) -> None:
    """In a real browser every row begins at one height in all takes; on a phone they stack."""
    path = tmp_path / "page.html"
    document = re.sub(r"<meta http-equiv[^>]*>", "", render_comparison(comparison))
    path.write_text(document.replace("</body>", PROBE + "</body>"), encoding="utf-8")

    done = chromium(f"--window-size={width},900", "--dump-dom", path.as_uri())

    body = re.search(r"<body[^>]*>", done.stdout)
    assert body is not None
    said = dict(re.findall(r'data-(\w+)="([^"]*)"', body.group(0)))
    assert said == {"layouts": layouts, "overflow": "0"}


def test_the_page_needs_nothing_and_complains_of_nothing(
    comparison: ComparisonPage, tmp_path: Path, chromium: Chromium
) -> None:
    """Its policy allows no script at all and no address leads out."""
    document = render_comparison(comparison)
    path = tmp_path / "page.html"
    path.write_text(document, encoding="utf-8")

    done = chromium("--dump-dom", path.as_uri())

    assert [line for line in done.stderr.splitlines() if "CONSOLE" in line] == []
    assert "<script" not in document
    assert "script-src" not in document
    assert "http://" not in document
    assert "https://" not in document
    assert set(re.findall(r'(?:src|href)="([^"]{4})', document)) == {"#top", "data"}


def test_wicked_names_are_only_words(tmp_path: Path, chromium: Chromium) -> None:
    """Markup in every text field is shown as text; the browser runs none of it."""
    result = GateResult(
        gate=EVIL,
        value=1,
        threshold=2,
        unit=EVIL,
        is_passed=False,
        reason=NgReason.SOFT,
        evidence=EVIL,
    )
    take = ComparedTake(
        slate=EVIL,
        address=digest_of(b""),
        engine=EVIL,
        rung=EVIL,
        results=(result,),
        verdict=EVIL,
        rejected_why=EVIL,
        remarks=(EVIL,),
        caption_report=CaptionReport(num_words=1, unknown=(EVIL,), mapped=((EVIL, EVIL),)),
        measures=(Measure(name=EVIL, value=1, unit=EVIL),),
        differences=(Difference(field=EVIL, one=EVIL, other=EVIL),),
        memory_changes=(EVIL,),
    )
    page = ComparisonPage(
        title=EVIL,
        episode=EVIL,
        prefix=EVIL,
        slate=EVIL,
        set_name=EVIL,
        caption=EVIL,
        references=(Reference(phrase=EVIL, name=EVIL),),
        circled=EVIL,
        circled_why=EVIL,
        circled_by=EVIL,
        reference=EVIL,
        takes=(take,),
    )
    path = tmp_path / "page.html"
    path.write_text(render_comparison(page), encoding="utf-8")

    done = chromium("--virtual-time-budget=1500", "--dump-dom", path.as_uri())

    assert "<script" not in path.read_text(encoding="utf-8")
    assert "<img" not in path.read_text(encoding="utf-8")
    assert "<title>owned" not in done.stdout


def test_pictures_are_no_part_of_the_json(comparison: ComparisonPage) -> None:
    """It names them by their blobs, and the rest of the page is in it."""
    said = comparison.model_dump(mode="json")["takes"][0]

    assert said["pictures"][0] == {
        "frame": "first",
        "blob": comparison.takes[0].pictures[0].blob,
        "is_readable": True,
    }
    assert {"results", "measures", "differences", "is_circled", "is_passed"} <= set(said)
