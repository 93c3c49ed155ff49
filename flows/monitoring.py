"""Flow `monitoring`: drift of a model in use, by its log."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.events import emit_event
from prefect.states import Completed, Failed
from pydantic import Field

from flows import registry
from flows.flow_errors import failed_by_errors
from flows.publish import drift, prefect_artifacts
from tasks.monitoring import monitoring as comparison
from tasks.monitoring import page, periods, texts
from tasks.monitoring.results import Report
from tasks.monitoring.settings import By, Thresholds
from tasks.runtime.files import write_text

LOG = Path(".breathline/use.jsonl")
PAGE = Path("reports/monitoring.html")
DRIFT = "Drift"  # state of a run that found drift
EVENT = "breathline.drift"
DEFAULT = Thresholds()


@flow(name="monitoring", flow_run_name="monitor {log}")
@failed_by_errors
def monitoring(
    *,
    log: Path = LOG,
    model: str | None = None,
    last: Annotated[str | None, Field(pattern=r"^\d{1,5}[hdw]$")] = "4w",
    by: By | None = None,
    alert_psi: Annotated[float, Field(gt=0)] = DEFAULT.psi,
    alert_p: Annotated[float, Field(gt=0, lt=1)] = DEFAULT.p,
    alert_share: Annotated[float, Field(ge=0, lt=1)] = DEFAULT.share,
    recordings: Annotated[int, Field(ge=10)] = DEFAULT.recordings,
    project: Path = Path(),
) -> State[Any]:
    """Compare a log of use with what its model learned from, as `breathline monitor` does.

    Drift ends the run in the failed state `Drift` and emits the event `breathline.drift`. The artifact `monitoring`
    has the tables, and `reports/monitoring.html` the figures. Too few recordings are no drift; the message says so.

    Args:
        log: Log of use, relative to the project.
        model: Model whose training is compared, as for `breathline predict`; if not given, the model that it takes.
        last: Number of hours, days or weeks that count, such as `12h`, `7d` or `4w`; all entries, if null.
        by: Length of the periods that are compared apart: day, week or month; one period, if not given.
        alert_psi: Least population stability index of an alert.
        alert_p: Level of the tests after Holm's correction.
        alert_share: Change of the share not judged, uncertain or unlike the training that raises an alert, 0 to 1.
        recordings: Least number of recordings for a claim.
        project: Folder of the project.

    Raises:
        BreathlineError: The log or the model is missing or damaged, or the log is of other models.
    """
    root = project.resolve()
    source = registry.chosen(root, model)
    report = comparison.monitor(
        root / log,
        registry.fetch(root, source),
        source.label,
        begin=periods.start(None, last, datetime.now(UTC)),
        by=by,
        thresholds=Thresholds(psi=alert_psi, p=alert_p, share=alert_share, recordings=recordings),
    )
    write_text(root / PAGE, page.render(report))
    headline = texts.headline(report)
    prefect_artifacts.publish_text("monitoring", drift.show(report), headline)
    if not report.alerts:
        return Completed(message=headline)
    get_run_logger().error(headline)
    _emit(report, headline)
    return Failed(name=DRIFT, message=headline)


def _emit(report: Report, headline: str) -> None:
    """Emit the event of a drift, for automations."""
    emit_event(
        EVENT,
        resource={
            "prefect.resource.id": f"breathline.model.{report.model_id}",
            "prefect.resource.name": report.model,
        },
        payload={"message": headline, "measures": sorted({name for _, name in report.alerts})},
    )
