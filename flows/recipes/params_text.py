"""Changes of params.yaml that keep its comments, order and style."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.runtime.errors import BreathlineError

if TYPE_CHECKING:
    from ruamel.yaml import YAML
    from ruamel.yaml.comments import CommentedMap

PARAMS = Path("params.yaml")
# Mappings with keys of the user: a recipe replaces them, so that no key of an earlier recipe stays.
WHOLE = ("corpora", "external", "heads", "split", "teachers", "frontends", "weights", "student.options")
ONE_LINE = 56  # maximum number of characters of a mapping on one line


@dataclass(frozen=True)
class Changed:
    """One changed key, with its old and new value as text; empty if the key is missing."""

    key: str
    old: str
    new: str


def apply(text: str, overrides: Mapping[str, Any]) -> tuple[str, list[Changed]]:
    """Return the text of params.yaml with the overrides of a recipe, and the changed keys.

    Mappings are merged; lists and the mappings of `WHOLE` are replaced. Comments, order and flow style stay.
    """
    yaml = yaml_round_trip()
    params = yaml.load(text)
    unknown = list(_unknown(params, overrides))
    if unknown:
        raise BreathlineError(
            f"The recipe has keys that are not in params.yaml: {', '.join(unknown)}",
            where=PARAMS,
            hint="correct the recipe, or add the keys to params.yaml",
        )
    old = _leaves(params)
    _merge(params, overrides)
    new = _leaves(params)
    changes = [
        Changed(key, old.get(key, ""), new.get(key, "")) for key in old | new if old.get(key, "") != new.get(key, "")
    ]
    if not changes:
        return text, []
    written = StringIO()
    yaml.dump(params, written)
    return written.getvalue(), changes


def yaml_round_trip() -> YAML:
    """Return a reader and writer that keeps comments, order and style."""
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.representer.add_representer(
        type(None), lambda dumper, _: dumper.represent_scalar("tag:yaml.org,2002:null", "null")
    )
    return yaml


def _unknown(params: Mapping[str, Any], overrides: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for key, value in overrides.items():
        dotted = f"{prefix}{key}"
        if key not in params:
            yield dotted
        elif isinstance(params[key], Mapping) and dotted not in WHOLE:
            if isinstance(value, Mapping):
                yield from _unknown(params[key], value, f"{dotted}.")
            else:
                yield f"{dotted} (a mapping in params.yaml)"


def _merge(params: CommentedMap, overrides: Mapping[str, Any], prefix: str = "") -> None:
    for key, value in overrides.items():
        dotted = f"{prefix}{key}"
        if params[key] == value:
            continue
        if dotted in WHOLE and isinstance(params[key], Mapping) and isinstance(value, Mapping):
            _replace(params, key, value)
        elif isinstance(params[key], Mapping) and dotted not in WHOLE:
            _merge(params[key], value, f"{dotted}.")
        elif isinstance(params[key], list) and isinstance(value, list):
            params[key][:] = value
        else:
            params[key] = _styled(value)
        _align_comment(params, key)


def _align_comment(params: CommentedMap, key: str) -> None:
    """Move the comment on the line of a key to the column of the comment lines below that go on, if there are any."""
    comment = (params.ca.items.get(key) or [None] * 3)[2]
    first, _, below = comment.value.partition("\n") if comment else ("", "", "")
    indentation = len(below) - len(below.lstrip(" "))
    if first.startswith("#") and below[indentation:].startswith("#") and indentation:
        comment.start_mark.column = indentation


def _replace(params: CommentedMap, key: str, new: Mapping[str, Any]) -> None:
    """Replace the items of a mapping, and keep the comments and blank lines after it.

    New mappings are written on lines of their own, plain values on one line. ruamel.yaml attaches the comments after a
    mapping to its last line, or to its key if the mapping is empty.
    """
    old = params[key]
    block = bool(new) and all(isinstance(value, Mapping) for value in new.values())
    following = _comment_after(old) if old or not block else _split_comment(params, key)
    old.clear()
    old.ca.items.clear()
    if block:
        old.fa.set_block_style()
    else:
        old.fa.set_flow_style()
    for item, value in new.items():
        old[item] = _styled(value)
    if following is None:
        return
    node, last = params, key
    while isinstance(node[last], Mapping) and node[last] and not node[last].fa.flow_style():
        node = node[last]
        last = list(node)[-1]
    # A comment above the key stays.
    node.ca.items[last] = [*node.ca.items.get(last, [None] * 4)[:2], following, None]


def _comment_after(node: Any) -> Any:
    """Return the token of the blank lines and comments after the last line of a mapping, or None."""
    from ruamel.yaml.comments import CommentedMap

    while isinstance(node, CommentedMap) and node:
        last = list(node)[-1]
        if last in node.ca.items:
            return node.ca.items[last][2]
        node = node[last]
    return None


def _split_comment(params: CommentedMap, key: str) -> Any:
    """Keep the comment on the line of a key, and return the token of the lines below it, or None."""
    from ruamel.yaml.error import CommentMark
    from ruamel.yaml.tokens import CommentToken

    token = params.ca.items.get(key, [None] * 3)[2]
    if token is None:
        return None
    own, _, below = token.value.partition("\n")
    token.value = f"{own}\n"
    return CommentToken(f"\n{below}", CommentMark(0)) if below else None


def _styled(value: Any) -> Any:
    """Return a short mapping or any list in the style of one line, and a long mapping with a line for each item.

    DVC wraps long lines when it writes params.yaml for ``dvc exp run -S``, and cannot read a URL that it has wrapped.
    """
    from ruamel.yaml.comments import CommentedMap, CommentedSeq

    if isinstance(value, list):
        items = CommentedSeq(_styled(item) for item in value)
        items.fa.set_flow_style()
        return items
    if not isinstance(value, Mapping):
        return value
    mapping = CommentedMap((key, _styled(item)) for key, item in value.items())
    if len(json.dumps(value).replace('"', "")) <= ONE_LINE:
        mapping.fa.set_flow_style()
    else:
        mapping.fa.set_block_style()
    return mapping


def _leaves(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Return values as text by dotted key; an item of a mapping of `WHOLE` is one value."""
    leaves: dict[str, str] = {}
    for key, value in values.items():
        dotted = f"{prefix}{key}"
        items = isinstance(value, Mapping) and value and all(isinstance(item, Mapping) for item in value.values())
        if items or (isinstance(value, Mapping) and dotted not in WHOLE and prefix.rstrip(".") not in WHOLE):
            leaves |= _leaves(value, f"{dotted}.")
        else:
            leaves[dotted] = json.dumps(value, ensure_ascii=False).replace('"', "")
    return leaves
