"""Stages of dvc.yaml, read without the slow import of DVC.

The reader supports the templates that dvc.yaml uses: `${key.of.params}`, `foreach` with `${key}` and `${item}`, and
`matrix` with `${item.<name>}`. Tests compare it with DVC's own reader for every recipe.
"""

import itertools
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
    """One stage, or one item of a group of stages."""

    name: str  # name in DVC, such as ``fbank@demo-ast``
    command: str  # command line
    deps: tuple[str, ...]  # paths that the stage reads: modules and artifacts
    params: tuple[str, ...]  # keys of params.yaml that the stage reads
    outs: tuple[str, ...]  # paths that the stage makes, with metrics and plots

    @property
    def code(self) -> tuple[str, ...]:
        """The deps that are modules of the project."""
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
        BreathlineError: A file is missing, or dvc.yaml uses an unknown key of params.yaml.
    """
    return stages(params.read(root / "params.yaml"), params.read(root / "dvc.yaml"))


def stages(values: Mapping[str, Any], graph: Mapping[str, Any]) -> dict[str, Stage]:
    """Return the stages by name from the contents of params.yaml and dvc.yaml.

    Raises:
        BreathlineError: dvc.yaml uses an unknown key of params.yaml.
    """
    return {stage.name: stage for name, given in graph["stages"].items() for stage in _items(name, given, values)}


def _items(name: str, given: Mapping[str, Any], values: Mapping[str, Any]) -> Iterator[Stage]:
    if "foreach" in given:
        over = _filled(given["foreach"], values)
        pairs = over.items() if isinstance(over, Mapping) else ((item, item) for item in over)
        for key, item in pairs:
            yield _stage(f"{name}@{key}", given["do"], {**values, "key": key, "item": item})
    elif "matrix" in given:
        axes = {axis: _filled(over, values) for axis, over in given["matrix"].items()}
        for items in itertools.product(*axes.values()):
            item = dict(zip(axes, items, strict=True))
            yield _stage(f"{name}@{'-'.join(map(str, items))}", given, {**values, "item": item})
    else:
        yield _stage(name, given, values)


def _stage(name: str, given: Mapping[str, Any], values: Mapping[str, Any]) -> Stage:
    def paths(*kinds: str) -> tuple[str, ...]:
        found = (entry for kind in kinds for entry in given.get(kind, ()))
        # An entry with options, such as `cache: false`, is a mapping with one path.
        return tuple(str(_filled(next(iter(e)) if isinstance(e, Mapping) else e, values)) for e in found)

    return Stage(
        name=name,
        command=str(_filled(given["cmd"], values)),
        deps=paths("deps"),
        params=paths("params"),
        outs=paths("outs", "metrics", "plots"),
    )


def _filled(text: Any, values: Mapping[str, Any]) -> Any:
    """Fill in the templates of a text; a text that is a single template becomes the value itself."""
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
            what = f"dvc.yaml uses `{key}`, which params.yaml does not have."
            raise BreathlineError(what, where="dvc.yaml", hint="add the key to params.yaml")
        value = value[part]
    return value
