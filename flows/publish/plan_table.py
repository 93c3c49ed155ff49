"""The plan of a run, before anything of it ran."""

from __future__ import annotations

from collections.abc import Sequence

from flows.plan import Step
from flows.publish import markdown

REASONS = 4  # that a row shows; `breathline plan --json` has all


def headline(steps: Sequence[Step]) -> str:
    """Return how many stages run."""
    running = sum(step.runs for step in steps)
    return f"{running} of {len(steps)} stages run." if running else f"All {len(steps)} stages are up to date."


def show(steps: Sequence[Step]) -> str:
    """Return for each stage whether it runs, and why."""
    rows = [
        [
            markdown.code(step.stage),
            markdown.whole("▶ **runs**" if step.runs else "✓ up to date"),
            markdown.lines([markdown.text(reason) for reason in step.reasons], REASONS),
        ]
        for step in steps
    ]
    return markdown.table(["stage", "plan", "why"], rows) + "\n"
