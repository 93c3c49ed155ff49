"""Expectations of our own: the rules of `tasks.checks.rules` as classes that Great Expectations can run."""

from __future__ import annotations

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

NAMED = 10  # of what differs, in a result


def _metric(rule: Callable[..., pd.Series], *arguments: str) -> str:
    """Register a rule as a metric, and return its name."""
    name = f"multicolumn_values.{rule.__name__}"

    class Rule(MulticolumnMapMetricProvider):  # registered by its metaclass
        condition_metric_name = name
        condition_value_keys = arguments

        @multicolumn_condition_partial(engine=PandasExecutionEngine)  # type: ignore[untyped-decorator]
        def _pandas(cls, column_list: pd.DataFrame, **kwargs: Any) -> pd.Series:  # noqa: N805 - called with the class
            return rule(column_list, **{key: kwargs[key] for key in arguments})

    return name


def _default(*values: Any) -> Any:
    """Return the default of a field that is a list."""
    return pydantic.Field(default=list(values))


class RowExpectation(MulticolumnMapExpectation):
    """What every row has to keep, seen over several columns; rows with nulls are judged as well."""

    ignore_row_if: Literal["never"] = "never"


class ExpectRecordingNameToAgree(RowExpectation):
    """Expect a recording's name to be made of the parts that its columns hold."""

    column_list: list[str] = _default(
        "recording_id", "patient_id", "icbhi_recording_index", "location", "icbhi_mode", "device"
    )
    map_metric = _metric(rules.recording_name_agrees)


class ExpectCycleNameToAgree(RowExpectation):
    """Expect a cycle's name to be made of its recording's and its index."""

    column_list: list[str] = _default("cycle_id", "recording_id", "cycle_index")
    map_metric = _metric(rules.cycle_name_agrees)


class ExpectDurationToFollowFrames(RowExpectation):
    """Expect a recording's duration to be its frames by its rate."""

    column_list: list[str] = _default("frames", "sample_rate", "duration_s")
    map_metric = _metric(rules.duration_follows_frames)


class ExpectDurationToFollowTimes(RowExpectation):
    """Expect a cycle's duration to be its end less its start."""

    column_list: list[str] = _default("start_s", "end_s", "duration_s")
    map_metric = _metric(rules.duration_follows_times)


class ExpectPatientToBeTheSame(RowExpectation):
    """Expect a patient's metadata to be the same in all of their recordings."""

    column_list: list[str] = _default(
        "patient_id", "age", "sex", "icbhi_bmi", "icbhi_weight_kg", "icbhi_height_cm", "diagnosis", "fold"
    )
    map_metric = _metric(rules.same_for_patient)


class ExpectOneSideOfSplit(RowExpectation):
    """Expect all rows of a patient, or of one file, on one side of the split, but for those allowed on both."""

    allowed: list[str] = _default()
    map_metric = _metric(rules.on_one_side, "allowed")
    success_keys = ("mostly", "allowed")


class ExpectBodySizeToBeKnown(RowExpectation):
    """Expect a BMI, or weight and height."""

    column_list: list[str] = _default("patient_id", "icbhi_bmi", "icbhi_weight_kg", "icbhi_height_cm")
    map_metric = _metric(rules.body_size_known)


class ExpectLungSoundsToFollowFlags(RowExpectation):
    """Expect the lung-sound labels that follow from crackles and wheezes."""

    column_list: list[str] = _default("icbhi_crackles", "icbhi_wheezes", "lungsound_4", "lungsound_2")
    map_metric = _metric(rules.lung_sounds_follow)


class ExpectDiagnosisLabelsToFollow(RowExpectation):
    """Expect the diagnosis labels that follow from the patient's diagnosis."""

    column_list: list[str] = _default("diagnosis", "diagnosis_3", "diagnosis_2")
    map_metric = _metric(rules.diagnoses_follow)


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
    column_list: list[str] = _default("recording_id", "cycle_index", "start_s", "end_s")
    map_metric = _metric(rules.apart, "tolerance_s")
    success_keys = ("mostly", "tolerance_s")


class ExpectCyclesCountedThrough(RowExpectation):
    """Expect the cycles of a recording to be numbered from 0 without a gap."""

    column_list: list[str] = _default("recording_id", "cycle_index")
    map_metric = _metric(rules.counted_through)


class _GroupCounts(TableMetricProvider):
    """How many rows, or distinct values of a column, each group has."""

    metric_name = "table.group_counts"
    value_keys = ("groups", "distinct")

    @metric_value(engine=PandasExecutionEngine)
    def _pandas(
        cls,  # noqa: N805 - called with the class
        execution_engine: PandasExecutionEngine,
        metric_domain_kwargs: Any,
        metric_value_kwargs: Any,
        **_: Any,
    ) -> dict[str, int]:
        frame, _, _ = execution_engine.get_compute_domain(metric_domain_kwargs, domain_type=MetricDomainTypes.TABLE)
        return rules.group_counts(frame, metric_value_kwargs["groups"], metric_value_kwargs["distinct"])


class ExpectGroupCounts(BatchExpectation):
    """Expect as many rows, or distinct values of a column, in every group as are promised, and no other groups."""

    groups: list[str]
    distinct: str | None = None
    promised: dict[str, int]
    metric_dependencies = ("table.group_counts",)
    success_keys = ("groups", "distinct", "promised")

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


class ExpectColumnToHoldNames(ColumnAggregateExpectation):
    """Expect a column to hold all of some names."""

    names: list[str]
    metric_dependencies = ("column.distinct_values",)
    success_keys = ("names",)

    def _validate(
        self, metrics: dict[Any, Any], runtime_configuration: Any = None, execution_engine: Any = None
    ) -> dict[str, Any]:
        absent = sorted(set(self.names) - set(metrics["column.distinct_values"]))
        return {"success": not absent, "result": _result(absent, f"{len(absent)} absent")}


def _result(faults: list[str], otherwise: str) -> dict[str, Any]:
    """Return a result that shows what differs, or a summary where nothing does."""
    shown = "; ".join(faults[:NAMED]) + (f" and {len(faults) - NAMED} more" if len(faults) > NAMED else "")
    return {"observed_value": shown or otherwise, "details": {"faults": faults[:NAMED], "count": len(faults)}}
