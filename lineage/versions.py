"""Names of model versions in Git, DVC and GTO.

In a folder of a larger repository, DVC and GTO put the path of the project before the name of a model.
"""

from pathlib import Path

from lineage import git
from tasks.runtime.errors import BreathlineError


def full_name(root: Path, name: str) -> str:
    """Return DVC's and GTO's name of a model: ``sub/project:student`` in a folder of a larger repository.

    Raises:
        BreathlineError: The path of the project cannot be part of a name.
    """
    from gto.constants import fullname_re

    folder = git.prefix(root).rstrip("/")
    if folder and not fullname_re.match(f"{folder}:{name}"):
        what = f"The path `{folder}` of the project in its Git repository cannot be part of a version's name."
        raise BreathlineError(what, where=root, hint="use letters, digits, `-`, `_`, `.` and `/` in names of folders")
    return f"{folder}:{name}" if folder else name


def tag_of(root: Path, version: str) -> str:
    """Return the Git tag of a version, such as ``student@v1.2.0``."""
    from gto.constants import name_to_tag

    name, at, number = version.partition("@")
    return f"{name_to_tag(full_name(root, name))}{at}{number}"


def commit_of(root: Path, name: str) -> str | None:
    """Return the commit of a Git revision or of a model's version, such as ``student@v1.2.0``; None without such."""
    found = git.commit_of(root, name)
    return git.commit_of(root, tag_of(root, name)) if found is None and "@" in name and git.prefix(root) else found
