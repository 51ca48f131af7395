"""Scratch voices, and the time they need."""

import wave
from io import BytesIO

import numpy as np
import pytest

from onestory.cut.voice import (
    SCRATCH_REMARK,
    EspeakVoice,
    VoiceSpec,
    espeak_settings,
    fit_shot,
    measure_seconds,
)
from onestory.errors import CutError, StudioError
from onestory.screenplay.episode import Line, Shot

ANNA = VoiceSpec(character="ANNA", kind="woman")


def _shot(*lines: Line, num_frames: int = 24, is_length_fixed: bool = False) -> Shot:
    return Shot(
        slate="sc04-sh012", scene=4, set_name="KITCHEN", framing="wide shot", move="static",
        action="", caption="", lines=lines, num_frames=num_frames, is_length_fixed=is_length_fixed,
    )  # fmt: skip


def _line(text: str = "Go.", *, dual: bool = False) -> Line:
    return Line(character="ANNA", text=text, dual=dual)


@pytest.mark.parametrize(
    "text",
    [
        "Where were you?",
        "你昨晚在哪里？",
        "Где ты была?",
        "أين كنت؟",
        "どこにいたの",
        "어디 있었어",
    ],
)
def test_every_language_is_heard(text: str) -> None:
    """A line in any of the languages is sound, and the same sound every time."""
    wav = EspeakVoice().speak(text, voice=ANNA)

    with wave.open(BytesIO(wav)) as file:
        assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    assert np.abs(samples.astype(int)).max() > 3000
    assert 0.3 < measure_seconds(wav) < 6
    assert wav == EspeakVoice().speak(text, voice=ANNA)


def test_longer_lines_take_longer() -> None:
    """The measured length follows the words."""
    short = measure_seconds(EspeakVoice().speak("Go.", voice=ANNA))
    long = measure_seconds(EspeakVoice().speak("Go home before it rains, please.", voice=ANNA))
    assert long > 2 * short


def test_characters_have_voices_of_their_own() -> None:
    """Twenty women in one film do not share a voice; the same one keeps hers."""
    voices = {espeak_settings(VoiceSpec(character=f"W{n}", kind="woman")) for n in range(20)}

    assert len(voices) == 20
    say = EspeakVoice().speak
    assert say("Hello.", voice=ANNA) != say(
        "Hello.", voice=VoiceSpec(character="EVE", kind="woman")
    )


def test_a_girl_is_higher_than_a_man() -> None:
    """Kinds of people can be told apart by ear."""
    girl, man = (espeak_settings(VoiceSpec(character="X", kind=kind)) for kind in ("girl", "man"))
    assert girl.pitch > man.pitch + 20


def test_a_scratch_voice_says_so() -> None:
    """The class and every file it makes are marked as scratch."""
    assert EspeakVoice().is_scratch
    assert SCRATCH_REMARK in EspeakVoice().speak("Go.", voice=ANNA)
    assert EspeakVoice().fingerprint().startswith("espeak-ng 1.")


def test_markup_and_emoji_are_not_read_out() -> None:
    """Emphasis, tags, phoneme brackets and emoji sound like the bare words."""
    say = EspeakVoice().speak
    assert say("I *never* went 😀 <b> [[ there", voice=ANNA) == say(
        "I never went b there", voice=ANNA
    )


@pytest.mark.parametrize("text", ["…", "", "😀", "--stdin -v xx"])
def test_odd_lines_are_still_a_sound_file(text: str) -> None:
    """What cannot be said is a short silence; what looks like an option is said."""
    assert measure_seconds(EspeakVoice().speak(text, voice=ANNA)) > 0.3


def test_a_missing_synthesizer_is_named_with_a_cure() -> None:
    """Without espeak-ng the hint says how to get it."""
    with pytest.raises(StudioError, match=r"'espeak-gone' is not installed \(.*apt-get install"):
        EspeakVoice(command="espeak-gone").speak("Go.", voice=ANNA)


def test_a_synthesizer_that_fails_is_quoted() -> None:
    """A failing program is an error with its code."""
    with pytest.raises(StudioError, match="failed with code 1"):
        EspeakVoice(command="false").speak("Go.", voice=ANNA)


def test_noise_is_not_a_voice() -> None:
    """A voice of somebody's own must be a WAV file."""
    with pytest.raises(CutError, match="not a WAV file"):
        measure_seconds(b"not a voice at all")


def test_lines_follow_each_other_with_air_between() -> None:
    """6 frames of lead-in, 5 between two lines, 9 after the last."""
    fitted = fit_shot(_shot(_line(), _line()), [1.0, 0.51], "24")

    assert fitted.line_frames == ((6, 30), (35, 48))
    assert fitted.num_frames == 48 + 9


def test_dual_dialogue_is_spoken_at_once() -> None:
    """The second voice starts with the first, and the next line waits for both."""
    fitted = fit_shot(_shot(_line(), _line(dual=True), _line()), [1.0, 2.0, 0.5], "24")

    assert fitted.line_frames == ((6, 30), (6, 54), (59, 71))


def test_words_never_shorten_a_shot() -> None:
    """A shot that is long enough keeps the script's length, with or without words."""
    assert fit_shot(_shot(_line(), num_frames=200), [1.0], "24").num_frames == 200
    assert fit_shot(_shot(num_frames=31), [], "24").num_frames == 31


def test_a_fixed_length_is_kept_or_refused() -> None:
    """Words that overrun a fixed shot are refused with slate, numbers and a hint."""
    fixed = _shot(_line(), num_frames=30, is_length_fixed=True)

    assert fit_shot(fixed, [1.0], "24").num_frames == 30
    with pytest.raises(
        CutError, match=r"\[sc04-sh012\] the lines need 31 .*fixed .* at 30 .*split"
    ):
        fit_shot(fixed, [1.01], "24")


def test_every_line_needs_a_length() -> None:
    """A missing measurement is a mistake, not a silence."""
    with pytest.raises(ValueError, match="2 lines need as many lengths, got 1"):
        fit_shot(_shot(_line(), _line()), [1.0], "24")


def test_broadcast_rates_are_rational() -> None:
    """At 30000/1001 a second takes 30 whole frames, not 29.97."""
    assert fit_shot(_shot(_line()), [1.0], "30000/1001").line_frames == ((8, 38),)
