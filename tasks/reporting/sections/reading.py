"""Section that explains the figures in words."""

from collections.abc import Mapping
from typing import Any

from tasks.reporting.run_results import RunResults
from tasks.reporting.section import Section


def content(run: RunResults) -> Mapping[str, Any]:
    """Return the values of the template: none of its own."""
    return {}


SECTION = Section(title="How to read the figures", order=1000, content=content)
