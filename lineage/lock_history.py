"""Earlier versions of dvc.lock in Git: what each stage read and made at each commit."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

from lineage import git
from lineage.dvc_storage import LOCK
from tasks.runtime import yaml_files
from tasks.runtime.errors import BreathlineError

LIMIT = 200  # commits whose dvc.lock is read, the newest ones
STAGE = re.compile(r"^  (\S.*):\n", re.MULTILINE)  # a stage's name in the form that DVC writes


@dataclass(frozen=True)
class Block:
    """Entry of a stage in a dvc.lock that Git holds."""

    stage: str  # name in DVC
    commit: str  # newest commit whose dvc.lock says so
    text: str  # lines of dvc.lock

    @cached_property
    def given(self) -> Mapping[str, Any]:
        """The keys of the stage (`cmd`, `deps`, `params`, `outs`); none if the lines cannot be read."""
        try:
            found = yaml_files.parse(self.text, Path(LOCK))
        except BreathlineError:
            return {}
        given = next(iter(found.values()), None) if isinstance(found, dict) else None
        return given if isinstance(given, dict) else {}


def commits(root: Path) -> list[str]:
    """Return all commits that changed dvc.lock, newest first: of branches, tags, stashes, experiments and reflogs.

    None outside of a Git repository.
    """
    path = f":(top){git.prefix(root)}{LOCK}"
    listed = git.ask_git(root, "log", "--all", "--reflog", "--full-history", "--format=%H", "--", path)
    return (listed or "").split()


def blocks(root: Path, found_in: Iterable[str] | None = None) -> list[Block]:
    """Return the different blocks of all stages in dvc.lock, from the newest commits that changed the file.

    A block is read only when its keys are asked for; a whole history of locks would take a minute.

    Args:
        root: Root of the project.
        found_in: The commits, newest first; None for the newest that `commits` finds.
    """
    newest = commits(root)[:LIMIT] if found_in is None else found_in
    found: dict[str, Block] = {}
    for commit, content in git.versions(root, LOCK, newest):
        for stage, text in split(content.decode(errors="replace")):
            found.setdefault(text, Block(stage, commit, text))
    return list(found.values())


def split(text: str) -> Iterator[tuple[str, str]]:
    """Yield name and lines of each stage in the text of a dvc.lock."""
    found = [*STAGE.finditer(text, max(0, text.find("\nstages:\n")))]
    places = pairwise([*(one.start() for one in found), len(text)])
    for one, (start, end) in zip(found, places, strict=True):
        yield one[1].strip("'\""), text[start:end].rstrip("\n")
