"""A folder for each recipe of a leaderboard: the project's code under that recipe, on the project's DVC cache."""

from __future__ import annotations

import filecmp
import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from flows.recipes.layers import RECIPES
from flows.recipes.params_text import PARAMS, apply, yaml_round_trip
from flows.recipes.writing import chosen, leftovers
from tasks import params
from tasks.errors import BreathlineError

FOLDER = Path(".leaderboard")
FINISHED = "finished.json"
# All that stages are made of: their inputs stand in dvc.yaml, and everything else there is made by them.
PARTS = (".dvc", ".dvcignore", "dvc.yaml", "models", "tasks")
CODE = ("models", "tasks")


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
    (workspace / "data" / "teachers").mkdir(parents=True, exist_ok=True)
    (workspace / FINISHED).unlink(missing_ok=True)
    _copy_code(root, workspace)
    # Copies where the file system has no reflinks: through a hard link, a write would damage the cache unseen.
    (workspace / ".dvc" / "config.local").write_text(
        f'[core]\n    no_scm = true\n[cache]\n    dir = {cache}\n    type = "reflink,copy"\n',
        encoding="utf-8",
    )
    settings = chosen(entry.recipe, corpus=corpus, small=entry.small, folder=root / RECIPES)
    if seeds:
        settings["student"]["seeds"] = list(seeds)
    if paper:
        settings["selections"] = ["val", "paper"]
    project = (root / PARAMS).read_text(encoding="utf-8")
    download = yaml_round_trip().load(project)["download"] | settings.get("download", {})
    settings["download"] = {
        key: str((root / value).resolve()) if key in ("path", "metadata") and value else value
        for key, value in download.items()
    }
    text, _ = apply(project, settings)
    (workspace / PARAMS).write_text(text, encoding="utf-8")
    for folder in leftovers(workspace / "data", params.read(workspace / PARAMS)):
        shutil.rmtree(folder)
    return workspace


def finish(root: Path, entry: Entry) -> None:
    """Note that all stages of a workspace are up to date."""
    text = json.dumps(asdict(entry)) + "\n"
    (root / entry.folder / FINISHED).write_text(text, encoding="utf-8")


def finished(root: Path, wanted: Sequence[Entry]) -> list[Entry]:
    """Return those of the wanted workspaces that are finished, or all that are, by name, if none is wanted."""
    if wanted:
        return [entry for entry in wanted if (root / entry.folder / FINISHED).exists()]
    notes = sorted((root / FOLDER).glob(f"*/{FINISHED}"))
    return [Entry(**json.loads(note.read_text(encoding="utf-8"))) for note in notes]


def cache_of(root: Path) -> Path:
    """Return the folder of the project's DVC cache.

    Raises:
        BreathlineError: There is no DVC repository.
    """
    from dvc.exceptions import NotDvcRepoError
    from dvc.repo import Repo

    try:
        with Repo(str(root)) as repo:
            # DVC keeps its format's version as the last part of the path.
            return Path(repo.cache.local_cache_dir)
    except NotDvcRepoError as error:
        raise BreathlineError("There is no DVC repository here.", where=root, hint="run from the project") from error


def _copy_code(root: Path, workspace: Path) -> None:
    """Bring the code of a workspace to the state of the working tree, committed or not."""
    command: list[Any] = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *PARTS]
    try:
        listed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        hint = "run in a clone of the project, with git installed"
        raise BreathlineError("Git does not know which files are the project's.", where=root, hint=hint) from error
    wanted = {Path(name) for name in listed.split("\0") if name and (root / name).is_file()}
    for part in CODE:
        for path in (workspace / part).rglob("*"):
            if path.is_file() and path.relative_to(workspace) not in wanted and "__pycache__" not in path.parts:
                path.unlink()
    for name in sorted(wanted):
        copy = workspace / name
        if not copy.is_file() or not filecmp.cmp(root / name, copy, shallow=False):
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, copy)
