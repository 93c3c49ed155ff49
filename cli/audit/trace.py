"""Command `breathline audit trace`: origin and influence of an artifact, recording or patient."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.output import print_json
from tasks.runtime.consoles import make_console
from tasks.runtime.errors import BreathlineError

if TYPE_CHECKING:
    from lineage.trace.provenance_graph import Trace


def trace(
    what: Annotated[
        str,
        typer.Argument(
            help="a metric (`score`, or a key of reports/metrics.json), a model (its folder, `student@v1.2.0`, or "
            "`REV:data/student/1`), a prediction (cycle_id), a recording (recording_id), `patient:101`, a file of "
            "data/ or reports/, or a stage; `REV:` before any of them asks about a Git revision, `CORPUS:` before an "
            "id (`patient:CORPUS:101`) about that corpus"
        ),
    ],
    *,
    everything: Annotated[bool, typer.Option("--all", help="print every name, hash, parameter and module")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print nodes, edges and all facts as JSON")] = False,
    mermaid: Annotated[bool, typer.Option("--mermaid", help="print a flowchart that GitHub draws")] = False,
    html: Annotated[Path | None, typer.Option("--html", help="write an interactive HTML page of the graph")] = None,
) -> None:
    """Show the origin of a metric, model, prediction or file, or the influence of a recording or a patient."""
    if as_json and mermaid:
        raise BreathlineError(
            "Only one output format is possible.", where="--json --mermaid", hint="choose one of them"
        )
    found = answer(Path.cwd(), what)
    if html is not None:
        from lineage.render import page
        from tasks.runtime.files import write_text

        write_text(html, page.render(found))
    if as_json:
        print_json(found.as_json())
    elif mermaid:
        from lineage.render import mermaid as chart

        typer.echo(chart.render(found), nl=False)
    elif html is not None:
        typer.echo(f"Written: {html}")
    else:
        from lineage.render import tree

        tree.show(found, make_console(highlight=False, soft_wrap=everything), everything=everything)


def answer(root: Path, what: str) -> Trace:
    """Return the trace that answers a question about a project, in its current state or in a Git revision."""
    from lineage import project
    from lineage.trace import revision
    from lineage.trace.queries import TraceQueries

    with revision.resolve(root, what) as target:
        found = TraceQueries(project.load(target.folder)).ask(target.what)
    return replace(found, question=what, notes=(target.note, *found.notes)) if target.note else found
