"""Search for a patient in every file of every out."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lineage import graph
from lineage.absence import fingerprint as prints
from lineage.absence.file_search import FileSearch, Remnant
from lineage.absence.fingerprint import Fingerprint
from lineage.corpora import SEPARATOR
from lineage.diff import runs
from lineage.diff.runs import FolderRun, Run
from tasks import artifacts
from tasks.artifacts import CorpusFolders, Role
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
        patient: Patient in the form ``patient:101``, or ``patient:demo:101`` with the name of the corpus.
        before: Run that has the patient: a revision or a folder. By default, the last commit of dvc.lock with such a
            run.

    Raises:
        BreathlineError: The text names no patient, the earlier run does not have the patient, or several corpora do.
    """
    named = patient.removeprefix(PREFIX)
    if not named or named == patient:
        raise BreathlineError(f"`{patient}` does not name a patient.", hint="write, for example, patient:101")
    corpus, _, number = named.rpartition(SEPARATOR)
    if before is None:
        return search(root, number, prints.take_from_history(root, number, corpus or None), corpus or None)
    known = prints.take(runs.open_run(before, root), number, corpus or None)
    if known is None:
        hint = "name a run that has the patient; DVC's cache must hold the tables of a revision (`dvc fetch`)"
        raise BreathlineError(f"{before} has no tables with patient {named}.", where="--before", hint=hint)
    return search(root, number, known, corpus or None)


def search(root: Path, patient: str, known: Fingerprint | None, corpus: str | None = None) -> Absence:
    """Search for a patient's id in the outs of all stages; without known hashes, only for names and ids.

    Args:
        root: Root of the project.
        patient: Id of the patient.
        known: Hashes of the patient's data in an earlier run.
        corpus: Name of the patient's corpus, if the hashes do not tell it.

    Raises:
        BreathlineError: dvc.yaml, params.yaml or a JSON file cannot be read.
        OSError: A file cannot be read.
    """
    stages = graph.read(root)
    makers = {out: name for name, stage in stages.items() for out in stage.outs}
    configured = settings.configured(params.read(root / params.PARAMS))
    name = known.corpus.name if known else corpus
    own = next((one for one in configured if one.name == name), None)
    formats = [given.format for one, given in configured.items() if own in (None, one)]
    searched = FileSearch(root, patient, known, dict.fromkeys(formats))
    homonyms = _homonyms(FolderRun(".", root), patient, own) if own else []
    found = {file: out for out in makers for file in _files(root, out)}
    for file in sorted(found):
        owners = _owners(makers[found[file]], file, configured)
        searched.add_file(file, by_name=not any(one in homonyms for one in owners))
    counted: dict[str, Any] | None = None
    if known:
        counted = {"taken_of": known.taken_of, "unread": list(known.unread)}
        counted |= {"files": len(known.files), "rows": len(known.rows), "weights": len(known.learned)}
    return Absence(
        patient=patient,
        corpus=name,
        setting=f"{settings.SECTIONS[own.role]}.{own.name}.exclude_patients" if own else None,
        homonyms=tuple(one.name for one in homonyms),
        traces=tuple(searched.remnants),
        files=len(found),
        rows=searched.rows,
        known_by=counted,
        not_there=tuple(out for out in makers if not (root / out).exists()),
    )


def _homonyms(run: Run, patient: str, own: CorpusFolders) -> list[CorpusFolders]:
    """Return the other corpora that have a patient of this number."""
    found = []
    for corpus in run.corpora:
        table = run.table((corpus.tables / artifacts.RECORDINGS.name).as_posix(), ["patient_id"])
        if corpus != own and table is not None and patient in table["patient_id"].to_pylist():
            found.append(corpus)
    return found


def _owners(stage: str, file: str, corpora: Collection[CorpusFolders]) -> list[CorpusFolders]:
    """Return the corpora whose recordings a file of a stage may name."""
    corpus = artifacts.corpus_of(stage)
    if corpus is not None:
        return [corpus[1]]
    role: Role = "external" if file == artifacts.EXTERNAL_PREDICTIONS.as_posix() else "training"
    return [one for one in corpora if one.role == role]


def _files(root: Path, out: str) -> list[str]:
    path = root / out
    found = [path] if path.is_file() else path.rglob("*")
    return [str(file.relative_to(root)) for file in found if file.is_file()]
