"""Section of the results by group: device, location, sex, age and what else the corpus knows."""

from collections.abc import Mapping
from typing import Any

from tasks.reporting.figures import scores
from tasks.reporting.run_results import RunResults
from tasks.reporting.section import Section
from tasks.runtime.corpus_facts import GroupColumn


def content(run: RunResults) -> Mapping[str, Any]:
    """Return the values of the template."""
    found = run.metrics["student"]["val"]["groups"]
    return {"groups": [group_table(group, found[group.column]) for group in run.facts.group_columns]}


def group_table(group: GroupColumn, found: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return title, rows and picture of the figures by the values of one group column."""
    rows = {group.values.get(value, value): row for value, row in found.items()}
    sized = [(f"{value}  ({row['cycles']} cycles, {row['patients']} pat.)", row) for value, row in rows.items()]
    return {"title": group.title, "rows": rows, "picture": scores(sized, f"Scores by {group.title.lower()}")}


SECTION = Section(title="Results by group", order=400, content=content)
