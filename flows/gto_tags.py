"""Git tags in GTO's format, which DVC and DVC Studio read, too: GTO reads them here, Git writes them.

``student@v1.2.0`` is a version. ``student#production#3`` puts the version at its commit into the registry stage
production; ``student#production!#4`` removes it. The last number counts these changes. All tags are annotated.

In a folder of a larger repository, DVC and GTO put its path before the name: ``sub/project=student@v1.2.0``.
"""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from flows.git_commits import author_environment
from lineage import anchors
from lineage.git import git
from lineage.versions import full_name, tag_of
from tasks.runtime.errors import BreathlineError

FIRST = "v1.0.0"
Bump = Literal["major", "minor", "patch"]


def read(root: Path, name: str) -> Any | None:
    """Return one model as GTO reads it from its tags (a ``gto.base.Artifact``), or None without tags."""
    from gto.exceptions import GTOException
    from gto.registry import GitRegistry

    git(root, "rev-parse", "--git-dir")
    try:
        with GitRegistry.from_url(str(root)) as registry:
            return registry.get_state().artifacts.get(full_name(root, name))
    except GTOException as error:
        hint = "see `git tag --list`; `git tag --delete TAG` removes a tag"
        raise BreathlineError(f"The registry's tags cannot be read: {error}", where=root, hint=hint) from error


def next_version(artifact: Any | None, bump: Bump) -> str:
    """Return the number of the next version; the numbers of removed versions are not used again."""
    from gto.versions import SemVer

    used = [SemVer(one.version) for one in artifact.versions if one.is_registered] if artifact else []
    return str(max(used).bump(**{f"bump_{bump}": True}).version) if used else FIRST


def register(root: Path, name: str, version: str, commit: str, message: str) -> None:
    """Register a commit as a version of a model."""
    _write(root, tag_of(root, f"{name}@{version}"), commit, message)


def assign(root: Path, name: str, version: str, stage: str) -> None:
    """Put a version into a registry stage.

    DVC reads the last tag of the stage, GTO the highest version in it. To make both agree, higher versions are removed
    from the stage first.
    """
    from gto.constants import Action, check_string_is_valid
    from gto.versions import SemVer

    if not check_string_is_valid(stage):
        hint = "letters, digits, `-`, `_` and `/`, such as `production`"
        raise BreathlineError(f"`{stage}` is no valid name of a stage.", where="--stage", hint=hint)
    artifact = read(root, name)
    commits = {one.version: one.commit_hexsha for one in artifact.get_versions()} if artifact else {}
    if version not in commits:
        raise BreathlineError(
            f"The version {name}@{version} does not exist.", where="git tag", hint=_listed(name, commits)
        )
    if versions_in_stages(artifact).get(stage) == version:
        raise BreathlineError(f"{name}@{version} is already in {stage}.", hint="`breathline registry list`")
    for one in artifact.get_versions() if artifact else ():
        if SemVer(one.version) > SemVer(version) and any(held.stage == stage for held in one.get_vstages()):
            message = f"{name}@{one.version} leaves {stage} for {version}"
            _write(root, _tag(root, Action.UNASSIGN, name, stage), one.commit_hexsha, message)
    _write(root, _tag(root, Action.ASSIGN, name, stage), commits[version], f"{name}@{version} is in {stage}")


def versions_in_stages(artifact: Any | None) -> dict[str, str]:
    """Return the version in each registry stage."""
    held = artifact.get_vstages(registered_only=True) if artifact else {}
    return {stage: newest.version for stage, (newest, *_) in held.items()}


def _tag(root: Path, action: Any, name: str, stage: str) -> str:
    """Return the name of the next tag that changes a registry stage."""
    from gto.tag import name_tag
    from scmrepo.git import Git

    scm = Git(str(root))
    try:
        return str(name_tag(action, full_name(root, name), stage=stage, scm=scm))
    finally:
        scm.close()


def _write(root: Path, tag: str, commit: str, message: str) -> None:
    """Write an annotated tag with a later time than all others: DVC and GTO order changes by full seconds.

    Its message ends with an anchor of the event log.
    """
    dates = git(root, "for-each-ref", "--format=%(taggerdate:unix)", "refs/tags").split()
    moment = max([int(time.time()), *(int(date) + 1 for date in dates)])
    env: Mapping[str, str] = {**author_environment(root), "GIT_COMMITTER_DATE": f"@{moment} +0000"}
    anchor = anchors.trailer(root)
    text = f"{message}\n\n{anchor}" if anchor else message
    git(root, "tag", "--annotate", "--message", text, tag, commit, env=dict(env))


def _listed(name: str, versions: Mapping[str, str]) -> str:
    return (
        f"versions: {', '.join(versions)}"
        if versions
        else f"`breathline registry promote --name {name}` makes the first version"
    )
