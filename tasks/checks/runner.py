"""Execution of the checks by Great Expectations, with verdicts that are equal for equal tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from great_expectations.core.expectation_validation_result import ExpectationSuiteValidationResult

from tasks.checks import gx, rules
from tasks.checks.check import Check
from tasks.checks.frames import Frames
from tasks.checks.settings import SHOWN, Level, Severity

RESULT_FORMAT = {"result_format": "COMPLETE", "return_unexpected_index_query": False}
ROW_NAMES = {"recordings": ["recording_id", "patient_id"], "cycles": ["cycle_id"]}


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Outcome of a check.

    Attributes:
        suite: Table: recordings or cycles.
        name: Name of the check.
        family: Family of the check.
        expectation: Name of the expectation.
        columns: Columns of the expectation.
        severity: Meaning of a failure.
        success: Whether the expectation holds.
        rows: Number of checked rows, which have a value; None for an expectation about the whole table.
        unexpected: Number of rows, or of facts about the table, that do not fit.
        distinct: Number of distinct names of these rows in the column `key`.
        key: Column by which rows are named.
        first: First of these names, or of the facts about the table.
        meaning: The expectation as a sentence.
        hint: What to do where the expectation does not hold.
    """

    suite: str
    name: str
    family: str
    expectation: str
    columns: Sequence[str]
    severity: Level
    success: bool
    rows: int | None
    unexpected: int
    distinct: int
    key: str
    first: Sequence[str]
    meaning: str
    hint: str


def run(
    frames: Frames, checks: Mapping[str, Sequence[Check]], severity: Severity
) -> tuple[list[Verdict], dict[str, ExpectationSuiteValidationResult]]:
    """Return the verdict of every check, and the results of Great Expectations by table.

    Args:
        frames: Tables that are checked.
        checks: Checks of each table.
        severity: Severity of each family of checks.

    Raises:
        RuntimeError: Great Expectations could not evaluate an expectation.
    """
    verdicts, results = [], {}
    for suite, some in checks.items():
        of_suite, results[suite] = run_suite(suite, getattr(frames, suite), some, severity)
        verdicts += of_suite
    return verdicts, results


def run_suite(
    suite: str, frame: pd.DataFrame, checks: Sequence[Check], severity: Severity
) -> tuple[list[Verdict], ExpectationSuiteValidationResult]:
    """Return the verdicts on one table, and the result of Great Expectations.

    Raises:
        RuntimeError: Great Expectations could not evaluate an expectation.
    """
    asset = gx.context().data_sources.add_pandas("tables").add_dataframe_asset(suite)
    batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": frame})
    expectations = [check.expectation(severity.of(check.family)) for check in checks]
    result = batch.validate(
        gx.ExpectationSuite(suite, expectations=expectations),
        result_format=RESULT_FORMAT | {"unexpected_index_column_names": ROW_NAMES[suite]},
    )
    by_name = {one.expectation_config.meta["name"]: one for one in result.results if one.expectation_config is not None}
    return [_verdict(suite, check, severity, by_name[check.name]) for check in checks], result


def _verdict(suite: str, check: Check, severity: Severity, result: Any) -> Verdict:
    """Return the verdict of a check from its result of Great Expectations."""
    if result.exception_info.get("raised_exception"):
        trace = result.exception_info["exception_traceback"]
        raise RuntimeError(f"Great Expectations cannot evaluate {suite}.{check.name}:\n{trace}")
    found = result.result
    rows = None
    if "element_count" in found:
        rows, unexpected = found["element_count"] - found.get("missing_count", 0), found["unexpected_count"]
        names = list(dict.fromkeys(rules.plain(row[check.key]) for row in found.get("unexpected_index_list") or ()))
        distinct = len(names)
    elif "details" in found:
        names, unexpected = found["details"]["faults"], found["details"]["count"]
        distinct = unexpected
    else:
        wanted = check.arguments.get("value", check.arguments.get("min_value"))
        names = [] if result.success else [f"{found['observed_value']} instead of {wanted}"]
        unexpected = distinct = len(names)
    return Verdict(
        suite=suite,
        name=check.name,
        family=check.family,
        expectation=check.expectation("error").expectation_type,
        columns=list(check.columns),
        severity=severity.of(check.family),
        success=bool(result.success),
        rows=rows,
        unexpected=unexpected,
        distinct=distinct,
        key=check.key,
        first=names[:SHOWN],
        meaning=check.meaning,
        hint=check.hint,
    )
