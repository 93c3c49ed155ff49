"""A finished run in which one stage has never run, and what its files must look like after any fault."""

import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from lineage import graph
from tests import toy
from tests.pipeline import runs

CACHE = Path(".dvc/cache/files/md5")


def copy(run: Path, folder: Path) -> Path:
    """Return a copy of a run at the commit from which its stages ran, which their records name."""
    runs.copy(run, folder)
    toy.call(folder, "git", "reset", "--quiet", "HEAD~1")
    return folder


def forget(project: Path, stage: graph.Stage) -> None:
    """Remove the outs of a stage, its objects in DVC's cache, and the run cache; dvc.lock stays."""
    remove_outs(project, stage)
    shutil.rmtree(project / ".dvc/cache/runs", ignore_errors=True)
    lock = runs.locked(project)
    kept = {name for other, entry in lock.items() if other != stage.name for name in _objects(project, entry)}
    for path in (project / CACHE).glob("*/*"):
        if path.parent.name + path.name not in kept:
            path.chmod(0o600)
            path.unlink()


def remove_outs(project: Path, stage: graph.Stage) -> None:
    """Remove the outs of a stage, as DVC does before it runs."""
    for out in stage.outs:
        if (project / out).is_dir():
            shutil.rmtree(project / out)
        else:
            (project / out).unlink(missing_ok=True)


def outs(project: Path, stage: graph.Stage) -> dict[str, str]:
    """Return the SHA-256 of each file in the outs of a stage, by its path; a hidden file is being written."""
    found = [path for out in stage.outs for path in ((project / out), *(project / out).rglob("*"))]
    return {
        str(path.relative_to(project)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in found
        if path.is_file() and not path.name.startswith(".")
    }


def torn_objects(project: Path) -> list[Path]:
    """Return the objects of DVC's cache whose content does not have the MD5 of their name."""
    return [
        path
        for path in (project / CACHE).glob("??/*")
        if re.fullmatch(r"[0-9a-f]{30}(\.dir)?", path.name)
        and hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
        != path.parent.name + path.name.removesuffix(".dir")
    ]


def _objects(project: Path, entry: dict[str, list[dict[str, str]]]) -> Iterator[str]:
    """Yield the names of the objects that an entry of dvc.lock needs, with the members of folders."""
    for out in [*entry.get("outs", []), *entry.get("deps", [])]:
        yield out["md5"]
        listing = project / CACHE / out["md5"][:2] / out["md5"][2:]
        if listing.suffix == ".dir" and listing.exists():
            yield from (member["md5"] for member in json.loads(listing.read_text()))


def left_over(project: Path) -> list[Path]:
    """Return temporary files among the artifacts, and checkpoints."""
    hidden = [
        path for name in ("data", "reports") for path in (project / name).rglob(".*") if path.name != ".gitignore"
    ]
    return [*hidden, *(project / ".checkpoints").glob("*")]
