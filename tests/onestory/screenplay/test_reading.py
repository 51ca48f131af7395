"""One door for every format; what cannot be shot is refused with file, line and column."""

import time
import tracemalloc
from pathlib import Path

import pytest
from PIL import Image

from onestory.errors import ScriptError
from onestory.screenplay.reading import MAX_BYTES, parse_screenplay, read_screenplay
from onestory.screenplay.script import Screenplay

EXAMPLES = Path(__file__).parents[3] / "deployments" / "examples"
BODY = "INT. ROOM - DAY\n\nMara waits.\n"


def fountain(text: str, *, episode: str | None = None) -> Screenplay:
    """Read Fountain out of memory."""
    return parse_screenplay(text.encode(), path="a.fountain", suffix=".fountain", episode=episode)


@pytest.mark.parametrize(
    ("name", "format_name", "episode"),
    [
        ("last-train.fountain", "fountain", "last-train"),
        ("two-shots.fountain", "fountain", "two-shots"),
        ("yu-ye.fountain", "fountain", "yu-ye"),
        ("six-shots.yaml", "shot-list", "six-shots"),
        ("storymem.json", "storymem", "the-lighthouse-keepers-daughter-finds-a"),
    ],
)
def test_examples_are_read(name: str, format_name: str, episode: str) -> None:
    """Every example that we ship is read by its suffix and knows its episode."""
    screenplay = read_screenplay(EXAMPLES / name)

    assert (screenplay.format, screenplay.episode) == (format_name, episode)


def test_the_refused_example_is_refused() -> None:
    """The example of a bad script is refused at the line that its own note names."""
    with pytest.raises(ScriptError, match=r'refused\.fountain:10:1: the cue "TOM"') as caught:
        read_screenplay(EXAMPLES / "refused.fountain")

    assert caught.value.hint is not None


@pytest.mark.parametrize(
    ("content", "place", "words"),
    [
        (b"", "1:1", "the file is empty"),
        (b"\xef\xbb\xbf \r\n\t", "1:1", "the file is empty"),
        (b"Title: A\n\nab\0c", "3:3", "NUL"),
        (b"Title: A\n\xff", "2:1", "byte 0xff is not UTF-8"),
        (b"\xff\xfeI\0", "1:1", "UTF-16"),
        (b"Title: A\n\n\x07", "3:1", r"control character U\+0007"),
        (b"Title: A\n\n", "1:1", "there is no scene to shoot"),
        (b"Title: A\n\nINT. B - DAY\n\n= only a plan\n", "3:1", "nothing to shoot"),
        (b"INT. B - DAY\n\nGo.\n", "1:1", "nothing says which episode"),
        (b"Title: ../../etc\n\nINT. B - DAY\n\nGo.\n", "1:8", "looks like a path"),
        (b"Title: A\nSeason: two\n\nINT. B - DAY\n\nGo.\n", "2:9", "season number"),
        (b"Title: A\nAspect: 4:3\n\nINT. B - DAY\n\nGo.\n", "2:9", "aspect"),
        (b"Title: A\nFps: 0\n\nINT. B - DAY\n\nGo.\n", "2:6", "frame rate"),
        (b"Title: A\n\n[[look: ZOE: a woman]]\n\nINT. B - DAY\n\nGo.\n", "3:1", "in no scene"),
        (b"Title: A\n\n[[set: C: a c]]\n\nINT. B - DAY\n\nGo.\n", "3:1", "no scene plays"),
    ],
)
def test_refusals_of_content(content: bytes, place: str, words: str) -> None:
    """Bad content is one sentence that begins file:line:column."""
    with pytest.raises(ScriptError, match=rf"^x\.fountain:{place}: .*{words}"):
        parse_screenplay(content, path="x.fountain", suffix=".fountain")


def test_files_that_are_none(tmp_path: Path) -> None:
    """A missing file, a folder and an unknown suffix are refused by name."""
    (tmp_path / "a.docx").write_bytes(b"hello")

    with pytest.raises(ScriptError, match=r"no\.fountain:1:1: there is no such file"):
        read_screenplay(tmp_path / "no.fountain")
    with pytest.raises(ScriptError, match=r":1:1: this is a folder"):
        read_screenplay(tmp_path)
    with pytest.raises(ScriptError, match=r'a\.docx:1:1: nothing is known about "\.docx"'):
        read_screenplay(tmp_path / "a.docx")
    with pytest.raises(ScriptError, match=r":1:1: "):
        read_screenplay(tmp_path / ("x" * 300 + ".fountain"))


def test_fifty_megabytes_are_refused_at_once(tmp_path: Path) -> None:
    """A huge file is refused after the limit, not after its end."""
    huge = tmp_path / "huge.fountain"
    with huge.open("wb") as file:
        file.truncate(50_000_000)
    tracemalloc.start()

    with pytest.raises(
        ScriptError, match=r"huge\.fountain:1:1: the script has 50\.0 MB, over .* 5 MB"
    ):
        read_screenplay(huge)

    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 3 * MAX_BYTES
    assert MAX_BYTES == 5_000_000


