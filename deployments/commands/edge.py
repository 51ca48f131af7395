"""
What all verbs share: options, whose studio it is, how results and errors are told.

A deliberate error is one sentence and an exit code; a bug keeps its traceback.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from onestory.errors import OneStoryError, OrderError, ReviewNeededError, ScriptError

Script = Annotated[str, typer.Argument(help="Screenplay: Fountain, shot list, StoryMem, prose.")]
EpisodeId = Annotated[str, typer.Argument(help="Episode id.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Home = Annotated[Path | None, typer.Option(help="Use this folder for the local studio.")]
Out = Annotated[Path, typer.Option("--out", help="Put deliveries into this folder.")]
OneShot = Annotated[str, typer.Option("--shot", help="Decide of this shot: 3, or 5A.")]
TakeNumber = Annotated[
    int | None, typer.Option("--take", help="Number of the take; empty: the circled one.")
]
By = Annotated[str, typer.Option("--by", help="Name of who decides.")]

Imports = Annotated[
    list[str] | None,
    typer.Option(
        "--imports", help="Have cast and sets look as in this earlier episode, and remember them."
    ),
]
Breakdown = Annotated[
    str, typer.Option(help="Have the script laid out by 'rules', 'transformers' or a 'server'.")
]
WhenModelFails = Annotated[
    str, typer.Option(help="'stop' if that language model fails, or go on by 'rules'.")
]

BAD_INPUT = 2
SUSPENDED = 4


def settings_of(home: Path | None, engine: str | None = None) -> Any:
    """The studio's settings; flags before the environment and its file."""
    from deployments.studio.settings import read_settings

    flags: dict[str, Any] = {"home": home, "engine": engine}
    return read_settings(**{name: value for name, value in flags.items() if value is not None})


def show(document: Any, as_json: bool, as_text: Callable[[Any], str]) -> None:
    """Print a result: one JSON document, or as a person reads it."""
    if as_json:
        typer.echo(json.dumps(document, ensure_ascii=False, indent=2))
    else:
        typer.echo(as_text(document))


@contextmanager
def edge(as_json: bool) -> Iterator[None]:
    """Turn deliberate errors into one sentence and an exit code; bugs keep their traceback."""
    try:
        yield
    except OneStoryError as error:
        if as_json:
            typer.echo(json.dumps({"error": error.as_json()}, ensure_ascii=False, indent=2))
        else:
            typer.echo(f"onestory: {error}", err=True)
        raise typer.Exit(_code_of(error)) from error
    except Exception as error:  # the one place where a bug is reported before it surfaces
        if not as_json or isinstance(error, typer.Exit | typer.Abort):
            raise
        typer.echo(json.dumps({"error": _bug(error)}, ensure_ascii=False, indent=2))
        raise


def _code_of(error: OneStoryError) -> int:
    if isinstance(error, ReviewNeededError):
        return SUSPENDED
    return BAD_INPUT if isinstance(error, ScriptError | OrderError) else 1


def _bug(error: Exception) -> dict[str, str | None]:
    return {"kind": type(error).__name__, "message": str(error), "slate": None, "hint": None}
