"""Section of the tests of differences: the student against its teachers, by patient and by cycle."""

from collections.abc import Mapping, Sequence
from typing import Any

from tasks.evaluation.words import MISSING, compared_with, p_value, signed
from tasks.reporting.model_rows import marked, of_degenerate
from tasks.reporting.run_results import RunResults
from tasks.reporting.section import Block, Section, Table, Text

READING = (
    "The permutation test swaps the predictions of both sides for whole patients. Its p-value is the share of swaps "
    "that give a difference at least as large, with these networks. McNemar's exact test compares two single networks "
    "by the cycles that only one of them predicts correctly. It treats cycles as independent, which those of one "
    "patient are not: its p-values are too small where patients differ. No p-value of this section is corrected for "
    "the number of comparisons."
)


def content(run: RunResults) -> Sequence[Block] | None:
    """Return a row for each comparison and Score; None without teachers."""
    names, found = (
        compared_with(run.metrics["labelling"], run.metrics["baselines"]),
        run.metrics["student_minus"]["val"],
    )
    rows = [
        (marked(names[name], row["degenerate"]), definition, *_cells(row[f"score_{definition}"]))
        for name, row in found.items()
        for definition in ("strict", "lenient")
    ]
    if not rows:
        return None
    columns = ["student minus …", "Score", "difference", "p by patient", "pairs of networks", "p of McNemar"]
    caption = "Differences in points of Score, epochs chosen on validation patients."
    notes = [READING, *of_degenerate(run.metrics, "val")]
    return [Table(columns, rows, caption=caption), *(Text(note, muted=True) for note in notes)]


def _cells(score: Mapping[str, Any]) -> tuple[str, str, str, str]:
    pairs = sorted(pair["p"] for pair in score["mcnemar"])
    ends = dict.fromkeys(map(_p, (pairs[0], pairs[-1]))) if pairs else [MISSING]
    return signed(score["difference"]), _p(score["p"]), str(len(pairs)), " to ".join(ends)


def _p(value: float | None) -> str:
    return p_value(value).removeprefix("= ")


SECTION = Section(title="Tests of differences", order=160, content=content)
