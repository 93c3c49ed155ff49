"""Checks of the recorded Git state: commits, diffs, clean and dirty trees, shallow clones."""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from lineage import code
from lineage.files import hashes
from lineage.git import ask_git, blobs, commit_of, prefix
from lineage.verify.audited_project import AuditedProject
from lineage.verify.findings import Finding, note

CHANGED = re.compile(r"^diff --git a/(.+) b/\1$", re.MULTILINE)


def check(audited: AuditedProject) -> Iterator[Finding]:
    """Yield contradictions between records and Git, and notes on runs outside of Git, on dirty trees or in clones."""
    here = code.git_state(audited.root)
    commits: defaultdict[str, list[str]] = defaultdict(list)
    for stage, found in audited.project.records.items():
        state = found.get("git") or {}
        if state.get("commit"):
            commits[state["commit"]].append(stage)
        digest = hashlib.sha256(str(state.get("diff")).encode()).hexdigest()
        if state.get("dirty") and digest != state.get("diff_sha256"):
            yield Finding("git-diff-changed", stage, "the diff in the record does not have the recorded hash", (stage,))
    lost = _unreachable(audited.root, commits)
    for commit, stages in commits.items():
        yield from _commit(audited, commit, stages, here)
        if commit in lost:
            yield _loose(commit, stages, in_reflog=lost[commit])
    yield from _states_of_runs(audited)
    if here is None:
        yield note("git-absent", ".", "this is no Git repository: commits cannot be looked up here")
        return
    if here["shallow"]:
        yield note("git-shallow", ".", "this is a shallow clone: earlier commits cannot be looked up here")
    if here["dirty"]:
        changed = sorted({*CHANGED.findall(here["diff"]), *here["untracked"]})
        yield note("git-dirty", ".", f"the tree differs from its commit: {_listed(changed)}")


def _unreachable(root: Path, commits: Iterable[str]) -> dict[str, bool]:
    """Return the commits that no branch, tag or other ref reaches, each with whether a reflog reaches it."""
    known = [commit for commit in commits if commit_of(root, commit) is not None]
    if not known:
        return {}
    from_refs, from_reflogs = (
        set((ask_git(root, "rev-list", *known, "--not", *refs) or "").split())
        for refs in (["--all"], ["--all", "--reflog"])
    )
    return {commit: commit not in from_reflogs for commit in known if commit in from_refs}


def _loose(commit: str, stages: list[str], *, in_reflog: bool) -> Finding:
    """Return the finding of a commit that no ref reaches: an error if Git has never had it checked out here."""
    where, what = f"commit {commit[:12]}", f"{_listed(stages)} ran on it, and no branch or tag reaches it"
    if in_reflog:
        what += ": it was amended or rebased since; a tag keeps it (`git tag NAME COMMIT`)"
        return note("git-commit-unreachable", where, what, stages)
    return Finding(
        "git-commit-unreachable",
        where,
        f"{what}, nor any reflog: it may have been made by hand, or Git forgot an amended commit after 30 days",
        tuple(stages),
    )


def _states_of_runs(audited: AuditedProject) -> Iterator[Finding]:
    """Yield notes on the Git state of the trees that stages ran on."""
    states = {stage: found.get("git") for stage, found in audited.project.records.items()}
    if outside := [stage for stage, state in states.items() if not state]:
        yield note("git-absent-run", "records", f"ran outside of a Git repository: {_listed(outside)}")
    if shallow := [stage for stage, state in states.items() if state and state.get("shallow")]:
        yield note("git-shallow-run", "records", f"ran in a shallow clone: {_listed(shallow)}")
    dirty: defaultdict[str, list[str]] = defaultdict(list)
    for stage, state in states.items():
        if state and state.get("dirty"):
            dirty[str(state.get("commit"))[:12]].append(stage)
    for commit, stages in dirty.items():
        what = f"ran on a tree that differed from its commit, and their records hold the diff: {_listed(stages)}"
        yield note("git-dirty-run", f"commit {commit}", what)


def _commit(
    audited: AuditedProject, commit: str, stages: list[str], here: Mapping[str, Any] | None
) -> Iterator[Finding]:
    """Yield the finding of a missing commit, or modules that neither the commit nor the recorded diff holds."""
    if here is None:
        return
    if commit_of(audited.root, commit) is None:
        where, what = f"commit {commit[:12]}", f"Git does not know the commit that {_listed(stages)} ran on"
        if here["shallow"]:
            yield note("git-commit-missing", where, f"{what}; this is a shallow clone")
        else:
            yield Finding("git-commit-missing", where, what, tuple(stages))
        return
    ran: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for stage in stages:
        found = audited.project.records[stage]
        state = found["git"]
        touched = {*CHANGED.findall(state.get("diff") or ""), *(state.get("untracked") or {})}
        listed = hashes(found["code"]) | found["modules"]
        for path, digest in listed.items():
            if path not in touched:
                ran[(path, digest)].append(stage)
    committed = _blob_hashes(audited.root, commit, {path for path, _ in ran})
    for (path, digest), names in sorted(ran.items()):
        if committed.get(path) != digest:
            what = f"the version that {_listed(names)} ran is neither in commit {commit[:12]} nor in the recorded diff"
            yield Finding("git-module-contradicts", path, what, tuple(names))


def _blob_hashes(root: Path, commit: str, paths: Iterable[str]) -> dict[str, str]:
    """Return the SHA-256 of files in a commit, by path below the project's root."""
    folder = prefix(root)
    found = blobs(root, (f"{commit}:{folder}{path}" for path in sorted(paths)))
    return {name.removeprefix(f"{commit}:{folder}"): hashlib.sha256(text).hexdigest() for name, text in found.items()}


def _listed(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
