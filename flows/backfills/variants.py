"""The cases of a backfill: revisions × values of parameters, each in a workspace of its own."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import StringIO
from itertools import product
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from flows import workspaces
from flows.git_commits import git
from flows.recipes.params_text import PARAMS, yaml_round_trip
from flows.recipes.writing import leftovers
from tasks.runtime import params
from tasks.runtime.errors import BreathlineError

FOLDER = Path(".backfill")
SHORT = 10  # digits of a commit's id


@dataclass(frozen=True)
class Case:
    """What one workspace runs.

    Attributes:
        revision: The commit, as it was asked for; none: the working tree.
        commit: Its full id.
        values: Parameters that are set over its params.yaml, by dotted key.
    """

    revision: str | None = None
    commit: str | None = None
    values: tuple[tuple[str, Any], ...] = ()

    @property
    def name(self) -> str:
        """What a reader knows it by."""
        at = [] if self.revision is None or self.commit is None else [_shown(self.revision, self.commit)]
        return ", ".join([*at, *(f"{key}={json.dumps(value)}" for key, value in self.values)])

    @property
    def folder(self) -> Path:
        """Where its workspace lies, below the project's root: the same again for the same commit and values."""
        what = json.dumps([self.commit, self.values], sort_keys=True)
        start = self.commit[:SHORT] if self.commit else "working-tree"
        words = "-".join([start, *(f"{key.rpartition('.')[2]}-{value}" for key, value in self.values)])
        slug = re.sub(r"[^A-Za-z0-9.]+", "-", words)[:60].strip("-")
        return FOLDER / f"{slug}-{hashlib.sha256(what.encode()).hexdigest()[:8]}"


def cases(root: Path, revisions: Sequence[str], values: Mapping[str, Sequence[Any]]) -> list[Case]:
    """Return every revision with every combination of values.

    Args:
        root: The project.
        revisions: Names of commits, and ranges such as ``v1.0..main`` (oldest first); the working tree, if empty.
        values: For each parameter, by dotted key, its values.

    Raises:
        BreathlineError: There is no such revision, a range is empty, a parameter has no value, or nothing is asked for.
    """
    if not revisions and not values:
        hint = "`--revision v1.0 --revision main`, or `--param student.optimizer.rho=0.05,0.1`"
        raise BreathlineError("Neither a revision nor a parameter is named.", hint=hint)
    if empty := [key for key, given in values.items() if not given]:
        raise BreathlineError("A parameter has no value.", where=empty[0], hint="student.optimizer.rho=0.05,0.1")
    commits: list[tuple[str | None, str | None]] = [(None, None)]
    if revisions:
        commits = [(name, commit) for revision in revisions for name, commit in _commits(root, revision)]
    settings = [tuple(zip(values, chosen, strict=True)) for chosen in product(*values.values())]
    # By folder: what is named twice runs once.
    return list({case.folder: case for commit in commits for case in (Case(*commit, one) for one in settings)}.values())


def parse(given: Sequence[str]) -> dict[str, list[Any]]:
    """Return the values of parameters that ``KEY=VALUE,VALUE`` asks for; values are read as YAML.

    Raises:
        BreathlineError: One of them is not of this form.
    """
    found: dict[str, list[Any]] = {}
    for text in given:
        key, _, listed = text.partition("=")
        try:
            found[key] = list(YAML(typ="safe").load(f"[{listed}]")) if key and listed else []
        except YAMLError:
            found[key] = []
        if not found[key]:
            raise BreathlineError("This names no values of a parameter.", where=text, hint="KEY=VALUE,VALUE")
    return found


def prepare(root: Path, case: Case, cache: Path) -> Path:
    """Return the workspace of a case, with its code and parameters; what earlier runs made there stays.

    Args:
        root: The project.
        case: What it runs.
        cache: DVC's cache (`flows.workspaces.cache_of`).

    Raises:
        BreathlineError: Its params.yaml has no such parameter.
    """
    workspace = root / case.folder
    workspaces.fill(root, workspace, cache, revision=case.commit)
    text = with_values(workspaces.params_text(root, case.commit), case, root)
    (workspace / PARAMS).write_text(text, encoding="utf-8")
    with suppress(KeyError):  # the parameters of an old commit may be others
        for folder in leftovers(workspace / "data", params.read(workspace / PARAMS)):
            shutil.rmtree(folder)
    return workspace


def with_values(text: str, case: Case, root: Path) -> str:
    """Return the text of params.yaml with the values of a case, and recordings that are found from any folder.

    Raises:
        BreathlineError: There is no such parameter.
    """
    yaml = yaml_round_trip()
    loaded = yaml.load(text)
    for key, value in case.values:
        params.section(loaded, key)
        parent, _, name = key.rpartition(".")
        (params.section(loaded, parent) if parent else loaded)[name] = value
    if "download" in loaded:
        for name, value in workspaces.recordings(root, loaded["download"]).items():
            loaded["download"][name] = value
    written = StringIO()
    yaml.dump(loaded, written)
    return written.getvalue()


def _commits(root: Path, revision: str) -> list[tuple[str, str]]:
    if ".." not in revision:
        return [(revision, workspaces.commit_of(root, revision))]
    first, _, last = revision.partition("..")
    for end in (first, last.lstrip(".")):
        workspaces.commit_of(root, end or "HEAD")
    listed = git(root, "rev-list", "--reverse", revision).split()
    if not listed:
        raise BreathlineError("There is no commit in this range.", where=revision, hint="OLDER..NEWER")
    return [(commit, commit) for commit in listed]


def _shown(revision: str, commit: str) -> str:
    return commit[:SHORT] if commit.startswith(revision) else f"{revision} ({commit[:SHORT]})"
