"""Flow `new_data`: train on new recordings of the source, and promote the model unless it is worse."""

import re
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

from flows import registry
from flows.flow_errors import failed_by_errors
from flows.gto_tags import Bump
from flows.new_recordings import source_state
from flows.new_recordings.defaults import MARGIN, METRIC, STAGE
from flows.new_recordings.promotion import Decision, decide
from flows.objections import Objection
from flows.parameters import Gpus, Jobs
from flows.pipeline import NOT_RUN, pipeline
from flows.processes.run_lock import exclusive_run
from flows.publish import markdown, prefect_artifacts, scores
from tasks import artifacts
from tasks.artifacts import CorpusFolders
from tasks.corpora.settings import DownloadSettings
from tasks.runtime import params
from tasks.runtime.errors import TransientError

GATE = "validate"
NOT_PROMOTED = "NotPromoted"
LISTED = 20  # maximum number of changes in a report


def _is_transient(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    return isinstance(state.result(raise_on_failure=False), TransientError)


@task(
    name="inspect",
    task_run_name="inspect the source of {name}",
    cache_policy=NO_CACHE,
    retries=3,
    retry_delay_seconds=[10.0, 60.0, 300.0],
    retry_condition_fn=_is_transient,
)
@failed_by_errors
def _inspect(
    name: str, root: Path, settings: DownloadSettings, before: source_state.Files
) -> dict[str, source_state.FileState]:
    return source_state.inspect(root, settings, before)


@flow(name="new_data", flow_run_name="look for new recordings")
@failed_by_errors
def new_data(
    *,
    metric: Annotated[str, Field(pattern=r"^\w+\.\w+\.\w+$")] = METRIC,
    margin: Annotated[float, Field(ge=0, le=100)] = MARGIN,
    bump: Bump = "minor",
    stage: Annotated[str, Field(min_length=1)] = STAGE,
    allow: list[Objection] = [],  # noqa: B006 - Prefect reads the default and changes nothing
    quiet: Annotated[float, Field(ge=0)] = 60.0,
    jobs: Jobs = 2,
    gpus: Gpus = None,
    workers: dict[str, str] = {},  # noqa: B006 - Prefect reads the default and changes nothing
    project: Path = Path(),
) -> State[Any]:
    """Check the sources of all corpora for new recordings; then train on them and promote the model.

    Training begins only after validation has passed. The model is promoted unless its metric is lower than that of the
    version in production by more than the margin. Otherwise the run ends in the state `NotPromoted`, with a report.
    Without a version in production, the first model is promoted. A model that learned from generated sounds, or is
    degenerate, is not promoted. Recordings that validation has refused are not tried
    again before the source changes; after any other failure, the next run tries again.

    Args:
        metric: Metric for the comparison of models: a key of `reports/scores.json`.
        margin: Maximum loss of the metric, in points, 0 to 100.
        bump: Part of the version number that rises: major, minor or patch.
        stage: Registry stage whose version is compared and replaced.
        allow: Objections that do not count: `demo` (generated sounds), `degenerate`.
        quiet: Time without a write to a local source before it is used, in seconds; until then the next run waits.
        jobs: Maximum number of stages at once on this machine, 1 to 256.
        gpus: Maximum number of stages at once that use a GPU; one for each GPU, if not given.
        workers: Work pool of each stage that runs on another worker: `{"train_teacher": "gpu"}`.
        project: Folder of the project.

    Raises:
        BreathlineError: The source is missing, another run is in progress, or the model cannot become a version.
    """
    root, log = project.resolve(), get_run_logger()
    watched = source_state.watched(params.read(root / params.PARAMS))
    before = {corpus: source_state.read(root, corpus, settings) for corpus, settings in watched.items()}
    inspected: dict[CorpusFolders, State[Any]] = {
        corpus: _inspect(corpus.name, root, settings, before[corpus], return_state=True)
        for corpus, settings in watched.items()
    }
    now: dict[CorpusFolders, source_state.Files] = {corpus: state.result() for corpus, state in inspected.items()}
    by_corpus = {corpus: source_state.changes(before[corpus], now[corpus]) for corpus in watched}
    changed = [corpus for corpus in watched if by_corpus[corpus]]
    found = [
        change if len(watched) == 1 else f"{corpus.name}: {change}"
        for corpus in changed
        for change in by_corpus[corpus]
    ]

    def save(*corpora: CorpusFolders) -> None:
        for corpus in corpora:
            source_state.save(root, corpus, watched[corpus], now[corpus])

    save(*(corpus for corpus in watched if corpus not in changed))
    if not found:
        return Completed(message=f"Nothing new: {sum(map(len, now.values()))} files as before.")
    if min(source_state.quiet_s(now[corpus], time.time()) for corpus in changed) < quiet:
        return Completed(
            message=f"The source is still being written: {len(found)} changes so far; the next run checks again."
        )
    log.info(f"{len(found)} changes: {', '.join(found[:LISTED])}")

    shared: dict[str, Any] = {"jobs": jobs, "gpus": gpus, "workers": workers, "project": root, "return_state": True}
    gates = {corpus.stage(GATE): corpus for corpus in changed}
    gate: State[Any] = pipeline(targets=list(gates), force=[corpus.stage("download") for corpus in changed], **shared)
    if not gate.is_completed():
        words = set(re.findall(r"[^\s,.]+", (gate.message or "").partition(NOT_RUN)[0]))
        refused = [corpus for stage, corpus in gates.items() if stage in words]
        save(*refused)
        failure = "Validation refused the new recordings" if refused else "The new recordings cannot be used"
        return _failed(f"{failure}: {gate.message}", found)
    trained: State[Any] = pipeline(**shared)
    if not trained.is_completed():
        return _failed(f"The new recordings passed validation; then: {trained.message}", found)

    with exclusive_run(root):  # no other run may change the model before it becomes a version
        decision = _decide(root, metric, margin, stage, allow)
        version = _promote(root, decision, bump, stage, allow)
    save(*changed)
    outcome = f"{version} is in {stage}" if version else "Nothing is promoted"
    message = f"{outcome}: {decision.reason}"
    _report(message, found)
    return Completed(message=message) if version else Completed(name=NOT_PROMOTED, message=message)


def _decide(root: Path, metric: str, margin: float, stage: str, allow: Sequence[Objection]) -> Decision:
    in_stage = [version for version in registry.versions(root) if stage in version.stages]
    production = in_stage[-1] if in_stage else None
    return decide(
        metric,
        margin,
        scores.read(root) or {},
        production.scores if production else None,
        metrics=scores.read_metrics(root),
        production_metrics=registry.read_at(root, production.commit, artifacts.METRICS) if production else None,
        allowed=allow,
    )


def _promote(
    root: Path, decision: Decision, bump: Bump, stage: str, allow: Sequence[Objection]
) -> registry.Version | None:
    """Register the model if it is to be promoted, and return the version that is then in the stage."""
    if not decision.promote:
        return None
    versions = registry.versions(root)
    if not versions or not registry.is_current(root, versions[-1]):
        return registry.promote(root, bump=bump, stage=stage, allowed=allow)
    # Without a change of the student (by another copy of the same archive, say) no version is made.
    if stage in versions[-1].stages:
        return versions[-1]
    return registry.assign(root, str(versions[-1]), stage, allowed=allow)


def _failed(message: str, found: Sequence[str]) -> State[Any]:
    _report(message, found)
    return Failed(message=message)


def _report(message: str, found: Sequence[str]) -> None:
    listed = [f"- {markdown.text(change)}" for change in found[:LISTED]]
    if len(found) > LISTED:
        listed.append(f"- and {len(found) - LISTED} more")
    text = "\n".join([f"**{markdown.text(message)}**", "", "Changes of the source:", "", *listed])
    prefect_artifacts.publish_text("new-data", text + "\n", message)
