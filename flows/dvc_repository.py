"""DVC's view of a project: opened in one place, with errors that name the next step."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from flows.write_access import TEMPORARY, may_write
from lineage.git import ask_git
from tasks.runtime import yaml_files
from tasks.runtime.disk_errors import disk_errors
from tasks.runtime.errors import BreathlineError

if TYPE_CHECKING:
    from dvc.repo import Repo


@contextmanager
def open_repo(root: Path) -> Iterator[Repo]:
    """Yield DVC's view of a project.

    A user who may not write into the project gets a view with a lock and temporary files elsewhere, for reading.

    Raises:
        BreathlineError: The folder is no DVC project, only a folder above it is one, Git does not trust it, or a file
            cannot be read or written.
    """
    from dvc.exceptions import NotDvcRepoError
    from dvc.repo import Repo

    ask_git(root, "rev-parse", "--git-dir")  # its error for an untrusted repository is better than DVC's
    try:
        found = Path(Repo.find_root(str(root)))
    except NotDvcRepoError as error:
        hint = "run from the project; `git checkout .dvc` restores its settings"
        raise BreathlineError("The folder is no DVC project.", where=root, hint=hint) from error
    if found != root.resolve():
        what = f"The folder is no DVC project of its own: DVC would use {found}, which is above it."
        raise BreathlineError(what, where=root, hint="run `dvc init --subdir` here, and commit .dvc")
    if may_write(root / TEMPORARY) and may_write(root / TEMPORARY / "lock"):
        with disk_errors(), _encoding_errors(root), Repo(str(root)) as repo:
            yield repo
        return
    with disk_errors(), _encoding_errors(root), tempfile.TemporaryDirectory(prefix="breathline-dvc-") as folder:
        reading = type("ReadingRepo", (Repo,), {"tmp_dir": folder, "_ignore": lambda _: None})
        with reading(str(root)) as repo:
            yield repo


@contextmanager
def _encoding_errors(root: Path) -> Iterator[None]:
    """Name the `.dvcignore` of a project that is not UTF-8, which DVC does not; any folder may have one."""
    try:
        yield
    except UnicodeDecodeError:
        for path in sorted(root.rglob(".dvcignore")):
            yaml_files.read_text(path)
        raise
