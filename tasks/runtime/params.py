"""Reading of params.yaml into frozen, typed settings."""

import re
from collections.abc import Collection, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any, TypeVar

from tasks.runtime import yaml_files
from tasks.runtime.errors import BreathlineError

T = TypeVar("T")
PARAMS = Path("params.yaml")


def read(path: Path = PARAMS) -> dict[str, Any]:
    """Return a YAML file of the project as plain mappings and lists.

    Raises:
        BreathlineError: The file is missing or empty, is not YAML, or holds no mapping.
    """
    return yaml_files.load_mapping(path)


def section(params: Mapping[str, Any], key: str) -> Any:
    """Return the value at a dotted key, such as ``student.optimizer``.

    Raises:
        BreathlineError: A part of the key is missing.
    """
    value: Any = params
    for part in key.split("."):
        if not isinstance(value, Mapping) or part not in value:
            raise BreathlineError(f"The key `{key}` is missing.", where=PARAMS, hint=f"add `{part}` under its parent")
        value = value[part]
    return value


def parse(kind: type[T], value: Any, key: str) -> T:
    """Return ``value`` as a frozen dataclass or another type.

    Args:
        kind: Type of the result.
        value: Section of params.yaml.
        key: Dotted key of the section, for error messages.

    Raises:
        BreathlineError: Keys are unknown or missing, or values are not allowed; the error lists all of them.
    """
    from tasks.runtime import faults  # with pydantic

    if found := faults.find(kind, value):
        lines = [str(fault.below(tuple(key.split(".")))) for fault in found]
        raise BreathlineError("\n".join(lines), where=PARAMS, hint="see the comments in params.yaml")
    parsed: T = faults.validate(kind, value)
    return parsed


def merge(
    base: Mapping[str, Any], override: Mapping[str, Any], *, whole: Collection[str] = (), prefix: str = ""
) -> dict[str, Any]:
    """Return a copy of ``base`` with the nested keys of ``override`` set.

    Args:
        base: Nested mappings.
        override: Nested mappings; lists replace lists.
        whole: Dotted keys of mappings that replace those of ``base`` instead of being merged.
        prefix: Start of the dotted keys, such as ``student.``.
    """
    merged = {key: value if key in override else deepcopy(value) for key, value in base.items()}
    for key, value in override.items():
        dotted = f"{prefix}{key}"
        if isinstance(value, Mapping) and isinstance(base.get(key), Mapping) and dotted not in whole:
            merged[key] = merge(base[key], value, whole=whole, prefix=f"{dotted}.")
        else:
            merged[key] = deepcopy(value)
    return merged


def flatten(value: Any, prefix: str = "", *, lists: bool = False) -> dict[str, Any]:
    """Return the leaves of nested mappings by dotted key; an empty mapping is a leaf.

    Args:
        value: Nested mappings.
        prefix: Dotted key of ``value``.
        lists: Whether to flatten lists of mappings or lists as well, by index.
    """
    if isinstance(value, Mapping) and value:
        items = list(value.items())
    elif lists and isinstance(value, list) and any(isinstance(item, list | dict) for item in value):
        items = list(enumerate(value))
    else:
        return {prefix: value} if prefix or value != {} else {}
    leaves: dict[str, Any] = {}
    for key, inner in items:
        leaves |= flatten(inner, f"{prefix}.{key}" if prefix else str(key), lists=lists)
    return leaves


def nest(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return nested mappings of the values at dotted keys, none of which is the start of another."""
    nested: dict[str, Any] = {}
    for key, value in values.items():
        *parents, last = key.split(".")
        inner = nested
        for parent in parents:
            inner = inner.setdefault(parent, {})
        inner[last] = value
    return nested


def natural(name: str) -> tuple[list[tuple[str, int, str]], str]:
    """Return the sort key of an id, in which numbers of any length count as numbers: s2 comes before s10."""
    parts = [(text, number, number.lstrip("0")) for text, number in re.findall(r"([^0-9]*)([0-9]*)", name)]
    return [(text, len(digits) if number else -1, digits) for text, number, digits in parts], name
