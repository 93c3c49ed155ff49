"""Git tags in GTO's format, which DVC, DVC Studio and GTO read: read by GTO itself, written by Git.

``student@v1.2.0`` is a version; ``student#production#3`` says that the version at its commit is now in production, and
``student#production!#4`` that it no longer is. The last number counts such changes. All are annotated tags.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from flows.git_commits import author_environment, git
from tasks.runtime.errors import BreathlineError

FIRST = "v1.0.0"
Bump = Literal["major", "minor", "patch"]


def read(root: Path, name: str) -> Any | None:
    """Return what GTO makes of the tags of one artifact (a ``gto.base.Artifact``), or None where it has none.

    Raises:
        BreathlineError: This is no Git repository, or its tags contradict each other.
    """
    from gto.exceptions import GTOException
    from gto.registry import GitRegistry

    git(root, "rev-parse", "--git-dir")
    try:
        with GitRegistry.from_url(str(root)) as registry:
            return registry.get_state().artifacts.get(name)
    except GTOException as error:
        hint = "see `git tag --list`; `git tag --delete` removes a tag"
        raise BreathlineError(f"The registry's tags cannot be read: {error}", where=root, hint=hint) from error


def following(artifact: Any | None, bump: Bump) -> str:
    """Return the number of the next version; those that were withdrawn are not given again."""
    from gto.versions import SemVer

    given = [SemVer(one.version) for one in artifact.versions if one.is_registered] if artifact else []
    return str(max(given).bump(**{f"bump_{bump}": True}).version) if given else FIRST


def register(root: Path, name: str, version: str, commit: str, message: str) -> None:
    """Make a commit the version of an artifact.

    Raises:
        BreathlineError: Git refuses, for there is such a tag, say.
    """
    _write(root, f"{name}@{version}", commit, message)


def assign(root: Path, name: str, version: str, stage: str) -> None:
    """Put a version into a stage.

    DVC takes the stage's last tag, GTO the highest version that is in it. That both mean the same, higher versions
    leave the stage first.

    Args:
        root: The project.
        name: The artifact.
        version: One of its versions.
        stage: Such as `production`.

    Raises:
        BreathlineError: The version is in the stage already, or a stage cannot be called so.
    """
    from gto.constants import Action, check_string_is_valid
    from gto.versions import SemVer

    if not check_string_is_valid(stage):
        hint = "letters, digits, `-`, `_` and `/`, such as `production`"
        raise BreathlineError(f"A stage cannot be called `{stage}`.", where="--stage", hint=hint)
    artifact = read(root, name)
    commits = {one.version: one.commit_hexsha for one in artifact.get_versions()} if artifact else {}
    if version not in commits:
        raise BreathlineError(f"There is no {name}@{version}.", where="git tag", hint=_listed(name, commits))
    if holders(artifact).get(stage) == version:
        raise BreathlineError(f"{name}@{version} is in {stage} already.", hint="`breathline registry list`")
    for one in artifact.get_versions() if artifact else ():
        if SemVer(one.version) > SemVer(version) and any(held.stage == stage for held in one.get_vstages()):
            said = f"{name}@{one.version} leaves {stage} for {version}"
            _write(root, _counted(root, Action.UNASSIGN, name, stage), one.commit_hexsha, said)
    said = f"{name}@{version} is in {stage}"
    _write(root, _counted(root, Action.ASSIGN, name, stage), commits[version], said)


def holders(artifact: Any | None) -> dict[str, str]:
    """Return the version that is in each stage."""
    held = artifact.get_vstages(registered_only=True) if artifact else {}
    return {stage: newest.version for stage, (newest, *_) in held.items()}


def _counted(root: Path, action: Any, name: str, stage: str) -> str:
    """Return the name of the next tag that changes a stage."""
    from gto.tag import name_tag
    from scmrepo.git import Git

    scm = Git(str(root))
    try:
        return str(name_tag(action, name, stage=stage, scm=scm))
    finally:
        scm.close()


def _write(root: Path, tag: str, commit: str, message: str) -> None:
    """Write an annotated tag, later than every other: DVC and GTO order changes by time, and a second may hold two."""
    dates = git(root, "for-each-ref", "--format=%(taggerdate:unix)", "refs/tags").split()
    moment = max([int(time.time()), *(int(date) + 1 for date in dates)])
    env: Mapping[str, str] = {**author_environment(root), "GIT_COMMITTER_DATE": f"@{moment} +0000"}
    git(root, "tag", "--annotate", "--message", message, tag, commit, env=dict(env))


def _listed(name: str, versions: Mapping[str, str]) -> str:
    return f"there are: {', '.join(versions)}" if versions else f"`breathline registry promote --name {name}` makes one"
