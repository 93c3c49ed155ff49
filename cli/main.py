"""``breathline``: one command line for running, comparing and understanding the pipeline."""

from __future__ import annotations

import atexit
import gc
from typing import Any

import typer
from typer.core import TyperGroup

from cli import (
    backfill,
    deploy,
    leaderboard,
    models,
    plan,
    predict,
    recipe,
    registry,
    report,
    run,
    serve,
    watch,
)
from cli.audit import command as audit
from cli.doctor import command as doctor
from tasks.runtime.errors import BreathlineError

# Without this, Python searches all imported objects for garbage at exit.
atexit.register(gc.freeze)


class Group(TyperGroup):
    """Commands that show errors of the user without a traceback, and then exit with status 1."""

    def invoke(self, ctx: Any) -> Any:
        """Run the chosen command."""
        try:
            return super().invoke(ctx)
        except BreathlineError as error:
            typer.secho("Error: ", fg="red", bold=True, nl=False, err=True)
            typer.echo(str(error), err=True)
            raise typer.Exit(1) from error


app = typer.Typer(
    cls=Group,
    no_args_is_help=True,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Respiratory-sound classification as one traceable data pipeline.",
    epilog="First steps: `breathline doctor`, `breathline recipe list`, `breathline plan`, `breathline run --jobs 2`. "
    "Without Prefect: `dvc repro`.",
)
app.command(epilog=run.EXAMPLES)(run.run)
app.command(epilog=plan.EXAMPLES)(plan.plan)
app.add_typer(recipe.app, name="recipe")
app.command(epilog=models.EXAMPLES)(models.models)
app.command(epilog="Example: `breathline report`")(report.report)
app.command(epilog=predict.EXAMPLES)(predict.predict)
app.add_typer(registry.app, name="registry")
app.command(epilog=leaderboard.EXAMPLES)(leaderboard.leaderboard)
app.command(epilog=backfill.EXAMPLES)(backfill.backfill)
app.command(epilog=watch.EXAMPLES)(watch.watch)
app.add_typer(audit.app, name="audit")
app.command(epilog=deploy.EXAMPLES)(deploy.deploy)
app.command(epilog=serve.EXAMPLES)(serve.serve)
app.command(epilog=doctor.EXAMPLES)(doctor.doctor)
