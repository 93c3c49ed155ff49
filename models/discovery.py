"""Discovery of a package's modules by a constant that they assign, without importing them."""

import ast
import pkgutil
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
    found: dict[str, ast.expr] = {}
    for info in sorted(pkgutil.iter_modules(package.__path__), key=lambda info: info.name):
        file = Path(info.module_finder.path) / f"{info.name}.py"  # type: ignore[union-attr]
        for node in ast.parse(file.read_text(encoding="utf-8")).body if file.is_file() else ():
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            names = [target.id for target in targets if isinstance(target, ast.Name)]
            if constant in names and isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                found[info.name] = node.value
    return found
