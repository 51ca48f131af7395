"""A script becomes shots by rules that look at one shot at a time."""

import re
from pathlib import Path

import pytest

from onestory.breakdown.checks import check_dialogue, check_references
from onestory.breakdown.rules import break_down
from onestory.errors import CaptionError
from onestory.screenplay.episode import Episode
from onestory.screenplay.reading import parse_screenplay, read_screenplay

EXAMPLES = Path(__file__).parents[3] / "deployments" / "examples"
HEAD = "Title: A\n\n[[set: ROOM: a small bedroom with teal walls]]\n"
LOOKS = {
    "MARA": "[[look: MARA: a young woman with auburn hair]]\n",
    "TOM": "[[look: TOM: a man in a blue coat]]\n",
}


def episode_of(body: str, *, head: str | None = None, suffix: str = ".fountain") -> Episode:
    """Break a script down and prove references and dialogue."""
    if head is None:
        looks = "".join(note for name, note in LOOKS.items() if name in body.upper())
        head = f"{HEAD}{looks}\n"
    screenplay = parse_screenplay((head + body).encode(), path="a", suffix=suffix)
    episode = break_down(screenplay)
    check_dialogue(screenplay, episode)
    check_references(episode)
    return episode


def captions(body: str) -> list[str]:
    """The captions of scenes in a room, by day."""
    return [shot.caption for shot in episode_of(f"INT. ROOM - DAY\n\n{body}\n").shots]


def test_first_described_then_referred_to() -> None:
    """The first shot describes person and place and is wide; the next says "the same"."""
    assert captions("Mara sits down.\n\nTom hugs Mara.\n\nShe cries.") == [
        "Wide shot, day: in a small bedroom with teal walls, a young woman with auburn hair sits "
        "down.",
        "Two-shot, day: in the same bedroom, a man in a blue coat hugs the same woman.",
        "Medium close-up, day: in the same bedroom, the same woman cries.",
    ]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (
            "MARA hands Tom a letter. He reads it.",
            "the same woman hands the same man a letter. He reads it.",
        ),
        ("She hands him her key.", "the same woman hands the same man her key."),
        ("Tom hands her the key.", "the same man hands the same woman the key."),
        ("Tom takes her key.", "the same man takes the same woman's key."),
        ("They dance.", "the same woman and the same man dance."),
        ("Her phone rings.", "the same woman's phone rings."),
        ("Tom's hand shakes.", "the same man's hand shakes."),
        ("Mara looks at Mara's own hands.", "the same woman looks at the woman's own hands."),
        ("Rain falls. Tom waits.", "rain falls. The same man waits."),
        ("A DOOR SLAMS.", "a door slams."),
        ("The marathon goes on.", "the marathon goes on."),
    ],
)
def test_names_and_pronouns_become_references(line: str, words: str) -> None:
    """No name stays in a caption; pronouns that reach outside it are replaced."""
    last = captions(f"Mara meets Tom.\n\n{line}")[-1]

    assert last.endswith(f"in the same bedroom, {words}")


def test_possessives_introduce_in_a_sentence_of_their_own() -> None:
    """A look never gets an 's; somebody first seen by a possession is described before it."""
    (shot,) = episode_of("INT. ROOM - DAY\n\nMara's hand shakes.\n").shots

    assert {r.phrase for r in shot.references if r.name == "MARA"} == {
        "A young woman with auburn hair",
        "The woman",
    }
    assert [shot.caption] == [
        "Wide shot, day: in a small bedroom with teal walls. A young woman with auburn hair is "
        "here. The woman's hand shakes."
    ]


def test_no_name_of_the_cast_stays_in_any_caption() -> None:
    """Captions of every example hold no name and pass both proofs."""
    for name in ("last-train.fountain", "two-shots.fountain", "six-shots.yaml", "yu-ye.fountain"):
        screenplay = read_screenplay(EXAMPLES / name)
        episode = break_down(screenplay)
        check_dialogue(screenplay, episode)
        check_references(episode)

        assert len(episode.cast) >= 1
        for shot in episode.shots:
            for member in episode.cast:
                assert not re.search(rf"\b{member.name}\b", shot.caption, re.IGNORECASE), shot


def test_the_short_drama_is_ten_to_fourteen_shots() -> None:
    """The film of the README has 10 to 14 shots, 35 to 50 seconds, and returns to a place."""
    episode = break_down(read_screenplay(EXAMPLES / "last-train.fountain"))
    seconds = sum(shot.num_frames for shot in episode.shots) / 24

    assert 10 <= len(episode.shots) <= 14
    assert 35 <= seconds <= 50
    assert [s.set_name for s in episode.shots].count("STATION STREET") >= 5
    assert len({shot.framing for shot in episode.shots}) >= 4


