"""Expectation classes of Great Expectations for the rules of `tasks.checks.rules`."""

from collections.abc import Callable
from typing import Any, Literal

import pandas as pd
from great_expectations.compatibility import pydantic
from great_expectations.core.metric_domain_types import MetricDomainTypes
from great_expectations.execution_engine import PandasExecutionEngine
from great_expectations.expectations.expectation import (
    BatchExpectation,
    ColumnAggregateExpectation,
    MulticolumnMapExpectation,
)
from great_expectations.expectations.metrics.map_metric_provider import MulticolumnMapMetricProvider
from great_expectations.expectations.metrics.map_metric_provider.multicolumn_condition_partial import (
    multicolumn_condition_partial,
)
from great_expectations.expectations.metrics.metric_provider import metric_value
from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider

from tasks.checks import rules
from tasks.checks.settings import SHOWN


def _metric(rule: Callable[..., pd.Series], *arguments: str) -> str:
    """Register a rule as a metric of Great Expectations, and return the name of the metric."""
    name = f"multicolumn_values.{rule.__name__}"

    class Rule(MulticolumnMapMetricProvider):  # its metaclass registers it
        condition_metric_name = name
        condition_value_keys = arguments

        @multicolumn_condition_partial(engine=PandasExecutionEngine)  # type: ignore[untyped-decorator]
        def _pandas(cls, column_list: pd.DataFrame, **kwargs: Any) -> pd.Series:  # noqa: N805 - called with the class
            return rule(column_list, **{key: kwargs[key] for key in arguments})

    return name


def _default(*values: Any) -> Any:
    """Return the default of a list field."""
    return pydantic.Field(default=list(values))


class RowExpectation(MulticolumnMapExpectation):
    """Rule about several columns of every row; rows with nulls are checked as well."""

    ignore_row_if: Literal["never"] = "never"


class ExpectRecordingNameToAgree(RowExpectation):
    """Expect a recording's name to be the values of the other columns, joined by underscores."""

    map_metric = _metric(rules.recording_name_agrees)


class ExpectCycleNameToAgree(RowExpectation):
    """Expect a cycle's name to be its recording's name and its index."""

    column_list: list[str] = _default("cycle_id", "recording_id", "cycle_index")
    map_metric = _metric(rules.cycle_name_agrees)


class ExpectDurationToFollowFrames(RowExpectation):
    """Expect a recording's duration to be its number of frames divided by its rate."""

    column_list: list[str] = _default("frames", "sample_rate", "duration_s")
    map_metric = _metric(rules.duration_follows_frames)


class ExpectDurationToFollowTimes(RowExpectation):
    """Expect a cycle's duration to be its end minus its start."""

    column_list: list[str] = _default("start_s", "end_s", "duration_s")
    map_metric = _metric(rules.duration_follows_times)


class ExpectPatientToBeConsistent(RowExpectation):
    """Expect a patient's metadata to be equal in all recordings."""

    map_metric = _metric(rules.same_for_patient)


class ExpectOneSideOfSplit(RowExpectation):
    """Expect all rows of a patient, or of an audio file, on one side of the split, apart from allowed exceptions."""

    allowed: list[str] = _default()
    shared: list[str] = _default()
    map_metric = _metric(rules.on_one_side, "allowed", "shared")
    success_keys = ("mostly", "allowed", "shared")


class ExpectAnyToBeKnown(RowExpectation):
    """Expect the values of all columns of at least one alternative."""

    alternatives: list[list[str]]
    map_metric = _metric(rules.any_known, "alternatives")
    success_keys = ("mostly", "alternatives")


class ExpectRecordingToHaveCycles(RowExpectation):
    """Expect a recording to have a cycle, apart from recordings that need none."""

    without: dict[str, list[str]] = pydantic.Field(default_factory=dict)
    map_metric = _metric(rules.has_cycles, "without")
    success_keys = ("mostly", "without")


