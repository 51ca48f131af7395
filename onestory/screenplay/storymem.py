"""
How is a StoryMem or ST-Bench story imported? As it is: every prompt is a caption.

    story_overview   scenes[] ── scene_num, video_prompts[], first_frame_prompt[], cut[]

A prompt lasts five seconds. The first cut is always true, whatever the file says.
"""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from onestory.screenplay.episode import Aspect
from onestory.screenplay.identity import Claim, identify
from onestory.screenplay.marked import Marked
from onestory.screenplay.refusal import printable, refuse
from onestory.screenplay.script import Screenplay, ScriptScene, ScriptShot

SECONDS_PER_PROMPT = 5.0
"""Length of every shot, as StoryMem renders it."""


class StoryMemScene(BaseModel):
    """One scene of a StoryMem story; keys that we do not know are other people's."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    scene_num: int = Field(ge=0, le=9999)
    video_prompts: tuple[str, ...]
    first_frame_prompt: tuple[str, ...] | None = None
    cut: tuple[bool, ...] | None = None


class StoryMemStory(BaseModel):
    """A StoryMem story."""

    model_config = ConfigDict(frozen=True, extra="ignore", coerce_numbers_to_str=True)

    story_overview: str = ""
    title: str | None = None
    scenes: tuple[StoryMemScene, ...] = Field(min_length=1)


def looks_like_storymem(value: object) -> bool:
    """Whether a loaded file is a StoryMem story rather than a shot list."""
    if not isinstance(value, dict) or "shots" in value:
        return False
    scenes: Any = value.get("scenes")
    has_prompts = isinstance(scenes, list) and any(
        isinstance(scene, dict) and "video_prompts" in scene for scene in scenes
    )
    return "story_overview" in value or has_prompts


def _title_of(story: StoryMemStory) -> str | None:
    """The title, or the first words of the overview."""
    if story.title and story.title.strip():
        return story.title
    words = story.story_overview.replace("/", " ").split()[:6]
    return " ".join(words)[:80].strip(" .,;:!?") or None


def _scene(path: str, marked: Marked, index: int, scene: StoryMemScene) -> ScriptScene:
    at = ("scenes", index)
    source = marked.place(at)
    if not scene.video_prompts:
        sentence = f"scene {scene.scene_num} has nothing to shoot"
        refuse(path, source, sentence, hint="give it video_prompts, or delete it")
    for key, items in (("cut", scene.cut), ("first_frame_prompt", scene.first_frame_prompt)):
        if items is not None and len(items) != len(scene.video_prompts):
            count = f"{len(items)} entries for {len(scene.video_prompts)} video_prompts"
            hint = "give one entry a prompt"
            refuse(path, marked.place((*at, key)), f"{key} has {count}", hint=hint)
    shots = []
    for number, prompt in enumerate(scene.video_prompts):
        here = marked.place((*at, "video_prompts", number))
        if not prompt.strip():
            refuse(path, here, f"prompt {number + 1} is empty", hint="describe the shot")
        is_first = index == 0 and number == 0
        shots.append(
            ScriptShot(
                action=prompt.strip(),
                caption=prompt.strip(),
                seconds=SECONDS_PER_PROMPT,
                is_cut=is_first or scene.cut is None or scene.cut[number],
                source=here,
            )
        )
    name = f"SCENE {scene.scene_num}"
    number_text = str(scene.scene_num)
    return ScriptScene(
        heading=name, set_name=name, number=number_text, elements=tuple(shots), source=source
    )


def read_storymem(path: str, marked: Marked, *, wanted: str | None = None) -> Screenplay:
    """
    Import a StoryMem story.

    Args:
        path: The file's name, for messages.
        marked: The file's content with its places.
        wanted: The identity given on the command line.

    Returns:
        A screenplay of laid-out shots, wide, five seconds a prompt.

    Raises:
        ScriptError: If keys are missing or their lengths disagree.
    """
    try:
        story = StoryMemStory.model_validate(marked.value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        loc = tuple(first["loc"])
        words = " ".join(str(step) for step in loc)
        message = printable(f"{words}: {first['msg'].lower()}", limit=200)
        refuse(path, marked.place(loc), message, hint="see the StoryMem format")
    title = _title_of(story)
    at = ("title",) if story.title else ("story_overview",)
    claim = Claim(title, marked.place(at)) if title else None
    identity = identify(path, title=claim, episode=None, wanted=wanted)
    scenes = [_scene(path, marked, index, scene) for index, scene in enumerate(story.scenes)]
    return Screenplay(
        path=path,
        **identity._asdict(),
        format="storymem",
        aspect=Aspect.WIDE,
        scenes=tuple(scenes),
    )
