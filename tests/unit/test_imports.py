"""Direction of imports: cli → flows → lineage → tasks → models, none upward, no cycles, no orchestrator in stages."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = ("models", "tasks", "lineage", "flows", "cli")  # each may import those before it
ORCHESTRATORS = {"prefect", "prefect_dask", "dask", "distributed", "dvc"}
LAUNCHED = re.compile(r"-m ([\w.]+)")


@cache
def modules() -> dict[str, Path]:
    """Return all modules of the project by dotted name; a package has the name of its folder."""
    found = {}
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def imported(module: str) -> frozenset[str]:
    """Return the dotted names that a module imports anywhere in its code, except for type checks."""
    tree = ast.parse(modules()[module].read_text(encoding="utf-8"))
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    names: set[str] = set()
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: relative imports are not followed by this test"
            submodules = {f"{node.module}.{alias.name}" for alias in node.names} & modules().keys()
            names |= submodules or {str(node.module)}
    return frozenset(names)


def named_in_strings(module: str) -> Iterator[str]:
    """Yield the names of project modules in the strings of a module, docstrings aside."""
    tree = ast.parse(modules()[module].read_text(encoding="utf-8"))
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            for name in (node.value, *LAUNCHED.findall(node.value)):
                if name.rstrip(".") in modules() and "." in name:
                    yield name.rstrip(".")


def room(module: str) -> str:
    return module.split(".", maxsplit=1)[0]


def test_no_module_imports_a_room_above_its_own() -> None:
    upward = [
        f"{module} → {name}"
        for module in modules()
        for name in (*imported(module), *named_in_strings(module))
        if room(name) in ROOMS[ROOMS.index(room(module)) + 1 :]
    ]
    assert upward == []


def test_models_and_tasks_import_no_orchestrator() -> None:
    found = {room(name) for module in modules() if room(module) in ("models", "tasks") for name in imported(module)}
    assert found.isdisjoint(ORCHESTRATORS)


def cycle(graph: dict[str, set[str]]) -> list[str]:
    """Return one cycle of a graph; an empty list if there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert cycle({name: set(imported(name)) & modules().keys() - {name} for name in modules()}) == []


def test_no_packages_of_a_room_import_each_other_in_a_circle() -> None:
    graph: dict[str, set[str]] = defaultdict(set)
    for name in modules():
        package = ".".join(name.split(".")[:2])
        for other in imported(name) & modules().keys():
            above = ".".join(other.split(".")[:2])
            if above != package:
                graph[package].add(above)
    assert cycle(graph) == []


def test_the_top_level_of_tasks_holds_the_stages_and_the_catalogue() -> None:
    top = {path.stem for path in (ROOT / "tasks").glob("[!_]*.py")}
    stages = set(re.findall(r"python -m cli\.stage (\w+)", (ROOT / "dvc.yaml").read_text(encoding="utf-8")))
    assert top == stages | {"artifacts"}


def test_no_package_of_tasks_imports_a_stage() -> None:
    stages = {f"tasks.{path.stem}" for path in (ROOT / "tasks").glob("[!_]*.py")} - {"tasks.artifacts"}
    packaged = [name for name in modules() if room(name) == "tasks" and name.count(".") > 1]
    assert [name for name in packaged if imported(name) & stages] == []
