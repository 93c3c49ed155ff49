"""Parts of the site's reference that are generated from the code: commands, parameters, artifacts.

`docs/conf.py` puts each text in place of the mark of its name in a page: ``<!-- generated: commands -->``.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from cli.main import app
from cli.options import EXAMPLES
from tasks.artifacts import CATALOGUE
from tasks.parameters.schema import params_schema

ROOT = Path(__file__).parents[1]
MARK = re.compile(r"^<!-- generated: (\w+) -->$", re.MULTILINE)
ATTRIBUTE = re.compile(r"^    (\w+): (.+(?:\n {8,}.+)*)", re.MULTILINE)
PAGE = re.compile(r"docs/(?:(reference)|([\w-]+))/([\w-]+)\.md")
KIND = re.compile(r"<(list\[)?(str|int|float)( range)?\]?>")  # of the value of an option, in Typer's words
KEY_HEADS = ("Key", "Values", "Default", "Meaning")
Schema = Mapping[str, Any]


def commands() -> str:
    """Return a section for each command, in the order of `breathline --help`, and for each command of a group."""
    return "\n".join(_commands(get_command(app), ["breathline"], None))


def _commands(group: Any, path: list[str], parent: Any) -> Iterator[str]:
    context = typer.Context(group, parent=parent, info_name=path[-1])
    for name, command in group.commands.items():
        words = [*path, name]
        inner = typer.Context(command, parent=context, info_name=name)
        yield f"{'#' * len(words)} {' '.join(words)}\n"
        yield f"{_plain(command.help or '')}\n"
        if isinstance(command, TyperGroup):
            yield from _commands(command, words, context)
            continue
        yield f"```\n{inner.get_usage().removeprefix('Usage: ')}\n```\n"
        yield from _parameters(command, inner)
        if example := _examples(EXAMPLES.get(" ".join(words[1:]), "")):
            yield f"{example}\n"


def _parameters(command: Any, context: Any) -> Iterator[str]:
    """Yield a table of the arguments and options of a command."""
    records = filter(None, (one.get_help_record(context) for one in command.get_params(context)))
    if rows := [
        (f"`{KIND.sub(_kind, names)}`", _plain(meaning)) for names, meaning in records if "--help" not in names
    ]:
        yield table(("Argument or option", "Meaning"), rows)


def _kind(found: re.Match[str]) -> str:
    """Return the kind of a value in words; … stands for an option that can be repeated."""
    words = {"str": "text", "int": "integer", "float": "number"}
    return f"<{words[found[2]]}>{' …' if found[1] else ''}"


def _examples(text: str) -> str:
    """Return the examples of a command as a block of code, and the sentences around them."""
    lines = text.strip().splitlines()
    shown = [line.strip() for line in lines if line.startswith("  ")]
    others = [line for line in lines if line and not line.startswith("  ") and not re.match("Examples?:$", line)]
    block = ["```", *shown, "```\n"] if shown else []
    return "\n".join([*block, *others])


def _plain(text: str) -> str:
    """Return a text of the help or of a comment for Markdown: its brackets and stars as they are, pages as links."""
    plain = re.sub(r"([*<>])", r"\\\1", text.replace("\\[", "["))
    return PAGE.sub(lambda page: f"[{page[3]}]({f'../{page[2]}/' if page[2] else ''}{page[3]}.md)", plain)


def parameters() -> str:
    """Return a section for each key of params.yaml, from the schema of the typed model."""
    schema = params_schema((ROOT / "params.yaml").read_text(encoding="utf-8"))
    definitions, keys = schema["$defs"], schema["properties"]
    training = set(definitions["TrainingSettings"]["properties"])
    plain, parts = [], []
    for key in _keys_in_order(schema):
        rows = list(_rows(key, keys[key], definitions))
        if len(rows) == 1:
            plain += rows
            continue
        parts += [f"## {key}\n", _introduction(keys[key], definitions)]
        if key == "student":
            parts.append("All keys of [`teacher_training`](#teacher-training), and:\n")
            rows = [row for row in rows if row[0].strip("`").split(".")[1] not in training]
        parts.append(table(KEY_HEADS, rows))
    return "\n".join(
        ["## Classes, split, choice of the epoch\n", table(KEY_HEADS, plain), *parts, *_options(definitions)]
    )


def _keys_in_order(schema: Schema) -> list[str]:
    """Return the keys of params.yaml in the order of the file."""
    text = (ROOT / "params.yaml").read_text(encoding="utf-8")
    return [key for key in re.findall(r"^(\w+):", text, flags=re.MULTILINE) if key in schema["properties"]]


def _introduction(node: Schema, definitions: Schema) -> str:
    """Return the first paragraph of the description of a key or of its class."""
    found, _ = _resolve(node, definitions)
    text = found.get("description", "") if "properties" in found else ""
    return f"{_plain(text.partition(chr(10) * 2)[0])}\n" if text else ""


def _resolve(node: Schema, definitions: Schema) -> tuple[Schema, str]:
    """Return a node or the definition that it refers to, and the part of the dotted key that stands for names."""
    if (names := node.get("patternProperties") or node.get("properties")) and "additionalProperties" in node:
        first = next(iter(names.values()))
        if "$ref" in first and all(one == first for one in names.values()):
            return _resolve(first, definitions)[0], ".NAME"
    for one in (node, *node.get("anyOf", ())):
        if "$ref" in one:
            return definitions[one["$ref"].rpartition("/")[2]], ""
    return node, ""


def _rows(key: str, node: Schema, definitions: Schema) -> Iterator[tuple[str, str, str, str]]:
    """Yield a row for a key, or for each key below it: dotted key, values, default, meaning."""
    found, names = _resolve(node, definitions)
    if "properties" not in found or key.endswith(".override"):
        yield f"`{key}{names}`", _values(node), _default(node), _plain(node.get("description", ""))
        return
    attributes = dict(ATTRIBUTE.findall(found.get("description", "")))
    for name, below in found["properties"].items():
        text = below.get("description") or re.sub(r"\s+", " ", attributes.get(name, "")).replace("``", "`")
        yield from _rows(f"{key}{names}.{name}", {**below, "description": text}, definitions)


def _options(definitions: Schema) -> Iterator[str]:
    """Yield a section for the options of each family of networks."""
    architectures: dict[str, list[str]] = {}
    for case in definitions["StudentSettings"]["allOf"]:
        ((_, condition),) = case["if"]["properties"].items()
        name = case["then"]["properties"]["options"]["$ref"].rpartition("/")[2]
        architectures.setdefault(name, []).append(condition.get("const", "timm/NAME"))
    yield "## Options of the networks\n"
    yield "`student.options` and `teachers.NAME.options`, by architecture.\n"
    for name, used_by in architectures.items():
        rows = list(_rows("options", {"$ref": f"#/$defs/{name}"}, definitions))
        yield f"### {', '.join(used_by)}\n"
        yield _introduction({"$ref": f"#/$defs/{name}"}, definitions)
        yield table(KEY_HEADS, rows)


def _values(node: Schema) -> str:
    """Return the allowed values of a key in words."""
    if "anyOf" in node:
        return " or ".join(dict.fromkeys(_values(one) for one in node["anyOf"]))
    if "enum" in node:
        return ", ".join(f"`{_shown(value)}`" for value in node["enum"])
    if "const" in node:
        return f"`{_shown(node['const'])}`"
    kind = {"boolean": "true, false", "string": "text", "array": "list", "object": "mapping"}
    text = kind.get(node.get("type", ""), node.get("type", "see below"))
    if text == "list" and isinstance(node.get("items"), Mapping):
        text = f"list of {_values(node['items'])}"
    limits = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    bounds = [f"{sign} {node[name]:g}" for name, sign in limits.items() if name in node]
    return f"{text} {', '.join(bounds)}".strip()


def _default(node: Schema) -> str:
    return f"`{_shown(node['default'])}`" if "default" in node else "required"


def _shown(value: Any) -> str:
    """Return a value as YAML writes it."""
    names = {None: "null", True: "true", False: "false"}
    return names.get(value, str(value)) if value is None or isinstance(value, bool) else str(value)


def artifacts() -> str:
    """Return a table of all artifacts of the catalogue: path, content, stage."""
    rows = [
        (f"`{one.pattern.as_posix()}`", one.title, f"`{one.stage}`", "Git" if one.in_git else "DVC")
        for one in CATALOGUE
    ]
    return table(("Path", "Content", "Stage", "Kept by"), rows)


def table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Return a table in Markdown."""
    lines = [heads, ("---",) * len(heads), *rows]
    cells = ([cell.replace("|", "\\|").replace("\n", " ") for cell in line] for line in lines)
    return "".join(f"| {' | '.join(line)} |\n" for line in cells)


PARTS: dict[str, Callable[[], str]] = {"commands": commands, "parameters": parameters, "artifacts": artifacts}


def fill(page: str) -> str:
    """Return a page with the generated text in place of each mark."""
    return MARK.sub(lambda mark: PARTS[mark[1]](), page)
