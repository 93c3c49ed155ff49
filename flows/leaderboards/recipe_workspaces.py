"""Workspaces of a leaderboard, one for each recipe."""

import json
from collections.abc import Container, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from flows import workspaces
from flows.recipes.params_text import PARAMS, apply, yaml_round_trip
from flows.recipes.writing import leftovers, recipe_settings, remove
from tasks.corpora.settings import SECTIONS
from tasks.parameters import judge
from tasks.runtime import params
from tasks.runtime.errors import BreathlineError
from tasks.runtime.files import write_json

FOLDER = Path(".leaderboard")
FINISHED = "finished.json"


@dataclass(frozen=True, kw_only=True)
class RecipeWorkspace:
    """Workspace of one recipe.

    Attributes:
        recipe: Name of the recipe.
        small: Whether the small version of the recipe runs.
    """

    recipe: str
    small: bool = False

    @property
    def folder(self) -> Path:
        """Folder of the workspace below the project's root."""
        return FOLDER / (f"{self.recipe}--small" if self.small else self.recipe)


def prepare(
    root: Path,
    workspace: RecipeWorkspace,
    *,
    seeds: Sequence[int],
    corpus: Sequence[str],
    external: Sequence[str],
    paper: bool,
    cache: Path,
) -> None:
    """Write the code of the working tree and the recipe's params.yaml into a workspace.

    The outs of earlier runs stay, so that only changed stages run again.

    Args:
        root: Folder of the project.
        workspace: Workspace of the recipe.
        seeds: Random seeds of the student; the recipe's own seeds, if empty.
        corpus: Corpora to learn from (`flows.recipes.corpus`); those of params.yaml or of the recipe, if empty.
        external: Corpora that are only tested on.
        paper: Whether the epoch is also chosen on the test set.
        cache: Folder of DVC's cache, which all workspaces share with the project.

    Raises:
        BreathlineError: The recipe or corpus is unknown, its parameters are wrong, or the project is no Git repository.
    """
    folder = root / workspace.folder
    (folder / FINISHED).unlink(missing_ok=True)
    workspaces.update_code(root, folder, cache)
    text = workspaces.params_text(root)
    project = yaml_round_trip().load(text)
    settings = recipe_settings(root, workspace.recipe, project, corpus=corpus, external=external, small=workspace.small)
    if seeds:
        settings["student"]["seeds"] = list(seeds)
    if paper:
        settings["selections"] = ["val", "paper"]
    for section in SECTIONS.values():
        settings.setdefault(section, project[section])
    workspaces.make_paths_absolute(root, settings)
    text, _ = apply(text, settings)
    (folder / PARAMS).write_text(text, encoding="utf-8")
    judge.check_project(folder)
    remove(leftovers(folder, params.read(folder / PARAMS)))


def mark_finished(root: Path, chosen: Sequence[RecipeWorkspace], failed: Container[Path]) -> None:
    """Mark the workspaces without a failure as finished: all of their stages are up to date."""
    for workspace in chosen:
        if root / workspace.folder not in failed:
            write_json(root / workspace.folder / FINISHED, asdict(workspace))


def finished(root: Path, chosen: Sequence[RecipeWorkspace]) -> list[RecipeWorkspace]:
    """Return the finished workspaces among the chosen ones, or all that are finished if none is chosen."""
    if chosen:
        return [workspace for workspace in chosen if (root / workspace.folder / FINISHED).exists()]
    marks = sorted((root / FOLDER).glob(f"*/{FINISHED}"))
    return [_read(mark) for mark in marks]


def _read(mark: Path) -> RecipeWorkspace:
    try:
        return RecipeWorkspace(**json.loads(mark.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        hint = "remove it, and run the leaderboard again"
        raise BreathlineError("The mark of a finished workspace cannot be read.", where=mark, hint=hint) from error
