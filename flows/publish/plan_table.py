"""Plan of a run as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from flows.plan import Step
from flows.publish import markdown

REASONS = 4  # shown in a row; `breathline plan --json` has all


def headline(steps: Sequence[Step]) -> str:
    """Return the number of stages that run, in words."""
    running = sum(step.runs for step in steps)
    return f"{running} of {len(steps)} stages run." if running else f"All {len(steps)} stages are up to date."


def show(steps: Sequence[Step]) -> str:
    """Return a table of the stages: whether they run, and why."""
    rows = [
        [
            markdown.code(step.stage),
            markdown.unbroken("▶ **runs**" if step.runs else "✓ up to date"),
            markdown.lines([markdown.text(reason) for reason in step.reasons], REASONS),
        ]
        for step in steps
    ]
    return markdown.table(["stage", "plan", "why"], rows) + "\n"
