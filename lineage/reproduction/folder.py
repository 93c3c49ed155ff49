"""Folder of a reproduction: the recorded code, parameters and inputs of a run, apart from the project's own files.

Inputs are links to objects of DVC's cache, which are never rewritten, or copies. Each is compared with its recorded
hash.
"""

import io
import json
import shutil
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from lineage import graph, record
from lineage.files import by_path
from lineage.git import ask_git, ask_git_bytes, git, tree_at
from lineage.reproduction.recorded_run import NotReproducibleError, RecordedRun
from tasks.artifacts import DATA, REPORTS
from tasks.runtime import params
from tasks.runtime.errors import BreathlineError
from tasks.runtime.files import sha256

FETCH = "get what a DVC remote has with `dvc fetch --all-commits`, then try again"
HINT = "`breathline audit verify` tells what else contradicts the record"
NOT_CODE = (DATA.name, REPORTS.name)


def prepare(run: RecordedRun, folder: Path) -> None:
    """Write the code of a run into an empty folder, and link its inputs.

    Raises:
        NotReproducibleError: Code, parameters or inputs of the run are not here, or Git has others than the record.
    """
    _check_paths(run)
    _write_code(run, folder)
    _check_code(run, folder)
    for entry in run.record["inputs"]:
        if "files" in entry:
            (folder / entry["path"]).mkdir(parents=True, exist_ok=True)  # also without a file, as `data/teachers`
    for path, file in by_path(run.record["inputs"]).items():
        _place(run, file, folder / path)
    made = [*run.record["outputs"], {"path": record.path_of(run.stage)}]
    if there := [entry["path"] for entry in made if (folder / entry["path"]).exists()]:
        what = f"The record of {run.stage} names {there[0]} as input and as out: the run would make nothing."
        raise NotReproducibleError(what, where=run.root / there[0], hint=HINT)


def _check_paths(run: RecordedRun) -> None:
    """Check that the recorded paths lead to files of the project, since files are written there.

    Raises:
        NotReproducibleError: A path is absolute, or leaves the project.
    """
    untracked = (run.record.get("git") or {}).get("untracked", {})
    folders = (entry["path"] for kind in ("inputs", "outputs") for entry in run.record[kind])
    for path in (*folders, *dict(run.files("inputs")), *dict(run.files("outputs")), *untracked):
        if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
            what = f"The record of {run.stage} names the path {path}, outside of the project."
            raise NotReproducibleError(what, where=run.root / record.path_of(run.stage), hint=HINT)


def _write_code(run: RecordedRun, folder: Path) -> None:
    """Write the files of the recorded commit, with the recorded uncommitted changes."""
    state = run.record.get("git")
    if not state or not state.get("commit"):
        what = f"The record of {run.stage} names no Git commit, so its code is not known."
        raise NotReproducibleError(what, where=run.root, hint="commit the code, and run the stage again")
    commit = state["commit"]
    kept = (ask_git(run.root, "rev-list", "--all", "--reflog", "HEAD") or "").split()
    archive = ask_git_bytes(run.root, "archive", "--format=tar", tree_at(run.root, commit)) if commit in kept else None
    if archive is None:
        what = f"No branch, tag or reflog has the commit {commit[:12]}, whose code {run.stage} ran."
        hint = "`git fetch --tags`, in a shallow clone `git fetch --unshallow`"
        raise NotReproducibleError(what, where=run.root, hint=hint)
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        members = [member for member in files if PurePosixPath(member.name).parts[0] not in NOT_CODE]
        files.extractall(folder, members, filter="data")
    if state.get("diff"):
        _apply(run, state["diff"], folder)
    for path, digest in state.get("untracked", {}).items():
        source = run.root / path
        if PurePosixPath(path).parts[0] in NOT_CODE:
            continue  # the inputs among them are placed as such, and outs are what the run makes
        if source.is_file() and sha256(source) == digest:  # `_check_code` names those that the stage lacks
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, folder / path)


