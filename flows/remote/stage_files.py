"""What a stage reads and makes, and which of Git and DVC brings it from one machine to another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from flows.git_commits import git
from flows.processes.stage_process import Groups, StageFailedError
from tasks.runtime.errors import BreathlineError

if TYPE_CHECKING:
    from dvc.repo import Repo
    from dvc.stage import Stage

CONFIG = ".dvc/config"


@dataclass(frozen=True)
class Parts:
    """The files and folders of a stage, as paths below the project's root.

    Attributes:
        dvc_deps: Outs of other stages that it reads and that DVC's cache keeps.
        git_deps: Outs of other stages that it reads and that Git keeps (``cache: false``).
        files: What else it reads, the files that describe it among them: all of it has to be in the commit.
        git_outs: Outs of its own that Git keeps.
        gpu: Whether it uses a GPU where there is one.
    """

    dvc_deps: tuple[str, ...]
    git_deps: tuple[str, ...]
    files: tuple[str, ...]
    git_outs: tuple[str, ...]
    gpu: bool


@contextmanager
def held(root: Path, groups: Groups) -> Iterator[Repo]:
    """Yield DVC's view of the project while no other DVC process reads or writes ``dvc.lock``; wait for that.

    Raises:
        StageFailedError: The run is ending.
        BreathlineError: DVC cannot read the project.
    """
    from dvc.exceptions import DvcException
    from dvc.lock import LockError
    from dvc.repo import Repo

    try:
        with Repo(str(root)) as repo:
            while True:
                try:
                    repo.lock.lock()
                    break
                except LockError as error:  # after 3 s of trying
                    if groups.ended:
                        raise StageFailedError("The run is ending; nothing starts any more.") from error
            try:
                yield repo
            finally:
                repo.lock.unlock()
    except DvcException as error:
        raise BreathlineError("DVC cannot read the graph.", where=error, hint="mend dvc.yaml or params.yaml") from error


def read(repo: Repo, name: str) -> Parts:
    """Return the parts of the stage of that name.

    Raises:
        BreathlineError: There is no such stage, or it reads a file outside of the project.
    """
    from dvc.dependency import ParamsDependency

    stage = find(repo, name)
    outside = [dep.def_path for dep in stage.deps if dep.protocol == "local" and not dep.is_in_repo]
    if outside:
        raise BreathlineError(
            f"The stage {name} reads what is not in the project, so that no other worker has it.",
            where=", ".join(outside),
            hint="bring it into the project with `dvc add`, or run the stage on this machine",
        )
    deps = [_path(repo, dep) for dep in stage.deps if dep.protocol == "local"]
    data = [_path(repo, dep) for dep in stage.deps if not isinstance(dep, ParamsDependency) and dep.protocol == "local"]
    made = [(_path(repo, out), out, other) for other in repo.index.stages if other != stage for out in other.outs]
    needed = [(path, out, other) for path, out, other in made if any(_overlap(path, dep) for dep in data)]
    dvc_deps = tuple(sorted({path for path, out, _ in needed if out.use_cache}))
    git_deps = tuple(sorted({path for path, out, _ in needed if not out.use_cache}))
    described = {CONFIG, stage.path_in_repo, *(other.path_in_repo for _, _, other in needed)}
    return Parts(
        dvc_deps=dvc_deps,
        git_deps=git_deps,
        files=tuple(sorted({*deps, *described} - {*dvc_deps, *git_deps})),
        git_outs=tuple(_path(repo, out) for out in stage.outs if not out.use_cache),
        gpu=bool((stage.meta or {}).get("gpu")),
    )


def find(repo: Repo, name: str) -> Stage:
    """Return DVC's own object for the stage of that name.

    Raises:
        BreathlineError: There is none.
    """
    for stage in repo.index.stages:
        if getattr(stage, "name", None) == name:
            return stage
    raise BreathlineError(f"There is no stage `{name}`.", where="dvc.yaml", hint="`breathline plan` names them")


def check_in_git(repo: Repo, parts: Parts) -> None:
    """Refuse to send a stage away without files that it reads and that Git does not track.

    Raises:
        BreathlineError: There are such files; they are named.
    """
    root = Path(repo.root_dir)
    listed = git(root, "ls-files", "-z", "--others", "--", *parts.files) if parts.files else ""
    known = (*parts.dvc_deps, *parts.git_deps)
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
            "The stage reads files that Git does not track, so that no other worker would have them.",
            where=", ".join(missing[:10]) + more,
            hint="`git add` them; a commit is not needed",
        )


def files_below(root: Path, paths: Iterable[str]) -> list[str]:
    """Return the files that some paths name or hold, as paths below the root, sorted."""
    found = {file for path in paths for file in [root / path, *(root / path).rglob("*")] if file.is_file()}
    return sorted(file.relative_to(root).as_posix() for file in found)


def _path(repo: Repo, part: Any) -> str:
    """Return the path of an out or a dep below the root, or the address of one that lies elsewhere."""
    if not part.is_in_repo:
        return str(part.def_path)
    return Path(part.fs_path).relative_to(repo.root_dir).as_posix()


def _overlap(one: str, other: str) -> bool:
    return PurePosixPath(one).is_relative_to(other) or PurePosixPath(other).is_relative_to(one)