class ExpectLabelsToFollow(RowExpectation):
    """Expect labels that follow from other columns."""

    classes: dict[str, dict[str, int]]
    map_metric = _metric(rules.labels_follow, "classes")
    success_keys = ("mostly", "classes")


class ExpectCycleInsideAudio(RowExpectation):
    """Expect a cycle to end within its recording."""

    tolerance_s: float
    column_list: list[str] = _default("end_s", "recording_duration_s")
    map_metric = _metric(rules.inside_audio, "tolerance_s")
    success_keys = ("mostly", "tolerance_s")


class ExpectCyclesInOrder(RowExpectation):
    """Expect the cycles of a recording to be numbered by their start."""

    column_list: list[str] = _default("recording_id", "cycle_index", "start_s")
    map_metric = _metric(rules.in_order)


class ExpectCyclesApart(RowExpectation):
    """Expect the cycles of a recording not to overlap."""

    tolerance_s: float
    overlapping: dict[str, list[str]] = pydantic.Field(default_factory=dict)
    column_list: list[str] = _default("recording_id", "cycle_index", "start_s", "end_s")
    map_metric = _metric(rules.apart, "tolerance_s", "overlapping")
    success_keys = ("mostly", "tolerance_s", "overlapping")


class ExpectCyclesNumberedWithoutGap(RowExpectation):
    """Expect the cycles of a recording to be numbered from 0 without a gap."""

    column_list: list[str] = _default("recording_id", "cycle_index")
    map_metric = _metric(rules.numbered_without_gap)


class _GroupCounts(TableMetricProvider):
    """Number of rows, or of distinct values of a column, in each group."""

    metric_name = "table.group_counts"
    value_keys = ("groups", "distinct", "classes")

    @metric_value(engine=PandasExecutionEngine)
    def _pandas(
        cls,  # noqa: N805 - called with the class
        execution_engine: PandasExecutionEngine,
        metric_domain_kwargs: Any,
        metric_value_kwargs: Any,
        **_: Any,
    ) -> dict[str, int]:
        frame, _, _ = execution_engine.get_compute_domain(metric_domain_kwargs, domain_type=MetricDomainTypes.TABLE)
        return rules.group_counts(frame, **metric_value_kwargs)


class ExpectGroupCounts(BatchExpectation):
    """Expect the published number of rows, or of distinct values of a column, in every group, and no other groups."""

    groups: list[str]
    distinct: str | None = None
    classes: dict[str, list[str]]
    promised: dict[str, int]
    metric_dependencies = ("table.group_counts",)
    success_keys = ("groups", "distinct", "classes", "promised")

    def _validate(
        self, metrics: dict[Any, Any], runtime_configuration: Any = None, execution_engine: Any = None
    ) -> dict[str, Any]:
        found: dict[str, int] = metrics["table.group_counts"]
        differ = [
            f"{group}: {found.get(group, 0)} instead of {self.promised.get(group, 0)}"
            for group in sorted({*found, *self.promised})
            if found.get(group, 0) != self.promised.get(group, 0)
        ]
        return {"success": not differ, "result": _result(differ, f"{sum(found.values())} in {len(found)} groups")}


class ExpectColumnToContain(ColumnAggregateExpectation):
    """Expect a column to contain all given names."""

    names: list[str]
    metric_dependencies = ("column.distinct_values",)
    success_keys = ("names",)

    def _validate(
        self, metrics: dict[Any, Any], runtime_configuration: Any = None, execution_engine: Any = None
    ) -> dict[str, Any]:
        missing = sorted(set(self.names) - set(metrics["column.distinct_values"]))
        return {"success": not missing, "result": _result(missing, f"{len(missing)} missing")}


def _result(faults: list[str], summary: str) -> dict[str, Any]:
    """Return a result that shows the first faults, or a summary where there are none."""
    first, more = faults[:SHOWN], len(faults) - SHOWN
    shown = "; ".join(first) + (f" and {more} more" if more > 0 else "")
    return {"observed_value": shown or summary, "details": {"faults": first, "count": len(faults)}}
