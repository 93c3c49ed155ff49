"""Search for a patient in every file of every out."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lineage import graph
from lineage.absence import fingerprint as prints
from lineage.absence import withdrawals
from lineage.absence.file_search import FileSearch, Remnant
from lineage.absence.fingerprint import Fingerprint
from lineage.corpora import SEPARATOR
from lineage.diff import runs
from lineage.diff.runs import FolderRun, Run
from tasks import artifacts
from tasks.artifacts import CorpusFolders
from tasks.corpora import settings
from tasks.runtime import params
from tasks.runtime.errors import BreathlineError

PREFIX = "patient:"


@dataclass(frozen=True, kw_only=True)
class Absence:
    """Result of a search."""

    patient: str  # id of the patient
    corpus: str | None  # name of the patient's corpus; None if neither the question nor an earlier run tells it
    setting: str | None  # key of params.yaml that leaves the patient out; None for an unknown corpus
    homonyms: tuple[str, ...]  # other corpora with a patient of this number, whose files were searched by hash alone
    traces: tuple[Remnant, ...]  # data of the patient that were found, by path
    files: int  # number of files that were searched
    rows: int  # number of rows of numbers, such as waveforms and features, whose hashes were compared
    # earlier run that provided the hashes, and the number of hashes of each kind; None for a search by name alone
    known_by: Mapping[str, Any] | None
    not_there: tuple[str, ...]  # outs that are missing, and files that cannot be read or unpacked: not searched

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
        patient: Patient in the form ``patient:101``, or ``patient:demo:101`` with the name of the corpus.
        before: Run that has the patient: a revision or a folder. By default, the last commit of dvc.lock with such a
            run, or the hashes that `breathline withdraw` has kept.

    Raises:
        BreathlineError: The text names no patient, the earlier run does not have the patient, or several corpora do.
    """
    corpus, number = parse(patient)
    if before is None:
        known = prints.take_from_history(root, number, corpus)
        withdrawn = withdrawals.find(root, number, corpus) if known is None else None
        return search(root, number, withdrawn.known if withdrawn else known, corpus)
    known = prints.take(runs.open_run(before, root), number, corpus)
    if known is None:
        hint = "name a run that has the patient; DVC's cache must hold the tables of a revision (`dvc fetch`)"
        what = f"{before} has no tables with patient {patient.removeprefix(PREFIX)}."
        raise BreathlineError(what, where="--before", hint=hint)
    return search(root, number, known, corpus)


def parse(patient: str) -> tuple[str | None, str]:
    """Return the name of the corpus, where it is given, and the patient's id of ``patient:101``.

    Raises:
        BreathlineError: The text names no patient.
    """
    named = patient.removeprefix(PREFIX)
    corpus, _, number = named.rpartition(SEPARATOR)
    if not number or named == patient:
        raise BreathlineError(f"`{patient}` does not name a patient.", hint="write, for example, patient:101")
    return corpus or None, number


def search(root: Path, patient: str, known: Fingerprint | None, corpus: str | None = None) -> Absence:
    """Search for a patient's id in the outs of all stages; without known hashes, only for names and ids.

    Args:
        root: Root of the project.
        patient: Id of the patient.
        known: Hashes of the patient's data in an earlier run.
        corpus: Name of the patient's corpus, if the hashes do not tell it.

    A file that cannot be read is listed in `not_there`.

    Raises:
        BreathlineError: dvc.yaml or params.yaml cannot be read.
    """
    searched, own = searcher(root, patient, known, corpus)
    makers = outs(root)
    found = {file: out for out in makers for file in _files(root, out)}
    for file in sorted(found):
        searched.try_file(file)
    counted: dict[str, Any] | None = None
    if known:
        counted = {"taken_of": known.taken_of, "unread": list(known.unread)}
        counted |= {"files": len(known.files), "rows": len(known.rows), "weights": len(known.learned)}
    return Absence(
        patient=patient,
        corpus=known.corpus.name if known else corpus,
        setting=f"{settings.SECTIONS[own.role]}.{own.name}.exclude_patients" if own else None,
        homonyms=tuple(one.name for one in searched.homonyms),
        traces=tuple(searched.remnants),
        files=len(found),
        rows=searched.rows,
        known_by=counted,
        not_there=(*(out for out in makers if not (root / out).exists()), *searched.unread),
    )


def searcher(
    root: Path, patient: str, known: Fingerprint | None, corpus: str | None = None
) -> tuple[FileSearch, CorpusFolders | None]:
    """Return a search for a patient in the files of a project, and the patient's corpus in params.yaml.

    Args:
        root: Root of the project.
        patient: Id of the patient.
        known: Hashes of the patient's data in an earlier run.
        corpus: Name of the patient's corpus, if the hashes do not tell it.

    Raises:
        BreathlineError: params.yaml cannot be read.
    """
    configured = settings.configured(params.read(root / params.PARAMS))
    name = known.corpus.name if known else corpus
    own = next((one for one in configured if one.name == name), None)
    formats = dict.fromkeys(given.format for one, given in configured.items() if own in (None, one))
    homonyms = _homonyms(FolderRun(".", root), patient, own) if own else []
    return FileSearch(root, patient, known, formats, own, homonyms), own


def outs(root: Path) -> dict[str, str]:
    """Return the stage of each out of a project, by path."""
    return {out: name for name, stage in graph.read(root).items() for out in stage.outs}


def _homonyms(run: Run, patient: str, own: CorpusFolders) -> list[CorpusFolders]:
    """Return the other corpora that have a patient of this number."""
    found = []
    for corpus in run.corpora:
        table = run.table((corpus.tables / artifacts.RECORDINGS.name).as_posix(), ["patient_id"])
        if corpus != own and table is not None and patient in table["patient_id"].to_pylist():
            found.append(corpus)
    return found


def _files(root: Path, out: str) -> list[str]:
    path = root / out
    found = [path] if path.is_file() else path.rglob("*")
    return [str(file.relative_to(root)) for file in found if file.is_file()]
