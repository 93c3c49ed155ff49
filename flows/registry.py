"""Model registry: versions of models, their registry stages, and the files of a version.

`artifacts:` in dvc.yaml names the models. A version is a Git tag (`flows.gto_tags`) on a commit that holds dvc.lock.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, get_args

from flows import dvc_revision, graph, gto_tags, objections
from flows.git_commits import commit_working_tree
from flows.gto_tags import Bump
from flows.model_sources import STUDENT, Source, folder_of, trained
from flows.plan import plan
from flows.publish import scores
from lineage.git import file_at, git
from models.file_names import CARD
from tasks.artifacts import DATA_DOCS_INDEX, METRICS, SCORES, CorpusFolders, Role
from tasks.runtime.artifact_reading import content_of, read_json
from tasks.runtime.errors import BreathlineError
from tasks.runtime.params import flatten, read


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


def versions(root: Path, name: str = STUDENT) -> list[Version]:
    """Return the versions of a model, the newest last."""
    artifact = gto_tags.read(root, name)
    in_stages = gto_tags.versions_in_stages(artifact)
    return [
        Version(
            name,
            version=one.version,
            commit=one.commit_hexsha,
            stages=tuple(sorted(stage for stage, version in in_stages.items() if version == one.version)),
            scores=_scores(root, one.commit_hexsha),
            made=one.created_at,
        )
        for one in (artifact.get_versions(ascending=True) if artifact else ())
    ]


def promote(
    root: Path,
    *,
    name: str = STUDENT,
    bump: Bump = "minor",
    stage: str | None = "production",
    allowed: Collection[str] = (),
) -> Version:
    """Register the model that was trained last as a new version, at a commit of the working tree.

    Args:
        root: Folder of the project.
        name: Name of the model, under `artifacts:` in dvc.yaml.
        bump: Part of the number that rises; the first version is v1.0.0.
        stage: Registry stage of the version; None for no stage.
        allowed: Objections to the model that the user accepts (`flows.objections`).
    """
    _check_release(root, graph.read(root))
    objections.check(scores.read_metrics(root), allowed)
    with dvc_revision.repo_at(root) as repo:
        git_outs = sorted(out.def_path for out in repo.index.outs if not out.use_cache)
    existing = versions(root, name)
    if existing and is_current(root, existing[-1]):
        hint = f"to put it into a stage: `breathline registry promote {existing[-1]} --stage production`"
        raise BreathlineError(f"The model is unchanged since {existing[-1]}.", hint=hint)
    number = gto_tags.next_version(gto_tags.read(root, name), bump)
    commit = commit_working_tree(
        root, f"{name} {number}", extra_files=("dvc.lock", "dvc.yaml", "params.yaml", *git_outs)
    )
    gto_tags.register(root, name, number, commit, f"{name} {number}{_headline(_scores(root, commit))}")
    if stage:
        gto_tags.assign(root, name, number, stage)
    return find(root, f"{name}@{number}")


def _check_release(root: Path, stages: Sequence[graph.Stage]) -> None:
    """Refuse a version that could not be reproduced, or whose validation failed."""
    if waiting := [step.stage for step in plan(stages) if step.runs]:
        hint = "`breathline plan` shows the reasons; `breathline run` or `dvc repro` brings them up to date"
        raise BreathlineError("Not all stages are up to date.", where=", ".join(waiting), hint=hint)
    for role in get_args(Role):
        for verdict in sorted(root.glob(str(CorpusFolders(role, "*").verdicts))):
            if not read_json(verdict, {"success": bool})["success"]:
                corpus = CorpusFolders(role, verdict.parent.name)
                raise BreathlineError(
                    f"The validation of the corpus {corpus.name} failed.",
                    where=corpus.verdicts,
                    hint=f"look into {corpus.data_docs / DATA_DOCS_INDEX}",
                )
    outs = [out for stage in stages for out in stage.outs]
    given = sorted({dep for stage in stages for dep in stage.deps if not graph.overlap(dep, outs)})
    params = read(root / "params.yaml")
    items = [item for role in ("corpora", "external") for item in (params.get(role) or {}).values()]
    tables = [str(item["table"]["file"]) for item in items if item.get("table")]  # of own recordings: deps of no stage
    names = ("dvc.yaml", "params.yaml", *tables, *given)
    unknown = git(root, "ls-files", "--others", "--exclude-standard", "--", *names)
    if unknown:
        hint = "`git add` them, or nobody could reproduce the version"
        where = ", ".join(unknown.splitlines())
        raise BreathlineError("Git does not know files that stages depend on.", where=where, hint=hint)


def assign(root: Path, what: str, stage: str, *, allowed: Collection[str] = ()) -> Version:
    """Put an existing version, such as ``student@v1.0.0``, into a registry stage, and return it.

    Args:
        root: Folder of the project.
        what: Version or registry stage.
        stage: Registry stage that the version gets.
        allowed: Objections to the model that the user accepts (`flows.objections`).
    """
    version = find(root, what)
    objections.check(read_at(root, version.commit, METRICS), allowed, where=version)
    gto_tags.assign(root, version.name, version.version, stage)
    return find(root, str(version))


def find(root: Path, what: str) -> Version:
    """Return a version by its name, such as ``student@v1.0.0``, or by its registry stage."""
    source = resolve(root, what)
    found = [version for version in versions(root, source.name) if version.commit == source.commit]
    if not found:
        raise BreathlineError(f"{what} is no version.", where=root, hint=_listed(STUDENT, versions(root)))
    return found[-1]


def is_current(root: Path, version: Version) -> bool:
    """Return whether a version is the model that was trained last."""
    with dvc_revision.repo_at(root) as repo:
        current = dvc_revision.contents(repo, root, version.name)
    with dvc_revision.repo_at(root, version.commit) as repo:
        return dvc_revision.contents(repo, root, version.name) == current


def read_at(root: Path, commit: str, path: Path) -> dict[str, Any]:
    """Return the content of a JSON file at a commit; empty if the file is missing."""
    text = file_at(root, commit, path.as_posix())
    with content_of(path):
        content: dict[str, Any] = json.loads(text) if text is not None else {}
    return content


def resolve(root: Path, what: str) -> Source:
    """Find a model by version, registry stage, name, Git revision or folder.

    Examples: ``student@v1.2.0``, ``student#production``, ``student`` (the newest version), ``main``,
    ``data/student/1``.
    """
    from gto.constants import parse_shortcut

    if (root / what / CARD).is_file():
        return Source(what, folder=root / what)
    shortcut = parse_shortcut(what)
    existing = versions(root, shortcut.name)
    if shortcut.shortcut or existing:
        matching = [
            version
            for version in existing
            if shortcut.version in (None, version.version) and shortcut.stage in (None, *version.stages)
        ]
        if not matching:
            hint = _listed(shortcut.name, existing)
            raise BreathlineError(f"The version {what} does not exist.", where=root, hint=hint)
        stages = f" ({', '.join(matching[-1].stages)})" if matching[-1].stages else ""
        return Source(f"{matching[-1]}{stages}", shortcut.name, commit=matching[-1].commit)
    if (root / what).is_dir():
        return Source(what, folder=root / what)
    try:
        found = git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{what}^{{commit}}")
    except BreathlineError as error:
        message = f"`{what}` is no version, no Git revision and no folder."
        raise BreathlineError(message, where=root, hint=_listed(STUDENT, versions(root))) from error
    return Source(f"{STUDENT} at {what} ({found[:9]})", commit=found)


def chosen(root: Path, model: str | None) -> Source:
    """Return the source of a model, by default of the newest version, or without versions of the model trained last.

    Raises:
        BreathlineError: The model does not exist, or none was trained.
    """
    if model:
        return resolve(root, model)
    if versions(root):
        return resolve(root, STUDENT)
    if (last := trained(root)) is None:
        raise BreathlineError("There is no trained model.", where=root, hint="`make demo` or `dvc repro` trains one")
    return last


def fetch(root: Path, what: str | Source, *, seed: int | None = None) -> Path:
    """Return a local folder with a model's card and tensors, if necessary copied from DVC's cache or remote.

    Copies go to `.dvc/tmp/models`; the project's files do not change.

    Args:
        root: Folder of the project.
        what: Model, as `resolve` takes or returns it.
        seed: Random seed of the model, if it was trained with several; None for the lowest.
    """
    source = resolve(root, what) if isinstance(what, str) else what
    folder = source.folder or dvc_revision.fetch_files(root, source.name, str(source.commit))
    return folder_of(source, folder, seed)


def _scores(root: Path, commit: str) -> dict[str, Any]:
    """Return the scores at a commit, by dotted key."""
    return flatten(read_at(root, commit, SCORES))


def _headline(scores: Mapping[str, Any]) -> str:
    found = [(word, scores.get(f"val.student.score_{word}")) for word in ("strict", "lenient")]
    listed = [f"{word} Score {value:.2f}" for word, value in found if value is not None]
    return f": {', '.join(listed)}" if listed else ""


def _listed(name: str, existing: Sequence[Version]) -> str:
    if not existing:
        return f"{name} has no version yet; `breathline registry promote` makes the first one"
    return "versions: " + ", ".join(" ".join([str(one), *(f"#{stage}" for stage in one.stages)]) for one in existing)
