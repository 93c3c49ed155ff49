"""Check of a project's parameters, left out where nothing has changed since the last check that found no fault."""

import hashlib
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib import metadata
from pathlib import Path

from tasks.runtime.params import PARAMS

PASSED = Path(".cache/parameters.sha256")  # hash of all that decided the last check without a fault
FILES = (Path("dvc.yaml"), PARAMS)
CODE = Path(__file__).resolve().parents[2]
PACKAGES = ("models", "tasks")  # code that decides which values are allowed


def check_project(root: Path) -> None:
    """Check dvc.yaml and params.yaml of a project, unless both and the code are as at the last check.

    A check imports the settings of all stages, which takes a quarter of the time of a plan.

    Raises:
        BreathlineError: See `judge.check_project`.
    """
    known = _digest(root)
    with suppress(OSError):
        if known is not None and (root / PASSED).read_text(encoding="ascii") == known:
            return
    from tasks.parameters import judge

    judge.check_project(root)
    if known is not None and known == _digest(root):
        with suppress(OSError):  # a user who may only read the project
            (root / PASSED).parent.mkdir(exist_ok=True)
            (root / PASSED).write_text(known, encoding="ascii")


def _digest(root: Path) -> str | None:
    """Return the hash of all that decides the check of a project; None if a file cannot be read."""
    found = hashlib.sha256(sys.version.encode())
    with suppress(metadata.PackageNotFoundError):  # its networks are allowed values
        found.update(metadata.version("timm").encode())
    try:
        for path in (*(root / name for name in FILES), *_modules()):
            content = path.read_bytes()
            found.update(f"\0{path} {len(content)}\0".encode())
            found.update(content)
    except OSError:
        return None
    return found.hexdigest()


def _modules() -> Iterator[Path]:
    """Yield the modules of the packages, sorted."""
    for package in PACKAGES:
        for folder, _, names in sorted(os.walk(CODE / package)):
            yield from (Path(folder, name) for name in sorted(names) if name.endswith(".py"))
