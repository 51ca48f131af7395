"""What the film sounds like."""

import wave
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from onestory.cut.loudness import measure_loudness
from onestory.cut.sound import PlacedVoice, mix_sound, read_sound, room_tone, samples_at
from onestory.errors import CutError


def _tone(path: Path, seconds: float, *, pitch: float = 440, level: float = 0.3) -> Path:
    """A mono WAV at 22 050 Hz, as a voice is."""
    time = np.arange(int(seconds * 22_050)) / 22_050
    samples = (np.sin(2 * np.pi * pitch * time) * level * 32_767).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(22_050)
        file.writeframes(samples.tobytes())
    return path


def _voice(path: Path, start: int, length: int, pan: float = 0.0) -> PlacedVoice:
    return PlacedVoice(_tone(path, length / 24), start, start + length, "ANNA", "sc01-sh001", pan)


def _level_db(sound_NS: NDArray[np.float32], start: float, end: float) -> float:
    part = sound_NS[int(start * 48_000) : int(end * 48_000)]
    return float(20 * np.log10(np.sqrt(np.mean(part.astype(float) ** 2)) + 1e-12))


@pytest.mark.parametrize("fps", ["24", "24000/1001", "25"])
def test_the_sound_is_as_long_as_the_picture(tmp_path: Path, fps: str) -> None:
    """To the sample, at 48 kHz stereo, at -14 LUFS and below -1 dBTP."""
    voices = [_voice(tmp_path / "a.wav", 12, 48)._replace(end_frame=64)]
    loudness = mix_sound(voices, tmp_path / "o.wav", num_frames=101, fps=fps, music=None)

    with av.open(str(tmp_path / "o.wav")) as file:
        sound = file.streams.audio[0]
        assert (sound.rate, sound.channels, sound.duration) == (48_000, 2, samples_at(101, fps))
    assert loudness == measure_loudness(tmp_path / "o.wav")
    assert abs(loudness.integrated_lufs + 14) <= 0.5
    assert loudness.true_peak_db <= -1
    assert list(tmp_path.glob("*draft*")) == []


def test_a_line_begins_on_the_sample_of_its_frame(tmp_path: Path) -> None:
    """At frame 36, which is 1.5 s, and not a millisecond sooner."""
    voices = [_voice(tmp_path / "a.wav", 36, 24)]
    mix_sound(voices, tmp_path / "o.wav", num_frames=96, fps="24", music=None)
    sound_NS = read_sound(tmp_path / "o.wav")

    loud = np.flatnonzero(np.abs(sound_NS[:, 0]) > 0.03)
    assert abs(loud[0] / 48_000 - 1.5) < 0.002
    assert abs(loud[-1] / 48_000 - 2.5) < 0.002


def test_a_pause_is_air(tmp_path: Path) -> None:
    """Between two lines there is a quiet room, neither a hole nor a hiss."""
    voices = [_voice(tmp_path / "a.wav", 0, 24), _voice(tmp_path / "b.wav", 96, 24)]
    mix_sound(voices, tmp_path / "o.wav", num_frames=120, fps="24", music=None)

    assert -70 < _level_db(read_sound(tmp_path / "o.wav"), 1.5, 3.5) < -45


def test_music_steps_back_for_a_voice(tmp_path: Path) -> None:
    """The music is about 10 dB lower under a voice, and is faded at both ends."""
    music = _tone(tmp_path / "m.wav", 2.0, pitch=3000)
    voices = [_voice(tmp_path / "a.wav", 96, 72)]
    mix_sound(voices, tmp_path / "o.wav", num_frames=264, fps="24", music=music)

    def music_db(start: float, end: float) -> float:
        part = read_sound(tmp_path / "o.wav")[int(start * 48_000) : int(end * 48_000), 0]
        power = np.abs(np.fft.rfft(part * np.hanning(len(part)))) / len(part)
        pitch = np.fft.rfftfreq(len(part), 1 / 48_000)
        return float(20 * np.log10(power[(pitch > 2900) & (pitch < 3100)].max()))

    clear, under, late = music_db(2.0, 3.5), music_db(4.5, 6.5), music_db(7.5, 9.0)
    assert 7 < clear - under < 13
    assert abs(late - clear) < 1
    assert music_db(0.0, 0.2) < clear - 10
    assert music_db(10.8, 11.0) < clear - 10


def test_two_who_speak_at_once_stand_apart(tmp_path: Path) -> None:
    """A voice on the left is louder there, and as loud in all as one in the middle."""
    voices = [_voice(tmp_path / "a.wav", 12, 48, pan=-0.35)]
    mix_sound(voices, tmp_path / "o.wav", num_frames=96, fps="24", music=None)
    left, right = (np.abs(side).max() for side in read_sound(tmp_path / "o.wav").T)

    assert left > 1.5 * right > 0.1


def test_a_film_without_words_is_quiet_but_not_silent(tmp_path: Path) -> None:
    """Room tone alone is heard, and is not blown up to the level of speech."""
    loudness = mix_sound([], tmp_path / "o.wav", num_frames=96, fps="24", music=None)

    assert abs(loudness.integrated_lufs + 36) <= 1


def test_silence_is_refused(tmp_path: Path) -> None:
    """A mix in which nothing is heard is not delivered."""
    with pytest.raises(CutError, match=r"mix is silent: -70\.0 LUFS"):
        mix_sound([], tmp_path / "o.wav", num_frames=96, fps="24", music=None, room_db=-200)
    music = _tone(tmp_path / "m.wav", 1, level=0)
    with pytest.raises(CutError, match=r"music 'm\.wav' is silent"):
        mix_sound([], tmp_path / "o.wav", num_frames=96, fps="24", music=music)


def test_a_voice_longer_than_its_line_is_refused(tmp_path: Path) -> None:
    """A voice that was made again, and takes longer, is not cut off in silence."""
    voice = PlacedVoice(_tone(tmp_path / "a.wav", 2.0), 0, 24, "ANNA", "sc01-sh001")
    with pytest.raises(CutError, match=r"\[sc01-sh001\] the line of ANNA lasts 2\.00 s .* 1\.00 s"):
        mix_sound([voice], tmp_path / "o.wav", num_frames=96, fps="24", music=None)


def test_a_file_that_is_no_sound_is_named(tmp_path: Path) -> None:
    """Missing, empty and unreadable files are errors with their name."""
    (tmp_path / "a.mp3").write_bytes(b"not music " * 50)
    with pytest.raises(CutError, match=r"'a\.mp3' cannot be read"):
        read_sound(tmp_path / "a.mp3")
    with pytest.raises(CutError, match=r"no sound file 'b\.mp3'"):
        read_sound(tmp_path / "b.mp3")


def test_the_room_is_the_same_every_time() -> None:
    """Room tone is drawn from a fixed seed, at the level asked for, different left and right."""
    first, second = room_tone(48_000, -50), room_tone(48_000, -50)

    assert (first == second).all()
    assert abs(_level_db(first, 0, 1) + 50) < 1
    assert not np.allclose(first[:, 0], first[:, 1])
