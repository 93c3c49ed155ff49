"""Resolution of a recipe: defaults, base recipes, its own overrides, and its small version."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tasks.runtime.errors import BreathlineError
from tasks.runtime.params import merge, read

RECIPES = Path("recipes")
DEFAULTS = "defaults"
REQUIRED, OPTIONAL = {"description", "overrides"}, {"based_on", "paper", "small"}
EVERY = "*"  # in `small`, under `teachers`: all teachers
# Replaced by the layer above, not merged: the teachers, and the options of the network, which may be another one.
REPLACED = ("teachers", "student.options")


def names(folder: Path = RECIPES) -> list[str]:
    """Return the names of all recipes, sorted, without the defaults."""
    return sorted(path.stem for path in folder.glob("*.yaml") if path.stem != DEFAULTS)


def load(name: str, folder: Path = RECIPES) -> dict[str, Any]:
    """Return the content of a recipe's file."""
    path = folder / f"{name}.yaml"
    if not path.is_file():
        raise BreathlineError(
            f"The recipe `{name}` does not exist.", where=folder, hint=f"one of: {', '.join(names(folder)) or 'none'}"
        )
    loaded = read(path)
    if not isinstance(loaded, Mapping) or not set(loaded) >= REQUIRED or set(loaded) - REQUIRED - OPTIONAL:
        raise BreathlineError(
            f"A recipe has the keys {' and '.join(sorted(REQUIRED))}, and may have {', '.join(sorted(OPTIONAL))}.",
            where=path,
        )
    return loaded


def resolve(name: str, *, small: bool = False, folder: Path = RECIPES) -> dict[str, Any]:
    """Return all settings of a recipe, with defaults for all others, so that nothing of an earlier recipe stays.

    Its small version, if asked for, is the same method, in a minute.
    """
    chain = [load(name, folder)]
    seen = [name]
    while (base := chain[0].get("based_on")) is not None:
        if base in seen:
            raise BreathlineError(f"The recipe `{base}` is based on itself.", where=folder / f"{seen[-1]}.yaml")
        seen.append(base)
        chain.insert(0, load(base, folder))
    chain.insert(0, load(DEFAULTS, folder))
    settings: dict[str, Any] = {}
    for layer in chain:
        settings = merge(settings, layer["overrides"], whole=REPLACED)
    if small:
        for layer in chain:
            settings = _apply_small(settings, layer.get("small", {}), where=folder / f"{name}.yaml")
    return _drop_unused(settings)


def _apply_small(settings: Mapping[str, Any], small: Mapping[str, Any], where: Path) -> dict[str, Any]:
    """Return the settings with a recipe's `small` merged in; it changes teachers, but adds and removes none."""
    rest = {key: value for key, value in small.items() if key != "teachers"}
    result = merge(settings, rest, whole=REPLACED)
    for wanted, changes in small.get("teachers", {}).items():
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
