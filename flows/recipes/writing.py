"""Application of a recipe to a project: params.yaml, and removal of what belongs to items that it no longer names."""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.recipes import chosen_corpora
from flows.recipes.layers import RECIPES, place, resolve
from flows.recipes.params_text import PARAMS, WHOLE, Changed, apply, yaml_round_trip
from tasks import artifacts
from tasks.artifacts import CorpusFolders
from tasks.corpora.settings import SECTIONS
from tasks.parameters import judge
from tasks.parameters.schema import EDITOR_LINE
from tasks.runtime import yaml_files
from tasks.runtime.files import write_text
from tasks.runtime.params import merge
from tasks.runtime.yaml_files import Key

# Folders with one sub-folder per item. Stages depend on the whole folder, so that it may hold nothing else.
ITEM_FOLDERS = {
    "teachers": artifacts.TEACHERS,
    "frontends": artifacts.FEATURE_CACHES,
    "weights": artifacts.WEIGHTS,
    "student.seeds": artifacts.STUDENTS,
}


@dataclass(frozen=True)
class Edit:
    """Changes of a project by a recipe.

    Attributes:
        text: New text of params.yaml.
        changes: Changed keys of params.yaml.
        stale: Folders and records of items that params.yaml no longer names; DVC's cache keeps copies of them.
    """

    text: str
    changes: tuple[Changed, ...]
    stale: tuple[Path, ...]


def edit(
    root: Path, name: str, *, corpus: Sequence[str] = (), external: Sequence[str] = (), small: bool = False
) -> Edit:
    """Return the changes of a project by a recipe; nothing is written.

    Args:
        root: Folder of the project.
        name: Name of the recipe.
        corpus: Corpora to learn from, each ``SOURCE`` or ``CORPUS=SOURCE``; those of the recipe or the project, if
            empty.
        external: Corpora that are only tested on, in the same form.
        small: Whether the small version of the recipe is used.

    Raises:
        BreathlineError: The recipe or params.yaml cannot be read, or the parameters would not be right.
    """
    read = yaml_files.load_mapping(root / PARAMS)
    settings = recipe_settings(root, name, read, corpus=corpus, external=external, small=small)
    source = root / RECIPES / f"{name}.yaml"
    return changed(root, settings, source, lambda key: place(name, key, small=small, folder=root / RECIPES))


def changed(
    root: Path,
    settings: Mapping[str, Any],
    source: Path | None = None,
    locate: Callable[[Key], str | None] = lambda key: None,
) -> Edit:
    """Return the changes of a project by some keys of params.yaml; nothing is written.

    Args:
        root: Folder of the project.
        settings: New values of keys.
        source: File that they come from, for error messages; params.yaml by default.
        locate: Function from a key to its file and line, or None where the key is not in that file.

    Raises:
        BreathlineError: The parameters would not be right.
    """
    before = yaml_files.read_text(root / PARAMS)
    read = yaml_files.as_mapping(yaml_files.parse(before, root / PARAMS), root / PARAMS)
    in_params = judge.locator(root / PARAMS, before)
    faults = judge.find(merge(read, settings, whole=WHOLE))
    judge.refuse(judge.describe(faults, lambda key: locate(key) or in_params(key)), source or root / PARAMS)
    text, changes = apply(before, settings)
    if changes and EDITOR_LINE not in text.splitlines():
        text = f"{EDITOR_LINE}\n{text}"
    return Edit(text, tuple(changes), tuple(leftovers(root, yaml_round_trip().load(text))))


def write(root: Path, planned: Edit) -> None:
    """Write params.yaml, and remove what belongs to items that it no longer names."""
    if planned.changes:
        write_text(root / PARAMS, planned.text)
    remove(planned.stale)


def remove(stale: Sequence[Path]) -> None:
    """Remove folders and files."""
    for path in stale:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def recipe_settings(
    root: Path,
    name: str,
    project: Mapping[str, Any],
    *,
    corpus: Sequence[str] = (),
    external: Sequence[str] = (),
    small: bool = False,
) -> dict[str, Any]:
    """Return the settings of a recipe for a project; see `edit`.

    Args:
        root: Folder of the project.
        name: Name of the recipe.
        project: Content of the project's params.yaml.
        corpus: Corpora to learn from.
        external: Corpora that are only tested on.
        small: Whether the small version of the recipe is used.
    """
    settings = resolve(name, small=small, folder=root / RECIPES)
    return chosen_corpora.choose(settings, project, root, corpus=corpus, external=external)


def leftovers(root: Path, params: Mapping[str, Any]) -> list[Path]:
    """Return what the parameters no longer name: folders of items and of corpora, and records of stages of corpora."""
    stale: list[Path] = []
    for key, folder in ITEM_FOLDERS.items():
        named: Any = params
        for part in key.split("."):
            named = named[part]
        stale += _others(root / folder, named)
    for role, section in SECTIONS.items():
        for folder in _corpus_folders(root, CorpusFolders(role, "*")):
            stale += _others(folder, params[section])
    for folder in sorted(root.glob(str(CorpusFolders("external", "*").features("*").parent))):
        stale += _others(folder, params["frontends"])
    for record in sorted((root / artifacts.RECORDS).glob("*@*.json")):
        if (found := artifacts.corpus_of(record.stem)) is not None:
            _, corpus, front_end = found
            unnamed = corpus.name not in params[SECTIONS[corpus.role]]
            stale += [record] if unnamed or (front_end and front_end not in params["frontends"]) else []
    # A folder within a removed one is removed with it.
    return [path for path in stale if not any(parent in stale for parent in path.parents)]


def _corpus_folders(root: Path, corpus: CorpusFolders) -> Iterator[Path]:
    """Yield the folders that have one sub-folder for each corpus of a role."""
    yield from (root / one.parent for one in (corpus.raw, corpus.tables, corpus.waveforms, corpus.data_docs))
    yield root / corpus.verdicts.parent.parent
    if corpus.role == "training":
        yield from sorted((root / artifacts.FEATURE_CACHES).glob("*/"))


def _others(folder: Path, named: Any) -> list[Path]:
    """Return the sub-folders of items that are not named."""
    kept = {str(item) for item in named}
    return [path for path in sorted(folder.glob("*")) if path.is_dir() and path.name not in kept]
