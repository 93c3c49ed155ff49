"""``breathline``: one command line for running, comparing and understanding the pipeline."""

import atexit
import gc
from typing import Any

import typer
from typer.core import TyperGroup

from cli import backfill, deploy, leaderboard, models, plan, predict, recipe, registry, report, run, serve, watch
from cli.audit.command import app as audit
from cli.doctor import command as doctor
from cli.options import EXAMPLES
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
    epilog=EXAMPLES["first steps"],
)
for command in (
    run.run,
    plan.plan,
    models.models,
    report.report,
    predict.predict,
    leaderboard.leaderboard,
    backfill.backfill,
    watch.watch,
    deploy.deploy,
    serve.serve,
    doctor.doctor,
):
    app.command(epilog=EXAMPLES[command.__name__])(command)
for name, group in {"recipe": recipe.app, "registry": registry.app, "audit": audit}.items():
    app.add_typer(group, name=name)
