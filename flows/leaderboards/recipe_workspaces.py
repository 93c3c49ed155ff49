"""The workspace of each recipe of a leaderboard."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from flows import workspaces
from flows.recipes.layers import RECIPES
from flows.recipes.params_text import PARAMS, apply, yaml_round_trip
from flows.recipes.writing import chosen, leftovers
from tasks.runtime import params

FOLDER = Path(".leaderboard")
FINISHED = "finished.json"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What a workspace runs.

    Attributes:
        recipe: The recipe's name.
        small: Whether it is the recipe's miniature.
    """

    recipe: str
    small: bool = False

    @property
    def folder(self) -> Path:
        """Where its workspace lies, below the project's root."""
        return FOLDER / (f"{self.recipe}--small" if self.small else self.recipe)


def prepare(root: Path, entry: Entry, *, seeds: Sequence[int], corpus: str | None, paper: bool, cache: Path) -> Path:
    """Return the workspace of a recipe, with the code as it stands and the recipe in its params.yaml.

    What earlier runs made there stays, so that only what has changed since is run.

    Args:
        root: The project.
        entry: The recipe.
        seeds: Of the student; the recipe's own if empty.
        corpus: The recordings (`flows.recipes.corpus`); those of the project's params.yaml, or of the recipe, if none.
        paper: Whether the epoch is chosen on the test set, too.
        cache: DVC's cache, which all workspaces share with the project.

    Raises:
        BreathlineError: There is no such recipe or corpus, or the project is no Git repository.
    """
    workspace = root / entry.folder
    (workspace / FINISHED).unlink(missing_ok=True)
    workspaces.fill(root, workspace, cache)
    settings = chosen(entry.recipe, corpus=corpus, small=entry.small, folder=root / RECIPES)
    if seeds:
        settings["student"]["seeds"] = list(seeds)
    if paper:
        settings["selections"] = ["val", "paper"]
    project = workspaces.params_text(root)
    download = yaml_round_trip().load(project)["download"] | settings.get("download", {})
    settings["download"] = workspaces.recordings(root, download)
    text, _ = apply(project, settings)
    (workspace / PARAMS).write_text(text, encoding="utf-8")
    for folder in leftovers(workspace / "data", params.read(workspace / PARAMS)):
        shutil.rmtree(folder)
    return workspace


def finish(root: Path, entries: Sequence[Entry], failures: Mapping[Path, str]) -> None:
    """Note for each workspace but those that failed that all of its stages are up to date."""
    for entry in entries:
        if root / entry.folder not in failures:
            text = json.dumps(asdict(entry)) + "\n"
            (root / entry.folder / FINISHED).write_text(text, encoding="utf-8")


def finished(root: Path, wanted: Sequence[Entry]) -> list[Entry]:
    """Return those of the wanted workspaces that are finished, or all that are, by name, if none is wanted."""
    if wanted:
        return [entry for entry in wanted if (root / entry.folder / FINISHED).exists()]
    notes = sorted((root / FOLDER).glob(f"*/{FINISHED}"))
    return [Entry(**json.loads(note.read_text(encoding="utf-8"))) for note in notes]
