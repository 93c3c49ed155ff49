"""Folder from which this process imports Breathline, compared with the project in which it works.

Stages run the code of the project. In a Git worktree with the environment of another clone, the command line and the
flows would be those of that clone.
"""

from pathlib import Path

from tasks.runtime.errors import BreathlineError

PACKAGES = ("breathline", "cli", "flows", "lineage", "tasks", "models")
OWN = Path(__file__).resolve().parents[1]


def is_other_tree(root: Path) -> bool:
    """Return whether a project has code of its own, and this process imports Breathline from another folder."""
    return (root / "cli" / "main.py").is_file() and root.resolve() != OWN


def check(root: Path) -> None:
    """Check that the code of this process equals that of the project.

    Raises:
        BreathlineError: A module of another folder differs from that of the project.
    """
    differing = _differing_modules(root.resolve()) if is_other_tree(root) else []
    if differing:
        raise BreathlineError(
            f"This process runs Breathline of {OWN}, and the stages of the project would run other code.",
            where=", ".join(differing[:3]) + (f" and {len(differing) - 3} more" if len(differing) > 3 else ""),
            hint=f"start it in the project: `cd {root.resolve()}`, with the environment that `make setup` makes there",
        )


def _differing_modules(root: Path) -> list[str]:
    trees = (OWN, root)
    names = {path.relative_to(tree) for tree in trees for name in PACKAGES for path in (tree / name).rglob("*.py")}
    return sorted(name.as_posix() for name in names if len({_bytes(tree / name) for tree in trees}) > 1)


def _bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None
