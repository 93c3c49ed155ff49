"""`breathline watch`: one check of the sources for new recordings, and a training if there are any."""

from pathlib import Path
from typing import Annotated

import typer

from cli.options import Allow, Gpus, Jobs
from cli.output import run_flow
from flows.new_recordings.defaults import MARGIN, METRIC
from tasks.runtime.consoles import make_console


def watch(
    *,
    metric: Annotated[
        str, typer.Option(help="Metric for the comparison of models: a key of reports/scores.json.")
    ] = METRIC,
    margin: Annotated[
        float, typer.Option(min=0, help="Maximum loss against the version in production, in points.")
    ] = MARGIN,
    allow: Allow = None,
    quiet: Annotated[float, typer.Option(min=0, help="Time without a write to a local source, in seconds.")] = 60.0,
    jobs: Jobs = 2,
    gpus: Gpus = None,
    dry: Annotated[bool, typer.Option("--dry", help="Show the changes; run and save nothing.")] = False,
) -> None:
    """Check the sources of all corpora; train on new recordings, and promote the model unless it is worse.

    Training begins only after validation has passed.
    The last state of each source is kept in .breathline/. Without a change, the command ends at once.
    """
    from flows import prefect_server
    from flows.new_recordings import source_state
    from tasks.runtime import params

    console, root = make_console(), Path.cwd()
    found, files = [], 0
    with console.status("Checking the sources …"):
        watched = source_state.watched(params.read())
        for corpus, settings in watched.items():
            before = source_state.read(root, corpus, settings)
            now = source_state.inspect(root, settings, before)
            files += len(now)
            changes = source_state.changes(before, now)
            found += changes if len(watched) == 1 else [f"{corpus.name}: {change}" for change in changes]
    for change in found:
        console.print(change, markup=False, highlight=False, soft_wrap=True)
    if not found:
        console.print(f"Nothing new: {files} files as before.", highlight=False)
    if dry or not found:
        return
    with console.status("Starting Prefect …"):
        prefect_server.ensure()
        from flows.new_data import new_data
    hint = "see the end of the log above"
    given = {"metric": metric, "margin": margin, "allow": allow or [], "quiet": quiet, "jobs": jobs, "gpus": gpus}
    state = run_flow(new_data, hint, **given)
    console.print(state.message, markup=False, highlight=False, soft_wrap=True)
