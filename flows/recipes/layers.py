"""Resolution of a recipe: defaults, base recipes, its own overrides, and its small version."""

import functools
import re
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from tasks.parameters import judge
from tasks.parameters.model import Recipe
from tasks.runtime import faults, yaml_files
from tasks.runtime.errors import BreathlineError
from tasks.runtime.params import merge
from tasks.runtime.value_types import NAME
from tasks.runtime.yaml_files import Key

RECIPES = Path("recipes")
DEFAULTS = "defaults"
EVERY = "*"  # in `small`, under `teachers`: all teachers
# Replaced by the layer above, not merged: mappings with names of the recipe, and the options of the network, which may
# be another one.
REPLACED = ("corpora", "external", "heads", "split", "teachers", "student.options")


def names(folder: Path = RECIPES) -> list[str]:
    """Return the names of all recipes, sorted, without the defaults."""
    return sorted(path.stem for path in folder.glob("*.yaml") if path.stem != DEFAULTS)


def load(name: str, folder: Path = RECIPES) -> dict[str, Any]:
    """Return the content of a recipe's file."""
    path = folder / f"{name}.yaml"
    if not path.is_file() or not re.fullmatch(NAME, name):
        raise BreathlineError(
            f"The recipe `{name}` does not exist.", where=folder, hint=f"one of: {', '.join(names(folder)) or 'none'}"
        )
    return deepcopy(_parse(path, yaml_files.read_text(path)))


@functools.cache
def _parse(path: Path, text: str) -> dict[str, Any]:
    """Return the content of a recipe's text. A base recipe is that of many, and is parsed once."""
    loaded = yaml_files.as_mapping(yaml_files.parse(text, path), path)
    judge.refuse(judge.describe(faults.find(Recipe, loaded), judge.locator(path, text)), path)
    return loaded


def chain(name: str, folder: Path = RECIPES) -> dict[str, dict[str, Any]]:
    """Return the contents of the defaults, of the base recipes and of a recipe by name, in the order of application.

    Raises:
        BreathlineError: A recipe does not exist or is wrong, or is based on itself.
    """
    layers = {name: load(name, folder)}
    first = name
    while (base := layers[first].get("based_on")) is not None:
        if base in layers:
            raise BreathlineError(f"The recipe `{base}` is based on itself.", where=folder / f"{first}.yaml")
        first = base
        layers = {base: load(base, folder), **layers}
    return {DEFAULTS: load(DEFAULTS, folder), **layers}


def place(name: str, key: Key, *, small: bool, folder: Path = RECIPES) -> str | None:
    """Return file and line at which a recipe or one of its bases sets a key; None if none does.

    Args:
        name: Name of the recipe.
        key: Key of params.yaml.
        small: Whether the small version is asked for.
        folder: Folder of the recipes.
    """
    every = (*key[:1], EVERY, *key[2:]) if key[:1] == ("teachers",) else key
    for layer in reversed(chain(name, folder)):
        lines = yaml_files.lines((folder / f"{layer}.yaml").read_text(encoding="utf-8"))
        for wanted in (*((("small", *key), ("small", *every)) if small else ()), ("overrides", *key)):
            if wanted in lines:
                return f"{folder.name}/{layer}.yaml:{lines[wanted] + 1}"
    return None


def resolve(name: str, *, small: bool = False, folder: Path = RECIPES) -> dict[str, Any]:
    """Return all settings of a recipe, with defaults for all others, so that nothing of an earlier recipe stays.

    Its small version, if asked for, is the same method, in a minute.
    """
    layers = chain(name, folder)
    settings: dict[str, Any] = {}
    for layer in layers.values():
        settings = merge(settings, layer["overrides"], whole=REPLACED)
    if small:
        for layer in layers.values():
            settings = _apply_small(settings, layer.get("small") or {}, where=folder / f"{name}.yaml")
    return _drop_unused(settings)


def _apply_small(settings: Mapping[str, Any], small: Mapping[str, Any], where: Path) -> dict[str, Any]:
    """Return the settings with a recipe's `small` merged in; it changes teachers, but adds and removes none."""
    rest = {key: value for key, value in small.items() if key != "teachers"}
    result = merge(settings, rest, whole=REPLACED)
    for wanted, changes in (small.get("teachers") or {}).items():
        if wanted != EVERY and wanted not in result["teachers"]:
            raise BreathlineError(
                f"`small` changes the teacher `{wanted}`, which the recipe does not have.",
                where=where,
                hint=f"one of {', '.join(result['teachers']) or 'none'}, or `{EVERY}` for each",
            )
        for teacher in result["teachers"] if wanted == EVERY else [wanted]:
            # The prefix "student." makes the options of the network replaced as a whole.
            result["teachers"][teacher] = merge(result["teachers"][teacher], changes, whole=REPLACED, prefix="student.")
    return result


def _drop_unused(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings without the front ends and weights that no network uses: each would cost a stage."""
    networks = [settings["student"], *settings["teachers"].values()]
    kept = {
        group: {name: item for name, item in settings[group].items() if name in {one[key] for one in networks}}
        for group, key in (("frontends", "frontend"), ("weights", "weights"))
    }
    return {**settings, **kept}
