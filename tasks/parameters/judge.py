"""Check of params.yaml before anything runs: all faults in one message, each with line, key and allowed values."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

from tasks.artifacts import CATALOGUE, CYCLES
from tasks.parameters import references
from tasks.parameters.model import Params, StudentSettings
from tasks.runtime import allowed_values, faults, yaml_files
from tasks.runtime.artifact_reading import read_table
from tasks.runtime.errors import BreathlineError
from tasks.runtime.faults import Fault
from tasks.runtime.params import PARAMS
from tasks.runtime.yaml_files import Key

GRAPH = "dvc.yaml"
HINT = "correct these keys; the comments in params.yaml explain each, `breathline recipe use NAME` sets them all"


def problems(path: Path = PARAMS) -> list[str]:
    """Return the faults of a params.yaml, each as one line of text with file and line; an empty list if it is valid."""
    try:
        text = yaml_files.read_text(path)
        raw = yaml_files.as_mapping(yaml_files.parse(text, path), path)
    except BreathlineError as error:
        return [f"{error.where}: {error.what}"]
    return describe(find(raw), locator(path, text))


def check(path: Path = PARAMS) -> None:
    """Raise an error that names all faults of a params.yaml.

    Raises:
        BreathlineError: The file cannot be read, or a key or value is wrong.
    """
    yaml_files.load_mapping(path)
    refuse(problems(path), path)


def check_project(root: Path) -> None:
    """Check dvc.yaml and params.yaml of a project; a graph of other stages may have other parameters.

    Raises:
        BreathlineError: A file cannot be read, or a key or value of params.yaml is wrong.
    """
    graph = root / GRAPH
    if graph.is_file():
        stages = yaml_files.load_mapping(graph).get("stages")
        if isinstance(stages, Mapping) and stages.keys() >= {artifact.stage for artifact in CATALOGUE}:
            check(root / PARAMS)


def check_split(root: Path) -> None:
    """Check that the split of params.yaml has cycles and whole patients for each subset among the extracted ones.

    Raises:
        BreathlineError: The split, its device or the labels do not exist, or a subset would be empty.
    """
    from tasks.subsets import splits

    path = root / PARAMS
    raw = yaml_files.load_mapping(path)
    cycles = read_table(root / CYCLES)
    try:
        fraction = raw["validation"]["fraction"]
        splits.check(cycles, labels=raw["labels"], split=raw["split"], fraction=fraction)
    except BreathlineError as error:
        key: Key = tuple(str(error.where).split("."))
        fault = Fault(key, f"is {faults.shown(faults.value_at(raw, key))}: {error.what} Next: {error.hint}")
        refuse(describe([fault], locator(path, yaml_files.read_text(path))), path)


def refuse(found: list[str], where: object) -> None:
    """Raise an error with all of some faults; return if there are none.

    Raises:
        BreathlineError: There are faults.
    """
    if found:
        number = "a problem" if len(found) == 1 else f"{len(found)} problems"
        lines = "\n".join(f"  - {line}" for line in found)
        raise BreathlineError(f"The parameters have {number}:\n{lines}", where=where, hint=HINT)


def find(raw: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield the faults of the content of a params.yaml, each key once; a reference names more than the type."""
    found = [*faults.find(Params, raw), *_missing_in_student(raw), *references.find(raw)]
    yield from {fault.key: fault for fault in found}.values()


def describe(found: Iterable[Fault], locate: Callable[[Key], str]) -> list[str]:
    """Return faults as lines of text.

    Args:
        found: Faults.
        locate: Function from a key to its file and line.
    """
    return [f"{locate(fault.key)}: {fault}" for fault in found]


def locator(path: Path, text: str) -> Callable[[Key], str]:
    """Return a function from a key to its file and line; a missing key has that of the mapping that lacks it."""

    @cache
    def lines() -> dict[Key, int]:
        return yaml_files.lines(text)

    def locate(key: Key) -> str:
        while key and key not in lines():
            key = key[:-1]
        return f"{path.name}:{lines()[key] + 1}" if key else path.name

    return locate


def _missing_in_student(raw: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield the missing keys of the student: dvc.yaml names each, so DVC would stop without it."""
    student = raw.get("student")
    if isinstance(student, Mapping):
        for field in fields(StudentSettings):
            if field.name not in student:
                root = allowed_values.schema_of(Params)
                words = allowed_values.words(root, ("student", field.name))
                yield Fault(("student", field.name), f"is missing; allowed: {words}")
