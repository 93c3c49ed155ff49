"""Reading of YAML files as plain values, with the file and line of each fault."""

import math
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from copy import deepcopy
from functools import lru_cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import CollectionEndEvent, CollectionStartEvent
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from tasks.runtime.errors import BreathlineError

MAX_BYTES = 1_000_000
MAX_VALUES = 100_000  # of a file, with each alias written out
MAX_DEPTH = 30
SURELY_SHALLOW = 1000  # sum of brackets and of the longest line below which no nesting is dangerous
CONFLICT = re.compile(r"^(<{7}|={7}|>{7})( |$)", re.MULTILINE)  # lines that an unfinished merge of Git leaves
LONG_NUMBER = re.compile(r"\d{4301,}")  # more digits than Python reads
DATE = re.compile(r"(?<![0-9])[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}")
CONTROL = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f]")

Key = tuple[str | int, ...]  # keys and indices from the root of a file to a value


def load(path: Path) -> Any:
    """Return the content of a YAML file: mappings with text as keys, lists, texts, numbers, booleans and null.

    Raises:
        BreathlineError: The file is missing, is not YAML, or holds other values; the error names file and line.
    """
    return parse(read_text(path), path)


def load_mapping(path: Path) -> dict[str, Any]:
    """Return the content of a YAML file that holds a mapping.

    Raises:
        BreathlineError: See `load`; or the file is empty, or holds no mapping.
    """
    return as_mapping(load(path), path)


def as_mapping(loaded: Any, path: Path) -> dict[str, Any]:
    """Return the content of a file, which must be a mapping.

    Args:
        loaded: Content of a file.
        path: Path of the file, for error messages.

    Raises:
        BreathlineError: The file is empty, or holds no mapping.
    """
    if loaded is None:
        raise BreathlineError("The file is empty.", where=path, hint=f"`git checkout {path.name}` restores it")
    if not isinstance(loaded, dict):
        what = f"The file holds {describe_type(loaded)}; a mapping (`key: value`) is expected."
        raise BreathlineError(what, where=path, hint="correct the file")
    return loaded


def parse(text: str, path: Path) -> Any:
    """Return the content of a YAML text; see `load`.

    Args:
        text: Text of a file.
        path: Path of the file, for error messages.
    """
    return deepcopy(_parse(text, path))


@lru_cache(maxsize=8)  # a command and a stage read params.yaml and dvc.yaml several times
def _parse(text: str, path: Path) -> Any:
    if found := CONFLICT.search(text):
        raise _fault("Git left the marks of an unfinished merge.", path, text.count("\n", 0, found.start()))
    if found := CONTROL.search(text):
        what = f"The file holds the control character U+{ord(found[0]):04X}."
        raise _fault(what, path, text.count("\n", 0, found.start()))
    try:
        _check_depth(text, path)
        _refuse_tags(text, path)
        loaded = YAML(typ="safe").load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _fault(_explain(error, text), path, mark.line if mark else None) from error
    except (YAMLError, ValueError) as error:
        if found := LONG_NUMBER.search(text):
            what = f"A number has {len(found[0]):,} digits."
            raise _fault(what, path, text.count("\n", 0, found.start())) from error
        raise _fault(f"The file is not valid YAML: {error}".splitlines()[0], path, _date(text)) from error
    for key, what in _foreign(loaded):
        raise _fault(what, path, lines(text).get(key, 0) if key else None)
    return loaded


def lines(text: str) -> dict[Key, int]:
    """Return the line number, from 0, of every value of a YAML text by its key; a merged key has that of its source.

    A text that cannot be read has no lines.
    """
    found: dict[Key, int] = {}
    with suppress(YAMLError):
        root = YAML(typ="safe").compose(text)
        if root is not None:
            _add_lines(root, (), found)
    return found


def describe_type(value: Any) -> str:
    """Return the YAML type of a value in words."""
    names = {dict: "a mapping", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number" if isinstance(value, int | float) else f"a {type(value).__name__}")


def read_text(path: Path) -> str:
    """Return the text of a file of the project.

    Raises:
        BreathlineError: The file is missing, is no file, is too long, or is not UTF-8.
    """
    if path.exists() and not path.is_file():
        raise BreathlineError(f"{path.name} is no file.", where=path.resolve(), hint="put the file in its place")
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        hint = "run from the project's root"
        raise BreathlineError(f"There is no {path.name} here.", where=path.resolve(), hint=hint) from error
    except OSError as error:
        what, hint = f"{path.name} cannot be read: {error.strerror}.", "correct its permissions, or put it back"
        raise BreathlineError(what, where=path.absolute(), hint=hint) from error
    if len(content) > MAX_BYTES:
        raise _fault(f"The file has {len(content):,} bytes; at most {MAX_BYTES:,} are read.", path)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start)
        raise _fault(f"The file is not UTF-8: byte 0x{content[error.start]:02X}.", path, line) from error


