"""Imported modules from outside of the project and of the installed packages: nothing else records their code."""

import os
import re
import site
import sys
import sysconfig
from functools import cache
from pathlib import Path

from tasks.runtime.errors import BreathlineError
from tasks.runtime.files import sha256

ALLOWED = "BREATHLINE_FOREIGN_MODULES"  # environment variable with folders, separated as in PATH
STARTUP = ("sitecustomize", "usercustomize")  # modules that Python imports by itself, from anywhere
PROJECT = ("tasks", "models", "lineage", "flows", "breathline", "cli")  # packages of a project
PACKAGES = ("site-packages", "dist-packages")
STANDARD = re.compile(r"python3\.\d+")


def accepted(root: Path) -> dict[str, str]:
    """Return the SHA-256 of each foreign module that this process has imported, by path; each must be allowed.

    A module is foreign if its file is neither in a package of the project nor installed. `sitecustomize` and
    `usercustomize` are foreign wherever they are; those beside the standard library need no permission.

    Raises:
        BreathlineError: A foreign module is in none of the folders of ``BREATHLINE_FOREIGN_MODULES``.
    """
    resolved, found = root.resolve(), dict[Path, str]()
    for name, module in list(sys.modules.items()):
        path = getattr(module, "__file__", None)
        # Most modules are installed. The beginning of their paths alone excludes them: `resolve` reads the disk.
        if isinstance(path, str) and os.path.isabs(path) and (name in STARTUP or not path.startswith(_installed())):
            file = next((one for one in (Path(path), *Path(path).parents) if one.exists()), None)
            if file and file.is_file() and (name in STARTUP or _is_foreign(file.resolve(), resolved)):
                found[file] = name
    allowed = [Path(folder).resolve() for folder in os.environ.get(ALLOWED, "").split(os.pathsep) if folder]
    standard = Path(sysconfig.get_path("stdlib"))
    refused = sorted(
        path
        for path, name in found.items()
        if not (name in STARTUP and path.parent in (standard, standard.resolve()))
        and not any(path.resolve().is_relative_to(folder) for folder in allowed)
    )
    if refused:
        raise _refusal(refused, found[refused[0]])
    return {str(path): sha256(path) for path in sorted(found)}


def is_standard(path: str) -> bool:
    """Return whether a recorded path, maybe of another machine, is a startup module beside a standard library."""
    folder, name = Path(path).parent.name, Path(path).stem
    return name in STARTUP and STANDARD.fullmatch(folder) is not None


def _refusal(refused: list[Path], name: str) -> BreathlineError:
    first = refused[0]
    # Of the folders that Python searches, the one with the module.
    searched = [entry for entry in sys.path if entry and first.is_relative_to(entry)]
    remedy = "remove its folder from PYTHONPATH, or uninstall the other clone (`pip list --editable`)"
    if "PYTHONSAFEPATH" in os.environ:
        remedy = "unset PYTHONSAFEPATH, so that Python imports the modules of the current folder"
    more = f", and {len(refused) - 1} more files" if refused[1:] else ""
    return BreathlineError(
        f"Python has imported `{name}` from outside of the project's packages{more}: no record would hold the code.",
        where=first,
        hint=f"{remedy}; to accept the folder: {ALLOWED}={max(searched, key=len, default=first.parent)}",
    )


def _is_foreign(file: Path, root: Path) -> bool:
    if str(file).startswith(_installed()):
        return False
    return not file.is_relative_to(root) or file.relative_to(root).parts[0] not in PROJECT


@cache
def _installed() -> tuple[str, ...]:
    """Return the folders of the standard library, of installed packages and of commands, as beginnings of paths."""
    places = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib", "scripts")]
    places += [*site.getsitepackages(), *([site.getusersitepackages()] if site.ENABLE_USER_SITE else [])]
    folders = [Path(place) for place in (*places, *_shared(places)) if place]
    return tuple({f"{path}{os.sep}" for folder in folders for path in (folder, folder.resolve())})


def _shared(places: list[str]) -> list[str]:
    """Return the folders of packages of other environments that a .pth file shares with this one."""
    files = [file for place in places for file in sorted(Path(place).glob("*.pth"))]
    lines = [line.strip() for file in files for line in file.read_text(encoding="utf-8", errors="replace").splitlines()]
    return [line for line in lines if os.path.isabs(line) and Path(line).name in PACKAGES]
