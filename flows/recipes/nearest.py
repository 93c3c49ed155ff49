"""Nearest recipe: the one whose settings differ least from those of a project."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.recipes import layers
from tasks.corpora.settings import SECTIONS
from tasks.runtime.params import flatten

UNSET = "not set"
# Chosen for each project, beside the recipe (`breathline recipe use NAME --corpus …`).
OWN = (*SECTIONS.values(), "split")


@dataclass(frozen=True)
class Nearest:
    """A recipe, and the settings in which a project differs from it.

    Attributes:
        name: Name of the recipe.
        small: Whether it is the small version.
        changes: Value of the recipe and value of the project by dotted key; `UNSET` for a key that one side lacks.
    """

    name: str
    small: bool
    changes: Mapping[str, tuple[Any, Any]]


def find(root: Path, project: Mapping[str, Any]) -> Nearest | None:
    """Return the recipe with the fewest differing keys; None if the project has no recipe.

    Only keys that the recipe or its defaults set are compared, without corpora and split.

    Args:
        root: Folder of the project.
        project: Content of its params.yaml.

    Raises:
        BreathlineError: A recipe cannot be read.
    """
    folder = root / layers.RECIPES
    ranked = []
    for name in layers.names(folder):
        for small in (False, True):
            settings = layers.resolve(name, small=small, folder=folder)
            changes = _changes(settings, project)
            ranked.append((len(changes), _other_corpora(settings, project), small, name, Nearest(name, small, changes)))
    return min(ranked, key=lambda one: one[:-1])[-1] if ranked else None


def _other_corpora(recipe: Mapping[str, Any], project: Mapping[str, Any]) -> int:
    """Return the distance in corpora, for recipes with equally many changes: other names count 2, missing ones 1."""
    distance = 0
    for role, section in SECTIONS.items():
        named, there = recipe.get(section) or (), project.get(section) or ()
        if named and set(named) != set(there):
            distance += 2
        elif role == "external" and there and not named:
            distance += 1
    return distance


def _changes(recipe: Mapping[str, Any], project: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return both values of each key that differs."""
    settings = {key: value for key, value in recipe.items() if key not in OWN}
    wanted, there = flatten(settings), flatten({key: project.get(key) for key in settings})
    keys = [*wanted, *(key for key in there if key not in wanted)]
    pairs = {key: (wanted.get(key, UNSET), there.get(key, UNSET)) for key in keys}
    return {key: (old, new) for key, (old, new) in pairs.items() if old != new}
