"""Search for a patient beside the outs: cache, workspaces, folders of tools, Git, event log, other files."""

import os
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lineage import dvc_storage, error_texts, events, workspace_logs
from lineage.absence import cached_objects, git_search
from lineage.absence.cached_objects import CachedObjects
from lineage.absence.file_search import FileSearch, Remnant
from lineage.absence.git_search import GitObjects
from lineage.absence.stored_runs import WORKSPACES
from lineage.git import ask_git
from lineage.log_lines import line_of
from tasks import artifacts

REPRODUCTIONS = ".dvc/tmp/reproductions"
# Folders of interrupted work and of copies, which are made again where they are needed. They are erased whole: weights
# and states of unfinished trainings show nothing of the patients that they learned from. So are texts of errors: they
# may name a patient in any way.
COPIES = (".checkpoints", ".dvc/tmp/models", ".dvc/tmp/exps", REPRODUCTIONS)
EXPORTS = artifacts.AUDIT_EXPORTS.as_posix()  # searched file by file
# Folders that only stages and commands write to; a file there that is no out is left from an earlier run.
OF_STAGES = (f"{artifacts.DATA}/", f"{artifacts.REPORTS}/")
NOT_OTHER = (".git", ".dvc", ".lineage", artifacts.WITHDRAWALS.as_posix(), EXPORTS, *WORKSPACES, *COPIES)
NO_LINKS = (".git", ".dvc/cache")
TOOLS = re.compile(r"\.venv.*|__pycache__|\.\w+_cache|.*\.egg-info|node_modules|\.hypothesis|\.locks")


@dataclass(frozen=True, kw_only=True)
class Stores:
    """Data of a patient beside the outs.

    Attributes:
        cached: Objects of DVC's cache and what names them.
        experiments: Git references of DVC's experiments whose runs read data of the patient.
        workspaces: Workspaces with data of the patient.
        copies: Folders of interrupted work, copies and texts of errors; exports, temporary files and outs of earlier
            runs.
        files: Data of the patient in other files of the project, which users put there or Git tracks.
        versions: Tags of models whose run read data of the patient.
        in_git: Objects of Git with data of the patient.
        log_entries: Entries of event logs that name recordings of the patient: ``3``, ``3 of .leaderboard/x``.
        links: Links to places outside of the project, which are neither searched nor erased.
        unread: Files that could not be searched.
    """

    cached: CachedObjects
    experiments: tuple[str, ...]
    workspaces: tuple[Path, ...]
    copies: tuple[Path, ...]
    files: tuple[Remnant, ...]
    versions: tuple[str, ...]
    in_git: GitObjects
    log_entries: tuple[str, ...]
    links: tuple[str, ...]
    unread: tuple[str, ...]

    @property
    def erasable(self) -> list[str]:
        """Descriptions of the data that `breathline withdraw` can erase."""
        cached = [f"object {md5} of DVC's cache" for md5 in sorted(self.cached.objects)]
        entries = [f"entry {path.name} of the run-cache" for path in self.cached.entries]
        return [*cached, *entries, *self.experiments, *map(str, (*self.workspaces, *self.copies))]


def search(root: Path, searched: FileSearch, outs: Iterable[str], from_patient: Collection[str] = ()) -> Stores:
    """Search all stores of a project.

    Args:
        root: Root of the project.
        searched: Search for the patient, with the hashes of a run that had the patient.
        outs: Paths of the outs of all stages, which are searched elsewhere.
        from_patient: MD5 that an earlier search has found.

    Raises:
        BreathlineError: DVC's settings cannot be read.
    """
    cached = cached_objects.search(root, dvc_storage.cache_of(root), searched, from_patient)
    tracked = set((ask_git(root, "ls-files", "-z") or "").split("\0"))
    others = list(_other_files(root, searched, outs, tracked))
    left = [one for one in others if one.path not in tracked and one.path.startswith(OF_STAGES)]
    return Stores(
        cached=cached,
        experiments=tuple(git_search.experiments(root, cached.locks)),
        workspaces=tuple(_workspaces(root, searched, cached.workspaces)),
        copies=(*_copies(root, searched), *(root / name for name in dict.fromkeys(one.path for one in left))),
        files=tuple(one for one in others if one not in left),
        versions=tuple(git_search.tags(root, cached.locks)),
        in_git=git_search.search(root, searched),
        log_entries=tuple(_log_entries(root, searched)),
        links=tuple(_links(root, cached.cache_folder)),
        unread=tuple(dict.fromkeys(searched.unread)),
    )


def _links(root: Path, cache: Path) -> Iterator[str]:
    """Yield links to folders outside of the project, and, in places that are erased from, to such files.

    A folder of copies may be a link itself, as on a large disk: its content is erased.
    """
    known, erased = (root.resolve(), cache.resolve()), (*WORKSPACES, *COPIES, *OF_STAGES)
    linked = (root / name for name in (*WORKSPACES, *COPIES) if (root / name).is_symlink())
    for top in (root, *linked):
        for folder, folders, files in os.walk(top):
            at = Path(folder).relative_to(root)
            folders[:] = [one for one in folders if not TOOLS.fullmatch(one) and (at / one).as_posix() not in NO_LINKS]
            for path in (at / one for one in (*folders, *files) if (root / at / one).is_symlink()):
                name, target = path.as_posix(), (root / path).resolve()
                outside = target.exists() and not any(map(target.is_relative_to, known))
                if outside and name not in (*WORKSPACES, *COPIES) and (target.is_dir() or name.startswith(erased)):
                    yield f"{name}: a link to {target}"


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
    """Yield folders of copies that have files, and exports and temporary files with data of the patient."""
    logs = (root, *workspace_logs.others(root))
    whole = (*(root / name for name in COPIES), *(folder / error_texts.FOLDER for folder in logs))
    yield from (folder for folder in whole if any(files for _, _, files in os.walk(folder)))
    exports = [path for path in sorted((root / EXPORTS).rglob("*")) if path.is_file()]
    yield from (path for path in exports if searched.try_file(path.relative_to(root).as_posix(), by_name=True))
    torn = (path for folder in logs for path in (folder / ".lineage").glob("torn-*"))
    temporary = [*torn, *(root / ".dvc/tmp").glob("*")]
    yield from (path for path in sorted(temporary) if path.is_file() and searched.names(path.read_bytes()))


def _log_entries(root: Path, searched: FileSearch) -> Iterator[str]:
    for folder in (root, *workspace_logs.others(root)):
        of = f" of {os.path.relpath(folder, root)}" if folder != root else ""
        for entry in events.read_or_empty(folder):
            if searched.names(line_of(entry).encode()):
                yield f"{entry['number']}{of}"


def _other_files(root: Path, searched: FileSearch, outs: Iterable[str], tracked: Collection[str]) -> Iterator[Remnant]:
    """Yield data of the patient in files that are no outs; not the names of recordings in Breathline's code."""
    skipped = {*outs, *NOT_OTHER}
    for folder, folders, files in os.walk(root):
        at = Path(folder).relative_to(root)
        folders[:] = [one for one in folders if (at / one).as_posix() not in skipped and not TOOLS.fullmatch(one)]
        for name in ((at / file).as_posix() for file in sorted(files)):
            if name not in skipped and (root / name).is_file():
                found = searched.try_file(name, **({} if name.startswith(OF_STAGES) else {"by_name": True}))
                if name not in tracked or not git_search.is_example(name, found):
                    yield from found
