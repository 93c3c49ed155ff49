"""Model registry: versions of models, their registry stages, and the files of a version.

`artifacts:` in dvc.yaml names the models. A version is a Git tag (`flows.gto_tags`) on a commit that holds dvc.lock.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from flows import dvc_revision, graph, gto_tags, release_checks
from flows.git_commits import commit_working_tree
from flows.gto_tags import Bump
from lineage.git import git
from models.file_names import CARD
from tasks.artifacts import SCORES
from tasks.runtime.errors import BreathlineError
from tasks.runtime.params import flatten

STUDENT = "student"


@dataclass(frozen=True)
class Version:
    """A version of a model.

    Attributes:
        name: Name of the model, under `artifacts:` in dvc.yaml.
        version: Number of the version, such as ``v1.2.0``.
        commit: Full id of its commit.
        stages: Registry stages of the version, such as `production`.
        scores: Scores of its evaluation, by ``<selection>.<model>.<score>``, in percent.
        made: Time of the registration.
    """

    name: str
    version: str
    commit: str
    stages: tuple[str, ...]
    scores: Mapping[str, Any]
    made: datetime

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"


@dataclass(frozen=True)
class Source:
    """Location of a model.

    Attributes:
        label: Description for the user.
        name: Name of the model, under `artifacts:` in dvc.yaml.
        commit: Id of the commit from which DVC gets the model; None for a folder.
        folder: Folder of the model; None for a commit.
    """

    label: str
    name: str = STUDENT
    commit: str | None = None
    folder: Path | None = None


def versions(root: Path, name: str = STUDENT) -> list[Version]:
    """Return the versions of a model, the newest last.

    Raises:
        BreathlineError: The folder is no Git repository.
    """
    artifact = gto_tags.read(root, name)
    held = gto_tags.holders(artifact)
    return [
        Version(
            name,
            version=one.version,
            commit=one.commit_hexsha,
            stages=tuple(sorted(stage for stage, version in held.items() if version == one.version)),
            scores=_scores(root, one.commit_hexsha),
            made=one.created_at,
        )
        for one in (artifact.get_versions(ascending=True) if artifact else ())
    ]


def promote(root: Path, *, name: str = STUDENT, bump: Bump = "minor", stage: str | None = "production") -> Version:
    """Register the model that was trained last as a new version, at a commit of the working tree.

    Args:
        root: Folder of the project.
        name: Name of the model, under `artifacts:` in dvc.yaml.
        bump: Part of the number that rises; the first version is v1.0.0.
        stage: Registry stage of the version; None for no stage.

    Raises:
        BreathlineError: A stage is not up to date, validation failed, Git does not track a dep, or the model is that of
            the last version.
    """
    release_checks.check(root, graph.read(root))
    there = versions(root, name)
    with dvc_revision.repo_at(root) as repo:
        made = dvc_revision.contents(repo, name)
        beside = sorted(out.def_path for out in repo.index.outs if not out.use_cache)
    if there:
        with dvc_revision.repo_at(root, there[-1].commit) as repo:
            if dvc_revision.contents(repo, name) == made:
                hint = f"to put it into a stage: `breathline registry promote {there[-1]} --stage production`"
                raise BreathlineError(f"The model is unchanged since {there[-1]}.", hint=hint)
    number = gto_tags.next_version(gto_tags.read(root, name), bump)
    commit = commit_working_tree(root, f"{name} {number}", also=("dvc.lock", "dvc.yaml", "params.yaml", *beside))
    gto_tags.register(root, name, number, commit, f"{name} {number}{_headline(_scores(root, commit))}")
    if stage:
        gto_tags.assign(root, name, number, stage)
    return next(one for one in versions(root, name) if one.version == number)


def assign(root: Path, what: str, stage: str) -> Version:
    """Put an existing version, such as ``student@v1.0.0``, into a registry stage, and return it.

    Raises:
        BreathlineError: The version is unknown, or already in the stage.
    """
    source = resolve(root, what)
    one = next((one for one in versions(root, source.name) if one.commit == source.commit), None)
    if one is None:
        raise BreathlineError(f"{what} is no version.", where=root, hint=_listed(STUDENT, versions(root)))
    gto_tags.assign(root, one.name, one.version, stage)
    return next(other for other in versions(root, one.name) if other.version == one.version)


def read_at(root: Path, commit: str, path: Path) -> dict[str, Any]:
    """Return the content of a JSON file at a commit; empty if the file is missing."""
    there = git(root, "ls-tree", "--name-only", commit, path.as_posix())
    read: dict[str, Any] = json.loads(git(root, "show", f"{commit}:{path.as_posix()}")) if there else {}
    return read


def resolve(root: Path, what: str) -> Source:
    """Find a model by version, registry stage, name, Git revision or folder.

    Examples: ``student@v1.2.0``, ``student#production``, ``student`` (the newest version), ``main``,
    ``data/student/1``.

    Raises:
        BreathlineError: Nothing has this name; the error lists the versions.
    """
    from gto.constants import parse_shortcut

    if (root / what / CARD).is_file():
        return Source(what, folder=root / what)
    asked = parse_shortcut(what)
    there = versions(root, asked.name)
    if asked.shortcut or there:
        fitting = [
            one
            for one in there
            if (asked.version in (None, one.version)) and (asked.stage is None or asked.stage in one.stages)
        ]
        if not fitting:
            raise BreathlineError(f"The version {what} does not exist.", where=root, hint=_listed(asked.name, there))
        label = str(fitting[-1]) + (f" ({', '.join(fitting[-1].stages)})" if fitting[-1].stages else "")
        return Source(label, asked.name, commit=fitting[-1].commit)
    if (root / what).is_dir():
        return Source(what, folder=root / what)
    try:
        found = git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{what}^{{commit}}")
    except BreathlineError as error:
        message = f"`{what}` is no version, no Git revision and no folder."
        raise BreathlineError(message, where=root, hint=_listed(STUDENT, versions(root))) from error
    return Source(f"{STUDENT} at {what} ({found[:9]})", commit=found)


def fetch(root: Path, what: str | Source, *, seed: int | None = None) -> Path:
    """Return a local folder with a model's card and tensors, if necessary copied from DVC's cache or remote.

    Copies go to `.dvc/tmp/models`; the project's files do not change.

    Args:
        root: Folder of the project.
        what: Model, as `resolve` takes or returns it.
        seed: Random seed of the model, if it was trained with several; None for the lowest.

    Raises:
        BreathlineError: The model or seed is unknown, or neither cache nor remote holds the files.
    """
    source = resolve(root, what) if isinstance(what, str) else what
    folder = source.folder or dvc_revision.fetch_files(root, source.name, str(source.commit))
    if seed is None and (folder / CARD).is_file():
        return folder
    seeds = {int(path.parent.name): path.parent for path in folder.glob(f"*/{CARD}") if path.parent.name.isdigit()}
    if not seeds or seed not in (None, *seeds):
        hint = f"seeds: {', '.join(map(str, sorted(seeds)))}" if seeds else f"name a folder with {CARD}"
        missing = "no model" if seed is None else f"no model of seed {seed}"
        raise BreathlineError(f"{source.label} holds {missing}.", where=folder, hint=hint)
    return seeds[min(seeds) if seed is None else seed]


def _scores(root: Path, commit: str) -> dict[str, Any]:
    """Return the scores at a commit, by dotted key."""
    return flatten(read_at(root, commit, SCORES))


def _headline(scores: Mapping[str, Any]) -> str:
    found = [(word, scores.get(f"val.student.score_{word}")) for word in ("strict", "lenient")]
    listed = [f"{word} Score {value:.2f}" for word, value in found if value is not None]
    return f": {', '.join(listed)}" if listed else ""


def _listed(name: str, there: Sequence[Version]) -> str:
    if not there:
        return f"{name} has no version yet; `breathline registry promote` makes the first one"
    return "versions: " + ", ".join(f"{one} {' '.join(f'#{stage}' for stage in one.stages)}".strip() for one in there)
