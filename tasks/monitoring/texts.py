"""Texts of a monitoring report, for the terminal, its page and Prefect's UI."""

from collections.abc import Iterator

from tasks.evaluation.words import MISSING, p_value
from tasks.monitoring import shares
from tasks.monitoring.drift import KINDS
from tasks.monitoring.results import Measure, Period, Report
from tasks.runtime.words import counted

VERDICTS = {
    "drift": "DRIFT",
    "none": "no drift",
    "too few": "too few",
    "not logged": "not logged",
    "no reference": "no reference",
}
MEASURE_COLUMNS = ("measure", "n", "PSI", "p", "result", "largest change")
SHARE_COLUMNS = ("decision", "share", "95 % limits", "reference", "result")
READING = (
    "Each file counts once, with its last entry. The tests see one segment of each recording. They take the reference "
    "for a sample whose recordings of one patient resemble each other.",
    "Several recordings of one patient count as independent, since the log does not name patients.",
)


def title(name: str) -> str:
    """Return the name of a measure or share for people."""
    return KINDS[name].title if name in KINDS else shares.TITLES[name]


def headline(report: Report) -> str:
    """Return the result in one sentence."""
    recordings = counted(report.recordings, "recording")
    if report.alerts:
        found = "; ".join(dict.fromkeys(title(name) for _, name in report.alerts))
        return f"Drift of {found} ({recordings})."
    if not report.claims:
        return f"Too few to say: {recordings}, and {report.thresholds.recordings} are needed in a period."
    return f"No drift found ({recordings})."


def about(report: Report) -> str:
    """Return model, log, time and size of the reference in one line."""
    time = f"{report.begin[:10]} to {report.end[:10]}" if report.begin and report.end else "no entry"
    inputs, outputs = (counted(number, "patient") for number in report.patients)
    return f"{report.model} · {report.log}, {time} · reference: {inputs} (inputs), {outputs} (outputs)"


def rule(report: Report) -> str:
    """Return the rule of alerts in one or two sentences."""
    limit = report.thresholds
    return (
        f"DRIFT: PSI of at least {limit.psi:g} and p below {limit.p:g} (Holm's correction over all tests). "
        f"A share: both limits are more than {100 * limit.share:g} points above, or below, the reference."
    )


def measure_rows(period: Period) -> Iterator[tuple[str, ...]]:
    """Yield the cells of each measure, by `MEASURE_COLUMNS`."""
    for one in period.measures:
        p = p_value(one.p).removeprefix("= ")
        yield title(one.name), str(one.recordings), psi(one), p, VERDICTS[one.verdict], change(one)


def share_rows(period: Period) -> Iterator[tuple[str, ...]]:
    """Yield the cells of each share, by `SHARE_COLUMNS`."""
    for one in period.shares:
        limits = MISSING if one.low is None or one.high is None else f"{_percent(one.low)}–{_percent(one.high)}"
        yield title(one.name), _percent(one.value), limits, _percent(one.expected), VERDICTS[one.verdict]


def psi(measure: Measure) -> str:
    """Return the PSI of a measure, with a star if it drifts; a dash where nothing is claimed."""
    if measure.psi is None:
        return MISSING
    return f"{measure.psi:.2f}" + (" *" if measure.verdict == "drift" else "")


def change(measure: Measure) -> str:
    """Return the bin whose share has changed most, with the shares before and now; empty without drift."""
    if measure.verdict != "drift":
        return ""
    pairs = zip(measure.bins, measure.reference, measure.found, strict=True)
    name, before, now = max(pairs, key=lambda pair: abs(pair[2] - pair[1]))
    return f"{name}: {_percent(before)} → {_percent(now)}"


def _percent(share: float | None) -> str:
    return MISSING if share is None else f"{100 * share:.0f} %"
