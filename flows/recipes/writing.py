"""Application of a recipe to a project: params.yaml, and removal of the items that it no longer names."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.recipes import corpus as corpora
from flows.recipes.layers import RECIPES, place, resolve
from flows.recipes.params_text import PARAMS, WHOLE, Changed, apply, yaml_round_trip
from tasks.artifacts import DATA
from tasks.parameters import judge
from tasks.parameters.schema import EDITOR_LINE
from tasks.runtime import yaml_files
from tasks.runtime.files import write_text
from tasks.runtime.params import merge
from tasks.runtime.yaml_files import Key

# Folders with one sub-folder per item. Stages depend on the whole folder, so that it may hold nothing else.
ITEM_FOLDERS = {"teachers": "teachers", "frontends": "fbank", "weights": "weights", "student.seeds": "student"}


@dataclass(frozen=True)
class Edit:
    """Changes of a project by a recipe.

    Attributes:
        text: New text of params.yaml.
        changes: Changed keys of params.yaml.
        stale: Folders of items that params.yaml no longer names; DVC's cache keeps copies of them.
    """

    text: str
    changes: tuple[Changed, ...]
    stale: tuple[Path, ...]


def edit(root: Path, name: str, *, corpus: str | None = None, small: bool = False) -> Edit:
    """Return the changes of a project by a recipe; nothing is written.

    Raises:
        BreathlineError: The recipe or params.yaml cannot be read, or the parameters would not be right.
    """
    settings = recipe_settings(name, corpus=corpus, small=small, folder=root / RECIPES)
    before = yaml_files.read_text(root / PARAMS)
    read = yaml_files.as_mapping(yaml_files.parse(before, root / PARAMS), root / PARAMS)

    in_params = judge.locator(root / PARAMS, before)

    def locate(key: Key) -> str:
        return place(name, key, small=small, folder=root / RECIPES) or in_params(key)

    faults = judge.find(merge(read, settings, whole=WHOLE))
    judge.refuse(judge.describe(faults, locate), root / RECIPES / f"{name}.yaml")
    text, changes = apply(before, settings)
    if changes and EDITOR_LINE not in text.splitlines():
        text = f"{EDITOR_LINE}\n{text}"
    return Edit(text, tuple(changes), tuple(leftovers(root / DATA, yaml_round_trip().load(text))))


def write(root: Path, planned: Edit) -> None:
    """Write params.yaml, and remove the folders of items that it no longer names."""
    if planned.changes:
        write_text(root / PARAMS, planned.text)
    for folder in planned.stale:
        shutil.rmtree(folder)


def recipe_settings(name: str, *, corpus: str | None, small: bool, folder: Path = RECIPES) -> dict[str, Any]:
    """Return the settings of a recipe, with those of a corpus if one is named."""
    settings = resolve(name, small=small, folder=folder)
    if corpus is not None:
        chosen = corpora.settings(corpus)
        settings |= {
            "download": settings.get("download", {}) | chosen,
            "split": corpora.split_of(chosen, settings["split"]),
        }
    return settings


def leftovers(data: Path, params: Mapping[str, Any]) -> list[Path]:
    """Return the folders of teachers, students, feature caches and weights that the parameters do not name."""
    stale: list[Path] = []
    for key, folder in ITEM_FOLDERS.items():
        named: Any = params
        for part in key.split("."):
            named = named[part]
        kept = {str(item) for item in named}
        stale += [path for path in sorted((data / folder).glob("*")) if path.is_dir() and path.name not in kept]
    return stale
