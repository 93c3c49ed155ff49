"""What records say of Git, against Git: commits, clean and dirty trees, shallow clones."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from lineage import code, files
from lineage.git import ask_git, ask_git_bytes
from lineage.verify.audited_project import Tree
from lineage.verify.findings import Finding

CHANGED = re.compile(r"^diff --git a/(.+) b/\1$", re.MULTILINE)


def check(tree: Tree) -> Iterator[Finding]:
    """Yield what Git contradicts, and what has to be known: runs outside of it, on dirty trees or in shallow clones."""
    here = code.git(tree.root)
    commits: defaultdict[str, list[str]] = defaultdict(list)
    for stage, found in tree.project.records.items():
        state = found.get("git") or {}
        if state.get("commit"):
            commits[state["commit"]].append(stage)
        if state.get("dirty") and _hash(str(state.get("diff"))) != state.get("diff_sha256"):
            what = "the diff in the record is not the one that its hash was taken of"
            yield Finding(kind="git-diff-changed", where=stage, what=what, stages=(stage,))
    for commit, stages in commits.items():
        yield from _commit(tree, commit, stages, here)
    yield from _ran(tree)
    if here is None:
        yield _note("git-absent", ".", "this is no Git repository: commits cannot be looked up here")
        return
    if here["shallow"]:
        yield _note("git-shallow", ".", "this is a shallow clone: earlier commits cannot be looked up here")
    if here["dirty"]:
        changed = sorted({*CHANGED.findall(here["diff"]), *here["untracked"]})
        yield _note("git-dirty", ".", f"the tree differs from its commit: {_listed(changed)}")


def _ran(tree: Tree) -> Iterator[Finding]:
    """Yield notes on the trees that stages ran on."""
    states = {stage: found.get("git") for stage, found in tree.project.records.items()}
    if outside := [stage for stage, state in states.items() if not state]:
        yield _note("git-absent-run", "records", f"ran outside of a Git repository: {_listed(outside)}")
    if shallow := [stage for stage, state in states.items() if state and state.get("shallow")]:
        yield _note("git-shallow-run", "records", f"ran in a shallow clone: {_listed(shallow)}")
    dirty: defaultdict[str, list[str]] = defaultdict(list)
    for stage, state in states.items():
        if state and state.get("dirty"):
            dirty[str(state.get("commit"))[:12]].append(stage)
    for commit, stages in dirty.items():
        what = f"ran on a tree that differed from its commit, and their records hold the diff: {_listed(stages)}"
        yield _note("git-dirty-run", f"commit {commit}", what)


def _commit(tree: Tree, commit: str, stages: list[str], here: Mapping[str, Any] | None) -> Iterator[Finding]:
    if here is None:
        return
    if ask_git(tree.root, "cat-file", "-e", f"{commit}^{{commit}}") is None:
        where, what = f"commit {commit[:12]}", f"Git does not know the commit that {_listed(stages)} ran on"
        if here["shallow"]:
            yield _note("git-commit-missing", where, f"{what}; this is a shallow clone")
        else:
            yield Finding(kind="git-commit-missing", where=where, what=what, stages=tuple(stages))
        return
    ran: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for stage in stages:
        found = tree.project.records[stage]
        state = found["git"]
        touched = {*CHANGED.findall(state.get("diff") or ""), *(state.get("untracked") or {})}
        listed = {path: file["sha256"] for path, file in files.flat(found["code"]).items()} | found["modules"]
        for path, digest in listed.items():
            if path not in touched:
                ran[(path, digest)].append(stage)
    held = _blobs(tree.root, commit, {path for path, _ in ran})
    for (path, digest), names in sorted(ran.items()):
        if held.get(path) != digest:
            what = f"{_listed(names)} ran, by the record, a version neither of commit {commit[:12]} nor of its diff"
            yield Finding(kind="git-module-contradicts", where=path, what=what, stages=tuple(names))


def _blobs(root: Path, commit: str, paths: Iterable[str]) -> dict[str, str]:
    """Return the SHA-256 of files as a commit holds them, by path from the project's root."""
    names = sorted(paths)
    prefix = ask_git(root, "rev-parse", "--show-prefix") or ""
    asked = "".join(f"{commit}:{prefix}{name}\n" for name in names).encode()
    found, rest = {}, ask_git_bytes(root, "cat-file", "--batch", stdin=asked) or b""
    for name in names:
        header, _, rest = rest.partition(b"\n")
        parts = header.rsplit(b" ", 2)
        if len(parts) == 3 and parts[1] == b"blob":
            size = int(parts[2])
            found[name] = hashlib.sha256(rest[:size]).hexdigest()
            rest = rest[size + 1 :]
    return found


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _note(kind: str, where: str, what: str) -> Finding:
    return Finding(kind=kind, where=where, what=what, severity="note")


def _listed(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
