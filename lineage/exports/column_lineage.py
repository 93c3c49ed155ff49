"""Columns that stages copy from one table to another unchanged, cell by cell."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from lineage.project import Project, Record
from models.file_reading import open_table
from tasks import artifacts
from tasks.artifacts import CorpusFolders
from tasks.runtime.artifact_reading import as_artifact_error

Column = tuple[str, str]  # path of a table, and name of its column
IDS = ("corpus", "cycle_id", "recording_id", "patient_id")
POOLED = {path.as_posix(): path.name for path in (artifacts.RECORDINGS, artifacts.CYCLES)}


def sources(project: Project, made: Record, out: str, columns: Iterable[str]) -> dict[str, list[Column]]:
    """Return the columns from which the columns of a table were copied, by name; no other columns.

    Args:
        project: The project.
        made: Record of the stage that made the table.
        out: Path of the table.
        columns: Names of the columns of the table.
    """
    given = list(_tables(project, made, out))
    found = {}
    for name in columns:
        origin = [
            (path, source) for path, kept, names in given if (source := names.get(name)) is not None and source in kept
        ]
        if origin:
            found[name] = origin
    return found


def _tables(project: Project, made: Record, out: str) -> Iterator[tuple[str, frozenset[str], Mapping[str, str]]]:
    """Yield path and columns of each table that an out copies from, and the source of each copied column."""
    if out in POOLED:
        for folders in _corpora(project, "training"):
            path = (folders.tables / POOLED[out]).as_posix()
            columns = _columns(project.root / path)
            yield path, columns, {name: name for name in columns}
    elif out == artifacts.PREDICTIONS.as_posix():
        path = artifacts.CYCLES.as_posix()
        yield path, _columns(project.root / path), _keys(made)
    elif out == artifacts.EXTERNAL_PREDICTIONS.as_posix():
        for folders in _corpora(project, "external"):
            path = (folders.tables / artifacts.CYCLES.name).as_posix()
            yield path, _columns(project.root / path), _keys(made)


def _keys(made: Record) -> dict[str, str]:
    """Return the column of cycles from which each column of predictions was copied; the label is that of the run."""
    return {name: name for name in IDS} | {"label": made["params"]["labels"]}


def _corpora(project: Project, role: artifacts.Role) -> list[CorpusFolders]:
    return [folders for folders in project.corpora if folders.role == role]


def _columns(path: Path) -> frozenset[str]:
    if not path.is_file():
        return frozenset()
    with as_artifact_error(), open_table(path) as table:
        return frozenset(table.schema_arrow.names)
