"""Modules of the project, and their imports as the source code names them."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROOMS = ("models", "tasks", "lineage", "flows", "breathline", "cli")  # each may import those before it
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


@cache
def named_in_strings(module: str) -> frozenset[str]:
    """Return the names of project modules in the strings of a module, docstrings aside."""
    tree = ast.parse(modules()[module].read_text(encoding="utf-8"))
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            for name in (node.value, *LAUNCHED.findall(node.value)):
                if name.rstrip(".") in modules() and "." in name:
                    found.add(name.rstrip("."))
    return frozenset(found)
