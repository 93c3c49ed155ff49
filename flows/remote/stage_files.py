"""Files of a stage by transport: inputs and outs that Git carries, and those that DVC carries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from flows.dvc_repository import open_repo
from flows.graph import overlap
from flows.processes import files_in_use
from flows.processes.process_groups import ProcessGroups
from flows.processes.stage_errors import StageFailedError
from lineage.git import git
from tasks.runtime.errors import BreathlineError

if TYPE_CHECKING:
    from dvc.repo import Repo
    from dvc.stage import Stage

CONFIG = ".dvc/config"


@dataclass(frozen=True)
class StageFiles:
    """Files and folders of a stage, as paths below the project's root.

    Attributes:
        dvc_deps: Inputs that other stages make and DVC's cache keeps.
        git_deps: Inputs that other stages make and Git keeps (``cache: false``).
        files: Other inputs, with the files that define the stage; the commit has to hold all of them.
        git_outs: Outs of the stage that Git keeps.
        gpu: Whether the stage uses a GPU if the machine has one.
    """

    dvc_deps: tuple[str, ...]
    git_deps: tuple[str, ...]
    files: tuple[str, ...]
    git_outs: tuple[str, ...]
    gpu: bool


@contextmanager
def locked_repo(root: Path, processes: ProcessGroups) -> Iterator[Repo]:
    """Wait for DVC's lock, and yield DVC's view of the project while no other process writes ``dvc.lock``."""
    from dvc.exceptions import DvcException
    from dvc.lock import LockError

    try:
        with open_repo(root) as repo:
            while True:
                try:
                    repo.lock.lock()
                    break
                except LockError as error:  # after 3 s of trying
                    if processes.ended:
                        raise StageFailedError("The run is ending; no other command starts.") from error
            try:
                files_in_use.restore(repo)  # a command of DVC follows, to push or pull
                yield repo
            finally:
                repo.lock.unlock()
    except DvcException as error:
        raise BreathlineError(
            "DVC cannot read the graph.", where=error, hint="correct dvc.yaml or params.yaml"
        ) from error


def read(repo: Repo, name: str) -> StageFiles:
    """Return the files of a stage."""
    from dvc.dependency import ParamsDependency

    stage = find(repo, name)
    outside = [dep.def_path for dep in stage.deps if dep.protocol == "local" and not dep.is_in_repo]
    if outside:
        raise BreathlineError(
            f"The stage {name} reads files outside of the project, which no other worker has.",
            where=", ".join(outside),
            hint="add them to the project with `dvc add`, or run the stage on this machine",
        )
    deps = [_path(repo, dep) for dep in stage.deps if dep.protocol == "local"]
    data = [_path(repo, dep) for dep in stage.deps if not isinstance(dep, ParamsDependency) and dep.protocol == "local"]
    made = [(_path(repo, out), out, other) for other in repo.index.stages if other != stage for out in other.outs]
    needed = [(path, out, other) for path, out, other in made if overlap(path, data)]
    dvc_deps = tuple(sorted({path for path, out, _ in needed if out.use_cache}))
    git_deps = tuple(sorted({path for path, out, _ in needed if not out.use_cache}))
    described = {CONFIG, stage.path_in_repo, *(other.path_in_repo for _, _, other in needed)}
    return StageFiles(
        dvc_deps=dvc_deps,
        git_deps=git_deps,
        files=tuple(sorted({*deps, *described} - {*dvc_deps, *git_deps})),
        git_outs=tuple(_path(repo, out) for out in stage.outs if not out.use_cache),
        gpu=bool((stage.meta or {}).get("gpu")),
    )


def find(repo: Repo, name: str) -> Stage:
    """Return DVC's own object for a stage."""
    for stage in repo.index.stages:
        if getattr(stage, "name", None) == name:
            return stage
    raise BreathlineError(f"There is no stage `{name}`.", where="dvc.yaml", hint="`breathline plan` lists the stages")


def check_in_git(repo: Repo, files: StageFiles) -> None:
    """Check that Git tracks every input of a stage that other stages do not make."""
    root = Path(repo.root_dir)
    listed = git(root, "ls-files", "-z", "--others", "--", *files.files) if files.files else ""
    known = (*files.dvc_deps, *files.git_deps)
    missing = [
        name
        for name in listed.split("\0")
        if name
        and not any(PurePosixPath(name).is_relative_to(path) for path in known)
        and not repo.dvcignore.is_ignored_file(str(root / name))
    ]
    if missing:
        more = f" and {len(missing) - 10} more" if len(missing) > 10 else ""
        raise BreathlineError(
            "The stage reads files that Git does not track, which no other worker has.",
            where=", ".join(missing[:10]) + more,
            hint="`git add` them; a commit is not needed",
        )


def files_below(root: Path, paths: Iterable[str]) -> list[str]:
    """Return the files at or below some paths, relative to the root, sorted."""
    found = {file for path in paths for file in [root / path, *(root / path).rglob("*")] if file.is_file()}
    return sorted(file.relative_to(root).as_posix() for file in found)


def _path(repo: Repo, item: Any) -> str:
    """Return the path of an out or a dep below the root, or its address if it lies outside."""
    if not item.is_in_repo:
        return str(item.def_path)
    return Path(item.fs_path).relative_to(repo.root_dir).as_posix()
