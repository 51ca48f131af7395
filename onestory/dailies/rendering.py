"""
How does a page of values become one file that opens anywhere?

    DailiesPage ───── dailies.html.j2 + dailies.css + dailies.js ──┬── one HTML file
    ComparisonPage ── comparison.html.j2 + comparison.css ─────────┤
    ABPage ────────── ab.html.j2 + comparison.css ─────────────────┤
    SeasonReport ──── season.html.j2 + season.css ─────────────────┘
    DailiesPage ───── memory.svg.j2 ──────────────────────────────── one picture

What pages have in common is in `layout.html.j2`, `pieces.html.j2` and `dailies.css`.

Everything is inside the file, except a film that is too large, which lies beside it. The
content security policy names the hashes of our one style and one script and lets nothing
else load or run, so that a name such as `<script>` is harmless twice over.
"""

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import NamedTuple
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from onestory.dailies.ab import ABPage
from onestory.dailies.comparison import ComparisonPage
from onestory.dailies.contact_sheet import read_picture, thumbnail
from onestory.dailies.lineage import lineage_picture
from onestory.dailies.page import DailiesPage
from onestory.dailies.season import SeasonReport
from onestory.engines.take import GateResult
from onestory.screenplay.episode import Reference

LARGEST_FILM_INSIDE = 6_000_000
"""Bytes; a larger film stays beside the page."""
_CARD_SIDE = 420
_POSTER_SIDE = 960
_STRIP_SIDE = 480
_EXHIBIT_SIDE = 224
_HERE = Path(__file__).parent


class CaptionPart(NamedTuple):
    """A piece of a caption."""

    text: str
    name: str | None
    """Whom or what it means; None for plain words."""


class Meter(NamedTuple):
    """A gate's number as a bar of 100 units, with its threshold as a mark."""

    fill: float
    mark: float


def render_page(page: DailiesPage) -> str:
    """
    Render a dailies page.

    Args:
        page: What to show.

    Returns:
        A whole HTML document, UTF-8 once encoded. It needs no network, and no other file than
        a film that is larger than `LARGEST_FILM_INSIDE`. The same page gives the same text.
    """
    return _render(
        "dailies.html.j2",
        page,
        what="dailies",
        style=_read("dailies.css"),
        script=_read("dailies.js"),
        shapes=(take.poster for shot in page.shots for take in shot.takes),
        film=film_source(page),
        subtitles=_data_uri("text/vtt", page.subtitles.encode()) if page.subtitles else None,
        lineage=lineage_picture(page.shots),
        scenes=_scenes(page),
    )


def render_memory(page: DailiesPage) -> str | None:
    """
    Draw which shots each shot remembered, as a picture of its own.

    Args:
        page: Whose shots.

    Returns:
        SVG, UTF-8 once encoded; None if no shot remembers another.
    """
    lineage = lineage_picture(page.shots)
    if lineage is None:
        return None
    return _render(
        "memory.svg.j2", page, what="memory", style="", script="", shapes=(), lineage=lineage
    )


def render_comparison(page: ComparisonPage) -> str:
    """
    Render the takes of one shot side by side.

    Args:
        page: What to show.

    Returns:
        A whole HTML document, UTF-8 once encoded, that needs no network and no other file. The
        same page gives the same text.
    """
    return _render(
        "comparison.html.j2",
        page,
        what="takes",
        style=_read("dailies.css") + _read("comparison.css"),
        script="",
        shapes=(picture.content for take in page.takes for picture in take.pictures),
    )


def render_ab(page: ABPage) -> str:
    """
    Render two films of one script, shot by shot.

    Args:
        page: What to show.

    Returns:
        A whole HTML document, UTF-8 once encoded, that needs no network and no other file. The
        same page gives the same text.
    """
    takes = [take for shot in page.shots for take in shot.takes]
    return _render(
        "ab.html.j2",
        page,
        what="two films",
        style=_read("dailies.css") + _read("comparison.css"),
        script="",
        shapes=(picture.content for take in takes for picture in take.pictures),
    )


def render_season(report: SeasonReport, pictures: Mapping[str, bytes]) -> str:
    """
    Render what came of a season in one night.

    Args:
        report: What to show.
        pictures: By episode: a picture of it; one that cannot be read is left out.

    Returns:
        A whole HTML document, UTF-8 once encoded, that needs no network and no other file. The
        same report gives the same text.
    """
    return _render(
        "season.html.j2",
        report,
        what="season",
        style=_read("dailies.css") + _read("season.css"),
        script="",
        shapes=pictures.values(),
        pictures=pictures,
    )


