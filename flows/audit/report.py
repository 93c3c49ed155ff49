"""What an audit found, in words."""

from __future__ import annotations

from flows.audit.rehash import Audit, Finding
from flows.publish import markdown

KINDS = {
    "out": "an out differs",
    "cache": "DVC's cache is damaged",
    "chain": "the chain is broken",
    "input": "an input was changed",
}
NEXT = {
    "out": "remove it; `dvc checkout PATH` brings back what the run made",
    "cache": "remove that copy; `dvc commit STAGE` (where the project's is whole) or `dvc fetch` brings it back",
    "chain": "`breathline run` brings what depends on it up to date",
    "input": "nothing is damaged; `breathline plan` tells what would run for it",
}


def headline(audit: Audit) -> str:
    """Return what was hashed, and how much of it is not as it was."""
    scope = f"{audit.files:,} files ({audit.size / 1e9:.2f} GB) of {audit.stages} stages hashed anew"
    if audit.damage:
        return f"Not as recorded in {len(audit.damage)} place{'s' * (len(audit.damage) > 1)}: {scope}."
    others = len(audit.findings)
    return f"All as recorded: {scope}" + (f"; {others} changes since the last run." if others else ".")


def line(finding: Finding) -> str:
    """Return a finding in one line, with all that depends on it."""
    below = f"; downstream: {', '.join(finding.downstream)}" if finding.downstream else ""
    return f"{finding.stage}: {finding.path}: {finding.what}{below}"


def show(audit: Audit) -> str:
    """Return an audit as Markdown: what differs, whose it is, and what depends on it."""
    parts = [f"{'✗' if audit.damage else '✓'} **{headline(audit)}**"]
    if audit.findings:
        header = ["", "stage", "path", "what", "downstream"]
        parts.append(markdown.table(header, map(_row, audit.findings)))
        kinds = dict.fromkeys(finding.kind for finding in audit.findings)
        parts.append("\n".join(f"- {KINDS[kind]}: {NEXT[kind]}" for kind in kinds))
    return "\n\n".join(parts) + "\n"


def _row(finding: Finding) -> list[str]:
    below = ", ".join(map(markdown.code, finding.downstream))
    sign = "✗" if finding.damage else "·"
    return [
        f"{sign} {KINDS[finding.kind]}",
        markdown.code(finding.stage),
        markdown.code(finding.path),
        markdown.text(finding.what),
        below,
    ]
