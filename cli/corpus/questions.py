"""Questions on the terminal about columns and labels that no usual name explains."""

from dataclasses import replace

import typer

from tasks.corpora.table import labels
from tasks.own_data.request import Draft, Request


def ask(request: Request, made: Draft) -> Request | None:
    """Return the request with the answers of the user, or None if there is nothing to ask, or no answer.

    Args:
        request: The request so far.
        made: The draft for it.
    """
    columns = {name: _column(name, made.header) for name in made.missing}
    classes = {label: _class(label, number) for label, number in made.unknown_labels.items()}
    columns = {name: column for name, column in columns.items() if column}
    classes = {label: kind for label, kind in classes.items() if kind}
    if not columns and not classes:
        return None
    return replace(request, columns={**request.columns, **columns}, classes={**request.classes, **classes})


def _column(name: str, header: tuple[str, ...]) -> str:
    """Ask for the column of a field; an empty answer leaves the problem for the message."""
    typer.echo(f"The columns are: {', '.join(header)}")
    answer: str = typer.prompt(f"Which column is the {name}?", default="", show_default=False)
    return answer.strip()


def _class(label: str, number: int) -> str:
    """Ask for the class of a label."""
    known = ", ".join(labels.CHOICES)
    typer.echo(f"The label `{label}` ({number}) can be: {known} (- leaves it out, own keeps it in labels_own only)")
    while True:
        answer: str = typer.prompt("Its class?", default="", show_default=False)
        if not answer.strip() or answer.strip() in labels.CHOICES:
            return answer.strip()
        typer.echo(f"Use one of: {known}")
