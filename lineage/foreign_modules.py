"""Imported modules from outside of the project and of the installed packages: nothing else records their code."""

import os
import site
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from lineage.code import PACKAGES
from tasks.runtime.errors import BreathlineError
from tasks.runtime.files import sha256

ALLOWED = "BREATHLINE_FOREIGN_MODULES"  # environment variable with folders, separated as in PATH
STARTUP = ("sitecustomize", "usercustomize")  # modules that Python imports by itself, from anywhere
MAIN = ("__main__", "__mp_main__")  # the command, and what a child process has of it
INSTALLED = ("site-packages", "dist-packages")
COMPILED = "TORCHINDUCTOR_CACHE_DIR"  # environment variable that torch.compile sets to its folder of generated modules


@dataclass(frozen=True)
class ForeignModules:
    """Foreign modules that a process has imported."""

    hashes: Mapping[str, str]  # SHA-256 by path
    refused: tuple[str, ...]  # paths of those that the user has not allowed
    standard: tuple[str, ...]  # paths of startup modules beside the standard library


def accepted(root: Path) -> ForeignModules:
    """Return the foreign modules that this process has imported; each must be allowed.

    Raises:
        BreathlineError: A foreign module is in none of the folders of ``BREATHLINE_FOREIGN_MODULES``.
    """
    found = _imported(root)
    modules = _described(found)
    if modules.refused:
        raise _refusal(list(map(Path, modules.refused)), found[Path(modules.refused[0])])
    return modules


def so_far(root: Path) -> ForeignModules:
    """Return the foreign modules that this process has imported, allowed or not: work that has ended is not discarded.

    `lineage.verify.stage_modules` reports those that are not allowed as an error.
    """
    return _described(_imported(root))


def _imported(root: Path) -> dict[Path, str]:
    """Return name of each imported foreign module by its file.

    A module is foreign if its file is neither in a package of the project nor installed. `sitecustomize` and
    `usercustomize` are foreign wherever they are; those beside the standard library need no permission.
    """
    resolved, found = root.resolve(), dict[Path, str]()
    for name, module in list(sys.modules.items()):
        path = getattr(module, "__file__", None)
        # Most modules are installed. The beginning of their paths alone excludes them: `resolve` reads the disk.
        if isinstance(path, str) and os.path.isabs(path) and (name in STARTUP or not path.startswith(_installed())):
            file = next((one for one in (Path(path), *Path(path).parents) if one.exists()), None)
            if file and file.is_file() and (name in STARTUP or _is_foreign(name, file.resolve(), resolved)):
                found[file] = name
    return found


def _described(found: Mapping[Path, str]) -> ForeignModules:
    allowed = [Path(folder).resolve() for folder in os.environ.get(ALLOWED, "").split(os.pathsep) if folder]
    library = Path(sysconfig.get_path("stdlib"))
    beside = {path for path, name in found.items() if name in STARTUP and path.parent in (library, library.resolve())}
    paths = sorted(found)
    refused = (path for path in paths if not any(path.resolve().is_relative_to(folder) for folder in allowed))
    return ForeignModules(
        hashes={str(path): sha256(path) for path in paths},
        refused=tuple(str(path) for path in refused if path not in beside),
        standard=tuple(str(path) for path in paths if path in beside),
    )


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


def _is_foreign(name: str, file: Path, root: Path) -> bool:
    if str(file).startswith(_installed()) or (name in MAIN and file.is_relative_to(sysconfig.get_path("scripts"))):
        return False
    if _is_compiled(file):
        return False
    return not file.is_relative_to(root) or file.relative_to(root).parts[0] not in PACKAGES


def _is_compiled(file: Path) -> bool:
    """Return whether torch.compile has generated a module: it is in its folder, where no import by name looks."""
    folder = os.environ.get(COMPILED)
    if not folder or not file.is_relative_to(Path(folder).resolve()):
        return False
    return not any(file.is_relative_to(Path(entry or ".").resolve()) for entry in sys.path)


@cache
def _installed() -> tuple[str, ...]:
    """Return the folders of the standard library and of installed packages, as beginnings of paths."""
    places = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    places += [*site.getsitepackages(), *([site.getusersitepackages()] if site.ENABLE_USER_SITE else [])]
    folders = [Path(place) for place in (*places, *_shared(places)) if place]
    return tuple({f"{path}{os.sep}" for folder in folders for path in (folder, folder.resolve())})


def _shared(places: list[str]) -> list[str]:
    """Return the folders of packages of other environments that a .pth file shares with this one."""
    files = [file for place in places for file in sorted(Path(place).glob("*.pth"))]
    lines = [line.strip() for file in files for line in file.read_text(encoding="utf-8", errors="replace").splitlines()]
    return [line for line in lines if os.path.isabs(line) and Path(line).name in INSTALLED]
