"""Copy of a source's files into a folder."""

from collections.abc import Mapping
from pathlib import Path

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from tasks.runtime.disk_errors import disk_errors, require_space
from tasks.runtime.errors import BreathlineError
from tasks.runtime.stage import console
from tasks.sources.collection import Member


def copy(members: Mapping[str, Member], folder: Path) -> None:
    """Copy files to a new folder under new names, with a progress bar.

    Args:
        members: Files by new name.
        folder: The new folder.

    Raises:
        DiskError: The disk has too little space.
        BreathlineError: A file does not have the size that its source gives.
    """
    folder.mkdir(parents=True)
    total = sum(member.size for member in members.values())
    require_space(folder, total)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console(), disable=not console().is_terminal) as progress:
        bar = progress.add_task("recordings", total=total)
        for name, member in members.items():
            left = member.size
            with disk_errors(folder / name), (folder / name).open("xb") as file:
                for chunk in member.chunks():
                    left -= len(chunk)
                    if left < 0:
                        break
                    file.write(chunk)
                    progress.advance(bar, len(chunk))
            if left:
                raise BreathlineError(
                    f"{name} does not have the size that its source gives.", where=member.origin, hint="fetch it again"
                )
