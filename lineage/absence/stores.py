"""Search for a patient beside the outs: cache, workspaces, folders of tools, Git, event log, other files."""

import os
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lineage import dvc_storage, events, workspace_logs
from lineage.absence import cached_objects, git_search
from lineage.absence.cached_objects import CachedObjects
from lineage.absence.file_search import FileSearch, Remnant
from lineage.absence.stored_runs import WORKSPACES
from lineage.git import ask_git
from lineage.log_lines import line_of
from tasks import artifacts

# Folders of interrupted work and of copies, which are made again where they are needed.
COPIES = (
    ".checkpoints",
    ".dvc/tmp/models",
    ".dvc/tmp/exps",
    ".dvc/tmp/reproductions",
    artifacts.AUDIT_EXPORTS.as_posix(),
)
# Folders that only stages and commands write to; a file there that is no out is left from an earlier run.
OF_STAGES = (artifacts.DATA, artifacts.REPORTS)
NOT_OTHER = (".git", ".dvc", ".lineage", artifacts.WITHDRAWALS.as_posix(), *WORKSPACES, *COPIES)
TOOLS = re.compile(r"\.venv.*|__pycache__|\.\w+_cache|.*\.egg-info|node_modules|\.hypothesis|\.locks")


@dataclass(frozen=True, kw_only=True)
class Stores:
    """Data of a patient beside the outs.

    Attributes:
        cached: Objects of DVC's cache and what names them.
        experiments: Git references of DVC's experiments whose runs read data of the patient.
        workspaces: Workspaces with data of the patient.
        copies: Folders of interrupted work, copies and exports; temporary files and outs of earlier runs.
        files: Data of the patient in other files of the project, which users put there.
        versions: Tags of models whose run read data of the patient.
        in_git: Paths in Git's history whose content names recordings of the patient.
        log_entries: Entries of event logs that name recordings of the patient: ``3``, ``3 of .leaderboard/x``.
        unread: Files that could not be searched.
    """

    cached: CachedObjects
    experiments: tuple[str, ...]
    workspaces: tuple[Path, ...]
    copies: tuple[Path, ...]
    files: tuple[Remnant, ...]
    versions: tuple[str, ...]
    in_git: tuple[str, ...]
    log_entries: tuple[str, ...]
    unread: tuple[str, ...]

    @property
    def erasable(self) -> list[str]:
        """What `breathline withdraw` erases and is still there, in words."""
        cached = [f"object {md5} of DVC's cache" for md5 in sorted(self.cached.objects)]
        entries = [f"entry {path.name} of the run-cache" for path in self.cached.entries]
        return [*cached, *entries, *self.experiments, *map(str, (*self.workspaces, *self.copies))]


def search(root: Path, searched: FileSearch, outs: Iterable[str], tainted: Collection[str] = ()) -> Stores:
    """Search all stores of a project.

    Args:
        root: Root of the project.
        searched: Search for the patient, with the hashes of a run that had the patient.
        outs: Paths of the outs of all stages, which are searched elsewhere.
        tainted: MD5 that an earlier search has found.

    Raises:
        BreathlineError: DVC's settings cannot be read.
    """
    cached = cached_objects.search(root, dvc_storage.cache_of(root), searched, tainted)
    others = list(_other_files(root, searched, outs))
    left = [one for one in others if Path(one.path).is_relative_to(OF_STAGES[0]) or _is_report(one.path)]
    return Stores(
        cached=cached,
        experiments=tuple(git_search.experiments(root, cached.locks)),
        workspaces=tuple(_workspaces(root, searched, cached.workspaces)),
        copies=(*_copies(root, searched), *(root / name for name in dict.fromkeys(one.path for one in left))),
        files=tuple(one for one in others if one not in left),
        versions=tuple(git_search.tags(root, cached.locks)),
        in_git=tuple(git_search.files_in_history(root, searched)),
        log_entries=tuple(_log_entries(root, searched)),
        unread=tuple(searched.unread),
    )


def _is_report(name: str) -> bool:
    return Path(name).is_relative_to(OF_STAGES[1])


def _workspaces(root: Path, searched: FileSearch, known: Collection[str]) -> Iterator[Path]:
    """Yield the workspaces whose dvc.lock names a run with the patient, or whose files have data of the patient."""
    for folder in sorted(path for name in WORKSPACES for path in (root / name).glob("*/")):
        files = (path for path in sorted(folder.rglob("*")) if path.is_file() and not _is_of_log(path, folder))
        names = (path.relative_to(root).as_posix() for path in files)
        ran = folder.relative_to(root).as_posix() in known and (folder / dvc_storage.LOCK).is_file()
        if ran or any(map(searched.try_file, names)):
            yield folder


def _is_of_log(path: Path, workspace: Path) -> bool:
    """Return whether a path belongs to the event log of a workspace, which stays."""
    return path.relative_to(workspace).parts[0] == ".lineage"


def _copies(root: Path, searched: FileSearch) -> Iterator[Path]:
    """Yield folders of copies that have files, and temporary files with the name of a recording of the patient."""
    for name in COPIES:
        if (root / name).is_dir() and any(path.is_file() for path in (root / name).rglob("*")):
            yield root / name
    torn = (path for folder in (root, *workspace_logs.others(root)) for path in (folder / ".lineage").glob("torn-*"))
    temporary = [*torn, *(root / ".dvc/tmp").glob("*")]
    yield from (path for path in sorted(temporary) if path.is_file() and searched.names(path.read_bytes()))


def _log_entries(root: Path, searched: FileSearch) -> Iterator[str]:
    for folder in (root, *workspace_logs.others(root)):
        of = f" of {os.path.relpath(folder, root)}" if folder != root else ""
        for entry in events.read_or_empty(folder):
            if searched.names(line_of(entry).encode()):
                yield f"{entry['number']}{of}"


def _other_files(root: Path, searched: FileSearch, outs: Iterable[str]) -> Iterator[Remnant]:
    """Yield data of the patient in files that Git does not track and that are no outs."""
    tracked = set((ask_git(root, "ls-files", "-z") or "").split("\0"))
    skipped = {*outs, *NOT_OTHER}
    for folder, folders, files in os.walk(root):
        at = Path(folder).relative_to(root)
        folders[:] = [one for one in folders if (at / one).as_posix() not in skipped and not TOOLS.fullmatch(one)]
        for name in ((at / file).as_posix() for file in sorted(files)):
            if name not in tracked and name not in skipped and (root / name).is_file():
                yield from searched.try_file(name)
