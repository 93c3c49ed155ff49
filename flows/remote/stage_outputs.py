"""How the outs of a stage come back: what DVC keeps by its remote, all else in a commit.

DVC's run-cache alone could not carry them. DVC saves no entry for a stage with an out that Git keeps and that is
neither metric nor plot (`evaluate` has one), pushes no content of such files, and cannot say which of two entries with
equal inputs was meant (a forced stage). Where an entry is missing, `dvc repro --pull` runs the stage without a word.
"""

from __future__ import annotations

import logging
import shutil
import subprocess
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from flows.git_commits import commit_working_tree, git
from flows.remote.stage_files import Parts, files_below, find, held
from flows.remote.transfer_commands import Transfers
from lineage import adoption, code, events, record
from tasks.runtime.errors import BreathlineError

LOCK = "dvc.lock"


def send(clone: Transfers, stage: str, parts: Parts, *, repository: str, ref: str, remote: str) -> None:
    """Push what a stage has made: data and the run-cache to the DVC remote, then ``dvc.lock`` and the rest by Git.

    Raises:
        StageFailedError: A remote does not take it.
    """
    clone.dvc("push", "--run-cache", "--remote", remote, stage)
    also = (LOCK, str(events.LOG), *files_below(clone.root, parts.git_outs))
    made = commit_working_tree(clone.root, f"breathline: {stage}, as a worker has run it", also=also)
    clone.git("push", "--quiet", "--no-verify", "--force", repository, f"{made}:{ref}")


def take(project: Transfers, stage: str, parts: Parts, *, commit: str, remote: str) -> None:
    """Bring the outs of a stage into the project, and into its ``dvc.lock`` what the worker has recorded.

    No command of the stage runs; files come from the commit and from the DVC remote.

    Args:
        project: The project, and how to move files into it.
        stage: The stage's name.
        parts: What it reads and makes.
        commit: What the worker has sent, already fetched.
        remote: The DVC remote.

    Raises:
        BreathlineError: The commit tells nothing of the stage.
        StageFailedError: Data is not in the DVC remote.
    """
    from dvc.stage.loader import StageLoader

    root = project.root
    entry = _entry(root, commit, stage)
    with held(root, project.groups) as repo:
        for out in parts.git_outs:
            _replace(root, commit, out)
        found = find(repo, stage)
        StageLoader.fill_from_lock(found, entry)
        logging.getLogger("dvc.dvcfile").setLevel(logging.WARNING)  # it tells of every write, beside the run's own log
        found.dump(update_pipeline=False)
        for out in found.outs:
            Path(out.fs_path).parent.mkdir(parents=True, exist_ok=True)  # that is where .gitignore names it
            out.ignore()
    # The run-cache comes along, so that going back to these inputs needs neither worker nor network.
    project.dvc("pull", "--run-cache", "--force", "--remote", remote, stage)
    if (root / record.path_of(stage)).is_file():
        adoption.adopt(root, stage, code.ask_git(root, "show", f"{commit}:{events.LOG}") or "")


def _entry(root: Path, commit: str, stage: str) -> dict[str, Any]:
    recorded = YAML(typ="safe").load(git(root, "show", f"{commit}:{LOCK}"))
    entry: dict[str, Any] | None = recorded.get("stages", {}).get(stage)
    if not entry or not entry.get("outs"):
        raise BreathlineError(
            f"The worker has recorded no outs of {stage}.",
            where=f"{LOCK} in the commit {commit}",
            hint="look at its log; without outs, run the stage on this machine",
        )
    return entry


def _replace(root: Path, commit: str, out: str) -> None:
    """Put a file, or a folder of files, as the commit has it where the old one was."""
    if (root / out).is_dir():
        shutil.rmtree(root / out)
    (root / out).unlink(missing_ok=True)
    for name in git(root, "ls-tree", "-r", "-z", "--name-only", commit, "--", out).split("\0"):
        if name:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shown = subprocess.run(["git", "show", f"{commit}:{name}"], cwd=root, capture_output=True, check=True)
            (root / name).write_bytes(shown.stdout)
