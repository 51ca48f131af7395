"""The dailies page opens in a real browser, offline, and shows what a person must judge."""

import base64
import html
import re
import shutil
import subprocess
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

from onestory.dailies.page import (
    DailiesPage,
    DailiesShot,
    DailiesTake,
    RememberedShot,
    SheetPicture,
)
from onestory.dailies.rendering import (
    LARGEST_FILM_INSIDE,
    caption_parts,
    clock,
    film_source,
    meter_of,
    number_in_words,
    render_page,
)
from onestory.documents import digest_of
from onestory.engines.take import GateResult, NgReason
from onestory.screenplay.episode import Line, Reference

Chromium = Callable[..., "subprocess.CompletedProcess[str]"]
EVIL = "<script>document.title='owned'</script>\"'><img src=x onerror=\"document.title='owned'\">"


class _Tags(HTMLParser):
    """Collects every start tag with its attributes, and the text outside style and script."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self._is_code = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the tag; a term and its value are words apart."""
        self.words += " " if tag == "dd" else ""
        self.tags.append((tag, dict(attrs)))
        self._is_code = tag in ("style", "script")

    def handle_endtag(self, tag: str) -> None:
        """Code ends with its tag."""
        self._is_code = False

    def handle_data(self, data: str) -> None:
        """Keep the words."""
        if not self._is_code:
            self.words += data


def _parsed(document: str) -> _Tags:
    parser = _Tags()
    parser.feed(document)
    return parser


def _count(parsed: _Tags, tag: str, name: str) -> int:
    """Tags of one class."""
    return sum(t == tag and name in (a.get("class") or "").split() for t, a in parsed.tags)


def _shot(**fields: object) -> DailiesShot:
    base: dict[str, object] = {"slate": "sc01-sh001", "scene": 1, "set_name": "HALL", "caption": ""}
    return DailiesShot.model_validate({**base, **fields})


def _folder(tmp_path: Path, page: DailiesPage, film: Path | None = None) -> str:
    """Write a page, and a film beside it; return the page's address."""
    folder = tmp_path / "delivery"
    folder.mkdir(exist_ok=True)
    (folder / "dailies.html").write_text(render_page(page), encoding="utf-8")
    if film is not None:
        shutil.copy(film, folder / "episode.mp4")
    return (folder / "dailies.html").as_uri()


def _complaints(log: str) -> list[str]:
    return [line for line in log.splitlines() if "CONSOLE" in line]


def _body(dom: str) -> str:
    found = re.search(r"<body[^>]*>", dom)
    assert found is not None
    return found.group(0)


def test_everything_to_judge_is_on_the_page(page: DailiesPage) -> None:
    """Every slate, caption, word of dialogue, gate number, seed and digest can be read."""
    parsed = _parsed(render_page(page))
    words = " ".join(parsed.words.split())
    for shot in page.shots:
        assert shot.slate in words
        assert shot.caption in words
        assert shot.circled_why in words
        for line in shot.lines:
            assert " ".join(line.text.split()) in words
        for take in shot.takes:
            assert take.address in words
            assert str(take.seed) in words
            for result in take.results:
                if not result.is_passed:
                    assert result.evidence.removeprefix("Did not run: ") in words
    assert "1 shot is waiting for review" in words
    assert "2 of 14 words unknown" in words
    assert "stalls → market stand" in words
    assert "zither" in words


def test_the_circled_take_stands_for_its_shot(page: DailiesPage) -> None:
    """A shot shows its circled take, else the latest, and nothing if there is none."""
    one, two = page.shots[4].takes
    loose = two.model_copy(update={"is_circled": False})
    shot = page.shots[4]
    assert shot.shown_take == two
    assert shot.model_copy(update={"takes": (two, one)}).shown_take == two
    assert shot.model_copy(update={"takes": (one, loose)}).shown_take == loose
    assert shot.model_copy(update={"takes": ()}).shown_take is None


