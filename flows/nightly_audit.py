"""Flow `nightly_audit`: a check of all recorded artifacts."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed
from pydantic import Field

from flows.flow_errors import failed_by_errors
from flows.processes.run_lock import exclusive_run
from flows.publish import prefect_artifacts, verification
from lineage.verify.findings import Sample
from lineage.verify.verification import verify


@flow(name="nightly_audit", flow_run_name="audit")
@failed_by_errors
def nightly_audit(
    *,
    deep: bool = False,
    sample: Annotated[int, Field(ge=1)] = 32,
    retrain: Annotated[int, Field(ge=0)] = 0,
    elsewhere: bool = False,
    log_keys: Sequence[Path] = (),
    project: Path = Path(),
) -> State[Any]:
    """Check all artifacts against records, dvc.lock, cache, event log and Git, as `audit verify` does.

    The flow fails on every error, except for findings that only say that the project has changed since its last run:
    code, parameters, graph or packages (`lineage.verify.findings.OUTDATED`). They are normal in a project that people
    work on, and the next run of `pipeline` removes them. With `deep`, artifacts are computed again by the current code.
    If that code has changed and a result differs, the flow fails, since the cause is unknown. Nothing is downloaded.

    Args:
        deep: Whether all scores, and a sample of cycles, features and predictions, are computed again. Each day
            has a new sample.
        sample: Size of the sample of each kind, with `deep`, at least 1.
        retrain: Number of models that are trained again, with `deep`, and compared byte by byte. The models take
            turns from day to day. The code of their records is executed, as `dvc repro` executes that of the project.
        elsewhere: Whether the project ran on another machine; differences of installed packages are then notes.
        log_keys: Public keys (PEM) of all who may sign entries of the event log; none if the log is not signed.
        project: Folder of the project.

    Raises:
        BreathlineError: A run is in progress in the project, or nothing has run yet.
    """
    log = get_run_logger()
    root = project.resolve()
    depth = Sample(sample=sample, seed=datetime.now(UTC).toordinal(), retrain=retrain) if deep else None
    with exclusive_run(root, runs_stages=False):
        report = verify(root, deep=depth, elsewhere=elsewhere, log_keys=log_keys)
    for finding in report.damage:
        log.error(verification.line(finding))
    for finding in (*report.outdated, *report.notes):
        log.info(verification.line(finding))
    headline = verification.headline(report)
    command = verification.command(depth, elsewhere=elsewhere, log_keys=log_keys)
    prefect_artifacts.publish_text("audit", verification.show(report, command), headline)
    return (Failed if report.damage else Completed)(message=headline)
