"""Variants of a backfill: revisions × parameter values, each in a workspace of its own."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import StringIO
from itertools import product
from pathlib import Path
from typing import Any

from flows import workspaces
from flows.recipes.params_text import PARAMS, yaml_round_trip
from flows.recipes.writing import leftovers, remove
from lineage.git import git
from tasks.parameters import judge
from tasks.runtime import params, yaml_files
from tasks.runtime.errors import BreathlineError

FOLDER = Path(".backfill")
SHORT = 10  # digits of a commit's id


@dataclass(frozen=True)
class Variant:
    """Code and parameters of one workspace.

    Attributes:
        revision: Name of the commit, as the user gave it; None for the working tree.
        commit: Full id of the commit.
        values: Parameter values that replace those of its params.yaml, by dotted key.
    """

    revision: str | None = None
    commit: str | None = None
    values: tuple[tuple[str, Any], ...] = ()

    @property
    def name(self) -> str:
        """Name of the variant in tables and logs."""
        at = [] if self.revision is None or self.commit is None else [_shown(self.revision, self.commit)]
        return ", ".join([*at, *(f"{key}={json.dumps(value)}" for key, value in self.values)])

    @property
    def folder(self) -> Path:
        """Folder of the workspace below the project's root; it follows from commit and values."""
        identity = json.dumps([self.commit, self.values], sort_keys=True)
        start = self.commit[:SHORT] if self.commit else "working-tree"
        words = "-".join([start, *(f"{key.rpartition('.')[2]}-{value}" for key, value in self.values)])
        slug = re.sub(r"[^A-Za-z0-9.]+", "-", words)[:60].strip("-")
        return FOLDER / f"{slug}-{hashlib.sha256(identity.encode()).hexdigest()[:8]}"


def variants(root: Path, revisions: Sequence[str], values: Mapping[str, Sequence[Any]]) -> list[Variant]:
    """Return every revision with every combination of values.

    Args:
        root: Folder of the project.
        revisions: Names of commits, and ranges such as ``v1.0..main`` (oldest first); the working tree, if empty.
        values: Values of each parameter, by its dotted key.

    Raises:
        BreathlineError: A revision is unknown, a range is empty, a parameter has no value, or both arguments are empty.
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
    # By folder: a variant that is named twice runs once.
    found = [Variant(*commit, chosen) for commit in commits for chosen in settings]
    return list({variant.folder: variant for variant in found}.values())


def parse(given: Sequence[str]) -> dict[str, list[Any]]:
    """Parse parameter values of the form ``KEY=VALUE,VALUE``; each value is read as YAML.

    Raises:
        BreathlineError: A text does not have this form.
    """
    found: dict[str, list[Any]] = {}
    for text in given:
        key, _, listed = text.partition("=")
        try:
            found[key] = list(yaml_files.parse(f"[{listed}]", Path(text))) if key and listed else []
        except BreathlineError as error:
            raise BreathlineError(f"A value is not valid: {error.what}", where=text, hint="KEY=VALUE,VALUE") from error
        if not found[key]:
            raise BreathlineError("A parameter and its values are expected.", where=text, hint="KEY=VALUE,VALUE")
    return found


def prepare(root: Path, variant: Variant, cache: Path) -> Path:
    """Write code and parameters of a variant into its workspace, keep the outs of earlier runs, and return the folder.

    Args:
        root: Folder of the project.
        variant: Code and parameters.
        cache: Folder of DVC's cache (`flows.workspaces.cache_of`).

    Raises:
        BreathlineError: A parameter is not in params.yaml, or its value is not allowed.
    """
    workspace = root / variant.folder
    workspaces.update_code(root, workspace, cache, revision=variant.commit)
    text = with_values(workspaces.params_text(root, variant.commit), variant, root)
    (workspace / PARAMS).write_text(text, encoding="utf-8")
    if variant.commit is None:  # the stages of another commit check its parameters themselves
        judge.check_project(workspace)
    with suppress(KeyError):  # an old commit may lack these parameters
        remove(leftovers(workspace, params.read(workspace / PARAMS)))
    return workspace


def with_values(text: str, variant: Variant, root: Path) -> str:
    """Return the text of params.yaml with the values of a variant, and with absolute paths of recordings.

    Raises:
        BreathlineError: A parameter is not in params.yaml.
    """
    yaml = yaml_round_trip()
    loaded = yaml.load(text)
    for key, value in variant.values:
        params.section(loaded, key)
        parent, _, name = key.rpartition(".")
        (params.section(loaded, parent) if parent else loaded)[name] = value
    workspaces.make_paths_absolute(root, loaded)
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
        raise BreathlineError("The range holds no commit.", where=revision, hint="OLDER..NEWER")
    return [(commit, commit) for commit in listed]


def _shown(revision: str, commit: str) -> str:
    return commit[:SHORT] if commit.startswith(revision) else f"{revision} ({commit[:SHORT]})"
