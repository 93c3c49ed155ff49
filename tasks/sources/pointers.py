"""Pointers of Git LFS and git-annex: small texts in the place of files that were not fetched."""

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from tasks.runtime.errors import BreathlineError
from tasks.runtime.words import counted, listed
from tasks.sources.collection import Member

MAX_BYTES = 1024  # of a pointer; that of Git LFS has some 130
# Tools by the beginning of their pointers, and the commands that fetch the files.
_COMMANDS = {"Git LFS": "git lfs pull", "git-annex": "git annex get ."}
_BEGINNINGS = {b"version https://git-lfs": "Git LFS", b"/annex/objects/": "git-annex"}
_ANNEX_LINK = b".git/annex/objects/"  # a link of git-annex, written as a text where there are no links


def tool(content: bytes) -> str | None:
    """Return the tool whose pointer a file is: `Git LFS`, `git-annex`, or None for any other file.

    Args:
        content: The file's bytes, or at least the first `MAX_BYTES` of them.
    """
    if content.startswith(b"../") and _ANNEX_LINK in content[:MAX_BYTES].split(b"\n")[0]:
        return "git-annex"
    return next((name for start, name in _BEGINNINGS.items() if content.startswith(start)), None)


def check(members: Iterable[Member], where: object) -> None:
    """Refuse pointers in the place of files, and name them.

    Args:
        members: Files of a source.
        where: The source, for the error message.

    Raises:
        BreathlineError: A file is a pointer.
    """
    found: dict[str, list[str]] = {}
    for member in members:
        if member.size <= MAX_BYTES and (name := tool(b"".join(member.chunks()))):
            found.setdefault(name, []).append(PurePosixPath(member.name).name)
    for name, pointers in found.items():
        verb = "was" if len(pointers) == 1 else "were"
        raise refusal(name, f"{counted(len(pointers), 'file')} ({listed(sorted(pointers))}) {verb}", where)


def check_archive(path: Path) -> None:
    """Refuse a pointer in the place of an archive.

    Raises:
        BreathlineError: The file is a pointer.
    """
    with path.open("rb") as file:
        if name := tool(file.read(MAX_BYTES)):
            raise refusal(name, "The archive was", path)


def refusal(name: str, what: str, where: object) -> BreathlineError:
    """Return the error of pointers.

    Args:
        name: Name of the tool.
        what: Number and names of the files, and a verb.
        where: The source.
    """
    return BreathlineError(
        f"{what} not fetched: only pointers of {name} are here.",
        where=where,
        hint=f"run `{_COMMANDS[name]}` in the repository that they come from, and use its files",
    )
