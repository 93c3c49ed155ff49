"""`breathline audit trace`: what made this, and what did that influence?"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from tasks.runtime.errors import BreathlineError

if TYPE_CHECKING:
    from lineage.trace.provenance_graph import Trace

EXAMPLES = (
    "Examples: `breathline audit trace score` · `breathline audit trace data/student/1 --all` · "
    "`breathline audit trace 103_2b2_Ar_mc_LittC2SE_004 --html why.html` · "
    "`breathline audit trace patient:101 --json | jq .reruns` · `breathline audit trace student@v1.2.0`"
)


def trace(
    what: Annotated[
        str,
        typer.Argument(
            help="a metric (`score`, or a key of reports/metrics.json), a model (its folder, `student@v1.2.0`, or "
            "`REV:data/student/1`), a prediction (cycle_id), a recording (recording_id), `patient:101`, a file of "
            "data/ or reports/, or a stage; `REV:` before any of them asks about a Git revision"
        ),
    ],
    *,
    everything: Annotated[bool, typer.Option("--all", help="every name, hash, parameter and module")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="for programs: nodes, edges, and all that is known")] = False,
    mermaid: Annotated[bool, typer.Option("--mermaid", help="a flowchart, as GitHub draws it")] = False,
    html: Annotated[Path | None, typer.Option("--html", help="write a page with the graph to click through")] = None,
) -> None:
    """Show what a metric, model, prediction or file was made of, or what a recording or a patient has influenced."""
    if as_json and mermaid:
        raise BreathlineError("One answer has one form.", where="--json --mermaid", hint="choose one of them")
    found = answer(Path.cwd(), what)
    if html is not None:
        from lineage.render import page
        from tasks.runtime.files import replacing

        with replacing(html) as temporary:
            temporary.write_text(page.render(found), encoding="utf-8")
    if as_json:
        typer.echo(json.dumps(found.as_json(), indent=2, ensure_ascii=False))
    elif mermaid:
        from lineage.render import mermaid as chart

        typer.echo(chart.render(found), nl=False)
    elif html is not None:
        typer.echo(f"Written: {html}")
    else:
        from lineage.render import tree

        tree.show(found, Console(highlight=False, soft_wrap=everything), everything=everything)


def answer(root: Path, what: str) -> Trace:
    """Return the answer to a question about a project, as it lies there or as a Git revision had it."""
    from lineage import project
    from lineage.trace import revision
    from lineage.trace.queries import Questions

    with revision.meant(root, what) as meant:
        found = Questions(project.load(meant.folder)).ask(meant.what)
    return replace(found, question=what, notes=(meant.note, *found.notes)) if meant.note else found
