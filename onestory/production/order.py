"""What shall we make now? The order is what a person fills in, here and on the dashboard."""

from pathlib import Path
from typing import Any, Literal, TypeAlias

from pydantic import ConfigDict, Field, model_validator

from onestory.breakdown.layout import BreakdownBy
from onestory.documents import Frozen
from onestory.engines.take import NgReason
from onestory.errors import OrderError
from onestory.screenplay.episode import Episode

Downstream: TypeAlias = Literal["keep", "affected", "all", "freeze"]
"""What becomes of the shots after one that is filmed again."""


def _as_form(schema: dict[str, Any]) -> None:
    """Describe a field that may stay empty as a box, not as a choice between a type and none."""
    for field in schema.get("properties", {}).values():
        kinds = [kind for kind in field.get("anyOf", ()) if kind != {"type": "null"}]
        # Without a default a form leaves it out, and a server takes null for it, too.
        if len(kinds) == 1 and field.get("default", 0) is None:
            del field["anyOf"], field["default"]
            field |= kinds[0]


class Order(Frozen):
    """What a person fills in on a form; what stays empty is not said."""

    model_config = ConfigDict(json_schema_extra=_as_form)

    @model_validator(mode="before")
    @classmethod
    def _leave_out_what_is_empty(cls, value: Any) -> Any:
        """A form sends a box that was emptied again as an empty text."""
        if not isinstance(value, dict):
            return value
        unsaid = {name for name, field in cls.model_fields.items() if field.default is None}
        return {name: said for name, said in value.items() if said != "" or name not in unsaid}


class EpisodeOrder(Order):
    """One episode to be produced."""

    script: str = Field(
        title="Script",
        description="Path of the screenplay: Fountain, shot list, StoryMem JSON or prose.",
    )
    episode: str | None = Field(
        default=None,
        title="Episode id",
        description="Identity of the episode (a-z, 0-9, -). Empty: taken from the script.",
    )
    breakdown: BreakdownBy = Field(
        default="rules",
        title="Breakdown",
        description="Who turns the script into shots: rules; a language model on this machine "
        "(transformers); or one behind an OpenAI-compatible server. Which, the studio's settings "
        "say.",
    )
    when_model_fails: Literal["stop", "rules"] = Field(
        default="stop",
        title="When the language model fails",
        description="Stop before anything is filmed; or let rules break the script down instead.",
    )
    imports: tuple[str, ...] = Field(
        default=(),
        title="Looks of",
        description="Ids of earlier episodes whose cast and sets look the same in this one, unless "
        "its script notes another look.",
    )
    out: str = Field(default="out", title="Folder", description="Where the delivery is put.")
    seed: int = Field(
        default=0, ge=0, lt=2**31, title="Seed", description="Another number, another film."
    )
    seeds_of: str | None = Field(
        default=None,
        title="Seeds of",
        description="Draw every shot from the seed that it has in this episode. Empty: its own.",
    )
    max_takes: int = Field(
        default=4,
        ge=1,
        le=20,
        title="Takes per shot",
        description="First take and retakes together, before the best so far is circled.",
    )
    retakes: Literal["by verdict", "new seeds"] = Field(
        default="by verdict",
        title="Retakes",
        description="Film a retake as what is wrong asks for, or only on another seed.",
    )
    shot_seconds: float | None = Field(
        default=None,
        gt=0,
        title="Seconds per shot",
        description="No retake of a shot is begun after its takes rendered for so long. Empty: no "
        "limit.",
    )
    max_retakes: int | None = Field(
        default=None,
        ge=0,
        title="Retakes per episode",
        description="Most retakes of all shots together, in one run. Empty: no limit.",
    )
    retake_seconds: float | None = Field(
        default=None,
        ge=0,
        title="Seconds for retakes",
        description="No retake is begun after all retakes of a run rendered for so long. Empty: no "
        "limit.",
    )
    time_limit_seconds: float = Field(
        default=900.0, gt=0, title="Time limit", description="Longest render of one take."
    )
    when_exhausted: Literal["go on", "block"] = Field(
        default="go on",
        title="When no take passes",
        description="Go on with the best take, waiting for review; or stop the film there.",
    )
    has_scratch_voice: bool = Field(
        default=True, title="Scratch voice", description="Speak the dialogue by text-to-speech."
    )
    burn_subtitles: bool = Field(
        default=False, title="Burn subtitles", description="Draw the dialogue into the picture."
    )
    plan_first: bool = Field(
        default=False,
        title="Show the plan first",
        description="The run stops before anything is filmed, with the plan on its page, until "
        "somebody resumes it there.",
    )
    review: Literal["none", "flagged", "every"] = Field(
        default="none",
        title="Review",
        description="Whether the run stops for a person who looks at a take: never; for flagged "
        "takes, the best of those that no gate passed; or for every take that is filmed from now "
        "on. Resume the run on its page: the form shows the takes.",
    )
    review_hours: float | None = Field(
        default=None,
        gt=0,
        title="Hours for a review",
        description="How long a person is waited for. Empty: for ever.",
    )
    when_nobody_reviews: Literal["go on", "stop"] = Field(
        default="go on",
        title="When nobody reviews in time",
        description="Go on with the take that waits; or end the run there.",
    )
    music: str | None = Field(default=None, title="Music", description="Path of a music file.")
    width: int | None = Field(
        default=None, ge=16, le=4096, title="Width", description="In pixels; empty: 720 or 1280."
    )
    height: int | None = Field(
        default=None, ge=16, le=4096, title="Height", description="In pixels; empty: 1280 or 720."
    )

    def heeded(self, reasons: tuple[NgReason, ...]) -> tuple[NgReason, ...]:
        """What of a verdict decides how a retake is filmed."""
        return reasons if self.retakes == "by verdict" else ()

    @property
    def name(self) -> str:
        """What the order is called on a dashboard: the episode's id, or the script's name."""
        return self.episode or Path(self.script).stem


