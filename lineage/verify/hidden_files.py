"""Check for files below outs and inputs that records, DVC or the eye of a reader pass over."""

import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from lineage.files import belongs_to_system
from lineage.verify.audited_project import AuditedProject
from lineage.verify.findings import Finding, note
from tasks.runtime.words import counted

IGNORED = ".dvcignore"
# Patterns of the project's .dvcignore that hide nothing that another check would not find.
USUAL = {"__pycache__/", "*.pyc", "/.leaderboard/", "/.backfill/", ".DS_Store", "._*", ".ipynb_checkpoints/"}
# Names of files while they are written (`tasks.runtime.files`, `models.artifact`); a killed stage leaves them.
UNFINISHED = re.compile(r"\.(.+\.[a-z0-9_]{8}|[^.]+\.safetensors|model\.json)")
MAX_PATTERN = 255  # characters of a pattern of .gitignore, as of a file's name
MAX_PATTERNS = 1 << 16  # bytes of a .gitignore


def is_hidden(path: str) -> bool:
    """Return whether a file of the project, or a folder above it, is hidden by its name."""
    return any(part.startswith(".") or part == "__pycache__" for part in PurePosixPath(path).parts)


def check(audited: AuditedProject) -> Iterator[Finding]:
    """Yield hidden files, compiled modules and linked folders below outs and inputs, and what .dvcignore hides.

    Files of the operating system, of a stage that was killed, and empty ones are a note: they tell a stage nothing.
    """
    ignored: defaultdict[str, list[str]] = defaultdict(list)
    hidden_by_dvc = _rule_of_dvcignore(audited.root)
    for top in _folders(audited):
        for path, linked in _below(audited.root, top):
            if belongs_to_system(path) or UNFINISHED.fullmatch(PurePosixPath(path).name):
                ignored[top].append(path)
            elif is_hidden(path) and not linked and _is_empty(audited.root / path):
                ignored[top].append(path)  # such as `.gitkeep`
            elif what := "links to another folder, whose files no record lists" if linked else _why(audited.root, path):
                yield Finding("out-hidden", path, f"it {what}; stages may read it", _stages(audited, path))
            elif hidden_by_dvc(path):
                what = f"a line of {IGNORED} hides it from DVC, and stages may read it"
                yield Finding("out-hidden", path, what, _stages(audited, path))
    for top, paths in ignored.items():
        files = "it was" if len(paths) == 1 else f"the first of {counted(len(paths), 'file')} that were"
        what = f"{files} left by the operating system, an editor or a killed stage, or empty: no stage reads it"
        yield note("out-ignored", paths[0], what, _stages(audited, top))


def _is_empty(path: Path) -> bool:
    return path.is_file() and not path.stat().st_size


def _folders(audited: AuditedProject) -> list[str]:
    """Return the folders among outs and inputs that are not below another one of them, sorted."""
    paths = {path for stage in audited.project.stages.values() for path in (*stage.outs, *stage.inputs)}
    return sorted(
        path
        for path in paths
        if (audited.root / path).is_dir() and not paths.intersection(map(str, PurePosixPath(path).parents))
    )


def _below(root: Path, top: str) -> Iterator[tuple[str, bool]]:
    """Yield the path of each file below a folder, and of each linked folder with True, sorted."""
    for parent, folders, names in os.walk(root / top):
        folders.sort()
        inside = Path(parent).relative_to(root).as_posix()
        yield from ((f"{inside}/{name}", True) for name in folders if os.path.islink(f"{parent}/{name}"))
        yield from ((f"{inside}/{name}", False) for name in sorted(names))


def _why(root: Path, path: str) -> str | None:
    """Return why a file is hidden, as the rest of a sentence; None for a visible one."""
    file = PurePosixPath(path)
    if "__pycache__" in file.parts or file.suffix == ".pyc":
        return "has the place or the name of a compiled module, so that records and DVC leave it out"
    if file.name == ".gitignore" and not is_hidden(str(file.parent)):
        return None if _holds_patterns(root / path) else "has the name of a list of patterns and holds something else"
    return "is hidden by its name" if is_hidden(path) else None


def _holds_patterns(path: Path) -> bool:
    try:
        lines = path.read_text(encoding="utf-8").splitlines() if path.stat().st_size <= MAX_PATTERNS else None
    except (OSError, UnicodeDecodeError):
        return False
    return lines is not None and all(len(line) <= MAX_PATTERN and line.isprintable() for line in lines)


def _rule_of_dvcignore(root: Path) -> Callable[[str], bool]:
    """Return a function that tells whether an unusual line of the project's .dvcignore hides a path."""
    path = root / IGNORED
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []
    unusual = [line for line in lines if line.strip() and not line.startswith("#") and line.strip() not in USUAL]
    if not unusual:
        return lambda path: False
    from pathspec import GitIgnoreSpec

    return GitIgnoreSpec.from_lines(unusual).match_file


def _stages(audited: AuditedProject, path: str) -> tuple[str, ...]:
    """Return the stages that make or read a path."""
    above = {path, *map(str, PurePosixPath(path).parents)}
    stages = audited.project.stages.items()
    return tuple(name for name, stage in stages if not above.isdisjoint((*stage.outs, *stage.inputs)))
