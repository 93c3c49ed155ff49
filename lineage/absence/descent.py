"""Descent of stored objects: those that were made from data of a patient, directly or through other runs.

A run read the patient if one of its deps holds data of the patient or was made by such a run. So did a run with an out,
such as its record, that names the patient. An object that a run without the patient made with equal bytes is clean.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

from lineage.absence.stored_runs import StoredGraph, StoredRun
from lineage.dvc_storage import Cache
from tasks import artifacts

RAW = tuple(artifacts.CorpusFolders(role, "*").raw.parent.as_posix() for role in ("training", "external"))


@dataclass(frozen=True)
class _Run:
    """MD5 of what a run read and made, with the files of folders."""

    deps: frozenset[str]
    outs: frozenset[str]
    # `download` copies the files of a source: those of other patients descend from nobody else
    copies: bool


class Descent:
    """Objects that hold data of the patient, or descend from such data.

    Args:
        cache: DVC's cache, which has the listings of folders.
        graphs: Runs of all stores.
        with_patient: MD5 of the objects whose content shows the patient.
        earlier: MD5 that an earlier search has found; they may be erased by now, so that their content is unknown.
    """

    def __init__(
        self, cache: Cache, graphs: Iterable[StoredGraph], with_patient: Iterable[str], earlier: Iterable[str] = ()
    ) -> None:
        self.cache = cache
        self.graphs = list(graphs)
        self.with_patient = frozenset(with_patient)
        self.earlier = frozenset(earlier)
        self._listings: dict[str, frozenset[str]] = {}
        self._runs = {run for graph in self.graphs for run in self._of(graph)}
        self.produced = frozenset().union(*(run.outs for run in self._runs))
        self._in_question = self.produced | self.earlier

    @cached_property
    def from_patient(self) -> frozenset[str]:
        """MD5 of all that holds data of the patient or descends from such data, whether or not the cache has it."""
        return self.with_patient | (self._in_question - self.clean)

    @cached_property
    def clean(self) -> frozenset[str]:
        """MD5 of what a run without the patient made."""
        clean: set[str] = set()
        left = {run for run in self._runs if run.copies or self.with_patient.isdisjoint(run.outs)}
        ready: set[_Run] | None = None
        while ready is None or ready:
            ready = {run for run in left if all(self._is_clean(md5, clean) for md5 in run.deps)}
            left -= ready
            for run in ready:
                clean |= run.outs - self.with_patient - (self.earlier if run.copies else frozenset())
        return frozenset(clean)

    def concerns(self, graph: StoredGraph) -> bool:
        """Return whether a store names a run that read the patient, or an object with data of the patient."""
        return any(not self.from_patient.isdisjoint(run.deps | run.outs) for run in self._of(graph))

    def _is_clean(self, md5: str, clean: set[str]) -> bool:
        return md5 not in self.with_patient and (md5 in clean or md5 not in self._in_question)

    def _of(self, graph: StoredGraph) -> list[_Run]:
        outs = {path: md5 for run in graph.runs for path, md5 in run.outs.items()}
        return [self._run(run, outs) for run in graph.runs]

    def _run(self, run: StoredRun, outs: Mapping[str, str]) -> _Run:
        """Return a run with the files of folders; of a folder without listing, with the outs below it."""
        below = {md5 for path in run.deps for out, md5 in outs.items() if out.startswith(f"{path}/")}
        deps = {*run.deps.values(), *below}.union(*map(self._files, run.deps.values()))
        made = set(run.outs.values()).union(*map(self._files, run.outs.values()))
        copies = any(PurePosixPath(path).parent.as_posix() in RAW for path in run.outs)
        return _Run(frozenset(deps), frozenset(made), copies)

    def _files(self, md5: str) -> frozenset[str]:
        """Return the MD5 of the files of a folder; none without its listing."""
        if not md5.endswith(".dir"):
            return frozenset()
        if md5 not in self._listings:
            self._listings[md5] = frozenset(self.cache.files("", md5).values())
        return self._listings[md5]
