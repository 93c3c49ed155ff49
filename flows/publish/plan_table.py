"""The plan of a run, before anything of it ran."""

from __future__ import annotations

from collections.abc import Sequence

from flows.plan import Step
from flows.publish import markdown

REASONS = 4  # that a row shows; `breathline plan --json` has all


def show(steps: Sequence[Step]) -> str:
    """Return how many stages run, and for each whether it does, and why."""
    running = sum(step.runs for step in steps)
    head = f"{running} of {len(steps)} stages run." if running else f"All {len(steps)} stages are up to date."
    rows = [
        [
            markdown.code(step.stage),
            "▶ **runs**" if step.runs else "✓ up to date",
            markdown.lines([markdown.text(reason) for reason in step.reasons], REASONS),
        ]
        for step in steps
    ]
    return f"**{head}**\n\n{markdown.table(['stage', 'plan', 'why'], rows)}\n"
