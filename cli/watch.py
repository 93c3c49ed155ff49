"""`breathline watch`: one look at the source, and all that follows where it has changed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

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
    metric: Annotated[str, typer.Option(help="by which models are compared: a key of reports/scores.json")] = METRIC,
    margin: Annotated[
        float, typer.Option(min=0, help="points by which it may fall below the version in production")
    ] = MARGIN,
    quiet: Annotated[float, typer.Option(min=0, help="seconds for which the source must have been left alone")] = 60.0,
    jobs: Annotated[int, typer.Option(min=1, help="how many stages may run at once")] = 2,
    gpus: Annotated[int | None, typer.Option(min=1, help="how many of them on a GPU; as many as there are")] = None,
    dry: Annotated[bool, typer.Option("--dry", help="tell what is new, run nothing, remember nothing")] = False,
) -> None:
    """Look whether the source has new recordings; if so validate, train, evaluate, and promote what is no worse.

    What the source held last time is kept in .breathline/. With nothing new, this ends at once.
    """
    from flows import prefect_server
    from flows.new_recordings import source_state
    from tasks.runtime import params
    from tasks.sources.settings import DownloadSettings

    console, root = Console(), Path.cwd()
    settings = params.parse(DownloadSettings, params.section(params.read(), "download"), "download")
    with console.status("Looking at the source …"):
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
        raise BreathlineError(state.message or "The flow failed.", hint="the end of the log is above")
    console.print(state.message, highlight=False, soft_wrap=True)
