"""Section of further metrics: macro-F1, balanced accuracy, MCC, Cohen's κ, PPV and NPV of every model."""

from collections.abc import Sequence
from typing import Any

from tasks.evaluation.further_metrics import DIGITS, FURTHER
from tasks.evaluation.words import FURTHER_METRICS, spread
from tasks.reporting.model_rows import of_selection
from tasks.reporting.run_results import RunResults
from tasks.reporting.section import Block, Section, Table, Text

READING = (
    "Macro-F1 and UAR (balanced accuracy) are the means of F1 and recall over the classes, in percent. "
    "MCC and Cohen's κ are agreement beyond chance: 1 for perfect, 0 for chance and for one class for every cycle. "
    "PPV is the percentage of abnormal predictions that are of abnormal cycles, NPV that of normal ones."
)
OF_SEEDS = "Those of the student are means over its seeds ± standard deviation."
SOURCES = {
    "test cycles": "the share of abnormal cycles in this test set. Elsewhere they differ: set evaluation.prevalence",
    "params.yaml": "evaluation.prevalence in params.yaml",
}


def content(run: RunResults) -> Sequence[Block]:
    """Return a row for each model, and the prevalence of PPV and NPV."""
    rows = [
        (name, *(_text(found["further"][metric], metric) for metric in FURTHER))
        for name, found in of_selection(run.metrics, "val")
    ]
    value, source = run.metrics["prevalence"]["value"], SOURCES[run.metrics["prevalence"]["source"]]
    share = "undefined" if value is None else f"{100 * value:.1f} %"
    prevalence = f"PPV and NPV hold at a prevalence of abnormal cycles of {share}: {source}."
    table = Table(["model", *(FURTHER_METRICS[name] for name in FURTHER)], rows, main=True, caption=prevalence)
    several = len(run.metrics["students"]) > 1
    return [table, Text(READING + (f" {OF_SEEDS}" if several else ""), muted=True)]


def _text(value: Any, metric: str) -> str:
    """Return a figure as text; that of the student is a mean with its standard deviation over seeds."""
    mean, sd = (value["mean"], value["sd"]) if isinstance(value, dict) else (value, None)
    return spread(mean, sd, 1 if DIGITS[metric] == 2 else 2)


SECTION = Section(title="Further metrics", order=250, content=content)
