"""
How does a model's answer become something that can be trusted? Checked, mended, kept.

    question ─┬─ kept answer ────────────────► accepted
              └─ model ── checks ── accepted ── kept
                   ▲        │ a fault, in words
                   └────────┘ twice at most, then the answer is refused

A kept answer goes through the same checks as a fresh one; if it does not pass them any more, it is
asked for again.
"""

import logging
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from pydantic import ValidationError

from onestory.breakdown.chat import Chat
from onestory.breakdown.questions import Answer, Question
from onestory.documents import Digest
from onestory.errors import ModelAnswerError, ScriptError
from onestory.screenplay.refusal import printable

logger = logging.getLogger("onestory.breakdown")

MAX_REPAIRS = 2
"""How often a model is told what is wrong with its answer, before it is refused."""

Result = TypeVar("Result")


class AnswerBook(Protocol):
    """Where answers are kept."""

    def find(self, key: Digest) -> dict[str, Any] | None:
        """What was kept under a key; None if nothing was."""

    def keep(self, key: Digest, answer: dict[str, Any]) -> None:
        """Keep an answer that passed every check."""


class Fault(ValueError):  # noqa: N818 - what a model is told, not an error of ours
    """What is wrong with an answer, in words that its model is told."""


class Desk:
    """Asks one model, and keeps what it answers."""

    def __init__(self, chat: Chat, book: AnswerBook) -> None:
        """
        Args:
            chat: Whom to ask.
            book: Where its answers are kept.
        """
        self.chat = chat
        self.book = book
        self.keys: list[Digest] = []
        """Of every answer that was accepted, in order."""

    def ask(self, question: Question[Answer], accept: Callable[[Answer], Result]) -> Result:
        """
        Ask, unless the answer is known.

        Args:
            question: What to ask.
            accept: Makes something of an answer, or raises `Fault` or `ScriptError`.

        Returns:
            What was made of the first answer that passed.

        Raises:
            BreakdownError: If the model cannot be asked.
            ModelAnswerError: If no answer passes, the last one after `MAX_REPAIRS` repairs.
        """
        key = question.key(self.chat.fingerprint)
        self.keys.append(key)
        known = self._known(key, question, accept)
        if known is not None:
            return known
        answer, result = self._fresh(question, accept)
        self.book.keep(key, answer.model_dump(mode="json"))
        return result

    def _known(
        self, key: Digest, question: Question[Answer], accept: Callable[[Answer], Result]
    ) -> Result | None:
        kept = self.book.find(key)
        if kept is None:
            return None
        try:
            return accept(question.kind.model_validate(kept))
        except (ValidationError, Fault, ScriptError) as error:
            logger.info("breakdown.asked_again about=%s cause=%s", question.about, _words(error))
            return None

    def _fresh(
        self, question: Question[Answer], accept: Callable[[Answer], Result]
    ) -> tuple[Answer, Result]:
        messages = question.messages
        for tried in range(1 + MAX_REPAIRS):
            said = self.chat.answer(messages, question.schema)
            try:
                answer = question.kind.model_validate_json(_object_in(said))
                result = accept(answer)
            except (ValidationError, Fault, ScriptError) as error:
                fault = _words(error)
                logger.info("breakdown.fault about=%s tried=%d %s", question.about, tried, fault)
                correction = f"That cannot be used: {fault}. Answer with the whole object again."
                messages += [
                    {"role": "assistant", "content": said},
                    {"role": "user", "content": correction},
                ]
            else:
                logger.info("breakdown.answered about=%s repairs=%d", question.about, tried)
                return answer, result
        raise ModelAnswerError(
            f"{printable(question.about)}: none of {1 + MAX_REPAIRS} answers of "
            f"{printable(self.chat.name)} can be used; the last one because {fault}",
            hint="choose a model that follows instructions better, or --breakdown rules",
        )


def _object_in(said: str) -> str:
    """The JSON object in an answer: without what was thought before it, or a fence around it."""
    said = said.rpartition("</think>")[2]
    start, end = said.find("{"), said.rfind("}")
    if not 0 <= start < end:
        raise Fault(f'there is no JSON object in "{printable(said.strip(), limit=40)}"')
    return said[start : end + 1]


def _words(error: ValidationError | Fault | ScriptError) -> str:
    """A fault as one clause. What was wrong is quoted by its checks, cut and escaped."""
    if isinstance(error, ScriptError):
        return error.message
    if isinstance(error, Fault):
        return str(error)
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, first["loc"]))
    return printable(f"{place}: {first['msg']}" if place else first["msg"], limit=300)
