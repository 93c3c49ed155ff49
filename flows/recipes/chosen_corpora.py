"""Corpora and split that a recipe gives a project: its own, those of the options, and what the project has set."""

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from flows.recipes import corpus as sources
from tasks.corpora import registry
from tasks.corpora.settings import SECTIONS, ExternalSettings
from tasks.runtime.errors import BreathlineError
from tasks.runtime.faults import mapping_at
from tasks.subsets.settings import ALL

Item = Mapping[str, Any]
# Keys that describe one source; another source does not keep them.
OF_SOURCE = ("path", "dataset", "revision", "sha256", "expect")
DEFAULTS = {
    field.name: [] if field.default == () else field.default
    for field in fields(ExternalSettings)
    if field.default is not MISSING
}


def choose(
    settings: Mapping[str, Any],
    project: Mapping[str, Any],
    root: Path,
    *,
    corpus: Sequence[str],
    external: Sequence[str],
) -> dict[str, Any]:
    """Return the settings of a recipe with the corpora of a project.

    A corpus of the options replaces the one of the same name in the recipe, and the recipe's others stay. If the recipe
    does not name one of them, the options replace all. Corpora that neither names stay those of the project.

    Args:
        settings: Settings of the recipe.
        project: Content of the project's params.yaml.
        root: Folder of the project.
        corpus: Values of the option `--corpus`.
        external: Values of the option `--external`.

    Raises:
        BreathlineError: A source cannot be read, or one corpus is both learned from and only tested on.
    """
    given = {"corpora": sources.items(corpus, "--corpus"), "external": sources.items(external, "--external")}
    chosen = dict(settings)
    for section, named in given.items():
        own = settings.get(section)
        if named or own is not None:
            chosen[section] = {
                name: _kept(item, name, section, project) for name, item in _filled(own or {}, named).items()
            }
    both = [name for name in given["corpora"] | given["external"] if _in_both(name, chosen, project)]
    if both:
        raise BreathlineError(
            f"The corpus {both[0]} is to be learned from, and is also one that is only tested on.",
            where="params.yaml: external" if both[0] in given["corpora"] else "params.yaml: corpora",
            hint=f"give one of them another name: --corpus NAME=SOURCE, --external NAME=SOURCE; now {both[0]}",
        )
    if "external" in chosen:
        chosen["external"] = {name: _tested(item, root) for name, item in chosen["external"].items()}
    return chosen | {"split": _split(chosen, project, root, given["corpora"])}


def _tested(item: Item, root: Path) -> Item:
    """Return an external corpus with its usual split as test, if it does not have the given one."""
    test = item.get("test", ALL)
    if test == ALL or item.get("format") not in registry.names() or sources.has_split(item, test, root):
        return item
    return {**item, "test": sources.usual_split(item, root)}


def _filled(own: Mapping[str, Item], named: Mapping[str, Item]) -> Mapping[str, Item]:
    """Return the corpora of the options, among those of the recipe if it has one of each name."""
    if not named or not named.keys() <= own.keys():
        return named or own
    test = {name: {key: own[name][key] for key in ("test",) if key in own[name]} for name in named}
    return {**own, **{name: {**item, **test[name]} for name, item in named.items()}}


def _kept(item: Item, name: str, section: str, project: Mapping[str, Any]) -> Item:
    """Return an item with the keys that the project has set for the corpus of this name, in any role.

    Above all, a patient whom the project excludes stays excluded.
    """
    before = {**mapping_at(project, ("external", name)), **mapping_at(project, ("corpora", name))}
    if before.get("format") != item["format"]:
        return short(item)
    same = all(before.get(key) == item.get(key) for key in ("source", "path", "dataset"))
    generated = item["source"] == "publisher" and registry.get(item["format"]).generated
    dropped = {
        *(() if same else OF_SOURCE),
        *(("metadata",) if generated else ()),
        *(("test",) if section == SECTIONS["training"] else ()),
    }
    new = short({**{key: value for key, value in before.items() if key not in dropped}, **item})
    there = mapping_at(project, (section, name))
    return there if short(there) == new else new


def short(item: Item) -> dict[str, Any]:
    """Return an item without the keys that have their default value."""
    return {key: value for key, value in item.items() if key not in DEFAULTS or value != DEFAULTS[key]}


def _in_both(name: str, chosen: Mapping[str, Any], project: Mapping[str, Any]) -> bool:
    return all(name in chosen.get(section, mapping_at(project, (section,))) for section in SECTIONS.values())


def _split(chosen: Mapping[str, Any], project: Mapping[str, Any], root: Path, given: Mapping[str, Item]) -> Any:
    """Return the split of all training corpora, or a split by the name of each where they differ.

    A corpus that does not have the recipe's split keeps that of the project, or gets its usual one.
    """
    wanted, present = chosen["split"], project.get("split")
    found = {}
    for name, item in (chosen.get("corpora") or mapping_at(project, ("corpora",))).items():
        if not isinstance(item, Mapping) or item.get("format") not in registry.names():
            return wanted  # the check of all parameters names the fault
        candidates = [_of(wanted, name), *([] if name in given else [_of(present, name)])]
        fitting = [split for split in candidates if split is not None and sources.has_split(item, split, root)]
        found[name] = fitting[0] if fitting else sources.usual_split(item, root)
    return next(iter(found.values())) if len({str(split) for split in found.values()}) == 1 else found


def _of(split: Any, name: str) -> Any:
    return split.get(name) if isinstance(split, Mapping) else split
