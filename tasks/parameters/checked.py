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
PACKAGES = ("models", "tasks")  # code and tables that decide which values are allowed
CHECKERS = ("annotated-types", "pydantic", "pydantic-core", "ruamel.yaml", "timm")  # timm has networks: allowed values


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
    for package in CHECKERS:
        with suppress(metadata.PackageNotFoundError):
            found.update(f"\0{package} {metadata.version(package)}".encode())
    try:
        for path in (*(root / name for name in FILES), *_package_files()):
            content = path.read_bytes()
            found.update(f"\0{path} {len(content)}\0".encode())
            found.update(content)
    except OSError:
        return None
    return found.hexdigest()


def _package_files() -> Iterator[Path]:
    """Yield the files of the packages, sorted, without bytecode."""
    for package in PACKAGES:
        for folder, _, names in sorted(os.walk(CODE / package)):
            yield from (Path(folder, name) for name in sorted(names) if not name.endswith(".pyc"))
