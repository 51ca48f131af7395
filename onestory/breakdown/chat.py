"""
What must something do to be asked about a script? Answer messages with text, the same every time.

    Question ── messages + schema ── Chat.answer ── text, which nobody trusts yet

`chat_server` asks an OpenAI-compatible server, `chat_local` a model in this process.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol, TypedDict

MOST_TOKENS = 8192
"""Longest answer that is waited for, in tokens."""


class Message(TypedDict):
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


class Chat(Protocol):
    """A language model, as it is asked here: no chance, one conversation at a time."""

    @property
    def name(self) -> str:
        """What people call it: no address, no secret."""

    @property
    def fingerprint(self) -> str:
        """What of it decides answers; part of the name under which they are kept."""

    def answer(self, messages: Sequence[Message], schema: Mapping[str, Any]) -> str:
        """
        Answer a conversation.

        Args:
            messages: What was said so far; the last turn is the user's.
            schema: JSON Schema that the answer ought to follow. Whoever can, is held to it.

        Returns:
            What the model says, unchecked.

        Raises:
            ModelAwayError: If it cannot be reached now (retryable).
            ModelAnswerError: If it does not answer in time, or not with text.
            WeightsError: If a local model cannot be loaded.
        """