def _render(
    template: str,
    page: DailiesPage | ComparisonPage | ABPage | SeasonReport,
    *,
    what: str,
    style: str,
    script: str,
    shapes: Iterable[bytes],
    **values: object,
) -> str:
    """Render a page; `shapes` are pictures, which say whether its takes are wide."""
    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        card=lambda picture: _picture(picture, _CARD_SIDE),
        poster=lambda picture: _picture(picture, _POSTER_SIDE),
        frame=lambda picture: _picture(picture, _STRIP_SIDE),
        exhibit=lambda picture: _picture(picture, _EXHIBIT_SIDE),
        number=number_in_words,
        clock=clock,
        meter=meter_of,
        parts=caption_parts,
    )
    return environment.get_template(template).render(
        page=page,
        what=what,
        policy=_policy(style, script),
        # Ours and constant, so they are the only text that is not escaped.
        style=Markup(style),
        script=Markup(script),
        is_wide=_is_wide(shapes),
        **values,
    )


def film_source(page: DailiesPage) -> str | None:
    """Where the player finds the film: inside the page if small, else by name beside it."""
    if page.film and len(page.film) <= LARGEST_FILM_INSIDE:
        return _data_uri("video/mp4", page.film)
    if page.film_name is None:
        return None
    # Only a name beside the page: no folders, no schemes.
    return "./" + quote(PureWindowsPath(PurePosixPath(page.film_name).name).name)


def caption_parts(caption: str, references: Sequence[Reference]) -> tuple[CaptionPart, ...]:
    """
    Cut a caption into plain words and phrases that mean somebody or something.

    Args:
        caption: The caption.
        references: Every phrase with its meaning.

    Returns:
        Parts that give the caption when joined. Every occurrence of a phrase is marked; where
        two could begin, the longer one is.
    """
    by_length = sorted((r for r in references if r.phrase), key=lambda r: -len(r.phrase))
    parts: list[CaptionPart] = []
    plain = at = 0
    while at < len(caption):
        found = next((r for r in by_length if caption.startswith(r.phrase, at)), None)
        if found is None:
            at += 1
            continue
        if plain < at:
            parts.append(CaptionPart(caption[plain:at], None))
        parts.append(CaptionPart(found.phrase, found.name))
        plain = at = at + len(found.phrase)
    if plain < len(caption):
        parts.append(CaptionPart(caption[plain:], None))
    return tuple(parts)


def meter_of(result: GateResult) -> Meter | None:
    """A gate's bar: the threshold stands in the middle, unless the number is far beyond it."""
    if result.value is None or result.threshold is None or result.threshold <= 0:
        return None
    ratio = max(0.0, result.value / result.threshold)
    scale = max(2.0, ratio)
    return Meter(fill=round(100 * ratio / scale, 1), mark=round(100 / scale, 1))


def number_in_words(value: float | None) -> str:
    """A number with as many digits as anybody reads; a dash for none."""
    if value is None:
        return "–"
    if abs(value) >= 1e6:
        return f"{value:.3g}"
    if value == int(value):
        return f"{int(value)}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3f}".rstrip("0").rstrip(".")


def clock(seconds: float) -> str:
    """`4.2 s`, `3 min 05 s` or `2 h 10 min`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


class _Scene(NamedTuple):
    number: int
    set_name: str
    shots: tuple[int, ...]
    """Positions of its shots on the page."""


def _scenes(page: DailiesPage) -> list[_Scene]:
    scenes: list[_Scene] = []
    for index, shot in enumerate(page.shots):
        if scenes and scenes[-1].number == shot.scene:
            scenes[-1] = scenes[-1]._replace(shots=(*scenes[-1].shots, index))
        else:
            scenes.append(_Scene(shot.scene, shot.set_name, (index,)))
    return scenes


def _is_wide(pictures: Iterable[bytes]) -> bool:
    """Whether the first picture that can be read is wider than high."""
    for content in pictures:
        picture = read_picture(content, _CARD_SIDE)
        if picture is not None:
            return picture.width > picture.height
    return False


def _policy(style: str, script: str) -> str:
    return "; ".join(
        (
            "default-src 'none'",
            "img-src data:",
            # A page opened from a disk has no origin, so 'self' alone would not find its film.
            "media-src 'self' file: data:",
            f"style-src '{_hash(style)}'",
            *([f"script-src '{_hash(script)}'"] if script else []),
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _picture(picture: bytes, long_side: int) -> str | None:
    small = thumbnail(picture, long_side) if picture else b""
    return _data_uri("image/jpeg", small) if small else None


def _data_uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _read(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")
