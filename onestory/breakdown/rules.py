"""
How does a script become shots? By rules, one element at a time.

    heading   ── the first shot of a new place is wide and describes it
    action    ── a shot for a paragraph, more if it is long
    speech    ── a shot, framed by what is said; long ones are split where sentences end
    voice     ── somebody listening
    laid-out  ── left as the shot list has it

What a shot looks like depends on its own words, on who and what was introduced before, and
on nothing that counts: so an edited line changes its own shot, and an inserted one no other.
"""

from onestory.breakdown import timing
from onestory.breakdown.bible import Bible, write_bible
from onestory.breakdown.blocking import framing_of_action, framing_of_speech, move_of
from onestory.breakdown.captions import CaptionWriter, Draft
from onestory.breakdown.laid_out import caption_laid_out
from onestory.breakdown.slates import provisional_slates
from onestory.screenplay.episode import Episode, Line, Shot
from onestory.screenplay.headings import light_of, weather_of
from onestory.screenplay.script import (
    NARRATOR,
    Action,
    Dialogue,
    Joint,
    Light,
    Screenplay,
    ScriptScene,
    ScriptShot,
    ShotDirection,
    Transition,
    Weather,
)

_NO_DIRECTION = ShotDirection()


class Director:
    """Walks one screenplay in story order and calls its shots."""

    def __init__(self, screenplay: Screenplay, bible: Bible) -> None:
        self.screenplay = screenplay
        self.bible = bible
        self.writer = CaptionWriter(bible)
        self.shots: list[Shot] = []
        self.scene_number = 0
        self.set_name = ""
        self.light: Light = "day"
        self.weather: Weather = "clear"
        self.joint: Joint = "cut"
        self.people: list[str] = []
        """Who was seen in this scene, the latest last."""
        self.speakers: list[str] = []
        """Who speaks on screen in this scene, in order of speech."""

    def break_down(self) -> tuple[Shot, ...]:
        """Every shot, with provisional slates."""
        for number, scene in enumerate(self.screenplay.scenes, start=1):
            self._enter(number, scene)
            for position, element in enumerate(scene.elements):
                if isinstance(element, Transition):
                    self.joint = element.joint
                elif isinstance(element, Action) and not element.is_centered:
                    self._action(element)
                elif isinstance(element, Dialogue):
                    self._dialogue(scene, position, element)
                elif isinstance(element, ScriptShot):
                    self._laid_out(element)
        wanted = [
            element.slate
            for scene in self.screenplay.scenes
            for element in scene.elements
            if isinstance(element, ScriptShot)
        ]
        slates = provisional_slates([shot.scene for shot in self.shots], wanted)
        named = zip(self.shots, slates, strict=True)
        return tuple(shot.model_copy(update={"slate": slate}) for shot, slate in named)

    # ── scenes ────────────────────────────────────────────────────────────

    def _enter(self, number: int, scene: ScriptScene) -> None:
        self.scene_number = number
        self.set_name = scene.set_name
        self.people = []
        self.speakers = [
            self._name(element.character)
            for element in scene.elements
            if isinstance(element, Dialogue) and not element.is_off_screen
        ]
        if self.screenplay.format == "shot-list":
            self.light, self.weather = "day", "clear"
            return
        # "LATER" and "CONTINUOUS" keep the light of the scene before.
        self.light = light_of(scene.time) or (self.light if scene.time else "day")
        opening = next((e.text for e in scene.elements if isinstance(e, Action)), "")
        heard_of = None if scene.is_interior else weather_of(opening)
        self.weather = scene.weather or weather_of(scene.heading) or heard_of or "clear"

    def _name(self, character: str) -> str:
        return self.bible.names[character.casefold()]

    def _head(self, framing: str, move: str) -> str:
        words = [framing, "" if move == "static" else move, self.light]
        words.append("" if self.weather == "clear" else self.weather)
        return ", ".join(word for word in words if word)

    def _call(self, draft: Draft, body: str, shot: dict[str, object]) -> None:
        """Finish a shot: caption, joint, place in the story."""
        head = self._head(str(shot["framing"]), str(shot["move"]))
        caption = self.writer.compose(draft, head, self.set_name, body)
        self._seen(draft.people)
        self._keep({**shot, "caption": caption, "references": tuple(draft.references)})

    def _keep(self, shot: dict[str, object]) -> None:
        fields: dict[str, object] = {
            "slate": "",
            "scene": self.scene_number,
            "set_name": self.writer.design(self.set_name).name,
            "light": self.light,
            "weather": self.weather,
            "transition": self.joint,
        }
        self.shots.append(Shot.model_validate({**fields, **shot}))
        self.joint = "cut"

    def _seen(self, people: list[str]) -> None:
        self.people = [name for name in self.people if name not in people] + list(people)

    def _frames(self, seconds: float) -> int:
        return timing.num_frames_of(seconds, self.screenplay.fps)

    def _length(self, seconds: float, direction: ShotDirection) -> dict[str, object]:
        if direction.seconds is not None:
            return {"num_frames": self._frames(direction.seconds), "is_length_fixed": True}
        return {"num_frames": self._frames(timing.shot_seconds(seconds))}

    # ── action ────────────────────────────────────────────────────────────

    def _action(self, action: Action) -> None:
        direction = action.direction or _NO_DIRECTION
        whole = direction.seconds is not None
        for text in [action.text] if whole else timing.split_action(action.text):
            draft = Draft()
            is_new = self.writer.is_new(self.set_name)
            body = self.writer.body_of_action(draft, text)
            framing = "wide shot" if is_new else framing_of_action(text, len(draft.people))
            framing = direction.framing or framing
            shot = {
                "framing": framing,
                "move": direction.move or move_of(text, framing),
                "action": text,
                "on_screen": tuple(draft.people),
                "source": action.source,
                **self._length(timing.action_seconds(text), direction),
            }
            self._call(draft, body, shot)

    # ── dialogue ──────────────────────────────────────────────────────────

    def _dialogue(self, scene: ScriptScene, position: int, speech: Dialogue) -> None:
        group = [speech]
        for other in scene.elements[position + 1 :]:
            if not isinstance(other, Dialogue) or not other.is_dual:
                break
            group.append(other)
        if speech.is_dual and self._rides_along(scene, position):
            return
        if all(len(timing.split_speech(each.text)) == 1 for each in group):
            self._speak(group)
            return
        for each in group:
            for piece in timing.split_speech(each.text):
                self._speak([each.model_copy(update={"text": piece})])

    def _rides_along(self, scene: ScriptScene, position: int) -> bool:
        """Whether a dual speech was already shot together with the one it is spoken over."""
        return position > 0 and isinstance(scene.elements[position - 1], Dialogue)

    def _line(self, speech: Dialogue) -> Line:
        return Line(
            character=NARRATOR if speech.character == NARRATOR else self._name(speech.character),
            text=speech.text,
            parenthetical=speech.parenthetical,
            off_screen=speech.is_off_screen,
            dual=speech.is_dual,
        )

    def _speak(self, speeches: list[Dialogue]) -> None:
        first = speeches[0]
        direction = first.direction or _NO_DIRECTION
        draft = Draft()
        is_new = self.writer.is_new(self.set_name)
        seen = [self._name(s.character) for s in speeches if not s.is_off_screen]
        listener = self._listener(seen) if len(seen) == 1 else None
        if seen:
            if listener and not is_new and listener not in self.writer.introduced:
                listener = None  # Nobody is introduced by the back of their head.
            framing = "wide shot" if is_new else self._framing(first, len(seen), listener)
            framing = direction.framing or framing
            body = self._talk(draft, first, seen, listener, framing)
        else:
            framing, body = self._listen(draft, first)
            framing = direction.framing or ("wide shot" if is_new else framing)
        seconds = max(timing.speech_seconds(s.text, s.parenthetical) for s in speeches)
        shot = {
            "framing": framing,
            "move": direction.move or move_of(first.text, framing),
            "action": first.parenthetical,
            "on_screen": tuple(draft.people),
            "lines": tuple(self._line(speech) for speech in speeches),
            "source": first.source,
            **self._length(seconds, direction),
        }
        self._call(draft, body, shot)

    def _framing(self, speech: Dialogue, num_speakers: int, listener: str | None) -> str:
        if num_speakers > 1:
            return "two-shot"
        return framing_of_speech(speech.text, has_listener=listener is not None)

    def _listener(self, seen: list[str]) -> str | None:
        """Whom the speaker talks to: who was seen last, else the next to speak."""
        others = [name for name in reversed(self.people) if name not in seen]
        others += [name for name in self.speakers if name not in seen]
        return others[0] if others else None

    def _talk(
        self, draft: Draft, speech: Dialogue, seen: list[str], listener: str | None, framing: str
    ) -> str:
        if len(seen) > 1:
            both = " and ".join(self.writer.person(draft, name) for name in dict.fromkeys(seen))
            return f"{both} talk at the same time"
        manner = self._manner(draft, speech, seen[0])
        if framing == "over-the-shoulder shot" and listener:
            speaker = self.writer.person(draft, seen[0])
            other = self.writer.person(draft, listener)
            return f"{speaker} says something to {other}, seen from behind{manner}"
        speaker = self.writer.person(draft, seen[0])
        if framing in ("two-shot", "wide shot") and listener:
            other = self.writer.person(draft, listener)
            return f"{speaker} says something to {other}{manner}"
        return f"{speaker} says something{manner}"

    def _manner(self, draft: Draft, speech: Dialogue, speaker: str) -> str:
        """The parenthetical, if it can stand in a caption as it is."""
        words = speech.parenthetical.strip().rstrip(".")
        is_plain = words and words.isascii() and len(words.split()) <= 4
        if not is_plain or self.writer.finder.named_in(words):
            return ""
        return f", {words.lower()}" if words.lower() not in ("beat", "pause", "then") else ""

    def _listen(self, draft: Draft, speech: Dialogue) -> tuple[str, str]:
        """Framing and body of a shot over which somebody unseen speaks."""
        unseen = {self._name(speech.character)} if speech.character != NARRATOR else set()
        is_thought = "V" in speech.extension.upper()
        people = [n for n in reversed(self.people) if is_thought or n not in unseen]
        people += [n for n in self.speakers if n not in unseen and n not in people]
        if not people:
            return "wide shot", "all is quiet"
        name = people[0]
        doing = "is lost in thought" if name in unseen else "listens"
        return "medium close-up", f"{self.writer.person(draft, name)} {doing}"

    # ── laid-out shots ────────────────────────────────────────────────────

    def _laid_out(self, script_shot: ScriptShot) -> None:
        self.light = script_shot.light or self.light
        self.weather = script_shot.weather or self.weather
        if script_shot.joint != "cut":
            self.joint = script_shot.joint
        names = [self._name(name) for name in script_shot.cast]
        fields = caption_laid_out(
            self.writer,
            script_shot,
            path=self.screenplay.path,
            set_name=self.set_name,
            cast=names,
            lines=[self._line(line) for line in script_shot.lines],
            head_of=self._head,
        )
        fields["lines"] = tuple(self._line(line) for line in script_shot.lines)
        fields |= self._laid_out_length(script_shot)
        fields |= {
            "is_cut": script_shot.is_cut,
            "keyframe": script_shot.keyframe,
            "source": script_shot.source,
        }
        self._keep(fields)

    def _laid_out_length(self, script_shot: ScriptShot) -> dict[str, object]:
        if script_shot.num_frames is not None:
            return {"num_frames": script_shot.num_frames, "is_length_fixed": True}
        spoken = sum(timing.speech_seconds(s.text, s.parenthetical) for s in script_shot.lines)
        acted = timing.action_seconds(script_shot.action or script_shot.caption or "")
        direction = ShotDirection(seconds=script_shot.seconds)
        if spoken > timing.MAX_SECONDS and direction.seconds is None:
            # A shot list's shot is never split, so its words decide.
            return {"num_frames": self._frames(spoken)}
        return self._length(max(spoken, acted), direction)


def break_down(screenplay: Screenplay, bible: Bible | None = None) -> Episode:
    """
    Turn a screenplay into shots with captions, and fix how everybody and every place looks.

    Args:
        screenplay: The script as written, or as somebody laid it out.
        bible: How everybody and every place looks; None: as the script has it.

    Returns:
        The episode; its slates are provisional until `alignment.align` compares them with an
        earlier breakdown.

    Raises:
        CaptionError: If a ready-made caption says "the same …" of nobody known.
    """
    bible = bible or write_bible(screenplay)
    return Episode(
        episode=screenplay.episode,
        title=screenplay.title,
        season_number=screenplay.season_number,
        episode_number=screenplay.episode_number,
        fps=screenplay.fps,
        aspect=screenplay.aspect,
        music=screenplay.music,
        shots=(director := Director(screenplay, bible)).break_down(),
        cast=director.bible.cast,
        sets=director.bible.sets,
    )
