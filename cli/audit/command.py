"""The command group `breathline audit`."""

import typer

from cli.audit import absent, diff, export, log, manifest, reproduce, trace, verify
from cli.options import EXAMPLES

HELP = (
    "Trace figures back to recordings, list and compare runs, verify that nothing was changed, make artifacts again, "
    "and export the lineage."
)
COMMANDS = (
    trace.trace,
    log.log,
    diff.diff,
    absent.absent,
    manifest.manifest,
    verify.verify,
    reproduce.reproduce,
    export.export,
)
app = typer.Typer(no_args_is_help=True, help=HELP)
for command in COMMANDS:
    app.command(epilog=EXAMPLES[f"audit {command.__name__}"])(command)
