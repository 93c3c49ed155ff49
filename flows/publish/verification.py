"""What a verification found, for those who look at a nightly audit in the morning: damage first, and what to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from flows.publish import markdown
from lineage.verify import summary
from lineage.verify.findings import MOVED_ON, Depth, Finding, Report

# By family: what kinds have before the first hyphen.
NEXT = {
    "out": "remove what is wrong; `dvc checkout PATH` (small reports: `git checkout -- PATH`) brings back what the run "
    "made; where nothing has it, `breathline run` makes it anew",
    "input": "`breathline run` brings what depends on it up to date; what no stage made is to be removed",
    "record": "`dvc checkout PATH` brings back the record that dvc.lock names; `breathline run --force STAGE` makes it "
    "and its outs anew",
    "lock": "`git checkout -- dvc.lock` brings back what was committed, `dvc checkout` then what that names",
    "cache": "remove a broken object; `dvc commit STAGE` (where the project's file is whole) or `dvc fetch` puts a "
    "whole one there",
    "log": "find out who wrote to `.lineage/`, and bring it back from a backup: nothing can make it anew",
    "run": "`breathline run` makes what did not end well; who ran equal inputs with other outs, when and where, is in "
    "`.lineage/events.jsonl`",
    "git": "`git fetch` (`--unshallow` in a shallow clone) brings commits that are missing; commit what is to be kept",
    "stage": "`breathline plan` tells what would run",
    "unchecked": "mend what could not be read first, then `breathline audit verify`",
}
SINCE = "nothing is damaged; `breathline plan` tells what would run for it"
SENSE = "find what does not fit the rest (`breathline audit trace WHERE`); `breathline run --force STAGE` makes it anew"
SENSES = ("-contradicts", "-swapped")
ALIKE = {"runs": "run"}


def headline(report: Report) -> str:
    """Return whether all is as recorded, what is not, and how much was read."""
    scope = f"{summary.count(report.files, 'file')} ({report.bytes / 1e9:.2f} GB) read"
    if report.damage:
        kinds = ", ".join(dict.fromkeys(finding.kind for finding in report.damage))
        said = f"Not as recorded in {summary.count(len(report.damage), 'place')} ({kinds}): {scope}"
    else:
        said = f"All as recorded: {scope}"
    more = [f"{summary.count(len(report.moved_on), 'change')} since the run"] if report.moved_on else []
    more += [summary.count(len(report.notes), "note")] if report.notes else []
    return "; ".join([said, *more]) + "."


def line(finding: Finding) -> str:
    """Return a finding in one line, with all that depends on it."""
    below = f"; downstream: {', '.join(finding.downstream)}" if finding.downstream else ""
    return f"{finding.kind}: {finding.where}: {finding.what}{below}"


def command(depth: Depth | None, *, elsewhere: bool) -> str:
    """Return the command that finds the same."""
    options = f" --deep --sample {depth.sample} --seed {depth.seed}" if depth else ""
    return f"breathline audit verify{options}{' --elsewhere' if elsewhere else ''}"


def show(report: Report, by_hand: str) -> str:
    """Return a verification as Markdown: damage, what changed since the run, notes, and what to do about each.

    Args:
        report: What was found.
        by_hand: The command that finds the same.
    """
    parts = [f"{'✗' if report.damage else '✓'} **{headline(report)}**"]
    sections = {
        "Not as recorded": report.damage,
        "Changed since the run: no damage": report.moved_on,
        "To be known": report.notes,
    }
    for title, findings in sections.items():
        if findings:
            parts += [f"### {title}", *_table(findings)]
    if report.findings:
        steps = dict.fromkeys(filter(None, map(_next, report.findings)))
        parts += ["### What next", "\n".join(f"- {step}" for step in steps)] if steps else []
    parts.append(f"The same by hand, whole: {markdown.code(f'{by_hand} --all')}")
    return "\n\n".join(parts) + "\n"


def _table(findings: Sequence[Finding]) -> Iterator[str]:
    yield markdown.table(["kind", "where", "what", "downstream"], map(_row, summary.first(findings)))
    if left := summary.left(findings):
        yield (
            "And " + ", ".join(f"{count} more of the kind {markdown.code(kind)}" for kind, count in left.items()) + "."
        )


def _row(finding: Finding) -> list[str]:
    below = ", ".join(map(markdown.code, summary.grouped(finding.downstream)))
    return [markdown.code(finding.kind), markdown.code(finding.where), markdown.text(finding.what), below]


def _next(finding: Finding) -> str | None:
    """Return the family of a finding with what to do about it; none where nothing is to be done."""
    kind = finding.kind
    family = ALIKE.get(kind.partition("-")[0], kind.partition("-")[0])
    if kind in MOVED_ON:
        return f"**changed since the run**: {SINCE}"
    if family in NEXT:
        return f"**{family}**: {NEXT[family]}"
    return f"**sense**: {SENSE}" if kind.endswith(SENSES) else None
