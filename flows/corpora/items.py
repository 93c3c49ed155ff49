"""Items of corpora in params.yaml: adding and removing one, with the split and everything that belongs to it."""

from collections.abc import Collection as AbstractCollection
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.recipes import writing
from flows.recipes.params_text import PARAMS
from flows.recipes.writing import Edit
from tasks.artifacts import Role
from tasks.corpora import registry
from tasks.corpora.settings import SECTIONS
from tasks.runtime import yaml_files
from tasks.runtime.errors import BreathlineError
from tasks.runtime.faults import mapping_at
from tasks.runtime.words import listed

TABLES = Path("corpora")  # folder of normalised tables, which Git tracks


@dataclass(frozen=True, kw_only=True)
class Item:
    """Corpus that params.yaml names: name, role, and its keys."""

    name: str
    role: Role
    keys: Mapping[str, Any]


def table_of(name: str) -> Path:
    """Return the path of the normalised table of a corpus."""
    return TABLES / f"{name}.csv"


def problems_of(name: str) -> Path:
    """Return the path of the list of all problems that `corpus add` found."""
    return TABLES / f"{name}-problems.txt"


def read(root: Path) -> list[Item]:
    """Return the corpora of a project, those to learn from first."""
    raw = yaml_files.load_mapping(root / PARAMS)
    return [
        Item(name=name, role=role, keys=mapping_at(raw, (section, name)))
        for role, section in SECTIONS.items()
        for name in mapping_at(raw, (section,))
    ]


def get(root: Path, name: str) -> Item:
    """Return a corpus of a project.

    Raises:
        BreathlineError: params.yaml has no corpus of this name.
    """
    items = read(root)
    found = next((item for item in items if item.name == name), None)
    if found is None:
        known = listed([item.name for item in items], 20)
        raise BreathlineError(f"There is no corpus `{name}`.", where=root / PARAMS, hint=f"use one of: {known}")
    return found


def add(
    root: Path, name: str, role: Role, keys: Mapping[str, Any], *, split: str | int, patients: AbstractCollection[str]
) -> Edit:
    """Return the changes of a project by a new corpus, or by a new version of one of the same format.

    Patients who are left out stay left out, as long as they are in the table. A generated corpus is no longer learned
    from beside the new one.

    Args:
        root: Folder of the project.
        name: Name of the corpus.
        role: Role of the corpus.
        keys: Keys of the corpus in params.yaml.
        split: Split of the corpus, where it is learned from.
        patients: Ids of its patients.

    Raises:
        BreathlineError: Another corpus has the name, or params.yaml would not be right.
    """
    raw = yaml_files.load_mapping(root / PARAMS)
    before = {item.name: item for item in read(root)}
    if name in before and (before[name].keys.get("format") != keys["format"] or before[name].role != role):
        other = before[name]
        raise BreathlineError(
            f"There is a corpus `{name}` already ({other.role}, of the format {other.keys.get('format')}).",
            where=root / PARAMS,
            hint=f"use another name, or run `breathline corpus remove {name}` first",
        )
    left_out = (before[name].keys.get("exclude_patients") or []) if name in before else []
    excluded = [patient for patient in left_out if str(patient) in patients]
    item = {**keys, **({"exclude_patients": excluded} if excluded else {})}
    section = SECTIONS[role]
    others = {key: value for key, value in mapping_at(raw, (section,)).items() if key != name}
    if role == "external":
        return writing.changed(root, {section: {**others, name: item}})
    kept = {key: value for key, value in others.items() if not _is_generated(value)}
    splits = {key: value for key, value in _splits(raw).items() if key in kept}
    changes = {section: {**kept, name: item}, "split": _joined({**splits, name: split})}
    if heads := mapping_at(raw, ("heads",)):
        changes["heads"] = {**{key: heads[key] for key in kept if key in heads}, name: raw.get("labels")}
    return writing.changed(root, changes)


def remove(root: Path, name: str) -> Edit:
    """Return the changes of a project without a corpus.

    Raises:
        BreathlineError: There is no such corpus, or it is the only one to learn from.
    """
    item = get(root, name)
    raw = yaml_files.load_mapping(root / PARAMS)
    section = SECTIONS[item.role]
    others = {key: value for key, value in mapping_at(raw, (section,)).items() if key != name}
    if item.role == "external":
        return writing.changed(root, {section: others})
    if not others:
        raise BreathlineError(
            f"`{name}` is the only training corpus.",
            where=root / PARAMS,
            hint="add another one first: `breathline corpus add`, or `breathline recipe use NAME --corpus SOURCE`",
        )
    splits = {key: value for key, value in _splits(raw).items() if key != name}
    heads = {key: value for key, value in mapping_at(raw, ("heads",)).items() if key != name}
    return writing.changed(root, {section: others, "split": _joined(splits), "heads": heads})


def _is_generated(keys: Mapping[str, Any]) -> bool:
    """Return whether a corpus is generated."""
    known = keys.get("format") in registry.names()
    return known and registry.get(keys["format"]).generated and keys.get("source") == "publisher"


def _splits(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return the split of each training corpus."""
    given = raw.get("split")
    names = mapping_at(raw, (SECTIONS["training"],))
    return {name: given.get(name) if isinstance(given, Mapping) else given for name in names}


def _joined(splits: Mapping[str, Any]) -> Any:
    """Return one split for all corpora where they have the same, else that of each."""
    return next(iter(splits.values())) if len({str(split) for split in splits.values()}) == 1 else dict(splits)
