"""
How does a script get refused? With one sentence that begins `file:line:column:`.

Every format's reader raises through `refuse`, so that an editor can jump to the place.
"""

from typing import NoReturn

from onestory.errors import ScriptError
from onestory.screenplay.episode import SourceSpan


def printable(text: str, *, limit: int = 60) -> str:
    """`text` fit for a one-line message: controls escaped, cut at `limit` characters."""
    shown = "".join(
        character if character.isprintable() else f"\\u{ord(character):04x}"
        for character in text[: limit + 1]
    )
    return shown if len(text) <= limit else shown[:limit] + "…"


def refusal(
    path: str, source: SourceSpan, sentence: str, *, hint: str | None = None
) -> ScriptError:
    """The error that points at `source` in `path`."""
    name = printable(path, limit=200)
    return ScriptError(f"{name}:{source.line}:{source.column}: {sentence}", hint=hint)


def refuse(path: str, source: SourceSpan, sentence: str, *, hint: str | None = None) -> NoReturn:
    """
    Refuse the script at `source`.

    Raises:
        ScriptError: Always.
    """
    raise refusal(path, source, sentence, hint=hint)
