"""Fountain is read as fountain.io describes it, and every line keeps its number."""

import pytest

from onestory.errors import ScriptError
from onestory.screenplay.fountain import FountainScript, joint_of, parse_cue, read_fountain
from onestory.screenplay.headings import light_of, parse_heading, weather_of
from onestory.screenplay.markup import lift_remarks, plain
from onestory.screenplay.script import Action, Dialogue, Element, Lyric, Transition


def read(body: str) -> FountainScript:
    """Read a script body under a heading of its own."""
    return read_fountain("a.fountain", f"INT. ROOM - DAY\n\n{body}\n")


def elements(body: str) -> tuple[Element, ...]:
    """The elements of a one-scene script."""
    return read(body).scenes[0].elements


def speeches(body: str) -> list[tuple[str, str, str]]:
    """Speaker, parenthetical and words of every speech."""
    found = [e for e in elements(body) if isinstance(e, Dialogue)]
    return [(e.character, e.parenthetical, e.text) for e in found]


def test_title_page_values_may_span_lines() -> None:
    """A title-page value goes on over indented lines until a blank line ends the page."""
    script = read_fountain(
        "a.fountain", "Title:\n    _**LAST**_\n    TRAIN\nAuthor: Ada\n\nINT. ROOM - DAY\n\nGo.\n"
    )

    assert script.title_page["title"].text == "LAST\nTRAIN"
    assert script.title_page["title"].source.line == 2
    assert script.title_page["author"].text == "Ada"
    assert script.title_page["author"].source.column == 9


def test_a_script_may_begin_without_title_page() -> None:
    """FADE IN: on the first line is a transition and no title."""
    script = read_fountain("a.fountain", "FADE IN:\n\nINT. ROOM - DAY\n\nGo.\n")

    assert script.title_page == {}
    assert isinstance(script.scenes[0].elements[0], Transition)


@pytest.mark.parametrize(
    ("line", "name", "is_interior", "time", "number"),
    [
        ("INT. KITCHEN - DAY", "KITCHEN", True, "DAY", ""),
        ("EXT. STREET - NIGHT #12A#", "STREET", False, "NIGHT", "12A"),
        ("int kitchen - later", "kitchen", True, "later", ""),
        ("EST. CITY - DAWN", "CITY", False, "DAWN", ""),
        ("INT./EXT. CAR - DUSK", "CAR", None, "DUSK", ""),
        ("I/E CAR - DUSK", "CAR", None, "DUSK", ""),
        (".BINOCULARS", "BINOCULARS", None, "", ""),
        ("INT. HOUSE - KITCHEN - NIGHT", "HOUSE - KITCHEN", True, "NIGHT", ""),
        ("EXT. X-RAY ROOM - DAY", "X-RAY ROOM", False, "DAY", ""),
    ],
)
def test_scene_headings(
    line: str, name: str, is_interior: bool | None, time: str, number: str
) -> None:
    """A heading says inside or outside, where, when, and which number is printed."""
    scene = read_fountain("a.fountain", f"{line}\n\nGo.\n").scenes[0]

    assert (scene.set_name, scene.is_interior) == (name, is_interior)
    assert (scene.time, scene.number) == (time, number)


def test_a_heading_needs_a_blank_line_before_it() -> None:
    """INT. in the middle of a paragraph is action."""
    script = read("He reads the sign:\nINT. KITCHEN - DAY")

    assert len(script.scenes) == 1


def test_light_and_weather_come_from_the_heading() -> None:
    """Time words mean a light in English and Chinese; part of a word means nothing."""
    assert [light_of(t) for t in ("MIDNIGHT", "Magic hour", "夜", "LATER")] == [
        "night", "dusk", "night", None,
    ]  # fmt: skip
    assert weather_of("EXT. STREET - NIGHT (RAIN)") == "rain"
    assert weather_of("EXT. TRAIN STATION - NIGHT") is None


def test_action_keeps_line_breaks_and_places() -> None:
    """A paragraph is one action; the next begins where it stands."""
    first, second = elements("Mara waits.\nRain falls.\n\n  The train comes.")

    assert isinstance(first, Action)
    assert isinstance(second, Action)
    assert first.text == "Mara waits.\nRain falls."
    assert (first.source.line, second.source.line, second.source.column) == (3, 6, 3)


