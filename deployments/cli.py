"""
The one command: `onestory VERB`.

    produce   season   plan   sheets   retake   circle   reject   status   explain   screen
    compare   ab   export   history   revert   gc   studio   doctor   train   bench

Each verb parses, calls one function and prints. Results go to standard output, one JSON
document with `--json`; progress goes to standard error. Exit codes: 0 done, 2 bad input,
3 delivered with shots that wait for review, 4 suspended for a person's verdict (`circle` or
`reject`, then the same again), 1 the rest.
"""

import json
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from onestory.errors import OneStoryError, OrderError, ReviewNeededError, ScriptError

app = typer.Typer(
    name="onestory",
    help="A screenplay goes in, a finished multi-shot episode comes out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
studio_app = typer.Typer(help="The local services.", no_args_is_help=True)
app.add_typer(studio_app, name="studio")
train_app = typer.Typer(help="The model side: make weights.", no_args_is_help=True)
app.add_typer(train_app, name="train")
bench_app = typer.Typer(help="The model side: measure weights.", no_args_is_help=True)
app.add_typer(bench_app, name="bench")

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


@app.command()
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

    with _edge(as_json):
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
            _print(verbs.plan(order, _settings(home, engine)), as_json, verbs.plan_text)
            return
        outcome = verbs.produce(order, _settings(home, engine))
        _print(outcome.as_json(), as_json, lambda _: verbs.outcome_text(outcome))
        raise typer.Exit(outcome.exit_code)


@app.command()
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

    with _edge(as_json):
        order = seasons.season_order_of(
            season=season, episodes=episodes, first=first, night=night, hours=hours, here=here
        )
        if dry_run:
            admitted = seasons.admissions(order, _settings(home, engine))
            _print(admitted, as_json, seasons.admissions_text)
            raise typer.Exit(0 if admitted["is_admitted"] else BAD_INPUT)
        told = seasons.produce(
            order, _settings(home, engine), say=lambda line: typer.echo(line, err=True)
        )
        _print(told, as_json, seasons.report_text)
        raise typer.Exit(told["exit_code"])


@app.command()
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

    with _edge(as_json):
        order = verbs.order_of(
            script=script,
            episode=episode,
            seed=seed,
            size=size,
            imports=tuple(imports or ()),
            breakdown=breakdown,
            when_model_fails=when_model_fails,
        )
        _print(verbs.plan(order, _settings(home, engine)), as_json, verbs.plan_text)


@app.command()
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

    with _edge(as_json):
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
            _print(verbs.plan_retake(order, _settings(home, engine)), as_json, verbs.plan_text)
            return
        outcome = verbs.retake(order, _settings(home, engine))
        _print(outcome.as_json(), as_json, lambda _: verbs.outcome_text(outcome))
        raise typer.Exit(outcome.exit_code)


@app.command()
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

    with _edge(as_json):
        decided = reviewing.circle(episode, shot, take, _settings(home), note=why, by=by)
        _print(decided, as_json, reviewing.decision_text)


@app.command()
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

    with _edge(as_json):
        decided = reviewing.reject(
            episode, shot, take, _settings(home), reason=why, note=note, by=by
        )
        _print(decided, as_json, reviewing.decision_text)


@app.command()
def status(
    episode: Annotated[str | None, typer.Argument(help="Episode id; empty: all.")] = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Show where every shot of an episode stands."""
    from deployments import verbs

    with _edge(as_json):
        _print(verbs.status(episode, _settings(home)), as_json, verbs.status_text)


@app.command()
def explain(
    take: Annotated[str, typer.Argument(help="Slate (s01e01-sc01-sh001-tk01) or address.")],
    other: Annotated[str | None, typer.Argument(help="Another take, to compare with.")] = None,
    episode: Annotated[str | None, typer.Option(help="Look in this episode only.")] = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Show what a take was made from and remembered; or why two takes differ."""
    from deployments import verbs

    with _edge(as_json):
        found = verbs.explain(take, other, episode, _settings(home))
        _print(found, as_json, verbs.explain_text)


@app.command()
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

    with _edge(as_json):
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
            _settings(home, engine),
            candidates=candidates,
            circled=circle or (),
            by=by,
        )
        _print(drawn, as_json, reference_sheets.sheets_text)


@app.command()
def screen(episode: EpisodeId, out: Out = Path("out"), home: Home = None) -> None:
    """Write the dailies page of an episode and print where it lies."""
    from deployments import verbs

    with _edge(False):
        typer.echo(verbs.screen(episode, out, _settings(home)))


@app.command()
def compare(
    episode: EpisodeId,
    shot: Annotated[str, typer.Option(help="Compare takes of this shot: 3, or 5A.")],
    out: Out = Path("out"),
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Write a page with all takes of a shot side by side and print where it lies."""
    from deployments import verbs

    with _edge(as_json):
        found = verbs.compare(episode, shot, out, _settings(home))
        _print(found, as_json, lambda _: str(found["page"]))


@app.command()
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

    with _edge(as_json):
        order = verbs.order_of(
            script=script,
            episode=episode,
            out=out,
            seed=seed,
            max_takes=max_takes,
            has_scratch_voice=voice,
            size=size,
        )
        found = verbs.ab(order, (a or [], b or []), _settings(home, engine))
        _print(found, as_json, lambda _: str(found["page"]))


@app.command()
def export(
    episode: EpisodeId,
    to: Annotated[str, typer.Option("--to", help="otio, edl, srt, vtt or kitsu-csv.")],
    home: Home = None,
) -> None:
    """Print the episode's cut in an editor's or a tracker's format."""
    from deployments import verbs

    with _edge(False):
        typer.echo(verbs.export(episode, to, _settings(home)), nl=False)


@app.command()
def history(episode: EpisodeId, home: Home = None, as_json: Json = False) -> None:
    """List every version of an episode: when, what happened, by which run."""
    from deployments import keeping

    with _edge(as_json):
        _print(keeping.history(episode, _settings(home)), as_json, keeping.history_text)


@app.command()
def revert(
    episode: EpisodeId,
    version: Annotated[int, typer.Argument(help="Number that `onestory history` lists.")],
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Restore a version of an episode; nothing is lost, and a revert can be reverted."""
    from deployments import keeping

    with _edge(as_json):
        restored = keeping.revert(episode, version, _settings(home))
        _print(restored, as_json, keeping.revert_text)


@app.command()
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

    with _edge(as_json):
        swept = keeping.gc(
            _settings(home),
            older_than_days=older_than,
            keep_bytes=keep_size,
            is_dry_run=dry_run,
        )
        _print(swept, as_json, keeping.gc_text)


@studio_app.command("up")
def studio_up(
    worker: Annotated[
        bool, typer.Option("--worker", help="Carry out orders from the dashboard, too.")
    ] = False,
    whole: Annotated[
        bool, typer.Option("--whole", help="Serve as many do: Postgres, Redis, several workers.")
    ] = False,
    workers: Annotated[
        int, typer.Option(min=1, max=32, help="With --whole: let so many workers film.")
    ] = 3,
    engines: Annotated[
        int, typer.Option(min=1, max=32, help="With --whole: share out so many engines.")
    ] = 1,
    apis: Annotated[
        int, typer.Option(min=1, max=16, help="With --whole: answer in so many processes.")
    ] = 1,
    home: Home = None,
) -> None:
    """Start the local services and keep them running."""
    from deployments.crew import hire, keep_up
    from deployments.studio.state import Topology

    with _edge(False):
        settings = _settings(home)
        if whole:
            addresses = hire(settings, Topology(workers=workers, engines=engines, apis=apis))
        else:
            addresses = hire(settings) if worker else keep_up(settings)
        typer.echo(addresses.summary())


@studio_app.command("down")
def studio_down(home: Home = None) -> None:
    """Stop the local services."""
    from deployments.studio.embedded import stop_studio

    with _edge(False):
        stop_studio(_settings(home))


@studio_app.command("automate")
def studio_automate(home: Home = None) -> None:
    """Have Prefect tell ONESTORY_NOTIFY_URL and ONESTORY_WEBHOOK_URL what happens."""
    from deployments.crew import automate

    with _edge(False):
        typer.echo(automate(_settings(home)))


@studio_app.command("status")
def studio_status(home: Home = None, as_json: Json = False) -> None:
    """Show which services run, and where."""
    from deployments import verbs

    with _edge(as_json):
        _print(verbs.studio_status(_settings(home)), as_json, verbs.studio_text)


@studio_app.command("password")
def studio_password(home: Home = None) -> None:
    """Print what the dashboard of a whole studio asks for."""
    from deployments.studio.embedded import dashboard_password

    with _edge(False):
        typer.echo(dashboard_password(_settings(home)))


@studio_app.command("mlflow")
def studio_mlflow(home: Home = None) -> None:
    """Start the MLflow screen and print its address."""
    from deployments.studio.embedded import start_mlflow_ui

    with _edge(False):
        typer.echo(start_mlflow_ui(_settings(home)))


@train_app.command("pocket")
def train_pocket(
    config: Annotated[Path | None, typer.Option(help="Train by this file.")] = None,
    out: Annotated[Path, typer.Option("--out", help="Keep the run in this folder.")] = Path(
        ".training/pocket"
    ),
    data: Annotated[Path, typer.Option(help="Keep codec and stories in this folder.")] = Path(
        ".training"
    ),
    start: Annotated[
        Path | None, typer.Option(help="Go on from the weights in this folder.")
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Stop after so many steps of the run.")] = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Train the pocket model, or go on with it; Ctrl-C loses no more than some minutes."""
    from deployments import training

    with _edge(as_json):
        order = training.training_order_of(
            config=config, out=out, data=data, start=start, steps=steps
        )
        trained = training.train_pocket(
            order, _settings(home), say=lambda line: typer.echo(line, err=True)
        )
        _print(trained.model_dump(mode="json"), as_json, lambda _: trained.in_words())


@train_app.command("encoders")
def train_encoders(
    out: Annotated[Path, typer.Option("--out", help="Keep the run in this folder.")] = Path(
        ".training/encoders"
    ),
    start: Annotated[
        Path | None, typer.Option(help="Go on from the end of the run in this folder.")
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Stop after so many steps of the run.")] = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """School the encoders that look at takes, or go on with it."""
    from deployments import schooling

    with _edge(as_json):
        made = schooling.train_encoders(
            _settings(home),
            out=out,
            start=start,
            steps=steps,
            say=lambda line: typer.echo(line, err=True),
        )
        _print(made, as_json, schooling.schooling_text)


@bench_app.command("memory")
def bench_memory(
    stories: Annotated[int | None, typer.Option(help="Tell so many stories.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Only see that it works.")] = False,
    steps: Annotated[int | None, typer.Option(help="Denoise in so many steps.")] = None,
    weights: Annotated[Path | None, typer.Option(help="Film with these weights.")] = None,
    out: Annotated[Path, typer.Option("--out", help="Keep takes and report here.")] = Path(
        "out/bench/memory"
    ),
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Compare ways to remember on stories whose truth is known; goes on where it was stopped."""
    from deployments import benching

    with _edge(as_json):
        report = benching.bench_memory(
            _settings(home),
            out=out,
            weights=weights,
            stories=stories,
            is_quick=quick,
            steps=steps,
            say=lambda line: typer.echo(line, err=True),
        )
        _print(report, as_json, benching.memory_text)


@bench_app.command("gates")
def bench_gates(
    stories: Annotated[int | None, typer.Option(help="Tell so many stories.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Only see that it works.")] = False,
    encoders: Annotated[Path | None, typer.Option(help="Let these encoders look.")] = None,
    ship: Annotated[
        bool, typer.Option("--ship", help="Keep the limits beside the encoders: they hold then.")
    ] = False,
    from_reviews: Annotated[
        bool,
        typer.Option("--from-reviews", help="Draw them by what persons circled and rejected here."),
    ] = False,
    takes: Annotated[Path, typer.Option(help="Find pocket's takes of the stories here.")] = Path(
        "out/bench/memory"
    ),
    out: Annotated[Path, typer.Option("--out", help="Keep the report here.")] = Path(
        "out/bench/gates"
    ),
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Ask the gates of takes whose faults are known, and draw their limits."""
    from deployments import benching

    with _edge(as_json):
        if from_reviews:
            drawn = benching.recalibrate(_settings(home), out=out, encoders=encoders, ship=ship)
            _print(drawn, as_json, benching.agreement_text)
            return
        report = benching.bench_gates(
            _settings(home),
            out=out,
            takes=takes,
            encoders=encoders,
            stories=stories,
            is_quick=quick,
            ship=ship,
            say=lambda line: typer.echo(line, err=True),
        )
        _print(report, as_json, benching.gates_text)


@bench_app.command("retakes")
def bench_retakes(
    stories: Annotated[int | None, typer.Option(help="Film so many stories.")] = None,
    first: Annotated[
        int,
        typer.Option(min=0, help="Number of the first: further on are other people and places."),
    ] = 0,
    quick: Annotated[bool, typer.Option("--quick", help="Only see that it works.")] = False,
    out: Annotated[Path, typer.Option("--out", help="Keep films and report here.")] = Path(
        "out/bench/retakes"
    ),
    engine: Annotated[str | None, typer.Option(help="Film with this engine.")] = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Film stories with retakes by verdict and with new seeds alone, and compare."""
    from deployments import benching

    with _edge(as_json):
        report = benching.bench_retakes(
            _settings(home, engine),
            out=out,
            stories=stories,
            first=first,
            is_quick=quick,
            say=lambda line: typer.echo(line, err=True),
        )
        _print(report, as_json, benching.retakes_text)


@bench_app.command("cost")
def bench_cost(
    weights: Annotated[Path | None, typer.Option(help="Measure these weights.")] = None,
    out: Annotated[Path, typer.Option("--out", help="Keep the report here.")] = Path(
        "out/bench/cost"
    ),
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Time a denoising step at shot 2 and at shot 40."""
    from deployments import benching

    with _edge(as_json):
        document = benching.bench_cost(_settings(home), out=out, weights=weights)
        _print(document, as_json, benching.cost_text)


@bench_app.command("engine")
def bench_engine(
    engine: Annotated[str | None, typer.Option(help="Look at this engine.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Only see that it works.")] = False,
    document: Annotated[
        Path | None, typer.Option(help="Only write what published Wans take into this file.")
    ] = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Look whether the engine does on this machine what is said of it: docs/wan-cards.md."""
    from deployments import checking

    with _edge(as_json):
        if document is not None:
            written = checking.write_document(document)
            _print(written, as_json, lambda _: f"wrote {document}")
            return
        found = checking.bench_engine(
            _settings(home, engine),
            is_quick=quick,
            say=lambda line: typer.echo(line, err=as_json),
        )
        _print(found, as_json, checking.verdict_text)
        raise typer.Exit(0 if found["is_sound"] else 1)


@app.command()
def doctor(
    engine: Annotated[str | None, typer.Option(help="Look at what this engine needs.")] = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Say what is missing on this machine and how to get it."""
    from deployments import verbs

    with _edge(as_json):
        findings = verbs.doctor(_settings(home, engine))
        _print(findings, as_json, verbs.doctor_text)
        raise typer.Exit(0 if findings["is_ready"] else 1)


def main() -> None:
    """Run the command."""
    # A service manager's SIGTERM ends a producer like Ctrl-C: its studio is left in order.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    app()


def _settings(home: Path | None, engine: str | None = None) -> Any:
    from deployments.studio.settings import read_settings

    flags: dict[str, Any] = {"home": home, "engine": engine}
    return read_settings(**{name: value for name, value in flags.items() if value is not None})


def _print(document: Any, as_json: bool, as_text: Callable[[Any], str]) -> None:
    if as_json:
        typer.echo(json.dumps(document, ensure_ascii=False, indent=2))
    else:
        typer.echo(as_text(document))


@contextmanager
def _edge(as_json: bool) -> Iterator[None]:
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
