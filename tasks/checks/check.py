"""Checks: expectations of Great Expectations with a name, a family and an explanation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from great_expectations.expectations.expectation import Expectation
from great_expectations.expectations.metadata_types import FailureSeverity

from tasks.checks.gx import core
from tasks.checks.settings import Level

EXTRACT = "run `extract` again; if the fault remains, it is in that stage"
METADATA = "correct the metadata file at the source, then run `download` again"
ANNOTATION = "correct the recording's annotation file at the source, then run `download` again"


@dataclass(frozen=True, kw_only=True)
class Check:
    """An expectation with its explanation.

    Attributes:
        name: Short name, unique in its suite.
        family: A field of `Severity`.
        kind: Class of the expectation.
        meaning: The expectation as a sentence.
        hint: What to do where the expectation does not hold.
        key: Column by which rows at fault are named.
        arguments: Arguments of the class.
    """

    name: str
    family: str
    kind: type[Expectation]
    meaning: str
    hint: str
    key: str
    arguments: dict[str, Any]

    def expectation(self, level: Level) -> Expectation:
        """Return the expectation for Great Expectations."""
        return self.kind(
            **self.arguments,
            description=self.meaning,
            severity=FailureSeverity.CRITICAL if level == "error" else FailureSeverity.WARNING,
            meta={"name": self.name},
        )

    @property
    def columns(self) -> Sequence[str]:
        """Return the columns of the expectation; none for an expectation about the whole table."""
        given = self.expectation("error").configuration.kwargs
        single = [given[key] for key in ("column", "column_A", "column_B") if key in given]
        return single or list(given.get("column_list", given.get("groups", ())))


def check(
    name: str, family: str, kind: type[Expectation], meaning: str, hint: str, *, key: str, **arguments: Any
) -> Check:
    """Return a `Check`; further keyword arguments are those of the expectation's class."""
    return Check(name=name, family=family, kind=kind, meaning=meaning, hint=hint, key=key, arguments=arguments)


def required(of_row: Callable[..., Check], noun: str, columns: Sequence[str]) -> Iterator[Check]:
    """Yield the checks that columns have no missing values.

    Args:
        of_row: `of_recording`, `of_patient` or `of_cycle`.
        noun: Word for a row.
        columns: Names of the columns.
    """
    for column in columns:
        meaning = f"Every {noun} has a {column}."
        kind = core.ExpectColumnValuesToNotBeNull
        yield of_row(f"{column}_required", "required", kind, meaning, EXTRACT, column=column)


def domain(of_row: Callable[..., Check], column: str, values: Sequence[Any], hint: str) -> Check:
    """Return the check that a column has only allowed values.

    Args:
        of_row: `of_recording`, `of_patient` or `of_cycle`.
        column: Name of the column.
        values: Allowed values.
        hint: What to do about another value.
    """
    return of_row(
        f"{column}_domain",
        "domains",
        core.ExpectColumnValuesToBeInSet,
        f"The {column} is one of: {', '.join(map(str, values))}.",
        hint,
        column=column,
        value_set=list(values),
    )


of_recording = partial(check, key="recording_id")
of_patient = partial(check, key="patient_id")
of_cycle = partial(check, key="cycle_id")