def _apply(run: RecordedRun, diff: str, folder: Path) -> None:
    """Apply the recorded changes that were not committed.

    Raises:
        NotReproducibleError: The changes do not fit the commit.
    """
    # Without a repository around it, Git takes the paths of the diff as those below this folder. The record holds the
    # diff without its last line ends; a binary one ends with two.
    alone = {"GIT_CEILING_DIRECTORIES": str(folder.resolve().parent)}
    try:
        only_code = [f"--exclude={name}/*" for name in NOT_CODE]
        git(folder, "apply", "--whitespace=nowarn", *only_code, "-", env=alone, stdin=f"{diff}\n\n".encode())
    except BreathlineError as error:
        what = f"The recorded changes of {run.stage} do not fit its commit: {error.what}"
        raise NotReproducibleError(what, where=run.record["git"]["commit"], hint=HINT) from error


def _check_code(run: RecordedRun, folder: Path) -> None:
    """Check that modules, parameters and command are those of the record.

    Raises:
        NotReproducibleError: One of them is missing or differs.
    """
    recorded = dict(run.files("code")) | run.record["modules"]
    others = [path for path, digest in recorded.items() if not _is_file(folder / path, digest)]
    if others:
        more = f" and {len(others) - 1} more" if len(others) > 1 else ""
        what = f"Git does not give the code that {run.stage} ran: {others[0]}{more} differs from the record."
        raise NotReproducibleError(what, where=run.record["git"]["commit"], hint=HINT)
    try:
        spec, values = graph.read(folder).get(run.stage), params.read(folder / "params.yaml")
        now = {key: params.section(values, key) for key in run.record["params"]}
    except BreathlineError as error:
        raise NotReproducibleError(error.what, where=error.where, hint=HINT) from error
    if spec is None or spec.command != run.record["command"]:
        what = f"The dvc.yaml of the run has another command for {run.stage} than the record."
        raise NotReproducibleError(what, where=run.record["command"], hint=HINT)
    if changed := [key for key, value in run.record["params"].items() if _as_json(now[key]) != value]:
        what = f"The params.yaml of the run has another value of `{changed[0]}` than the record of {run.stage}."
        raise NotReproducibleError(what, where=run.record["git"]["commit"], hint=HINT)


def _place(run: RecordedRun, described: Mapping[str, Any], target: Path) -> None:
    """Link or copy an input with its recorded content.

    Raises:
        NotReproducibleError: Neither the cache, nor Git, nor the project has that content.
    """
    path, digest = described["path"], described["sha256"]
    target.parent.mkdir(parents=True, exist_ok=True)
    file = run.folder / path
    if file.is_symlink() and _is_known(run, file, digest):
        target.symlink_to(file.resolve())  # a revision is laid out as links to the cache
        return
    with run.evidence.original(path, digest, described.get("bytes")) as held:
        if held is not None and held.is_relative_to(run.evidence.cache.objects):
            target.symlink_to(held)
        elif held is not None or _is_known(run, file, digest):
            # A copy: DVC replaces and people change the files of a project while the reproduction reads them.
            shutil.copyfile(held or file, target)
        else:
            what = f"The input {path} of {run.stage} is not here as it was: SHA-256 {digest[:12]}…"
            raise NotReproducibleError(what, where=run.root / path, hint=FETCH)


def _is_file(path: Path, digest: str) -> bool:
    return path.is_file() and sha256(path) == digest


def _is_known(run: RecordedRun, path: Path, digest: str) -> bool:
    """Return whether a file of the run has a hash; each file of a verification is read once."""
    found = run.evidence.hashes.of(path)
    return found is not None and found.sha256 == digest


def _as_json(value: Any) -> Any:
    return json.loads(json.dumps(value))


def code_of(record: Mapping[str, Any]) -> Iterator[str]:
    """Yield in words where the code of a run comes from."""
    state = record["git"]
    yield f"commit {state['commit'][:12]}"
    if state.get("diff"):
        yield f"changes that were not committed (SHA-256 {state['diff_sha256'][:12]}…)"
