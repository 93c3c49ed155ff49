"""Warnings in the terminal: a table of what a user can act on, and one line for unknown metadata."""

import io
from dataclasses import replace

from rich.console import Console

from tasks.checks.report import unknown_metadata, warning_table
from tasks.checks.runner import Verdict

GOOD = Verdict(
    suite="recordings",
    name="mono",
    family="oddities",
    expectation="expect",
    columns=["channels"],
    severity="warning",
    success=True,
    rows=9,
    unexpected=0,
    distinct=0,
    key="recording_id",
    first=[],
    meaning="Every recording has one channel.",
    hint="nothing",
)
FAILING = replace(GOOD, success=False, unexpected=4, distinct=2, first=["a", "b"])
UNKNOWN = replace(FAILING, name="body_size_known", family="completeness", meaning="Every patient's BMI is known.")
AGE = replace(UNKNOWN, name="age_known", distinct=1)


def shown(*verdicts: Verdict) -> str:
    table = warning_table(verdicts)
    console = Console(file=io.StringIO(), width=80)
    console.print(table or "")
    return console.file.getvalue()


def test_unknown_metadata_are_one_line_instead_of_rows_of_the_table():
    assert unknown_metadata([GOOD, FAILING]) == ""
    line = unknown_metadata([GOOD, AGE, UNKNOWN, FAILING])
    assert line.startswith("patients with unknown metadata: age 1, body size 2;")
    assert "BMI" not in shown(AGE, UNKNOWN, FAILING)
    assert "one channel" in shown(AGE, UNKNOWN, FAILING)
    assert shown(AGE, UNKNOWN) == "\n"


def test_unknown_metadata_that_are_errors_are_in_no_line():
    assert unknown_metadata([replace(AGE, severity="error")]) == ""