class RetakeOrder(Order):
    """Some shots of an episode to be filmed again, and what becomes of those after them."""

    episode: str = Field(
        pattern=r"^[a-z0-9-]+$",
        title="Episode id",
        description="Which episode; it was produced before.",
    )
    shots: str = Field(
        title="Shots",
        description="Numbers as on the slates: 3,5-7. A shot with a letter is 5A; a range has it.",
    )
    seed: int | None = Field(
        default=None,
        ge=0,
        lt=2**31,
        title="Seed",
        description="Empty: another one, unless caption, keyframe or clip make another take.",
    )
    caption: str | None = Field(
        default=None, min_length=1, title="Caption", description="For one shot; may name the cast."
    )
    keyframe: str | None = Field(
        default=None,
        title="First frame",
        description="Path of a picture that one shot starts from.",
    )
    clip: str | None = Field(
        default=None, title="Clip", description="Path of a video that becomes the take of one shot."
    )
    downstream: Downstream = Field(
        default="affected",
        title="Later shots",
        description="keep: they stay, whatever they remembered. affected: those are filmed again "
        "that are stale by then. all: all are filmed again, on other seeds. freeze: they stay, "
        "whatever happens, until they are ordered or withdrawn.",
    )
    withdraw: bool = Field(
        default=False,
        title="Withdraw",
        description="Take back what was ordered of these shots: the script holds, none is frozen.",
    )
    plan_first: bool = Field(
        default=False,
        title="Show the plan first",
        description="The run stops before anything is filmed, with the plan on its page, until "
        "somebody resumes it there.",
    )

    @property
    def name(self) -> str:
        """What the order is called on a dashboard."""
        return f"{self.episode} {self.shots}"


def with_music(order: EpisodeOrder, episode: Episode) -> EpisodeOrder:
    """
    The order with the music that will be heard: its own, else the script's.

    Raises:
        OrderError: If that file is not there.
    """
    if order.music is None and episode.music is None:
        return order
    music = Path(order.music or Path(order.script).parent / str(episode.music))
    if not music.is_file():
        raise OrderError(f"there is no music file {music.name!r}", hint="check its path")
    return order.model_copy(update={"music": str(music)})
