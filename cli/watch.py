"""`breathline watch`: one check of the source for new recordings, and a training if there are any."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from cli.options import Gpus, Jobs
from flows.new_recordings.promotion import MARGIN, METRIC
from tasks.runtime.errors import BreathlineError

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State

EXAMPLES = (
    "Examples: `breathline watch --dry` · `breathline watch --margin 0.5` · "
    "`breathline watch --metric val.student.score_lenient`. Each hour: the deployment `new_data/watch`."
)


def watch(
    *,
    metric: Annotated[
        str, typer.Option(help="Metric for the comparison of models: a key of reports/scores.json.")
    ] = METRIC,
    margin: Annotated[
        float, typer.Option(min=0, help="Maximum loss against the version in production, in points.")
    ] = MARGIN,
    quiet: Annotated[float, typer.Option(min=0, help="Time without a write to a local source, in seconds.")] = 60.0,
    jobs: Jobs = 2,
    gpus: Gpus = None,
    dry: Annotated[bool, typer.Option("--dry", help="Show the changes; run and save nothing.")] = False,
) -> None:
    """Check the source for new recordings; then validate, train, evaluate, and promote the model unless it is worse.

    The last state of the source is kept in .breathline/. Without a change, the command ends at once.
    """
    from flows import prefect_server
    from flows.new_recordings import source_state
    from tasks.corpora.settings import DownloadSettings
    from tasks.runtime import params

    console, root = Console(), Path.cwd()
    settings = params.parse(DownloadSettings, params.section(params.read(), "download"), "download")
    with console.status("Checking the source …"):
        before = source_state.read(root, settings)
        now = source_state.inspect(root, settings, before)
    found = source_state.changes(before, now)
    for change in found:
        console.print(change, highlight=False, soft_wrap=True)
    if not found:
        console.print(f"Nothing new: {len(now)} files as before.", highlight=False)
    if dry or not found:
        return
    with console.status("Starting Prefect …"):
        prefect_server.ensure()
        from flows.new_data import new_data
    state: State[Any] = new_data(
        metric=metric, margin=margin, quiet=quiet, jobs=jobs, gpus=gpus, project=root, return_state=True
    )
    if not state.is_completed():
        raise BreathlineError(state.message or "The flow failed.", hint="see the end of the log above")
    console.print(state.message, highlight=False, soft_wrap=True)
