"""Expectations put to the tables, and what comes of it as verdicts that are the same for the same tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from great_expectations.core.expectation_validation_result import ExpectationSuiteValidationResult

from tasks.checks import audio_quality, cycles, gx, recordings, rules
from tasks.checks.check import Check
from tasks.checks.frames import Frames
from tasks.checks.settings import Level, Severity, ValidationSettings

NAMED = 10  # rows at fault that a verdict names
RESULT_FORMAT = {"result_format": "COMPLETE", "return_unexpected_index_query": False}
ROW_NAMES = {"recordings": ["recording_id", "patient_id"], "cycles": ["cycle_id"]}


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Whether an expectation holds.

    `rows` were looked at (those with a value) and `unexpected` of them do not keep it; these have `distinct` names in
    the column `key`, of which `first` holds the first. An expectation about the whole table has no `rows`: `first`
    says what differs there.
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


def suites(settings: ValidationSettings, summary: Mapping[str, Any]) -> dict[str, list[Check]]:
    """Return all checks by suite."""
    return {
        "recordings": [
            *recordings.checks(settings.ranges, summary),
            *audio_quality.checks(settings.quality, settings.unusable),
        ],
        "cycles": cycles.checks(settings.cycle_s, settings.time_tolerance_s, summary),
    }


def judge(
    frames: Frames, settings: ValidationSettings
) -> tuple[list[Verdict], dict[str, ExpectationSuiteValidationResult]]:
    """Return a verdict on every expectation, in the order in which they are told, and the results by suite."""
    verdicts, results = [], {}
    for suite, checks in suites(settings, frames.summary).items():
        of_suite, results[suite] = judge_suite(suite, getattr(frames, suite), checks, settings.severity)
        verdicts += of_suite
    return verdicts, results


def judge_suite(
    suite: str, frame: pd.DataFrame, checks: Sequence[Check], severity: Severity
) -> tuple[list[Verdict], ExpectationSuiteValidationResult]:
    """Return the verdicts on one table, and the result of Great Expectations.

    Raises:
        RuntimeError: An expectation could not be evaluated.
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
    """Return what a result of Great Expectations says."""
    if result.exception_info.get("raised_exception"):
        raise RuntimeError(f"{suite}.{check.name} could not be judged:\n{result.exception_info['exception_traceback']}")
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
        names = [] if result.success else [f"{found['observed_value']} instead of {_wanted(check)}"]
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
        first=names[:NAMED],
        meaning=check.meaning,
        hint=check.hint,
    )


def _wanted(check: Check) -> Any:
    """Return the number that an expectation about a whole table wants."""
    return check.arguments.get("value", check.arguments.get("min_value"))