def test_forced_action_may_look_like_anything() -> None:
    """An exclamation mark makes action of what looks like a cue."""
    (action,) = elements("!SCANNING THE AISLES\nHe walks.")

    assert isinstance(action, Action)
    assert action.text == "SCANNING THE AISLES\nHe walks."


def test_dialogue_is_verbatim_but_for_emphasis() -> None:
    """Words, punctuation and line breaks stay; emphasis marks go; an escaped star stays."""
    body = "MARA\nI *never* said **that**,\n_John_ \\*did\\*… 5 * 3 * 2."

    assert speeches(body) == [("MARA", "", "I never said that,\nJohn *did*… 5 * 3 * 2.")]


def test_two_spaces_keep_a_speech_open() -> None:
    """A line of two spaces is an empty line inside a speech; a truly blank one ends it."""
    body = "MARA\nFirst.\n  \nSecond.\n\nShe leaves."

    assert speeches(body) == [("MARA", "", "First.\n\nSecond.")]


def test_parentheticals_divide_a_speech() -> None:
    """Each parenthetical says how the words after it are said."""
    body = "MARA\n(softly)\nHello.\n(beat)\nGoodbye."

    assert speeches(body) == [("MARA", "softly", "Hello."), ("MARA", "beat", "Goodbye.")]


def test_cue_extensions() -> None:
    """V.O. and O.S. mean unseen, CONT'D means nothing."""
    first, second = (
        e
        for e in elements("MARA (V.O.) (CONT'D)\nHi.\n\nTOM (O.S.)\nYes?")
        if isinstance(e, Dialogue)
    )

    assert (first.character, first.extension, first.is_off_screen) == ("MARA", "V.O.", True)
    assert second.is_off_screen
    assert parse_cue("MARA (CONT'D)") == ("MARA", "", False)


def test_forced_cue_may_have_small_letters() -> None:
    """An at sign makes a cue of a name in small letters or in no letters with case."""
    assert speeches("@McAvoy\nHi.\n\n@小雨\n你好。") == [
        ("McAvoy", "", "Hi."),
        ("小雨", "", "你好。"),
    ]


def test_dual_dialogue() -> None:
    """A caret says that a speech is spoken over the one before it."""
    found = [e for e in elements("MARA\nNow!\n\nTOM ^\nNever!") if isinstance(e, Dialogue)]

    assert [(e.character, e.is_dual) for e in found] == [("MARA", False), ("TOM", True)]


def test_uppercase_action_is_no_cue_if_nothing_follows() -> None:
    """BANG! alone on a line is a sound and not a speaker."""
    (action,) = elements("BANG!")

    assert isinstance(action, Action)


def test_lyrics() -> None:
    """A tilde sings: inside a speech it belongs to it, alone it is a lyric."""
    assert speeches("MARA\n~Row, row") == [("MARA", "", "Row, row")]
    assert isinstance(elements("~Row, row\n\nGo.")[0], Lyric)


def test_transitions() -> None:
    """TO: between blank lines, known fades, and a forced arrow join shots."""
    found = elements("Go.\n\nCUT TO:\n\nGo.\n\nDISSOLVE TO:\n\n> Burn to white.\n\nFADE OUT.")
    joints = [e.joint for e in found if isinstance(e, Transition)]

    assert joints == ["cut", "dissolve", "cut", "fade"]
    assert joint_of("SLOW FADE") == "fade"


def test_centered_text_is_a_title_and_no_shot() -> None:
    """Text between arrows is kept, but nobody shoots it."""
    action, title = elements("Go.\n\n> THE *END* <")

    assert isinstance(action, Action)
    assert isinstance(title, Action)
    assert (title.text, title.is_centered, action.is_centered) == ("THE END", True, False)


def test_sections_synopses_and_page_breaks_are_passed_over() -> None:
    """What only organises the script is not part of it."""
    (action,) = elements("# Act One\n\n= They meet.\n\n===\n\nGo.")

    assert isinstance(action, Action)
    assert (action.text, action.source.line) == ("Go.", 9)


def test_boneyard_and_notes_leave_no_trace_but_keep_line_numbers() -> None:
    """Remarks vanish, even in the middle of a speech; later lines keep their numbers."""
    body = "/* cut\n\nthis */\nMARA\nHi [[really?]]there.\n[[two\nlines]]\nYou.\n\nShe goes."
    script = read(body)
    speech, action = script.scenes[0].elements

    assert isinstance(speech, Dialogue)
    assert isinstance(action, Action)
    assert speech.text == "Hi there.\nYou."
    assert (speech.source.line, action.source.line) == (7, 12)


