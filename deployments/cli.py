"""
The one command: `onestory VERB`.

    produce   season   plan   sheets   retake   circle   reject   status   explain   screen
    compare   ab   export   history   revert   gc   studio   doctor   train   bench

Each verb parses, calls one function and prints. Results go to standard output, one JSON
document with `--json`; progress goes to standard error. Exit codes: 0 done, 2 bad input,
3 delivered with shots that wait for review, 4 suspended for a person's verdict (`circle` or
`reject`, then the same again), 1 the rest.
"""

import signal
import sys

import typer

from deployments.commands.filming import ab, plan, produce, retake, season, sheets
from deployments.commands.looking import (
    circle,
    compare,
    doctor,
    explain,
    export,
    gc,
    history,
    reject,
    revert,
    screen,
    status,
)
from deployments.commands.model import bench_app, train_app
from deployments.commands.studio import studio_app

app = typer.Typer(
    name="onestory",
    help="A screenplay goes in, a finished multi-shot episode comes out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for verb in (
    produce,
    season,
    plan,
    retake,
    circle,
    reject,
    status,
    explain,
    sheets,
    screen,
    compare,
    ab,
    export,
    history,
    revert,
    gc,
    doctor,
):
    app.command()(verb)
app.add_typer(studio_app, name="studio")
app.add_typer(train_app, name="train")
app.add_typer(bench_app, name="bench")


def main() -> None:
    """Run the command."""
    # A service manager's SIGTERM ends a producer like Ctrl-C: its studio is left in order.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    app()
