"""Return of a stage's outs from a remote worker: data by the DVC remote, all other files by a commit.

DVC's run-cache alone is not enough, for three reasons:

- DVC saves no entry for a stage with an out that Git keeps and that is neither metric nor plot, such as `evaluate`.
- DVC pushes no content of such files.
- Two entries with equal inputs cannot be told apart (a forced stage).

If an entry is missing, `dvc repro --pull` runs the stage without a message.
"""

import logging
import shutil
from pathlib import Path
from typing import Any

from flows.git_commits import commit_working_tree
from flows.remote.stage_files import StageFiles, files_below, find, locked_repo
from flows.remote.transfer_commands import TransferCommands
from lineage import adoption, events, record
from lineage.dvc_storage import LOCK, read_lock
from lineage.git import file_at, git
from tasks.runtime.errors import BreathlineError


def send(commands: TransferCommands, stage: str, files: StageFiles, *, repository: str, ref: str, remote: str) -> None:
    """Push the outs of a stage: data and run-cache to the DVC remote, then ``dvc.lock`` and other outs by Git."""
    commands.dvc("push", "--run-cache", "--remote", remote, stage)
    also = (LOCK, str(events.LOG), *files_below(commands.root, files.git_outs))
    made = commit_working_tree(commands.root, f"breathline: {stage}, as a worker has run it", extra_files=also)
    commands.git("push", "--quiet", "--no-verify", "--force", "--end-of-options", repository, f"{made}:{ref}")


def fetch(commands: TransferCommands, stage: str, files: StageFiles, *, commit: str, remote: str) -> None:
    """Copy the outs of a stage into the project, and the worker's entry into its ``dvc.lock``.

    The stage's command does not run: files come from the worker's commit, already fetched, and from the DVC remote.
    """
    from dvc.stage.loader import StageLoader

    root = commands.root
    entry = _entry(root, commit, stage)
    with locked_repo(root, commands.processes) as repo:
        for out in files.git_outs:
            _replace(root, commit, out)
        found = find(repo, stage)
        StageLoader.fill_from_lock(found, entry)
        logging.getLogger("dvc.dvcfile").setLevel(logging.WARNING)  # it logs every write beside the run's own log
        found.dump(update_pipeline=False)
        for out in found.outs:
            Path(out.fs_path).parent.mkdir(parents=True, exist_ok=True)  # DVC writes .gitignore there
            out.ignore()
    # With the run-cache, a later return to these inputs needs neither worker nor network.
    commands.dvc("pull", "--run-cache", "--force", "--remote", remote, stage)
    if (root / record.path_of(stage)).is_file():
        adoption.adopt(root, stage, (file_at(root, commit, events.LOG.as_posix()) or b"").decode())


def _entry(root: Path, commit: str, stage: str) -> dict[str, Any]:
    recorded = read_lock(file_at(root, commit, LOCK) or b"")
    entry = dict(recorded.get(stage, {}))
    if not entry.get("outs"):
        raise BreathlineError(
            f"The worker has recorded no outs of {stage}.",
            where=f"{LOCK} in the commit {commit}",
            hint="see its log; if it made no outs, run the stage on this machine",
        )
    return entry


def _replace(root: Path, commit: str, out: str) -> None:
    """Replace a file, or a folder of files, by that of a commit."""
    if (root / out).is_dir():
        shutil.rmtree(root / out)
    (root / out).unlink(missing_ok=True)
    for name in git(root, "ls-tree", "-r", "-z", "--name-only", commit, "--", out).split("\0"):
        content = file_at(root, commit, name) if name else None
        if content is not None:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(content)
