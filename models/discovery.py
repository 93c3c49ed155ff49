"""Discovery of a package's modules by a constant that they assign, without importing them."""

import ast
import pkgutil
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from types import ModuleType


def assigned(package: ModuleType, constant: str) -> dict[str, ast.expr]:
    """Return the expression that each module of a package assigns to a constant at its top level.

    Args:
        package: Package whose folders are searched.
        constant: Name of the constant, such as ``SAMPLE_RATE``.

    Returns:
        Expressions by module name, sorted; modules without the constant are absent.
    """
    found = {name: list(_values(tree.body, constant)) for name, tree in _trees(package, constant)}
    return {name: values[-1] for name, values in found.items() if values}


def class_attributes(package: ModuleType, attribute: str) -> list[str]:
    """Return the names of the modules of a package in which a class sets an attribute, sorted."""
    bodies = {
        name: [node.body for node in tree.body if isinstance(node, ast.ClassDef)]
        for name, tree in _trees(package, attribute)
    }
    return [name for name, classes in bodies.items() if any(any(_values(body, attribute)) for body in classes)]


def _trees(package: ModuleType, word: str) -> Iterator[tuple[str, ast.Module]]:
    """Yield name and syntax tree of each module of a package whose text has a word, sorted by name."""
    for info in sorted(pkgutil.iter_modules(package.__path__), key=lambda info: info.name):
        file = Path(info.module_finder.path) / f"{info.name}.py"  # type: ignore[union-attr]
        if file.is_file() and (tree := _parse(file, file.stat().st_mtime_ns, word)):
            yield info.name, tree


@cache
def _parse(file: Path, changed_ns: int, word: str) -> ast.Module | None:
    """Return the syntax tree of a file with a word; the time of its last change makes an edited file a new one."""
    text = file.read_text(encoding="utf-8")
    return ast.parse(text) if word in text else None


def _values(body: Iterable[ast.stmt], name: str) -> Iterator[ast.expr]:
    """Yield the expressions that statements assign to a name."""
    for node in body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        named = any(isinstance(target, ast.Name) and target.id == name for target in targets)
        if named and isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            yield node.value
