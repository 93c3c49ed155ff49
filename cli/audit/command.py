"""`breathline audit` gathers its commands here."""

from __future__ import annotations

import typer

from cli.audit import absent, diff, export, manifest, trace, verify

HELP = "From any number back to the bytes that made it, and proof that nothing has changed since."
app = typer.Typer(no_args_is_help=True, help=HELP)


@app.callback(help=HELP)
def audit() -> None:
    """Keep `breathline audit` a group of commands, however few there are."""


app.command(epilog=trace.EXAMPLES)(trace.trace)
app.command(epilog=diff.EXAMPLES)(diff.diff)
app.command(epilog=absent.EXAMPLES)(absent.absent)
app.command(epilog=manifest.EXAMPLES)(manifest.manifest)
app.command(epilog=verify.EXAMPLES)(verify.verify)
app.command(epilog=export.EXAMPLES)(export.export)
