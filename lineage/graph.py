"""The stages of dvc.yaml, read without DVC: a stage that writes its record, or an audit, need not wait for its import.

Of DVC's templates it knows what dvc.yaml uses: `${key.of.params}`, `foreach` with `${key}` and `${item}`, `matrix` with
`${item.<name>}`. Tests hold it to DVC's own reading for every recipe.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks import artifacts
from tasks.runtime import params
from tasks.runtime.errors import BreathlineError

TEMPLATE = re.compile(r"\$\{\s*([^}]+?)\s*\}")


@dataclass(frozen=True)
class Stage:
    """One stage, or one item of a group of stages.

    Attributes:
        name: As DVC calls it, such as ``fbank@ast``.
        command: What runs.
        deps: Paths that it reads: project modules and artifacts.
        params: Keys of params.yaml that it reads.
        outs: Paths that it makes, metrics and plots with them.
    """

    name: str
    command: str
    deps: tuple[str, ...]
    params: tuple[str, ...]
    outs: tuple[str, ...]

    @property
    def code(self) -> tuple[str, ...]:
        """The deps that are the project's own modules."""
        return tuple(dep for dep in self.deps if not _is_data(dep))

    @property
    def inputs(self) -> tuple[str, ...]:
        """The deps that are artifacts."""
        return tuple(dep for dep in self.deps if _is_data(dep))


def _is_data(path: str) -> bool:
    return path.split("/", 1)[0] in (artifacts.DATA.name, artifacts.REPORTS.name)


def read(root: Path) -> dict[str, Stage]:
    """Return the stages by name, in the order of dvc.yaml.

    Raises:
        BreathlineError: A file is not there, or dvc.yaml uses a template that is not known here.
    """
    values = params.read(root / "params.yaml")
    graph = params.read(root / "dvc.yaml")
    return {stage.name: stage for name, given in graph["stages"].items() for stage in _items(name, given, values)}


def _items(name: str, given: Mapping[str, Any], values: Mapping[str, Any]) -> Iterator[Stage]:
    if "foreach" in given:
        over = _filled(given["foreach"], values)
        pairs = over.items() if isinstance(over, Mapping) else ((item, item) for item in over)
        for key, item in pairs:
            yield _stage(f"{name}@{key}", given["do"], {**values, "key": key, "item": item})
    elif "matrix" in given:
        ((axis, over),) = given["matrix"].items()
        for item in _filled(over, values):
            yield _stage(f"{name}@{item}", given, {**values, "item": {axis: item}})
    else:
        yield _stage(name, given, values)


def _stage(name: str, given: Mapping[str, Any], values: Mapping[str, Any]) -> Stage:
    def paths(*kinds: str) -> tuple[str, ...]:
        found = (entry for kind in kinds for entry in given.get(kind, ()))
        # An entry with options (`cache: false`) is a mapping of one path.
        return tuple(str(_filled(next(iter(e)) if isinstance(e, Mapping) else e, values)) for e in found)

    return Stage(
        name=name,
        command=str(_filled(given["cmd"], values)),
        deps=paths("deps"),
        params=paths("params"),
        outs=paths("outs", "metrics", "plots"),
    )


def _filled(text: Any, values: Mapping[str, Any]) -> Any:
    """Return a text with its templates filled in; one that is a single template becomes the value itself."""
    if not isinstance(text, str):
        return text
    whole = TEMPLATE.fullmatch(text)
    if whole:
        return _value(whole[1], values)
    return TEMPLATE.sub(lambda found: str(_value(found[1], values)), text)


def _value(key: str, values: Mapping[str, Any]) -> Any:
    value: Any = values
    for part in key.split("."):
        if not isinstance(value, Mapping) or part not in value:
            raise BreathlineError(f"dvc.yaml names `{key}`, which is not in params.yaml.", where="dvc.yaml")
        value = value[part]
    return value
