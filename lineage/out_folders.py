"""Check of the folders in which stages write: none may be a symbolic link.

DVC refuses an out below a link only after its stage has run, and Git does not see the files behind a link.
"""

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from tasks.runtime.errors import BreathlineError


def check(root: Path, outs: Iterable[str]) -> None:
    """Check that no folder above an out is a symbolic link; an out itself may be one.

    Raises:
        BreathlineError: A folder, such as `data`, is a link to another place.
    """
    link = first_link(root, outs)
    if link is not None:
        raise BreathlineError(
            f"The folder {link} is a symbolic link, below which DVC and Git keep no outs.",
            where=f"{root / link} -> {(root / link).readlink()}",
            hint="replace it with a folder. For space on another disk, keep DVC's cache there (`dvc cache dir --local "
            "FOLDER`), mount the disk at this place, or move the whole project",
        )


def first_link(root: Path, outs: Iterable[str]) -> PurePosixPath | None:
    """Return the first folder above an out, below the project's root, that is a symbolic link; None without such."""
    folders = dict.fromkeys(folder for out in outs for folder in reversed(PurePosixPath(out).parents))
    return next((folder for folder in folders if folder.parts and (root / folder).is_symlink()), None)
