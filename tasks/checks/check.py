"""Checks: expectations of Great Expectations with a name, a family and an explanation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from great_expectations.expectations.expectation import Expectation
from great_expectations.expectations.metadata_types import FailureSeverity

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


of_recording = partial(check, key="recording_id")
of_patient = partial(check, key="patient_id")
of_cycle = partial(check, key="cycle_id")
