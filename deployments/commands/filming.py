"""Verbs that film: a script, a season, shots once more, two ways of the same."""

from pathlib import Path
from typing import Annotated

import typer

from deployments.commands.edge import (
    BAD_INPUT,
    Breakdown,
    By,
    EpisodeId,
    Home,
    Imports,
    Json,
    Out,
    Script,
    WhenModelFails,
    edge,
    settings_of,
    show,
)


def produce(
    script: Script,
    episode: Annotated[str | None, typer.Option(help="Give the episode this id.")] = None,
    out: Out = Path("out"),
    engine: Annotated[str | None, typer.Option(help="Film with this engine.")] = None,
    seed: Annotated[int, typer.Option(help="Draw another film from the same script.")] = 0,
    max_takes: Annotated[int, typer.Option(help="Stop retaking a shot after so many.")] = 4,
    retakes: Annotated[
        str, typer.Option(help="Retake 'by verdict', or on 'new seeds' alone.")
    ] = "by verdict",
    shot_seconds: Annotated[
        float | None, typer.Option(help="Begin no retake of a shot after so many seconds.")
    ] = None,
    max_retakes: Annotated[
        int | None, typer.Option(help="Film at most so many retakes of all shots.")
    ] = None,
    retake_seconds: Annotated[
        float | None, typer.Option(help="Begin no retake after all took so many seconds.")
    ] = None,
    time_limit: Annotated[float, typer.Option(help="Let one take render so many seconds.")] = 900,
    when_exhausted: Annotated[str, typer.Option(help="'go on' or 'block' if no take passes.")] = (
        "go on"
    ),
    review: Annotated[
        str, typer.Option(help="Stop for a person: 'none', 'flagged' takes, or 'every' take.")
    ] = "none",
    voice: Annotated[bool, typer.Option(help="Speak the dialogue by scratch voices.")] = True,
    burn_subtitles: Annotated[bool, typer.Option(help="Draw dialogue into the picture.")] = False,
    music: Annotated[Path | None, typer.Option(help="Lay this music under the film.")] = None,
    size: Annotated[str | None, typer.Option(help="Film at WIDTHxHEIGHT pixels.")] = None,
    imports: Imports = None,
    breakdown: Breakdown = "rules",
    when_model_fails: WhenModelFails = "stop",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan only.")] = False,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Turn a script into a delivered episode; only what is not current is filmed."""
    from deployments import verbs

    with edge(as_json):
        order = verbs.order_of(
            script=script,
            episode=episode,
            out=out,
            seed=seed,
            max_takes=max_takes,
            retakes=retakes,
            shot_seconds=shot_seconds,
            max_retakes=max_retakes,
            retake_seconds=retake_seconds,
            time_limit_seconds=time_limit,
            when_exhausted=when_exhausted,
            review=review,
            has_scratch_voice=voice,
            burn_subtitles=burn_subtitles,
            music=music,
            size=size,
            imports=tuple(imports or ()),
            breakdown=breakdown,
            when_model_fails=when_model_fails,
        )
        if dry_run:
            show(verbs.plan(order, settings_of(home, engine)), as_json, verbs.plan_text)
            return
        outcome = verbs.produce(order, settings_of(home, engine))
        show(outcome.as_json(), as_json, lambda _: verbs.outcome_text(outcome))
        raise typer.Exit(outcome.exit_code)


def season(
    season: Annotated[Path, typer.Argument(help="SEASON.yaml: which episodes, which orders.")],
    episodes: Annotated[
        str | None, typer.Option(help="Film these only: e04..e12,e15; empty: all.")
    ] = None,
    first: Annotated[str | None, typer.Option(help="Film these before all others.")] = None,
    night: Annotated[
        str | None, typer.Option(help="Join what was submitted under this name; empty: the date.")
    ] = None,
    hours: Annotated[
        float | None, typer.Option(help="Report after so many hours what is not done.")
    ] = None,
    here: Annotated[
        bool, typer.Option("--here", help="Film one after another here, workers or not.")
    ] = False,
    engine: Annotated[str | None, typer.Option(help="Film with this engine.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what can be filmed.")] = False,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Film many episodes, each in a flow run of its own: all are admitted, or none is filmed."""
    from deployments import season as seasons

    with edge(as_json):
        order = seasons.season_order_of(
            season=season, episodes=episodes, first=first, night=night, hours=hours, here=here
        )
        if dry_run:
            admitted = seasons.admissions(order, settings_of(home, engine))
            show(admitted, as_json, seasons.admissions_text)
            raise typer.Exit(0 if admitted["is_admitted"] else BAD_INPUT)
        told = seasons.produce(
            order, settings_of(home, engine), say=lambda line: typer.echo(line, err=True)
        )
        show(told, as_json, seasons.report_text)
        raise typer.Exit(told["exit_code"])


def plan(
    script: Script,
    episode: Annotated[str | None, typer.Option(help="Give the episode this id.")] = None,
    engine: Annotated[str | None, typer.Option(help="Plan for this engine.")] = None,
    seed: Annotated[int, typer.Option(help="Plan for this seed.")] = 0,
    size: Annotated[str | None, typer.Option(help="Plan for WIDTHxHEIGHT pixels.")] = None,
    imports: Imports = None,
    breakdown: Breakdown = "rules",
    when_model_fails: WhenModelFails = "stop",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Say which shots would be filmed, and why; spends nothing."""
    from deployments import verbs

    with edge(as_json):
        order = verbs.order_of(
            script=script,
            episode=episode,
            seed=seed,
            size=size,
            imports=tuple(imports or ()),
            breakdown=breakdown,
            when_model_fails=when_model_fails,
        )
        show(verbs.plan(order, settings_of(home, engine)), as_json, verbs.plan_text)


def retake(
    episode: EpisodeId,
    shots: Annotated[str, typer.Option(help="Film these again: 3,5-7.")],
    seed: Annotated[int | None, typer.Option(help="Draw them from this seed.")] = None,
    caption: Annotated[str | None, typer.Option(help="Give the shot this caption.")] = None,
    keyframe: Annotated[Path | None, typer.Option(help="Start the shot from this picture.")] = None,
    clip: Annotated[Path | None, typer.Option(help="Take this video as the shot.")] = None,
    downstream: Annotated[
        str, typer.Option(help="Keep later shots, film the affected or all, or freeze them.")
    ] = "affected",
    withdraw: Annotated[
        bool, typer.Option("--withdraw", help="Take back what was ordered of these shots.")
    ] = False,
    engine: Annotated[str | None, typer.Option(help="Film with this engine.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan only.")] = False,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Film shots of an episode again, and the later shots that the policy names."""
    from deployments import verbs

    with edge(as_json):
        order = verbs.retake_order_of(
            episode=episode,
            shots=shots,
            seed=seed,
            caption=caption,
            keyframe=keyframe,
            clip=clip,
            downstream=downstream,
            withdraw=withdraw,
        )
        if dry_run:
            show(verbs.plan_retake(order, settings_of(home, engine)), as_json, verbs.plan_text)
            return
        outcome = verbs.retake(order, settings_of(home, engine))
        show(outcome.as_json(), as_json, lambda _: verbs.outcome_text(outcome))
        raise typer.Exit(outcome.exit_code)


def sheets(
    script: Script,
    candidates: Annotated[int, typer.Option(min=1, help="Draw so many of everybody.")] = 3,
    circle: Annotated[
        list[str] | None,
        typer.Option("--circle", help="Start from this candidate, MARA=2; may be repeated."),
    ] = None,
    by: By = "",
    episode: Annotated[str | None, typer.Option(help="Give the episode this id.")] = None,
    out: Out = Path("out"),
    engine: Annotated[str | None, typer.Option(help="Draw with this engine's painter.")] = None,
    seed: Annotated[int, typer.Option(help="Draw other candidates.")] = 0,
    size: Annotated[str | None, typer.Option(help="Draw for WIDTHxHEIGHT pixels.")] = None,
    imports: Imports = None,
    breakdown: Breakdown = "rules",
    when_model_fails: WhenModelFails = "stop",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Draw reference sheets of cast and sets, once for all episodes, and circle one of each."""
    from deployments import sheets as reference_sheets
    from deployments import verbs

    with edge(as_json):
        order = verbs.order_of(
            script=script,
            episode=episode,
            out=out,
            seed=seed,
            size=size,
            imports=tuple(imports or ()),
            breakdown=breakdown,
            when_model_fails=when_model_fails,
        )
        drawn = reference_sheets.sheets(
            order,
            settings_of(home, engine),
            candidates=candidates,
            circled=circle or (),
            by=by,
        )
        show(drawn, as_json, reference_sheets.sheets_text)


def ab(
    script: Script,
    a: Annotated[list[str] | None, typer.Option(help="Film A so: memory_budget=1.")] = None,
    b: Annotated[list[str] | None, typer.Option(help="Film B so: memory_budget=3.")] = None,
    episode: Annotated[str | None, typer.Option(help="Give the films this id.")] = None,
    out: Out = Path("out"),
    engine: Annotated[str | None, typer.Option(help="Film with this engine.")] = None,
    seed: Annotated[int, typer.Option(help="Draw other films from the same script.")] = 0,
    max_takes: Annotated[int, typer.Option(help="Stop retaking a shot after so many.")] = 1,
    voice: Annotated[bool, typer.Option(help="Speak the dialogue by text-to-speech.")] = True,
    size: Annotated[str | None, typer.Option(help="Film at WIDTHxHEIGHT pixels.")] = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Film a script in two ways on the same seeds, and write a page with both."""
    from deployments import verbs

    with edge(as_json):
        order = verbs.order_of(
            script=script,
            episode=episode,
            out=out,
            seed=seed,
            max_takes=max_takes,
            has_scratch_voice=voice,
            size=size,
        )
        found = verbs.ab(order, (a or [], b or []), settings_of(home, engine))
        show(found, as_json, lambda _: str(found["page"]))
