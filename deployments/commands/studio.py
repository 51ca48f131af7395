"""`onestory studio VERB`: the local services."""

from typing import Annotated

import typer

from deployments.commands.edge import Home, Json, edge, settings_of, show

studio_app = typer.Typer(help="The local services.", no_args_is_help=True)


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

    with edge(False):
        settings = settings_of(home)
        if whole:
            addresses = hire(settings, Topology(workers=workers, engines=engines, apis=apis))
        else:
            addresses = hire(settings) if worker else keep_up(settings)
        typer.echo(addresses.summary())


@studio_app.command("down")
def studio_down(home: Home = None) -> None:
    """Stop the local services."""
    from deployments.studio.embedded import stop_studio

    with edge(False):
        stop_studio(settings_of(home))


@studio_app.command("automate")
def studio_automate(home: Home = None) -> None:
    """Have Prefect tell ONESTORY_NOTIFY_URL and ONESTORY_WEBHOOK_URL what happens."""
    from deployments.crew import automate

    with edge(False):
        typer.echo(automate(settings_of(home)))


@studio_app.command("status")
def studio_status(home: Home = None, as_json: Json = False) -> None:
    """Show which services run, and where."""
    from deployments import verbs

    with edge(as_json):
        show(verbs.studio_status(settings_of(home)), as_json, verbs.studio_text)


@studio_app.command("password")
def studio_password(home: Home = None) -> None:
    """Print what the dashboard of a whole studio asks for."""
    from deployments.studio.embedded import dashboard_password

    with edge(False):
        typer.echo(dashboard_password(settings_of(home)))


@studio_app.command("mlflow")
def studio_mlflow(home: Home = None) -> None:
    """Start the MLflow screen and print its address."""
    from deployments.studio.embedded import start_mlflow_ui

    with edge(False):
        typer.echo(start_mlflow_ui(settings_of(home)))
