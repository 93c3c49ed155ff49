"""The flow `nightly_audit`: whether everything that was recorded still is what it was."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed
from pydantic import Field

from flows.processes.run_lock import exclusive_run
from flows.publish import prefect_artifacts, verification
from lineage.verify.findings import Depth
from lineage.verify.verification import verify


@flow(name="nightly_audit", flow_run_name="audit")
def nightly_audit(
    *,
    deep: bool = False,
    sample: Annotated[int, Field(ge=1)] = 32,
    elsewhere: bool = False,
    project: Path = Path(),
) -> State[Any]:
    """Check everything that lies there against records, dvc.lock, cache, event log and Git, as `audit verify` does.

    The flow fails on every error but those that say only that the project has moved on since it ran: code, parameters,
    graph or packages are others now (`lineage.verify.findings.MOVED_ON`). Where people work, that is an everyday state,
    and the next run of `pipeline` ends it; these are told apart and damage nothing. Figures, and with `deep` all else,
    are computed anew by the code that lies there now: where that code has changed and they differ, the flow fails, for
    nobody could tell the one from the other. No network is used.

    Args:
        deep: Whether a sample of cycles, features and predictions, and all figures, are computed anew as well. Each day
            has another sample.
        sample: How many cycles of each kind that are, with `deep`.
        elsewhere: Whether it ran on another machine: what is installed here is then worth a note.
        project: The project's folder.

    Raises:
        BreathlineError: A run is at work in the project, or nothing has run yet.
    """
    log = get_run_logger()
    root = project.resolve()
    depth = Depth(sample=sample, seed=datetime.now(UTC).toordinal()) if deep else None
    with exclusive_run(root):
        report = verify(root, deep=depth, elsewhere=elsewhere)
    for finding in report.damage:
        log.error(verification.line(finding))
    for finding in (*report.moved_on, *report.notes):
        log.info(verification.line(finding))
    headline = verification.headline(report)
    command = verification.command(depth, elsewhere=elsewhere)
    prefect_artifacts.publish_text("audit", verification.show(report, command), headline)
    return (Failed if report.damage else Completed)(message=headline)
