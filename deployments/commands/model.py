"""`onestory train WHAT` and `onestory bench WHAT`: the model side."""

from pathlib import Path
from typing import Annotated

import typer

from deployments.commands.edge import Home, Json, edge, settings_of, show

train_app = typer.Typer(help="The model side: make weights.", no_args_is_help=True)
bench_app = typer.Typer(help="The model side: measure weights.", no_args_is_help=True)


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

    with edge(as_json):
        order = training.training_order_of(
            config=config, out=out, data=data, start=start, steps=steps
        )
        trained = training.train_pocket(
            order, settings_of(home), say=lambda line: typer.echo(line, err=True)
        )
        show(trained.model_dump(mode="json"), as_json, lambda _: trained.in_words())


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

    with edge(as_json):
        made = schooling.train_encoders(
            settings_of(home),
            out=out,
            start=start,
            steps=steps,
            say=lambda line: typer.echo(line, err=True),
        )
        show(made, as_json, schooling.schooling_text)


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

    with edge(as_json):
        report = benching.bench_memory(
            settings_of(home),
            out=out,
            weights=weights,
            stories=stories,
            is_quick=quick,
            steps=steps,
            say=lambda line: typer.echo(line, err=True),
        )
        show(report, as_json, benching.memory_text)


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

    with edge(as_json):
        if from_reviews:
            drawn = benching.recalibrate(settings_of(home), out=out, encoders=encoders, ship=ship)
            show(drawn, as_json, benching.agreement_text)
            return
        report = benching.bench_gates(
            settings_of(home),
            out=out,
            takes=takes,
            encoders=encoders,
            stories=stories,
            is_quick=quick,
            ship=ship,
            say=lambda line: typer.echo(line, err=True),
        )
        show(report, as_json, benching.gates_text)


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

    with edge(as_json):
        report = benching.bench_retakes(
            settings_of(home, engine),
            out=out,
            stories=stories,
            first=first,
            is_quick=quick,
            say=lambda line: typer.echo(line, err=True),
        )
        show(report, as_json, benching.retakes_text)


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

    with edge(as_json):
        document = benching.bench_cost(settings_of(home), out=out, weights=weights)
        show(document, as_json, benching.cost_text)


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

    with edge(as_json):
        if document is not None:
            written = checking.write_document(document)
            show(written, as_json, lambda _: f"wrote {document}")
            return
        found = checking.bench_engine(
            settings_of(home, engine),
            is_quick=quick,
            say=lambda line: typer.echo(line, err=as_json),
        )
        show(found, as_json, checking.verdict_text)
        raise typer.Exit(0 if found["is_sound"] else 1)
