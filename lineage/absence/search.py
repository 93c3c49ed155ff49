"""Search for a patient in every file of every out."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lineage import graph
from lineage.absence import fingerprint as prints
from lineage.absence.file_search import FileSearch, Remnant
from lineage.absence.fingerprint import Fingerprint
from lineage.diff import runs
from tasks.runtime.errors import BreathlineError

PREFIX = "patient:"


@dataclass(frozen=True, kw_only=True)
class Absence:
    """Result of a search."""

    patient: str  # id of the patient
    traces: tuple[Remnant, ...]  # data of the patient that were found, by path
    files: int  # number of files that were searched
    rows: int  # number of rows of numbers, such as waveforms and features, whose hashes were compared
    # earlier run that provided the hashes, and the number of hashes of each kind; None for a search by name alone
    known_by: Mapping[str, Any] | None
    not_there: tuple[str, ...]  # outs that are missing and were not searched

    @property
    def proven(self) -> bool:
        """True if all outs were searched by hash and nothing was found; a search by name misses renamed samples."""
        searched = self.files > 0 and not self.not_there
        return searched and not self.traces and self.known_by is not None and not self.known_by["unread"]

    def as_json(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        return asdict(self) | {"proven": self.proven}


def find(root: Path, patient: str, before: str | None = None) -> Absence:
    """Search for a patient, with the hashes of an earlier run.

    Args:
        root: Root of the project.
        patient: Patient in the form ``patient:101``.
        before: Run that has the patient: a revision or a folder. By default, the last commit of dvc.lock with such a
            run.

    Raises:
        BreathlineError: The text names no patient, or the earlier run does not have the patient.
    """
    number = patient.removeprefix(PREFIX)
    if not number or number == patient:
        raise BreathlineError(f"`{patient}` does not name a patient.", hint="write, for example, patient:101")
    if before is None:
        return search(root, number, prints.take_from_history(root, number))
    known = prints.take(runs.open_run(before, root), number)
    if known is None:
        hint = "name a run that has the patient; DVC's cache must hold the tables of a revision (`dvc fetch`)"
        raise BreathlineError(f"{before} has no tables with patient {number}.", where="--before", hint=hint)
    return search(root, number, known)


def search(root: Path, patient: str, known: Fingerprint | None) -> Absence:
    """Search for a patient's id in the outs of all stages; without known hashes, only for names and ids.

    Raises:
        BreathlineError: dvc.yaml, params.yaml or a JSON file cannot be read.
        OSError: A file cannot be read.
    """
    outs = list(dict.fromkeys(out for stage in graph.read(root).values() for out in stage.outs))
    files = sorted({file for out in outs for file in _files(root, out)})
    searched = FileSearch(root, patient, known)
    for name in files:
        searched.add_file(name)
    counted: dict[str, Any] | None = None
    if known:
        counted = {"taken_of": known.taken_of, "unread": list(known.unread)}
        counted |= {"files": len(known.files), "rows": len(known.rows), "weights": len(known.learned)}
    return Absence(
        patient=patient,
        traces=tuple(searched.remnants),
        files=len(files),
        rows=searched.rows,
        known_by=counted,
        not_there=tuple(out for out in outs if not (root / out).exists()),
    )


def _files(root: Path, out: str) -> list[str]:
    path = root / out
    found = [path] if path.is_file() else path.rglob("*")
    return [str(file.relative_to(root)) for file in found if file.is_file()]
