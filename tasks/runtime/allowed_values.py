"""Descriptions of the allowed values of a key, from the JSON Schema of the model."""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import TypeAdapter

from tasks.runtime.yaml_files import Key

Schema = Mapping[str, Any]
RANGE = {
    "minimum": "at least {}",
    "exclusiveMinimum": "above {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "below {}",
    "multipleOf": "a multiple of {}",
}
_adapters: dict[Any, TypeAdapter[Any]] = {}
TYPES = {"integer": "a whole number", "number": "a number", "boolean": "true or false", "null": "null"}


def schema_of(kind: Any) -> Schema:
    """Return the JSON Schema of a settings class."""
    schema: Schema = adapter(kind).json_schema()
    return schema


def adapter(kind: Any) -> TypeAdapter[Any]:
    """Return the validator of a type; it is built once."""
    if kind not in _adapters:
        _adapters[kind] = TypeAdapter(kind)
    return _adapters[kind]


def find(root: Schema, key: Key) -> Schema:
    """Return the part of a schema that describes a key; an empty one if it describes none."""
    schema = _resolve(root, root)
    for part in key:
        choices = (_inner(choice, part) for choice in _choices(root, schema))
        schema = next((_resolve(root, one) for one in choices if one), {})
    return schema


def words(root: Schema, key: Key) -> str:
    """Return the allowed values of a key, in words."""
    return describe(root, find(root, key))


def known_keys(root: Schema, key: Key) -> list[str]:
    """Return the keys that a mapping may have."""
    return [name for choice in _choices(root, find(root, key)) for name in choice.get("properties", ())]


def describe(root: Schema, schema: Schema) -> str:
    """Return the values that a schema allows, in words."""
    schema = _resolve(root, schema)
    if "anyOf" in schema:
        choices = dict.fromkeys(describe(root, one) for one in schema["anyOf"])
        return " or ".join(sorted(choices, key=lambda words: words != TYPES["null"]))
    if "enum" in schema:
        return ", ".join(map(str, schema["enum"]))
    kind = schema.get("type")
    if kind == "array":
        return _describe_list(root, schema)
    if kind == "object":
        keys = ", ".join(schema.get("properties", ()))
        return f"a mapping with the keys {keys}" if keys else f"a mapping{_describe_least(schema)}"
    if kind == "string":
        return str(schema["description"]) if "pattern" in schema else "a text"
    return TYPES.get(str(kind), "") + _describe_range(schema)


def _describe_least(schema: Schema) -> str:
    return " (one or more)" if schema.get("minItems") or schema.get("minProperties") else ""


def _describe_range(schema: Schema) -> str:
    limits = {name: f"{schema[name]:,}" for name in RANGE if name in schema}
    if limits.keys() >= {"minimum", "maximum"}:
        return f" from {limits['minimum']} to {limits['maximum']}"
    return "".join(f", {RANGE[name].format(limit)}" for name, limit in limits.items())


def _describe_list(root: Schema, schema: Schema) -> str:
    listed = schema.get("prefixItems")
    items = describe(root, listed[0] if listed else schema.get("items") or {})
    number = f" of {len(listed)}" if listed else _describe_least(schema)
    return f"a list{number}" + (f": {items}" if items else "")


def suggestion(given: str, known: Iterable[str]) -> str:
    """Return a question for the known word that is most similar to a given one; empty if none is similar."""
    folded = {word.lower(): word for word in known}
    found = difflib.get_close_matches(given.lower(), folded, n=1, cutoff=0.6)
    return f"; did you mean {folded[found[0]]}?" if found else ""


def _resolve(root: Schema, schema: Schema) -> Schema:
    while "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rpartition("/")[2]]
    return schema


def _choices(root: Schema, schema: Schema) -> list[Schema]:
    """Return the alternatives of a schema, such as a mapping or null; a schema without any is its only one."""
    return [_resolve(root, one) for one in schema.get("anyOf", (schema,))]


def _inner(schema: Schema, part: str | int) -> Schema | None:
    """Return the schema of a key of a mapping, or of an item of a list."""
    if isinstance(part, int):
        listed = schema.get("prefixItems", ())
        item: Schema | None = listed[part] if part < len(listed) else schema.get("items")
        return item
    if part in schema.get("properties", {}):
        found: Schema = schema["properties"][part]
        return found
    patterns = schema.get("patternProperties")
    return next(iter(patterns.values())) if patterns else None