def test_marks_and_circles_are_as_many_as_there_are(page: DailiesPage) -> None:
    """One mark a gate, of the right kind; one pencil circle a circled take; one card a shot."""
    parsed = _parsed(render_page(page))
    results = [r for shot in page.shots for take in shot.takes for r in take.results]
    marks = {"good": True, "bad": False, "idle": None}
    for name, is_passed in marks.items():
        expected = sum(result.is_passed is is_passed for result in results)
        found = [a for t, a in parsed.tags if t == "span" and a.get("class") == f"mark {name}"]
        assert len(found) == expected > 0
    assert _count(parsed, "svg", "pencil") == 12
    assert _count(parsed, "a", "card") == 12
    assert _count(parsed, "section", "take") == page.num_takes == 15
    assert _count(parsed, "p", "banner") == 1
    assert parsed.words.count("did not run") == sum(r.is_passed is None for r in results)


def test_the_totals_are_counted_from_the_shots(page: DailiesPage) -> None:
    """Circled shots, takes a shot and running time are those of the shots shown."""
    words = " ".join(_parsed(render_page(page)).words.split())
    assert "shots circled 12 of 12" in words
    assert "takes a shot 1.25" in words
    assert "running time 39.0 s" in words
    assert "takes 15" in words
    assert "waiting for review 1" in words
    assert "rendered in 56.7 s" in words


def test_nothing_is_fetched_from_anywhere(page: DailiesPage) -> None:
    """Every address on the page is inside it, but for the film beside it."""
    parsed = _parsed(render_page(page))
    for tag, attributes in parsed.tags:
        for name in ("src", "href", "poster", "srcset", "data", "action"):
            value = attributes.get(name)
            if value is not None:
                assert value.startswith(("data:", "#")) or value == "./episode.mp4", (tag, value)
        assert not any(name.startswith("on") for name in attributes), tag
        assert "style" not in attributes, tag
    document = render_page(page)
    assert "http://" not in document
    assert "https://" not in document
    assert "@import" not in document
    assert "url(" not in document


def test_the_policy_lets_nothing_else_run(page: DailiesPage) -> None:
    """The content security policy starts from nothing and allows no inline code but ours."""
    (policy,) = [
        attributes["content"]
        for _, attributes in _parsed(render_page(page)).tags
        if attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy is not None
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert "unsafe" not in policy
    assert "http" not in policy


def test_the_page_opens_in_a_browser_without_a_complaint(
    page: DailiesPage, film: Path, tmp_path: Path, chromium: Chromium
) -> None:
    """A real browser runs the page from a disk, finds the film beside it, and logs nothing."""
    done = chromium("--virtual-time-budget=2000", "--dump-dom", _folder(tmp_path, page, film))
    assert _complaints(done.stderr) == []
    assert 'data-film="ready"' in _body(done.stdout)


def test_a_missing_film_is_said_so(page: DailiesPage, tmp_path: Path, chromium: Chromium) -> None:
    """Without its film the page still opens, and says which file is missing."""
    done = chromium("--virtual-time-budget=2000", "--dump-dom", _folder(tmp_path, page))
    assert 'data-film="missing"' in _body(done.stdout)
    assert "episode.mp4</bdi> cannot be played" in done.stdout


def test_a_small_film_lies_inside(
    page: DailiesPage, film: Path, tmp_path: Path, chromium: Chromium
) -> None:
    """A small film is part of the page, and plays with no file beside it."""
    inside = page.model_copy(update={"film": film.read_bytes()})
    done = chromium("--virtual-time-budget=2000", "--dump-dom", _folder(tmp_path, inside))
    assert _complaints(done.stderr) == []
    assert 'data-film="ready"' in _body(done.stdout)


def test_a_large_film_stays_outside(page: DailiesPage) -> None:
    """A film over the limit is named, not embedded; without a name there is no player."""
    large = page.model_copy(update={"film": bytes(LARGEST_FILM_INSIDE + 1)})
    assert film_source(large) == "./episode.mp4"
    none = page.model_copy(update={"film_name": None})
    assert film_source(none) is None
    assert "<video" not in render_page(none)


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("../../etc/passwd", "./passwd"),
        ("..\\..\\film.mp4", "./film.mp4"),
        ("https://elsewhere.example/a.mp4", "./a.mp4"),
        ("javascript:alert(1)", "./javascript%3Aalert%281%29"),
        ('my "film" #1?.mp4', "./my%20%22film%22%20%231%3F.mp4"),
        ("фильм.mp4", "./%D1%84%D0%B8%D0%BB%D1%8C%D0%BC.mp4"),
    ],
)
def test_a_film_is_never_looked_for_elsewhere(name: str, source: str) -> None:
    """Folders, schemes and quotes in a film's name lead nowhere but to the file beside."""
    assert film_source(DailiesPage(title="", episode="e", film_name=name)) == source


