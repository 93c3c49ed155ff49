"""The model registry: which commits are versions of a model, and how a model comes back from one.

Models are named under `artifacts:` in dvc.yaml; versions are Git tags (`flows.gto_tags`) on commits that hold dvc.lock.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from flows import dvc_revision, graph, gto_tags, release_checks
from flows.git_commits import commit_working_tree, git
from flows.gto_tags import Bump
from models.file_names import CARD
from tasks.artifacts import SCORES
from tasks.runtime.errors import BreathlineError

STUDENT = "student"


@dataclass(frozen=True)
class Version:
    """A version of a model.

    Attributes:
        name: Under `artifacts:` in dvc.yaml.
        version: Such as ``v1.2.0``.
        commit: The full id of the commit that it is at.
        stages: Those that it is in, such as `production`.
        scores: Of its evaluation, by ``<selection>.<model>.<figure>``, in percent.
        made: When the version was made.
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
    """Where a model is.

    Attributes:
        label: What people call it.
        name: Under `artifacts:` in dvc.yaml.
        commit: The commit that DVC knows it from; None for a folder.
        folder: The folder, or None for what DVC keeps.
    """

    label: str
    name: str = STUDENT
    commit: str | None = None
    folder: Path | None = None


def versions(root: Path, name: str = STUDENT) -> list[Version]:
    """Return the versions of a model, the newest last.

    Raises:
        BreathlineError: This is no Git repository.
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
    """Make the model as it was trained last a version, at a commit of the project as it stands.

    Args:
        root: The project.
        name: The model, under `artifacts:` in dvc.yaml.
        bump: Which part of the number rises; the first version is v1.0.0.
        stage: The stage that the version is put into, if any.

    Raises:
        BreathlineError: A stage is not up to date, validation failed, Git does not know what stages depend on, or the
            model is that of the last version.
    """
    release_checks.check(root, graph.read(root))
    there = versions(root, name)
    with dvc_revision.reading(root) as repo:
        made = dvc_revision.contents(repo, name)
        beside = sorted(out.def_path for out in repo.index.outs if not out.use_cache)
    if there:
        with dvc_revision.reading(root, there[-1].commit) as repo:
            if dvc_revision.contents(repo, name) == made:
                hint = f"to put it into a stage: `breathline registry promote {there[-1]} --stage production`"
                raise BreathlineError(f"Nothing has changed: the model is that of {there[-1]}.", hint=hint)
    number = gto_tags.following(gto_tags.read(root, name), bump)
    at = commit_working_tree(root, f"{name} {number}", also=("dvc.lock", "dvc.yaml", "params.yaml", *beside))
    gto_tags.register(root, name, number, at, f"{name} {number}{_headline(_scores(root, at))}")
    if stage:
        gto_tags.assign(root, name, number, stage)
    return next(one for one in versions(root, name) if one.version == number)


def assign(root: Path, what: str, stage: str) -> Version:
    """Put a version that there is already, such as ``student@v1.0.0``, into a stage, and return it.

    Raises:
        BreathlineError: There is no such version, or it is in the stage already.
    """
    source = resolve(root, what)
    one = next((one for one in versions(root, source.name) if one.commit == source.commit), None)
    if one is None:
        raise BreathlineError(f"{what} is no version.", where=root, hint=_listed(STUDENT, versions(root)))
    gto_tags.assign(root, one.name, one.version, stage)
    return next(other for other in versions(root, one.name) if other.version == one.version)


def read_at(root: Path, commit: str, path: Path) -> dict[str, Any]:
    """Return the JSON of a file at a commit; nothing where there is no such file."""
    there = git(root, "ls-tree", "--name-only", commit, path.as_posix())
    read: dict[str, Any] = json.loads(git(root, "show", f"{commit}:{path.as_posix()}")) if there else {}
    return read


def resolve(root: Path, what: str) -> Source:
    """Return where a model is that is called by a version, a stage, a name, a revision of Git, or a folder.

    ``student@v1.2.0``, ``student#production``, ``student`` (the newest version), ``main``, ``data/student/1``.

    Raises:
        BreathlineError: It means nothing; the error lists the versions that there are.
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
            raise BreathlineError(f"There is no {what}.", where=root, hint=_listed(asked.name, there))
        label = str(fitting[-1]) + (f" ({', '.join(fitting[-1].stages)})" if fitting[-1].stages else "")
        return Source(label, asked.name, commit=fitting[-1].commit)
    if (root / what).is_dir():
        return Source(what, folder=root / what)
    try:
        found = git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{what}^{{commit}}")
    except BreathlineError as error:
        said = f"`{what}` is no version, no revision of Git and no folder."
        raise BreathlineError(said, where=root, hint=_listed(STUDENT, versions(root))) from error
    return Source(f"{STUDENT} at {what} ({found[:9]})", commit=found)


def fetch(root: Path, what: str | Source, *, seed: int | None = None) -> Path:
    """Return a local folder with a model's card and tensors, brought from DVC's cache or remote.

    None of the project's files changes: what is brought lies in `.dvc/tmp/models`.

    Args:
        root: The project.
        what: What `resolve` takes, or returned.
        seed: Which of the model's seeds, where it was trained with several; the lowest if None.

    Raises:
        BreathlineError: There is no such model or seed, or neither cache nor remote holds it.
    """
    source = resolve(root, what) if isinstance(what, str) else what
    folder = source.folder or dvc_revision.bring(root, source.name, str(source.commit))
    if seed is None and (folder / CARD).is_file():
        return folder
    seeds = {int(path.parent.name): path.parent for path in folder.glob(f"*/{CARD}") if path.parent.name.isdigit()}
    if not seeds or seed not in (None, *seeds):
        there = f"there are the seeds {', '.join(map(str, sorted(seeds)))}" if seeds else f"a folder with {CARD}"
        asked = "no model" if seed is None else f"no model of seed {seed}"
        raise BreathlineError(f"{source.label} holds {asked}.", where=folder, hint=there)
    return seeds[min(seeds) if seed is None else seed]


def _scores(root: Path, commit: str) -> dict[str, Any]:
    """Return the scores that a commit holds, flat."""
    return graph.flatten(read_at(root, commit, SCORES))


def _headline(scores: Mapping[str, Any]) -> str:
    figures = [(word, scores.get(f"val.student.score_{word}")) for word in ("strict", "lenient")]
    told = [f"{word} Score {value:.2f}" for word, value in figures if value is not None]
    return f": {', '.join(told)}" if told else ""


def _listed(name: str, there: Sequence[Version]) -> str:
    if not there:
        return f"there is no version of {name} yet; `breathline registry promote` makes one"
    return "there are: " + ", ".join(f"{one} {' '.join(f'#{stage}' for stage in one.stages)}".strip() for one in there)
