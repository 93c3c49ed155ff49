"""The flow `nightly_audit`: whether everything that `dvc.lock` names still is what it says."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed
from pydantic import Field

from flows.audit import report
from flows.audit.rehash import rehash
from flows.execute import only_run
from flows.publish import artifacts


@flow(name="nightly_audit", flow_run_name="audit")
def nightly_audit(
    *,
    jobs: Annotated[int, Field(ge=1, le=64)] = 2,
    project: Path = Path(),
) -> State[Any]:
    """Hash every out, input and cache object of `dvc.lock` anew, and follow the chain from stage to stage.

    The flow fails where bytes are not what was recorded, or where a stage has read something else than the one before
    it made; each difference is named with its stage and what depends on it. Inputs that were changed since the last run
    (code, say) are named, too, but are no failure. No network is used.

    Args:
        jobs: How many files are read at once.
        project: The project's folder.

    Raises:
        BreathlineError: A run is at work in the project, or nothing is recorded yet.
    """
    log = get_run_logger()
    root = project.resolve()
    with only_run(root):
        audit = rehash(root, jobs=jobs)
    for finding in audit.findings:
        (log.error if finding.damage else log.info)(report.line(finding))
    artifacts.publish_text("audit", report.show(audit), report.headline(audit))
    return (Failed if audit.damage else Completed)(message=report.headline(audit))