def test_dialogue_never_enters_a_caption() -> None:
    """A caption says that somebody says something, and its line has the words."""
    shots = episode_of(
        "INT. ROOM - DAY\n\nMara waits.\n\nMARA\n(smiling)\nPurple elephants.\n"
    ).shots

    assert shots[1].caption == (
        "Medium close-up, day: in the same bedroom, the same woman says something, smiling."
    )
    assert [(line.character, line.text) for line in shots[1].lines] == [
        ("MARA", "Purple elephants.")
    ]


def test_speech_is_framed_by_what_is_said() -> None:
    """A question looks over a shoulder, a cry is close, a long speech is wider."""
    body = "Mara meets Tom.\n\nTOM\nWhere were you last night, then?\n\nMARA\nOut!\n\nTOM\n"
    shots = episode_of(
        f"INT. ROOM - DAY\n\n{body}That is what you always say when it gets late.\n"
    ).shots

    assert [shot.framing for shot in shots[1:]] == [
        "over-the-shoulder shot",
        "close-up",
        "two-shot",
    ]
    assert shots[1].on_screen == ("TOM", "MARA")


def test_nobody_is_introduced_by_the_back_of_their_head() -> None:
    """A listener whom no shot has shown yet is left out of the frame."""
    shots = episode_of("INT. ROOM - DAY\n\nMara waits.\n\nMARA\nTom?\n\nTOM\nYes.\n").shots

    assert shots[1].on_screen == ("MARA",)


def test_a_scene_that_opens_with_speech_opens_wide() -> None:
    """A new place is shown even if its first element is a speech."""
    shots = episode_of("INT. ROOM - DAY\n\nMARA\nTom?\n\nTOM\nYes.\n").shots

    assert shots[0].framing == "wide shot"
    assert "a small bedroom with teal walls" in shots[0].caption


def test_unseen_speakers_leave_the_picture_to_others() -> None:
    """Off screen, somebody listens; in voice-over, the speaker may be seen thinking."""
    body = (
        "Mara waits.\n\nTOM (O.S.)\nMara?\n\nMARA (V.O.)\nNot him again.\n\nNARRATOR\nIt was him.\n"
    )
    episode = episode_of(f"INT. ROOM - DAY\n\n{body}")
    shots = episode.shots

    assert [shot.on_screen for shot in shots[1:]] == [("MARA",)] * 3
    assert [shot.caption.rsplit(", ", 1)[1] for shot in shots[1:]] == [
        "the same woman listens.",
        "the same woman is lost in thought.",
        "the same woman listens.",
    ]
    assert all(shot.lines[0].off_screen for shot in shots[1:])
    assert episode.member("NARRATOR").kind == "narrator"


def test_dual_dialogue_is_one_shot() -> None:
    """Two who speak at once are seen together, with both lines."""
    shots = episode_of("INT. ROOM - DAY\n\nMara meets Tom.\n\nMARA\nNow!\n\nTOM ^\nNever!\n").shots

    assert len(shots) == 2
    assert [(line.text, line.dual) for line in shots[1].lines] == [
        ("Now!", False),
        ("Never!", True),
    ]


def test_long_speeches_are_split_at_sentences() -> None:
    """A speech of fifteen seconds is several shots; joined, it is itself."""
    speech = "I waited for you. Every night I went down to the old station alone. " * 3
    shots = episode_of(f"INT. ROOM - DAY\n\nMara waits.\n\nMARA\n{speech.strip()}\n").shots
    pieces = [shot.lines[0].text for shot in shots[1:]]

    assert len(pieces) >= 3
    assert "".join(pieces) == speech.strip()
    assert all(re.search(r"[.] ?$", piece) for piece in pieces)
    assert all(48 <= shot.num_frames <= 144 for shot in shots)


def test_light_weather_and_joints_come_from_the_script() -> None:
    """Night and rain stand in the caption; LATER keeps the light; a dissolve joins one shot."""
    shots = episode_of(
        "EXT. ROOM - NIGHT (RAIN)\n\nMara runs.\n\n> DISSOLVE TO:\n\n"
        "INT. ROOM - LATER\n\nMara sits.\n\nMara stands.\n"
    ).shots

    assert [(s.light, s.weather, s.transition) for s in shots] == [
        ("night", "rain", "cut"),
        ("night", "clear", "dissolve"),
        ("night", "clear", "cut"),
    ]
    assert shots[0].caption.startswith("Wide shot, night, rain: ")