def _fault(what: str, path: Path, line: int | None = None) -> BreathlineError:
    return BreathlineError(what, where=path if line is None else f"{path}:{line + 1}", hint="correct the file")


def _check_depth(text: str, path: Path) -> None:
    """Refuse deep nesting before the values are composed, which takes the stack: a deeper file would end Python."""
    longest_line = max(map(len, text.splitlines()), default=0)
    if text.count("[") + text.count("{") + longest_line < SURELY_SHALLOW:
        return
    depth = 0
    for event in YAML(typ="safe").parse(text):
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise _fault(f"The values are nested more than {MAX_DEPTH} deep.", path, event.start_mark.line)


def _refuse_tags(text: str, path: Path) -> None:
    """Refuse tags such as ``!!bool``, whose values the loader would convert."""
    if "!" not in text:
        return
    for event in YAML(typ="safe").parse(text):
        if getattr(event, "tag", None) is not None:
            what = f"The value has a tag ({event.tag}); YAML is read without tags."
            raise _fault(what, path, event.start_mark.line)


def _date(text: str) -> int | None:
    """Return the line, from 0, of the first text in the form of a date, or None."""
    found = DATE.search(text)
    return text.count("\n", 0, found.start()) if found else None


def _explain(error: MarkedYAMLError, text: str) -> str:
    """Return a fault of the syntax in words."""
    mark = error.problem_mark or error.context_mark
    line = text.splitlines()[mark.line] if mark and mark.line < len(text.splitlines()) else ""
    if line[: len(line) - len(line.lstrip())].count("\t"):
        return "The line is indented by a tab; YAML takes spaces only."
    if isinstance(error, DuplicateKeyError):
        return f"A key is given twice: {str(error.problem).partition('key ')[2].partition(' with value')[0]}."
    if "unhashable key" in str(error.problem):
        return "A key is a mapping or a list, as by `{{`; templates are not filled in, so write the value itself."
    if "could not determine a constructor" in (problem := str(error.problem)):
        tag = problem.rpartition("the tag ")[2].strip("'")
        return f"The tag `{tag.replace('tag:yaml.org,2002:', '!!')}` is not allowed: plain values only."
    return f"The file is not valid YAML: {', '.join(str(part) for part in (error.context, error.problem) if part)}."


def _foreign(root: Any) -> Iterator[tuple[Key, str]]:
    """Yield the key and description of values that are not plain: dates, sets, cycles and expanded aliases."""
    seen = 0
    stack: list[tuple[Key, Any]] = [((), root)]
    while stack:
        key, value = stack.pop()
        seen += 1
        if len(key) > MAX_DEPTH:
            yield key[:1], f"The values of `{key[0]}` are nested more than {MAX_DEPTH} deep, or in a circle."
        elif seen + len(stack) > MAX_VALUES:
            yield (), f"The file holds more than {MAX_VALUES:,} values, with each alias (`*name`) written out."
        elif isinstance(value, Mapping):
            for inner in value:
                if not isinstance(inner, str):
                    yield key, f"The key `{inner}` is {describe_type(inner)}; a text is expected: quote it."
            stack += [((*key, str(inner)), item) for inner, item in value.items()]
        elif isinstance(value, list):
            stack += [((*key, index), item) for index, item in enumerate(value)]
        elif type(value) not in (str, int, float, bool, type(None)):
            yield key, f"`{dotted(key)}` is read as a {type(value).__name__}; quote it if it is a text."
        elif isinstance(value, float) and not math.isfinite(value):
            yield key, f"`{dotted(key)}` is {value}; a finite number is expected."


def dotted(key: Key) -> str:
    """Return a key as text, such as ``student.seeds[1]``."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in key).removeprefix(".")


def _add_lines(node: Node, key: Key, found: dict[Key, int]) -> None:
    found.setdefault(key, node.start_mark.line)
    if len(key) > MAX_DEPTH or len(found) > MAX_VALUES:
        return
    if isinstance(node, SequenceNode):
        for index, item in enumerate(node.value):
            _add_lines(item, (*key, index), found)
    if isinstance(node, MappingNode):
        merged = [item for name, item in node.value if name.tag == "tag:yaml.org,2002:merge"]
        for name, item in node.value:
            if isinstance(name.value, str) and item not in merged:
                found.setdefault((*key, name.value), name.start_mark.line)
                _add_lines(item, (*key, name.value), found)
        for source in merged:
            for one in source.value if isinstance(source, SequenceNode) else [source]:
                _add_lines(one, key, found)
