"""Checks of the recorded graph, parameters, code and environment against the current ones."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from lineage import code, record
from lineage.environment import LOCKED, differences, pinned
from lineage.files import hashes
from lineage.git import ask_git
from lineage.verify.audited_project import AuditedProject
from lineage.verify.findings import Finding, Severity
from tasks.runtime import params
from tasks.runtime.errors import BreathlineError
from tasks.runtime.params import flatten


def graph(audited: AuditedProject) -> Iterator[Finding]:
    """Yield stages whose command, deps or outs in dvc.yaml differ from those of their run."""
    for stage, found in audited.project.records.items():
        spec = audited.project.stages[stage]
        if found["command"] != spec.command:
            what = f"its command was `{found['command']}` and is `{spec.command}`"
            yield Finding("graph-changed", f"dvc.yaml: {stage}", what, (stage,))
        own = record.path_of(stage).as_posix()
        for kind, now in (("inputs", spec.inputs), ("code", spec.code), ("outputs", set(spec.outs) - {own})):
            then = {entry["path"] for entry in found[kind]}
            if then != set(now):
                changed = ", ".join(sorted(then ^ set(now)))
                what = f"its {kind} are no longer those of its run: {changed}"
                yield Finding("graph-changed", f"dvc.yaml: {stage}", what, (stage,))


def parameters(audited: AuditedProject) -> Iterator[Finding]:
    """Yield each parameter whose value in params.yaml differs from the one that its stages read."""
    changed: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for stage, found in audited.project.records.items():
        for key in dict.fromkeys([*found["params"], *audited.project.stages[stage].params]):
            try:
                now = flatten(params.section(audited.values, key), key)
            except BreathlineError:
                now = {}
            then = flatten(found["params"][key], key) if key in found["params"] else {}
            for leaf in [*then, *(set(now) - set(then))]:
                if leaf not in then or leaf not in now or then[leaf] != now[leaf]:
                    what = f"{then.get(leaf, 'absent')} → {now.get(leaf, 'absent')}"
                    changed[(leaf, what)].append(stage)
    for (leaf, what), stages in changed.items():
        yield Finding("params-changed", f"params.yaml: {leaf}", what, tuple(stages))


def modules(audited: AuditedProject) -> Iterator[Finding]:
    """Yield each module that differs from the version that stages ran, and modules that were added to their folders."""
    ran: defaultdict[str, defaultdict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    added: defaultdict[str, list[str]] = defaultdict(list)
    for stage, found in audited.project.records.items():
        listed = hashes(found["code"])
        for path, digest in (listed | found["modules"]).items():
            ran[path][digest].append(stage)
        for entry in found["code"]:
            if "files" in entry:
                for path in set(audited.hashes.listing(entry["path"])) - set(listed):
                    added[path].append(stage)
    edited = _uncommitted(audited.root)
    for path, versions in sorted(ran.items()):
        there = audited.hashes.of(path)
        stages = tuple(
            name for digest, names in versions.items() if not there or digest != there.sha256 for name in names
        )
        if there is None:
            yield Finding("module-missing", path, f"{len(stages)} stages ran it, and it is not there", stages)
        elif stages:
            state = "an uncommitted edit" if path in edited else "it was changed"
            yield Finding("module-changed", path, f"{state}: {len(stages)} stages ran another version", stages)
    for path, names in sorted(added.items()):
        what = f"it is new: {len(names)} stages that depend on its folder ran without it"
        yield Finding("module-added", path, what, tuple(names))


def _uncommitted(root: Path) -> set[str]:
    # Not `git status`, whose paths begin at the top of the repository.
    listed = ask_git(root, "diff", "--name-only", "--relative", "--no-renames", "-z", "HEAD", "--", ".") or ""
    untracked = ask_git(root, "ls-files", "--others", "--exclude-standard", "-z", "--", ".") or ""
    return {*listed.split("\0"), *untracked.split("\0")} - {""}


def environment(audited: AuditedProject, *, elsewhere: bool) -> Iterator[Finding]:
    """Yield differences in Python, the lock file and the pinned packages from the environment of the runs.

    Packages that requirements.lock does not pin are not compared. With ``elsewhere``, the run is from another machine,
    and other installed packages are only noted.
    """
    now, locked = code.environment(audited.root), pinned(audited.root)
    changed: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for stage, found in audited.project.records.items():
        for difference in differences(found["environment"], now, locked):
            changed[difference].append(stage)
    grouped: defaultdict[tuple[str, tuple[str, ...]], list[str]] = defaultdict(list)
    for (where, what), stages in changed.items():
        grouped[(where, tuple(stages))].append(what)
    for (where, some), texts in grouped.items():
        severity: Severity = "note" if elsewhere and where != LOCKED else "error"
        yield Finding("environment-changed", where, "; ".join(texts), some, severity)
