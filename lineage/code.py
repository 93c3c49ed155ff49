"""State of the code and the environment of a stage: modules, Git, lock file and installed packages."""

import hashlib
import os
import platform
import re
import sys
import sysconfig
from importlib import metadata
from pathlib import Path
from typing import Any

from lineage.git import ask_git, blobs, commit_of, origin, prefix, tree_at
from tasks.runtime.files import sha256

PACKAGES = ("tasks", "models", "lineage", "flows", "breathline", "cli")  # packages of a project
WATCHING = ("lineage", "flows", "breathline", "cli")  # packages that make no outs
CATALOGUE = Path("tasks/artifacts.py")  # dvc.yaml has the same paths
INSTALLED, STANDARD = f"{os.sep}site-packages{os.sep}", (sysconfig.get_path("stdlib") + os.sep, "<frozen")
# Environment variable of a worker: the commit whose working tree another machine sent as the checked-out commit.
BASE = "BREATHLINE_GIT_BASE"
# Options of a diff whose text does not depend on the user's settings; paths are those below the project's root.
DIFF = ("--no-color", "--no-ext-diff", "--binary", "--relative", "--src-prefix=a/", "--dst-prefix=b/")
# Paths that stages write and DVC versions.
NO_CODE = (":!data", ":!reports", ":!dvc.lock", ":!.gitignore", ":!*/.gitignore")


def imported_modules(root: Path) -> dict[str, str]:
    """Return the SHA-256 of each module of the project that this process has imported to make outs, by path."""
    found: dict[str, str] = {}
    resolved = root.resolve()
    for module in list(sys.modules.values()):
        path = getattr(module, "__file__", None)
        # Most modules are installed. Their paths alone exclude them, because `resolve` reads the disk.
        if path is None or INSTALLED in path or path.startswith(STANDARD):
            continue
        file = Path(path).resolve()
        # Some modules, such as torch._ops, name a file that does not exist.
        if file.is_relative_to(resolved) and file.is_file():
            inside = file.relative_to(resolved)
            if inside.parts[0] not in WATCHING and inside != CATALOGUE:
                found[str(inside)] = sha256(file)
    return dict(sorted(found.items()))


def git_state(root: Path) -> dict[str, Any] | None:
    """Return the state of the code in Git, or None outside of a repository or without Git.

    Returns:
        ``commit`` (None before the first), ``shallow`` and ``dirty``. The tree is dirty where tracked files differ
        from the commit or new modules exist; files that stages make do not count. A dirty state also has ``diff``
        (text), ``diff_sha256`` and ``untracked`` (SHA-256 by path). On a worker, the commit is the one that the run was
        started from, and the diff is what the sender's working tree added.
    """
    if ask_git(root, "rev-parse", "--is-inside-work-tree") != "true" or ask_git(root, "check-ignore", ".") is not None:
        return None
    copied = origin(root)
    paths = ["--", ".", *NO_CODE, *(f":!{name}" for name in (copied["left_out"] if copied else ()))]
    commit = commit_of(root, copied["commit"] if copied else os.environ.get(BASE, "HEAD"))
    base = (
        (tree_at(root, commit) if copied else commit)
        if commit
        else ask_git(root, "hash-object", "-t", "tree", os.devnull)
    )
    diff = ask_git(root, "diff", *DIFF, str(base), *paths) or ""
    names = {*_new_files(root), *_hidden_changes(root, str(base))}
    untracked = {name: sha256(root / name) for name in sorted(names) if (root / name).is_file()}
    state: dict[str, Any] = {
        "commit": commit,
        "shallow": ask_git(root, "rev-parse", "--is-shallow-repository") == "true",
        "dirty": bool(diff or untracked),
    }
    if state["dirty"]:
        state |= {"diff": diff, "diff_sha256": hashlib.sha256(diff.encode()).hexdigest(), "untracked": untracked}
    return state


def _new_files(root: Path) -> list[str]:
    """Return the paths of code that Git does not track; a pattern that ignores files does not hide modules."""
    asked = ("ls-files", "-z", "--others")
    listed = ask_git(root, *asked, "--exclude-standard", "--", "*.py", "*.yaml", *NO_CODE) or ""
    modules = ask_git(root, *asked, "--", *(f"{package}/*.py" for package in PACKAGES)) or ""
    return [name for name in (listed + "\0" + modules).split("\0") if name]


def _hidden_changes(root: Path, base: str) -> list[str]:
    """Return the paths of changed files that `git diff` leaves out, because `git update-index` has marked them."""
    listed = ask_git(root, "ls-files", "-v", "-z", "--", ".", *NO_CODE) or ""
    marked = [line[2:] for line in listed.split("\0") if line[:1] == "S" or line[:1].islower()]
    present = [name for name in marked if (root / name).is_file()]
    if not present:
        return []
    start = base if base.endswith((":", "/")) else f"{base}:{prefix(root)}"
    committed = blobs(root, [f"{start}{name}" for name in present])
    return [name for name in present if committed.get(f"{start}{name}") != (root / name).read_bytes()]


def environment(root: Path) -> dict[str, Any]:
    """Return Python's version, the hash of the lock file and the versions of all installed packages."""
    lock = root / "requirements.lock"
    # Python imports the first of two distributions of one name. In reverse order the first one overwrites the second.
    installed = dict(map(_name_and_version, reversed(list(metadata.distributions()))))
    return {
        "python": platform.python_version(),
        "lock_sha256": sha256(lock) if lock.is_file() else None,
        "packages": dict(sorted(installed.items())),
    }


def _name_and_version(found: metadata.Distribution) -> tuple[str, str]:
    """Return name and version of an installed package from two lines of its metadata; full parsing is slow."""
    text = found.read_text("METADATA") or ""
    name, version = (re.search(f"^{key}: (.+)$", text, re.MULTILINE) for key in ("Name", "Version"))
    return (name[1].lower(), version[1]) if name and version else (found.name.lower(), found.version)
