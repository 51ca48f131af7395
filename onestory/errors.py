"""
Everything that can go wrong, as one family.

    * OneStoryError
      x ScriptError           the screenplay cannot be shot as written
        + CaptionError        a referential caption points at nobody
        + PreflightError      a shot cannot be filmed as it stands, known before a GPU is spent
      x OrderError            the order asks for something that cannot be done
      x BreakdownError        a language model did not break the script down
        + ModelAwayError      ... because it cannot be reached now (retryable)
        + ModelAnswerError    ... because it answers too late, or not as it was asked
      x MemoryBudgetError     the memory does not fit its token budget
      x WeightsError          a model's weights are missing, or not the ones promised
      x RenderError           a take could not be rendered
        + OutOfMemoryError    ... for want of device memory (a bigger pool, then the degrade ladder)
        + EngineFaultError    ... because the engine broke down or is away (retryable)
        + MediaError          ... into media that anybody can read (quarantined, then retryable)
      x GateError             a take was rendered and rejected, and the order forbids going on
      x ReviewNeededError     a take waits for a person, whom this run cannot ask
      x CutError              the takes do not make a legal timeline
      x StorageError          a blob could not be read or written (retryable)
        + CorruptBlobError    ... because its bytes are not the ones its name promises
        + MissingBlobError    ... because nothing lies under that name
      x StudioError           a service of the studio is missing or will not start
        + EpisodeBusyError    ... because another producer is working on the episode
        + CollectorBusyError  ... because another gc is at work

Every member carries a slate and a hint, and survives a trip through pickle or JSON.
"""

from functools import partial
from typing import ClassVar


class OneStoryError(Exception):
    """A deliberate error: one sentence with its numbers, the slate it concerns, and a hint."""

    retryable: ClassVar[bool] = False
    """Whether the very same call may succeed if repeated. A retake is not a retry."""

    def __init__(self, message: str, *, slate: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.slate = slate
        self.hint = hint

    def __reduce__(self) -> tuple[object, ...]:
        return partial(type(self), slate=self.slate, hint=self.hint), self.args

    def __str__(self) -> str:
        slate = f"[{self.slate}] " if self.slate else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{slate}{self.message}{hint}"

    def as_json(self) -> dict[str, str | None]:
        """The form that crosses HTTP and stands in `--json` documents."""
        return {
            "kind": type(self).__name__,
            "message": self.message,
            "slate": self.slate,
            "hint": self.hint,
        }


class ScriptError(OneStoryError):
    """The screenplay cannot be shot as written."""


class CaptionError(ScriptError):
    """A referential caption points at nobody."""


class PreflightError(ScriptError):
    """A shot cannot be filmed as it stands, which is known before a GPU is spent."""


class OrderError(OneStoryError):
    """The order asks for something that cannot be done."""


class BreakdownError(OneStoryError):
    """A language model did not break the script down."""


class ModelAwayError(BreakdownError):
    """The language model cannot be reached now, or is at fault."""

    retryable = True


class ModelAnswerError(BreakdownError):
    """The language model answers too late, or not as it was asked."""


class MemoryBudgetError(OneStoryError):
    """The memory does not fit its token budget."""


class WeightsError(OneStoryError):
    """A model's weights are missing, or not the ones promised."""


class RenderError(OneStoryError):
    """A take could not be rendered."""


class OutOfMemoryError(RenderError):
    """A take could not be rendered for want of device memory."""


class EngineFaultError(RenderError):
    """The engine broke down, is away, or ran past its time limit."""

    retryable = True


class MediaError(RenderError):
    """A take was rendered into media that nobody can read; the media went to quarantine."""

    retryable = True


class GateError(OneStoryError):
    """A take was rendered and rejected, and the order forbids going on."""


class ReviewNeededError(OneStoryError):
    """A take waits for a person's verdict, and this run has no way to ask for it."""


class CutError(OneStoryError):
    """The takes do not make a legal timeline."""


class StorageError(OneStoryError):
    """A blob could not be read or written."""

    retryable = True


class CorruptBlobError(StorageError):
    """The bytes under a name are not the ones that the name promises."""

    retryable = False


class MissingBlobError(StorageError):
    """Nothing lies under that name."""

    retryable = False


class StudioError(OneStoryError):
    """A service of the studio is missing or will not start."""


class EpisodeBusyError(StudioError):
    """Another producer is working on this episode."""


class CollectorBusyError(StudioError):
    """Another gc is deleting."""


def family() -> dict[str, type[OneStoryError]]:
    """Every member of the family by name."""
    members: dict[str, type[OneStoryError]] = {}
    waiting: list[type[OneStoryError]] = [OneStoryError]
    while waiting:
        member = waiting.pop()
        members[member.__name__] = member
        waiting.extend(member.__subclasses__())
    return members


def from_json(document: dict[str, str | None]) -> OneStoryError:
    """The error that `as_json` described; an unknown kind becomes the head of the family."""
    kind = family().get(document.get("kind") or "", OneStoryError)
    return kind(
        document.get("message") or "unknown error",
        slate=document.get("slate"),
        hint=document.get("hint"),
    )
