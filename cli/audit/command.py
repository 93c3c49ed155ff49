"""The command group `breathline audit`."""

import typer

from cli.audit import absent, diff, export, log, manifest, trace, verify
from cli.options import EXAMPLES

HELP = (
    "Trace figures back to recordings, list and compare runs, verify that nothing was changed, and export the lineage."
)
app = typer.Typer(no_args_is_help=True, help=HELP)
for command in (trace.trace, log.log, diff.diff, absent.absent, manifest.manifest, verify.verify, export.export):
    app.command(epilog=EXAMPLES[f"audit {command.__name__}"])(command)
