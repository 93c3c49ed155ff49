"""One expectation with all that is to be said about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from great_expectations.expectations.expectation import Expectation
from great_expectations.expectations.metadata_types import FailureSeverity

from tasks.checks.settings import Level


@dataclass(frozen=True, kw_only=True)
class Check:
    """An expectation: its short `name`, its `family`, a field of `Severity`, and its `meaning` as a sentence.

    `hint` says what to do where it does not hold; `key` is the column by which rows at fault are named; `arguments` go
    to the expectation's class, `kind`.
    """

    name: str
    family: str
    kind: type[Expectation]
    meaning: str
    hint: str
    key: str
    arguments: dict[str, Any]

    def expectation(self, level: Level) -> Expectation:
        """Return it for Great Expectations."""
        return self.kind(
            **self.arguments,
            description=self.meaning,
            severity=FailureSeverity.CRITICAL if level == "error" else FailureSeverity.WARNING,
            meta={"name": self.name},
        )

    @property
    def columns(self) -> Sequence[str]:
        """The columns that it is about; none where it is about the table."""
        given = self.expectation("error").configuration.kwargs
        single = [given[key] for key in ("column", "column_A", "column_B") if key in given]
        return single or list(given.get("column_list", given.get("groups", ())))


def check(
    name: str, family: str, kind: type[Expectation], meaning: str, hint: str, *, key: str, **arguments: Any
) -> Check:
    """Return a `Check`; what is not its own goes to the expectation's class."""
    return Check(name=name, family=family, kind=kind, meaning=meaning, hint=hint, key=key, arguments=arguments)
