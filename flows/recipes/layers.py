"""What a recipe sets: the defaults, what it is based on, its own overrides, and its miniature."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from tasks.runtime.errors import BreathlineError
from tasks.runtime.params import read

RECIPES = Path("recipes")
DEFAULTS = "defaults"
NEEDED, OPTIONAL = {"description", "overrides"}, {"based_on", "paper", "small"}
EVERY = "*"  # in `small`, under `teachers`: each of them
# Replaced by the layer above, not merged: who teaches, and the options of a network that may be another one there.
REPLACED = ("teachers", "student.options")


def names(folder: Path = RECIPES) -> list[str]:
    """Return the recipes there are, sorted; the defaults are none."""
    return sorted(path.stem for path in folder.glob("*.yaml") if path.stem != DEFAULTS)


def load(name: str, folder: Path = RECIPES) -> dict[str, Any]:
    """Return a recipe as it is written.

    Raises:
        BreathlineError: There is no such recipe, or it has other keys.
    """
    path = folder / f"{name}.yaml"
    if not path.is_file():
        raise BreathlineError(
            f"There is no recipe `{name}`.", where=folder, hint=f"one of: {', '.join(names(folder)) or 'none'}"
        )
    loaded = read(path)
    if not isinstance(loaded, Mapping) or not set(loaded) >= NEEDED or set(loaded) - NEEDED - OPTIONAL:
        raise BreathlineError(
            f"A recipe has the keys {' and '.join(sorted(NEEDED))}, and may have {', '.join(sorted(OPTIONAL))}.",
            where=path,
        )
    return loaded


def resolve(name: str, *, small: bool = False, folder: Path = RECIPES) -> dict[str, Any]:
    """Return all that a recipe sets, with the defaults of what it leaves open, so that no earlier recipe lingers.

    Args:
        name: The recipe.
        small: Whether its miniature is wanted: the same method, in a minute.
        folder: Where the recipes lie.

    Raises:
        BreathlineError: A recipe is not there, is based on itself, or shrinks a teacher that it does not have.
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
        settings = _over(settings, layer["overrides"])
    if small:
        for layer in chain:
            settings = _shrunk(settings, layer.get("small", {}), where=folder / f"{name}.yaml")
    return _without_unused(settings)


def _over(below: Mapping[str, Any], above: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return two layers as one: mappings are merged, lists and the mappings of `REPLACED` replaced."""
    merged = deepcopy(dict(below))
    for key, value in above.items():
        dotted = f"{prefix}{key}"
        if isinstance(value, Mapping) and isinstance(merged.get(key), Mapping) and dotted not in REPLACED:
            merged[key] = _over(merged[key], value, f"{dotted}.")
        else:
            merged[key] = deepcopy(value)
    return merged


def _shrunk(settings: Mapping[str, Any], small: Mapping[str, Any], where: Path) -> dict[str, Any]:
    """Return the settings with a recipe's `small` over them; teachers change, but none comes or goes."""
    rest = {key: value for key, value in small.items() if key != "teachers"}
    result = _over(settings, rest)
    for wanted, changes in small.get("teachers", {}).items():
        if wanted != EVERY and wanted not in result["teachers"]:
            raise BreathlineError(
                f"There is no teacher `{wanted}` to be made small.",
                where=where,
                hint=f"one of {', '.join(result['teachers']) or 'none'}, or `{EVERY}` for each",
            )
        for teacher in result["teachers"] if wanted == EVERY else [wanted]:
            # "student." stands for any network here: its options are replaced as a whole.
            result["teachers"][teacher] = _over(result["teachers"][teacher], changes, "student.")
    return result


def _without_unused(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings without the front ends and weights that no network names: each would cost a stage."""
    networks = [settings["student"], *settings["teachers"].values()]
    kept = {
        group: {name: item for name, item in settings[group].items() if name in {one[key] for one in networks}}
        for group, key in (("frontends", "frontend"), ("weights", "weights"))
    }
    return {**settings, **kept}
