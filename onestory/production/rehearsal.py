"""Who speaks the script aloud, and what is kept of it? Each line is spoken once and for all."""

from concurrent.futures import ThreadPoolExecutor

from onestory.cut.voice import Voice, VoiceSpec, fit_shot, measure_seconds
from onestory.documents import Digest, digest_of_json
from onestory.production.table_read import LineRead, ShotRead, TableRead
from onestory.screenplay.episode import Episode, Line, Shot
from onestory.vault.store import Vault

READING_CHARACTERS_PER_SECOND = 14.0
"""How fast a line is taken to be spoken when nobody speaks it."""


class _Spoken:
    """A line's audio, if any, and its length."""

    def __init__(self, audio: Digest | None, seconds: float) -> None:
        self.audio = audio
        self.seconds = seconds


def rehearse(episode: Episode, voice: Voice | None, vault: Vault) -> TableRead:
    """
    Read an episode through.

    Args:
        episode: Whose lines.
        voice: Who speaks; None for a film without voices, whose lines are timed by their length.
        vault: Where spoken lines lie, and are found by the next rehearsal.

    Returns:
        Every shot with its measured lines and the number of frames that they need.

    Raises:
        CutError: If lines do not fit into a shot whose length the script fixed.
        StudioError: If the voice is not installed.
    """
    with ThreadPoolExecutor(2) as pool:
        shots = tuple(pool.map(lambda shot: _read_shot(shot, episode, voice, vault), episode.shots))
    return TableRead(
        voice=voice.fingerprint() if voice else "none", is_scratch=voice is not None, shots=shots
    )


def _read_shot(shot: Shot, episode: Episode, voice: Voice | None, vault: Vault) -> ShotRead:
    spoken = [_speak(line, episode, voice, vault) for line in shot.lines]
    fitted = fit_shot(shot, [line.seconds for line in spoken], episode.fps)
    return ShotRead(
        slate=shot.slate,
        num_frames=fitted.num_frames,
        lines=tuple(
            LineRead(
                character=line.character,
                text=line.text,
                audio=sound.audio,
                seconds=round(sound.seconds, 4),
                start_frame=start,
                end_frame=end,
                is_off_screen=line.off_screen,
                is_dual=line.dual,
            )
            for line, sound, (start, end) in zip(
                shot.lines, spoken, fitted.line_frames, strict=True
            )
        ),
    )


def _speak(line: Line, episode: Episode, voice: Voice | None, vault: Vault) -> _Spoken:
    if voice is None:
        return _Spoken(None, max(0.8, len(line.text) / READING_CHARACTERS_PER_SECOND))
    kinds = {member.name: member.kind for member in episode.cast}
    spec = VoiceSpec(character=line.character, kind=kinds.get(line.character, "narrator"))
    key = digest_of_json([voice.fingerprint(), spec.character, spec.kind, line.text])
    known = vault.find_lookup("voice", key)
    if known is None:
        wav = voice.speak(line.text, voice=spec)
        blob = vault.put_blob(wav, media_type="audio/wav")
        known = {"blob": blob, "seconds": measure_seconds(wav)}
        vault.put_lookup("voice", key, known)
    return _Spoken(Digest(known["blob"]), float(known["seconds"]))