def test_directions_are_obeyed() -> None:
    """What [[shot: …]] asks for stands in the shot, and its length is fixed."""
    (shot,) = episode_of(
        "INT. ROOM - DAY\n\n[[shot: close-up, push-in, 3.5s]]\nMara waits.\n"
    ).shots

    assert (shot.framing, shot.move) == ("close-up", "slow push-in")
    assert (shot.num_frames, shot.is_length_fixed) == (84, True)
    assert shot.caption.startswith("Close-up, slow push-in, day: ")


def test_props_alone_are_inserts() -> None:
    """A thing without people is an insert shot; scenery without a thing is wide."""
    shots = episode_of(
        "INT. ROOM - DAY\n\nMara waits.\n\nA letter lies there.\n\nRain falls.\n"
    ).shots

    assert [shot.framing for shot in shots[1:]] == ["insert shot", "wide shot"]


def test_frames_follow_the_rate() -> None:
    """Lengths are whole frames at the episode's own rational rate."""
    (shot,) = episode_of(
        "INT. ROOM - DAY\n\n[[shot: 2s]]\nMara waits.\n",
        head="Title: A\nFps: 30000/1001\n\n",
    ).shots

    assert shot.num_frames == 60


# ── laid-out shots ────────────────────────────────────────────────────────────

LIST = (
    "title: A\ncast: [{name: MARA, look: a young woman with auburn hair}, "
    "{name: TOM, look: a man}]\nshots:\n"
)


def test_ready_captions_are_kept_and_traced() -> None:
    """A caption that the list brings is used as it is, and its phrases are traced."""
    first, second = episode_of(
        '  - {set: X, cast: [MARA], caption: "A woman waits in the rain."}\n'
        '  - {cast: [TOM], caption: "The same woman meets Tom."}\n',
        head=LIST,
        suffix=".yaml",
    ).shots

    assert first.caption == "A woman waits in the rain."
    assert [(r.phrase, r.name) for r in first.references] == [("A woman", "MARA")]
    assert second.caption == "The same woman meets a man."
    assert {(r.phrase, r.name) for r in second.references} == {
        ("The same woman", "MARA"),
        ("a man", "TOM"),
    }


def test_a_ready_caption_that_points_at_nobody_is_refused() -> None:
    """ "The same woman" before any woman is a CaptionError with line, column and hint."""
    with pytest.raises(CaptionError, match=r'^a:4:5: the caption says "the same woman"') as caught:
        episode_of(
            '  - {set: X, cast: [MARA, TOM], caption: "Tom and the same woman."}\n',
            head=LIST,
            suffix=".yaml",
        )

    assert caught.value.hint is not None


def test_the_lists_own_words_are_obeyed() -> None:
    """Slate, length, light, move, cast and joint of a list stand in the shot."""
    (shot,) = episode_of(
        "  - {set: X, action: Mara waits., cast: [TOM], slate: sc07-sh012A, duration: 72 frames, "
        "light: dusk, move: pan left, transition: fade}\n",
        head=LIST,
        suffix=".yaml",
    ).shots

    assert (shot.slate, shot.num_frames, shot.is_length_fixed) == ("sc07-sh012A", 72, True)
    assert (shot.light, shot.move, shot.transition) == ("dusk", "pan left", "fade")
    assert set(shot.on_screen) == {"MARA", "TOM"}
    assert "a man close by" in shot.caption


def test_missing_slates_are_filled_in_between() -> None:
    """Shots without a slate get one that keeps the list in order."""
    shots = episode_of(
        "  - {set: X, action: Mara waits.}\n  - {action: Tom waits., slate: sc01-sh002}\n"
        "  - {action: Mara runs.}\n  - {action: Tom runs., slate: sc01-sh003}\n",
        head=LIST,
        suffix=".yaml",
    ).shots

    assert [s.slate for s in shots] == ["sc01-sh001", "sc01-sh002", "sc01-sh002A", "sc01-sh003"]


def test_storymem_people_who_return_are_found() -> None:
    """A prompt's "the same woman" means the woman whom an earlier prompt described."""
    text = (
        '{"story_overview": "x", "scenes": [{"scene_num": 1, "video_prompts": '
        '["On a grey beach, a tall woman with red hair runs.", "The same woman stops."]}]}'
    )
    episode = episode_of(text, head="", suffix=".json")

    assert episode.cast[0].look.startswith("a tall woman with red hair")
    assert [(r.phrase, r.name) for r in episode.shots[1].references] == [
        ("The same woman", "WOMAN")
    ]
    assert episode.sets[0].look == "a grey beach"
    assert {shot.num_frames for shot in episode.shots} == {120}
