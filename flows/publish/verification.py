"""Findings of a verification as Markdown: damage first, then changes and notes, and what to do next."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from flows.publish import markdown
from lineage.verify import summary
from lineage.verify.findings import OUTDATED, Finding, Report, Sample
from tasks.runtime.artifact_reading import read_json
from tasks.runtime.words import counted

# Next step by family of findings: the part of their kind before the first hyphen, or one of two groups of kinds.
NEXT = read_json(Path(__file__).with_name("next_steps.json"))
CONTENT = ("-contradicts", "-swapped")  # endings of kinds
SAME_FAMILY = {"runs": "run"}


def headline(report: Report) -> str:
    """Return whether all is as recorded, the kinds of damage, and the amount of data read."""
    scope = f"{counted(report.files, 'file')} ({report.bytes / 1e9:.2f} GB) read"
    if report.damage:
        kinds = ", ".join(dict.fromkeys(finding.kind for finding in report.damage))
        verdict = f"Not as recorded in {counted(len(report.damage), 'place')} ({kinds}): {scope}"
    else:
        verdict = f"All as recorded: {scope}"
    more = [f"{counted(len(report.outdated), 'change')} since the run"] if report.outdated else []
    more += [counted(len(report.notes), "note")] if report.notes else []
    return "; ".join([verdict, *more]) + "."


def line(finding: Finding) -> str:
    """Return a finding and its downstream stages in one line."""
    below = f"; downstream: {', '.join(finding.downstream)}" if finding.downstream else ""
    return f"{finding.kind}: {finding.where}: {finding.what}{below}"


def command(sample: Sample | None, *, elsewhere: bool, log_keys: Sequence[Path] = ()) -> str:
    """Return the command that repeats the verification."""
    options = f" --deep --sample {sample.sample} --seed {sample.seed}" if sample else ""
    options += f" --retrain {sample.retrain}" if sample and sample.retrain else ""
    options += "".join(f" --log-key {key}" for key in log_keys)
    return f"breathline audit verify{options}{' --elsewhere' if elsewhere else ''}"


def show(report: Report, by_hand: str) -> str:
    """Return a verification as Markdown: damage, changes since the run, notes, next steps, and the command for it."""
    parts = [f"{'✗' if report.damage else '✓'} **{headline(report)}**"]
    sections = {
        "Not as recorded": report.damage,
        "Changed since the run: no damage": report.outdated,
        "Notes": report.notes,
    }
    for title, findings in sections.items():
        if findings:
            parts += [f"### {title}", *_table(findings)]
    if report.findings:
        steps = dict.fromkeys(filter(None, map(_next, report.findings)))
        parts += ["### What next", "\n".join(f"- {step}" for step in steps)] if steps else []
    parts.append(f"The same on the command line, in full: {markdown.code(f'{by_hand} --all')}")
    return "\n\n".join(parts) + "\n"


def _table(findings: Sequence[Finding]) -> Iterator[str]:
    yield markdown.table(["kind", "where", "what", "downstream"], map(_row, summary.first(findings)))
    if left := summary.omitted_counts(findings):
        yield (
            "And " + ", ".join(f"{count} more of the kind {markdown.code(kind)}" for kind, count in left.items()) + "."
        )


def _row(finding: Finding) -> list[str]:
    below = ", ".join(map(markdown.code, summary.grouped(finding.downstream)))
    return [markdown.code(finding.kind), markdown.code(finding.where), markdown.text(finding.what), below]


def _next(finding: Finding) -> str | None:
    """Return the family of a finding and its next step, if there is one."""
    family = finding.kind.partition("-")[0]
    family = SAME_FAMILY.get(family, family)
    if finding.kind in OUTDATED:
        family = "changed since the run"
    elif family not in NEXT and finding.kind.endswith(CONTENT):
        family = "content"
    return f"**{family}**: {NEXT[family]}" if family in NEXT else None
