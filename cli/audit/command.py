"""Command group `breathline audit`."""

from __future__ import annotations

import typer

from cli.audit import absent, diff, export, manifest, trace, verify

HELP = "Trace figures back to recordings, verify that nothing was changed, compare runs, and export the lineage."
app = typer.Typer(no_args_is_help=True, help=HELP)


@app.callback(help=HELP)
def audit() -> None:
    """Make `breathline audit` a group of commands."""


app.command(epilog=trace.EXAMPLES)(trace.trace)
app.command(epilog=diff.EXAMPLES)(diff.diff)
app.command(epilog=absent.EXAMPLES)(absent.absent)
app.command(epilog=manifest.EXAMPLES)(manifest.manifest)
app.command(epilog=verify.EXAMPLES)(verify.verify)
app.command(epilog=export.EXAMPLES)(export.export)
