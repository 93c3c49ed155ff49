"""Faults of plain values against a settings class, in words: unknown keys, wrong types, ranges and contradictions."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from tasks.runtime import allowed_values
from tasks.runtime.yaml_files import Key, describe_type, dotted

MAX_SHOWN = 60  # characters of a value in a message
UNKNOWN = {"unexpected_keyword_argument", "extra_forbidden"}


@dataclass(frozen=True)
class Fault:
    """Fault of one key: the key, and what is wrong as the rest of a sentence."""

    key: Key
    what: str

    def below(self, section: Key) -> Fault:
        """Return the fault with the key of its section before its own."""
        return Fault((*section, *self.key), self.what)

    def __str__(self) -> str:
        return f"{dotted(self.key) or 'The file'} {self.what}"


def validate(kind: Any, raw: Any) -> Any:
    """Return plain values as a type; as in JSON, a list may fill a tuple, and neither text nor boolean fills a number.

    Raises:
        ValidationError: A key is unknown or missing, or a value is not allowed.
    """
    return allowed_values.adapter(kind).validate_json(json.dumps(raw, default=str), strict=True)


def find(kind: Any, raw: Any) -> list[Fault]:
    """Return the faults of plain values, each key once, in the order of the settings.

    Args:
        kind: Type, such as a frozen dataclass; a `ValueError` of its `__post_init__` begins with the key at fault and a
            colon.
        raw: Values as they are in a YAML file.
    """
    try:
        validate(kind, raw)
    except ValidationError as error:
        root = allowed_values.schema_of(kind)
        faults = [_fault(root, raw, detail) for detail in error.errors(include_url=False)]
        by_key = {fault.key: fault for fault in reversed(faults)}
        lists = {key[:-1] for key in by_key if key and isinstance(key[-1], int)}  # an item at fault is enough
        return [fault for key, fault in reversed(by_key.items()) if key not in lists]
    return []


def value_at(raw: Any, key: Key) -> Any:
    """Return the value at a key; None if it is missing."""
    for part in key:
        try:
            raw = raw[part]
        except (KeyError, IndexError, TypeError):
            return None
    return raw


def mapping_at(raw: Any, key: Key) -> Mapping[str, Any]:
    """Return the mapping at a key; an empty one if it is missing, or no mapping."""
    found = value_at(raw, key)
    return found if isinstance(found, Mapping) else {}


def unknown_name(key: Key, section: Mapping[str, Any], known: Collection[str]) -> Iterator[Fault]:
    """Yield a fault if the value of a key is not among known names.

    Args:
        key: Key of the name.
        section: Mapping that has the last part of the key, or lacks it.
        known: Allowed names.
    """
    given = section.get(str(key[-1]), "")
    if key[-1] in section and given not in [*known]:
        similar = allowed_values.suggestion(given, known) if isinstance(given, str) else ""
        yield Fault(key, f"is {shown(given)}{odd_characters(given)}; allowed: {', '.join(known) or 'none'}{similar}")


def odd_characters(text: Any) -> str:
    """Return a remark on characters of a text that look like others, or like none; empty without such characters."""
    found = dict.fromkeys(one for one in text if not one.isascii()) if isinstance(text, str) else ()
    names = [f"{unicodedata.name(one, 'a character without a name')} (U+{ord(one):04X})" for one in found]
    return f", with {' and '.join(names[:3])}" if names else ""


def shown(value: Any) -> str:
    """Return a value as a message shows it."""
    if isinstance(value, dict) and value:
        return describe_type(value)
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"


def _fault(root: allowed_values.Schema, raw: Any, detail: ErrorDetails) -> Fault:
    key, name = _given_part(raw, detail["loc"]), detail["type"]
    if name in UNKNOWN:
        unknown = str(detail["loc"][-1])
        known = allowed_values.known_keys(root, key[:-1])
        similar = allowed_values.suggestion(unknown, known) or f"; known here: {', '.join(known)}"
        return Fault(key, f"is unknown{odd_characters(unknown)}{similar}")
    if name == "missing" and isinstance(detail["loc"][-1], str):
        missing = (*key, detail["loc"][-1])
        return Fault(missing, f"is missing; allowed: {allowed_values.words(root, missing)}")
    if detail["loc"][-1:] == ("[key]",):
        words = allowed_values.find(root, key[:-1])["propertyNames"]["description"]
        return Fault(key, f"is not allowed as a name; allowed: {words}")
    if name == "value_error":
        return _contradiction(raw, key, str(detail["ctx"]["error"]))
    value = value_at(raw, key)
    words = allowed_values.words(root, key)
    similar = allowed_values.suggestion(value, re.split(", | or ", words)) if isinstance(value, str) else ""
    return Fault(key, f"is {shown(value)}{odd_characters(value)}; allowed: {words}{similar}")


def _contradiction(raw: Any, section: Key, message: str) -> Fault:
    """Return the fault of a key that contradicts another one."""
    name, colon, rest = message.partition(": ")
    if not colon or not name.isidentifier():
        return Fault(section, f"does not fit: {message}")
    key = (*section, name)
    return Fault(key, f"is {shown(value_at(raw, key))}; allowed: {rest}")


def _given_part(raw: Any, location: tuple[str | int, ...]) -> Key:
    """Return the parts of an error's location that are keys of the values; the others name types and alternatives."""
    key: list[str | int] = []
    value = raw
    for part in location:
        inside = part in (value if isinstance(value, Mapping) else range(len(value)) if isinstance(value, list) else ())
        if inside:
            value = value[part]
            key.append(part)
    return tuple(key)