def test_wicked_names_are_only_words(tmp_path: Path, chromium: Chromium) -> None:
    """Markup in every text field is shown as text; the browser runs none of it."""
    take = DailiesTake(
        slate=EVIL,
        address=digest_of(b""),
        engine=EVIL,
        rung=EVIL,
        remarks=(EVIL,),
        verdict=EVIL,
        results=(
            GateResult(
                gate=EVIL,
                value=1,
                threshold=2,
                unit=EVIL,
                is_passed=False,
                reason=NgReason.SOFT,
                evidence=EVIL,
            ),
        ),
    )
    shot = _shot(
        slate=EVIL,
        set_name=EVIL,
        setting=EVIL,
        caption=f"before {EVIL} after",
        references=(Reference(phrase=EVIL, name=EVIL),),
        lines=(Line(character=EVIL, text=EVIL, parenthetical=EVIL),),
        job=EVIL,
        freshness=EVIL,
        hold=EVIL,
        ordered=(EVIL,),
        verdict=EVIL,
        circled=EVIL,
        circled_by=EVIL,
        circled_why=EVIL,
        is_waiting_for_review=True,
        takes=(take,),
    )
    later = _shot(slate="../../x", remembered=(RememberedShot(shot=EVIL, num_frames=1),))
    wicked = DailiesPage(
        title=EVIL,
        episode=EVIL,
        prefix=EVIL,
        shots=(shot, later),
        warnings=(EVIL,),
        provenance=((EVIL, EVIL),),
        made_at=EVIL,
        language=EVIL,
        film_name=EVIL,
        subtitles=EVIL,
    )
    document = render_page(wicked)
    kinds = [tag for tag, _ in _parsed(document).tags]
    assert kinds.count("script") == 1
    assert "img" not in kinds
    done = chromium("--virtual-time-budget=1500", "--dump-dom", _folder(tmp_path, wicked))
    title = re.search(r"<title>(.*?)</title>", done.stdout, re.DOTALL)
    assert title is not None
    assert html.unescape(title.group(1)) == f"{EVIL} · dailies"


def test_what_persons_ordered_is_seen() -> None:
    """A frozen take and an ordered caption stand beside the shot's other states."""
    shot = _shot(slate="sc01-sh001", freshness="stale", hold="frozen", ordered=("caption", "seed"))

    document = render_page(DailiesPage(title="A", episode="a", shots=(shot,)))

    assert '<span class="state hold s-frozen">frozen</span>' in document
    assert "ordered: caption, seed" in document


def test_pictures_that_cannot_be_read_leave_a_blank(page: DailiesPage) -> None:
    """Broken and missing posters do not stop the page; a blank stands in their place."""
    take = page.shots[0].takes[0].model_copy(update={"poster": b"no jpeg", "strip": (b"", b"x")})
    broken = page.model_copy(
        update={"shots": (page.shots[0].model_copy(update={"takes": (take,)}), _shot())}
    )
    parsed = _parsed(render_page(broken))
    assert [tag for tag, _ in parsed.tags].count("img") == 0
    assert parsed.words.count("no picture") == 3
    assert "No take yet." in parsed.words


