"""Verbs that look at what was filmed, decide about it, and keep the house."""

from pathlib import Path
from typing import Annotated

import typer

from deployments.commands.edge import (
    By,
    EpisodeId,
    Home,
    Json,
    OneShot,
    Out,
    TakeNumber,
    edge,
    settings_of,
    show,
)


def circle(
    episode: EpisodeId,
    shot: OneShot,
    take: TakeNumber = None,
    why: Annotated[str, typer.Option(help="Note this beside it.")] = "",
    by: By = "",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Decide that a take is in the film; it waits for review no more."""
    from deployments import reviewing

    with edge(as_json):
        decided = reviewing.circle(episode, shot, take, settings_of(home), note=why, by=by)
        show(decided, as_json, reviewing.decision_text)


def reject(
    episode: EpisodeId,
    shot: OneShot,
    why: Annotated[str, typer.Option(help="Reason: identity, place, caption, person …")],
    take: TakeNumber = None,
    note: Annotated[str, typer.Option(help="Note this beside it.")] = "",
    by: By = "",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Decide that a take is no good; if it was circled, `produce` films another one."""
    from deployments import reviewing

    with edge(as_json):
        decided = reviewing.reject(
            episode, shot, take, settings_of(home), reason=why, note=note, by=by
        )
        show(decided, as_json, reviewing.decision_text)


def status(
    episode: Annotated[str | None, typer.Argument(help="Episode id; empty: all.")] = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Show where every shot of an episode stands."""
    from deployments import verbs

    with edge(as_json):
        show(verbs.status(episode, settings_of(home)), as_json, verbs.status_text)


def explain(
    take: Annotated[str, typer.Argument(help="Slate (s01e01-sc01-sh001-tk01) or address.")],
    other: Annotated[str | None, typer.Argument(help="Another take, to compare with.")] = None,
    episode: Annotated[str | None, typer.Option(help="Look in this episode only.")] = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Show what a take was made from and remembered; or why two takes differ."""
    from deployments import verbs

    with edge(as_json):
        found = verbs.explain(take, other, episode, settings_of(home))
        show(found, as_json, verbs.explain_text)


def screen(episode: EpisodeId, out: Out = Path("out"), home: Home = None) -> None:
    """Write the dailies page of an episode and print where it lies."""
    from deployments import verbs

    with edge(False):
        typer.echo(verbs.screen(episode, out, settings_of(home)))


def compare(
    episode: EpisodeId,
    shot: Annotated[str, typer.Option(help="Compare takes of this shot: 3, or 5A.")],
    out: Out = Path("out"),
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Write a page with all takes of a shot side by side and print where it lies."""
    from deployments import verbs

    with edge(as_json):
        found = verbs.compare(episode, shot, out, settings_of(home))
        show(found, as_json, lambda _: str(found["page"]))


def export(
    episode: EpisodeId,
    to: Annotated[str, typer.Option("--to", help="otio, edl, srt, vtt or kitsu-csv.")],
    home: Home = None,
) -> None:
    """Print the episode's cut in an editor's or a tracker's format."""
    from deployments import verbs

    with edge(False):
        typer.echo(verbs.export(episode, to, settings_of(home)), nl=False)


def history(episode: EpisodeId, home: Home = None, as_json: Json = False) -> None:
    """List every version of an episode: when, what happened, by which run."""
    from deployments import keeping

    with edge(as_json):
        show(keeping.history(episode, settings_of(home)), as_json, keeping.history_text)


def revert(
    episode: EpisodeId,
    version: Annotated[int, typer.Argument(help="Number that `onestory history` lists.")],
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Restore a version of an episode; nothing is lost, and a revert can be reverted."""
    from deployments import keeping

    with edge(as_json):
        restored = keeping.revert(episode, version, settings_of(home))
        show(restored, as_json, keeping.revert_text)


def gc(
    older_than: Annotated[
        float | None,
        typer.Option("--older-than", help="Let uncircled takes go after so many days."),
    ] = None,
    keep_size: Annotated[
        int | None,
        typer.Option("--keep-size", help="Keep so many bytes of uncircled takes, the newest."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would go only.")] = False,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Delete what no episode reaches; nothing that was ever circled goes."""
    from deployments import keeping

    with edge(as_json):
        swept = keeping.gc(
            settings_of(home),
            older_than_days=older_than,
            keep_bytes=keep_size,
            is_dry_run=dry_run,
        )
        show(swept, as_json, keeping.gc_text)


def doctor(
    engine: Annotated[str | None, typer.Option(help="Look at what this engine needs.")] = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Say what is missing on this machine and how to get it."""
    from deployments import verbs

    with edge(as_json):
        findings = verbs.doctor(settings_of(home, engine))
        show(findings, as_json, verbs.doctor_text)
        raise typer.Exit(0 if findings["is_ready"] else 1)