def test_long_scripts_are_read_in_seconds() -> None:
    """Reading grows with the length of the script and not with its square."""
    body = "Mara *waits* and [[note]] waits.\n\nMARA\nHello.\n\n" * 8_000
    started = time.process_time()

    fountain(f"Title: A\n\nINT. ROOM - DAY\n\n{body}")

    assert time.process_time() - started < 6.0


def test_windows_files_are_welcome() -> None:
    """A byte-order mark and CRLF change neither words nor line numbers."""
    text = "\ufeffTitle: A\r\n\r\nINT. ROOM - DAY\r\n\r\nMARA\r\nOne.\r\nTwo.\r\n"
    screenplay = fountain(text)

    assert screenplay.title == "A"
    assert [s.text for s in screenplay.speeches()] == ["One.\nTwo."]
    assert [s.source.line for s in screenplay.speeches()] == [6]


@pytest.mark.parametrize(
    ("head", "episode", "number"),
    [
        ("Title: Last Train", "last-train", 1),
        ("Title: Last Train\nEpisode: Ep 3", "ep-3", 1),
        ("Title: Last Train\nEpisode: 3", "last-train-e03", 3),
        ("Title: Last Train\nSeason: 2\nEpisode: 3", "last-train-s02e03", 3),
        ("Title: Café Ñandú", "cafe-nandu", 1),
        ("Title: L'Été \"d'Amour\" 🎬", "lete-damour", 1),
    ],
)
def test_identity(head: str, episode: str, number: int) -> None:
    """An episode field beats the title; a number joins it; accents are written plainly."""
    screenplay = fountain(f"{head}\n\n{BODY}")

    assert (screenplay.episode, screenplay.episode_number) == (episode, number)


def test_a_chinese_title_has_a_stable_slug_of_its_own() -> None:
    """Titles without Latin letters become a hash that does not depend on the machine."""
    first, second = (fountain(f"Title: {t}\n\n{BODY}").episode for t in ("雨夜", "雪夜"))

    assert first == "03ab0667"
    assert first != second


def test_the_argument_wins_over_the_script() -> None:
    """An identity given on the command line beats title and field."""
    assert fountain(f"Title: A\nEpisode: b\n\n{BODY}", episode="Pilot One").episode == "pilot-one"


def test_text_files_are_looked_into() -> None:
    """A .txt with scene headings is Fountain; without, it is prose."""
    script = parse_screenplay(f"Title: A\n\n{BODY}".encode(), path="a.txt", suffix=".txt")
    prose = parse_screenplay(b"# A\n\nMara waits. Mara goes.", path="a.md", suffix=".md")

    assert (script.format, prose.format) == ("fountain", "prose")


@pytest.mark.parametrize("name", ['Ann "Ace" O\'Neil', "🦊 FOX", "مريم", "שרה", "小雨", "ÉLODIE"])
def test_names_of_all_languages_work(name: str) -> None:
    """Quotes, emoji, right-to-left and Chinese names are just text."""
    screenplay = fountain(f"Title: A\n\nINT. ROOM - DAY\n\n@{name}\nHello.\n")

    assert [s.character for s in screenplay.speeches()] == [name]


def test_keyframes_must_be_readable_images(tmp_path: Path) -> None:
    """A keyframe is an image beside the script, or the script is refused where it names it."""
    Image.new("RGB", (9, 16)).save(tmp_path / "first.png")
    (tmp_path / "text.png").write_text("no picture")
    script = tmp_path / "a.yaml"
    text = "title: A\nshots:\n  - set: ROOM\n    action: Go.\n    keyframe: {}\n"
    script.write_text(text.format("first.png"))

    assert read_screenplay(script).scenes[0].elements[0].keyframe == "first.png"  # type: ignore[union-attr]

    for name, words in [
        ("gone.png", "does not exist"),
        ("text.png", "cannot be read as an image"),
        ("../first.png", "leaves the folder"),
        ("/etc/passwd", "leaves the folder"),
    ]:
        script.write_text(text.format(name))
        with pytest.raises(ScriptError, match=rf"a\.yaml:\d+:\d+: .*{words}"):
            read_screenplay(script)


def test_a_keyframe_link_may_not_leave_the_folder(tmp_path: Path) -> None:
    """A symbolic link out of the script's folder is refused like ../ itself."""
    Image.new("RGB", (9, 16)).save(tmp_path / "secret.png")
    folder = tmp_path / "show"
    folder.mkdir()
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    script = folder / "a.yaml"
    script.write_text("title: A\nshots:\n  - {set: ROOM, action: Go., keyframe: link.png}\n")

    with pytest.raises(ScriptError, match=r"a\.yaml:3:5: the keyframe .* leaves the folder"):
        read_screenplay(script)
