"""The flow `new_data`: when a source has new recordings, learn from them, and promote the model if it is no worse."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.states import Completed, Failed
from prefect.tasks import Task
from pydantic import Field

from flows import dvc_revision, registry
from flows.gto_tags import Bump
from flows.new_recordings import source_state
from flows.new_recordings.promotion import MARGIN, METRIC, Decision, decide
from flows.pipeline import NOT_RUN, pipeline
from flows.processes.run_lock import exclusive_run
from flows.publish import markdown, prefect_artifacts, scores
from tasks import artifacts
from tasks.runtime import params
from tasks.runtime.errors import TransientError
from tasks.sources.settings import DownloadSettings

GATE = "validate"
NOT_PROMOTED = "NotPromoted"
SHOWN = 20  # changes that are listed


def _passes(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    return isinstance(state.result(raise_on_failure=False), TransientError)


@task(
    name="look",
    task_run_name="look at the source",
    cache_policy=NO_CACHE,
    retries=3,
    retry_delay_seconds=[10.0, 60.0, 300.0],
    retry_condition_fn=_passes,
)
def _look(root: Path, settings: DownloadSettings, before: source_state.Files) -> dict[str, source_state.File]:
    return source_state.look(root, settings, before)


@flow(name="new_data", flow_run_name="look for new recordings")
def new_data(
    *,
    metric: Annotated[str, Field(pattern=r"^\w+\.\w+\.\w+$")] = METRIC,
    margin: Annotated[float, Field(ge=0, le=100)] = MARGIN,
    bump: Bump = "minor",
    stage: Annotated[str, Field(min_length=1)] = "production",
    quiet: Annotated[float, Field(ge=0)] = 60.0,
    jobs: Annotated[int, Field(ge=1, le=256)] = 2,
    gpus: Annotated[int | None, Field(ge=1, le=64)] = None,
    workers: dict[str, str] = {},  # noqa: B006 - Prefect reads the default and changes nothing
    project: Path = Path(),
) -> State[Any]:
    """Look whether the source has changed; if so download, validate, train, evaluate, and promote what is no worse.

    Training begins only when validation has passed. The model is promoted unless the chosen metric is lower than that
    of the version in production by more than the margin; then the run ends in the state `NotPromoted`, with a report.
    Without a version in production, the first model is promoted. What the gate has refused is not tried again before
    the source changes; what failed otherwise is.

    Args:
        metric: By which models are compared: a key of `reports/scores.json`.
        margin: By how many points it may be lower.
        bump: Which part of the version's number rises: major, minor or patch.
        stage: The registry's stage whose version is compared and replaced.
        quiet: For how many seconds a folder or archive must not have been written to; else the next run looks again.
        jobs: How many stages run at once on this machine.
        gpus: How many of them may use a GPU; one for each GPU, if not given.
        workers: For stages that run on another worker, the work pool: `{"train_teacher": "gpu"}`.
        project: The project's folder.

    Raises:
        BreathlineError: The source is not there, another run is at work, or the model cannot become a version.
    """
    root, log = project.resolve(), get_run_logger()
    settings = params.parse(DownloadSettings, params.section(params.read(root / params.PARAMS), "download"), "download")
    before = source_state.read(root, settings)
    now = _look(root, settings, before)
    found = source_state.changes(before, now)
    if not found:
        source_state.remember(root, settings, now)
        return Completed(message=f"Nothing new: {len(now)} files as before.")
    if source_state.quiet_s(now, time.time()) < quiet:
        return Completed(message=f"The source is being written to: {len(found)} changes; the next run looks again.")
    log.info(f"{len(found)} changes: {', '.join(found[:SHOWN])}")

    shared: dict[str, Any] = {"jobs": jobs, "gpus": gpus, "workers": workers, "project": root, "return_state": True}
    gate: State[Any] = pipeline(targets=[GATE], force=["download"], **shared)
    if not gate.is_completed():
        refused = GATE in (gate.message or "").partition(NOT_RUN)[0]
        if refused:
            source_state.remember(root, settings, now)
        what = "The gate refused the new recordings" if refused else "The new recordings cannot be taken up"
        return _failed(f"{what}: {gate.message}", found)
    trained: State[Any] = pipeline(**shared)
    if not trained.is_completed():
        return _failed(f"The new recordings passed the gate; then: {trained.message}", found)

    with exclusive_run(root):  # what is judged is what becomes the version
        decision = _decide(root, metric, margin, stage)
        version = _promote(root, decision, bump, stage)
    source_state.remember(root, settings, now)
    said = f"{version} is in {stage}" if version else "Nothing is promoted"
    message = f"{said}: {decision.why}"
    _report(message, found)
    return Completed(message=message) if version else Completed(name=NOT_PROMOTED, message=message)


def _decide(root: Path, metric: str, margin: float, stage: str) -> Decision:
    there = [one for one in registry.versions(root) if stage in one.stages]
    return decide(
        metric,
        margin,
        scores.read(root) or {},
        there[-1].scores if there else None,
        measured=scores.read_metrics(root),
        measured_then=registry.read_at(root, there[-1].commit, artifacts.METRICS) if there else None,
    )


def _promote(root: Path, decision: Decision, bump: Bump, stage: str) -> registry.Version | None:
    """Make the model a version if it may be one, and return the version that the stage then has."""
    if not decision.promote:
        return None
    there = registry.versions(root)
    if not there or not _is(root, there[-1]):
        return registry.promote(root, bump=bump, stage=stage)
    # What changes no student (another copy of the same archive, say) makes no version.
    return there[-1] if stage in there[-1].stages else registry.assign(root, str(there[-1]), stage)


def _is(root: Path, version: registry.Version) -> bool:
    """Return whether the model as it was trained last is that of a version."""
    with dvc_revision.reading(root) as repo:
        now = dvc_revision.contents(repo, version.name)
    with dvc_revision.reading(root, version.commit) as repo:
        return dvc_revision.contents(repo, version.name) == now


def _failed(message: str, found: Sequence[str]) -> State[Any]:
    _report(message, found)
    return Failed(message=message)


def _report(message: str, found: Sequence[str]) -> None:
    listed = [f"- {markdown.text(change)}" for change in found[:SHOWN]]
    if len(found) > SHOWN:
        listed.append(f"- and {len(found) - SHOWN} more")
    text = "\n".join([f"**{markdown.text(message)}**", "", "What the source has that it had not before:", "", *listed])
    prefect_artifacts.publish_text("new-data", text + "\n", message)