def test_an_episode_of_nothing_renders() -> None:
    """A page without film, shots and takes is still a page, with no memory picture."""
    document = render_page(DailiesPage(title="Empty", episode="empty"))
    assert "<h1" in document
    assert "shots circled 0 of 0 takes a shot 0" in " ".join(_parsed(document).words.split())
    assert 'class="lineage"' not in document


def test_names_in_any_direction_keep_their_neighbours_in_order(page: DailiesPage) -> None:
    """Hebrew names stand isolated and Hebrew speech finds its own direction."""
    document = render_page(page)
    assert "<bdi>ליאור</bdi>" in document
    assert '<p class="words" dir="auto">שמעת' in document


def test_subtitles_are_a_track_of_the_film(page: DailiesPage) -> None:
    """The subtitles inside the page are the ones that were given, letter for letter."""
    (track,) = [attributes for tag, attributes in _parsed(render_page(page)).tags if tag == "track"]
    source = track["src"]
    assert source is not None
    kind, _, content = source.partition(",")
    assert kind == "data:text/vtt;base64"
    assert base64.b64decode(content).decode() == page.subtitles


def test_the_same_page_is_the_same_file(page: DailiesPage) -> None:
    """Rendering twice gives equal text, so that a page can be named by its content."""
    assert render_page(page) == render_page(page)


def test_captions_lose_nothing_to_their_marks() -> None:
    """Parts of a caption give the caption back; the longer phrase wins, everywhere."""
    caption = "the same man and the same man's dog meet the same"
    references = [Reference(phrase=p, name=p) for p in ("the same", "the same man", "dog", "")]
    parts = caption_parts(caption, references)
    assert "".join(part.text for part in parts) == caption
    assert [part.name for part in parts if part.name] == [
        "the same man",
        "the same man",
        "dog",
        "the same",
    ]
    assert caption_parts("", references) == ()


@pytest.mark.parametrize(
    ("value", "words"),
    [(None, "–"), (72, "72"), (0.0, "0"), (0.4567, "0.457"), (61.44, "61.4"), (3.0e7, "3e+07")],
)
def test_numbers_have_few_digits(value: float | None, words: str) -> None:
    """Numbers are as long as anybody reads, and none is a dash."""
    assert number_in_words(value) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0.0 s"),
        (59.4, "59.4 s"),
        (61, "1 min 01 s"),
        (3599.7, "1 h 00 min"),
        (7800, "2 h 10 min"),
    ],
)
def test_times_are_said_in_words(seconds: float, words: str) -> None:
    """Times are seconds, minutes or hours, whichever is read at a glance."""
    assert clock(seconds) == words


@pytest.mark.parametrize(
    ("value", "threshold", "fill", "mark"),
    [(0, 4, 0, 50), (4, 4, 50, 50), (12, 4, 100, 33.3), (2, 8, 12.5, 50)],
)
def test_meters_keep_number_and_limit_in_proportion(
    value: float, threshold: float, fill: float, mark: float
) -> None:
    """The mark stands in the middle until the number is over twice the limit."""
    result = GateResult(gate="g", value=value, threshold=threshold, unit="u", is_passed=True)
    meter = meter_of(result)
    assert meter is not None
    assert (meter.fill, meter.mark) == (fill, mark)
    assert meter_of(result.model_copy(update={"threshold": 0.0})) is None
    assert meter_of(result.model_copy(update={"value": None})) is None


def test_reference_sheets_are_shown_with_what_is_circled() -> None:
    """Whose each is, and which one counts; a page without sheets has no place for them."""
    sheets = tuple(
        SheetPicture(name=EVIL, number=number, is_circled=number == 2) for number in (1, 2)
    )

    page = _parsed(render_page(DailiesPage(title="Film", episode="film", sheets=sheets)))
    none = _parsed(render_page(DailiesPage(title="Film", episode="film")))

    assert "Reference sheets" in page.words
    assert page.words.count("◯") == 1
    assert EVIL in page.words
    assert not [tag for tag, attributes in page.tags if "onerror" in attributes]
    assert "Reference sheets" not in none.words
