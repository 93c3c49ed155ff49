"""Checks: expectations of Great Expectations with a name, a family and an explanation."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from great_expectations.expectations.expectation import Expectation
from great_expectations.expectations.metadata_types import FailureSeverity

from tasks.checks import expectations
from tasks.checks.gx import core
from tasks.checks.settings import Level


@dataclass(frozen=True, kw_only=True)
class Check:
    """An expectation with its explanation.

    Attributes:
        name: Short name, unique in its suite.
        family: Family of the check, a field of `Severity`.
        kind: Name of the class of the expectation.
        meaning: The expectation as a sentence.
        hint: Advice for the reader if the expectation does not hold.
        key: Column whose values name the failing rows.
        arguments: Arguments of the class of the expectation.
    """

    name: str
    family: str
    kind: str
    meaning: str
    hint: str
    key: str
    arguments: dict[str, Any] = field(default_factory=dict)

    def expectation(self, level: Level) -> Expectation:
        """Return the expectation for Great Expectations."""
        kind: type[Expectation] = getattr(expectations, self.kind, None) or getattr(core, self.kind)
        return kind(
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
