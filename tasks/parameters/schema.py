"""JSON Schemas of params.yaml and of recipes, for editors: ``python -m tasks.parameters.schema`` writes both.

The descriptions of the keys are the comments in params.yaml.
"""

import json
import re
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

from models.frontends.registry import sample_rates
from models.networks.options import TIMM, declarations
from tasks.corpora import registry
from tasks.parameters.model import Params, Recipe
from tasks.parameters.networks import options_class
from tasks.runtime import allowed_values, yaml_files
from tasks.runtime.files import write_json
from tasks.runtime.params import PARAMS

FOLDER = Path("schemas")
PARAMS_SCHEMA, RECIPE_SCHEMA = FOLDER / "params.json", FOLDER / "recipe.json"
EDITOR_LINE = f"# yaml-language-server: $schema={PARAMS_SCHEMA.as_posix()}"  # first line of params.yaml
DIALECT = "https://json-schema.org/draft/2020-12/schema"
PART = "Part"  # suffix of the definitions of which any key may be missing
COMMENT = re.compile(r"^[^#'\"]*(?<=\s)# (.+)$")
KEY_OF_CORPUS = re.compile(r"^#   (\w+): (.+)$", re.MULTILINE)
Schema = dict[str, Any]


def params_schema(text: str) -> Schema:
    """Return the schema of params.yaml.

    Args:
        text: Text of params.yaml, whose comments describe the keys.
    """
    root: Schema = {"$schema": DIALECT, "title": "params.yaml of Breathline", **deepcopy(dict(_plain(Params)))}
    for key, comment in (_comments(text) | _comments_of_corpora(text)).items():
        _describe(root, key, comment)
    student = root["$defs"]["StudentSettings"]
    student["required"] = sorted(student["properties"])
    front_ends = root["properties"]["frontends"]
    front_end = next(iter(front_ends.pop("patternProperties").values()))
    front_ends["properties"] = dict.fromkeys(sample_rates(), front_end)
    corpus, external = (root["$defs"][f"{name}Settings"]["properties"] for name in ("Download", "External"))
    corpus["format"] = {"enum": registry.names(), "description": corpus["format"]["description"]}
    external |= corpus
    for name in ("StudentSettings", "TeacherSettings"):
        _add_options(root, root["$defs"][name])
    _add_parts(root)
    root["$defs"]["TeacherSettings"]["properties"]["override"] = {"$ref": f"#/$defs/TrainingSettings{PART}"}
    _close(root)
    return root


def recipe_schema(text: str) -> Schema:
    """Return the schema of a recipe; see `params_schema`."""
    whole = params_schema(text)
    definitions = whole.pop("$defs")
    content = {key: whole[key] for key in ("type", "properties", "additionalProperties")}
    overrides = _part(content)
    overrides["properties"]["teachers"] = content["properties"]["teachers"]
    small = _part(content)
    small["properties"]["teachers"]["properties"] = {"*": {"$ref": f"#/$defs/TeacherSettings{PART}"}}
    root: Schema = {"$schema": DIALECT, "title": "recipe of Breathline", **deepcopy(dict(_plain(Recipe)))}
    root["properties"] |= {"overrides": overrides, "small": small}
    root["$defs"] = definitions
    return root


def main() -> None:
    """Write both schemas of the project in the working directory."""
    text = PARAMS.read_text(encoding="utf-8")
    for path, schema in ((PARAMS_SCHEMA, params_schema(text)), (RECIPE_SCHEMA, recipe_schema(text))):
        write_json(path, _without_unused(schema))


def _plain(kind: type[Any]) -> Schema:
    """Return the schema of a class without the titles, which repeat the keys."""

    def without_titles(schema: Any, inside: bool = False) -> Any:
        if isinstance(schema, dict):
            kept = {key: value for key, value in schema.items() if inside or key != "title"}
            return {key: without_titles(value, key in ("properties", "$defs")) for key, value in kept.items()}
        return [without_titles(item) for item in schema] if isinstance(schema, list) else schema

    found: Schema = without_titles(allowed_values.schema_of(kind))
    return found


def _comments(text: str) -> dict[yaml_files.Key, str]:
    """Return the comment of each key on its line, with the comment lines that continue it."""
    rows = text.splitlines()
    found: dict[yaml_files.Key, str] = {}
    for key, number in yaml_files.lines(text).items():
        match = COMMENT.match(rows[number])
        if match is None or not key or isinstance(key[-1], int):
            continue
        words, column = [match[1]], match.start(1)
        for row in rows[number + 1 :]:
            if row.strip()[:1] != "#" or row.find("#") + 2 != column:
                break
            words.append(row[column:])
        found.setdefault(key, " ".join(words))
    return found


def _comments_of_corpora(text: str) -> dict[yaml_files.Key, str]:
    """Return the comment of each key of a corpus: they are above `corpora`, since its items come and go."""
    above = text.partition("\ncorpora:\n")[0].rpartition("\n\n")[2]
    return {("corpora", "any", match[1]): match[2] for match in KEY_OF_CORPUS.finditer(above)}


def _describe(root: Schema, key: yaml_files.Key, comment: str) -> None:
    parent = allowed_values.find(root, key[:-1])
    slot = parent.get("properties", {}).get(key[-1])
    if slot is not None:
        slot["description"] = comment


def _add_options(root: Schema, network: Schema) -> None:
    """Add the options that each architecture has."""
    conditions = []
    for name in declarations():
        options = options_class(name)
        described = _plain(options)
        root["$defs"] |= {**described.pop("$defs", {}), options.__name__: described}
        given = {"pattern": f"^{TIMM}"} if name == TIMM else {"const": name}
        conditions.append(
            {
                "if": {"properties": {"architecture": given}, "required": ["architecture"]},
                "then": {"properties": {"options": {"$ref": f"#/$defs/{options.__name__}"}}},
            }
        )
    network["allOf"] = conditions
    network["properties"]["architecture"] |= {
        "anyOf": [{"enum": [name for name in declarations() if name != TIMM]}, {"pattern": f"^{TIMM}."}]
    }


def _add_parts(root: Schema) -> None:
    for name, definition in list(root["$defs"].items()):
        root["$defs"][f"{name}{PART}"] = _part(definition)


def _part(schema: Any) -> Any:
    """Return a copy of a schema in which no key is required."""
    if isinstance(schema, list):
        return [_part(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: value for key, value in schema.items() if key not in ("required", "minProperties")}
    copies: dict[str, Callable[[Any], Any]] = {"$ref": lambda reference: f"{reference}{PART}", "if": deepcopy}
    return {key: copies.get(key, _part)(value) for key, value in kept.items()}


def _without_unused(root: Schema) -> Schema:
    """Return a schema without the definitions that nothing refers to."""
    definitions = root["$defs"]
    used: set[str] = set()
    waiting: list[Any] = [{key: value for key, value in root.items() if key != "$defs"}]
    while waiting:
        found = set(re.findall(r'"#/\$defs/([^"]+)"', json.dumps(waiting.pop()))) - used
        used |= found
        waiting += [definitions[name] for name in found]
    return {**root, "$defs": {name: definition for name, definition in definitions.items() if name in used}}


def _close(schema: Any) -> None:
    """Allow no other names than those of the pattern, or those that are listed."""
    if isinstance(schema, dict):
        if "patternProperties" in schema or ("properties" in schema and schema.get("type") == "object"):
            schema["additionalProperties"] = False
        for value in schema.values():
            _close(value)
    elif isinstance(schema, list):
        for item in schema:
            _close(item)


if __name__ == "__main__":
    main()
