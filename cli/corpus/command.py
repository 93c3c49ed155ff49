"""`breathline corpus`: list, show, add and remove the corpora of a project."""

import typer

from cli.corpus import add, configured
from cli.options import EXAMPLES

app = typer.Typer(no_args_is_help=True, help="Corpora to learn from and to test on.", epilog=EXAMPLES["corpus"])
app.command("list", epilog=EXAMPLES["corpus list"])(configured.list_corpora)
app.command(epilog=EXAMPLES["corpus show"])(configured.show)
app.command(epilog=EXAMPLES["corpus add"])(add.add)
app.command(epilog=EXAMPLES["corpus remove"])(configured.remove)
