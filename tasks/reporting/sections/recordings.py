"""Section of the results per recording and per patient, of the majority and of the largest probability."""

from collections.abc import Mapping, Sequence
from typing import Any

from tasks.evaluation.aggregation import LEVELS, RULES
from tasks.evaluation.words import figure, interval
from tasks.reporting.model_rows import of_selection
from tasks.reporting.run_results import RunResults
from tasks.reporting.section import Block, Section, Table, Text

READING = (
    "A recording is normal if all its cycles are normal; otherwise its class is the most frequent of its abnormal "
    "cycles. majority: the class that most of its cycles are predicted to have. max: the class with the largest "
    "probability in any of its cycles. The same holds for patients. One abnormal cycle makes a recording abnormal, "
    "so that the majority misses recordings with few abnormal cycles."
)


def content(run: RunResults) -> Sequence[Block]:
    """Return a table of recordings and one of patients."""
    columns = ["model", "rule", "Sp", "Se strict", "Score strict", "Se lenient", "Score lenient"]
    models, blocks = of_selection(run.metrics, "val"), []
    for level in LEVELS:
        unit, counts = level.removeprefix("by_"), run.metrics["student"]["val"][level]
        rows = [(name, rule, *_cells(found[level][rule])) for name, found in models for rule in RULES]
        caption = (
            f"{counts['n']} {unit}s, {counts['abnormal']} of them abnormal. "
            f"In brackets: {run.confidence} % intervals over patients, with networks fixed."
        )
        blocks.append(Table(columns, rows, title=f"Per {unit}", caption=caption))
    return [*blocks, Text(READING, muted=True)]


def _cells(found: Mapping[str, Any]) -> list[str]:
    """Return Sp, and for each definition Se, and the Score with its interval."""
    low, high = found["low"], found["high"]
    cells = [figure(found["sp"])]
    for kind in ("strict", "lenient"):
        score = f"score_{kind}"
        between = "" if low[score] is None else f" ({interval(low[score], high[score], ' to ')})"
        cells += [figure(found[f"se_{kind}"]), figure(found[score]) + between]
    return cells


SECTION = Section(title="Results per recording and patient", order=350, content=content)
