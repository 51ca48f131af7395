"""
Where do the shipped fonts come from?

    Debian fonts-noto-core, fonts-noto-cjk, fonts-dejavu-core ── subset, rename ── *.ttf *.otf
                                                              └─ coverage.json

Run as `python build_fonts.py NOTO_FOLDER CJK_FILE DEJAVU_FILE` on a desk that has the three
packages and fonttools. The families are renamed, so that a film looks the same whether or not
the machine has a Noto of its own; `coverage.json` spares the cut from parsing fonts.
"""

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from fontTools import subset  # type: ignore[import-untyped, unused-ignore]
from fontTools.ttLib import TTCollection, TTFont  # type: ignore[import-untyped, unused-ignore]

HERE = Path(__file__).parent
SCRIPTS = (
    ("NotoSans-Bold.ttf", "OneStory Sans"),
    ("NotoSansArabic-Bold.ttf", "OneStory Arabic"),
    ("NotoSansHebrew-Bold.ttf", "OneStory Hebrew"),
    ("NotoSansDevanagari-Bold.ttf", "OneStory Devanagari"),
    ("NotoSansThai-Bold.ttf", "OneStory Thai"),
    ("NotoSansArmenian-Bold.ttf", "OneStory Armenian"),
    ("NotoSansGeorgian-Bold.ttf", "OneStory Georgian"),
)
CJK_FACE = 2
"""Position of the simplified Chinese face in the collection."""
SYMBOLS = (
    (0x2010, 0x206F),
    (0x20A0, 0x20CF),
    (0x2100, 0x22FF),
    (0x2500, 0x27BF),
    (0x1F600, 0x1F64F),
)
"""What DejaVu adds: signs, arrows, dingbats and line-drawn emoji."""


def charset_of(codec: str, rows: Iterable[int], cells: Iterable[int]) -> Iterator[int]:
    """Code points of a two-byte national character set, those of the given lead bytes only."""
    for row in rows:
        for cell in cells:
            try:
                yield ord(bytes((row, cell)).decode(codec))
            except (UnicodeDecodeError, TypeError):
                continue


def cjk_letters() -> set[int]:
    """GB 2312, JIS X 0208, the hangul of KS X 1001 and the common part of Big5."""
    high = range(0xA1, 0xFF)
    letters = set(range(0x20, 0x7F)) | set(range(0x3000, 0x3100)) | set(range(0xFF00, 0xFFEF))
    letters |= set(charset_of("gb2312", high, high))
    letters |= set(charset_of("euc_jp", high, high))
    letters |= set(charset_of("euc_kr", range(0xB0, 0xC9), high))
    letters |= set(charset_of("big5", range(0xA4, 0xC7), range(0x40, 0xFF)))
    return letters


def rename(font: Any, family: str) -> None:
    """Give `font` the family name by which the cut asks for it."""
    postscript = family.replace(" ", "") + "-Bold"
    names = {1: family, 2: "Bold", 3: postscript, 4: f"{family} Bold", 6: postscript}
    table = font["name"]
    table.names = [record for record in table.names if record.nameID in (0, 13, 14)]
    for name_id, text in names.items():
        table.setName(text, name_id, 3, 1, 0x409)
    if "CFF " in font:
        font["CFF "].cff.fontNames = [postscript]


def cut_down(font: Any, letters: set[int], family: str, target: Path) -> list[list[int]]:
    """Write the glyphs of `letters` as a font of its own and say which ranges it covers."""
    options = subset.Options(
        hinting=False,
        layout_features=["*"],
        name_IDs=[0, 1, 2, 3, 4, 6, 13, 14],
        notdef_outline=True,
    )
    options.drop_tables += ["DSIG", "VORG", "vhea", "vmtx", "BASE"]
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=letters)
    cutter.subset(font)
    rename(font, family)
    font["head"].modified = font["head"].created
    font.recalcTimestamp = False
    font.save(target)
    return as_ranges(font.getBestCmap())


def as_ranges(points: Iterable[int]) -> list[list[int]]:
    """Code points as inclusive ranges."""
    ranges: list[list[int]] = []
    for point in sorted(points):
        if ranges and point == ranges[-1][1] + 1:
            ranges[-1][1] = point
        else:
            ranges.append([point, point])
    return ranges


def build(noto: Path, cjk: Path, dejavu: Path) -> None:
    """Write every shipped font and the list of what each covers, in order of preference."""
    coverage: list[dict[str, object]] = []

    def add(font: Any, letters: set[int], family: str, suffix: str) -> None:
        name = family.lower().replace(" ", "-") + suffix
        ranges = cut_down(font, letters, family, HERE / name)
        coverage.append({"family": family, "file": name, "ranges": ranges})

    for source, family in SCRIPTS:
        font = TTFont(noto / source)
        add(font, set(font.getBestCmap()), family, ".ttf")
    add(TTCollection(cjk).fonts[CJK_FACE], cjk_letters(), "OneStory CJK", ".otf")
    signs = {point for first, last in SYMBOLS for point in range(first, last + 1)}
    add(TTFont(dejavu), signs | set(range(0x20, 0x7F)), "OneStory Signs", ".ttf")
    (HERE / "coverage.json").write_text(json.dumps(coverage, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    build(*(Path(argument) for argument in sys.argv[1:4]))