def test_columns_after_a_remark_are_still_right() -> None:
    """A note knows its own column, also behind another remark."""
    lifted = lift_remarks("a", "ab /* x\ny */ [[n1]] [[n2]]\n")

    assert [(n.text, n.source.line, n.source.column) for n in lifted.notes] == [
        ("n1", 2, 6),
        ("n2", 2, 13),
    ]


@pytest.mark.parametrize(
    ("marked", "bare"),
    [
        ("*a*", "a"),
        ("**a**", "a"),
        ("***a***", "a"),
        ("_a_", "a"),
        ("_**a** b_", "a b"),
        (r"\*a\*", "*a*"),
        ("2 * 3 * 4", "2 * 3 * 4"),
        ("*open", "*open"),
        ("a*b", "a*b"),
    ],
)
def test_emphasis(marked: str, bare: str) -> None:
    """Marks that emphasise go; stars that multiply, stand alone or are escaped stay."""
    assert plain(marked) == bare


def test_notes_of_ours_are_understood() -> None:
    """Looks, sets, weather, camera and music may be asked for in notes; others are private."""
    script = read(
        "[[look: MARA: a woman]] [[set: ROOM: a room]] [[weather: Snow]] "
        "[[music: a/b.ogg]] [[ask Al]]\n"
        "\n[[shot: close up, push-in, 3s]]\nMara waits.\n\nShe goes."
    )
    first, second = script.scenes[0].elements

    assert isinstance(first, Action)
    assert isinstance(second, Action)
    assert first.direction is not None
    assert (first.direction.framing, first.direction.move) == ("close-up", "slow push-in")
    assert (first.direction.seconds, second.direction) == (3.0, None)
    assert [note.look for note in script.notes.cast] == ["a woman"]
    assert (script.scenes[0].weather, script.notes.music) == ("snow", "a/b.ogg")


@pytest.mark.parametrize(
    ("body", "place", "words"),
    [
        ("[[never", "3:1", "note opened here is never closed"),
        ("Go. /* never", "3:5", "boneyard opened here is never closed"),
        ("[[look: MARA]]", "3:1", "look note names nobody"),
        ("x [[look: a/../b: c]]", "3:3", "looks like a path"),
        ("[[weather: hot]]", "3:1", 'no weather is called "hot"'),
        ("[[shot: clos-up]]", "3:1", 'no framing or move is called "clos-up"'),
        ("[[shot: 0s]]", "3:1", "outside"),
        ("[[music: ../x.ogg]]", "3:1", "leaves the folder"),
        ("[[look: A: x]]\n[[look: a: y]]", "4:1", "given twice"),
        ("@MARA\n\nShe goes.", "3:1", 'cue "MARA" is followed by no dialogue'),
        ("MARA (V.O.)\n\nShe goes.", "3:1", "followed by no dialogue"),
        ("MARA\n(softly)\n\nShe goes.", "3:1", "followed by no dialogue"),
        ("MARA\nHi.\n\n MARA\n\nShe goes.", "6:2", "followed by no dialogue"),
        ("@../x\nHi.", "3:1", "looks like a path"),
        ("@a\u202eb\nHi.", "3:1", r"bidirectional control U\+202E"),
        ("INT. - DAY\n\nGo.", "3:1", "names no place"),
    ],
)
def test_refusals_point_at_the_place(body: str, place: str, words: str) -> None:
    """What cannot be shot is refused with file, line, column and reason."""
    with pytest.raises(ScriptError, match=rf"^a\.fountain:{place}: .*{words}"):
        read(body)


def test_action_before_the_first_heading_is_refused() -> None:
    """Nothing can happen before the script says where."""
    with pytest.raises(ScriptError, match=r"^a:3:1: something happens before the first scene"):
        read_fountain("a", "Title: X\n\nMara waits.\n\nINT. ROOM - DAY\n\nGo.\n")


def test_heading_parts_of_a_bare_time() -> None:
    """A heading without a place comes out with an empty name, for the reader to refuse."""
    assert parse_heading("INT. - NIGHT").set_name == ""
