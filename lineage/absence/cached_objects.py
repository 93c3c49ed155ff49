"""Search for a patient in DVC's cache and run-cache.

Objects are recognised by their content (names, ids, hashes), and by their descent, through all runs that a dvc.lock,
the run-cache or a record still names.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from lineage import cached_records
from lineage.absence import stored_runs
from lineage.absence.descent import Descent
from lineage.absence.file_search import FileSearch
from lineage.absence.stored_runs import WORKSPACES, StoredGraph
from lineage.dvc_storage import Cache


@dataclass(frozen=True, kw_only=True)
class CachedObjects:
    """Data of a patient in DVC's cache and run-cache, and the runs that they come from.

    Attributes:
        cache_folder: Folder of the cache.
        from_patient: MD5 of all data of the patient and all that was made from them, whether or not the cache has it.
        objects: Those that the cache has.
        with_patient: Objects whose content shows the patient, with a description.
        searched: Number of objects that were searched.
        bytes: Size of `objects` in bytes.
        entries: Entries of the run-cache that name such objects, or that cannot be read.
        commits: Commits that wrote a dvc.lock with a run that read the patient.
        locks: Git's names of these dvc.lock files.
        workspaces: Folders of workspaces with such a run, relative to the project.
    """

    cache_folder: Path
    from_patient: frozenset[str]
    objects: frozenset[str]
    with_patient: dict[str, str]
    searched: int
    bytes: int
    entries: tuple[Path, ...]
    commits: tuple[str, ...]
    locks: frozenset[str]
    workspaces: tuple[str, ...]


def search(root: Path, cache: Cache, searched: FileSearch, from_patient: Collection[str] = ()) -> CachedObjects:
    """Search a cache, and follow the descent of what holds data of the patient.

    Args:
        root: Root of the project.
        cache: DVC's cache.
        searched: Search for the patient.
        from_patient: MD5 that an earlier search has found; they stay, unless a run without the patient made them.
    """
    graphs = stored_runs.read(root, cache, searched.unread)
    with_patient = dict(by_content(cache, searched, _paths(cache, graphs)))
    present = frozenset(f"{path.parent.name}{path.name}" for path in cache.objects.glob("??/*"))
    md5_of = {digest: md5 for md5, digest in searched.digests.items() if md5 in present}
    recorded = list(_records(cache, md5_of, searched))
    descent = Descent(cache, [*graphs, *recorded], with_patient, from_patient)
    naming = [graph for graph in graphs if descent.concerns(graph)]
    folders = {graph.where.rpartition("/")[0] for graph in naming if graph.where.startswith(WORKSPACES)}
    return CachedObjects(
        cache_folder=cache.folder,
        from_patient=descent.from_patient,
        objects=descent.from_patient & present,
        with_patient=with_patient,
        searched=len(present),
        bytes=sum(cache.object(md5).stat().st_size for md5 in descent.from_patient & present),
        entries=tuple(graph.path for graph in graphs if graph.path and (graph in naming or not graph.runs)),
        commits=tuple(commit for graph in naming for commit in graph.commits),
        locks=frozenset(graph.blob for graph in naming if graph.blob),
        workspaces=tuple(sorted(folders)),
    )


def _records(cache: Cache, md5_of: Mapping[str, str], searched: FileSearch) -> Iterator[StoredGraph]:
    """Yield the runs of the records in a cache; one that cannot be read is noted as unread."""
    for path in (path for paths in cached_records.by_stage(cache).values() for path in paths):
        run = stored_runs.of_record(stored_runs.json_of(path), md5_of)
        if run is None:
            searched.unread.append(f"object {path.parent.name}{path.name} of DVC's cache: a damaged record")
        else:
            yield StoredGraph("record", (run,))


def by_content(cache: Cache, searched: FileSearch, paths: dict[str, set[str]]) -> Iterator[tuple[str, str]]:
    """Yield MD5 and description of each object of a cache whose content shows the patient.

    Args:
        cache: A cache, or the folder of a remote.
        searched: Search for the patient.
        paths: Known paths of objects by MD5, which show the metadata files among them.
    """
    for path in sorted(cache.objects.glob("??/*")):
        md5 = f"{path.parent.name}{path.name}"
        known = sorted(paths.get(md5, ()))
        name = known[0] if known else md5
        by_name = any(map(searched.may_name, known or [md5]))
        if remnants := searched.try_file(name, by_name=by_name, path=path):
            yield md5, remnants[0].what
        searched.digests[md5] = searched.digests.get(name, "")


def _paths(cache: Cache, graphs: list[StoredGraph]) -> dict[str, set[str]]:
    """Return the paths of the outs of all runs by MD5."""
    paths: dict[str, set[str]] = {}
    for run in (run for graph in graphs for run in graph.runs):
        for path, md5 in run.outs.items():
            for name, file in {path: md5, **cache.files(path, md5)}.items():
                paths.setdefault(file, set()).add(name)
    return paths
